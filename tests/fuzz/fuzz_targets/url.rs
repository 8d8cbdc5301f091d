//! URLs.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tollgate_dlp::Direction;
use tollgate_dlp::documents::Url;
use tollgate_fuzz::{JUDGE, SCANNER};

fuzz_target!(|text: &str| {
    let url = Url::cut(text);
    let (query, _) = SCANNER.redact_url(url, &JUDGE, Direction::Request);
    if let Some(query) = query {
        let again = Url { query: &query, ..Url::default() };
        assert_eq!(SCANNER.redact_url(again, &JUDGE, Direction::Request).0, None);
    }
});
