//! Agents in files of their own.
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tollgate_config::settings::AgentEntry;

use crate::file;

/// More files than anybody keeps by hand, and more than one needs.
const FILES_MAX: usize = 10_000;
/// A thousand agents, at length.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a folder's agents cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum FolderFault {
    /// The folder or a file in it cannot be read.
    #[error("cannot read `agents_folder`, `{path}`: {reason}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file has mistakes; the text shows each with its place.
    #[error("{0}")]
    Mistakes(String),
    /// An agent stands in two places.
    #[error("agent `{id}` in `{path}` stands in {other}, too; keep one of the two", path = path.display())]
    Twice {
        /// Its id.
        id: String,
        /// The second place.
        path: PathBuf,
        /// The first.
        other: String,
    },
}

/// The files in a folder that hold agents, in order of their names. Hidden ones are not read: a
/// mounted ConfigMap keeps its machinery in them.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, FolderFault> {
    let unreadable = |reason: String| FolderFault::Unreadable { path: folder.to_owned(), reason };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(error.to_string()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(error.to_string()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let wanted =
            path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if wanted && !name.starts_with('.') && path.is_file() {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(unreadable(format!("it has more than {FILES_MAX} files")));
        }
    }
    files.sort();
    Ok(files)
}

/// The texts of those files, each with its path.
pub fn texts(folder: &Path) -> Result<Vec<(PathBuf, String)>, FolderFault> {
    let text = |path: PathBuf| {
        let unreadable = |reason: String| FolderFault::Unreadable { path: path.clone(), reason };
        let text = file::read_text(&path, FILE_BYTES_MAX);
        let text = text.map_err(|error| unreadable(error.to_string()))?.to_string();
        Ok((path, text))
    };
    files(folder)?.into_iter().map(text).collect()
}

/// The agents in the texts of a folder, beside those that are known already.
pub fn read(
    texts: &[(PathBuf, String)],
    known: &[AgentEntry],
) -> Result<Vec<AgentEntry>, FolderFault> {
    let mut places: HashMap<String, String> =
        known.iter().map(|agent| (agent.id.clone(), "the configuration".to_owned())).collect();
    let mut agents = Vec::new();
    for (path, text) in texts {
        let name = path.display().to_string();
        let found = tollgate_config::read_agents(text, &name)
            .map_err(|mistakes| FolderFault::Mistakes(mistakes.render(false)))?;
        for agent in found {
            if let Some(other) = places.insert(agent.id.clone(), format!("`{name}`")) {
                return Err(FolderFault::Twice { id: agent.id, path: path.clone(), other });
            }
            agents.push(agent);
        }
    }
    Ok(agents)
}
