//! Calls that go on whatever happens to the gate.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::RawClient;

/// Before a gate that is not there is looked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Callers that call one after another through the route `/up`, each time by another path; ended
/// when dropped.
pub struct Calls {
    gate: watch::Sender<Option<SocketAddr>>,
    told: Arc<Told>,
    _callers: JoinSet<()>,
}

/// What the callers were told.
struct Told {
    /// Which callers these are. A gate that is gone leaves its port to the gate of another test,
    /// whose tool server must not take their calls for its own.
    name: String,
    numbers: AtomicUsize,
    passed: Mutex<Vec<String>>,
    refused: Mutex<BTreeMap<String, String>>,
}

impl Calls {
    /// Starts so many callers, who wait for [`Calls::aim`].
    pub fn start(callers: usize) -> Self {
        static NAMES: AtomicUsize = AtomicUsize::new(0);
        let name = word(NAMES.fetch_add(1, Ordering::SeqCst));
        let (numbers, passed, refused) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        let told = Arc::new(Told { name, numbers, passed, refused });
        let gate = watch::Sender::new(None);
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            tasks.spawn(call_on(gate.subscribe(), Arc::clone(&told)));
        }
        Self { gate, told, _callers: tasks }
    }

    /// Where the gate is now; none lets the callers wait when they have their answers.
    pub fn aim(&self, gate: Option<SocketAddr>) {
        self.gate.send_replace(gate);
    }

    /// The paths of the calls that were let through.
    pub fn passed(&self) -> Vec<String> {
        self.told.passed.lock().unwrap().clone()
    }

    /// How many were let through.
    pub fn passed_count(&self) -> usize {
        self.told.passed.lock().unwrap().len()
    }

    /// The paths of the calls that were refused, with the code.
    pub fn refused(&self) -> BTreeMap<String, String> {
        self.told.refused.lock().unwrap().clone()
    }
}

/// A plain word for a number, so that the record keeps it as it is.
fn word(number: usize) -> String {
    format!("{number:06}").bytes().map(|b| char::from(b + (b'a' - b'0'))).collect()
}

async fn call_on(mut gate: watch::Receiver<Option<SocketAddr>>, told: Arc<Told>) {
    loop {
        let Ok(Some(address)) = gate.wait_for(Option::is_some).await.map(|gate| *gate) else {
            return;
        };
        if let Ok(mut client) = RawClient::try_connect(address).await {
            call_there(&mut client, address, &gate, &told).await;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Calls until the gate is gone, or elsewhere.
async fn call_there(
    client: &mut RawClient,
    address: SocketAddr,
    gate: &watch::Receiver<Option<SocketAddr>>,
    told: &Told,
) {
    while *gate.borrow() == Some(address) {
        let number = told.numbers.fetch_add(1, Ordering::SeqCst);
        let path = format!("/call-{}-{}", told.name, word(number));
        client.send(format!("GET /up{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        let Ok(answer) = client.try_answer().await else { return };
        match answer.status {
            200 => told.passed.lock().unwrap().push(path),
            _ => {
                told.refused.lock().unwrap().insert(path, answer.code());
            }
        }
    }
}
