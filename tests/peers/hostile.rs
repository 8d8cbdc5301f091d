//! A hostile script where the kernel leads the agent: every way around that it can think of, and
//! what of it is on the wire.
use serde_json::{Value, json};
use tokio::process::Child;
use tollgate_tests::{Certificates, POLICY_ALLOW};

use crate::gate::binary;
use crate::island::{self, AGENT_UID, Island};
use crate::peer;

/// A wire out of the island, and addresses on it.
const WIRE: &str = "ip link add out0 type veth peer name out1
ip link set out0 up
ip addr add 192.0.2.2/24 dev out0
ip -6 addr add 2001:db8::2/64 dev out0 nodad
ip route add default via 192.0.2.1
ip -6 route add default via 2001:db8::1
ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out0
ip -6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev out0
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range
echo 3 > /proc/sys/net/ipv4/tcp_fastopen";

/// What becomes of a way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// The rules drop it, and count.
    Dropped,
    /// It comes to the gate, which does not let it on.
    Led,
    /// The kernel has no such thing for this user.
    Stopped,
}

use End::{Dropped, Led, Stopped};

/// All that the script knows, each with every end that it may have: a kernel may lack a protocol.
const WAYS: &[(&str, &[End])] = &[
    ("udp", &[Dropped]),
    ("udp6", &[Dropped]),
    ("udp mapped", &[Dropped]),
    ("udp to itself", &[Dropped]),
    ("udp fragments", &[Dropped]),
    ("udp6 fragments", &[Dropped]),
    ("udp segments", &[Dropped]),
    ("udp from the gate's port", &[Dropped]),
    ("udp by the device", &[Dropped]),
    ("udp broadcast", &[Dropped]),
    ("udp multicast", &[Dropped]),
    ("udp6 multicast", &[Dropped]),
    ("udp with a source route", &[Dropped, Stopped]),
    ("udp-lite", &[Dropped, Stopped]),
    ("quic", &[Dropped]),
    ("quic6", &[Dropped]),
    ("dns over udp", &[Dropped]),
    ("dns over udp6", &[Dropped]),
    ("dns to the system's", &[Dropped]),
    ("dns over tcp", &[Led]),
    ("dns over tcp6", &[Led]),
    ("dhcp", &[Dropped]),
    ("tcp", &[Led]),
    ("tcp6", &[Led]),
    ("tcp mapped", &[Led]),
    ("tcp by the device", &[Dropped]),
    ("tcp from a port of its own", &[Led]),
    ("tcp from the gate's port", &[Led]),
    ("tcp with a source route", &[Led, Stopped]),
    ("tcp of many paths", &[Led, Stopped]),
    ("ssh", &[Led]),
    ("ssh6", &[Led]),
    ("smtp", &[Led]),
    ("admin", &[Led]),
    ("admin by another name", &[Led]),
    ("admin mapped", &[Led]),
    ("the gate itself", &[Led]),
    ("the gate by another address", &[Led]),
    ("the gate on its loopback", &[Led]),
    ("metadata", &[Led]),
    ("sctp", &[Dropped, Stopped]),
    ("dccp", &[Dropped, Stopped]),
    ("echo", &[Dropped]),
    ("echo6", &[Dropped]),
    ("raw", &[Stopped]),
    ("raw of any protocol", &[Stopped]),
    ("tls", &[Led]),
    ("data in the first packet", &[Led]),
    ("a group's name", &[Dropped]),
    ("a group's name6", &[Dropped]),
    ("packet", &[Stopped]),
    ("resolver", &[Dropped]),
    ("raw as another root", &[Stopped]),
    ("rules as another root", &[Stopped]),
    ("another network", &[Stopped]),
    ("rules", &[Stopped]),
    ("a tunnel", &[Stopped]),
    ("another user", &[Stopped]),
    ("the first network", &[Stopped]),
    ("the gate's memory", &[Stopped]),
    ("the gate's end", &[Stopped]),
    ("the gate's sockets", &[Stopped]),
];

fn settings() -> Value {
    island::settings(&json!([
        { "type": "transparent", "name": "led", "bind": "127.0.0.1:15001", "agent": "coder" },
        { "type": "transparent", "name": "led6", "bind": "[::1]:15001", "agent": "coder" },
    ]))
}

struct Scene {
    island: Island,
    gate: Child,
    /// The other end of the wire.
    _outside: Child,
}

impl Scene {
    async fn open() -> Self {
        let island = Island::make(&[("tools.test", "127.0.0.2")], WIRE).await;
        std::fs::create_dir(island.path("pub")).unwrap();
        island.write("gate.yaml", &settings().to_string());
        island.write("policy.yaml", POLICY_ALLOW);
        island.write("up-ca.pem", &Certificates::shared().authority.certificate);
        let wire = format!(
            "read -r _ && ip link set lo up && ip link set out1 address 02:00:00:00:00:01 up && \
             ip addr add 192.0.2.1/24 dev out1 && ip -6 addr add 2001:db8::1/64 dev out1 nodad && \
             exec python3 {} out1 {}",
            peer::root().join("tests/peers/roads/wire.py").display(),
            island.path("wire.txt").display(),
        );
        let outside = island.other_end("out1", &wire).await;
        let gate = island.gate("127.0.0.1:19901").await;
        Self { island, gate, _outside: outside }
    }

