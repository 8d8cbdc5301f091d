//! Agents that are led by their control group, over IPv6.
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tokio::process::Child;
use tollgate_tests::{Certificates, POLICY_ALLOW};

use crate::island::{self, AGENT_UID, Island};
use crate::peer;

/// Where `nft` looks for control groups, whatever this machine has there: every kernel since 4.5
/// has a second version of them, also when a system does not use it.
const GROUPS: &str = "mount -t cgroup2 none /sys/fs/cgroup
ip -6 addr add fd00::2/128 dev lo nodad";

struct Scene {
    island: Island,
    /// The agent's control group, by its path below the root.
    group: String,
    _running: [Child; 2],
}

impl Scene {
    async fn open() -> Self {
        // What keeps this from being skipped where it cannot be tried: the test fails, and says why.
        let kinds = fs::read_to_string("/proc/filesystems").unwrap();
        assert!(kinds.contains("cgroup2"), "this kernel has no control groups of version 2");
        let island = Island::make(&[("tools.test", "fd00::2"), ("four.test", "127.0.0.2")], GROUPS);
        let island = island.await;
        fs::create_dir(island.path("pub")).unwrap();
        let authority = &Certificates::shared().authority;
        let server = authority.server(&["tools.test", "four.test"]);
        let mut settings = island::settings(&json!([
            { "type": "transparent", "name": "led", "bind": "[::1]:15001", "agent": "coder" },
        ]));
        settings["forward_proxy"]["hosts"] = json!(["tools.test", "four.test"]);
        settings["forward_proxy"]["allow_addresses"] = json!(["127.0.0.0/8", "fd00::/8"]);
        island.write("gate.yaml", &settings.to_string());
        island.write("policy.yaml", POLICY_ALLOW);
        island.write("up-ca.pem", &authority.certificate);
        island.write("up.pem", &server.certificate);
        island.write("up.key", &server.key);
        let mut server = island.command("python3");
        server.arg(peer::root().join("tests/peers/roads/server.py"));
        server.args([
            "up.pem",
            "up.key",
            "seen.txt",
            "[fd00::2]:443",
            "[fd00::2]:8443",
            "127.0.0.2:443",
        ]);
        let server = island.start(&mut server).await;
        let gate = island.gate("127.0.0.1:19901").await;
        let group = format!("tollgate-test-{}/agent", std::process::id());
        let made = island.end(island.command("mkdir").arg("-p").arg(at(&group))).await;
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        Self { island, group, _running: [server, gate] }
    }

    /// A user asks for a URL, in the agent's group or outside it.
    async fn ask(&self, user: u32, in_group: bool, words: &[&str]) -> String {
        let join = "echo $$ >\"$1/cgroup.procs\"";
        let script = format!(
            "set -e\n{}\nuser=$2\nshift 2\nexec setpriv --reuid \"$user\" --clear-groups curl \
             --disable -sS --max-time 20 \"$@\" 2>&1",
            if in_group { join } else { "" }
        );
        let mut shell = self.island.command("sh");
        shell.args(["-c", &script, "sh"]).arg(at(&self.group)).arg(user.to_string()).args(words);
        self.island.end(&mut shell).await.stdout
    }

    async fn redirect(&self, words: &[&str]) {
        let ended = self.island.redirect(words).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    }

    async fn rules(&self) -> String {
        let words = ["--stateless", "list", "ruleset"];
        let ended = self.island.end(self.island.command("nft").args(words)).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    }
}

fn at(group: &str) -> PathBuf {
    PathBuf::from("/sys/fs/cgroup").join(group)
}

/// The groups outlive the mount that they were made in.
impl Drop for Scene {
    fn drop(&mut self) {
        let group = self.group.clone();
        let script = format!(
            "mount -t cgroup2 none /sys/fs/cgroup && rmdir /sys/fs/cgroup/{group} \
             /sys/fs/cgroup/{}",
            group.split('/').next().unwrap()
        );
        let _ = std::process::Command::new("unshare").args(["-m", "sh", "-c", &script]).status();
    }
}

