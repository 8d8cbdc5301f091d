//! Calls a second and processor time of a call, by how many agents call at once.
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{SCENE, guards};
use crate::rounds;
use crate::seats::Place;
use crate::table;

const AT_ONCE: [usize; 4] = [1, 16, 64, 256];
/// Of a round; more where there are more agents, or connecting would be most of it.
const CALLS: usize = 1_024;
const EACH: usize = 16;
const ROUNDS: usize = 3;

pub(crate) async fn bench(dir: &Path) -> Value {
    let place = Place::new(&SCENE, dir).await;
    let seats = [Some(place.direct()), place.bare(), place.nginx(), Some(many(&place))];
    let seats: Vec<_> = seats.into_iter().flatten().collect();
    let mut told = Map::new();
    for at_once in AT_ONCE {
        let wanted: Vec<_> = seats.iter().map(|seat| (seat, CALLS.max(at_once * EACH))).collect();
        let rows = rounds::medians(&wanted, at_once, rounds::count(ROUNDS)).await;
        let rows: Vec<_> = seats.iter().zip(rows).collect();
        let name = format!("at_{at_once}");
        told.insert(name.clone(), table::tell(("series", &name), &rows, &["bare"]));
    }
    Value::Object(told)
}

/// The whole gate, whose bounds let so many in.
fn many(place: &Place<'_>) -> crate::seats::Seat {
    let more = json!({
        "limits": { "agent_concurrency": 1_000 }, "upstreams": { "concurrency": 1_000 },
    });
    place.gate_with(guards("gate_all"), more)
}
