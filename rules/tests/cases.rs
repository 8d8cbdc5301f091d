//! Our own cases, as data: `tests/cases/*.yaml`.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests read cases, and what is wrong in them must fail loudly"
)]
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tollgate_rules::{
    Action, Agent, AgentId, Call, Duty, Host, LoadOptions, Protocol, Rulebook, Scheme, Target,
    Trust, evaluate_line,
};

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn book(bundle: &str) -> Rulebook {
    let head =
        "version: '1'\ngenerated_at: 2026-01-01T00:00:00Z\nexpires_at: 2027-01-01T00:00:00Z\n";
    Rulebook::load(&format!("{head}{bundle}"), &LoadOptions::default(), now())
        .unwrap_or_else(|error| panic!("{error}\n{bundle}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentWords {
    #[serde(default = "reader")]
    id: String,
    #[serde(default)]
    agent_type: Option<String>,
    #[serde(default = "prod")]
    environment: String,
    #[serde(default)]
    trust: Trust,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    delegation_depth: u32,
}

fn reader() -> String {
    "spiffe://acme/agents/reader".into()
}

fn prod() -> String {
    "prod".into()
}

impl Default for AgentWords {
    fn default() -> Self {
        Self {
            id: reader(),
            agent_type: None,
            environment: prod(),
            trust: Trust::Untrusted,
            roles: vec![],
            owner: None,
            tools: vec![],
            delegation_depth: 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallWords {
    protocol: String,
    #[serde(default = "host")]
    host: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default = "path")]
    path: String,
    #[serde(default = "route")]
    route: String,
    #[serde(default)]
    mcp_method: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    arguments: Value,
}

fn host() -> String {
    "tools.example.com".into()
}
fn post() -> String {
    "POST".into()
}
fn path() -> String {
    "/mcp".into()
}
fn route() -> String {
    "tools".into()
}

fn call(agent: AgentWords, words: CallWords) -> Call {
    let mcp = words.protocol == "mcp";
    Call {
        agent: Arc::new(Agent {
            id: AgentId::new(agent.id),
            agent_type: agent.agent_type,
            environment: agent.environment,
            trust: agent.trust,
            roles: agent.roles,
            owner: agent.owner,
            tools: agent.tools,
            delegation_depth: agent.delegation_depth,
        }),
        target: Target {
            scheme: Scheme::Https,
            host: Host::parse(&words.host).unwrap(),
            port: 443,
            method: words.method,
            path: words.path,
            route: words.route,
        },
        protocol: if mcp { Protocol::Mcp } else { Protocol::Http },
        action: Action {
            method: words.mcp_method.unwrap_or(if mcp {
                "tools/call".into()
            } else {
                String::new()
            }),
            tool: words.tool,
            resource: words.resource,
            provider: words.provider,
        },
        arguments: words.arguments.into(),
        body_bytes: 0,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulingWords {
    effect: String,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    observed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideCase {
    name: String,
    #[serde(default)]
    agent: AgentWords,
    call: CallWords,
    ruling: RulingWords,
    #[serde(default)]
    at: Option<String>,
}

#[derive(Deserialize)]
struct DecideFile {
    bundle: String,
    cases: Vec<DecideCase>,
}

fn check_decide(file: &str) {
    let file: DecideFile = read(file);
    let book = book(&file.bundle);
    for case in file.cases {
        let name = case.name;
        let at = case.at.map_or(now(), |at| at.parse().unwrap());
        let ruling = book.decide(&call(case.agent, case.call), at);
        let expect = case.ruling;
        assert_eq!(ruling.effect.as_str(), expect.effect, "{name}: effect");
        assert_eq!(
            ruling.rule.as_ref().map(|r| r.as_str()),
            expect.rule.as_deref(),
            "{name}: rule"
        );
        assert_eq!(ruling.code.map(|c| c.as_str()), expect.code.as_deref(), "{name}: code");
        assert_eq!(ruling.duties.contains(&Duty::Observed), expect.observed, "{name}: observed");
        if let Some(outcome) = expect.outcome {
            assert_eq!(ruling.outcome.as_str(), outcome, "{name}: outcome");
        }
        assert!(!ruling.reasons.is_empty(), "{name}: a ruling has a reason");
    }
}

#[test]
fn calls_are_decided() {
    for file in ["agents.yaml", "mcp.yaml", "http.yaml", "conditions.yaml", "modes.yaml"] {
        check_decide(file);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadCase {
    name: String,
    bundle: String,
    #[serde(default)]
    mistakes: Vec<String>,
    #[serde(default)]
    notices: Vec<String>,
    #[serde(default)]
    sequence_floor: Option<u64>,
}

#[test]
fn mistakes_are_listed_with_their_places() {
    for case in read::<Vec<LoadCase>>("load.yaml") {
        let options = LoadOptions { sequence_floor: case.sequence_floor, ..LoadOptions::default() };
        let name = case.name;
        match Rulebook::load(&case.bundle, &options, now()) {
            Ok(book) => {
                assert!(case.mistakes.is_empty(), "{name}: loads");
                assert_eq!(book.notices(), case.notices, "{name}");
            }
            Err(error) => {
                let listed: Vec<String> = error.mistakes.iter().map(ToString::to_string).collect();
                assert_eq!(listed, case.mistakes, "{name}");
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VisibleCase {
    name: String,
    #[serde(default)]
    agent: AgentWords,
    tool: String,
    #[serde(default)]
    provider: Option<String>,
    visible: bool,
}

#[derive(Deserialize)]
struct VisibleFile {
    bundle: String,
    cases: Vec<VisibleCase>,
}

#[test]
fn tools_are_shown_when_some_call_may_pass() {
    let file: VisibleFile = read("visible.yaml");
    let book = book(&file.bundle);
    for case in file.cases {
        let list = CallWords {
            protocol: "mcp".into(),
            host: host(),
            method: post(),
            path: path(),
            route: route(),
            mcp_method: Some("tools/list".into()),
            tool: None,
            resource: None,
            provider: case.provider,
            arguments: Value::Null,
        };
        let list = call(case.agent, list);
        assert_eq!(book.visible(&list, &case.tool, now()), case.visible, "{}", case.name);
        // Past its time the bundle shows nothing.
        assert!(!book.visible(&list, &case.tool, book.expires_at()));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineCase {
    name: String,
    line: String,
    answer: String,
}

#[derive(Deserialize)]
struct LineFile {
    bundle: String,
    cases: Vec<LineCase>,
}

#[test]
fn lines_are_answered() {
    let file: LineFile = read("lines.yaml");
    let book = book(&file.bundle);
    for case in file.cases {
        assert_eq!(evaluate_line(&book, &case.line, now()), case.answer, "{}", case.name);
    }
}

/// The README's bundle and question are run, so that they stay true.
#[test]
fn the_readme_is_right() {
    let readme = include_str!("../README.md");
    let block = |language: &str| {
        let start = format!("```{language}\n");
        readme.split(&start).nth(1).unwrap().split("```").next().unwrap()
    };
    let book = Rulebook::load(block("yaml"), &LoadOptions::default(), now()).unwrap();
    assert!(book.notices().is_empty(), "{:?}", book.notices());
    let (line, answer) = block("json").trim().split_once('\n').unwrap();
    assert_eq!(evaluate_line(&book, line, now()), answer);
}
