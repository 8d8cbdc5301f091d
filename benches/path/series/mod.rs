//! What changes with how many call at once, how much is held, and how long a call takes when it is
//! due at a fixed rate.
mod at_once;
mod first;
mod held;
mod idle;
mod paced;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::load::Call;
use crate::rounds;
use crate::scene::Scene;
use crate::seats::{Place, Seat};
use crate::settings::{GATES, Guards};

/// Runs those that are wanted.
pub(crate) fn bench(
    runtime: &Runtime,
    dir: &Path,
    wanted: &impl Fn(&str) -> bool,
    told: &mut Map<String, Value>,
) {
    if wanted("series/at_once") {
        told.insert("series/at_once".to_owned(), runtime.block_on(at_once::bench(dir)));
    }
    if wanted("series/paced") {
        told.insert("series/paced".to_owned(), runtime.block_on(paced::bench(dir)));
    }
    if wanted("series/first") {
        told.insert("series/first".to_owned(), runtime.block_on(first::bench(dir)));
    }
    if wanted("series/idle") {
        told.insert("series/idle".to_owned(), runtime.block_on(idle::bench(dir)));
    }
    if wanted("series/held") {
        told.insert("series/held".to_owned(), runtime.block_on(held::bench(dir)));
    }
}

const SCENE: Scene = Scene::KIB;

fn guards(name: &str) -> &'static Guards {
    GATES.iter().find(|guards| guards.name == name).expect("there is such a gate")
}

/// The gate with everything on, and what it is compared with.
fn seats(place: &Place<'_>) -> Vec<Seat> {
    let all = place.gate(guards("gate_all"));
    [Some(place.direct()), place.bare(), place.nginx(), Some(all)].into_iter().flatten().collect()
}

/// What each call took at each, in rounds that take turns; the first is thrown away.
async fn in_turn(seats: &[Seat], rounds: usize, round: fn(&Call) -> Vec<f64>) -> Vec<Vec<f64>> {
    let mut took: Vec<Vec<f64>> = seats.iter().map(|_| Vec::new()).collect();
    for nth in 0..=rounds::count(rounds) {
        for (seat, took) in seats.iter().zip(&mut took) {
            let call = seat.call.clone();
            let round = tokio::task::spawn_blocking(move || round(&call));
            let round = round.await.expect("every call was answered");
            if nth > 0 {
                took.extend(round);
            }
        }
    }
    took
}

/// A connection, whatever it speaks.
trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

fn connect(call: &Call) -> Box<dyn Wire> {
    let stream = TcpStream::connect(call.to).expect("somebody listens");
    stream.set_nodelay(true).expect("a socket");
    match &call.tls {
        None => Box::new(stream),
        Some(tls) => {
            let name = ServerName::from(call.to.ip());
            let tls = ClientConnection::new(Arc::clone(tls), name).expect("a client");
            Box::new(StreamOwned::new(tls, stream))
        }
    }
}
