//! An agent's user whose connections the kernel leads to the gate, in a network of its own.
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tollgate_tests::{Certificates, POLICY_ALLOW, binary};

const SETTINGS: &str = r#"
version: 1
listeners:
  - { type: transparent, name: led, bind: 127.0.0.1:15001, agent: coder }
agents: [{ id: coder, trust: basic }]
forward_proxy:
  hosts: [localhost, 127.0.0.1]
  ports: [18443, 18081]
  allow_addresses: [127.0.0.0/8, "::1"]
  tls: { ca: up-ca.pem }
  intercept: { certificate: pub/ca.pem }
policy: { bundle: policy.yaml }
audit: { spool: spool, durability: process }
admin: { bind: 127.0.0.1:19901 }
"#;

#[test]
fn nothing_of_a_redirected_user_gets_around() {
    let dir = tempfile::tempdir().unwrap();
    // The agent's user reads what it is to trust, and the settings that tell it what to try.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(dir.path().join("pub")).unwrap();
    let authority = &Certificates::shared().authority;
    let server = authority.server(&["localhost", "127.0.0.1"]);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("gate.yaml", SETTINGS);
    write("policy.yaml", POLICY_ALLOW);
    write("up-ca.pem", &authority.certificate);
    write("up.pem", &server.certificate);
    write("up.key", &server.key);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/redirect.sh");
    let done = Command::new("unshare")
        .args(["-n", "bash"])
        .arg(script)
        .arg(binary())
        .current_dir(dir.path())
        .output()
        .expect("`unshare` runs; it needs root");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let said: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(": ")).collect();
    let errors = String::from_utf8_lossy(&done.stderr);
    let say =
        |name: &str| said.get(name).copied().unwrap_or_else(|| panic!("{name}:\n{text}\n{errors}"));

    assert_eq!((say("root"), say("nobody")), ("exit 2", "exit 2"));
    assert_eq!((say("apply"), say("again")), ("exit 0", "exit 0"), "{errors}");
    // What was open before the rules is closed by them.
    assert_eq!((say("before"), say("after")), ("exit 3", "exit 0"));
    let tried = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (before, after) = (tried("before.txt"), tried("after.txt"));
    for way in [
        "UDP to 192.0.2.1",
        "QUIC to 192.0.2.1",
        "DNS over UDP to [2001:db8::1]",
        "the admin listener",
    ] {
        let is_out =
            |text: &str| text.lines().any(|line| line.starts_with("OUT") && line.contains(way));
        assert!(is_out(&before) && !is_out(&after), "{way}:\n{before}\n{after}");
    }
    assert!(!after.contains("OUT"), "{after}");

    // What is led goes through the gate, and comes back inspected.
    let led = "{\"card\":\"[REDACTED:PAN]\",\"path\":\"/led\"}";
    assert_eq!((say("tls"), say("cleartext"), say("http2")), (led, led, "2"));
    assert!(say("foreign-host").contains("HOST_NOT_ALLOWED"), "{}", say("foreign-host"));
    for refused in ["unlisted-name", "no-name", "other-authority", "v6", "straight"] {
        assert!(say(refused).starts_with("curl:") || !say(refused).contains("card"), "{refused}");
    }
    // Nobody else is led.
    assert!(say("operator").contains("4111"), "{}", say("operator"));
    let dropped = say("dropped").strip_prefix("packets ").and_then(|count| count.parse().ok());
    assert!(dropped.is_some_and(|count: u64| count > 0), "{}", say("dropped"));
    assert_eq!((say("undo"), say("left"), say("stopped")), ("exit 0", "0", "exit 0"));

    let record =
        std::fs::read_to_string(dir.path().join("spool/events-000000000001.jsonl")).unwrap();
    assert!(record.contains("\"coder\"") && record.contains("HOST_NOT_ALLOWED"));
    assert!(record.contains("UNREAD_REFUSED") && record.contains("EGRESS_BLOCKED"));
    assert!(!record.contains("4111"));
}