#[tokio::test]
async fn a_control_group_is_led_over_ipv6_and_nobody_else_is() {
    let scene = Scene::open().await;
    let gates = ["--cacert", "pub/ca.pem"];
    let own = ["--cacert", "up-ca.pem"];
    let url = "https://tools.test";

    // The same rules, however often; both kinds of agent.
    let user = AGENT_UID.to_string();
    let both = ["--cgroup", &scene.group, "--user", &user];
    scene.redirect(&[&both[..], &["--apply"]].concat()).await;
    let rules = scene.rules().await;
    assert!(rules.contains("socket cgroupv2 level 2") && rules.contains(&format!("skuid {user}")));
    scene.redirect(&[&both[..], &["--apply"]].concat()).await;
    assert_eq!(scene.rules().await, rules);
    // The next wish takes the last one's place.
    scene.redirect(&["--cgroup", &scene.group, "--apply"]).await;
    assert!(!scene.rules().await.contains("skuid"), "{}", scene.rules().await);

    // Whoever is in the group is led, root's programs too; whoever is not, is not.
    for (user, who) in [(AGENT_UID, "nobody"), (AGENT_UID - 1, "other"), (0, "root")] {
        let said =
            scene.ask(user, true, &[&gates[..], &[&format!("{url}/led-{who}")]].concat()).await;
        assert_eq!(said, "{\"made\":\"it\"}", "{user}");
        let said =
            scene.ask(user, false, &[&own[..], &[&format!("{url}/not-{who}")]].concat()).await;
        assert_eq!(said, "{\"made\": \"it\"}", "{user}");
    }
    // Where it was going is the kernel's word: the port counts, and the address is recorded.
    let said = scene.ask(AGENT_UID, true, &["-k", "https://tools.test:8443/port"]).await;
    assert!(said.contains("unrecognized name"), "{said}");
    let said = scene.ask(AGENT_UID, true, &["-g", "http://[fd00::2]/literal"]).await;
    assert!(said.contains("HOST_NOT_ALLOWED"), "{said}");
    let lines: [&[&str]; 3] = [
        &["call.intent", "/led-other", "\"original_address\":\"fd00::\"", "\"coder\""],
        &["PORT_NOT_ALLOWED", "tools.test", "8443"],
        &["HOST_NOT_ALLOWED", "\"original_address\":\"fd00::\""],
    ];
    let lacks = |record: &str| {
        let has = |parts: &&&[&str]| {
            record.lines().any(|line| parts.iter().all(|part| line.contains(part)))
        };
        lines.iter().find(|parts| !has(parts)).copied()
    };
    let record = scene.island.record(|record| lacks(record).is_none()).await;
    assert_eq!(lacks(&record), None, "{record}");
    assert!(!record.contains("/not-"));

    // There is no listener for IPv4, so what goes that way is dropped and counted.
    let before = scene.island.dropped().await;
    let said = scene.ask(AGENT_UID, true, &["-k", "--max-time", "2", "https://four.test/"]).await;
    assert!(said.contains("curl:"), "{said}");
    assert!(scene.island.dropped().await > before);

    // A group that was made anew is another one to the kernel, until the rules are loaded again.
    for step in ["rmdir", "mkdir"] {
        let ended = scene.island.end(scene.island.command(step).arg(at(&scene.group))).await;
        assert_eq!(ended.code, Some(0), "{step}: {}", ended.stderr);
    }
    let said = scene.ask(AGENT_UID, true, &[&own[..], &[&format!("{url}/anew")]].concat()).await;
    assert_eq!(said, "{\"made\": \"it\"}");
    scene.redirect(&["--cgroup", &scene.group, "--apply"]).await;
    let said = scene.ask(AGENT_UID, true, &[&gates[..], &[&format!("{url}/again")]].concat()).await;
    assert_eq!(said, "{\"made\":\"it\"}");

    // Undone as often as one likes, everybody goes straight.
    for _ in 0..2 {
        scene.redirect(&["--undo"]).await;
        assert_eq!(scene.rules().await, "");
    }
    let said = scene.ask(AGENT_UID, true, &[&own[..], &[&format!("{url}/free")]].concat()).await;
    assert_eq!(said, "{\"made\": \"it\"}");
    let seen = scene.island.read("seen.txt");
    for path in ["/led-root", "/led-nobody", "/not-root", "/free"] {
        assert!(seen.lines().any(|line| line == path), "{path}: {seen}");
    }
    assert!(!seen.contains("/port") && !seen.contains("/literal"), "{seen}");
}
