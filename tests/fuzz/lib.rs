//! What all targets share.
use std::sync::{Arc, LazyLock};

use tollgate_dlp::documents::{Document, Kind, Limits, NotJson, Opener};
use tollgate_dlp::{Direction, Grade, Judge, Scanner};

/// Built once for all inputs.
pub static SCANNER: LazyLock<Arc<Scanner>> = LazyLock::new(|| Arc::new(Scanner::new().unwrap()));

/// Acts on everything.
pub static JUDGE: LazyLock<Arc<Judge>> =
    LazyLock::new(|| Arc::new(Judge::new(Grade::Possible, Vec::new()).unwrap()));

/// Opens, looks, writes, and does so again: what was written is read as the same.
pub fn document(kind: &Kind, bytes: &[u8]) {
    let mut document = open(kind, bytes);
    let _ = document.view();
    SCANNER.redact_document(&mut document, &JUDGE, Direction::Request);
    let once = document.write();
    let mut again = open(kind, &once);
    assert_eq!(document.unread().is_some(), again.unread().is_some());
    SCANNER.redact_document(&mut again, &JUDGE, Direction::Request);
    assert!(again.write() == once);
}

fn open(kind: &Kind, bytes: &[u8]) -> Document {
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|_| NotJson::Syntax);
    let limits = Limits { expanded_bytes: 4 << 20, ..Limits::default() };
    Document::open(kind, bytes, &Opener { limits, json: &json })
}
