//! Files as texts.
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::fs::OFlags;

/// How large a file may be that is named.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// How large a text may be that is found in a folder.
const WALKED_BYTES_MAX: u64 = 256 << 20;
/// What is looked at to tell texts from other files.
const HEAD_BYTES: u64 = 8192;
/// One byte of this many may be what no text has.
const STRANGE_SHARE: usize = 10;

/// Often enough to look alive.
const DRAWS_PER_SECOND: u8 = 8;
const SHOWN: &str = "{spinner} {bytes}, {binary_bytes_per_sec}, {msg} files";

/// A file of a folder.
pub(super) enum Passed {
    Text(String),
    /// Its content is no text.
    Binary,
    /// It is no file any more.
    Gone,
}

/// Reads, and shows on a terminal's standard error how much was read.
pub(super) struct Reading {
    progress: ProgressBar,
    files: u64,
}

impl Reading {
    pub(super) fn begin() -> Self {
        // What is found comes to the same terminal, and the line would stand in it.
        let seen = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let progress = if seen {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            let style = ProgressStyle::with_template(SHOWN);
            ProgressBar::with_draw_target(None, target)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        } else {
            ProgressBar::hidden()
        };
        Self { progress, files: 0 }
    }

    /// A file that somebody named, whatever is in it.
    pub(super) fn named(&mut self, input: impl Read) -> io::Result<String> {
        let bytes = bounded(Vec::new(), input, FILE_BYTES_MAX, "1 GiB")?;
        self.passed(bytes.len());
        Ok(text(bytes))
    }

    /// A file that a walk came to. Whatever took its place since then is not followed or waited
    /// for.
    pub(super) fn walked(&mut self, path: &Path) -> io::Result<Passed> {
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(careful.bits()).unwrap_or_default();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Passed::Gone),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Ok(Passed::Gone);
        }
        let mut head = Vec::new();
        (&file).take(HEAD_BYTES).read_to_end(&mut head)?;
        if is_binary(&head) {
            self.passed(head.len());
            return Ok(Passed::Binary);
        }
        let bytes = bounded(head, &file, WALKED_BYTES_MAX, "256 MiB; name it, or exclude it")?;
        self.passed(bytes.len());
        Ok(Passed::Text(text(bytes)))
    }

    /// Writes something to standard error while the line is out of the way.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        self.progress.suspend(write);
    }

    pub(super) fn end(&self) {
        self.progress.finish_and_clear();
    }

    fn passed(&mut self, bytes: usize) {
        self.files += 1;
        if !self.progress.is_hidden() {
            self.progress.inc(bytes as u64);
            self.progress.set_message(self.files.to_string());
        }
    }
}

fn bounded(mut bytes: Vec<u8>, input: impl Read, max: u64, most: &str) -> io::Result<Vec<u8>> {
    let room = (max + 1).saturating_sub(bytes.len() as u64);
    input.take(room).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("the file is larger than {most}")));
    }
    Ok(bytes)
}

/// Whether a file that begins so is no text: it has a zero byte, or much that no text has.
fn is_binary(head: &[u8]) -> bool {
    if utf16(head).is_some() {
        return false;
    }
    let strange = String::from_utf8_lossy(head)
        .chars()
        .filter(|c| {
            matches!(c, '\u{fffd}') || (c.is_control() && !"\t\n\r\u{c}\u{1b}".contains(*c))
        })
        .count();
    head.contains(&0) || strange * STRANGE_SHARE > head.len()
}

/// The units behind the mark at the beginning that says so (RFC 2781 section 3.2): so write
/// Windows' own tools.
fn utf16(bytes: &[u8]) -> Option<Vec<u16>> {
    let (read, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        // That would be UTF-32.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let (pairs, _) = rest.as_chunks::<2>();
    Some(pairs.iter().map(|pair| read(*pair)).collect())
}

fn text(bytes: Vec<u8>) -> String {
    if let Some(units) = utf16(&bytes) {
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_other_files() {
        for text in [
            &b""[..],
            b"a\tb\r\n",
            "größe\n".as_bytes(),
            b"caf\xe9 au lait, s'il",
            b"\xff\xfea\0b\0",
        ] {
            assert!(!is_binary(text), "{text:?}");
        }
        for other in [
            &b"\x7fELF\x02\x01\x01\0"[..],
            b"\x89PNG\r\n\x1a\n\0",
            b"\x1f\x8b\x08\x9c\xed\xfd",
            b"\xff\xfe\0\0",
        ] {
            assert!(is_binary(other), "{other:?}");
        }
    }

    #[test]
    fn utf16_is_read() {
        assert_eq!(text(b"\xff\xfeh\0i\0".to_vec()), "hi");
        assert_eq!(text(b"\xfe\xff\0h\0i".to_vec()), "hi");
        assert_eq!(text(b"h\xffi".to_vec()), "h\u{fffd}i");
    }

    #[test]
    fn a_bound_is_told() {
        assert_eq!(bounded(vec![0], &b"23"[..], 3, "3").unwrap().len(), 3);
        let error = bounded(vec![0], &b"234"[..], 3, "3 B").unwrap_err();
        assert_eq!(error.to_string(), "the file is larger than 3 B");
    }
}
