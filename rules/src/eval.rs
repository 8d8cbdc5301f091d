//! One written question, one written answer: the core of `tollgate policy eval`.
use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::facts::{Facts, Words, plain_tool};
use crate::load::node::Node;
use crate::rulebook::Verdict;
use crate::{Code, Duty, Host, Outcome, Protocol, Rulebook, Trust, uri};

/// The longest question, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Decides a request written as one line of JSON and writes the ruling as one line of JSON.
///
/// The request's shape is described in the crate's README. Trust and roles are taken from the
/// request: this is for trying rules out, never for live calls. A line that cannot be read is
/// answered with `DENY` and `POLICY_EVALUATION_FAILED`, naming the place but nothing that stands
/// there.
pub fn evaluate_line(book: &Rulebook, line: &str, now: Timestamp) -> String {
    let answer = match Question::read(line) {
        Ok(question) => question.answer(book, now),
        Err(why) => json!({
            "outcome": Outcome::Deny.as_str(),
            "reasons": [{
                "code": Code::PolicyEvaluationFailed.as_str(),
                "message": format!("The request cannot be read: {why}"),
            }],
            "rule": null,
        }),
    };
    answer.to_string()
}

/// A request, with what is not plain text already read.
struct Question {
    request: Value,
    roles: Vec<String>,
    tools: Vec<String>,
    depth: Option<u32>,
    labels: Vec<String>,
    protocol: Option<Protocol>,
    host: Option<Host>,
}

impl Question {
    fn read(line: &str) -> Result<Self, String> {
        if line.len() > LINE_BYTES_MAX {
            return Err(format!("it is longer than {LINE_BYTES_MAX} bytes"));
        }
        let node = Node::read_json(line).map_err(|error| match error.place {
            Some(place) => format!("{} at {place}", error.message),
            None => error.message,
        })?;
        if node.duplicate().is_some() {
            return Err("a key stands twice in one object".to_owned());
        }
        let request = node.value();
        for required in ["/agent/agent_id", "/agent/environment", "/action/tool_name"] {
            if text(&request, required)?.is_none() {
                return Err(format!("{} is missing", dotted(required)));
            }
        }
        for optional in TEXTS {
            text(&request, optional)?;
        }
        match request.pointer("/action/tool_args") {
            None | Some(Value::Object(_)) => {}
            Some(_) => return Err("`action.tool_args` must be an object".to_owned()),
        }
        Ok(Self {
            roles: texts(&request, "/agent/roles")?,
            tools: texts(&request, "/agent/tools")?,
            depth: depth(&request)?,
            labels: texts(&request, "/context/data_labels")?,
            protocol: protocol(&request)?,
            host: host(&request)?,
            request,
        })
    }

    fn facts(&self) -> Facts<'_> {
        let known = |pointer| self.request.pointer(pointer).and_then(Value::as_str);
        let tool = known("/action/tool_name").unwrap_or_default();
        let path = known("/target/path");
        let plain_path = path.and_then(uri::without_parameters);
        Facts {
            agent_id: known("/agent/agent_id").unwrap_or_default(),
            agent_type: known("/agent/agent_type"),
            environment: known("/agent/environment").unwrap_or_default(),
            // A level that does not exist is no level.
            trust: known("/agent/trust_level").and_then(|word| word.parse::<Trust>().ok()),
            roles: &self.roles,
            owner: known("/agent/owner"),
            tools: &self.tools,
            delegation_depth: self.depth,
            tool: Cow::Borrowed(tool),
            plain_tool: path.and_then(|path| plain_tool(tool, path, plain_path.as_deref())),
            provider: known("/action/tool_identity/provider"),
            protocol: self.protocol,
            route: known("/target/route"),
            host: self.host.as_ref(),
            method: known("/target/method"),
            path,
            plain_path,
            mcp_method: known("/action/mcp_method"),
            resource: known("/action/resource"),
            plain_resource: known("/action/resource").and_then(uri::plain),
            arguments: Words::At(self.request.pointer("/action/tool_args").unwrap_or(&Value::Null)),
            user_input: known("/context/user_input"),
            labels: &self.labels,
        }
    }

    fn answer(&self, book: &Rulebook, now: Timestamp) -> Value {
        let facts = self.facts();
        let weighed = book.weigh(&facts, now);
        let ruling = weighed.ruling();
        let mut answer = Map::new();
        if let Some(id) = self.request.get("request_id") {
            answer.insert("request_id".to_owned(), id.clone());
        }
        answer.insert("outcome".to_owned(), ruling.outcome.as_str().into());
        answer.insert("reasons".to_owned(), json!(ruling.reasons));
        answer.insert("rule".to_owned(), json!(ruling.rule));
        if let Verdict::Rule(rule) = weighed.verdict {
            if let Some(role) = &rule.approver_role {
                answer.insert("approver_role".to_owned(), role.as_str().into());
            }
            if let Some(constraints) = &rule.constraints {
                answer.insert("constraints".to_owned(), constraints.clone());
            }
        }
        if ruling.duties.contains(&Duty::Observed) {
            answer.insert("observed".to_owned(), true.into());
        }
        Value::Object(answer)
    }
}

/// The texts that may be left out.
const TEXTS: [&str; 11] = [
    "/request_id",
    "/agent/agent_type",
    "/agent/owner",
    "/agent/trust_level",
    "/action/tool_identity/provider",
    "/action/mcp_method",
    "/action/resource",
    "/target/route",
    "/target/method",
    "/target/path",
    "/context/user_input",
];

fn text<'r>(request: &'r Value, pointer: &str) -> Result<Option<&'r str>, String> {
    match request.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{} must be text", dotted(pointer))),
    }
}

fn texts(request: &Value, pointer: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{} must be a list of texts", dotted(pointer));
    match request.pointer(pointer) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

fn depth(request: &Value) -> Result<Option<u32>, String> {
    match request.pointer("/agent/delegation_depth") {
        None | Some(Value::Null) => Ok(None),
        Some(number) => match number.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(depth) => Ok(Some(depth)),
            None => Err("`agent.delegation_depth` must be a whole number".to_owned()),
        },
    }
}

fn protocol(request: &Value) -> Result<Option<Protocol>, String> {
    match text(request, "/target/protocol")? {
        None => Ok(None),
        Some("http") => Ok(Some(Protocol::Http)),
        Some("mcp") => Ok(Some(Protocol::Mcp)),
        Some(_) => Err("`target.protocol` must be `http` or `mcp`".to_owned()),
    }
}

fn host(request: &Value) -> Result<Option<Host>, String> {
    text(request, "/target/host")?
        .map(|host| Host::parse(host).map_err(|_| "`target.host` is no host".to_owned()))
        .transpose()
}

/// A pointer as people write it.
fn dotted(pointer: &str) -> String {
    format!("`{}`", pointer.trim_start_matches('/').replace('/', "."))
}
