//! Bodies that two readers understand differently.
use super::super::super::{RPC_INVALID_PARAMS, RPC_INVALID_REQUEST, RPC_PARSE_ERROR};
use super::*;

/// What some server would execute although another reader sees something else in it.
#[test]
fn bodies_with_two_readings_are_refused() {
    let d = r#""name":"delete_branch""#;
    let w = r#""name":"get_weather""#;
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
            .into_bytes()
    };
    let utf16 = |big: bool| -> Vec<u8> {
        let text = String::from_utf8(call(d)).unwrap();
        text.encode_utf16()
            .flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() })
            .collect()
    };
    let utf32: Vec<u8> = call(d).iter().flat_map(|b| [*b, 0, 0, 0]).collect();
    let deep = |depth: usize| {
        call(&format!(r#"{d},"arguments":{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)))
    };
    let plain = |text: &str| text.as_bytes().to_vec();
    let cases: Vec<(&str, Vec<u8>, Code, i64)> = vec![
        ("name twice", call(&format!("{w},{d}")), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("name twice by escape", call(&format!(r#"{w},"n\u0061me":"x""#)), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("method twice", plain(r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"x"}}"#), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("params twice", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}"#), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("id twice", plain(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("argument twice", call(&format!(r#"{d},"arguments":{{"branch":"feature","branch":"main"}}"#)), Code::DuplicateKey, RPC_PARSE_ERROR),
        ("utf-16le", utf16(false), Code::MalformedBody, RPC_PARSE_ERROR),
        ("utf-16be", utf16(true), Code::MalformedBody, RPC_PARSE_ERROR),
        ("utf-32le", utf32, Code::MalformedBody, RPC_PARSE_ERROR),
        ("bom", [&b"\xef\xbb\xbf"[..], &call(d)].concat(), Code::MalformedBody, RPC_PARSE_ERROR),
        ("invalid utf-8", [&br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_branch","arguments":{"a":""#[..], b"\xff\"}}}"].concat(), Code::MalformedBody, RPC_PARSE_ERROR),
        ("lone surrogate", call(r#""name":"\ud800""#), Code::MalformedBody, RPC_PARSE_ERROR),
        ("two documents", [call(w), call(d)].concat(), Code::MalformedBody, RPC_PARSE_ERROR),
        ("depth 200", deep(200), Code::TooDeep, RPC_PARSE_ERROR),
        ("depth 5000", deep(5000), Code::TooDeep, RPC_PARSE_ERROR),
        ("a name of the reader's", call(&format!(r#"{d},"arguments":{{"$serde_json::private::RawValue":"{{}}"}}"#)), Code::MalformedBody, RPC_PARSE_ERROR),
        ("empty body", plain(""), Code::MalformedBody, RPC_PARSE_ERROR),
        ("not json", plain("name=delete_branch"), Code::MalformedBody, RPC_PARSE_ERROR),
        ("string", plain(r#""tools/call""#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("request and result", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_branch"},"result":{}}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("request and error", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_branch"},"error":null}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("result and error", plain(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("answer with params", plain(r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("answer without id", plain(r#"{"jsonrpc":"2.0","result":{}}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("neither", plain(r#"{"jsonrpc":"2.0","id":1}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("no version", plain(r#"{"id":1,"method":"ping"}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("old version", plain(r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("numeric version", plain(r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("unknown member", plain(r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("method is no string", plain(r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("method is empty", plain(r#"{"jsonrpc":"2.0","id":1,"method":""}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("reserved method", plain(r#"{"jsonrpc":"2.0","id":1,"method":"rpc.response"}"#), Code::MalformedBody, RPC_INVALID_REQUEST),
        ("params are a list", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["delete_branch"]}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("params are null", plain(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("no params", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("no name", call(""), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("name is a list", call(r#""name":["delete_branch"]"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("name is null", call(r#""name":null"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("arguments are a list", call(&format!(r#"{d},"arguments":[]"#)), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("arguments are a string", call(&format!(r#"{d},"arguments":"{{}}""#)), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("no uri", plain(r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("no task", plain(r#"{"jsonrpc":"2.0","id":1,"method":"tasks/cancel","params":{"taskId":1}}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
        ("no reference", plain(r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/x","name":"a"}}}"#), Code::MalformedBody, RPC_INVALID_PARAMS),
    ];
    for (name, body, code, rpc) in cases {
        let refusal = post(&[], &body).expect_err(name);
        assert_eq!((refusal.code, refusal.rpc), (code, rpc), "{name}: {refusal}");
        let expects_id = rpc == RPC_INVALID_PARAMS
            || ["request and result", "neither", "old version"].contains(&name);
        assert!(!expects_id || refusal.id == Some(RpcId::Integer(1)), "{name}");
        assert!(!refusal.sentence.contains("delete_branch"), "{name}");
    }
}
