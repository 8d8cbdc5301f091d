//! What is in it: secrets, payment data and personal data in texts and JSON, found, graded and
//! put out of sight, whole or as they stream.
//!
//! ```
//! use tollgate_dlp::{Direction, Grade, Judge, Scanner};
//!
//! let scanner = Scanner::new()?;
//! let text = "deploy with ghp_abcd1234efgh5678ijkl9012mnop3456qrst please";
//! let findings = scanner.scan(text.as_bytes());
//! assert_eq!(findings[0].class.as_str(), "secret.github");
//! assert_eq!(findings[0].grade, Grade::Certain);
//!
//! let redaction = scanner.redact(text, &Judge::default(), Direction::Request);
//! assert_eq!(redaction.text, "deploy with [REDACTED-GITHUB-TOKEN] please");
//! # Ok::<(), tollgate_dlp::ScannerError>(())
//! ```
//!
//! Invariants:
//! - no socket, file, environment, clock, randomness, task or global;
//! - no finding, error or `Debug` form holds a byte of what was matched;
//! - time is linear in the text, whatever the text is, and nothing is compiled while it is read;
//! - redaction is idempotent, JSON stays JSON, and a stream comes out as its whole text would,
//!   however it was cut ([`TextStream`]).
mod actions;
pub mod bench;
mod changes;
mod class;
mod coding;
mod deltas;
mod detectors;
pub mod documents;
mod echo;
mod engine;
mod finding;
mod flow;
mod json;
mod judge;
pub mod known;
mod leaf;
mod line;
mod memory;
mod name;
mod number;
mod place;
mod pointer;
mod quiet;
mod scanner;
mod scene;
mod settings;
mod siblings;
mod tape;
mod text_stream;
mod trial;
mod unfold;

pub use actions::{CardMask, Means, Vault, VaultLimits};
pub use changes::Changes;
pub use class::Class;
pub use coding::{Coding, Codings};
pub use deltas::{Deltas, Released};
pub use detectors::{CatalogueEntry, detectors_page, expand};
pub use finding::{Acted, Action, Direction, Finding, Grade, Layer, Place, Redaction};
pub use judge::{Decided, Judge, JudgeError, JudgeRule, JudgeSettings};
pub use line::{Explanation, Extent, Question, Refused, Report, Told, scan_line, scan_text};
pub use memory::{Memory, MemoryLimits};
pub use name::Name;
pub use quiet::Quiet;
pub use scanner::{Scanner, ScannerError};
pub use scene::{Channel, Destination, Pattern, Scene, ToolChannel};
pub use settings::{Bits, DetectorMistake, Detectors, OwnDetector, Validator};
pub use tape::{DocumentPart, Node, Opened, Slot, Tape};
pub use text_stream::TextStream;
pub use trial::{Failure, Trial};
