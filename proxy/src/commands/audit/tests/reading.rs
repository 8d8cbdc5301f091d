//! What a record says: show, grep, stats, and the part since a time.
use std::path::PathBuf;

use tollgate_audit::{Entry, Fields, keys};

use super::*;

/// A call that was answered, one that was refused, and the gate's own events.
async fn calls(dir: &TempDir) -> (PathBuf, Vec<Entry>) {
    let mut options = LedgerOptions::new(dir.path().join("spool"));
    options.segment_bytes = 2048;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let intent = Facts::new(EventType::CallIntent, "coder")
        .revision("r7")
        .text(keys::EFFECT, "allow")
        .text(keys::ROUTE, "tools")
        .text(keys::HOST, "api.example")
        .text(keys::TOOL, "send")
        .text(keys::RULE, "may-send")
        .texts("reasons", ["WORK_HOURS"])
        .text("path_print", "0011");
    let intent = ledger.append(intent).await.unwrap();
    let outcome = Facts::new(EventType::CallOutcome, "coder")
        .text(keys::INTENT, &intent.id().to_string())
        .text(keys::ROUTE, "tools")
        .text("outcome", "answered")
        .number(keys::STATUS, 200)
        .number(keys::DURATION_MS, 12)
        .texts(keys::CLASSES, ["email", "iban"])
        .objects(
            keys::FINDINGS,
            [Fields::new().text("class", "email").text("action", "redact").text("place", "/to")],
        );
    ledger.append(outcome).await.unwrap();
    let refused = Facts::new(EventType::CallRefused, "<reader>")
        .text(keys::CODE, "POLICY_DENIED")
        .texts(keys::CODES, ["RATE_LIMIT_AGENT"])
        .text(keys::RULE, "branches-stay")
        .text(keys::ROUTE, "shop");
    ledger.append(refused).await.unwrap();
    ledger.stop().await.unwrap();
    let mut entries = Vec::new();
    let files = crate::commands::audit::files::event_files(std::slice::from_ref(&options.spool));
    for file in files.unwrap() {
        let text = fs::read_to_string(file).unwrap();
        entries.extend(text.lines().map(|line| Entry::parse(line.as_bytes()).unwrap()));
    }
    (options.spool, entries)
}

