//! The gate as the agent's DNS server, and names on the way out.
use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tollgate_tests::{
    AGENT, Builder, Certificates, DnsServer, RawClient, Upstream, World, http_route, until, within,
};

/// A gate that answers for some names, and asks this server.
fn named(server: &DnsServer) -> Builder {
    World::builder()
        .set("/resolver", json!({ "servers": [server.address().to_string()], "timeout_ms": 2000 }))
        .set(
            "/forward_proxy",
            json!({ "hosts": ["api.test", "*.wild.test"], "allow_addresses": ["10.9.0.0/16"] }),
        )
        .set(
            "/dns",
            json!({ "listen": "127.0.0.1:0", "agent": AGENT, "block": ["no.wild.test", "*.no.wild.test"] }),
        )
}

fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(4242, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

async fn ask_bytes(world: &World, bytes: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(bytes, world.dns()).await.unwrap();
    let mut buffer = [0; 4096];
    let (length, from) = within("an answer", socket.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(from, world.dns());
    Message::from_vec(&buffer[..length]).unwrap()
}

async fn ask(world: &World, name: &str, kind: RecordType) -> Message {
    let answer = ask_bytes(world, &query(name, kind).to_vec().unwrap()).await;
    assert_eq!(answer.metadata.id, 4242);
    answer
}

fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(four) => IpAddr::V4(four.0),
        RData::AAAA(six) => IpAddr::V6(six.0),
        other => panic!("{other}"),
    };
    message.answers.iter().map(|record| address(&record.data)).collect()
}

fn data(event: &Value) -> &Value {
    &event["payload"]["data"]
}

#[tokio::test]
async fn names_on_the_list_are_answered_and_recorded() {
    let server = DnsServer::udp().await;
    server
        .say("api.test", &["edge.cdn.test", "93.184.216.34", "93.184.216.35", "2606:2800:220:1::1"])
        .say("a.wild.test", &["10.9.1.1"]);
    let world = named(&server).start().await;

    let answer = ask(&world, "API.test.", RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert_eq!(
        addresses(&answer),
        ["93.184.216.34", "93.184.216.35"].map(|ip| ip.parse::<IpAddr>().unwrap())
    );
    assert!(answer.answers.iter().all(|record| record.ttl <= 60));
    assert_eq!(answer.queries[0].name().to_ascii(), "API.test.");
    let six = ask(&world, "api.test.", RecordType::AAAA).await;
    assert_eq!(addresses(&six), ["2606:2800:220:1::1".parse::<IpAddr>().unwrap()]);
    // The range is wanted there; and there is nothing of the other family.
    assert_eq!(addresses(&ask(&world, "a.wild.test.", RecordType::A).await).len(), 1);
    assert!(addresses(&ask(&world, "a.wild.test.", RecordType::AAAA).await).is_empty());
    // Keys and hints that lead around the gate are not even asked for.
    for kind in [RecordType::HTTPS, RecordType::SVCB] {
        let answer = ask(&world, "api.test.", kind).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty());
    }
    assert!(server.asked().iter().all(|asked| asked.starts_with('A')), "{:?}", server.asked());

    let outcomes = world.wait_outcomes(6).await;
    let intents = world.events_of("call.intent");
    assert_eq!((intents.len(), data(&intents[0])["protocol"].as_str()), (6, Some("dns")));
    assert_eq!(data(&intents[0])["host"], "api.test");
    assert_eq!(data(&intents[0])["method"], "A");
    assert_eq!(data(&outcomes[0])["intent"], intents[0]["id"]);
    assert_eq!(data(&outcomes[0])["given"], json!(["93.184.216.34", "93.184.216.35"]));
    let all = data(&outcomes[0])["addresses"].as_array().unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(data(&outcomes[0])["names"], json!(["edge.cdn.test"]));
    assert_eq!(world.metric("tollgate_names_total{effect=\"answered\"}").await, 3.0);
    assert_eq!(world.metric("tollgate_names_total{effect=\"empty\"}").await, 3.0);
}

