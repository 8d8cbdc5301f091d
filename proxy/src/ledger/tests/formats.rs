//! What a collector is sent in each format is the event, and can be verified as such.
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tollgate_audit::{CopyError, Entry, cef, leef, ocsf};
use tollgate_config::settings::{HttpFormat, Sink, SyslogFormat, SyslogSink};

use super::sinks::{http, listen, until};
use super::*;

type Read = fn(&[u8]) -> Result<Entry, CopyError>;
type Told = Arc<Mutex<Vec<Vec<u8>>>>;

/// What stands behind each length, until the connection ends.
async fn frames(listener: TcpListener, told: Told) {
    let mut stream = BufReader::new(listener.accept().await.unwrap().0);
    loop {
        let mut length = Vec::new();
        if stream.read_until(b' ', &mut length).await.unwrap_or(0) == 0 {
            return;
        }
        let length = String::from_utf8(length).unwrap().trim().parse().unwrap();
        let mut frame = vec![0; length];
        stream.read_exact(&mut frame).await.unwrap();
        told.lock().push(frame);
    }
}

/// The lines of each body, until nobody connects.
async fn bodies(listener: TcpListener, told: Told) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            match line.trim_end().split_once(": ") {
                Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        told.lock().extend(lines.map(<[u8]>::to_vec));
        let answer = b"HTTP/1.1 204 Good\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }
}

/// Records four events and returns their lines, when the sink has told them.
async fn record(sink: Sink) -> (TempDir, Vec<String>) {
    let dir = TempDir::new().unwrap();
    let mut options = options(&dir);
    options.checkpoint_events = 1_000_000;
    options.sinks = vec![sink];
    let ledger = Ledger::open(options.clone()).await.unwrap();
    for tool in ["a", "b ^ c = d | e", "x\r\nLEEF:2.0|y", "\u{1b}[31m\u{2028}"] {
        ledger.append(facts(tool)).await.unwrap();
    }
    until(|| ledger.health().sinks[0].acknowledged == 4).await;
    let lines = lines(&options.spool);
    let _ = ledger.stop().await;
    (dir, lines)
}

#[track_caller]
fn assert_told(told: &Told, lines: &[String], read: Read) {
    let read: Vec<String> = told
        .lock()
        .iter()
        .map(|line| read(line).unwrap().to_line().trim_end().to_owned())
        .collect();
    assert_eq!(read[..4], lines[..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_tells_each_format() {
    for (format, read) in [
        (SyslogFormat::Cef, cef::read_cef as Read),
        (SyslogFormat::Leef, leef::read_leef),
        (SyslogFormat::Ocsf, ocsf::read_ocsf),
    ] {
        let (listener, address) = listen().await;
        let told = Told::default();
        let collector = tokio::spawn(frames(listener, Arc::clone(&told)));
        let sink = SyslogSink { name: "siem".into(), address, format, tls: None };
        let (_dir, lines) = record(Sink::Syslog(sink)).await;
        assert_told(&told, &lines, read);
        collector.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_tells_ocsf() {
    let (listener, address) = listen().await;
    let told = Told::default();
    let collector = tokio::spawn(bodies(listener, Arc::clone(&told)));
    let Sink::Http(mut sink) = http(address, None) else { panic!() };
    sink.format = HttpFormat::Ocsf;
    let (_dir, lines) = record(Sink::Http(sink)).await;
    assert_told(&told, &lines, ocsf::read_ocsf);
    collector.abort();
}
