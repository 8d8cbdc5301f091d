//! Where things are.
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text of a file, by its path from the top.
pub(crate) fn read(path: &str) -> String {
    let file = root().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("cannot read `{path}`: {error}"))
}

/// Every file of ours with this ending, by its path from the top. Nothing that was built or
/// installed.
pub(crate) fn files(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != "node_modules" && !name.starts_with('.') {
                    folders.push(entry.path());
                }
            } else if name.ends_with(ending) {
                let path = entry.path();
                let path = path.strip_prefix(root()).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there is no `*{ending}` at all: this search is broken");
    found
}

/// The names at the top: those in version control, else those in the folder that were not built.
pub(crate) fn top() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let mut names = match listed {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            let text = String::from_utf8(listed.stdout).unwrap();
            text.lines().map(|path| path.split('/').next().unwrap().to_owned()).collect()
        }
        _ => {
            let entries = std::fs::read_dir(root()).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        }
    };
    names.retain(|name| name != "target");
    names.sort();
    names.dedup();
    names
}

/// The pieces of a page between code fences of this language.
pub(crate) fn fenced(page: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}");
    let mut pieces = Vec::new();
    let mut piece: Option<String> = None;
    for line in page.lines() {
        match &mut piece {
            None if line == open => piece = Some(String::new()),
            None => {}
            Some(_) if line == "```" => pieces.extend(piece.take()),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    pieces
}
