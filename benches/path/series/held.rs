//! What a gate holds while bodies arrive: many calls of one MiB, all there but for their last byte,
//! and then all of them let go on at once.
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tollgate_benches::{Unit, keep, keep_table};

use super::{SCENE, guards};
use crate::load::{Call, Held, message};
use crate::scene::Scene;
use crate::seats::{Place, Seat};

const CALLS: usize = 200;
const MIB: Scene = Scene { bytes: 1 << 20, ..Scene::KIB };

pub(crate) async fn bench(dir: &Path) -> Value {
    let place = Place::new(&SCENE, dir).await;
    let more = json!({
        "limits": { "agent_concurrency": 1_000 },
        "upstreams": { "concurrency": 1_000 },
        "deadlines": { "body_ms": 600_000 },
    });
    let mut seat = place.gate_with(guards("gate_least"), more);
    seat.call = Call::post(seat.call.to, "/up/orders", "", &MIB.request());
    let before = seat.resident().expect("it lives");
    let mut streams = Vec::new();
    for _ in 0..CALLS {
        streams.push(begun(&seat).await);
    }
    let waiting = steady(&seat).await - before;
    let mut calls = JoinSet::new();
    for stream in streams {
        calls.spawn(ended(stream, seat.call.request.as_bytes().last().copied()));
    }
    calls.join_all().await;
    let most = seat.peak().expect("it lives") - before;
    let bytes = (CALLS * MIB.bytes) as f64;
    println!("\n{CALLS} calls of 1 MiB: of their bytes, in memory");
    println!("{:<22} {:>6.2}", "while they arrive", waiting / bytes);
    println!("{:<22} {:>6.2}", "at most, to their end", most / bytes);
    let figures = [("waiting", waiting), ("most", most), ("bytes", bytes)];
    let figures = figures.map(|(name, value)| (format!("series/held_{name}"), value));
    keep(&figures, Unit::Bytes);
    let table = json!({
        "calls": CALLS, "bytes": bytes, "of_bytes_waiting": waiting / bytes, "of_bytes_most": most / bytes,
    });
    keep_table("series/held", table.clone());
    table
}

/// A call but for its last byte.
async fn begun(seat: &Seat) -> TcpStream {
    let mut stream = TcpStream::connect(seat.call.to).await.expect("somebody listens");
    let bytes = seat.call.request.as_bytes();
    let first = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default();
    stream.write_all(first).await.expect("it reads");
    stream
}

async fn ended(mut stream: TcpStream, last: Option<u8>) {
    stream.write_all(&[last.unwrap_or_default()]).await.expect("it reads");
    let head = message(&mut stream, &mut Held::default()).await.expect("it answers");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

/// What it holds when that has not grown for a while.
async fn steady(seat: &Seat) -> f64 {
    let (mut most, mut calm) = (0.0, 0);
    while calm < 6 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = seat.resident().expect("it lives");
        calm = if now > most * 1.01 { 0 } else { calm + 1 };
        most = now.max(most);
    }
    most
}
