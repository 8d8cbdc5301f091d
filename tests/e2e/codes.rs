//! Every word of refusal, provoked by a client that could meet it.
use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_rules::Code;
use tollgate_tests::{
    Certificates, HttpClient, Identity, POLICY_ALLOW, RawClient, Step, Upstream, World, fixed,
    http_route,
};

/// Codes that a plain call cannot provoke, and where they are instead.
const ELSEWHERE: &[(Code, &str)] = &[
    (Code::SessionForeign, "mcp::a_session_is_used_by_its_own_agent_alone"),
    (Code::AgentRevoked, "trust::what_is_revoked_is_refused_on_its_living_connection"),
    (Code::DelegationDepthExceeded, "agents::what_is_delegated_is_bounded"),
    (Code::ToolUnregistered, "agents::a_list_of_tools_holds_whatever_the_rules_say"),
    (Code::GateDraining, "streams::a_stop_lets_calls_end"),
    (Code::RequestTimeout, "deadlines::clients_that_trickle"),
    (Code::ConcurrencyExceeded, "limits::calls_at_once_have_a_bound"),
    (Code::BytesExceeded, "limits::held_bytes_have_a_bound"),
    (Code::GateBusy, "weight::a_body_that_waits_too_long_is_refused"),
    (Code::UpstreamBusy, "upstreams::calls_at_one_upstream_have_a_bound"),
    (Code::UpstreamProxy, "parents::what_it_answers_is_told"),
    (Code::UpstreamCircuitOpen, "upstreams::one_that_fails_is_left_alone_and_tried_again"),
    (Code::UpstreamTls, "deadlines::upstreams_that_fail"),
    (Code::UpstreamTimeout, "deadlines::upstreams_that_fail"),
    (Code::AddressNotGiven, "peers: rebinding::an_address_goes_with_the_name_it_was_given_for"),
    (Code::DnsRefused, "names::what_may_not_be_asked_is_not_asked"),
    (Code::DlpBlocked, "redaction::private_keys_are_refused"),
    (Code::CanaryHit, "credentials::placeholders_go_nowhere_else"),
    (Code::CredentialUnavailable, "tokens::a_server_that_gives_none_is_a_refusal"),
    (Code::ExfilFragments, "actions::a_secret_in_three_calls_is_refused_in_the_third"),
    (Code::PolicyMissing, "a gate does not start without a rulebook; the rulebook's own tests"),
    (Code::PolicyEvaluationFailed, "a rule that cannot be decided does not load; the second lock"),
    (Code::CapabilityDenied, "no route has capabilities yet"),
    (Code::AuditUnavailable, "needs a disk that fails; the ledger's own tests"),
    (Code::SignerUnavailable, "needs a key that fails; the ledger's own tests"),
    (Code::GateBug, "cannot happen"),
];

struct Case {
    code: Code,
    request: String,
}

