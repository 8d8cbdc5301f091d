//! A network and a table of hosts of its own, in which a test has a gate, its upstreams and its agent.
use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant, sleep, timeout};

use tollgate_tests::DnsServer;

use crate::gate::binary;
use crate::peer::{self, DEADLINE, Ended};

/// A gate's configuration in such a network: `listeners` are its ways in, and one host is allowed.
pub(crate) fn settings(listeners: &Value) -> Value {
    json!({
        "version": 1,
        "listeners": listeners,
        "agents": [{ "id": "coder", "trust": "basic" }],
        "forward_proxy": {
            "hosts": ["tools.test"],
            "allow_addresses": ["127.0.0.0/8"],
            "tls": { "ca": "up-ca.pem" },
            "intercept": { "certificate": "pub/ca.pem" },
        },
        "resolver": { "servers": [DNS] },
        "policy": { "bundle": "policy.yaml" },
        "audit": { "spool": "spool", "durability": "process" },
        "admin": { "bind": "127.0.0.1:19901" },
    })
}

/// The agent's user, which is nobody's.
pub(crate) const AGENT_UID: u32 = 65534;

/// Where its DNS server listens, which is not the agent's.
pub(crate) const DNS: &str = "127.0.0.153:53";

/// It is gone with the process that holds it.
pub(crate) struct Island {
    /// What the gate learns of names.
    pub(crate) dns: DnsServer,
    holder: Child,
    dir: TempDir,
}

impl Island {
    /// Makes it, with names for everybody in it; `more` is shell for whatever else it has.
    pub(crate) async fn make(hosts: &[(&str, &str)], more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        // The agent's user reads what is here, and writes where it is at home.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let home = fs::Permissions::from_mode(0o777);
        fs::set_permissions(dir.path().join("home"), home).unwrap();
        let names = hosts.iter().map(|(name, address)| format!("{address} {name}\n"));
        let table = ["127.0.0.1 localhost\n".to_owned()].into_iter().chain(names);
        fs::write(dir.path().join("hosts"), table.collect::<String>()).unwrap();
        fs::write(dir.path().join("resolv.conf"), "nameserver 127.0.0.153\n").unwrap();
        let script = format!(
            "set -e\nmount --bind hosts /etc/hosts\nmount --bind resolv.conf /etc/resolv.conf\n\
             ip link set lo up\n{more}\necho ready\nexec sleep 900"
        );
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c", &script])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("`unshare` starts");
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a network in time").unwrap();
        assert_eq!(line.as_deref(), Some("ready"), "no network of its own; it needs root");
        let socket = inside(&holder, || std::net::UdpSocket::bind(DNS).unwrap());
        socket.set_nonblocking(true).unwrap();
        let dns = DnsServer::on(tokio::net::UdpSocket::from_std(socket).unwrap());
        for (name, address) in hosts {
            dns.say(name, &[address]);
        }
        Self { dns, holder, dir }
    }

