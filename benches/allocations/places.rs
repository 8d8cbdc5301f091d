//! Where allocations are made: by the first function of the gate's own on the way to each.
use std::collections::HashMap;

use serde_json::Value;

/// A function, with its allocations and their bytes.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
}

/// From what dhat tells, those with the most first.
pub(crate) fn of(told: &Value) -> Vec<Place> {
    let frames: Vec<&str> =
        told["ftbl"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut sums: HashMap<String, (u64, u64)> = HashMap::new();
    for point in told["pps"].as_array().into_iter().flatten() {
        let number = |key: &str| point[key].as_u64().unwrap_or_default();
        let way = point["fs"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        let way = way.filter_map(|nth| frames.get(usize::try_from(nth).ok()?).copied());
        let sum = sums.entry(place(way.map(function))).or_default();
        *sum = (sum.0 + number("tbk"), sum.1 + number("tb"));
    }
    let place = |(name, (blocks, bytes))| Place { name, blocks, bytes };
    let mut places: Vec<Place> = sums.into_iter().map(place).collect();
    places.sort_by(|one, other| other.blocks.cmp(&one.blocks).then(one.name.cmp(&other.name)));
    places
}

/// `0x5581: tollgate::gate::walk (gate.rs:10:2)` without where it stands.
fn function(frame: &str) -> &str {
    let name = frame.split_once(": ").map_or(frame, |(_, name)| name);
    name.rsplit_once(" (").map_or(name, |(name, _)| name)
}

/// The first of the gate's own; with the library that it called, where one stands between.
fn place<'a>(way: impl Iterator<Item = &'a str>) -> String {
    let mut library = None;
    for name in way {
        if name.trim_start_matches('<').starts_with("tollgate") {
            let name = name.trim_end_matches("::{{closure}}");
            return library.map_or_else(|| name.to_owned(), |by| format!("{name} < {by}"));
        }
        library = library.or_else(|| foreign(name));
    }
    format!("(none of the gate's) < {}", library.unwrap_or("the standard library"))
}

/// The crate of a function, when it is none of Rust's own.
fn foreign(name: &str) -> Option<&str> {
    let own = ["alloc", "core", "std", "hashbrown", "__rustc", "dhat"];
    let name = name.trim_start_matches(['<', '&', '_']);
    let by = name.split("::").next()?;
    (name.contains("::") && !own.contains(&by)).then_some(by)
}
