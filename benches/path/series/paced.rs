//! How long a call takes when calls are due at a fixed rate, whether the one before has ended or
//! not. Time counts from the moment at which a call was due and not from when it could be sent: a
//! proxy that stands still for a while makes all calls late that were due in it.
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tollgate_benches::{Unit, at, keep, keep_table};

use super::{SCENE, Wire, connect, in_turn, seats};
use crate::load::{Call, Held};
use crate::seats::Place;

/// Calls a second, over all connections.
const A_SECOND: u32 = 500;
const CONNECTIONS: u32 = 16;
/// Of each connection in a round.
const CALLS: u32 = 64;
const ROUNDS: usize = 3;

pub(crate) async fn bench(dir: &Path) -> Value {
    let place = Place::new(&SCENE, dir).await;
    let seats = seats(&place);
    let took = in_turn(&seats, ROUNDS, round).await;
    let rows: Vec<_> = seats.iter().zip(&took).map(|(seat, took)| (&*seat.name, &**took)).collect();
    tell(&rows)
}

/// Nanoseconds of each call.
fn round(call: &Call) -> Vec<f64> {
    let apart = Duration::from_secs(1) / A_SECOND;
    // All are connected by then.
    let first = Instant::now() + Duration::from_millis(300);
    let agents = (0..CONNECTIONS).map(|nth| {
        let call = call.clone();
        let due = move |turn: u32| first + apart * (turn * CONNECTIONS + nth);
        thread::spawn(move || agent(&call, due))
    });
    let agents: Vec<_> = agents.collect();
    agents.into_iter().flat_map(|agent| agent.join().expect("it is answered")).collect()
}

fn agent(call: &Call, due: impl Fn(u32) -> Instant) -> Vec<f64> {
    let (mut stream, request) = (connect(call), &*call.request);
    let mut held = Held::default();
    let mut piece = vec![0; 64 << 10];
    // One that is not counted has the handshake.
    ask(&mut stream, request, &mut held, &mut piece);
    let take = |turn| {
        let due = due(turn);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        ask(&mut stream, request, &mut held, &mut piece);
        due.elapsed().as_secs_f64() * 1e9
    };
    (0..CALLS).map(take).collect()
}

fn ask(stream: &mut impl Wire, request: &str, held: &mut Held, piece: &mut [u8]) {
    stream.write_all(request.as_bytes()).expect("it reads");
    stream.flush().expect("it reads");
    loop {
        if let Some(head) = held.whole() {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            return;
        }
        let read = stream.read(piece).expect("it answers");
        assert!(read > 0, "the connection was closed in the middle of an answer");
        held.bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
}

fn tell(rows: &[(&str, &[f64])]) -> Value {
    let of = |name: &str, share| {
        let row = rows.iter().find(|(row, _)| *row == name);
        row.map(|(_, took)| at(took.iter().copied(), share))
    };
    println!("\n{A_SECOND} calls/s    p50 us   p99 us   added: p50     p99");
    let mut figures = Vec::new();
    let row = |(name, took): &(&str, &[f64])| {
        let [p50, p99] = [0.5, 0.99].map(|share| at(took.iter().copied(), share));
        let [added_p50, added_p99] = [(p50, 0.5), (p99, 0.99)]
            .map(|(found, share)| found - of("direct", share).unwrap_or_default());
        println!(
            "{name:<10} {:>10.0} {:>8.0} {:>12.0} {:>7.0}",
            p50 / 1e3,
            p99 / 1e3,
            added_p50 / 1e3,
            added_p99 / 1e3
        );
        figures.push((format!("series/paced_p50_{name}"), p50));
        figures.push((format!("series/paced_p99_{name}"), p99));
        figures.push((format!("series/paced_added_p50_{name}"), added_p50.max(0.0)));
        if let Some(nginx) = of("nginx", 0.99) {
            figures.push((format!("series/paced_p99_{name}_beyond_nginx"), (p99 - nginx).max(0.0)));
        }
        json!({
            "proxy": name, "p50_micros": p50 / 1e3, "p99_micros": p99 / 1e3,
            "added_p50_micros": added_p50 / 1e3, "added_p99_micros": added_p99 / 1e3,
        })
    };
    let table: Value = rows.iter().map(row).collect();
    keep(&figures, Unit::Nanos);
    keep_table("series/paced", table.clone());
    table
}
