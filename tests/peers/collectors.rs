//! Collectors that are spoken to over HTTP: OpenTelemetry's own classes read what OTLP brings, and
//! an implementation of RFC 9421 that we did not write checks the signature of batches.
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tollgate_tests::{HttpUpstream, Upstream, until, within};

use crate::peer;
use crate::record::{builder, call, no_lag};
use crate::servers::script;

const KEY: &str = "key-for-telemetry-30be";
/// The record that the receiver never takes.
const NEVER: u64 = 9;

async fn receiver(file: &str) -> (Child, String) {
    let path = peer::root().join("tests/peers/collectors/otlp_receiver.py");
    let mut child = Command::new(peer::python("sinks"))
        .arg(path)
        .args([file, KEY, "6", &NEVER.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within("the receiver", lines.next_line()).await.unwrap().unwrap();
    let address = line.strip_prefix("listening on ").unwrap();
    (child, format!("http://{address}/v1/logs"))
}

#[tokio::test]
async fn telemetry_is_read_by_its_own_classes_and_verifies() {
    for gzip in [false, true] {
        let (upstream, dir) = (Upstream::start().await, tempfile::tempdir().unwrap());
        let file = dir.path().join("records.jsonl");
        let (_receiver, url) = receiver(file.to_str().unwrap()).await;
        let sink = json!({
            "type": "otlp", "name": "telemetry", "url": url, "gzip": gzip, "batch_events": 32,
            "headers": [{ "name": "x-api-key", "value": { "env": "OTEL_KEY" } }],
        });
        let mut world = builder(&upstream, sink).variable("OTEL_KEY", KEY).start().await;
        call(&world, 20).await;
        until("a record that is put aside", async || {
            let dead = world.metric("tollgate_sink_dead_events{sink=\"telemetry\"}").await;
            (dead == 1.0).then_some(())
        })
        .await;
        no_lag(&world, "telemetry").await;
        assert!(world.stop().await.success());
        let text = std::fs::read_to_string(&file).unwrap();
        let records: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let aside = std::fs::read_to_string(world.spool().join("dead-telemetry.jsonl")).unwrap();
        let mut lines: Vec<String> =
            records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect();
        lines.insert(usize::try_from(NEVER).unwrap(), aside.trim_end().to_owned());
        crate::record::is_the_record(&world, &lines, "telemetry.jsonl").await;
        for record in &records {
            let event: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
            assert_eq!(record["service"], "tollgate");
            assert_eq!(record["event"], event["event_type"]);
            assert_eq!(record["attributes"]["log.record.uid"], event["id"]);
            assert_eq!(record["attributes"]["tollgate.hash"], event["hash"]);
            let time = record["time"].as_u64().unwrap() / 1_000;
            assert!(event["ts"].as_str().unwrap().contains(&format!(".{:06}Z", time % 1_000_000)));
            if event["event_type"] == "call.intent" {
                assert_eq!(record["attributes"]["http.request.method"], "GET");
                assert_eq!(record["attributes"]["tollgate.effect"], "allow");
                assert_eq!(
                    (&record["severity"], &record["word"]),
                    (&json!(9), &json!("informational"))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_batch_is_signed_as_others_understand_it() {
    for gzip in [false, true] {
        let (upstream, collector) = (Upstream::start().await, HttpUpstream::h1().await);
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (key, public) = (path("batch.pem"), path("public.pem"));
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]).await;
        openssl(&["pkey", "-in", &key, "-pubout", "-out", &public]).await;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, mode).unwrap();
        let url = format!("{}/events", collector.url());
        let sink = json!({
            "type": "http", "name": "lake", "url": url, "gzip": gzip, "batch_events": 8,
            "signature": { "key": key, "keyid": "gate-1" },
        });
        let world = builder(&upstream, sink).start().await;
        call(&world, 10).await;
        no_lag(&world, "lake").await;
        let heard = collector.wait_heard(2).await;
        let file = path("batch.json");
        for batch in &heard[..2] {
            let headers: serde_json::Map<String, Value> = batch
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
                .collect();
            let good = json!({
                "method": batch.method.as_str(), "url": url, "headers": headers,
                "body": STANDARD.encode(&batch.body),
            });
            std::fs::write(&file, good.to_string()).unwrap();
            let said = script("signed_batch.py", &[&file, &public, "gate-1"], &[]).await.unwrap();
            assert_eq!(said.trim(), "signed by gate-1");
            let mut body = batch.body.to_vec();
            body[5] ^= 1;
            for (pointer, value) in [
                ("/body", STANDARD.encode(&body)),
                ("/headers/tollgate-last-seq", "999".to_owned()),
                ("/url", url.replace("/events", "/other")),
                ("/method", "PUT".to_owned()),
                ("/headers/content-type", "text/plain".to_owned()),
            ] {
                let mut bad = good.clone();
                *bad.pointer_mut(pointer).unwrap() = value.into();
                std::fs::write(&file, bad.to_string()).unwrap();
                let said = script("signed_batch.py", &[&file, &public, "gate-1"], &[]).await;
                assert!(said.is_err_and(|why| why.contains("InvalidSignature")), "{pointer}");
            }
        }
    }
}

async fn openssl(arguments: &[&str]) {
    let ended = peer::run(Command::new("openssl").args(arguments), peer::DEADLINE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
