//! Bodies of every kind are opened: what may not leave is taken out or refused, with its place.
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tollgate_tests::{HttpClient, Reply, Upstream, World, fixed, full, http_route};

const CARD: &str = "4111 1111 1111 1111";
const TAG: &str = "[REDACTED:PAN]";

struct Kit {
    world: World,
    upstream: Upstream,
    client: HttpClient,
}

impl Kit {
    async fn start() -> Self {
        let upstream = Upstream::start().await;
        let mut up = http_route("up", "/up", &upstream.url());
        up["allow_cookies"] = true.into();
        let mut lax = http_route("lax", "/lax", &upstream.url());
        lax["allow_unread_requests"] = true.into();
        let world = World::builder().add_route(up).add_route(lax).start().await;
        let client = HttpClient::plain(world.plain(), false).await;
        Self { world, upstream, client }
    }

    /// What came to the upstream.
    async fn sent(&mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Vec<u8> {
        let reply = self.client.post("/up/ok", content_type, full(body.into())).await;
        assert_eq!(reply.status, 200, "{content_type}: {:?}", reply.body);
        self.upstream.take_seen().remove(0).body
    }

    async fn refused(&mut self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        let reply = self.client.post(path, content_type, full(body.into())).await;
        assert_eq!(reply.status, 403, "{content_type}: {:?}", reply.body);
        assert!(self.upstream.take_seen().is_empty());
        reply
    }

    /// Part, class, action and place of each finding of the last event of this type.
    fn found(&self, event: &str) -> Vec<String> {
        let events = self.world.events_of(event);
        let data = &events.last().unwrap()["payload"]["data"];
        let findings = data["findings"].as_array().cloned().unwrap_or_default();
        let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let line =
            |f: &Value| ["part", "class", "action", "place"].map(|name| word(f, name)).join(" ");
        findings.iter().map(line).collect()
    }
}

fn multipart(file: &[u8], content_type: &str) -> Vec<u8> {
    let head = "--b\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b\r\n\
                content-disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n";
    let mut body = format!("{head}content-type: {content_type}\r\n\r\n").into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    body
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn documents_are_opened_redacted_and_written_again() {
    let mut kit = Kit::start().await;
    let form_data = "multipart/form-data; boundary=b";
    let came = kit.sent(form_data, multipart(CARD.as_bytes(), "text/plain")).await;
    assert_eq!(came, multipart(TAG.as_bytes(), "text/plain"));
    assert_eq!(kit.found("call.intent"), ["body pci.pan redact part file/notes.txt"]);

    let came = kit.sent("application/xml", format!("<a><card  n='1'>{CARD}</card></a>")).await;
    assert_eq!(String::from_utf8_lossy(&came), format!("<a><card n=\"1\">{TAG}</card></a>"));
    assert_eq!(kit.found("call.intent"), ["body pci.pan redact element a/card"]);

    let came =
        kit.sent("application/x-ndjson", format!("{{\"a\":1}}\n{{\"b\":\"{CARD}\"}}\n")).await;
    assert_eq!(String::from_utf8_lossy(&came), format!("{{\"a\":1}}\n{{\"b\":\"{TAG}\"}}\n"));
    assert_eq!(kit.found("call.intent"), ["body pci.pan redact line 2 /b"]);

    let message =
        |text: &str| [&[0x0a, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let frame = |text: &str| {
        let message = message(text);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, &message].concat()
    };
    assert_eq!(kit.sent("application/grpc", frame(CARD)).await, frame(TAG));
    assert_eq!(kit.found("call.intent"), ["body pci.pan redact message 1 number 1"]);

    let came = kit.sent("application/x-www-form-urlencoded", format!("a=1&b={CARD}")).await;
    assert_eq!(String::from_utf8_lossy(&came), "a=1&b=%5BREDACTED%3APAN%5D");
    assert_eq!(kit.found("call.intent"), ["body pci.pan redact field b"]);
}

#[tokio::test]
async fn what_cannot_be_written_again_is_refused_with_its_place() {
    let mut kit = Kit::start().await;
    let form_data = "multipart/form-data; boundary=b";
    let packed = multipart(&gzip(CARD.as_bytes()), "application/gzip");
    for path in ["/up/ok", "/lax/ok"] {
        let reply = kit.refused(path, form_data, packed.clone()).await;
        assert_eq!(reply.code(), "DLP_BLOCKED");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("part file/notes.txt entry 1"), "{detail}");
        assert_eq!(kit.found("call.refused"), ["body pci.pan block part file/notes.txt entry 1"]);
    }
    // What is fine in there travels as it came.
    let packed = multipart(&gzip(b"hello"), "application/gzip");
    assert_eq!(kit.sent(form_data, packed.clone()).await, packed);
}

#[tokio::test]
async fn cards_in_fixed_numbers_of_protobuf_are_found() {
    let mut kit = Kit::start().await;
    let frame = |number: [u8; 8]| [&[0, 0, 0, 0, 9, 0x09][..], &number].concat();
    for (number, found) in [
        (4_111_111_111_111_111_u64.to_le_bytes(), true),
        (378_282_246_310_005_u64.to_le_bytes(), true),
        (4.111_f64.to_le_bytes(), false),
        // A time in nanoseconds.
        (1_764_281_369_000_000_000_u64.to_le_bytes(), false),
    ] {
        if found {
            let reply = kit.refused("/up/ok", "application/grpc", frame(number)).await;
            assert_eq!(reply.code(), "DLP_BLOCKED");
            assert_eq!(kit.found("call.refused"), ["body pci.pan block message 1 number 1"]);
        } else {
            assert_eq!(kit.sent("application/grpc", frame(number)).await, frame(number));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_unread_and_says_where() {
    let mut kit = Kit::start().await;
    let form_data = "multipart/form-data; boundary=b";
    let image = multipart(b"\x89PNG\r\n\x1a\n\0\0", "image/png");
    let reply = kit.refused("/up/ok", form_data, image.clone()).await;
    assert_eq!(reply.code(), "UNREAD_REFUSED");
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("at part file/notes.txt"), "{detail}");
    assert_eq!(kit.found("call.refused"), ["body content.unread block part file/notes.txt"]);
    let reply = kit.client.post("/lax/ok", form_data, full(image.clone())).await;
    assert_eq!(reply.status, 200);
    assert_eq!(kit.upstream.take_seen().remove(0).body, image);
    assert_eq!(kit.found("call.intent"), ["body content.unread alert part file/notes.txt"]);
    // What has a form of its own and breaks it has two readings, whatever the route allows.
    let reply = kit.client.post("/lax/ok", form_data, full("--b\n\n1\n--b--")).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "MALFORMED_BODY"));
}

#[tokio::test]
async fn urls_headers_and_cookies_are_named() {
    let kit = Kit::start().await;
    let send = async |path: &str, header: (&str, &str)| {
        let mut client = tollgate_tests::RawClient::connect(kit.world.plain()).await;
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{}: {}\r\n\r\n", header.0, header.1);
        client.call(&head).await.status
    };
    let card = CARD.replace(' ', "%20");
    assert_eq!(send(&format!("/up/a/{card}"), ("x-a", "b")).await, 403);
    assert_eq!(kit.found("call.refused"), ["path pci.pan block segment 2"]);
    assert_eq!(send(&format!("/up/ok?d={card}"), ("x-a", "b")).await, 200);
    assert_eq!(kit.found("call.intent"), ["query pci.pan redact query d"]);
    assert_eq!(send("/up/ok", ("x-note", CARD)).await, 200);
    assert_eq!(kit.found("call.intent"), ["header pci.pan redact header x-note"]);
    assert_eq!(send("/up/ok", ("cookie", &format!("a=1; b={CARD}"))).await, 200);
    assert_eq!(kit.found("call.intent"), ["header pci.pan redact header cookie cookie b"]);
    let seen = kit.upstream.take_seen();
    assert_eq!(seen.last().unwrap().header("cookie"), [format!("a=1; b={TAG}")]);
}

#[tokio::test]
async fn lines_of_an_answer_are_looked_at_as_they_come() {
    let mut kit = Kit::start().await;
    let body = format!(
        "{{\"response\":\"4111 1111\",\"n\":1}}\n{{\"response\":\" 1111 1111.\",\"n\":2}}\n\n[{}]\nend",
        json!(CARD)
    );
    kit.upstream.on("/lines", fixed(200, "application/x-ndjson", body));
    let reply = kit.client.get("/up/lines").await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(!text.contains("1111 1111"), "{text}");
    assert!(lines[0].ends_with("\"n\":1}") && lines[4] == "end", "{text}");
    assert_eq!(lines[3], format!("[\"{TAG}\"]"));
}

#[tokio::test]
async fn rules_see_the_names_of_files() {
    let upstream = Upstream::start().await;
    let policy = json!({
        "version": "1", "generated_at": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z",
        "defaults": { "outcome": "ALLOW" },
        "rules": [
            { "id": "payroll", "match": { "tool_name": "*" }, "outcome": "DENY",
              "when": { "contains_any": ["payroll €"] } },
            { "id": "keys", "match": { "tool_name": "*" }, "outcome": "DENY",
              "when": { "tool_args_match": { "filename": "id_rsa" } } },
        ],
    });
    let world = World::builder()
        .route("up", "/up", &upstream.url())
        .policy(policy.to_string())
        .start()
        .await;
    let mut client = HttpClient::plain(world.plain(), false).await;
    for (disposition, status) in [
        ("form-data; name=\"file\"; filename=\"notes.txt\"", 200),
        ("form-data; name=\"file\"; filename=\"Payroll €.txt\"", 403),
        ("form-data; name=\"file\"; filename=\"payroll%20%E2%82%AC.txt\"", 403),
        ("form-data; name=\"file\"; filename*=UTF-8''payroll%20%e2%82%ac.txt", 403),
        ("form-data; name=\"file\"; filename*=utf-8'en'payroll%20%E2%82%AC.txt", 403),
        ("attachment; filename=\"payroll €\"", 403),
        ("form-data; name=\"file\"; filename=id_rsa", 403),
        ("form-data; name=\"file\"; filename*=iso-8859-1''id%5frsa", 403),
        ("form-data; name=\"file\"; filename*=iso-8859-1''na%EFve.txt", 200),
        // Characters that only some readers know, and escapes that are none.
        ("form-data; name=\"file\"; filename*=utf-16''notes.txt", 400),
        ("form-data; name=\"file\"; filename*=utf-8''%ff.txt", 400),
        ("form-data; name=\"file\"; filename*=utf-8''100%.txt", 400),
        ("form-data; name=\"file\"; filename*=notes.txt", 400),
    ] {
        let body = format!("--b\r\ncontent-disposition: {disposition}\r\n\r\nhello\r\n--b--\r\n");
        let kind = "multipart/form-data; boundary=b";
        let reply = client.post("/up/ok", kind, full(body.into_bytes())).await;
        assert_eq!(reply.status, status, "{disposition}: {:?}", reply.body);
    }
}
