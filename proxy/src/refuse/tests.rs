use http::HeaderName;
use serde_json::{Value, json};

use super::*;
use crate::decode::mcp;
use crate::decode::{RPC_HEADER_MISMATCH, RPC_PARSE_ERROR};

fn refusal() -> Refusal {
    Refusal::new(Code::PolicyDenied, "branches are not deleted from here; open a pull request")
        .with_rule(Some(RuleId::new("no-branch-delete")))
        .with_receipt("r-17")
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn header<'r>(reply: &'r Reply, name: &'static str) -> Option<&'r str> {
    reply.headers.get(HeaderName::from_static(name)).map(|value| value.to_str().unwrap())
}

const TEXT: &str = "Refused by the gate: branches are not deleted from here; open a pull request \
    (POLICY_DENIED, rule `no-branch-delete`, receipt r-17). Do not repeat the call. Use another \
    way, or ask whoever keeps the rules of this gate, naming the receipt.";

fn decision() -> Value {
    json!({"effect": "deny", "code": "POLICY_DENIED", "rule": "no-branch-delete", "receipt": "r-17"})
}

#[test]
fn plain_http() {
    let reply = answer(&refusal(), &Caller::Http);
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(header(&reply, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&reply, "cache-control"), Some("no-store"));
    assert_eq!(header(&reply, "retry-after"), None);
    assert_eq!(
        body(&reply),
        json!({
            "type": "urn:tollgate:code:policy_denied",
            "title": "policy denied",
            "status": 403,
            "detail": "branches are not deleted from here; open a pull request",
            "code": "POLICY_DENIED",
            "rule": "no-branch-delete",
            "receipt": "r-17",
            "help": "Do not repeat the call. Use another way, or ask whoever keeps the rules of \
                     this gate, naming the receipt.",
        })
    );
}

#[test]
fn limits_say_when() {
    for (millis, secs) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (30_000, 30)] {
        let refusal = Refusal::new(Code::RateLimitAgent, "too fast")
            .with_retry_after(Duration::from_millis(millis));
        let reply = answer(&refusal, &Caller::Http);
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&reply, "retry-after"), Some(secs.to_string().as_str()));
        assert_eq!(body(&reply)["retry_after"], secs);
        let unread = answer(&refusal, &Caller::of_method(&Method::POST));
        assert_eq!(unread.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&unread, "retry-after"), Some(secs.to_string().as_str()));
        let id = RpcId::Integer(1);
        let tool =
            answer(&refusal, &Caller::McpTool { id, era: Era::Stateless, accepts_json: true });
        assert_eq!(tool.status, StatusCode::OK);
        let result = &body(&tool)["result"];
        assert_eq!(result["_meta"]["tollgate/decision"]["retry_after"], secs);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(&format!("It may pass in {secs} s.")), "{text}");
    }
}

#[test]
fn a_limit_whose_end_nobody_knows_asks_for_a_moment() {
    for code in Code::ALL {
        let reply = answer(&Refusal::new(*code, "no"), &Caller::Http);
        let moment = (code.group() == Group::Limits).then_some("1");
        assert_eq!(header(&reply, "retry-after"), moment, "{code}");
    }
}

#[test]
fn every_code_has_its_form() {
    for code in Code::ALL {
        let refusal = Refusal::new(*code, "no");
        let reply = answer(&refusal, &Caller::Http);
        assert_eq!(reply.status.as_u16(), code.http_status());
        assert_eq!(body(&reply)["code"], code.as_str());
        assert_eq!(
            reply.headers.contains_key("www-authenticate"),
            reply.status == StatusCode::UNAUTHORIZED
        );
        let id = RpcId::Text("a".to_owned());
        let caller = Caller::McpRequest { id, era: Era::Stateless, accepts_json: true };
        let error = body(&answer(&refusal, &caller));
        assert_eq!(error["error"]["data"]["code"], code.as_str());
        let own = error["error"]["code"].as_i64().unwrap();
        assert_eq!(own / 100, i64::from(code.http_status()), "{code}");
        let effect = if code.group() == Group::Held { "hold" } else { "deny" };
        assert_eq!(error["error"]["data"]["effect"], effect);
    }
}

