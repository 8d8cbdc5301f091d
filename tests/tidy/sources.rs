//! What may stand in a source file, and where.
use super::house::{files, read, root, top};

/// Longer than this, a file has more than one job.
const LINES_MAX: usize = 600;

/// What stands at the top, and what may stand there, too.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches",
    "config",
    "deploy",
    "dlp",
    "proxy",
    "rules",
    "runbooks",
    "tests",
];
const TOP_TOO: &[&str] = &["ARCHITECTURE.md", "LICENSE", "Makefile", "deny.toml", "rustfmt.toml"];

/// Who knows pingora: the walk, the reading of a head and body, the answer, the listeners, the
/// way out, and the place where all of it is put together.
const KNOW_PINGORA: &[&str] = &[
    "proxy/src/answer/",
    "proxy/src/body.rs",
    "proxy/src/egress/",
    "proxy/src/gate.rs",
    "proxy/src/head.rs",
    "proxy/src/listen/",
    "proxy/src/run.rs",
];

#[test]
fn the_top_holds_what_it_should() {
    let found = top();
    for name in &found {
        let known = TOP.contains(&name.as_str()) || TOP_TOO.contains(&name.as_str());
        assert!(known || name.starts_with('.'), "`{name}` has no place at the top of the house");
    }
    for name in TOP {
        assert!(root().join(name).exists(), "`{name}` is missing at the top");
    }
}

#[test]
fn files_have_one_job() {
    for file in files(".rs") {
        let lines = read(&file).lines().count();
        assert!(
            lines <= LINES_MAX,
            "`{file}` has {lines} lines; more than {LINES_MAX} is two jobs"
        );
    }
}

#[test]
fn nothing_is_called_done_that_is_not() {
    let words = [
        concat!("#[", "ignore"),
        concat!("#[", "should_panic"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
    ];
    for file in files(".rs") {
        for (number, line) in read(&file).lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            for word in words {
                assert!(!code.contains(word), "`{file}` line {}: `{word}`", number + 1);
            }
        }
    }
}

#[test]
fn pingora_is_known_to_few() {
    let knows = |file: &str| KNOW_PINGORA.iter().any(|place| file.starts_with(place));
    for place in KNOW_PINGORA {
        let mentions = |file: &&String| file.starts_with(place) && names_pingora(&read(file));
        let found = files(".rs").iter().any(|file| mentions(&file));
        assert!(found, "`{place}` knows pingora no more; take it off the list");
    }
    for file in files(".rs").iter().filter(|file| file.starts_with("proxy/src/") && !knows(file)) {
        assert!(!names_pingora(&read(file)), "`{file}` knows pingora; only {KNOW_PINGORA:?} may");
    }
}

fn names_pingora(text: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| line.contains("pingora_core") || line.contains("pingora_http"))
}

#[test]
fn shop_windows_show_and_do_nothing_else() {
    for file in ["rules", "dlp", "config", "proxy/audit"].map(|room| format!("{room}/src/lib.rs")) {
        for (number, line) in read(&file).lines().enumerate() {
            let does = ["fn ", "pub fn ", "impl ", "pub struct ", "pub enum "]
                .iter()
                .any(|word| line.starts_with(word));
            assert!(!does, "`{file}` line {}: lib.rs only names and shows: {line}", number + 1);
        }
    }
}
