//! Names that mean something else when they are connected to than when they were asked for, where
//! the kernel leads an agent to the gate and the gate is its DNS server.
use serde_json::{Value, json};
use tokio::process::Child;
use tollgate_tests::{Certificates, POLICY_ALLOW};

use crate::gate::binary;
use crate::island::{self, AGENT_UID, Island};
use crate::peer;

/// What a connection's end may be.
const OK: &str = "\"made\"";
const NOT_GIVEN: &str = "ADDRESS_NOT_GIVEN";

struct Scene {
    island: Island,
    _running: [Child; 3],
}

fn settings(binding: &str) -> Value {
    let mut settings = island::settings(&json!([
        { "type": "transparent", "name": "led", "bind": "127.0.0.1:15001", "agent": "coder" },
    ]));
    settings["forward_proxy"]["hosts"] =
        json!(["tools.test", "other.test", "moving.test", "127.0.0.2", "127.0.0.66"]);
    settings["dns"] = json!({ "listen": "127.0.0.1:5353", "agent": "coder", "binding": binding });
    // What a name means is asked for each time.
    settings["resolver"]["cache_seconds"] = 0.into();
    settings
}

impl Scene {
    /// An agent that is led, and asks the gate for names; two servers that know the same names.
    async fn open(binding: &str) -> Self {
        let island =
            Island::make(&[("tools.test", "127.0.0.2"), ("other.test", "127.0.0.66")], "").await;
        // The agent asks the gate, whomever it means to ask, and no table.
        island.write("hosts", "");
        island.write("resolv.conf", "nameserver 127.0.0.77\n");
        std::fs::create_dir(island.path("pub")).unwrap();
        let authority = &Certificates::shared().authority;
        let names = ["tools.test", "other.test", "moving.test", "127.0.0.2"];
        let server = authority.server(&names);
        island.write("gate.yaml", &settings(binding).to_string());
        island.write("policy.yaml", POLICY_ALLOW);
        island.write("up-ca.pem", &authority.certificate);
        island.write("up.pem", &server.certificate);
        island.write("up.key", &server.key);
        let serve = async |log: &str, place: &str| {
            let script = peer::root().join("tests/peers/roads/server.py");
            let mut server = island.command("python3");
            server.arg(script).args(["up.pem", "up.key", log, place]);
            island.start(&mut server).await
        };
        let good = serve("good.txt", "127.0.0.2:443").await;
        let evil = serve("evil.txt", "127.0.0.66:443").await;
        let gate = island.gate("127.0.0.1:19901").await;
        let user = AGENT_UID.to_string();
        let applied = island.redirect(&["--user", &user, "--apply"]).await;
        assert_eq!(applied.code, Some(0), "{}", applied.stderr);
        Self { island, _running: [good, evil, gate] }
    }

    /// The agent asks for a URL, and what comes of it.
    async fn ask(&self, words: &[&str]) -> String {
        let mut curl = self.island.by_mere_agent("/usr/bin/curl");
        curl.args(["--disable", "-sS", "--max-time", "20", "--cacert", "pub/ca.pem"]).args(words);
        let ended = self.island.end(&mut curl).await;
        ended.stdout + &ended.stderr
    }

    fn seen(&self, name: &str) -> usize {
        self.island.read(name).lines().count()
    }
}

