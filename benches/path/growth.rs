//! How a call's cost grows with what a gate has to look through: rules that do not match, detectors,
//! bytes, agents in the registry, events that a collector does not take.
use std::path::Path;

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tollgate_dlp::Scanner;

use crate::rounds;
use crate::scene::Scene;
use crate::seats::{Place, Seat};
use crate::settings::{AGENT, Guards};
use crate::table;

const SCENE: Scene = Scene::KIB;
const ROUNDS: usize = 3;
const AT_ONCE: usize = 16;
const CALLS: usize = 1_024;
/// Calls whose events nobody takes.
const BACKLOG: usize = 8_000;

/// Runs those that are wanted.
pub(crate) fn bench(
    runtime: &Runtime,
    dir: &Path,
    wanted: &impl Fn(&str) -> bool,
    told: &mut Map<String, Value>,
) {
    let mut run = |name: &str, subject: &dyn Fn() -> Vec<(Seat, usize)>| {
        if wanted(&format!("growth/{name}")) {
            let seats = subject();
            told.insert(format!("growth/{name}"), runtime.block_on(measure(name, &seats)));
        }
    };
    let place = runtime.block_on(Place::new(&SCENE, dir));
    run("rules", &|| rules(&place));
    run("detectors", &|| detectors(&place));
    run("agents", &|| agents(&place));
    run("body", &|| runtime.block_on(bodies(dir)));
    run("backlog", &|| runtime.block_on(backlog(&place)));
}

async fn measure(name: &str, seats: &[(Seat, usize)]) -> Value {
    let wanted: Vec<_> = seats.iter().map(|(seat, calls)| (seat, *calls)).collect();
    let rows = rounds::medians(&wanted, AT_ONCE, rounds::count(ROUNDS)).await;
    let first = seats.first().map_or("", |(seat, _)| seat.name.as_str());
    let rows: Vec<_> = seats.iter().map(|(seat, _)| seat).zip(rows).collect();
    table::tell(("growth", name), &rows, &[first])
}

fn least(name: &'static str) -> Guards {
    Guards { name, durability: "memory", rules: 1, mtls: false }
}

fn rules(place: &Place<'_>) -> Vec<(Seat, usize)> {
    let all = [("10", 10), ("100", 100), ("1000", 1_000), ("10000", 10_000)];
    let seat = |(name, rules)| {
        let guards = Guards { rules, ..least(name) };
        place.gate_with(&guards, json!({ "policy": { "rules_max": 20_000 } }))
    };
    all.map(|one| (seat(one), CALLS)).into()
}

fn detectors(place: &Place<'_>) -> Vec<(Seat, usize)> {
    let names: Vec<&str> = Scanner::detectors().map(|entry| entry.name).collect();
    let all = [("20", 20), ("100", 100), ("300", 300), ("all", names.len())];
    let seat = |(name, count): (&'static str, usize)| {
        // Spread over all families, which stand one after another.
        let kept = |nth: usize| nth * count / names.len() != (nth + 1) * count / names.len();
        let off = names.iter().enumerate().filter(|(nth, _)| !kept(*nth));
        let off: Vec<&str> = off.map(|(_, name)| *name).collect();
        place.gate_with(&least(name), json!({ "dlp": { "off": off } }))
    };
    all.map(|one| (seat(one), CALLS)).into()
}

/// The one that calls is the last of so many; a certificate says which it is.
fn agents(place: &Place<'_>) -> Vec<(Seat, usize)> {
    let seat = |(name, count): (&'static str, usize)| {
        let others =
            (1..count).map(|nth| json!({ "id": format!("{AGENT}-{nth}"), "trust": "basic" }));
        let agent = json!({ "id": AGENT, "trust": "basic", "environment": "bench" });
        let agents: Value = others.chain([agent]).collect();
        let guards = Guards { mtls: true, ..least(name) };
        place.gate_with(&guards, json!({ "agents": agents }))
    };
    [("10", 10), ("1000", 1_000), ("10000", 10_000)].map(|one| (seat(one), CALLS)).into()
}

async fn bodies(dir: &Path) -> Vec<(Seat, usize)> {
    const KIB: Scene = Scene::KIB;
    const SIZES: [(&str, Scene, usize); 5] = [
        ("1k", KIB, CALLS),
        ("16k", Scene { bytes: 16 << 10, ..KIB }, 256),
        ("64k", Scene { bytes: 64 << 10, ..KIB }, 96),
        ("256k", Scene { bytes: 256 << 10, ..KIB }, 32),
        ("1024k", Scene { bytes: 1 << 20, ..KIB }, 16),
    ];
    let mut seats = Vec::new();
    for (name, scene, calls) in &SIZES {
        let place = Place::new(scene, dir).await;
        seats.push((place.gate(&least(name)), *calls));
    }
    seats
}

/// With a collector that takes nothing, and has not taken a great deal; and without one.
async fn backlog(place: &Place<'_>) -> Vec<(Seat, usize)> {
    let without = place.gate(&least("without"));
    let nobody = json!({ "type": "http", "name": "lake", "url": "http://127.0.0.1:9/events" });
    let with = place.gate_with(&least("with"), json!({ "audit": { "sinks": [nobody] } }));
    for seat in [&without, &with] {
        seat.call.make(AT_ONCE, BACKLOG).await;
    }
    vec![(without, CALLS), (with, CALLS)]
}
