//! What is put into a store when, and what happens when it is there already.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tollgate_audit::{EventType, Facts};
use tollgate_config::settings::Sink as SinkSetting;

use super::super::super::segment::segment_path;
use super::super::super::spool::Position;
use super::super::super::{Bound, Ledger, LedgerOptions};
use super::super::{Outlet, Sink, Step};
use super::*;

/// An object, and whether it has a legal hold.
#[derive(Clone)]
struct Stored {
    content: Bytes,
    held: bool,
    retained: bool,
}

type Objects = Arc<Mutex<BTreeMap<String, Stored>>>;

/// A store on loopback, with the little of S3 that the sink asks for.
struct Store {
    url: String,
    objects: Objects,
    serving: JoinHandle<()>,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Store {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let objects = Objects::default();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&objects));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(socket, router).await;
        });
        Self { url, objects, serving }
    }

    /// The names of the objects with events, without their folder.
    fn events(&self) -> Vec<String> {
        let objects = self.objects.lock();
        let names = objects.keys().filter_map(|key| key.rsplit('/').next());
        names.filter(|name| name.starts_with("events-")).map(str::to_owned).collect()
    }

    fn key(&self, part: &str) -> String {
        self.objects.lock().keys().find(|key| key.contains(part)).unwrap().clone()
    }

    fn content(&self, part: &str) -> Bytes {
        let key = self.key(part);
        self.objects.lock()[&key].content.clone()
    }

    fn change(&self, part: &str, change: impl FnOnce(&mut Stored)) {
        let key = self.key(part);
        change(self.objects.lock().get_mut(&key).unwrap());
    }
}

async fn serve(
    State(objects): State<Objects>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let mut objects = objects.lock();
    let query = uri.query().unwrap_or_default();
    let key = uri.path().strip_prefix("/archive/").unwrap_or_default().to_owned();
    let there = objects.get_mut(&key);
    match (method, there) {
        (Method::PUT, Some(stored)) if query.starts_with("legal-hold") => {
            stored.held = String::from_utf8_lossy(&body).contains("<Status>ON<");
            (StatusCode::OK, Vec::new())
        }
        (Method::PUT, Some(_)) if headers.contains_key("if-none-match") => {
            (StatusCode::PRECONDITION_FAILED, Vec::new())
        }
        (Method::PUT, _) => {
            let held = headers.get("x-amz-object-lock-legal-hold").is_some_and(|v| v == "ON");
            let retained = headers.contains_key("x-amz-object-lock-retain-until-date");
            objects.insert(key, Stored { content: body, held, retained });
            (StatusCode::OK, Vec::new())
        }
        (_, Some(stored)) => (StatusCode::OK, stored.content.to_vec()),
        (_, None) if query.starts_with("list-type=2") => {
            let asked: BTreeMap<_, _> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let after = asked.get("start-after").cloned().unwrap_or_default();
            let found = objects.iter().filter(|(key, _)| key.starts_with(&asked["prefix"]));
            let found = found.filter(|(key, _)| **key > after).map(|(key, stored)| {
                let size = stored.content.len();
                format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>")
            });
            let found: String = found.collect();
            let page = format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
            );
            (StatusCode::OK, page.into_bytes())
        }
        (_, None) => (StatusCode::NOT_FOUND, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
    }
}

fn setting(store: &Store) -> S3Sink {
    S3Sink {
        name: "vault".to_owned(),
        bucket: "archive".to_owned(),
        prefix: "gates/".to_owned(),
        region: Some("eu-central-1".to_owned()),
        endpoint: Some(store.url.clone()),
        ca: None,
        object_events: 5,
        object_bytes: 1 << 20,
        object_secs: 300,
        gzip: true,
        lock: None,
        legal_hold: false,
    }
}

/// A spool with so many events more, and its end.
async fn record(dir: &TempDir, count: usize) -> Position {
    let mut options = LedgerOptions::new(dir.path().join("spool"));
    options.checkpoint_events = 1_000_000;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..count {
        let actor = "spiffe://acme/agents/reader";
        let facts = Facts::new(EventType::CallRefused, actor).text("tool", &n.to_string());
        ledger.append(facts).await.unwrap();
    }
    ledger.stop().await.unwrap();
    let bytes = std::fs::metadata(segment_path(&options.spool, 1)).unwrap().len();
    Position { ordinal: 1, bytes }
}

