//! Collectors that drop, refuse and come back.
use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tollgate_config::settings::{HttpSink, SecretRef, Sink, SyslogFormat, SyslogSink};

use super::*;

pub(super) type Seen = Arc<Mutex<Vec<u64>>>;

pub(super) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(super) fn http(address: SocketAddr, token: Option<SecretRef>) -> Sink {
    let url = format!("http://{address}/ingest?x=1");
    Sink::Http(HttpSink { name: "siem".into(), url, token, ca: None, batch_events: 7, gzip: false })
}

fn syslog(address: SocketAddr, format: SyslogFormat) -> Sink {
    Sink::Syslog(SyslogSink { name: "cef".into(), address, format, tls: None })
}

pub(super) async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it did not come");
}

/// Each event for the first time in order, none missing.
pub(super) fn assert_in_order(seen: &[u64], count: u64) {
    let mut known = BTreeSet::new();
    let first: Vec<u64> = seen.iter().copied().filter(|seq| known.insert(*seq)).collect();
    assert_eq!(first, (0..count).collect::<Vec<_>>());
}

pub(super) struct Posted {
    pub(super) head: Vec<String>,
    pub(super) seqs: Vec<u64>,
}

/// Reads one request; `None` at the connection's end.
pub(super) async fn read_post(stream: &mut BufReader<TcpStream>) -> Option<Posted> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    if head.iter().any(|line| line == "content-encoding: gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
        body = plain;
    }
    let lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let seqs = lines.map(|line| tollgate_audit::Entry::parse(line).unwrap().seq()).collect();
    Some(Posted { head, seqs })
}

