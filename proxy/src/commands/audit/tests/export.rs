//! What others read, and that it verifies afterwards.
use tollgate_audit::{Entry, write_stamp};

use super::*;

const FORMATS: [(&str, &str); 4] = [
    ("jsonl", "{\"actor\":"),
    ("cef", "CEF:0|"),
    ("leef", "LEEF:2.0|"),
    ("ocsf", "{\"class_uid\":"),
];

const HEAD: &str = "<110>1 2026-01-01T00:00:00.000000Z host tollgate 7 call.intent - ";

#[tokio::test(flavor = "multi_thread")]
async fn every_format_verifies_afterwards() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    for (format, begins) in FORMATS {
        let (code, text) = run(&spool, &format!("export --to {format} {{dir}}"));
        assert_eq!(code, FOUND, "{format}: {text}");
        assert_eq!(text.lines().count(), 5, "{format}: {text}");
        assert!(text.lines().all(|line| line.starts_with(begins)), "{format}: {text}");
        let copy = spool.join("copy");
        fs::write(&copy, &text).unwrap();
        let command = format!("verify --from {format} --signers {{dir}}/signers.json {{dir}}/copy");
        check(&spool, &command, SOUND, "sound: 5 events, numbers 0 to 4");
        let anchored = format!("{command} --checkpoints {{dir}}/checkpoints.jsonl");
        check(&spool, &anchored, SOUND, "up to its end");
        if format != "jsonl" {
            let messages: Vec<String> = text.lines().map(|line| format!("{HEAD}{line}")).collect();
            fs::write(&copy, messages.join("\n")).unwrap();
            check(&spool, &command, SOUND, "sound: 5 events");
            let framed: String =
                messages.iter().map(|message| format!("{} {message}", message.len())).collect();
            fs::write(&copy, framed).unwrap();
            check(&spool, &command, SOUND, "sound: 5 events");
            check(&spool, &format!("{command} --format foreign"), UNUSABLE, "our own lines only");
        }
        fs::write(&copy, text.replacen("gamma", "delta", 1)).unwrap();
        check(&spool, &command, BROKEN, "copy:3: ");
        fs::write(&copy, text.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
        check(&spool, &command, BROKEN, "the first 1 events are not here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_between_two_times() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let (_, all) = run(&spool, "export --to jsonl {dir}");
    let at: Vec<String> =
        all.lines().map(|line| write_stamp(Entry::parse(line.as_bytes()).unwrap().ts())).collect();
    for (range, count) in [
        (format!("--since {}", at[1]), 4),
        (format!("--until {}", at[1]), 1),
        (format!("--since {} --until {}", at[1], at[3]), 2),
        ("--until 2020-01-01".to_owned(), 0),
    ] {
        for (format, _) in FORMATS {
            let (code, text) = run(&spool, &format!("export {range} --to {format} {{dir}}"));
            assert_eq!(code, if count > 0 { FOUND } else { NOT_FOUND }, "{range}");
            assert_eq!(text.lines().count(), count, "{range}");
        }
    }
    let since = format!("verify --from ocsf --since {} --signers {{dir}}/signers.json", at[2]);
    let (_, text) = run(&spool, "export --to ocsf {dir}");
    fs::write(spool.join("copy"), text).unwrap();
    check(&spool, &format!("{since} {{dir}}/copy"), SOUND, "numbers 1 to 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    check(&spool, "export --to cef {dir}/nothing", UNUSABLE, "cannot export: ");
    let path = spool.join("events-000000000001.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("beta", "zeta")).unwrap();
    check(&spool, "export --to leef {dir}", UNUSABLE, "events-000000000001.jsonl:2: not an entry");
    for bad in ["export x", "export --to syslog x", "export --to cef"] {
        assert!(Line::try_parse_from(format!("audit {bad}").split(' ')).is_err(), "{bad}");
    }
}