fn get(code: Code, path: &str) -> Case {
    Case { code, request: format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n") }
}

fn post(code: Code, path: &str, headers: &str, body: &str) -> Case {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    Case { code, request }
}

fn json_post(code: Code, body: &str) -> Case {
    post(code, "/up/ok", "content-type: application/json\r\n", body)
}

fn raw(code: Code, request: &str) -> Case {
    Case { code, request: request.to_owned() }
}

fn calls() -> Vec<Case> {
    use Code::*;
    let tool = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{}}}"#;
    let mcp = "content-type: application/json\r\naccept: application/json\r\nmcp-protocol-version: 2025-11-25\r\n";
    vec![
        raw(MalformedHead, "GET /up/ok HTTP/1.1\r\n\r\n"),
        json_post(MalformedBody, "{"),
        json_post(DuplicateKey, r#"{"a":1,"a":2}"#),
        json_post(TooDeep, &("[".repeat(80) + &"]".repeat(80))),
        post(BodyTooLarge, "/up/ok", "content-type: text/plain\r\n", &"x".repeat(5000)),
        post(
            HeaderBodyMismatch,
            "/mcp",
            &format!("{mcp}mcp-name: delete\r\nmcp-method: tools/call\r\n"),
            tool,
        ),
        post(EncodingUnsupported, "/up/ok", "content-encoding: rot13\r\n", "x"),
        post(BatchRefused, "/mcp", mcp, &format!("[{tool}]")),
        raw(MethodUnknown, "TRACE /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        raw(HostMismatch, "GET http://a.test/ HTTP/1.1\r\nhost: b.test\r\n\r\n"),
        get(PolicyDenied, "/up/denied"),
        get(ApprovalRequired, "/up/approval"),
        get(StepUpRequired, "/up/step-up"),
        get(TicketRequired, "/up/ticket"),
        get(HumanRequired, "/up/human"),
        get(DefaultDeny, "/up/unknown"),
        get(EgressBlocked, "/nowhere"),
        raw(HostNotAllowed, "GET http://other.test/ HTTP/1.1\r\nhost: other.test\r\n\r\n"),
        raw(PortNotAllowed, "GET http://listed.test:22/ HTTP/1.1\r\nhost: listed.test:22\r\n\r\n"),
        get(AddressForbidden, "/inner/ok"),
        get(DnsFailed, "/nameless/ok"),
        post(UnreadRefused, "/up/ok", "content-type: application/grpc\r\n", "no message"),
        get(UpstreamConnect, "/dead/ok"),
        get(UpstreamProtocol, "/up/broken"),
    ]
}

const POLICY: &str = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - { id: denied, match: { path: /denied }, outcome: DENY }
  - { id: approval, match: { path: /approval }, outcome: REQUIRE_APPROVAL }
  - { id: step-up, match: { path: /step-up }, outcome: STEP_UP }
  - { id: ticket, match: { path: /ticket }, outcome: REQUIRE_TICKET }
  - { id: human, match: { path: /human }, outcome: REQUIRE_HUMAN }
  - { id: fine, match: { path: [/ok, /broken, /] }, outcome: ALLOW }
"#;

/// The code of an answer in any form: a problem, or an MCP error or result.
fn code_of(body: &Value) -> Option<&str> {
    let places = ["/code", "/error/data/code", "/result/_meta/tollgate~1decision/code"];
    places.iter().find_map(|place| body.pointer(place)?.as_str())
}

async fn provoke(world: &World, cases: Vec<Case>, met: &mut BTreeMap<&'static str, usize>) {
    for case in cases {
        let mut client = RawClient::connect(world.plain()).await;
        let answer = client.call(&case.request).await;
        let body = answer.json();
        assert_eq!(code_of(&body), Some(case.code.as_str()), "{}: {body}", case.request);
        assert_eq!(answer.status, case.code.http_status(), "{}", case.code);
        if body.get("code").is_some() {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(body["status"], case.code.http_status(), "{}", case.code);
            for key in ["type", "title", "detail", "help", "receipt"] {
                assert!(body[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {body}");
            }
        }
        // The receipt leads to the record, and the record names the same code.
        let receipt = ["/receipt", "/error/data/receipt"].iter().find_map(|at| body.pointer(at));
        let receipt = receipt.unwrap_or_else(|| panic!("no receipt: {body}"));
        let event = world.wait_event(case.code.as_str(), |event| {
            let told = event["id"] == *receipt || event["payload"]["data"]["intent"] == *receipt;
            told && event["payload"]["data"]["code"] == case.code.as_str()
        });
        event.await;
        *met.entry(case.code.as_str()).or_default() += 1;
    }
}

async fn identities(world: &World, met: &mut BTreeMap<&'static str, usize>) {
    let authority = &Certificates::shared().authority;
    let cases: [(Code, Identity); 5] = [
        (Code::IdentityMissing, authority.client(&[], None)),
        (
            Code::IdentityUnknown,
            authority.client(&["spiffe://acme.test/agents/stranger"], Some("reader")),
        ),
        (Code::IdentityUnknown, authority.client(&[], Some("stranger"))),
        (
            Code::IdentityAmbiguous,
            authority.client(
                &["spiffe://acme.test/agents/reader", "spiffe://acme.test/agents/coder"],
                None,
            ),
        ),
        (
            Code::IdentityAmbiguous,
            authority.client(&["spiffe://acme.test/agents/reader", "https://acme.test"], None),
        ),
    ];
    for (code, identity) in cases {
        for h2 in [false, true] {
            let mut client = HttpClient::tls(world.tls(), Some(&identity), h2).await.unwrap();
            let reply = client.get("/up/ok").await;
            assert_eq!(
                (reply.status.as_u16(), reply.code().as_str()),
                (code.http_status(), code.as_str())
            );
        }
        *met.entry(code.as_str()).or_default() += 1;
    }
    // Without a certificate, or with one of nobody's, there is no connection; it is recorded.
    let rogue = tollgate_tests::Authority::new("rogue.test")
        .client(&["spiffe://acme.test/agents/reader"], None);
    for identity in [None, Some(&rogue)] {
        let before = world.metric("tollgate_handshakes_refused_total").await;
        let called = async {
            let mut client = HttpClient::tls(world.tls(), identity, false).await.ok()?;
            let request = client.request("GET", "/up/ok").body(tollgate_tests::full("")).unwrap();
            client.try_send(request).await.ok()
        };
        assert!(called.await.is_none());
        assert_eq!(world.metric("tollgate_handshakes_refused_total").await, before + 1.0);
    }
    // They are counted before they are written.
    tollgate_tests::until("both in the record", async || {
        let refused = world.events_of("call.refused");
        let told = refused.iter().filter(|event| event["payload"]["data"]["detail"].is_string());
        (told.count() >= 2).then_some(())
    })
    .await;
}

/// Limits so small that a few calls meet them.
async fn rates(met: &mut BTreeMap<&'static str, usize>) {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/limits", json!({ "agent_per_minute": 3, "agent_tool_per_minute": 1 }))
        .start()
        .await;
    for path in ["/up/a", "/up/b"] {
        let mut client = RawClient::connect(world.plain()).await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(client.call(request).await.status, 200);
    }
    let cases = vec![get(Code::RateLimitTool, "/up/a"), get(Code::RateLimitAgent, "/up/c")];
    provoke(&world, cases, met).await;

    let world = World::builder()
        .route("up", "/up", &upstream.url())
        // Each key is kept for the minute that its budget takes to be whole again.
        .set(
            "/limits",
            json!({ "agent_per_minute": 100, "agent_tool_per_minute": 1, "keys_max": 16 }),
        )
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    for number in 0..16 {
        let request = format!("GET /up/{number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(client.call(request).await.status, 200, "{number}");
    }
    provoke(&world, vec![get(Code::LimiterUnavailable, "/up/16")], met).await;
}

/// A rulebook whose time is over is put in place while the gate runs.
async fn expiry(met: &mut BTreeMap<&'static str, usize>) {
    let upstream = Upstream::start().await;
    let world = World::to(&upstream.url()).await;
    // One that is over already would not be taken; on a slow machine it may be over too soon.
    for secs in [1, 4, 16] {
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(secs);
        world.rewrite_policy(&POLICY_ALLOW.replace("2099-01-01T00:00:00Z", &end.to_string()));
        if world.reload().await {
            break;
        }
    }
    tollgate_tests::until("the end of the policy", async || {
        (world.admin("/ready").await?.0 == 503).then_some(())
    })
    .await;
    provoke(&world, vec![get(Code::PolicyExpired, "/up/ok")], met).await;
    assert!(upstream.seen().is_empty());
}

/// A spool that has no room left takes no more calls; nothing leaves without its record.
async fn full_spool(met: &mut BTreeMap<&'static str, usize>) {
    let upstream = Upstream::start().await;
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .set("/audit/spool_bytes_max", 65_536)
        .start()
        .await;
    let mut client = RawClient::connect(world.plain()).await;
    let mut passed = 0;
    let refused = loop {
        let answer = client.call("GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        if answer.status != 200 {
            break answer;
        }
        passed += 1;
        assert!(passed < 1000, "the spool never fills");
    };
    assert_eq!((refused.status, refused.code().as_str()), (503, "SPOOL_FULL"));
    assert_eq!(upstream.seen().len(), passed);
    assert_eq!(world.events_of("call.intent").len(), passed, "each call that left is recorded");
    *met.entry(Code::SpoolFull.as_str()).or_default() += 1;
}

#[tokio::test]
async fn every_code_is_met() {
    let upstream = Upstream::start().await;
    upstream.on("/broken", fixed(200, "application/json", "{"));
    let dead = tollgate_tests::Nobody::here();
    let mut inner = http_route("inner", "/inner", &upstream.url());
    inner["upstream"]["allow_addresses"] = json!([]);
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .mcp("mcp", "/mcp", &upstream.url())
        .add_route(inner)
        .route("dead", "/dead", &format!("http://{dead}"))
        .route("nameless", "/nameless", "http://nothing.invalid")
        .set("/forward_proxy", json!({ "hosts": ["listed.test"] }))
        // Nobody answers there.
        .set("/resolver", json!({ "servers": ["127.0.0.1"], "timeout_ms": 300 }))
        .set("/bounds/request_body_bytes", 4096)
        .policy(POLICY)
        .start()
        .await;
    let mut met = BTreeMap::new();
    provoke(&world, calls(), &mut met).await;
    identities(&world, &mut met).await;
    let reached = upstream.seen();
    assert!(reached.iter().all(|seen| seen.line() == "GET /broken"), "{reached:?}");
    rates(&mut met).await;
    expiry(&mut met).await;
    full_spool(&mut met).await;

    let known = ELSEWHERE.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>();
    for code in Code::ALL {
        let here = met.contains_key(code.as_str());
        let there = known.contains(&code.as_str());
        assert!(here || there, "{code} is never met");
        assert!(!(here && there), "{code} is met here, so it is not elsewhere");
    }
}

/// A stalled upstream is not a code, but its connection must not outlive the refusal.
#[tokio::test]
async fn refused_answers_end_their_connections() {
    let upstream = Upstream::start().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{\"a\":\"\\z";
    upstream.on(
        "/broken",
        vec![Step::Send(head.as_bytes().to_vec()), Step::Send(b"\"}".to_vec()), Step::Stall],
    );
    let world = World::to(&upstream.url()).await;
    let mut client = RawClient::connect(world.plain()).await;
    let answer = client.call("GET /up/broken HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(answer.code(), "UPSTREAM_PROTOCOL");
    upstream.wait_closed(1).await;
}
