//! Who may lean on whom, and what may be below the rooms that only think.
use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

use super::house::{files, read, root};

/// The arrows of the house. A crate that is not here has no place in it yet.
const ARROWS: &[(&str, &[&str])] = &[
    ("tollgate-rules", &[]),
    ("tollgate-dlp", &[]),
    ("tollgate-audit", &["tollgate-rules", "tollgate-dlp"]),
    ("tollgate-config", &["tollgate-audit", "tollgate-rules", "tollgate-dlp"]),
    ("tollgate", &["tollgate-config", "tollgate-audit", "tollgate-rules", "tollgate-dlp"]),
    ("tollgate-tests", ALL),
    ("tollgate-benches", ALL),
];
const ALL: &[&str] =
    &["tollgate", "tollgate-config", "tollgate-audit", "tollgate-rules", "tollgate-dlp"];

/// The rooms that only think, and where they are.
const PURE: &[(&str, &str)] = &[
    ("tollgate-rules", "rules"),
    ("tollgate-dlp", "dlp"),
    ("tollgate-audit", "proxy/audit"),
    ("tollgate-config", "config"),
];

/// What does nothing but reach outside: sockets, runtimes, randomness, watching files. The name
/// itself, or the beginning of it before a `-`; a `_` is a `-` here.
const OUTWARD: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "fastrand",
    "getrandom",
    "h2",
    "hickory",
    "hyper",
    "inotify",
    "isahc",
    "mio",
    "native-tls",
    "notify",
    "num-cpus",
    "openssl",
    "pingora",
    "rand",
    "reqwest",
    "ring",
    "rustls-native-certs",
    "signal-hook",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tonic",
    "ureq",
];

#[test]
fn arrows_run_one_way() {
    let metadata = metadata();
    let known = ARROWS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
    let members = metadata.workspace_packages();
    let found = members.iter().map(|member| member.name.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(found, known, "the members of the workspace are not those that ARROWS names");
    for package in &members {
        let name = package.name.as_str();
        let (_, allowed) = ARROWS.iter().find(|(known, _)| *known == name).unwrap();
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            assert!(
                !known.contains(to) || allowed.contains(&to),
                "`{name}` may not depend on `{to}`, for tests or otherwise"
            );
        }
    }
}

#[test]
fn still_rooms_lean_on_nothing_that_reaches_outside() {
    for (name, _) in PURE {
        let below = closure(name);
        assert!(below.len() > 3, "`{name}` has almost no dependencies: this search is broken");
        for dependency in &below {
            let outward = OUTWARD.iter().find(|word| is_or_begins(dependency, word));
            assert!(outward.is_none(), "`{name}` is pure, but `{dependency}` is below it");
        }
        let signs = below.contains("aws-lc-rs");
        assert!(
            !signs || *name == "tollgate-audit",
            "`{name}` has `aws-lc-rs` below it; only the record signs"
        );
    }
}

#[test]
fn the_search_for_outward_crates_can_find_some() {
    let below = closure("tollgate");
    for word in ["tokio", "hyper", "mio", "pingora", "notify"] {
        assert!(below.iter().any(|name| is_or_begins(name, word)), "`{word}` was not found");
    }
    assert!(!is_or_begins("randomize", "rand") && is_or_begins("rand-core", "rand"));
}

#[test]
fn still_rooms_forbid_the_outside_to_themselves() {
    let must = [
        "std::fs::read\"",
        "std::fs::write\"",
        "std::fs::File\"",
        "std::fs::OpenOptions\"",
        "std::env::var\"",
        "std::env::vars\"",
        "std::time::SystemTime::now\"",
        "std::time::Instant::now\"",
        "std::thread::spawn\"",
        "std::net::TcpStream\"",
        "std::net::TcpListener\"",
        "std::net::UdpSocket\"",
        "std::process::Command\"",
    ];
    for (name, folder) in PURE {
        let lints = read(&format!("{folder}/clippy.toml"));
        for path in must {
            let line = lints.lines().find(|line| line.contains(path));
            let line = line.unwrap_or_else(|| {
                panic!("`{folder}/clippy.toml` lets `{name}` use `{}`", path.trim_end_matches('"'))
            });
            assert!(line.contains("reason = \""), "`{folder}/clippy.toml`: no reason in: {line}");
        }
    }
}

#[test]
fn still_rooms_do_not_let_the_lints_go() {
    for (_, folder) in PURE {
        let sources = format!("{folder}/src/");
        for file in files(".rs").iter().filter(|file| file.starts_with(&sources)) {
            let text = read(file);
            for lint in ["disallowed_methods", "disallowed_types"] {
                assert!(
                    !text.contains(lint),
                    "`{file}` speaks of `{lint}`: purity has no exceptions"
                );
            }
        }
    }
}

#[test]
fn every_member_has_the_lints_of_the_house() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let inherits = manifest.contains("[lints]\nworkspace = true");
        assert!(inherits, "`{}` does not say `[lints] workspace = true`", package.name);
    }
    let table = read("Cargo.toml");
    assert!(table.contains("unsafe_code = \"forbid\""), "`unsafe` is no longer forbidden");
}

#[test]
fn versions_stand_in_the_one_table() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
                continue;
            }
            let says =
                line.contains("workspace = true") || line.starts_with('#') || line.is_empty();
            let name = &package.name;
            assert!(!in_dependencies || says, "`{name}` pins a version of its own: {line}");
        }
    }
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command.other_options(["--locked".to_owned(), "--all-features".to_owned()]);
    command.exec().expect("cargo metadata works")
}

/// The names of all crates that are linked into one of ours, tests aside, on this platform.
///
/// `cargo tree` and not the metadata's graph, which joins the features that all members ask for:
/// there, a feature that the shell wants of a shared crate would be blamed on a still room.
fn closure(name: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["tree", "--locked", "--all-features", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--package", name])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let lines = String::from_utf8(told.stdout).unwrap();
    // `name v1.2.3 (where)`
    let names = lines.lines().filter_map(|line| line.split_whitespace().next());
    names.map(|name| name.replace('_', "-")).collect()
}

fn is_or_begins(name: &str, word: &str) -> bool {
    let rest = name.strip_prefix(word);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