#[tokio::test]
async fn what_a_name_means_later_is_looked_at_again() {
    let scene = Scene::open("known").await;
    // Asked for by the agent, it is a good server's; when the gate connects, it is something else.
    scene.island.dns.say("moving.test", &["127.0.0.2"]).say("moving.test", &["169.254.169.254"]);
    // It asks for IPv4 alone, since the gate looks for both kinds at each question.
    let said = scene.ask(&["--ipv4", "https://moving.test/a"]).await;
    assert!(said.contains("ADDRESS_FORBIDDEN"), "{said}");
    let asked = scene.island.dns.asked();
    assert_eq!(asked.iter().filter(|asked| *asked == "A moving.test").count(), 2, "{asked:?}");
    let record = scene.island.record(|record| record.contains("ADDRESS_FORBIDDEN")).await;
    let refused = record.lines().find(|line| line.contains("ADDRESS_FORBIDDEN")).expect(&record);
    assert!(refused.contains("\"original_address\":\"127.0.0.2\""), "{refused}");
    assert_eq!((scene.seen("good.txt"), scene.seen("evil.txt")), (0, 0));

    // Over TCP it is the gate as well, which does not ask for just any name.
    let mut dig = scene.island.by_mere_agent("/usr/bin/python3");
    let asks = "import socket\ns = socket.create_connection(('127.0.0.77', 53), 5)\n\
                q = b'\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\4test\\0\\0\\1\\0\\1'\n\
                s.sendall(bytes([0, len(q)]) + q)\nprint('code', s.recv(512)[5] & 15)";
    let said = scene.island.end(dig.args(["-c", asks])).await;
    assert_eq!(said.stdout, "code 5\n", "{}", said.stderr);
    let record = scene.island.record(|record| record.contains("DNS_REFUSED")).await;
    assert!(record.contains("DNS_REFUSED"), "{record}");
    assert!(!scene.island.dns.asked().iter().any(|asked| asked.contains("secret")));

    // Which is no way out, and `--prove` knows it.
    std::fs::copy(binary(), scene.island.path("tollgate")).unwrap();
    let mut prove = scene.island.by_mere_agent(scene.island.path("tollgate"));
    prove.args(["redirect", "--config", "gate.yaml", "--prove", "--target", "127.0.0.77"]);
    let proved = scene.island.end(&mut prove).await;
    assert_eq!(proved.code, Some(0), "{}{}", proved.stdout, proved.stderr);
    assert_eq!(proved.stdout.matches("answered by the gate").count(), 2, "{}", proved.stdout);

    // A client that lets a good name mean its own server is not followed there.
    let own = ["--resolve", "tools.test:443:127.0.0.66", "https://tools.test/b"];
    let said = scene.ask(&own).await;
    assert!(said.contains(OK), "{said}");
    assert_eq!((scene.seen("good.txt"), scene.seen("evil.txt")), (1, 0));
}

#[tokio::test]
async fn an_address_goes_with_the_name_it_was_given_for() {
    // What is tried, and what comes of it with each setting: known, given, none.
    let steps: [(&[&str], [&str; 3]); 8] = [
        // Never given, so nobody knows whose it is.
        (&["--resolve", "tools.test:443:127.0.0.66", "https://tools.test/a"], [OK, NOT_GIVEN, OK]),
        (&["https://tools.test/b"], [OK; 3]),
        (&["https://other.test/c"], [OK; 3]),
        // Now it is the other's.
        (
            &["--resolve", "tools.test:443:127.0.0.66", "https://tools.test/d"],
            [NOT_GIVEN, NOT_GIVEN, OK],
        ),
        (
            &["--http1.1", "--resolve", "tools.test:443:127.0.0.66", "https://tools.test/e"],
            [NOT_GIVEN, NOT_GIVEN, OK],
        ),
        // In clear text the name is in each call. Nobody listens there.
        (
            &["--resolve", "tools.test:80:127.0.0.66", "http://tools.test/f"],
            [NOT_GIVEN, NOT_GIVEN, "UPSTREAM_CONNECT"],
        ),
        // A host that is an address, and an address that is another's.
        (&["http://127.0.0.2/g"], ["UPSTREAM_CONNECT"; 3]),
        (
            &["-H", "host: 127.0.0.2", "http://127.0.0.66/h"],
            [NOT_GIVEN, NOT_GIVEN, "UPSTREAM_CONNECT"],
        ),
    ];
    for (at, binding) in ["known", "given", "none"].into_iter().enumerate() {
        let scene = Scene::open(binding).await;
        for (words, ends) in &steps {
            let said = scene.ask(words).await;
            assert!(said.contains(ends[at]), "{binding} {words:?}: {said}");
        }
        // Only who asked for the other was led to it.
        assert_eq!(scene.island.read("evil.txt"), "/c\n", "{binding}");
        let refused = steps.iter().filter(|(_, ends)| ends[at] == NOT_GIVEN).count();
        let count = |record: &str| record.lines().filter(|line| line.contains(NOT_GIVEN)).count();
        let record = scene.island.record(|record| count(record) >= refused).await;
        assert_eq!(count(&record), refused, "{binding}");
        let mut lines = record.lines().filter(|line| line.contains(NOT_GIVEN));
        assert!(lines.all(|line| line.contains("\"original_address\":\"127.0.0.66\"")));
    }
}
