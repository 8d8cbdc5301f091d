//! A running gate.
use std::collections::HashMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::certificates::Certificates;
use crate::client::RawClient;
use crate::rulebook::POLICY_ALLOW;
use crate::settings::{base_settings, http_route, mcp_route};
use crate::wait::{until, within};

/// What a world is made of.
#[derive(Debug)]
pub struct Builder {
    config: Value,
    policy: String,
    files: Vec<(String, Vec<u8>)>,
    environment: Vec<(String, String)>,
}

/// A gate that did not start.
#[derive(Debug)]
pub struct NotStarted {
    /// How it ended.
    pub status: ExitStatus,
    /// What it said on standard error.
    pub stderr: String,
}

/// A gate with its directory; killed when dropped.
#[derive(Debug)]
pub struct World {
    dir: TempDir,
    config: Value,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    starts: usize,
    addresses: HashMap<String, SocketAddr>,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            let log = fs::read_to_string(self.log_path()).unwrap_or_default();
            eprintln!("the gate (ended: {ended:?}) said:\n{log}");
        }
    }
}

impl Builder {
    /// Adds a route for plain HTTP.
    #[must_use]
    pub fn route(self, name: &str, prefix: &str, url: &str) -> Self {
        self.add_route(http_route(name, prefix, url))
    }

    /// Adds a route for MCP.
    #[must_use]
    pub fn mcp(self, name: &str, prefix: &str, url: &str) -> Self {
        self.add_route(mcp_route(name, prefix, url))
    }

    /// Adds a route as it is.
    #[must_use]
    pub fn add_route(mut self, route: Value) -> Self {
        self.config["routes"].as_array_mut().unwrap().push(route);
        self
    }

    /// Puts a value at a JSON pointer of the configuration, making objects on the way.
    #[must_use]
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        put(&mut self.config, pointer, value.into());
        self
    }

    /// Replaces the rulebook.
    #[must_use]
    pub fn policy(mut self, text: impl Into<String>) -> Self {
        self.policy = text.into();
        self
    }

    /// Adds a file beside the configuration.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// Adds a variable to the gate's environment, which is empty otherwise.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the gate and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start; with everything it said.
    pub async fn start(self) -> World {
        match self.try_start().await {
            Ok(world) => world,
            Err(not) => panic!("the gate did not start ({}):\n{}", not.status, not.stderr),
        }
    }

    /// Starts the gate and waits until it is ready or has ended.
    ///
    /// # Errors
    /// When it ended by itself.
    pub async fn try_start(self) -> Result<World, NotStarted> {
        let dir = tempfile::Builder::new().prefix("tollgate-world-").tempdir().unwrap();
        let certificates = Certificates::shared();
        certificates.server.write(dir.path(), "server");
        fs::write(dir.path().join("ca.pem"), &certificates.authority.certificate).unwrap();
        for (name, content) in &self.files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let mut world = World {
            dir,
            config: self.config,
            environment: self.environment,
            child: None,
            starts: 0,
            addresses: HashMap::new(),
        };
        world.rewrite_policy(&self.policy);
        world.write_config();
        world.launch().await?;
        Ok(world)
    }
}

