//! The world itself: it starts, tells, reloads, stops, dies and comes back.
use tollgate_tests::{
    Certificates, HttpClient, OTHER_AGENT, POLICY_ALLOW, RawClient, Upstream, World,
};

const GET: &str = "GET /up/ok?x=1 HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn a_gate_lives() {
    let upstream = Upstream::start().await;
    let mut world = World::to(&upstream.url()).await;
    let mut client = RawClient::connect(world.plain()).await;
    let answer = client.call(GET).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"ok":true}"#));
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line(), "GET /ok?x=1");
    world.wait_event("the outcome", |event| event["event_type"] == "call.outcome").await;

    world.rewrite_policy(&POLICY_ALLOW.replace("outcome: ALLOW", "outcome: DENY"));
    assert!(world.reload().await);
    let answer = client.call(GET).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "POLICY_DENIED"));

    world.kill9().await;
    world.restart().await.unwrap();
    let identity = Certificates::shared().authority.client(&[OTHER_AGENT], None);
    for h2 in [false, true] {
        let mut client = HttpClient::tls(world.tls(), Some(&identity), h2).await.unwrap();
        assert_eq!(client.is_h2(), h2);
        assert_eq!(client.get("/up/ok").await.code(), "POLICY_DENIED");
    }
    assert!(world.stop().await.success());
    assert_eq!(upstream.seen().len(), 1);
    assert!(world.events().len() > 5, "{}", world.log());
}
