//! How good the detectors are: labelled samples in, figures out.
//!
//! ```
//! use tollgate_dlp::{Scanner, bench::{Figures, Sample, Verdict}};
//!
//! let line = r#"{"id": "1", "text": "ssn 123-45-6789", "label": "positive", "span": [4, 15],
//!     "entity": "gov_id.us_ssn", "family": "gov_id", "scope": "entity", "kind": "fixture"}"#;
//! let sample = Sample::parse(line).unwrap();
//! let findings = Scanner::new()?.scan(sample.text().as_bytes());
//! let mut figures = Figures::default();
//! assert!(matches!(figures.take(&sample, &findings), Verdict::Found));
//! assert_eq!(figures.recall("gov_id"), Some(1.0));
//! # Ok::<(), tollgate_dlp::ScannerError>(())
//! ```
//!
//! A finding counts when it is `likely` or `certain`. A positive sample is found when a finding of
//! its family overlaps its span (any finding of the family, if it has none). A negative sample is
//! flagged by a finding of its family, of `secret` (scope `secrets`) or of anything (scope `all`).
mod figures;
mod markdown;
mod rivals;
mod sample;
mod text;

pub use figures::{Count, Figures, Heading, Verdict};
pub use sample::{NoSample, Sample};