#[test]
fn tool_calls_get_a_result() {
    for (id, echoed) in [
        (RpcId::Integer(0), json!(0)),
        (RpcId::Integer(-7), json!(-7)),
        (RpcId::Text("7".to_owned()), json!("7")),
    ] {
        for era in
            [Era::Stateless, Era::Session2025_11_25, Era::Session2025_06_18, Era::Session2025_03_26]
        {
            let mut result = json!({
                "isError": true,
                "content": [{"type": "text", "text": TEXT}],
                "_meta": {"tollgate/decision": decision()},
            });
            if era == Era::Stateless {
                result["resultType"] = json!("complete");
            }
            let expect = json!({"jsonrpc": "2.0", "id": echoed, "result": result});
            let caller = |accepts_json| Caller::McpTool { id: id.clone(), era, accepts_json };
            let reply = answer(&refusal(), &caller(true));
            assert_eq!(reply.status, StatusCode::OK);
            assert_eq!(header(&reply, "content-type"), Some("application/json"));
            assert_eq!(body(&reply), expect);

            let reply = answer(&refusal(), &caller(false));
            assert_eq!(reply.status, StatusCode::OK);
            assert_eq!(header(&reply, "content-type"), Some("text/event-stream"));
            let mut items = Vec::new();
            sse::Parser::new(1 << 20).push(&reply.body, &mut items).unwrap();
            let [sse::Item::Event(event)] = items.as_slice() else { panic!("{items:?}") };
            assert_eq!(event.event.as_deref(), Some("message"));
            let data: Value = serde_json::from_str(event.data.as_ref().unwrap()).unwrap();
            assert_eq!(data, expect);
        }
    }
}

#[test]
fn other_requests_get_an_error() {
    let id = RpcId::Text("r-1".to_owned());
    let caller = Caller::McpRequest { id, era: Era::Session2025_11_25, accepts_json: true };
    let reply = answer(&refusal(), &caller);
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        body(&reply),
        json!({"jsonrpc": "2.0", "id": "r-1",
            "error": {"code": 40303, "message": TEXT, "data": decision()}})
    );
}

#[test]
fn notifications_are_taken_and_go_no_further() {
    let reply = answer(&refusal(), &Caller::McpNotification);
    assert_eq!((reply.status, reply.body.is_empty()), (StatusCode::ACCEPTED, true));
    assert_eq!(header(&reply, "content-type"), None);
}

#[test]
fn what_could_not_be_read_gets_an_http_error() {
    let cases = [
        (Code::MalformedBody, RPC_PARSE_ERROR, None, 400, RPC_PARSE_ERROR),
        (
            Code::HeaderBodyMismatch,
            RPC_HEADER_MISMATCH,
            Some(RpcId::Integer(9)),
            400,
            RPC_HEADER_MISMATCH,
        ),
        (Code::BatchRefused, RPC_INVALID_REQUEST, None, 400, RPC_INVALID_REQUEST),
        (Code::BodyTooLarge, RPC_PARSE_ERROR, None, 413, RPC_PARSE_ERROR),
        (Code::EncodingUnsupported, RPC_INVALID_REQUEST, None, 415, RPC_INVALID_REQUEST),
        (Code::RequestTimeout, RPC_INVALID_REQUEST, None, 408, RPC_INVALID_REQUEST),
        (Code::IdentityUnknown, RPC_INVALID_REQUEST, None, 403, 40301),
        (Code::GateDraining, RPC_INVALID_REQUEST, None, 503, 50300),
    ];
    for (code, rpc, id, status, expect) in cases {
        let caller = Caller::McpUnread { id: id.clone(), rpc };
        let reply = answer(&Refusal::new(code, "no"), &caller);
        assert_eq!(reply.status.as_u16(), status, "{code}");
        assert_eq!(header(&reply, "content-type"), Some("application/json"));
        let error = body(&reply);
        assert_eq!(error["error"]["code"], expect, "{code}");
        assert_eq!(error["id"], id.map_or(Value::Null, |id| id.to_value()));
    }
}

