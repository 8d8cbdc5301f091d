//! Folders, to their bottom and no further.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// How deep folders may lie. Nothing that people make is deeper.
const DEPTH_MAX: usize = 128;
/// How many files and folders are looked at below one.
const ENTRIES_MAX: usize = 10_000_000;

/// What a walk comes to.
pub(super) enum Found {
    /// A file; at the time it was no link, pipe or device.
    File(PathBuf),
    /// A place that cannot be read, or that is beyond a bound.
    Unreadable(PathBuf, io::Error),
}

/// The files below a folder, in the order of their names. No symbolic link is followed.
pub(super) struct Walk {
    top: PathBuf,
    open: Vec<Place>,
    entries: usize,
}

struct Place {
    path: PathBuf,
    depth: usize,
    folder: bool,
}

impl Walk {
    pub(super) fn new(top: &Path) -> Self {
        let place = Place { path: top.to_owned(), depth: 0, folder: true };
        Self { top: top.to_owned(), open: vec![place], entries: 0 }
    }

    pub(super) fn next(&mut self, exclusions: &Exclusions) -> Option<Found> {
        loop {
            let place = self.open.pop()?;
            if !place.folder {
                return Some(Found::File(place.path));
            }
            if let Err(error) = self.enter(&place, exclusions) {
                return Some(Found::Unreadable(place.path, error));
            }
        }
    }

    fn enter(&mut self, place: &Place, exclusions: &Exclusions) -> io::Result<()> {
        if place.depth > DEPTH_MAX {
            return Err(io::Error::other(format!("it lies deeper than {DEPTH_MAX} folders")));
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(&place.path)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                // Nothing more is wanted of this walk.
                self.open.clear();
                let top = format!("there are more than {ENTRIES_MAX} files and folders");
                return Err(io::Error::other(top));
            }
            let (kind, path) = (entry.file_type()?, entry.path());
            let below = path.strip_prefix(&self.top).unwrap_or(&path);
            if (kind.is_file() || kind.is_dir()) && !exclusions.hold(below) {
                found.push(Place { path, depth: place.depth + 1, folder: kind.is_dir() });
            }
        }
        // The last one is taken first.
        found.sort_by(|one, other| other.path.cmp(&one.path));
        self.open.append(&mut found);
        Ok(())
    }
}

/// What is passed over.
pub(super) struct Exclusions {
    names: GlobSet,
    places: GlobSet,
}

impl Exclusions {
    /// Patterns without a `/` are for names, others for places below the folder.
    pub(super) fn parse(patterns: &[String]) -> Result<Self, globset::Error> {
        let (mut names, mut places) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let bare = pattern.strip_prefix("./").unwrap_or(pattern).trim_matches('/');
            let glob = GlobBuilder::new(bare).literal_separator(true).build()?;
            let is_name = !pattern.trim_end_matches('/').contains('/');
            if is_name {
                names.add(glob)
            } else {
                places.add(glob)
            };
        }
        Ok(Self { names: names.build()?, places: places.build()? })
    }

    fn hold(&self, below: &Path) -> bool {
        let name = below.file_name().unwrap_or_default();
        self.names.is_match(name) || self.places.is_match(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(top: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let exclusions = Exclusions::parse(&patterns).unwrap();
        let mut walk = Walk::new(top);
        let mut found = Vec::new();
        while let Some(one) = walk.next(&exclusions) {
            match one {
                Found::File(path) => {
                    found.push(path.strip_prefix(top).unwrap().display().to_string());
                }
                Found::Unreadable(_, error) => found.push(format!("! {error}")),
            }
        }
        found
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir_all(top.join("a/b")).unwrap();
        for file in ["z", "a/b/deep", "a/.hidden", "m.lock"] {
            fs::write(top.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(top, top.join("a/loop")).unwrap();
        std::os::unix::fs::symlink("z", top.join("link")).unwrap();
        assert_eq!(walked(top, &[]), ["a/.hidden", "a/b/deep", "m.lock", "z"]);
        assert_eq!(walked(top, &["*.lock", "b"]), ["a/.hidden", "z"]);
        assert_eq!(walked(top, &["a/b/"]), ["a/.hidden", "m.lock", "z"]);
        assert_eq!(walked(top, &["/z", "**/deep"]), ["a/.hidden", "m.lock"]);
        assert_eq!(walked(top, &["a"]), ["m.lock", "z"]);
        assert!(Exclusions::parse(&["[".to_owned()]).is_err());
    }

    #[test]
    fn a_folder_that_is_too_deep_is_told() {
        let top = tempfile::tempdir().unwrap();
        let deep = "d/".repeat(DEPTH_MAX + 1);
        fs::create_dir_all(top.path().join(deep)).unwrap();
        assert_eq!(walked(top.path(), &[]), ["! it lies deeper than 128 folders"]);
    }
}