/// A collector that misbehaves in turn: closes at once, closes after reading, says 500, says 413,
/// and only then takes it. After two such rounds it has come to its senses.
async fn collect(listener: TcpListener, seen: Seen, heads: Arc<Mutex<Vec<Vec<String>>>>) {
    let mut turn = 0;
    while let Ok((stream, _)) = listener.accept().await {
        turn += 1;
        let trick = if turn <= 10 { turn % 5 } else { 0 };
        if trick == 1 {
            continue;
        }
        let mut stream = BufReader::new(stream);
        let Some(posted) = read_post(&mut stream).await else { continue };
        heads.lock().push(posted.head);
        let status = match trick {
            2 => continue,
            3 => "500 No",
            4 => "413 Large",
            _ => "204 Good",
        };
        if trick == 0 {
            seen.lock().extend(posted.seqs);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_at_least_once_and_in_order() {
    let dir = TempDir::new().unwrap();
    let token = dir.path().join("token");
    fs::write(&token, "s3cret\n").unwrap();
    let (listener, address) = listen().await;
    let (seen, heads) = (Seen::default(), Arc::new(Mutex::new(Vec::new())));
    let collector = tokio::spawn(collect(listener, Arc::clone(&seen), Arc::clone(&heads)));
    let mut options = options(&dir);
    options.segment_bytes = 6_000;
    options.sinks = vec![http(address, Some(SecretRef::File(token)))];
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..20 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    until(|| ledger.health().sinks[0].acknowledged == 20).await;
    assert!(ledger.health().sinks[0].failures >= 4);
    assert_eq!(ledger.health().sinks[0].lag, 0);
    assert_in_order(&seen.lock(), 20);
    for head in heads.lock().iter() {
        assert_eq!(head[0], "POST /ingest?x=1 HTTP/1.1");
        assert!(head.iter().any(|line| line == "authorization: Bearer s3cret"));
        assert!(head.iter().any(|line| line == "content-type: application/x-ndjson"));
        assert!(head.iter().any(|line| line.starts_with("tollgate-last-hash: ")));
    }
    let _ = ledger.stop().await;
    collector.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_collector_stopped() {
    let dir = TempDir::new().unwrap();
    let (listener, address) = listen().await;
    let mut options = options(&dir);
    options.sinks = vec![http(address, None)];
    // Nobody answers: the appends do not care, and stop does not wait for ever.
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for n in 0..5 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    assert_eq!(ledger.health().sinks[0].lag, 5);
    ledger.stop().await.unwrap();
    let seen = Seen::default();
    let collector = tokio::spawn(collect(listener, Arc::clone(&seen), Arc::default()));
    let ledger = Ledger::open(options.clone()).await.unwrap();
    until(|| ledger.health().sinks[0].acknowledged == 6).await;
    assert_in_order(&seen.lock(), 6);
    ledger.stop().await.unwrap();
    // A third start sends nothing again.
    let before = seen.lock().len();
    let ledger = Ledger::open(options).await.unwrap();
    assert_eq!(ledger.health().sinks[0].acknowledged, 6);
    ledger.append(facts("last")).await.unwrap();
    until(|| ledger.health().sinks[0].acknowledged == 7).await;
    assert_eq!(seen.lock()[before..], [6]);
    let _ = ledger.stop().await;
    collector.abort();
}

/// Octet-counted frames until the end; what is cut off does not count.
async fn read_frames(stream: TcpStream, most: usize, seen: &Seen) {
    let mut stream = BufReader::new(stream);
    for _ in 0..most {
        let mut length = Vec::new();
        if stream.read_until(b' ', &mut length).await.unwrap_or(0) == 0 {
            return;
        }
        let length = String::from_utf8(length).unwrap().trim().parse().unwrap();
        let mut frame = vec![0; length];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let frame = String::from_utf8(frame).unwrap();
        assert!(frame.starts_with("<110>1 20"), "{frame}");
        assert!(frame.contains(" call.intent - CEF:0|Tollgate|Tollgate|"), "{frame}");
        let seq = frame.split(" seq=").nth(1).unwrap().split(' ').next().unwrap();
        seen.lock().push(seq.parse().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_is_sent_again_when_the_collector_drops_it() {
    let dir = TempDir::new().unwrap();
    let (listener, address) = listen().await;
    let seen = Seen::default();
    let theirs = Arc::clone(&seen);
    let collector = tokio::spawn(async move {
        // Drops at once, then after one frame, then after three, then keeps the connection.
        for most in [0, 1, 3, usize::MAX] {
            let (stream, _) = listener.accept().await.unwrap();
            read_frames(stream, most, &theirs).await;
        }
    });
    let mut options = options(&dir);
    options.checkpoint_events = 1_000_000;
    options.sinks = vec![syslog(address, SyslogFormat::Cef)];
    let ledger = Ledger::open(options).await.unwrap();
    for n in 0..10 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    until(|| ledger.health().sinks[0].acknowledged == 10).await;
    assert_in_order(&seen.lock(), 10);
    assert!(ledger.health().sinks[0].failures >= 3);
    collector.abort();
    let _ = ledger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_cap_what_every_sink_has_is_released() {
    let dir = TempDir::new().unwrap();
    let (listener, address) = listen().await;
    let seen = Seen::default();
    let collector = tokio::spawn(collect(listener, Arc::clone(&seen), Arc::default()));
    let mut options = options(&dir);
    options.set_bytes_max(65_536);
    let Sink::Http(mut sink) = http(address, None) else { panic!() };
    sink.batch_events = 10_000;
    options.sinks = vec![Sink::Http(sink)];
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let mut written = 0;
    while written < 120 {
        match ledger.append(facts("a")).await {
            Ok(_) => written += 1,
            Err(refusal) => {
                assert_eq!(refusal, LedgerRefusal::Full);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert!(ledger.health().spool_bytes <= 65_536);
    }
    ledger.stop().await.unwrap();
    collector.abort();
    assert!(!options.spool.join("events-000000000001.jsonl").exists());
    let summary = verify(&options.spool).unwrap();
    assert!(summary.first_seq > 0);
    // It opens again, and somebody who takes one more event away is found out.
    Ledger::open(options.clone()).await.unwrap().stop().await.unwrap();
    let mut names: Vec<_> = fs::read_dir(&options.spool)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains("events-"))
        .collect();
    names.sort();
    let text = fs::read_to_string(&names[0]).unwrap();
    fs::write(&names[0], text.split_once('\n').unwrap().1).unwrap();
    let error = verify(&options.spool).unwrap_err().to_string();
    assert!(error.contains("are not here"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_sinks_are_told_at_start() {
    let sink = |name: &str, url: &str| {
        Sink::Http(HttpSink {
            name: name.into(),
            url: url.into(),
            token: None,
            ca: Some("missing.pem".into()),
            batch_events: 1,
            gzip: false,
        })
    };
    for (sinks, expect) in [
        (vec![sink("a/b", "http://x/")], "name"),
        (vec![sink("a", "ftp://x/")], "neither"),
        (vec![sink("a", "no url")], "no URL"),
        (vec![sink("a", "http://u:p@x/")], "password"),
        (vec![sink("a", "https://x/")], "missing.pem"),
        (vec![sink("a", "http://x/"), sink("a", "http://y/")], "another sink"),
    ] {
        let dir = TempDir::new().unwrap();
        let mut options = options(&dir);
        options.sinks = sinks;
        let error = Ledger::open(options).await.err().unwrap().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains("u:p"), "{error}");
    }
}
