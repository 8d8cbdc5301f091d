//! A refusal in plain HTTP: RFC 9457.
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use tollgate_rules::Code;

use super::{Refusal, Reply};

/// The code's own HTTP status.
pub(super) fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn answer(refusal: &Refusal, status: StatusCode) -> Reply {
    let word = refusal.code.as_str();
    let mut problem = Map::new();
    // A URN, so that the type names the code wherever the gate stands and nobody looks it up.
    problem.insert("type".into(), format!("urn:tollgate:code:{}", word.to_lowercase()).into());
    problem.insert("title".into(), word.to_lowercase().replace('_', " ").into());
    problem.insert("status".into(), status.as_u16().into());
    problem.insert("detail".into(), refusal.sentence.as_str().into());
    problem.insert("code".into(), word.into());
    if let Some(rule) = &refusal.rule {
        problem.insert("rule".into(), rule.as_str().into());
    }
    if let Some(receipt) = &refusal.receipt {
        problem.insert("receipt".into(), receipt.as_str().into());
    }
    if let Some(seconds) = refusal.retry_after_secs() {
        problem.insert("retry_after".into(), seconds.into());
    }
    problem.insert("help".into(), refusal.help().into());

    let body = Value::Object(problem).to_string();
    let mut reply = Reply::new(status, "application/problem+json", body).with_retry_after(refusal);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 section 15.5.2 asks for a challenge. Not `Bearer`: MCP clients would start an
        // OAuth dance that cannot help.
        let challenge = HeaderValue::from_static("Tollgate realm=\"agent identity\"");
        reply.headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    reply
}