    /// Its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A program in it, with nothing of this machine's settings but its programs.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        self.entered(&[], program.as_ref())
    }

    /// The same, by the agent's user. It may read every file, for what is installed may lie where
    /// only this test's user looks; and it has no other right that it did not have.
    pub(crate) fn by_agent(&self, program: impl AsRef<Path>) -> Command {
        let id = AGENT_UID.to_string();
        let reads = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"];
        let words = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"];
        self.entered(&[&words[..], &reads].concat(), program.as_ref())
    }

    /// The same, by the agent's user without any right.
    pub(crate) fn by_mere_agent(&self, program: impl AsRef<Path>) -> Command {
        let id = AGENT_UID.to_string();
        let words = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"];
        let none = ["--inh-caps", "-all", "--bounding-set", "-all"];
        self.entered(&[&words[..], &none].concat(), program.as_ref())
    }

    fn entered(&self, before: &[&str], program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.holder.id().expect("the network is there").to_string();
        command.args(["--target", &holder, "--net", "--mount", "--", "env", "--chdir"]);
        command.arg(self.dir.path()).args(before).arg(program).env_clear();
        let node = peer::node();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", folder(&node));
        let home = self.path("home");
        command.env("PATH", path).env("HOME", &home).env("TMPDIR", &home).env("LANG", "C.UTF-8");
        command
    }

    /// Starts the gate of `gate.yaml`, and waits until it is ready.
    pub(crate) async fn gate(&self, admin: &str) -> Child {
        let log = fs::File::create(self.path("gate.log")).unwrap();
        let mut gate = self.command(binary());
        gate.args(["run", "--config", "gate.yaml"]).kill_on_drop(true).stdin(Stdio::null());
        let child = gate.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let ready = format!(
            "for _ in $(seq 300); do {} probe ready --admin {admin} >/dev/null 2>&1 && exit 0; \
             sleep 0.1; done; exit 1",
            binary().display()
        );
        let ended = self.end(self.command("sh").args(["-c", &ready])).await;
        assert_eq!(ended.code, Some(0), "the gate is not ready:\n{}", self.read("gate.log"));
        child
    }

    /// Starts a program and waits for its first line.
    pub(crate) async fn start(&self, command: &mut Command) -> Child {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a line in time").unwrap();
        assert!(line.is_some(), "it ended before it listened");
        // Whatever it says later must not fill the pipe and stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        child
    }

    /// A network at the other end of a wire, whose device goes there; `script` waits for a line, and
    /// says one when it is ready.
    pub(crate) async fn other_end(&self, device: &str, script: &str) -> Child {
        let mut outside = Command::new("unshare");
        outside.args(["--net", "sh", "-c", script]).kill_on_drop(true);
        let mut outside = outside.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let id = outside.id().unwrap().to_string();
        // Until the shell is in its network, the device would only come back to this one.
        let moved = tollgate_tests::until("the other network", async || {
            let network = |id: &str| fs::read_link(format!("/proc/{id}/ns/net")).ok();
            (network(&id)? != network("self")?).then_some(())
        });
        moved.await;
        let mut command = self.command("ip");
        let ended = self.end(command.args(["link", "set", device, "netns", &id])).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        outside.stdin.take().unwrap().write_all(b"\n").await.unwrap();
        let mut lines = BufReader::new(outside.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a line in time").unwrap();
        assert!(line.is_some(), "the other end is not ready");
        outside
    }

    /// Runs a program to its end.
    pub(crate) async fn end(&self, command: &mut Command) -> Ended {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = command.kill_on_drop(true).spawn().unwrap().wait_with_output();
        let output = timeout(DEADLINE * 3, running).await.expect("it ends in time").unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `tollgate redirect` in it, as root.
    pub(crate) async fn redirect(&self, words: &[&str]) -> Ended {
        let mut command = self.command(binary());
        self.end(command.args(["redirect", "--config", "gate.yaml"]).args(words)).await
    }

    /// How many packets the rules dropped.
    pub(crate) async fn dropped(&self) -> u64 {
        let words = ["list", "counter", "inet", "tollgate", "dropped"];
        let ended = self.end(self.command("nft").args(words)).await;
        let after = ended.stdout.split("packets ").nth(1).expect(&ended.stderr);
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What the gate recorded, a line for each event, once it is `settled`: who was refused may
    /// read that before the refusal is on the disk. What never settles is returned as it is.
    pub(crate) async fn record(&self, settled: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let record = self.read("spool/events-000000000001.jsonl");
            if settled(&record) || Instant::now() > until {
                return record;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What `make` makes in that network, such as a socket, which stays there wherever it is used.
fn inside<T: Send + 'static>(holder: &Child, make: fn() -> T) -> T {
    let network = fs::File::open(format!("/proc/{}/ns/net", holder.id().unwrap())).unwrap();
    // A thread of its own, since a thread that went in does not come back.
    let made = std::thread::spawn(move || {
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(network.as_fd(), kind).expect("the network is entered");
        make()
    });
    made.join().unwrap()
}

fn folder(path: &Path) -> String {
    path.parent().unwrap().display().to_string()
}
