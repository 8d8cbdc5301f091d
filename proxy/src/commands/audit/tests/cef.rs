//! The copy in a SIEM.
use tollgate_audit::{Entry, cef::write_cef};

use super::*;

fn entries(spool: &Path) -> Vec<Entry> {
    let files = crate::commands::audit::files::event_files(&[spool.to_owned()]).unwrap();
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| Entry::parse(line.as_bytes()).unwrap()).collect()
}

fn lines(spool: &Path) -> Vec<String> {
    entries(spool).iter().map(write_cef).collect()
}

const HEAD: &str = "<110>1 2026-01-01T00:00:00.000000Z host tollgate 7 call.intent - ";
const COMMAND: &str = "verify --from cef --signers {dir}/signers.json {dir}/siem";

fn check_copy(spool: &Path, copy: impl AsRef<[u8]>, code: u8, expect: &str) {
    fs::write(spool.join("siem"), copy).unwrap();
    check(spool, COMMAND, code, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_is_the_chain() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let lines = lines(&spool);
    let sound = "sound: 5 events, numbers 0 to 4";
    let bare: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let headed: String = lines.iter().map(|line| format!("{HEAD}{line}\n")).collect();
    let framed = |end: &str| -> String {
        let messages = lines.iter().map(|line| format!("{HEAD}{line}"));
        messages.map(|message| format!("{} {message}{end}", message.len())).collect()
    };
    for copy in [bare.clone(), headed, framed(""), framed("\n")] {
        check_copy(&spool, copy, SOUND, sound);
    }
    check_copy(&spool, &bare, SOUND, "no checkpoint");
    let since = tollgate_audit::write_stamp(entries(&spool)[2].ts());
    check(&spool, &format!("{COMMAND} --since {since}"), SOUND, "numbers 1 to 4");
    let anchored = format!("{COMMAND} --checkpoints {{dir}}/checkpoints.jsonl");
    check(&spool, &anchored, SOUND, "up to its end");
    check(&spool, &format!("{COMMAND} --format foreign"), UNUSABLE, "our own lines only");
    check_copy(&spool, lines[1..].join("\n"), BROKEN, "the first 1 events are not here");
    check_copy(&spool, [&*lines[0], &*lines[2]].join("\n"), BROKEN, "siem:2: event ");
    check_copy(&spool, framed("").trim_end_matches('}'), UNUSABLE, "line 5: the file ends within");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_the_copy() {
    let dir = TempDir::new().unwrap();
    let spool = spool(&dir).await;
    let lines = lines(&spool);
    let changed = |from: &str, to: &str| {
        let third = lines[2].replacen(from, to, 1);
        assert_ne!(third, lines[2], "{from}");
        [&lines[0], &lines[1], &third, &lines[3]].map(String::as_str).join("\n")
    };
    for (from, to, expect) in [
        ("|Call allowed|", "|Call refused|", "siem:3: `name` is not what its payload says"),
        ("|1|rt=", "|9|rt=", "siem:3: `severity` is not"),
        ("rt=1", "rt=2", "siem:3: `rt` is not"),
        ("cs1=gamma", "cs1=delta", "siem:3: `cs1` is not"),
        ("suser=spiffe", "suser=other", "siem:3: `suser` is not"),
        ("seq=2", "seq=3", "siem:3: `seq` is not"),
        ("signer_kid=e", "signer_kid=f", "siem:3: `signer_kid` is not"),
        (" hash=", " hash=0", "siem:3: not an entry"),
        ("signature=", "signature=A", "siem:3: event "),
        ("\"gamma\"", "\"delta\"", "siem:3: not an entry"),
        ("prev_hash=", "prev_hush=", "siem:3: not an entry"),
        ("cat=", "cat\\x=", "siem:3: a pair of its CEF extension cannot be read"),
        ("CEF:0", "CEF:1", "siem:3: its CEF header is not one of ours"),
        ("CEF:0", "LEEF:0", "siem:3: it is neither CEF nor"),
    ] {
        check_copy(&spool, changed(from, to), BROKEN, expect);
    }
    check_copy(&spool, changed("CEF:0", "9x9"), UNUSABLE, "siem`: line 3: it begins with a digit");
    check_copy(&spool, changed("CEF:0", "9999999 CEF"), UNUSABLE, "longer than 4 MiB");
    check_copy(&spool, b"CEF:\xff\n", BROKEN, "siem:1: it is not UTF-8");
    check_copy(&spool, "", UNUSABLE, "no event");
}
