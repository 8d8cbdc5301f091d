//! The parts of a call, each alone, and then the budget.
//!
//! `cargo bench -p tollgate-benches`; a word after `--` picks benchmarks by name.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
mod decide;
mod dlp;
#[path = "../shared/facts.rs"]
mod facts;
mod json;
mod record;
#[path = "../shared/traffic.rs"]
mod traffic;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use criterion::Criterion;

fn main() -> ExitCode {
    let folder = tollgate_benches::folder();
    let began = SystemTime::now();
    let mut criterion = Criterion::default()
        // Short enough to be run before every push; a ratio needs no more.
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .output_directory(&folder)
        .configure_from_args();
    decide::bench(&mut criterion);
    record::bench(&mut criterion);
    json::bench(&mut criterion);
    dlp::bench(&mut criterion);
    criterion.final_summary();
    tollgate_benches::judge(
        began,
        &[
            "decide/",
            "record/",
            "verify/",
            "json/",
            "dlp_",
            "talk_",
            "memchr/",
            "utf8/",
            "keywords/",
            "regex_set/",
        ],
    )
}
