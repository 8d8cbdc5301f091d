//! What must hold after any fault, as somebody outside sees it.
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::collector::Collector;
use crate::upstream::Upstream;
use crate::wait::{until, within};
use crate::world::World;

/// Somebody who keeps what a collector took and what a tool server saw, from the first call to the
/// last and over any number of starts of the gate.
///
/// The tool server is reached by paths that are called once.
#[derive(Default)]
pub struct Witness {
    /// The events in the order of their first coming, as their lines.
    lines: Vec<String>,
    numbers: HashMap<String, usize>,
    /// How many came again.
    pub repeats: usize,
    deliveries: usize,
    last_ts: String,
    last_hash: Value,
    /// The ids of intents, by path.
    intents: HashMap<String, Vec<String>>,
    /// How many of the first events the gate has released. An intent that was released before its
    /// call ended is not looked for at a start, so nothing may say what became of the call.
    released: usize,
    /// Intents whose end was told, or was told to be unknown.
    settled: HashSet<String>,
    /// Checkpoints among the events.
    pub checkpoints: usize,
    /// What the tool server saw, and how often.
    seen: BTreeMap<String, usize>,
}

impl Witness {
    /// Waits until the collector has all, then asserts what holds at any time: the record is sound
    /// and agrees with its checkpoints, the collector has it without a gap and in order, and each
    /// call that the tool server saw came once and was recorded before.
    pub async fn look(&mut self, world: &World, upstream: &Upstream, collector: &Collector) {
        // What was forwarded by now has its intent on the disk by now.
        self.see(upstream);
        until("the collector to have all", async || {
            (world.metric("tollgate_sink_lag_events{sink=\"lake\"}").await == 0.0).then_some(())
        })
        .await;
        self.take(collector);
        self.compare();
        verify(&[world.spool().as_os_str().to_str().unwrap()]).await;
    }

    /// The same when the gate has stopped well, and then whatever else holds when nothing is under
    /// way any more: what the collector took is the whole record and verifies alone, against the
    /// checkpoints, and the end of every call is told or told to be unknown.
    pub async fn close(&mut self, world: &World, upstream: &Upstream, collector: &Collector) {
        self.see(upstream);
        self.take(collector);
        self.compare();
        let spool = world.spool();
        let told = verify(&[spool.to_str().unwrap()]).await;
        assert!(told["checkpoints"].as_u64().unwrap() > 0, "no checkpoint was compared: {told}");
        let kept = spool_lines(&spool);
        let released = self.lines.len() - kept.len();
        assert!(self.lines[released..] == kept, "the collector has another record than the spool");
        let copy = world.path("collected.jsonl");
        std::fs::write(&copy, self.lines.join("\n") + "\n").unwrap();
        let (signers, points) = (spool.join("signers.json"), spool.join("checkpoints.jsonl"));
        let told = verify(&[
            "--signers",
            signers.to_str().unwrap(),
            "--checkpoints",
            points.to_str().unwrap(),
            copy.to_str().unwrap(),
        ])
        .await;
        assert_eq!(told["events"], self.lines.len());
        assert_eq!(told["anchored"], self.lines.len(), "events after the last checkpoint: {told}");
        let is_open = |id: &String| !self.settled.contains(id) && self.numbers[id] >= self.released;
        let open = self.intents.iter().filter(|(_, ids)| ids.iter().any(is_open));
        let open = open.map(|(path, _)| path).collect::<Vec<_>>();
        assert!(open.is_empty(), "nobody says what became of {open:?}");
    }

    /// How many events came.
    pub fn events(&self) -> usize {
        self.lines.len()
    }

    /// How often the tool server saw a path.
    pub fn times_seen(&self, path: &str) -> usize {
        self.seen.get(path).copied().unwrap_or(0)
    }

    /// How many calls the tool server saw.
    pub fn seen(&self) -> usize {
        self.seen.len()
    }