impl World {
    /// Begins a world with [`base_settings`] and a rulebook that allows everything.
    pub fn builder() -> Builder {
        Builder {
            config: base_settings(),
            policy: POLICY_ALLOW.to_owned(),
            files: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A gate with one plain HTTP route `/up` to `url`.
    pub async fn to(url: &str) -> Self {
        Self::builder().route("up", "/up", url).start().await
    }

    fn spawn(&mut self) {
        self.starts += 1;
        let child = Command::new(crate::binary())
            .args(["run", "--config"])
            .arg(self.config_path())
            .env_clear()
            // Only the world's own authority is trusted, whatever the machine trusts.
            .env("SSL_CERT_FILE", self.path("ca.pem"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(File::create(self.path(&format!("stdout-{}.log", self.starts))).unwrap())
            .stderr(File::create(self.log_path()).unwrap())
            .kill_on_drop(true)
            .spawn()
            .expect("the gate can be started");
        self.child = Some(child);
    }

    async fn launch(&mut self) -> Result<(), NotStarted> {
        self.spawn();
        let stderr = self.log_path();
        let named = usize::from(self.config["dns"].is_object());
        let expected = self.config["listeners"].as_array().map_or(0, Vec::len) + 1 + named;
        let ended = until("the gate to listen", async || {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return Some(Some(status));
            }
            let told = addresses(&fs::read_to_string(&stderr).unwrap());
            let all = told.len() == expected;
            // A unix socket has a file, and no address.
            let known = told.into_iter().filter_map(|(name, at)| Some((name, at.parse().ok()?)));
            self.addresses = known.collect();
            all.then_some(None)
        });
        if let Some(status) = ended.await {
            self.child = None;
            let stderr = fs::read_to_string(&stderr).unwrap();
            return Err(NotStarted { status, stderr });
        }
        until("the gate to be ready", async || {
            (self.admin("/ready").await?.0 == 200).then_some(())
        })
        .await;
        Ok(())
    }

    /// The plain listener's address.
    pub fn plain(&self) -> SocketAddr {
        self.listener("plain")
    }

    /// The TLS listener's address.
    pub fn tls(&self) -> SocketAddr {
        self.listener("tls")
    }

    /// A listener's address.
    pub fn listener(&self, name: &str) -> SocketAddr {
        *self.addresses.get(name).unwrap_or_else(|| panic!("no listener `{name}`"))
    }

    /// The admin listener's address.
    pub fn admin_address(&self) -> SocketAddr {
        self.listener("(admin)")
    }

    /// The address of the DNS server.
    pub fn dns(&self) -> SocketAddr {
        self.listener("(dns)")
    }

    /// The world's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the world's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.path("tollgate.yaml")
    }

    /// The spool's directory.
    pub fn spool(&self) -> PathBuf {
        self.path(self.config["audit"]["spool"].as_str().unwrap())
    }

    /// The gate's process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("the gate runs")
    }

    /// Changes the configuration file; nothing is reloaded by that alone but what the gate watches.
    pub fn set(&mut self, pointer: &str, value: impl Into<Value>) {
        put(&mut self.config, pointer, value.into());
        self.write_config();
    }

    fn write_config(&self) {
        // JSON is YAML, too.
        replace(
            &self.config_path(),
            serde_json::to_string_pretty(&self.config).unwrap().as_bytes(),
        );
    }

    /// Replaces the configuration file's text, whatever it is.
    pub fn rewrite_config(&self, text: &str) {
        replace(&self.config_path(), text.as_bytes());
    }

    /// Replaces the rulebook.
    pub fn rewrite_policy(&self, text: &str) {
        replace(&self.path("policy.yaml"), text.as_bytes());
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Asks for a reload and waits until it took effect or was refused; whether it took effect.
    pub async fn reload(&self) -> bool {
        let counts = async || {
            let success = self.metric("policy_reload_success_total").await;
            (success, self.metric("policy_reload_failure_total").await)
        };
        let before = counts().await;
        self.signal(Signal::HUP);
        let after = until("the reload", async || {
            let now = counts().await;
            (now != before).then_some(now)
        });
        after.await.0 > before.0
    }

    /// Asks the gate to stop, and waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Waits for the gate's end.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the gate runs");
        within("the gate's end", child.wait()).await.unwrap()
    }

    /// Kills the gate without a word.
    pub async fn kill9(&mut self) {
        let mut child = self.child.take().expect("the gate runs");
        within("the gate's end", child.kill()).await.unwrap();
    }

    /// Starts the gate again after it ended; its ports change.
    ///
    /// # Errors
    /// When it ends by itself.
    pub async fn restart(&mut self) -> Result<(), NotStarted> {
        assert!(self.child.is_none(), "the gate still runs");
        self.launch().await
    }

    /// Whether the gate was started and not stopped or killed since.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts the gate again and kills it so long after, ready or not.
    pub async fn kill9_while_starting(&mut self, after: Duration) {
        assert!(self.child.is_none(), "the gate still runs");
        self.spawn();
        tokio::time::sleep(after).await;
        self.kill9().await;
    }

    /// Asks the admin listener; status and body.
    pub async fn admin(&self, path: &str) -> Option<(u16, String)> {
        let mut client = RawClient::try_connect(self.admin_address()).await.ok()?;
        client
            .send(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"))
            .await;
        let answer = client.try_answer().await.ok()?;
        Some((answer.status, answer.text()))
    }

    /// The metrics in their text form.
    pub async fn metrics(&self) -> String {
        self.admin("/metrics").await.expect("metrics are told").1
    }

    /// One metric's value; its name with its labels as they are written. 0 when it is not there.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Every event in the spool, in order.
    pub fn events(&self) -> Vec<Value> {
        let mut segments = fs::read_dir(self.spool())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with("events-") && name.ends_with(".jsonl")
            })
            .collect::<Vec<_>>();
        segments.sort();
        let text =
            segments.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
        // The last line may be just being written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Events of one type.
    pub fn events_of(&self, event_type: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["event_type"] == event_type);
        events
    }

