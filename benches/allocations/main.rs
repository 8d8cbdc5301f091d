//! How often a call makes the gate allocate, how much, and where.
//!
//! `cargo bench -p tollgate-benches --bench allocations`; words after `--` pick scenarios. A gate
//! that counts is many times slower, so nothing here says anything about time.
#![expect(
    clippy::expect_used,
    reason = "a benchmark whose stage cannot be set measures nothing, and says so by stopping"
)]
mod counted;
#[path = "../shared/gate.rs"]
mod gate;
#[path = "../shared/load.rs"]
mod load;
mod places;
#[path = "../shared/scene.rs"]
mod scene;
#[expect(dead_code, reason = "one gate needs no name")]
#[path = "../shared/settings.rs"]
mod settings;
#[path = "../shared/stage.rs"]
mod stage;
#[expect(dead_code, reason = "here nothing is to be found")]
#[path = "../shared/traffic.rs"]
mod traffic;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use tollgate_benches::{Unit, keep, keep_table};

use crate::gate::Gate;
use crate::load::Call;
use crate::scene::{SCENES, Scene};

const AT_ONCE: usize = 4;
/// Places that are shown.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    if let Some(code) = counted::if_asked() {
        return code;
    }
    let words = stage::words();
    let dir = stage::dir();
    let runtime = stage::runtime();
    let began = SystemTime::now();
    let mut told = Map::new();
    for scene in SCENES.iter().filter(|scene| !scene.hands) {
        let name = format!("allocations/{}", scene.name);
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            told.insert(scene.name.to_owned(), runtime.block_on(bench(scene, &dir)));
        }
    }
    if told.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\n{}", Value::Object(told));
    tollgate_benches::judge(began, &["allocations/"])
}

async fn bench(scene: &Scene, dir: &Path) -> Value {
    let upstream = load::serve(scene.answer()).await;
    let home = tempfile::Builder::new().prefix("counted-").tempdir().expect("a directory");
    let socket = home.path().join("count");
    let [least, ..] = settings::GATES;
    let settings = settings::settings(scene.mcp, upstream, &least);
    let rules = settings::rules(least.rules);
    let gate = Gate::start(counted::tollgate(&socket), dir, (&settings, &rules), |_| ());
    let call = Call::post(gate.address, "/up/orders", scene.headers(), &scene.request());
    let calls = scene.calls / 2;
    call.make(AT_ONCE, calls / 4).await;
    counted::begin(&socket);
    call.make(AT_ONCE, calls).await;
    let counted = counted::end(&socket);
    tell(scene, calls / AT_ONCE * AT_ONCE, &counted)
}

fn tell(scene: &Scene, calls: usize, counted: &Value) -> Value {
    let a_call = |number: u64| number as f64 / calls as f64;
    let of = |key: &str| a_call(counted[key].as_u64().unwrap_or_default());
    let (blocks, bytes) = (of("blocks"), of("bytes"));
    println!("\n{}: {blocks:.1} allocations of {bytes:.0} bytes together, a call", scene.name);
    println!("{:>10} {:>10}  made by", "a call", "bytes");
    let mut places = places::of(&counted["places"]);
    let row = |place: &places::Place| {
        let (blocks, bytes) = (a_call(place.blocks), a_call(place.bytes));
        println!("{blocks:>10.2} {bytes:>10.0}  {}", place.name);
        json!({ "by": place.name, "allocations_per_call": blocks, "bytes_per_call": bytes })
    };
    let most =
        |places: &[places::Place]| -> Vec<Value> { places.iter().take(SHOWN).map(row).collect() };
    let often = most(&places);
    println!("{:>10} {:>10}  those with the most bytes", "", "");
    places.sort_by_key(|place| std::cmp::Reverse(place.bytes));
    let table = json!({
        "allocations_per_call": blocks, "bytes_per_call": bytes,
        "places": often, "places_by_bytes": most(&places),
    });
    keep(&[(format!("allocations/{}", scene.name), blocks)], Unit::Count);
    keep(&[(format!("allocations/bytes_{}", scene.name), bytes)], Unit::Bytes);
    keep_table(&format!("allocations/{}", scene.name), table.clone());
    table
}