#[tokio::test]
async fn what_may_not_be_asked_is_not_asked() {
    let server = DnsServer::udp().await;
    server.say("api.test", &["93.184.216.34"]).say("x.wild.test", &["93.184.216.34"]);
    let world = named(&server).start().await;
    let long = format!("{}.wild.test.", ["aaaaaaaaaaaaaaaaaaaaaaaaaa"; 3].join("."));
    let cases = [
        ("evil.test.", RecordType::A, "the name is on no list"),
        ("api.test.evil.test.", RecordType::A, "the name is on no list"),
        ("wild.test.", RecordType::A, "the name is on no list"),
        ("no.wild.test.", RecordType::A, "the name is on the block list"),
        ("a.no.wild.test.", RecordType::AAAA, "the name is on the block list"),
        ("mfrggzdfmztwq2lknnwg23tpobyxe43u.wild.test.", RecordType::A, "the name looks random"),
        ("73656372.65742076.616c7565.wild.test.", RecordType::A, "the name looks random"),
        (long.as_str(), RecordType::A, "what the list leaves open is too long"),
        ("a.b.c.d.e.f.g.wild.test.", RecordType::A, "the name has too many labels"),
        ("2130706433.", RecordType::A, "no name of a host"),
        (".", RecordType::A, "no name of a host"),
        (r"api\.test.", RecordType::A, "no name of a host"),
        ("api.test.", RecordType::TXT, "only addresses are answered"),
        ("api.test.", RecordType::ANY, "only addresses are answered"),
        ("evil.test.", RecordType::HTTPS, "the name is on no list"),
    ];
    for (nth, (name, kind, why)) in cases.into_iter().enumerate() {
        let answer = ask(&world, name, kind).await;
        let expect = match why {
            "only addresses are answered" => ResponseCode::NotImp,
            _ => ResponseCode::Refused,
        };
        assert_eq!(answer.metadata.response_code, expect, "{name}");
        assert!(answer.answers.is_empty());
        let refused =
            until("the record", async || world.events_of("call.refused").get(nth).cloned());
        let refused = refused.await;
        assert_eq!(data(&refused)["code"], "DNS_REFUSED", "{name}");
        assert_eq!(data(&refused)["detail"], why, "{name}");
        assert_eq!(data(&refused)["protocol"], "dns");
    }
    // What was hidden in names is in no record and no log, either.
    let written = world.everything_written();
    for hidden in [&b"mfrggzdf"[..], b"73656372"] {
        assert!(memchr::memmem::find(&written, hidden).is_none());
    }
    // Bytes that are no query.
    for bytes in [&[0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1][..], &[0; 12]] {
        let answer = ask_bytes(&world, bytes).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::FormErr);
    }
    let mut update = query("api.test.", RecordType::SOA);
    update.metadata.op_code = OpCode::Update;
    let answer = ask_bytes(&world, &update.to_vec().unwrap()).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NotImp);
    assert_eq!(server.asked(), Vec::<String>::new());
    assert_eq!(world.metric("tollgate_names_total{effect=\"malformed\"}").await, 3.0);
    assert_eq!(world.metric("tollgate_refusals_total{code=\"DNS_REFUSED\"}").await, 18.0);
}