    /// Waits for an event.
    pub async fn wait_event(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        until(what, async || self.events().into_iter().find(|event| is_it(event))).await
    }

    /// Waits until so many calls have ended. A call's connections are put away before its end is
    /// recorded, and a moment after its client has the answer.
    pub async fn wait_outcomes(&self, count: usize) -> Vec<Value> {
        until("the calls' outcomes", async || {
            let outcomes = self.events_of("call.outcome");
            (outcomes.len() >= count).then_some(outcomes)
        })
        .await
    }

    /// What the gate said on standard error since its last start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    /// Waits until it has said something there: a thread of its own writes it.
    pub async fn says(&self, what: &str) {
        until(what, async || self.log().contains(what).then_some(())).await;
    }

    fn log_path(&self) -> PathBuf {
        self.path(&format!("stderr-{}.log", self.starts))
    }

    /// All that the gate ever wrote: its spool and its logs, of all its starts. For looking whether
    /// something is nowhere.
    pub fn everything_written(&self) -> Vec<u8> {
        let mut all = Vec::new();
        gather(&self.spool(), &mut all);
        for start in 1..=self.starts {
            for stream in ["stdout", "stderr"] {
                all.extend(fs::read(self.path(&format!("{stream}-{start}.log"))).unwrap());
            }
        }
        all
    }
}

fn gather(dir: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, all);
        } else {
            all.extend(fs::read(path).unwrap_or_default());
        }
    }
}

/// A file is whole at any time, since the gate watches it.
fn replace(path: &Path, content: &[u8]) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, content).unwrap();
    fs::rename(&temporary, path).unwrap();
}

fn put(config: &mut Value, pointer: &str, value: Value) {
    let mut at = config;
    for step in pointer.split('/').skip(1) {
        if at.is_null() {
            *at = json!({});
        }
        at = match at {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => &mut other[step],
        };
    }
    *at = value;
}

/// The addresses and files that the gate's log tells.
fn addresses(log: &str) -> HashMap<String, String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines.filter_map(|line| {
        let name = match line["message"].as_str()? {
            "listening" => line["listener"].as_str()?.to_owned(),
            "answering DNS" => "(dns)".to_owned(),
            "admin listening" => "(admin)".to_owned(),
            _ => return None,
        };
        let at = line["address"].as_str().or_else(|| line["file"].as_str())?;
        Some((name, at.to_owned()))
    });
    told.collect()
}
