//! A refusal in the Model Context Protocol.
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tollgate_rules::{Code, Group};

use super::{IsTool, Refusal, Reply};
use crate::decode::mcp::{Era, RpcId};

/// Where a result's `_meta` tells programs what its text tells models.
const META_KEY: &str = "tollgate/decision";

/// The gate's own JSON-RPC error code: the HTTP status, then a digit for the group. MCP keeps
/// -32768 to -32000 for JSON-RPC and itself, so ours are positive; the exact word is in `data`.
pub(super) fn own_code(code: Code) -> i64 {
    let group = match code.group() {
        Group::Switch => 0,
        Group::Identity => 1,
        Group::Malformed => 2,
        Group::Policy => 3,
        Group::Held => 4,
        Group::Limits => 5,
        Group::Egress => 6,
        Group::Dlp => 7,
        Group::Record => 8,
        Group::Fault => 9,
    };
    i64::from(code.http_status()) * 100 + group
}

/// A result that the model reads as text, and that every SDK hands on.
pub(super) fn tool_result(refusal: &Refusal, id: &RpcId, era: Era) -> Value {
    let mut result = Map::new();
    if era == Era::Stateless {
        result.insert("resultType".into(), "complete".into());
    }
    result.insert("isError".into(), true.into());
    result.insert("content".into(), json!([{ "type": "text", "text": text(refusal) }]));
    result.insert("_meta".into(), json!({ META_KEY: decision(refusal) }));
    json!({ "jsonrpc": "2.0", "id": id.to_value(), "result": result })
}

pub(super) fn error(refusal: &Refusal, id: Option<&RpcId>, rpc: i64) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id.map_or(Value::Null, RpcId::to_value),
        "error": { "code": rpc, "message": text(refusal), "data": decision(refusal) },
    })
}

/// One answer for each request; notifications get none (JSON-RPC 2.0 section 6).
pub(super) fn batch(refusal: &Refusal, requests: &[(RpcId, IsTool)]) -> Reply {
    if requests.is_empty() {
        return Reply::new(StatusCode::ACCEPTED, "", Bytes::new());
    }
    let answers = requests
        .iter()
        .map(|(id, IsTool(is_tool))| match is_tool {
            true => tool_result(refusal, id, Era::Session2025_03_26),
            false => error(refusal, Some(id), own_code(refusal.code)),
        })
        .collect();
    Reply::json(StatusCode::OK, &Value::Array(answers))
}

/// For models and people: why, what would pass, and what to name when asking.
fn text(refusal: &Refusal) -> String {
    let mut named = refusal.code.as_str().to_owned();
    if let Some(rule) = &refusal.rule {
        named.push_str(&format!(", rule `{rule}`"));
    }
    if let Some(receipt) = &refusal.receipt {
        named.push_str(&format!(", receipt {receipt}"));
    }
    let sentence = refusal.sentence.trim_end_matches('.');
    let wait = match refusal.retry_after_secs() {
        Some(seconds) => format!(" It may pass in {seconds} s."),
        None => String::new(),
    };
    format!("Refused by the gate: {sentence} ({named}).{wait} {}", refusal.help())
}

/// The same for programs.
fn decision(refusal: &Refusal) -> Value {
    let mut decision = Map::new();
    decision.insert("effect".into(), refusal.effect().into());
    decision.insert("code".into(), refusal.code.as_str().into());
    if let Some(rule) = &refusal.rule {
        decision.insert("rule".into(), rule.as_str().into());
    }
    if let Some(receipt) = &refusal.receipt {
        decision.insert("receipt".into(), receipt.as_str().into());
    }
    if let Some(seconds) = refusal.retry_after_secs() {
        decision.insert("retry_after".into(), seconds.into());
    }
    Value::Object(decision)
}