#[tokio::test]
async fn answers_are_checked_as_destinations_are() {
    let server = DnsServer::udp().await;
    server
        .say("api.test", &["93.184.216.34", "192.168.0.1"])
        .say("m.wild.test", &["169.254.169.254"])
        .say("six.wild.test", &["93.184.216.34", "64:ff9b::a9fe:a9fe"])
        .say("none.wild.test", &[]);
    let world = named(&server).start().await;
    for (nth, (name, expect, code, detail)) in [
        ("api.test.", ResponseCode::Refused, "ADDRESS_FORBIDDEN", "private"),
        ("m.wild.test.", ResponseCode::Refused, "ADDRESS_FORBIDDEN", "metadata"),
        // Refused for the family that was not asked for, too.
        ("six.wild.test.", ResponseCode::Refused, "ADDRESS_FORBIDDEN", "metadata"),
        ("gone.wild.test.", ResponseCode::NXDomain, "DNS_FAILED", "there is no such name"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = ask(&world, name, RecordType::A).await;
        assert_eq!(answer.metadata.response_code, expect, "{name}");
        assert!(answer.answers.is_empty());
        let outcomes = world.wait_outcomes(nth + 1).await;
        assert_eq!(data(&outcomes[nth])["code"], code, "{name}");
        assert_eq!(data(&outcomes[nth])["detail"], detail, "{name}");
    }
}

#[tokio::test]
async fn streams_floods_and_reloads() {
    let server = DnsServer::udp().await;
    let many = (1..=40).map(|n| format!("2606:2800:220:1::{n}")).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    server.say("api.test", &many);
    let mut world =
        named(&server).set("/dns/addresses", 40).set("/dns/answer_bytes", 600).start().await;

    // Too long for a datagram, and whole in a stream, where one message follows the other.
    let mut wide = query("api.test.", RecordType::AAAA);
    wide.set_edns(Edns::new().set_max_payload(4096).clone());
    let bytes = wide.to_vec().unwrap();
    let cut = ask_bytes(&world, &bytes).await;
    assert!(cut.metadata.truncation && cut.answers.is_empty() && cut.edns.is_some());
    let mut stream = TcpStream::connect(world.dns()).await.unwrap();
    for _ in 0..3 {
        // A byte at a time.
        for byte in (bytes.len() as u16).to_be_bytes().iter().chain(&bytes) {
            stream.write_all(&[*byte]).await.unwrap();
        }
        let length = within("a length", stream.read_u16()).await.unwrap();
        let mut answer = vec![0; usize::from(length)];
        within("an answer", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(addresses(&Message::from_vec(&answer).unwrap()).len(), 40);
    }
    // A length that no query has ends it.
    stream.write_all(&[0xff, 0xff, 0, 0]).await.unwrap();
    let ended = within("its end", stream.read(&mut [0; 16])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");

    world.set("/dns/block", json!(["api.test"]));
    assert!(world.reload().await);
    let blocked = ask(&world, "api.test.", RecordType::A).await;
    assert_eq!(blocked.metadata.response_code, ResponseCode::Refused);
    world.set("/dns/block", json!([]));
    world.set("/dns/limits", json!({ "per_minute": 3 }));
    assert!(world.reload().await);
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(ask(&world, "api.test.", RecordType::AAAA).await.metadata.response_code);
    }
    assert_eq!(codes[..3], [ResponseCode::NoError; 3]);
    assert_eq!(codes[3..], [ResponseCode::Refused; 5]);
    // Told once, so that a flood of queries is none of records.
    until("the limit in the record", async || {
        (world.events_of("limit.exceeded").len() == 1).then_some(())
    })
    .await;
    assert_eq!(world.events_of("call.refused").len(), 1);
    assert_eq!(world.metric("tollgate_names_total{effect=\"limited\"}").await, 5.0);
    assert!(world.stop().await.success());
}

#[tokio::test]
async fn a_name_that_changes_between_check_and_connection() {
    let server = DnsServer::udp().await;
    let upstream = Upstream::start().await;
    // What is said first is let through; what is said to any later question is not.
    server
        .say("turning.test", &["first.cdn.test", "127.0.0.1"])
        .say("turning.test", &["169.254.169.254"])
        .say("turning.test", &["127.0.0.1", "10.0.0.1"]);
    let port = upstream.url().rsplit(':').next().unwrap().to_owned();
    let world = World::builder()
        .set(
            "/resolver",
            json!({ "servers": [server.address().to_string()], "timeout_ms": 2000, "cache_seconds": 0 }),
        )
        .add_route(http_route("up", "/up", &format!("http://turning.test:{port}")))
        .start()
        .await;
    let get = "GET /up/ok HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut outcomes = Vec::new();
    for (nth, expect) in [200, 403, 403].into_iter().enumerate() {
        let answer = RawClient::connect(world.plain()).await.call(get).await;
        assert_eq!(answer.status, expect, "call {nth}");
        // One question for each call: there is no second answer that could be another.
        let asked = server.asked();
        let four = asked.iter().filter(|asked| *asked == "A turning.test").count();
        assert_eq!(four, nth + 1, "{asked:?}");
        // The next call's may be written first.
        outcomes = world.wait_outcomes(nth + 1).await;
    }
    assert_eq!(upstream.seen().len(), 1);
    assert!(data(&outcomes[0])["destination"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(data(&outcomes[0])["addresses"], json!(["127.0.0.1"]));
    assert_eq!(data(&outcomes[0])["names"], json!(["first.cdn.test"]));
    assert_eq!(data(&outcomes[1])["code"], "ADDRESS_FORBIDDEN");
    assert_eq!(data(&outcomes[1])["detail"], "metadata");
    assert_eq!(data(&outcomes[2])["detail"], "private");
}

#[tokio::test]
async fn servers_are_asked_over_tls_and_https() {
    let authority = &Certificates::shared().authority;
    let identity = authority.server(&["dns.test"]);
    for over in ["tls", "https"] {
        let server = match over {
            "tls" => DnsServer::tls(&identity).await,
            _ => DnsServer::https(&identity).await,
        };
        server.say("api.test", &["93.184.216.34"]);
        for (name, works) in [("dns.test", true), ("other.test", false)] {
            let asked =
                json!({ "over": over, "address": server.address().to_string(), "name": name });
            let world = named(&server)
                .file("dns-ca.pem", authority.certificate.clone())
                .set(
                    "/resolver",
                    json!({ "encrypted": [asked], "ca": "dns-ca.pem", "timeout_ms": 2000 }),
                )
                .start()
                .await;
            let answer = ask(&world, "api.test.", RecordType::A).await;
            let expect = if works { ResponseCode::NoError } else { ResponseCode::ServFail };
            assert_eq!(answer.metadata.response_code, expect, "{over} {name}");
            assert_eq!(addresses(&answer).len(), usize::from(works));
        }
        assert!(server.asked().contains(&"A api.test".to_owned()));
    }
}
