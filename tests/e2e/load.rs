//! Many calls at once: none is lost, none is mixed up, each is recorded.
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tollgate_tests::{Answer, RawClient, World, serve, until};

use crate::kit::{
    POLICY_NO_DELETE, STATELESS, post, refusal_code, request, stateless, tool_call, verify,
};

const CALLS: usize = 10_000;
const AT_ONCE: usize = 64;
/// When memory is looked at for the first time: everything is warm by then.
const WARM: usize = 2_000;
const CARD: &str = "5555555555554444";

/// A tool server that says what it was told, and counts it.
struct Echo {
    address: SocketAddr,
    heard: Arc<Mutex<HashMap<String, usize>>>,
    _serving: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(HashMap::new()));
        let mut serving = JoinSet::new();
        let told = Arc::clone(&heard);
        serving.spawn(serve(socket, move |request| say(request, Arc::clone(&told))));
        Self { address, heard, _serving: serving }
    }
}

async fn say(
    request: Request<Incoming>,
    heard: Arc<Mutex<HashMap<String, usize>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.uri().to_string();
    let Ok(body) = request.into_body().collect().await else { return Ok(Response::default()) };
    let (told, answer) = match serde_json::from_slice::<Value>(&body.to_bytes()) {
        Ok(call) => {
            let (tool, arguments) = (&call["params"]["name"], &call["params"]["arguments"]);
            let content = json!([{ "type": "text", "text": arguments["text"] }]);
            let result = json!({ "resultType": "complete", "content": content });
            let answer = json!({ "jsonrpc": "2.0", "id": call["id"], "result": result });
            (format!("{tool} {arguments}"), answer)
        }
        Err(_) => (target.clone(), json!({ "target": target })),
    };
    *heard.lock().unwrap().entry(told).or_insert(0) += 1;
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(Full::from(answer.to_string())).unwrap())
}

/// What a call is, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Allowed,
    Denied,
    Redacted,
    Rest,
}

fn kind(number: usize) -> Kind {
    [Kind::Allowed, Kind::Rest, Kind::Denied, Kind::Redacted, Kind::Allowed][number % 5]
}

fn call(number: usize) -> Vec<u8> {
    let (tool, text) = match kind(number) {
        Kind::Rest => return request("GET", &format!("/up/n?n={number}"), &[], ""),
        Kind::Allowed => ("echo", format!("number {number}")),
        Kind::Denied => ("delete_branch", format!("number {number}")),
        Kind::Redacted => ("echo", format!("number {number} pays with {CARD}")),
    };
    let body = stateless(tool_call(number.into(), tool, json!({ "text": text })));
    let headers = [STATELESS, ("mcp-method", "tools/call"), ("mcp-name", tool)];
    post(&headers, body.to_string())
}

/// What is wrong with an answer, if anything.
fn fault(number: usize, answer: &Answer) -> Option<String> {
    let told = answer.json();
    let text = told.pointer("/result/content/0/text").and_then(Value::as_str).unwrap_or_default();
    let right = match kind(number) {
        Kind::Rest => told == json!({ "target": format!("/n?n={number}") }),
        Kind::Allowed => told["id"] == number && text == format!("number {number}"),
        Kind::Redacted => {
            let start = format!("number {number} pays with ");
            told["id"] == number && text.starts_with(&start) && !text.contains(CARD)
        }
        Kind::Denied => told["id"] == number && refusal_code(&answer.body) == "POLICY_DENIED",
    };
    let right = right && answer.status == 200 && answer.header("tollgate-receipt").is_some();
    (!right).then(|| format!("call {number}: {} {told}", answer.status))
}

/// Resident memory of a process, in KiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn carry_out(gate: SocketAddr, calls: Arc<AtomicUsize>, end: usize) -> Vec<String> {
    let mut client = RawClient::connect(gate).await;
    let mut faults = Vec::new();
    loop {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        if number >= end {
            return faults;
        }
        client.send(call(number)).await;
        match client.try_answer().await {
            Ok(answer) => faults.extend(fault(number, &answer)),
            Err(error) => {
                faults.push(format!("call {number}: {error}"));
                client = RawClient::connect(gate).await;
            }
        }
    }
}

async fn run(gate: SocketAddr, from: usize, end: usize) -> Vec<String> {
    let calls = Arc::new(AtomicUsize::new(from));
    let tasks = (0..AT_ONCE).map(|_| tokio::spawn(carry_out(gate, Arc::clone(&calls), end)));
    let ended = futures::future::join_all(tasks).await;
    ended.into_iter().flat_map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_at_once() {
    let echo = Echo::start().await;
    let url = format!("http://{}", echo.address);
    let world = World::builder()
        .mcp("tools", "/mcp", &url)
        .route("up", "/up", &url)
        .policy(POLICY_NO_DELETE)
        .start()
        .await;
    let began = Instant::now();
    let mut faults = run(world.plain(), 0, WARM).await;
    let warm = memory(world.pid());
    faults.extend(run(world.plain(), WARM, CALLS).await);
    let end = memory(world.pid());
    let rate = CALLS as f64 / began.elapsed().as_secs_f64();
    eprintln!(
        "{rate:.0} calls a second; memory {warm} KiB after {WARM} calls, {end} KiB at the end"
    );
    assert!(faults.is_empty(), "{} faults, as {:?}", faults.len(), &faults[..faults.len().min(5)]);
    assert!(end < 2 * warm + 64 * 1024, "memory grew from {warm} to {end} KiB");

    let of = |wanted: Kind| (0..CALLS).filter(|number| kind(*number) == wanted).count();
    let denied = of(Kind::Denied);
    let heard = echo.heard.lock().unwrap().clone();
    assert_eq!(heard.values().sum::<usize>(), CALLS - denied);
    assert!(heard.values().all(|times| *times == 1), "a call arrived twice");
    assert!(!heard.keys().any(|told| told.contains(CARD) || told.contains("delete_branch")));

    until("every outcome", async || {
        (world.events_of("call.outcome").len() == CALLS - denied).then_some(())
    })
    .await;
    let mut open = HashMap::new();
    let mut refused = 0;
    for event in world.events() {
        let data = &event["payload"]["data"];
        match event["event_type"].as_str().unwrap() {
            "call.intent" => drop(open.insert(event["id"].as_str().unwrap().to_owned(), false)),
            "call.outcome" => {
                assert_eq!(data["outcome"], "answered", "{event}");
                let told = open.insert(data["intent"].as_str().unwrap().to_owned(), true);
                assert_eq!(told, Some(false), "{event}");
            }
            "call.refused" => refused += 1,
            _ => {}
        }
    }
    assert_eq!((open.len(), refused), (CALLS - denied, denied));
    assert!(open.values().all(|told| *told), "an intent without an outcome");
    verify(&world.spool()).await;
    assert_eq!(world.metric("tollgate_bugs_total").await, 0.0);
    assert_eq!(world.metric("tollgate_calls_in_flight").await, 0.0);
}