/// The sink as it starts on that spool.
fn sink(dir: &TempDir, setting: &S3Sink) -> Sink {
    let options = LedgerOptions::new(dir.path().join("spool"));
    let mut sink = Sink::set_up(&SinkSetting::S3(setting.clone()), &options).unwrap();
    let mut outlet = S3Outlet::new(setting, &options.spool, &options.onward).unwrap();
    outlet.bucket =
        Bucket::with_any_credentials(&setting.bucket, &place(setting, &options.onward)).unwrap();
    sink.outlet = Outlet::S3(Box::new(outlet));
    sink
}

fn outlet(sink: &mut Sink) -> &mut S3Outlet {
    let Outlet::S3(outlet) = &mut sink.outlet else { panic!("it is the archive's") };
    outlet
}

/// Steps until all is taken; tells how often the objects were cut anew.
async fn drain(sink: &mut Sink, end: Position) -> usize {
    let mut recut = 0;
    loop {
        match sink.step(end, true).await {
            Ok(Step::Nothing) => return recut,
            Ok(_) => {}
            Err(DeliveryError::Recut) => recut += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

fn name(first: u64, last: u64) -> String {
    format!("events-{first:020}-{last:020}.jsonl.gz")
}

#[tokio::test]
async fn an_object_ends_with_its_number_of_events_or_its_age() {
    let (store, dir) = (Store::start().await, TempDir::new().unwrap());
    // With the word that the checkpoint was sealed, there are eight.
    let end = record(&dir, 7).await;
    let mut sink = sink(&dir, &setting(&store));
    assert!(matches!(sink.step(end, false).await, Ok(Step::Taken)));
    assert!(matches!(sink.step(end, false).await, Ok(Step::Growing)));
    assert_eq!(store.events(), [name(0, 4)]);
    let (_, since) = outlet(&mut sink).waiting.unwrap();
    // A little before its age, and at it.
    let wait = since.elapsed() + Duration::from_secs(60);
    outlet(&mut sink).object_wait = wait;
    assert!(matches!(sink.step(end, false).await, Ok(Step::Growing)));
    outlet(&mut sink).object_wait = Duration::ZERO;
    assert!(matches!(sink.step(end, false).await, Ok(Step::Taken)));
    assert!(matches!(sink.step(end, false).await, Ok(Step::Nothing)));
    assert_eq!(store.events(), [name(0, 4), name(5, 7)]);
    assert!(store.key("signers-").starts_with("gates/"));
    assert!(store.key("checkpoint-").contains("00000008.json"));
}

#[tokio::test]
async fn a_lost_cursor_takes_the_same_events_once_more() {
    let (store, dir) = (Store::start().await, TempDir::new().unwrap());
    let end = record(&dir, 7).await;
    assert_eq!(drain(&mut sink(&dir, &setting(&store)), end).await, 0);
    let before: Vec<Bytes> =
        store.objects.lock().values().map(|stored| stored.content.clone()).collect();
    // Smaller than what is there.
    std::fs::remove_file(dir.path().join("spool/cursor-vault.json")).unwrap();
    let small = S3Sink { object_bytes: 2_000, ..setting(&store) };
    assert!(drain(&mut sink(&dir, &small), end).await >= 1);
    assert_eq!(store.events(), [name(0, 4), name(5, 7)]);
    let end = record(&dir, 6).await;
    std::fs::remove_file(dir.path().join("spool/cursor-vault.json")).unwrap();
    // Cut in another way, as the settings were changed in the meantime.
    let setting = S3Sink { object_events: 4, ..setting(&store) };
    let recut = drain(&mut sink(&dir, &setting), end).await;
    assert!(recut >= 1, "it was never cut anew");
    assert_eq!(store.events(), [name(0, 4), name(5, 7), name(8, 11), name(12, 14)]);
    let objects = store.objects.lock();
    for content in before {
        assert!(objects.values().any(|stored| stored.content == content));
    }
}

#[tokio::test]
async fn an_object_that_is_there_is_compared_by_what_it_holds() {
    let (store, dir) = (Store::start().await, TempDir::new().unwrap());
    let end = record(&dir, 4).await;
    drain(&mut sink(&dir, &setting(&store)), end).await;
    let again = || std::fs::remove_file(dir.path().join("spool/cursor-vault.json")).unwrap();
    let packed = store.content("events-");
    let plain = unpack(&packed, 1 << 20).unwrap();
    // Compressed by another version of the gate.
    let mut other = GzEncoder::new(Vec::new(), Compression::none());
    other.write_all(&plain).unwrap();
    let other = Bytes::from(other.finish().unwrap());
    store.change("events-", |stored| stored.content = other.clone());
    again();
    drain(&mut sink(&dir, &setting(&store)), end).await;
    let longer = [&plain[..], b"{}\n"].concat();
    let shorter = &plain[..plain.len() - 1];
    for (content, what) in [
        (pack(&longer).unwrap(), "more"),
        (pack(shorter).unwrap(), "less"),
        (packed.slice(..packed.len() / 2), "cut"),
        (Bytes::from_static(b"nonsense"), "no gzip"),
    ] {
        store.change("events-", |stored| stored.content = content.clone());
        let _ = std::fs::remove_file(dir.path().join("spool/cursor-vault.json"));
        let mut sink = sink(&dir, &setting(&store));
        let error = sink.step(end, true).await.err().unwrap();
        assert!(matches!(error, DeliveryError::Foreign(_)), "{what}: {error}");
        assert_eq!(sink.feed.acknowledged(), 0, "{what}");
        assert_eq!(store.content("events-"), content, "{what}");
    }
}

#[tokio::test]
async fn objects_may_be_plain() {
    let (store, dir) = (Store::start().await, TempDir::new().unwrap());
    let end = record(&dir, 7).await;
    let setting = S3Sink { gzip: false, ..setting(&store) };
    drain(&mut sink(&dir, &setting), end).await;
    assert_eq!(store.events().len(), 2);
    let objects = store.objects.lock();
    let events = objects.iter().filter(|(key, _)| key.ends_with(".jsonl"));
    let lines: Vec<u8> = events.flat_map(|(_, stored)| stored.content.to_vec()).collect();
    let spool = std::fs::read(segment_path(&dir.path().join("spool"), 1)).unwrap();
    assert_eq!(lines, spool);
}

#[tokio::test]
async fn what_comes_is_held_when_a_hold_is_about_it() {
    let (store, dir) = (Store::start().await, TempDir::new().unwrap());
    let end = record(&dir, 11).await;
    let hold = Hold {
        id: "h".to_owned(),
        matter: "m".to_owned(),
        from: Some(Bound::Seq(5)),
        until: Some(Bound::Seq(6)),
    };
    let holds = tokio::sync::watch::Sender::new(Arc::from([hold]));
    let mut first = sink(&dir, &setting(&store));
    outlet(&mut first).following = Following::new(holds.subscribe());
    drain(&mut first, end).await;
    let held = |part: &str| {
        let key = store.key(part);
        store.objects.lock()[&key].held
    };
    let names = store.events();
    assert_eq!([held(&names[0]), held(&names[1]), held(&names[2])], [false, true, false]);
    assert!(held("signers-") && held("checkpoint-"));
    assert!(store.objects.lock().values().all(|stored| !stored.retained));
    // There already from before the hold: as after an answer that was lost.
    store.change(&names[1], |stored| stored.held = false);
    std::fs::remove_file(dir.path().join("spool/cursor-vault.json")).unwrap();
    let mut second = sink(&dir, &setting(&store));
    outlet(&mut second).following = Following::new(holds.subscribe());
    drain(&mut second, end).await;
    assert_eq!([held(&names[0]), held(&names[1]), held(&names[2])], [false, true, false]);
}
