//! Redaction of a text and of documents with it: done twice it is done once, findings stand in the
//! text, and a document stays one.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| tollgate_fuzz::redact(text));