#[test]
fn batches_get_an_answer_for_each_request() {
    let requests =
        vec![(RpcId::Integer(1), IsTool(true)), (RpcId::Text("2".to_owned()), IsTool(false))];
    let reply = answer(&refusal(), &Caller::McpBatch(requests));
    assert_eq!(reply.status, StatusCode::OK);
    let answers = body(&reply);
    assert_eq!(answers.as_array().unwrap().len(), 2);
    assert_eq!((&answers[0]["id"], &answers[0]["result"]["isError"]), (&json!(1), &json!(true)));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!("2"), &json!(40303)));
    let reply = answer(&refusal(), &Caller::McpBatch(Vec::new()));
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}

#[test]
fn sessions_live_on_without_stream_or_end() {
    for (caller, allow) in [(Caller::McpStream, "POST, DELETE"), (Caller::McpEnd, "POST, GET")] {
        let reply = answer(&refusal(), &caller);
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&reply, "allow"), Some(allow));
        assert_eq!(body(&reply)["status"], 405);
        assert_eq!(body(&reply)["code"], "POLICY_DENIED");
    }
}

#[test]
fn what_a_client_accepts() {
    for (accept, expect) in [
        (None, true),
        (Some("application/json, text/event-stream"), true),
        (Some("text/event-stream"), false),
        (Some("text/*"), false),
        (Some("*/*"), true),
        (Some("application/*;q=0.1, text/event-stream"), true),
        (Some("application/json;q=0, text/event-stream"), false),
        (Some("application/json; Q=0.0, text/event-stream"), false),
        (Some("TEXT/EVENT-STREAM, APPLICATION/JSON"), true),
        (Some("text/html"), true),
        (Some(""), true),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert("accept", accept.parse().unwrap());
        }
        assert_eq!(accepts_json(&headers), expect, "{accept:?}");
    }
}

#[test]
fn callers_are_told_apart() {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("accept", "text/event-stream".parse().unwrap());
    let read = |body: Value| {
        let call = mcp::decode(&Method::POST, &headers, body.to_string().as_bytes(), 16).unwrap();
        Caller::of(&call, &headers)
    };
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x"}});
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let (id, era) = (RpcId::Integer(1), Era::Session2025_03_26);
    let accepts_json = false;
    assert_eq!(read(call.clone()), Caller::McpTool { id: id.clone(), era, accepts_json });
    assert_eq!(read(ping.clone()), Caller::McpRequest { id: RpcId::Integer(2), era, accepts_json });
    assert_eq!(read(note.clone()), Caller::McpNotification);
    assert_eq!(read(json!({"jsonrpc": "2.0", "id": 1, "result": {}})), Caller::McpNotification);
    assert_eq!(
        read(json!([note, call, ping])),
        Caller::McpBatch(vec![(id, IsTool(true)), (RpcId::Integer(2), IsTool(false))])
    );
    assert_eq!(Caller::of(&McpCall::Listen, &headers), Caller::McpStream);
    assert_eq!(Caller::of(&McpCall::End, &headers), Caller::McpEnd);
    assert_eq!(Caller::of_method(&Method::GET), Caller::McpStream);
    let unread = mcp::decode(&Method::POST, &headers, b"{", 16).unwrap_err();
    assert_eq!(Caller::of_malformed(&unread), Caller::McpUnread { id: None, rpc: RPC_PARSE_ERROR });
    assert_eq!(Refusal::from(unread).code, Code::MalformedBody);
}