    /// Tries a way, as a user who may do nothing else.
    async fn attempt(&self, way: &str) -> String {
        let mut script = self.island.by_mere_agent("/usr/bin/python3");
        script.arg(self.island.path("hostile.py")).arg(way);
        script.env("GATE", self.gate_id().to_string());
        self.island.end(&mut script).await.stdout
    }

    /// The gate's process, which was entered by programs that became it.
    fn gate_id(&self) -> u32 {
        self.gate.id().expect("the gate lives")
    }

    /// All that was on the wire since the last look.
    async fn wire(&self) -> String {
        let mut mark = self.island.command("python3");
        let last = "import socket; socket.socket(2, 2).sendto(b'last', ('192.0.2.1', 7))";
        assert_eq!(self.island.end(mark.args(["-c", last])).await.code, Some(0));
        // Packets stay in order on a wire, so what came before is written down as well.
        let text = tollgate_tests::until("the last packet", async || {
            Some(self.island.read("wire.txt")).filter(|text| text.contains("6c617374\n"))
        });
        let text = text.await;
        std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.island.path("wire.txt"))
            .unwrap();
        text.lines()
            .filter(|line| !line.ends_with("6c617374"))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

#[tokio::test]
async fn a_hostile_script_gets_nowhere_where_the_kernel_leads_it() {
    let scene = Scene::open().await;
    let island = &scene.island;
    let script = peer::root().join("tests/peers/roads/hostile.py");
    std::fs::copy(script, island.path("hostile.py")).unwrap();
    std::fs::copy(binary(), island.path("tollgate")).unwrap();
    let known = island.end(island.command("python3").arg("hostile.py")).await.stdout;
    let names: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known.lines().collect::<Vec<_>>(), names, "every way has its end in the table");

    // Without rules much of it is on the wire: the script is no strawman.
    let mut before = String::new();
    for (name, ends) in WAYS {
        if ends.contains(&Dropped) || ends.contains(&Led) {
            let said = scene.attempt(name).await;
            before.push_str(&format!("{name}: {said}"));
        }
    }
    let wire = scene.wire().await;
    let sent = |protocol: &str, to: &str| {
        wire.lines().any(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            words[0] == protocol && words[2] == to
        })
    };
    for (protocol, to) in [
        ("17", "192.0.2.1"),
        ("17", "2001:db8::1"),
        ("17", "255.255.255.255"),
        ("17", "239.1.2.3"),
        ("17", "ff02::1"),
        ("6", "192.0.2.1"),
        ("6", "2001:db8::1"),
        ("1", "192.0.2.1"),
        ("58", "2001:db8::1"),
        ("2", "224.0.0.22"),
        ("0", "ff02::16"),
    ] {
        assert!(sent(protocol, to), "{protocol} to {to}:\n{wire}\n{before}");
    }
    assert!(before.contains("\"version\""), "the admin listener answers: {before}");

    let applied = island.redirect(&["--user", &AGENT_UID.to_string(), "--apply"]).await;
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    let mut wrong = Vec::new();
    let mut count = island.dropped().await;
    for (name, ends) in WAYS {
        let said = scene.attempt(name).await;
        let now = island.dropped().await;
        let became = ends_of(&said, now > count);
        count = now;
        if !became.iter().any(|end| ends.contains(end)) {
            wrong.push(format!("{name}: {became:?}: {said}"));
        }
    }
    let wire = scene.wire().await;
    assert!(wrong.is_empty(), "{}\n{wire}", wrong.join(""));
    assert_eq!(wire, "", "nothing may be on the wire; as before there was");
    // The gate is there, and says the same from the agent's side.
    let mut prove = island.by_mere_agent(island.path("tollgate"));
    let proved = island.end(prove.args(["redirect", "--config", "gate.yaml", "--prove"])).await;
    assert_eq!(proved.code, Some(0), "{}{}", proved.stdout, proved.stderr);
    assert!(proved.stdout.contains("the packet was taken, and did not leave"), "{}", proved.stdout);
}

/// What may have become of a way, by what the script says and whether the rules counted. The kernel
/// says some things again a while later (groups, first packets), so a count alone may be another's.
fn ends_of(said: &str, counted: bool) -> Vec<End> {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    // The gate closes what it does not speak, and refuses what it may not lead on.
    let led = has(&["answered b''", "ConnectionResetError", "urn:tollgate", "UNRECOGNIZED_NAME"]);
    let no = [
        "PermissionError",
        "not supported",
        "not permitted",
        "denied",
        "No such device",
        "unreachable",
    ];
    let stopped = said.starts_with("stopped") && has(&no);
    let ends = [(counted, Dropped), (led, Led), (stopped, Stopped)];
    ends.into_iter().filter_map(|(is, end)| is.then_some(end)).collect()
}
