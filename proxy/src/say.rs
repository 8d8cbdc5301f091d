//! What commands say to people and to other programs.
//!
//! Whoever read it may have gone, as `head` does, and where it goes may be full. Neither is a fault
//! of the gate's own, which is what the standard library's macros make of it.
use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

/// Says an answer on standard output, as it is. A reader that has seen enough is no error; what is
/// one says what it is about.
pub(crate) fn answer(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("the answer cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says one line on standard error, if anybody hears it.
pub(crate) fn aside(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