fn of(entries: &[Entry], kind: EventType) -> &Entry {
    entries.iter().find(|entry| entry.event_type() == kind.as_str()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calls_story() {
    let dir = TempDir::new().unwrap();
    let (spool, entries) = calls(&dir).await;
    let intent = of(&entries, EventType::CallIntent).id();
    let outcome = of(&entries, EventType::CallOutcome).id();
    let refused = of(&entries, EventType::CallRefused).id();
    for id in [intent, outcome] {
        for expect in [
            "call.intent number",
            "call.outcome number",
            "actor     coder",
            "what      tool send",
            "where     route tools, host api.example",
            "ruling    effect allow",
            "rule      rule may-send, reasons WORK_HOURS",
            "answer    outcome answered, status 200",
            "took      duration_ms 12",
            "action redact",
            "place /to",
            "more      path_print 0011",
            "revision  r7",
        ] {
            check(&spool, &format!("show {id} {{dir}}"), FOUND, expect);
        }
        let (_, text) = run(&spool, &format!("show {id} {{dir}}"));
        assert_eq!(text.matches(" holds\n").count(), 4, "{text}");
        assert!(!text.contains("refused"), "{text}");
    }
    check(&spool, &format!("show {refused} {{dir}}"), FOUND, "codes RATE_LIMIT_AGENT");
    let (_, json) = run(&spool, &format!("show {intent} {{dir}} --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["holds"], true);
    assert_eq!(json["events"].as_array().unwrap().len(), 2);
    assert_eq!(json["events"][1]["event"]["payload"]["data"]["status"], 200);
    assert_eq!(json["events"][1]["signature_holds"], true);

    let nobody = "00000000-0000-7000-8000-000000000000";
    check(&spool, &format!("show {nobody} {{dir}}"), NOT_FOUND, "no event");
    check(&spool, &format!("show {nobody} {{dir}}/none"), UNUSABLE, "none");
    check(&spool, &format!("show {intent} {{dir}} --signers {{dir}}/lock"), UNUSABLE, "lock");
    let first = "{dir}/events-000000000001.jsonl";
    check(&spool, &format!("show {intent} {first}"), FOUND, "is not checked: no registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_event_does_not_hold() {
    let dir = TempDir::new().unwrap();
    let (spool, entries) = calls(&dir).await;
    let intent = of(&entries, EventType::CallIntent);
    let path = spool.join("events-000000000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let line = format!("show {} {{dir}}", intent.id());
    fs::write(&path, text.replace("may-send", "may-\\u001b")).unwrap();
    check(&spool, &line, UNUSABLE, "rule may-\\u{1b}");
    fs::write(&path, text.replace("may-send", "may-dens")).unwrap();
    check(&spool, &line, UNUSABLE, "does not hold");
    check(&spool, &line, UNUSABLE, "broken    the payload was changed");
    check(&spool, &format!("{line} --json"), UNUSABLE, "\"hash_holds\":false");
    // Another event's signature is well written and still not this one's.
    let other = of(&entries, EventType::CallRefused).signature();
    fs::write(&path, text.replace(intent.signature(), other)).unwrap();
    check(&spool, &format!("{line} --json"), UNUSABLE, "\"hash_holds\":true");
    check(&spool, &format!("{line} --json"), UNUSABLE, "\"signature_holds\":false");
    fs::write(&path, text.replacen("\"actor\":\"coder\"", "\"actor\":\"reader\"", 1)).unwrap();
    check(&spool, "grep {dir} --actor reader", UNUSABLE, "events-000000000001.jsonl:");
    check(&spool, "stats {dir}", BROKEN, "1 lines are no events");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grep_finds() {
    let dir = TempDir::new().unwrap();
    let (spool, entries) = calls(&dir).await;
    let at = |kind| tollgate_audit::write_stamp(of(&entries, kind).ts());
    let outcome = at(EventType::CallOutcome);
    for (line, count) in [
        ("", entries.len()),
        ("--type call.refused", 1),
        ("--actor coder", 2),
        ("--actor <reader>", 1),
        ("--actor %3Creader%3E", 1),
        ("--actor code", 0),
        ("--code POLICY_DENIED", 1),
        ("--code RATE_LIMIT_AGENT", 1),
        ("--code WORK_HOURS", 1),
        ("--rule may-send", 1),
        ("--route tools", 2),
        ("--route tools --type call.intent", 1),
        ("--route tools --type call.refused", 0),
        ("--since 2020-01-01 --route shop", 1),
        ("--until 2020-01-01", 0),
        (&format!("--type call.outcome --since {outcome}"), 1),
        (&format!("--type call.outcome --until {outcome}"), 0),
    ] {
        let expect = if count > 0 { FOUND } else { NOT_FOUND };
        for json in ["", "--json "] {
            let command = format!("grep {json}{line} {{dir}}").replace("  ", " ");
            let (code, text) = run(&spool, &command);
            assert_eq!((code, text.lines().count()), (expect, count), "{command}: {text}");
            let read = text.lines().all(|line| Entry::parse(line.as_bytes()).is_ok());
            assert!(read || json.is_empty(), "{text}");
        }
    }
    check(&spool, "grep {dir}/none", UNUSABLE, "none");
    for bad in ["grep --type call.made-up x", "grep --since yesterday x", "grep"] {
        assert!(Line::try_parse_from(format!("audit {bad}").split(' ')).is_err(), "{bad}");
    }
    // The record of a gate at work may end within a line.
    let path = spool.join("events-000000000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"actor\"")).unwrap();
    check(&spool, "grep {dir} --actor coder", FOUND, "the last line is unfinished");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stats_count() {
    let dir = TempDir::new().unwrap();
    let (spool, entries) = calls(&dir).await;
    let (code, json) = run(&spool, "stats --json {dir}");
    assert_eq!(code, SOUND);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (place, expect) in [
        ("/events", entries.len()),
        ("/unread", 0),
        ("/types/call.intent", 1),
        ("/codes/POLICY_DENIED", 1),
        ("/rules/branches-stay", 1),
        ("/actors/coder", 2),
        ("/classes/iban", 1),
    ] {
        assert_eq!(json.pointer(place), Some(&expect.into()), "{place}: {json}");
    }
    let first = tollgate_audit::write_stamp(entries[0].ts());
    assert_eq!(json["first_ts"], first);
    check(&spool, "stats {dir}", SOUND, "by actor\n         2  coder\n");
    check(&spool, "stats {dir}", SOUND, &format!("from {first} to "));
    check(&spool, "stats {dir}/none", UNUSABLE, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_since_a_time() {
    let dir = TempDir::new().unwrap();
    let (spool, entries) = calls(&dir).await;
    let last = entries.len() - 1;
    let since = |n: usize| {
        format!("verify {{dir}} --since {}", tollgate_audit::write_stamp(entries[n].ts()))
    };
    check(&spool, &since(2), SOUND, &format!("sound: {last} events, numbers 1 to {last}"));
    check(&spool, &since(2), SOUND, "only the part since ");
    check(&spool, &since(2), SOUND, "agrees with 1 checkpoints, up to its end");
    check(&spool, &since(0), SOUND, &format!("numbers 0 to {last}"));
    check(&spool, "verify {dir} --since 2100-01-01", UNUSABLE, "there is no event at or after");
    let path = spool.join("events-000000000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    // A change before the part is not looked for, one in it is.
    fs::write(&path, text.replacen("may-send", "may-dens", 1)).unwrap();
    check(&spool, &since(2), SOUND, "only the part since ");
    check(&spool, &since(1), BROKEN, "the payload was changed");
    // Dated back to be left out of the part.
    let stamp = tollgate_audit::write_stamp(entries[1].ts());
    let back = text.replace(&stamp, "2020-01-01T00:00:00.000000Z");
    fs::write(&path, back).unwrap();
    check(&spool, &since(1), BROKEN, "the payload was changed");
    // A head that was cut off is not hidden by asking for a time before it.
    let cut: Vec<&str> = text.split_inclusive('\n').skip(1).collect();
    fs::write(&path, cut.concat()).unwrap();
    check(&spool, "verify {dir} --since 2020-01-01", BROKEN, "are not here");
}
