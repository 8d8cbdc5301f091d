//! Collectors that refuse some events for good.
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tollgate_config::settings::Sink;

use super::sinks::{Seen, assert_in_order, http, listen, read_post, until};
use super::*;

/// A collector that answers a batch by the events in it.
async fn judge(listener: TcpListener, seen: Seen, status: impl Fn(&[u64]) -> u16) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        while let Some(posted) = read_post(&mut stream).await {
            assert!(posted.head.iter().any(|line| line == "content-encoding: gzip"));
            let status = status(&posted.seqs);
            if status == 200 {
                seen.lock().extend(posted.seqs);
            }
            let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

fn dead(options: &LedgerOptions) -> Vec<u64> {
    let text = fs::read_to_string(options.spool.join("dead-siem.jsonl")).unwrap_or_default();
    text.lines().map(|line| tollgate_audit::Entry::parse(line.as_bytes()).unwrap().seq()).collect()
}

fn compressed(sink: Sink) -> Sink {
    let Sink::Http(mut sink) = sink else { panic!() };
    sink.gzip = true;
    Sink::Http(sink)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_put_aside_and_the_rest_goes_on() {
    for status in [413, 422] {
        let dir = TempDir::new().unwrap();
        let (listener, address) = listen().await;
        let seen = Seen::default();
        let judged = move |seqs: &[u64]| match seqs {
            seqs if seqs.contains(&3) || seqs.contains(&9) => status,
            _ => 200,
        };
        let collector = tokio::spawn(judge(listener, seen.clone(), judged));
        let mut options = options(&dir);
        options.checkpoint_events = 1_000_000;
        options.sinks = vec![compressed(http(address, None))];
        let ledger = Ledger::open(options.clone()).await.unwrap();
        for n in 0..12 {
            ledger.append(facts(&n.to_string())).await.unwrap();
        }
        until(|| ledger.health().sinks[0].acknowledged == 12).await;
        assert_eq!(ledger.health().sinks[0].dead, 2, "for {status}");
        assert_eq!(dead(&options), [3, 9], "for {status}");
        let mut all = seen.lock().clone();
        all.extend([3, 9]);
        all.sort_unstable();
        assert_in_order(&all, 12);
        ledger.stop().await.unwrap();
        // The count outlives the gate, and a line that was cut off spoils no other.
        let path = options.spool.join("dead-siem.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.trim_end()).unwrap();
        let ledger = Ledger::open(options.clone()).await.unwrap();
        assert_eq!(ledger.health().sinks[0].dead, 2);
        ledger.stop().await.unwrap();
        collector.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_about_the_event_is_tried_again() {
    for status in [401, 403, 404, 408, 429, 500] {
        let dir = TempDir::new().unwrap();
        let (listener, address) = listen().await;
        let seen = Seen::default();
        let rounds = std::sync::atomic::AtomicU32::new(0);
        let judged = move |_: &[u64]| match rounds.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        {
            0..4 => status,
            _ => 200,
        };
        let collector = tokio::spawn(judge(listener, seen.clone(), judged));
        let mut options = options(&dir);
        options.sinks = vec![compressed(http(address, None))];
        let ledger = Ledger::open(options.clone()).await.unwrap();
        ledger.append(facts("a")).await.unwrap();
        until(|| ledger.health().sinks[0].acknowledged == 1).await;
        assert_eq!(ledger.health().sinks[0].dead, 0, "for {status}");
        assert_in_order(&seen.lock(), 1);
        assert!(dead(&options).is_empty());
        ledger.stop().await.unwrap();
        collector.abort();
    }
}
