//! The MCP SDKs on their walk: what each hands to its model, and that its session lives on.
use std::path::PathBuf;

use serde_json::Value;
use tokio::process::Command;

use crate::gate::{Gate, RULE, Tools};
use crate::peer;

/// Made up, and put together here so that no scanner takes this file for a leak.
const TOKEN: &str = concat!("ghp", "_", "q7Zt2LmX9bWc4Rf8Kd1Hs6Jn3Gv5Yp0TaUeE");
/// What `read_customer` answers of a customer who does not exist.
const CARD: &str = "4111 1111 1111 1111";
const EMAIL: &str = "ada.byron@customers.example";

const TAG: &str = "[REDACTED-GITHUB-TOKEN]";

const STATELESS: &str = "2026-07-28";
const SESSIONS: &str = "2025-11-25";

/// One client in one setting.
struct Client {
    program: PathBuf,
    script: &'static str,
    words: &'static [&'static str],
    /// What it agrees on with a server that speaks both generations; anything else means that the
    /// gate pushed it into the other one.
    protocol: &'static str,
}

impl Client {
    /// Walks at `url` and answers the one line it printed.
    async fn walk(&self, url: &str) -> Value {
        let script = peer::root().join("tests/peers/clients").join(self.script);
        let mut command = Command::new(&self.program);
        command.arg(script).args([url, TOKEN]).args(self.words);
        let ended = peer::run(&mut command, peer::DEADLINE).await;
        assert_eq!(ended.code, Some(0), "`{}` failed:\n{}", self.script, ended.stderr);
        serde_json::from_str(ended.stdout.trim())
            .unwrap_or_else(|error| panic!("one line of JSON ({error}), not:\n{}", ended.stdout))
    }

    /// The whole check, through a gate that refuses `delete_branch` and knows secrets.
    async fn check(&self, tools: Tools) {
        let gate = Gate::strict(&tools).await;
        let line = self.walk(&gate.url("mcp")).await;
        assert_eq!(text(&line, "/protocol"), self.protocol);

        let names = names(&line);
        assert!(names.contains(&"get_weather") && names.contains(&"echo"), "{names:?}");
        assert!(!names.contains(&"delete_branch"), "a refused tool is listed: {names:?}");

        assert!(text(&line, "/allowed").contains("Oslo"), "{line}");
        assert!(text(&line, "/again").contains("Bergen"), "{line}");

        let denied = text(&line, "/denied/text");
        assert_eq!(line["denied"]["is_error"], true, "{denied}");
        assert!(denied.contains(RULE), "the model is not told the rule: {denied}");
        let receipt = receipt(denied);
        assert!(gate.kept(receipt), "the record has no `{receipt}`");

        let redacted = text(&line, "/redacted");
        assert_eq!(redacted, format!("before {TAG} after"));

        // Twice: the text that the model reads, and its structured twin for the application, which
        // every SDK holds against the tool's output schema.
        let customer = text(&line, "/customer");
        assert_eq!(customer.matches("Ada Byron").count(), 2, "{customer}");
        assert!(customer.contains("[REDACTED"), "{customer}");

        for secret in [TOKEN, CARD, EMAIL] {
            assert!(!line.to_string().contains(secret), "the client was given a secret: {line}");
            assert!(!gate.kept(secret), "the record or the log holds `{secret}`");
        }
        assert_eq!(tools.calls("delete_branch").await, 0, "a refused call reached the tools");
        assert_eq!(tools.calls("get_weather").await, 2);
    }
}

fn text<'a>(line: &'a Value, pointer: &str) -> &'a str {
    line.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}: {line}"))
}

fn names(line: &Value) -> Vec<&str> {
    line["tools"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// The word after `receipt` in what the model sees.
fn receipt(denied: &str) -> &str {
    let after = denied.split_once("receipt").or_else(|| denied.split_once("Receipt"));
    let word = after.and_then(|(_, rest)| {
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).find(|word| word.len() >= 8)
    });
    word.unwrap_or_else(|| panic!("the model is given no receipt: {denied}"))
}

fn python(environment: &str, script: &'static str, protocol: &'static str) -> Client {
    Client { program: peer::python(environment), script, words: &[], protocol }
}

fn node(script: &'static str, words: &'static [&'static str], protocol: &'static str) -> Client {
    Client { program: peer::node(), script, words, protocol }
}

#[tokio::test]
async fn python_sdk_2_as_it_comes() {
    python("py2", "py_modern.py", STATELESS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn python_sdk_2_with_sessions() {
    python("py2", "py_legacy.py", SESSIONS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn python_sdk_1() {
    python("py1", "py_v1.py", SESSIONS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn fastmcp() {
    python("fastmcp", "fastmcp_client.py", STATELESS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn typescript_sdk_1() {
    node("ts_sdk1.mjs", &[], SESSIONS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn typescript_client_2_as_it_comes() {
    node("ts_client2.mjs", &[], SESSIONS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn typescript_client_2_asking_for_the_generation() {
    node("ts_client2.mjs", &["auto"], STATELESS).check(Tools::demo().await).await;
}

#[tokio::test]
async fn python_sdk_2_to_a_server_of_the_python_sdk() {
    python("py2", "py_modern.py", STATELESS).check(Tools::python().await).await;
}

#[tokio::test]
async fn typescript_sdk_1_to_a_server_of_the_python_sdk() {
    node("ts_sdk1.mjs", &[], SESSIONS).check(Tools::python().await).await;
}

/// Without the gate the same walk deletes the branch and tells every secret: what the other tests
/// find, the gate did.
#[tokio::test]
async fn without_the_gate_all_of_it_happens() {
    for tools in [Tools::demo().await, Tools::python().await] {
        let line = python("py2", "py_modern.py", STATELESS).walk(&tools.url("mcp")).await;
        assert!(names(&line).contains(&"delete_branch"), "{line}");
        assert_eq!(line["denied"]["is_error"], false, "{line}");
        assert_eq!(tools.calls("delete_branch").await, 1);
        for secret in [TOKEN, CARD, EMAIL] {
            assert!(line.to_string().contains(secret), "no `{secret}`: {line}");
        }
    }
}