    fn see(&mut self, upstream: &Upstream) {
        for seen in upstream.take_seen() {
            let path = seen.line().split(' ').nth(1).unwrap();
            *self.seen.entry(path.to_owned()).or_default() += 1;
        }
    }

    /// Takes what came since: nothing is missing, nothing out of order, and what comes again is the
    /// same.
    fn take(&mut self, collector: &Collector) {
        for posted in collector.posted_since(self.deliveries) {
            self.deliveries += 1;
            for line in std::str::from_utf8(&posted.body).unwrap().lines() {
                let event: Value = serde_json::from_str(line).unwrap();
                let id = event["id"].as_str().unwrap();
                match self.numbers.get(id) {
                    Some(number) => {
                        assert_eq!(self.lines[*number], line, "an event came again as another");
                        self.repeats += 1;
                    }
                    None => self.take_new(line, id, &event),
                }
            }
        }
    }

    fn take_new(&mut self, line: &str, id: &str, event: &Value) {
        let number = self.lines.len();
        assert_eq!(event["seq"], number, "a gap, a repeat with another id, or another order");
        assert_eq!(event["prev_hash"], self.last_hash, "event {number} follows another");
        let ts = event["ts"].as_str().unwrap();
        assert!(*ts > *self.last_ts, "event {number} of {ts} follows one of {}", self.last_ts);
        (self.last_ts, self.last_hash) = (ts.to_owned(), event["hash"].clone());
        self.numbers.insert(id.to_owned(), number);
        self.lines.push(line.to_owned());
        let data = &event["payload"]["data"];
        match event["event_type"].as_str().unwrap() {
            "call.intent" => {
                let path = data["path"].as_str().unwrap().to_owned();
                self.intents.entry(path).or_default().push(id.to_owned());
            }
            "call.outcome" => {
                self.settled.insert(data["intent"].as_str().unwrap().to_owned());
            }
            "audit.reconciliation" if data["reason"] == "outcome_unknown" => {
                let intents = data["intents"].as_array().unwrap().iter();
                self.settled.extend(intents.map(|id| id.as_str().unwrap().to_owned()));
            }
            "audit.reconciliation" if data["reason"] == "released" => {
                self.released = usize::try_from(data["size"].as_u64().unwrap()).unwrap();
            }
            "audit.checkpoint" => self.checkpoints += 1,
            _ => {}
        }
    }

    fn compare(&self) {
        for (path, times) in &self.seen {
            assert_eq!(*times, 1, "`{path}` reached the tool server {times} times");
            let intents = self.intents.get(path).map_or(0, Vec::len);
            assert_eq!(intents, 1, "`{path}` reached the tool server and has {intents} intents");
        }
    }
}

/// Every line of a spool that is not written to.
fn spool_lines(spool: &Path) -> Vec<String> {
    let names = std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path());
    let is_segment = |path: &Path| {
        path.extension().is_some_and(|end| end == "jsonl")
            && path.file_name().unwrap().to_str().unwrap().starts_with("events-")
    };
    let mut segments = names.filter(|path| is_segment(path)).collect::<Vec<_>>();
    segments.sort();
    let texts = segments.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.collect::<String>().lines().map(str::to_owned).collect()
}

/// Asserts that `audit verify` finds a record sound, and returns what it tells of it.
async fn verify(args: &[&str]) -> Value {
    let mut tries = 0;
    loop {
        let mut command = Command::new(crate::binary());
        command.args(["audit", "verify", "--json"]).args(args).env_clear().stdin(Stdio::null());
        let ended = within("the verdict", command.kill_on_drop(true).output()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&ended.stdout), text(&ended.stderr));
        // A running gate may release a segment that is just to be read; that is no verdict.
        tries += 1;
        if ended.status.code() == Some(2) && err.contains("No such file") && tries < 10 {
            continue;
        }
        assert!(ended.status.success(), "the record does not verify: {out}{err}");
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(told["sound"], true, "{told}");
        return told["summary"].clone();
    }
}
