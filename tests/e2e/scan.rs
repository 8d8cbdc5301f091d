//! `tollgate scan`: files, folders, standard input; what it says, what it never shows, how it ends.
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tollgate_tests::{base_settings, within};

/// No real one, and not written out.
fn canary() -> String {
    format!("ghp_{}", "q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm0Yc4AtQe")
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn hides(&self, secret: &str) {
        let Self { out, err, .. } = self;
        // No part of it that would help anybody.
        for at in 4..secret.len() - 8 {
            let part = &secret[at..at + 8];
            assert!(!out.contains(part) && !err.contains(part), "{part} is in {out}{err}");
        }
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tollgate_tests::binary());
    command.arg("scan").args(arguments).current_dir(folder).env_clear().kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn fed(folder: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = command(folder, arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = async move {
        // It may have seen enough.
        let _ = stdin.write_all(input).await;
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1.unwrap() };
    let ended = within("the scan's end", both).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
}

async fn scan(folder: &Path, arguments: &[&str]) -> Ended {
    fed(folder, arguments, b"").await
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn one_file_gives_the_form_of_old() {
    let dir = folder();
    let text = format!("use {} please\n", canary());
    fs::write(dir.path().join("a.txt"), &text).unwrap();
    let finding = json!({
        "detector": "github-token", "class": "secret.github", "start": 4, "end": 44, "grade": "certain",
    });
    let redacted = "use [REDACTED-GITHUB-TOKEN] please\n";
    let expect = |id: &str| json!({ "id": id, "findings": [finding], "redacted": redacted });
    let ended = scan(dir.path(), &["a.txt"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""));
    assert_eq!(ended.lines(), [expect("a.txt")]);
    for arguments in [&[][..], &["-"]] {
        let ended = fed(dir.path(), arguments, text.as_bytes()).await;
        assert_eq!((ended.code, ended.lines()), (Some(3), vec![expect("-")]));
    }
    let ended = fed(dir.path(), &[], b"nothing").await;
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.lines(), [json!({ "id": "-", "findings": [], "redacted": "nothing" })]);
}

#[tokio::test]
async fn exit_codes_say_what_was_found() {
    let dir = folder();
    fs::write(dir.path().join("likely"), "mail bob@example.com").unwrap();
    fs::write(dir.path().join("certain"), canary()).unwrap();
    let cases: &[(&[&str], i32)] = &[
        (&["certain"], 3),
        (&["certain", "--exit-code", "0"], 0),
        (&["certain", "--exit-code", "42"], 42),
        (&["likely"], 3),
        (&["likely", "--minimum", "certain"], 0),
        (&["certain", "--minimum", "certain", "--format", "sarif"], 3),
        (&["likely", "missing"], 2),
        (&["--jsonl", "."], 2),
        (&["--jsonl", "--format", "text", "likely"], 2),
        (&["--exclude", "[", "."], 2),
        (&["--minimum", "perhaps", "likely"], 2),
        (&["--policy", "missing.yaml", "likely"], 78),
    ];
    for (arguments, code) in cases {
        let ended = scan(dir.path(), arguments).await;
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {}{}", ended.out, ended.err);
    }
    let ended = scan(dir.path(), &["--format", "text", "missing", "certain"]).await;
    assert!(ended.err.contains("cannot read `missing`"), "{}", ended.err);
    assert!(ended.out.starts_with("certain:1:1: certain secret.github"), "{}", ended.out);
}

#[tokio::test]
async fn lines_are_answered_one_by_one() {
    let dir = folder();
    let secret = canary();
    let input = format!(
        "{}\n\n{{\"id\":1,\"txt\":\"{secret}\"}}\n{secret}\n",
        json!({ "id": [7], "text": secret })
    );
    let ended = fed(dir.path(), &["--jsonl"], input.as_bytes()).await;
    assert_eq!(ended.code, Some(0), "findings are no fault of a stream");
    ended.hides(&secret);
    let [found, form, word] = &ended.lines()[..] else { panic!("{}", ended.out) };
    assert_eq!(
        (&found["id"], &found["findings"][0]["class"]),
        (&json!([7]), &json!("secret.github"))
    );
    assert_eq!((&form["id"], &word["id"]), (&Value::Null, &Value::Null));
    let ended = fed(dir.path(), &["--jsonl", "--exit-code", "9"], input.as_bytes()).await;
    assert_eq!(ended.code, Some(9));
    let ended = fed(dir.path(), &["--jsonl", "--explain"], input.as_bytes()).await;
    assert_eq!(
        (ended.code, ended.lines()[0]["findings"][0]["column"].as_u64()),
        (Some(0), Some(1))
    );
    let long = vec![b'x'; (16 << 20) + 1];
    let ended = fed(dir.path(), &["--jsonl"], &long).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.contains("longer than 16 MiB"), "{}", ended.err);
}

#[tokio::test]
async fn folders_are_looked_through_to_the_bottom() {
    let dir = folder();
    let top = dir.path();
    fs::create_dir_all(top.join("src/deep")).unwrap();
    fs::create_dir(top.join("target")).unwrap();
    let secret = canary();
    fs::write(top.join(".gitignore"), ".env\n").unwrap();
    fs::write(top.join(".env"), format!("\nTOKEN={secret}\n")).unwrap();
    fs::write(top.join("src/deep/clean.rs"), "fn main() {}").unwrap();
    fs::write(top.join("src/größe.txt"), format!("a\nß {secret}")).unwrap();
    fs::write(top.join("target/out"), &secret).unwrap();
    fs::write(top.join("image"), [b"\0\x01\x02 ", secret.as_bytes()].concat()).unwrap();
    let units: Vec<u8> =
        format!("\u{feff}{secret}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(top.join("export.reg"), units).unwrap();
    symlink("..", top.join("src/up")).unwrap();
    symlink("/dev/zero", top.join("src/endless")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        top.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();

    let ended = scan(top, &["."]).await;
    ended.hides(&secret);
    assert_eq!((ended.code, ended.err.as_str()), (Some(3), ""));
    let places: Vec<_> = ended
        .lines()
        .iter()
        .map(|line| {
            assert_eq!(line.get("redacted"), None);
            let one = &line["findings"][0];
            (line["id"].as_str().unwrap().to_owned(), one["line"].clone(), one["column"].clone())
        })
        .collect();
    let expect = [
        ("./.env", 2, 7),
        ("./export.reg", 1, 1),
        ("./src/größe.txt", 2, 3),
        ("./target/out", 1, 1),
    ];
    assert_eq!(
        places,
        expect.map(|(id, line, column)| (id.to_owned(), line.into(), column.into()))
    );

    let arguments = ["--format", "text", "--exclude", "target", "--exclude", "src/*.txt", "."];
    let ended = scan(top, &arguments).await;
    let lines: Vec<&str> = ended.out.lines().collect();
    let tail = "certain secret.github (github-token)";
    assert_eq!(lines, [format!("./.env:2:7: {tail}"), format!("./export.reg:1:1: {tail}")]);
    assert_eq!(ended.err, "2 findings in 2 of 4 texts, 1 binary passed over\n");
    let ended = scan(top, &["src/deep"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
    // Whoever names a file wants it looked at, whatever is in it.
    assert_eq!(scan(top, &["image"]).await.code, Some(3));
}

#[tokio::test]
async fn an_explanation_says_all_but_the_thing() {
    let dir = folder();
    let secret = canary();
    fs::write(dir.path().join("a"), format!("x\n  token {secret} and 4111 1111 1111 1111"))
        .unwrap();
    let ended = scan(dir.path(), &["--explain", "a"]).await;
    assert_eq!(ended.code, Some(3));
    ended.hides(&secret);
    assert!(!ended.out.contains("4111"), "{}", ended.out);
    for part in [
        "a:2:9: certain secret.github (github-token)\n    what     GitHub tokens",
        "\n    grade    certain: checksum or unmistakable structure; looked for at `ghp_`",
        "\n    place    line 2 column 9 to line 2 column 49, bytes 10 to 50\n",
        "\n    written  in the open\n    policy   none is given; see --policy\n",
        "\n    source   ISO/IEC 7812-1",
    ] {
        assert!(ended.out.contains(part), "{part} is not in {}", ended.out);
    }
    let ended = scan(dir.path(), &["--explain", "--format", "json", "a"]).await;
    ended.hides(&secret);
    let [one] = &ended.lines()[..] else { panic!("{}", ended.out) };
    assert_eq!(one["findings"][1]["detector"], "payment-card");
    assert!(one["findings"][1]["about"].as_str().unwrap().starts_with("payment card numbers"));
}

fn settings(dir: &Path, dlp: Value) {
    let mut settings = base_settings();
    settings["dlp"] = dlp;
    fs::write(dir.join("gate.yaml"), settings.to_string()).unwrap();
}

#[tokio::test]
async fn a_policy_says_what_a_gate_would_do() {
    let dir = folder();
    let secret = canary();
    fs::write(dir.path().join("a"), format!("{secret} bob@example.com 4111 1111 1111 1111"))
        .unwrap();
    settings(
        dir.path(),
        json!({ "rules": [
            { "classes": ["secret.*"], "direction": "request", "action": "block" },
            { "classes": ["contact.email"], "action": "allow" },
            { "classes": ["secret.github", "pci.pan"], "direction": "answer", "action": "alert" },
        ]}),
    );
    let actions = async |more: &[&str]| {
        let ended = scan(dir.path(), &[&["--policy", "gate.yaml", "a"], more].concat()).await;
        ended.hides(&secret);
        let [one] = &ended.lines()[..] else { panic!("{}{}", ended.out, ended.err) };
        let found = one["findings"].as_array().unwrap();
        let actions: Vec<_> =
            found.iter().map(|one| one["action"].as_str().unwrap().to_owned()).collect();
        (ended.code, actions, one["redacted"].as_str().unwrap().to_owned())
    };
    let (code, request, redacted) = actions(&["--format", "json"]).await;
    assert_eq!((code, request.join(" ").as_str()), (Some(3), "block allow redact"));
    assert_eq!(redacted, "[REDACTED-GITHUB-TOKEN] bob@example.com [REDACTED:PAN]");
    // What is only alerted about stays in a text, so it is not asked for here.
    let arguments = ["--policy", "gate.yaml", "--direction", "answer", "--explain", "a"];
    let ended = scan(dir.path(), &arguments).await;
    ended.hides(&secret);
    let told: Vec<&str> = ended.out.lines().filter(|line| line.contains("  policy ")).collect();
    let expect = [
        "    policy   alert: record it, change nothing",
        "    policy   allow: record nothing, change nothing",
        "    policy   alert: record it, change nothing",
    ];
    assert_eq!((ended.code, told), (Some(3), expect.to_vec()));

    settings(dir.path(), json!({ "rules": [{ "classes": ["*"], "action": "allow" }] }));
    let ended = scan(dir.path(), &["--policy", "gate.yaml", "--format", "text", "a"]).await;
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 3), "{}", ended.out);
    settings(dir.path(), json!({ "minimum_grade": "certain" }));
    let ended = scan(dir.path(), &["--policy", "gate.yaml", "--format", "text", "a"]).await;
    assert_eq!((ended.code, ended.out.lines().count()), (Some(3), 2), "{}", ended.out);
    settings(dir.path(), json!({ "rules": [{ "classes": ["secret.githb"], "action": "allow" }] }));
    let ended = scan(dir.path(), &["--policy", "gate.yaml", "a"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(78), ""));
    assert!(ended.err.contains("secret.github"), "{}", ended.err);
}

#[tokio::test]
async fn code_scanning_reads_the_log() {
    let dir = folder();
    let secret = canary();
    fs::create_dir(dir.path().join("a b")).unwrap();
    fs::write(dir.path().join("a b/#1"), format!("x\nß{secret}")).unwrap();
    let ended = scan(dir.path(), &["--format", "sarif", "."]).await;
    assert_eq!(ended.code, Some(3));
    ended.hides(&secret);
    let log: Value = serde_json::from_str(&ended.out).unwrap();
    let run = &log["runs"][0];
    assert_eq!(
        (&log["version"], &run["columnKind"]),
        (&json!("2.1.0"), &json!("unicodeCodePoints"))
    );
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "github-token");
    let result = &run["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("github-token"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%231");
    let region = json!({ "startLine": 2, "startColumn": 2, "endLine": 2, "endColumn": 42 });
    assert_eq!(place["region"], region);
    let ended = scan(dir.path(), &["--format", "sarif", "a b/none", "."]).await;
    let log: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert_eq!(ended.code, Some(2));
}

#[tokio::test]
async fn names_of_files_move_no_cursor() {
    let dir = folder();
    for name in [&b"a\n\x1b[2Jb: certain secret.github"[..], b"\xff\xfe", "\u{202e}txt".as_bytes()]
    {
        fs::write(dir.path().join(OsStr::from_bytes(name)), "ssn 123-45-6789").unwrap();
    }
    for arguments in [["--format", "text", "."], ["--explain", "--format=text", "."]] {
        let ended = scan(dir.path(), &arguments).await;
        assert_eq!(ended.code, Some(3));
        assert!(!ended.out.contains(['\x1b', '\u{202e}']), "{:?}", ended.out);
        let heads = ended.out.lines().filter(|line| !line.starts_with("    "));
        assert_eq!(heads.count(), 3, "{:?}", ended.out);
    }
    let ended = scan(dir.path(), &["."]).await;
    assert_eq!(ended.lines().len(), 3);
    let ended = scan(dir.path(), &["--format", "sarif", "."]).await;
    assert!(ended.out.contains("%FF%FE"), "{}", ended.out);
    let ended = scan(dir.path(), &["no\x1b[2J"]).await;
    assert!(!ended.err.contains('\x1b'), "{:?}", ended.err);
}

#[tokio::test]
async fn long_lines_and_broken_characters_are_borne() {
    let dir = folder();
    let secret = canary();
    let pad = "x ".repeat(10 << 20);
    fs::write(dir.path().join("long"), format!("{pad}{secret} {}", "1".repeat(1 << 20))).unwrap();
    let ended = scan(dir.path(), &["--format", "text", "long"]).await;
    let expect = format!("long:1:{}: certain secret.github (github-token)\n", pad.len() + 1);
    assert_eq!((ended.code, ended.out), (Some(3), expect));
    let broken = [b"caf\xe9 \xf0\x9f\n\xc3 ", secret.as_bytes(), b" \xff"].concat();
    fs::write(dir.path().join("broken"), broken).unwrap();
    let ended = scan(dir.path(), &["--format", "text", "broken", "long"]).await;
    ended.hides(&secret);
    assert!(ended.out.starts_with("broken:2:3: certain secret.github"), "{}", ended.out);
    assert_eq!(ended.out.lines().count(), 2);
}

#[tokio::test]
async fn who_reads_may_go() {
    let dir = folder();
    let line = format!("{}\n", "ssn 123-45-6789 ".repeat(1000));
    for file in 0..50 {
        fs::write(dir.path().join(file.to_string()), &line).unwrap();
    }
    let mut child = command(dir.path(), &["--format", "text", "."]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = within("a line", lines.next_line()).await.unwrap().unwrap();
    assert_eq!(first, "./0:1:5: certain gov_id.us_ssn (us-ssn)");
    drop(lines);
    let ended = within("the scan's end", child.wait_with_output()).await.unwrap();
    assert_eq!(
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
        (Some(3), "")
    );
}
