//! How long it takes until the first event of a stream is there.
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tollgate_benches::{Unit, at, keep};

use super::{Wire, connect, in_turn, seats};
use crate::load::{Call, Held};
use crate::scene::{SCENES, Scene};
use crate::seats::Place;

/// Of each round, one after another.
const CALLS: usize = 100;
const ROUNDS: usize = 3;

pub(crate) async fn bench(dir: &Path) -> Value {
    let is_stream = |scene: &&Scene| scene.events > 0 && !scene.mcp;
    let scene = SCENES.iter().find(is_stream).expect("there is one of events");
    let place = Place::new(scene, dir).await;
    let seats = seats(&place);
    let took = in_turn(&seats, ROUNDS, round).await;
    println!("\nfirst event    p50 us   p99 us");
    let mut figures = Vec::new();
    let row = |(name, took): (&str, &[f64])| {
        let [p50, p99] = [0.5, 0.99].map(|share| at(took.iter().copied(), share));
        println!("{name:<10} {:>10.0} {:>8.0}", p50 / 1e3, p99 / 1e3);
        figures.push((format!("series/first_p50_{name}"), p50));
        json!({ "proxy": name, "p50_micros": p50 / 1e3, "p99_micros": p99 / 1e3 })
    };
    let rows = seats.iter().zip(&took).map(|(seat, took)| (&*seat.name, &**took));
    let told = rows.map(row).collect();
    keep(&figures, Unit::Nanos);
    told
}

/// Nanoseconds until the first event of each call.
fn round(call: &Call) -> Vec<f64> {
    let mut stream = connect(call);
    let mut held = Held::default();
    let mut piece = vec![0; 64 << 10];
    // One that is not counted has the handshake.
    ask(&mut stream, &call.request, &mut held, &mut piece);
    (0..CALLS).map(|_| ask(&mut stream, &call.request, &mut held, &mut piece)).collect()
}

fn ask(stream: &mut impl Wire, request: &str, held: &mut Held, piece: &mut [u8]) -> f64 {
    let begun = Instant::now();
    stream.write_all(request.as_bytes()).expect("it reads");
    stream.flush().expect("it reads");
    let mut first = None;
    loop {
        let read = stream.read(piece).expect("it answers");
        assert!(read > 0, "the connection was closed in the middle of an answer");
        held.bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        if first.is_none() && memchr::memmem::find(&held.bytes, b"data:").is_some() {
            first = Some(begun.elapsed());
        }
        if let Some(head) = held.whole() {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            return first.expect("it has events").as_secs_f64() * 1e9;
        }
    }
}
