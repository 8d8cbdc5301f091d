//! Requests that parsers read in two ways: the gate decides on one reading, and the upstream gets
//! that reading and no other.
//!
//! The rulebook denies the tool `delete_branch`. Whatever is sent, what the upstream gets must be
//! strict JSON in which no key stands twice and nobody can read a call of that tool.
use std::io::Write as _;

use tollgate_tests::{RawClient, Seen, Upstream, World};

use crate::kit::{POLICY_NO_DELETE, refusal_code};
use crate::reading;

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It arrives once.
    Passes,
    /// It is refused with this code and does not arrive.
    Refused(&'static str),
}

/// One request.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) request: Vec<u8>,
    pub(crate) fate: Fate,
}

/// A request, but for its parts that a case changes.
pub(crate) struct Draft {
    pub(crate) line: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { line: "POST /mcp HTTP/1.1", headers, body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn instead(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.with(name, value)
    }

    pub(crate) fn line(mut self, line: &'static str) -> Self {
        self.line = line;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\nhost: localhost\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// A call whose parameters are written as they are.
pub(crate) fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
}

pub(crate) const WEATHER: &str = r#"{"name":"get_weather","arguments":{"city":"Lisbon"}}"#;
pub(crate) const DELETE: &str = r#"{"name":"delete_branch","arguments":{"branch":"main"}}"#;

/// Sends every case and looks at what arrives.
pub(crate) async fn check(cases: Vec<Case>) {
    let upstream = Upstream::start().await;
    let url = format!("{}/mcp", upstream.url());
    let world = World::builder()
        .mcp("tools", "/mcp", &url)
        .policy(POLICY_NO_DELETE)
        .set("/bounds", serde_json::json!({ "request_body_bytes": 2_000_000 }))
        .start()
        .await;
    upstream.on("/mcp", tollgate_tests::json_answer(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#));
    let mut wrong = Vec::new();
    for case in &cases {
        let mut client = RawClient::connect(world.plain()).await;
        client.send(&case.request).await;
        let code = match client.try_answer().await {
            Ok(answer) => refusal_code(&answer.body),
            Err(error) => format!("no answer: {error}"),
        };
        let seen = upstream.take_seen();
        let faults = faults(case, &code, &seen);
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", case.name)));
    }
    let refused = cases.iter().filter(|case| case.fate != Fate::Passes).count();
    let recorded = world.events_of("call.refused").len();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(recorded, refused, "every refusal is recorded");
    for bytes in upstream.wire() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("delete_branch"), "{text}");
    }
}

fn faults(case: &Case, code: &str, seen: &[Seen]) -> Vec<String> {
    let mut faults = Vec::new();
    let expect = match case.fate {
        Fate::Passes => "",
        Fate::Refused(code) => code,
    };
    if code != expect {
        faults.push(format!("`{code}` instead of `{expect}`"));
    }
    let arrived = usize::from(case.fate == Fate::Passes);
    if seen.len() != arrived {
        faults.push(format!("arrived {} times instead of {arrived}", seen.len()));
    }
    for seen in seen {
        if let Err(fault) = read_strictly(seen) {
            faults.push(format!("the upstream got {fault}: {}", seen.head));
        }
    }
    faults
}

/// What arrives has one reading only.
fn read_strictly(seen: &Seen) -> Result<(), String> {
    for (header, expect) in [
        ("content-type", vec!["application/json"]),
        ("content-encoding", vec![]),
        ("transfer-encoding", vec![]),
        ("x-http-method-override", vec![]),
        ("mcp-name-evil", vec![]),
    ] {
        if seen.header(header) != expect {
            return Err(format!("`{header}: {:?}`", seen.header(header)));
        }
    }
    if seen.header("content-length") != [seen.body.len().to_string()] {
        return Err("another length".to_owned());
    }
    if seen.line() != "POST /mcp" {
        return Err(format!("`{}`", seen.line()));
    }
    let document = reading::read(&seen.body)?;
    let expect = serde_json::to_vec(&document).map_err(|error| error.to_string())?;
    if expect != seen.body {
        return Err("what was not written anew".to_owned());
    }
    match seen.header("mcp-name").as_slice() {
        [] => Ok(()),
        [name] if document["params"]["name"].as_str() == Some(name) => Ok(()),
        names => Err(format!("`mcp-name: {names:?}`")),
    }
}

fn case(name: impl Into<String>, draft: Draft, fate: Fate) -> Case {
    Case { name: name.into(), request: draft.bytes(), fate }
}

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn utf32(text: &str, big: bool) -> Vec<u8> {
    let letters = text.chars().map(u32::from);
    letters.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    call(&format!(r#"{{"name":"get_weather","arguments":{{"city":{open}{close}}}}}"#))
}

/// Bodies, and what becomes of them in every generation.
fn bodies() -> Vec<(&'static str, Vec<u8>, Fate)> {
    use Fate::{Passes, Refused};
    let twice = Refused("DUPLICATE_KEY");
    let malformed = Refused("MALFORMED_BODY");
    let denied = Refused("POLICY_DENIED");
    let text: Vec<(&'static str, String, Fate)> = vec![
        ("the allowed tool", call(WEATHER), Passes),
        ("the denied tool", call(DELETE), denied),
        (
            "white space everywhere",
            format!(" \t\r\n{}\n", call(WEATHER).replace(':', " :\n ")),
            Passes,
        ),
        (
            "name twice, denied last",
            call(r#"{"name":"get_weather","name":"delete_branch","arguments":{}}"#),
            twice,
        ),
        (
            "name twice, denied first",
            call(r#"{"name":"delete_branch","name":"get_weather","arguments":{}}"#),
            twice,
        ),
        (
            "name twice, once escaped",
            call(r#"{"name":"get_weather","n\u0061me":"delete_branch"}"#),
            twice,
        ),
        (
            "arguments twice",
            call(r#"{"name":"get_weather","arguments":{},"arguments":{"city":"x"}}"#),
            twice,
        ),
        (
            "an argument twice",
            call(r#"{"name":"get_weather","arguments":{"city":"a","city":"b"}}"#),
            twice,
        ),
        (
            "a key twice, deep down",
            call(r#"{"name":"get_weather","arguments":{"a":[{"b":[{"c":1,"c":2}]}]}}"#),
            twice,
        ),
        (
            "method twice",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call","params":{DELETE}}}"#
            ),
            twice,
        ),
        (
            "params twice",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{WEATHER},"params":{DELETE}}}"#
            ),
            twice,
        ),
        (
            "id twice",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"id":8,"method":"tools/call","params":{WEATHER}}}"#
            ),
            twice,
        ),
        ("an escaped key", call(r#"{"n\u0061me":"delete_branch","arguments":{}}"#), denied),
        ("an escaped value", call(r#"{"name":"\u0064elete_branch","arguments":{}}"#), denied),
        ("an escaped method", call(DELETE).replace("tools/call", r"tools\/c\u0061ll"), denied),
        (
            "an escaped allowed name",
            call(r#"{"n\u0061me":"get\u005fweather","arguments":{}}"#),
            Passes,
        ),
        (
            "params inside params",
            call(&format!(r#"{{"name":"get_weather","params":{WEATHER}}}"#)),
            malformed,
        ),
        (
            "a lone surrogate",
            call(r#"{"name":"get_weather","arguments":{"city":"\ud800"}}"#),
            malformed,
        ),
        (
            "a lone low surrogate",
            call(r#"{"name":"get_weather","arguments":{"city":"\udc00x"}}"#),
            malformed,
        ),
        ("nested 200 deep", nested(200), Refused("TOO_DEEP")),
        ("nested 5000 deep", nested(5000), Refused("TOO_DEEP")),
        ("nested 100000 deep", "[".repeat(100_000), Refused("TOO_DEEP")),
        (
            "a request that is an answer",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{DELETE},"result":{{}}}}"#
            ),
            malformed,
        ),
        (
            "a request that is an error",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{DELETE},"error":{{}}}}"#
            ),
            malformed,
        ),
        (
            "a member of nobody",
            format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{WEATHER},"Params":{DELETE}}}"#
            ),
            malformed,
        ),
        ("id null", call(DELETE).replace("7", "null"), malformed),
        ("id true", call(DELETE).replace("7", "true"), malformed),
        ("id {}", call(DELETE).replace("7", "{}"), malformed),
        ("id []", call(DELETE).replace("7", "[]"), malformed),
        ("id 1.0", call(DELETE).replace("7", "1.0"), malformed),
        ("id 2^53+1", call(DELETE).replace("7", "9007199254740993"), malformed),
        ("id 1e2", call(DELETE).replace("7", "1e2"), malformed),
        ("no id", call(DELETE).replace(r#""id":7,"#, ""), Refused("")),
        ("jsonrpc 1.0", call(DELETE).replace("2.0", "1.0"), malformed),
        ("no jsonrpc", call(DELETE).replace(r#""jsonrpc":"2.0","#, ""), malformed),
        ("name is an array", call(r#"{"name":["delete_branch"],"arguments":{}}"#), malformed),
        ("name is an object", call(r#"{"name":{"toString":"delete_branch"}}"#), malformed),
        ("name is null", call(r#"{"name":null}"#), malformed),
        ("params is an array", call(r#"["delete_branch",{}]"#), malformed),
        ("params is a string", call(r#""delete_branch""#), malformed),
        ("arguments is an array", call(r#"{"name":"get_weather","arguments":["x"]}"#), malformed),
        ("arguments is a string", call(r#"{"name":"get_weather","arguments":"{}"}"#), malformed),
        ("data behind the document", format!("{}{}", call(WEATHER), call(DELETE)), malformed),
        ("two lines", format!("{}\n{}", call(WEATHER), call(DELETE)), malformed),
        ("NUL behind the document", format!("{}\0", call(WEATHER)), malformed),
        ("NaN", call(r#"{"name":"get_weather","arguments":{"n":NaN}}"#), malformed),
        ("Infinity", call(r#"{"name":"get_weather","arguments":{"n":-Infinity}}"#), malformed),
        (
            "a number with 400 zeros",
            call(&format!(r#"{{"name":"get_weather","arguments":{{"n":1{}}}}}"#, "0".repeat(400))),
            Passes,
        ),
        (
            "a number beyond doubles",
            call(r#"{"name":"get_weather","arguments":{"n":1e+999}}"#),
            Passes,
        ),
        (
            "an integer of 65 bits",
            call(r#"{"name":"get_weather","arguments":{"n":36893488147419103232}}"#),
            Passes,
        ),
        (
            "a hexadecimal number",
            call(r#"{"name":"get_weather","arguments":{"n":0x1}}"#),
            malformed,
        ),
        ("a leading zero", call(r#"{"name":"get_weather","arguments":{"n":01}}"#), malformed),
        ("a comment", call(r#"{"name":"get_weather"/*,"name":"delete_branch"*/}"#), malformed),
        ("a trailing comma", call(r#"{"name":"get_weather",}"#), malformed),
        ("single quotes", call("{'name':'delete_branch'}"), malformed),
        ("keys without quotes", call(r#"{name:"delete_branch"}"#), malformed),
        (
            "a control character",
            call("{\"name\":\"get_weather\",\"arguments\":{\"a\":\"\u{1}\"}}"),
            malformed,
        ),
        (
            "prototype pollution",
            call(r#"{"name":"get_weather","arguments":{"__proto__":{"name":"x"}}}"#),
            Passes,
        ),
        ("a full-width name", call(r#"{"name":"ｄelete_branch","arguments":{}}"#), Passes),
        ("an empty body", String::new(), malformed),
        ("a bare string", r#""tools/call""#.to_owned(), malformed),
        ("null", "null".to_owned(), malformed),
    ];
    let mut all: Vec<(&'static str, Vec<u8>, Fate)> =
        text.into_iter().map(|(name, text, fate)| (name, text.into_bytes(), fate)).collect();
    let delete = call(DELETE);
    let mut invalid = call(WEATHER).replace("Lisbon", "Lis#bon").into_bytes();
    let at = invalid.iter().position(|byte| *byte == b'#').unwrap();
    invalid[at] = 0xff;
    let mut overlong = call(WEATHER).into_bytes();
    overlong.splice(at..at, [0xc0, 0xaf]);
    let bom = [b"\xef\xbb\xbf".as_slice(), delete.as_bytes()].concat();
    all.extend([
        ("UTF-16, little end first", utf16(&delete, false, false), malformed),
        ("UTF-16, big end first", utf16(&delete, true, false), malformed),
        ("UTF-16 with its mark", utf16(&delete, false, true), malformed),
        ("UTF-16BE with its mark", utf16(&delete, true, true), malformed),
        ("UTF-32, little end first", utf32(&delete, false), malformed),
        ("UTF-32, big end first", utf32(&delete, true), malformed),
        ("a byte order mark", bom, malformed),
        ("a byte that is no UTF-8", invalid, malformed),
        ("an overlong slash", overlong, malformed),
    ]);
    all
}

#[tokio::test]
async fn bodies_have_one_reading_in_every_generation() {
    let mut cases = Vec::new();
    for (era, version) in [
        ("2025-03-26", None),
        ("2025-06-18", Some("2025-06-18")),
        ("2025-11-25", Some("2025-11-25")),
    ] {
        for (name, body, fate) in bodies() {
            let mut draft = Draft::new(body);
            if let Some(version) = version {
                draft = draft.with("mcp-protocol-version", version);
            }
            cases.push(case(format!("{era}: {name}"), draft, fate));
        }
    }
    let meta = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    for (name, body, fate) in bodies() {
        // Where the body is a whole call, it says its generation as well.
        let body = match String::from_utf8(body.clone()) {
            Ok(text) if text.ends_with("}}}") => {
                format!("{}{meta}", text.strip_suffix("}}").unwrap()).into()
            }
            _ => body,
        };
        let draft = Draft::new(body).with("mcp-protocol-version", "2026-07-28");
        cases.push(case(format!("2026-07-28: {name}"), draft, fate));
    }
    check(cases).await;
}

#[tokio::test]
async fn batches_pass_whole_or_not_at_all() {
    use Fate::{Passes, Refused};
    let (weather, delete) = (call(WEATHER), call(DELETE).replace("7", "8"));
    let other = weather.replace("7", "9");
    let refused = Refused("BATCH_REFUSED");
    let many = (0..65).map(|n| weather.replace("7", &format!("1{n:03}"))).collect::<Vec<_>>();
    let batches = [
        ("two allowed", format!("[{weather},{other}]"), Passes),
        ("allowed and denied", format!("[{weather},{delete}]"), Refused("POLICY_DENIED")),
        ("denied and allowed", format!("[{delete},{weather}]"), Refused("POLICY_DENIED")),
        ("one denied", format!("[{delete}]"), Refused("POLICY_DENIED")),
        ("the same id twice", format!("[{weather},{weather}]"), refused),
        ("none", "[]".to_owned(), refused),
        ("65", format!("[{}]", many.join(",")), refused),
        ("a batch in a batch", format!("[[{delete}]]"), Refused("MALFORMED_BODY")),
        ("not a message", format!("[{weather},7]"), Refused("MALFORMED_BODY")),
        (
            "initialize inside",
            format!(
                r#"[{weather},{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{}}}}]"#
            ),
            refused,
        ),
        (
            "a key twice inside",
            format!(r#"[{weather},{{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}}]"#),
            Refused("DUPLICATE_KEY"),
        ),
    ];
    let mut cases = Vec::new();
    for (name, body, fate) in batches {
        cases.push(case(format!("no version: {name}"), Draft::new(body.clone()), fate));
        for version in ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "2024-11-05", "x"] {
            let old = version == "2025-03-26";
            let fate = match fate {
                Refused("DUPLICATE_KEY") => fate,
                fate if old => fate,
                _ => refused,
            };
            let draft = Draft::new(body.clone()).with("mcp-protocol-version", version);
            cases.push(case(format!("{version}: {name}"), draft, fate));
        }
    }
    check(cases).await;
}

/// A name with something in it that nobody sees is another name to the rules, and the same one to a
/// server that trims.
#[tokio::test]
async fn names_are_all_that_is_seen_of_them() {
    let refused = Fate::Refused("MALFORMED_BODY");
    let mut cases = Vec::new();
    for (what, hidden) in [
        ("a blank", r" "),
        ("a tab", r"\t"),
        ("a line end", r"\n"),
        ("a nul", r"\u0000"),
        ("no break", r"\u00a0"),
        ("no width", r"\u200b"),
        ("a joiner", r"\u2060"),
        ("a soft hyphen", r"\u00ad"),
        ("the other direction", r"\u202e"),
        ("a byte order mark", r"\ufeff"),
        ("a tag", r"\udb40\udc41"),
        ("a variation", r"\ufe0f"),
    ] {
        for name in [format!("{hidden}delete_branch"), format!("delete_branch{hidden}")] {
            for (method, member) in [
                ("tools/call", "name"),
                ("prompts/get", "name"),
                ("resources/read", "uri"),
                ("resources/subscribe", "uri"),
            ] {
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"{member}":"{name}"}}}}"#
                );
                let (name, request) = (format!("{what}: {method}"), Draft::new(body).bytes());
                cases.push(Case { name, request, fate: refused });
            }
        }
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call{hidden}","params":{DELETE}}}"#
        );
        let request = Draft::new(body).bytes();
        cases.push(Case { name: format!("{what}: the method"), request, fate: refused });
    }
    for name in ["list my files", "naïve", "files.write", "a/b-c_d"] {
        let request = Draft::new(call(&format!(r#"{{"name":"{name}"}}"#))).bytes();
        cases.push(Case { name: name.to_owned(), request, fate: Fate::Passes });
    }
    check(cases).await;
}
