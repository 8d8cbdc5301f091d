//! Event streams that are held whole.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_dlp::documents::Kind;

fuzz_target!(|bytes: &[u8]| tollgate_fuzz::document(&Kind::Events, bytes));
