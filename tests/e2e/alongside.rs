//! `tollgate env` and `tollgate run -- COMMAND`: what a command is given, and how it ends.
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tollgate_tests::{Authority, Certificates, HttpUpstream, World, base_settings, within};

/// The gate's binary with nothing of this machine's settings but its programs.
fn tollgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tollgate_tests::binary());
    fs::write(folder.join("ca.pem"), &Certificates::shared().authority.certificate).unwrap();
    command.args(arguments).current_dir(folder).env_clear().kill_on_drop(true);
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder);
    // What the gate trusts, and what the command's bundle begins with.
    command.env("SSL_CERT_FILE", folder.join("ca.pem")).env("TMPDIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn ended(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        within("the command's end", tollgate(folder, arguments).output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort();
    names
}

fn events(record: &Path) -> Vec<Value> {
    let files = fs::read_dir(record).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("events-"))
        .collect::<Vec<_>>();
    files.sort();
    let text = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn variables_for_the_gate_that_is_configured() {
    let world = World::builder()
        .set("/listeners/0/bind", "127.0.0.1:0")
        .set(
            "/forward_proxy",
            json!({ "hosts": ["a.test"], "intercept": { "certificate": "tls/gate.pem" } }),
        )
        .start()
        .await;
    // The gate runs on some free port; the file is read as if it had been given that one.
    let mut config: Value =
        serde_json::from_str(&fs::read_to_string(world.config_path()).unwrap()).unwrap();
    config["listeners"][0]["bind"] = json!(world.plain().to_string());
    fs::write(world.path("fixed.yaml"), config.to_string()).unwrap();
    let ask = async |shell: &str| {
        let given = ["env", "--config", "fixed.yaml", "--shell", shell];
        let (code, out, err) = ended(world.dir(), &given).await;
        assert_eq!(code, Some(0), "{err}");
        assert!(err.contains("keeps no key"), "{err}");
        out
    };
    let variables: Value = serde_json::from_str(&ask("json").await).unwrap();
    let proxy = format!("http://{}", world.plain());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        assert_eq!(variables[name], proxy);
        assert_eq!(variables[name.to_lowercase()], proxy);
    }
    assert_eq!((&variables["NO_PROXY"], &variables["no_proxy"]), (&json!(""), &json!("")));
    assert_eq!(variables["NODE_USE_ENV_PROXY"], "1");
    for name in ["NODE_EXTRA_CA_CERTS", "DENO_CERT"] {
        assert_eq!(variables[name], world.path("tls/gate.pem").to_str().unwrap());
    }
    for name in [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "PIP_CERT",
        "GIT_SSL_CAINFO",
        "CARGO_HTTP_CAINFO",
        "AWS_CA_BUNDLE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "npm_config_cafile",
    ] {
        assert_eq!(variables[name], world.path("tls/gate.bundle.pem").to_str().unwrap());
    }
    let java = variables["JAVA_TOOL_OPTIONS"].as_str().unwrap();
    assert!(java.contains("-Dhttps.proxyHost=127.0.0.1 "), "{java}");
    assert!(world.path("tls/gate.bundle.p12").exists());
    let bundle = fs::read_to_string(world.path("tls/gate.bundle.pem")).unwrap();
    // The gate's authority, and what the system trusts.
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);

    // Whom the kernel leads here is told of no proxy, and trusts the same.
    let given = ["env", "--config", "fixed.yaml", "--redirected", "--shell", "json"];
    let (code, out, err) = ended(world.dir(), &given).await;
    assert_eq!(code, Some(0), "{err}");
    let redirected: Value = serde_json::from_str(&out).unwrap();
    let redirected = redirected.as_object().unwrap();
    assert!(!out.to_lowercase().contains("proxy"), "{out}");
    assert_eq!(redirected.len(), variables.as_object().unwrap().len() - 9);
    assert!(redirected.iter().all(|(name, value)| {
        name == "JAVA_TOOL_OPTIONS" || *value == variables[name.as_str()]
    }));

    // What a shell makes of it is what was meant.
    let script = format!("{}env -0", ask("sh").await);
    let shell = Command::new("sh").args(["-c", &script]).env_clear().output().await.unwrap();
    let shell = String::from_utf8(shell.stdout).unwrap();
    for (name, value) in variables.as_object().unwrap() {
        let line = format!("{name}={}", value.as_str().unwrap());
        assert!(shell.split('\0').any(|found| found == line), "{line}");
    }
    assert!(ask("fish").await.contains(&format!("set -gx https_proxy '{proxy}'\n")));
    assert!(ask("powershell").await.contains(&format!("$env:https_proxy = '{proxy}'\n")));
}

#[tokio::test]
async fn what_a_configuration_lacks_is_said_with_what_to_add() {
    let folder = TempDir::new().unwrap();
    let certificates = Certificates::shared();
    certificates.server.write(folder.path(), "server");
    let ask = async |change: &dyn Fn(&mut Value)| {
        let mut config = base_settings();
        config["listeners"][0]["bind"] = json!("127.0.0.1:8080");
        config["forward_proxy"] =
            json!({ "hosts": ["a.test"], "intercept": { "certificate": "tls/gate.pem" } });
        change(&mut config);
        fs::write(folder.path().join("t.yaml"), config.to_string()).unwrap();
        let (code, out, err) = ended(folder.path(), &["env", "-c", "t.yaml"]).await;
        assert_eq!(out, "");
        (code, err)
    };
    let (code, err) =
        ask(&|config| drop(config.as_object_mut().unwrap().remove("forward_proxy"))).await;
    assert!(code == Some(78) && err.contains("add:\n\n  forward_proxy:"), "{code:?} {err}");
    let (code, err) =
        ask(&|config| drop(config["forward_proxy"].as_object_mut().unwrap().remove("intercept")))
            .await;
    assert!(code == Some(78) && err.contains("    intercept:\n"), "{code:?} {err}");
    let (code, err) =
        ask(&|config| drop(config["listeners"].as_array_mut().unwrap().remove(0))).await;
    assert!(code == Some(78) && err.contains("type: plain"), "{code:?} {err}");
    let (code, err) = ask(&|config| config["listeners"][0]["bind"] = json!("127.0.0.1:0")).await;
    assert!(code == Some(78) && err.contains("any free port"), "{code:?} {err}");
    let (code, err) = ask(&|_| ()).await;
    assert!(code == Some(1) && err.contains("start it first"), "{code:?} {err}");
}

#[tokio::test]
async fn a_command_runs_beside_a_gate_of_its_own() {
    let folder = TempDir::new().unwrap();
    let identity = Certificates::shared().authority.server(&["localhost"]);
    let upstream = HttpUpstream::tls(&identity, true, None).await;
    let host = format!("localhost:{}", upstream.address().port());
    let script =
        format!("curl -sS https://{host}/seen; echo; curl -sS https://other.test/ 2>&1; exit 7");
    let given = [
        "run",
        "--allow",
        &host,
        "--allow-address",
        "127.0.0.0/8",
        "--allow-address",
        "::1",
        "--record",
        "kept",
        "--",
        "sh",
        "-c",
        &script,
    ];
    let (code, out, err) = ended(folder.path(), &given).await;
    assert_eq!(code, Some(7), "{out}{err}");
    assert!(out.contains("response 403"), "{out}{err}");
    assert_eq!(upstream.heard().len(), 1, "{out}{err}");
    assert_eq!(upstream.heard()[0].target, "/seen");
    // The record is all that is left.
    assert_eq!(names(folder.path()), ["ca.pem", "kept"]);
    assert!(err.contains("the record of this run: ") && err.contains("/kept"), "{err}");
    let kinds = events(&folder.path().join("kept"));
    let of = |kind: &str| kinds.iter().filter(|event| event["event_type"] == kind).count();
    assert_eq!((of("call.intent"), of("call.outcome"), of("call.refused")), (1, 1, 1));
    assert_eq!(of("gate.stop"), 1);

    // Without a place for the record it goes below the state's folder.
    let (code, ..) = ended(folder.path(), &["run", "--allow", "a.test", "--", "true"]).await;
    assert_eq!(code, Some(0));
    let runs = folder.path().join(".local/state/tollgate/runs");
    assert_eq!(names(&runs).len(), 1);
    assert_eq!(names(folder.path()), [".local", "ca.pem", "kept"]);
}

const LOOPBACK: [&str; 4] = ["--allow-address", "127.0.0.0/8", "--allow-address", "::1"];

#[tokio::test]
async fn hosts_of_a_companys_own_authority_are_reached() {
    let folder = TempDir::new().unwrap();
    let company = Authority::new("company");
    let upstream = HttpUpstream::tls(&company.server(&["localhost"]), true, None).await;
    let host = format!("localhost:{}", upstream.address().port());
    fs::write(folder.path().join("company.pem"), &company.certificate).unwrap();
    fs::write(folder.path().join("none.pem"), "no certificate").unwrap();
    let url = format!("https://{host}/seen");
    let run = async |words: &[&str]| {
        let given = [&["run", "--allow", &host, "--record", "kept"], &LOOPBACK[..]].concat();
        let command = ["--", "curl", "-sS", &url];
        ended(folder.path(), &[&given[..], words, &command].concat()).await
    };
    let (_, out, err) = run(&[]).await;
    assert!(out.contains("UPSTREAM_TLS"), "{out}{err}");
    assert_eq!(upstream.heard().len(), 0);
    let (code, out, err) = run(&["--upstream-ca", "company.pem"]).await;
    assert_eq!((code, upstream.heard().len()), (Some(0), 1), "{out}{err}");
    // The system's go on counting.
    let known = Certificates::shared().authority.server(&["localhost"]);
    let system = HttpUpstream::tls(&known, true, None).await;
    let other = format!("localhost:{}", system.address().port());
    let url = format!("https://{other}/seen");
    let given = [&["run", "--allow", &other, "--record", "kept"], &LOOPBACK[..]].concat();
    let command = ["--upstream-ca", "company.pem", "--", "curl", "-sS", &url];
    let (code, out, err) = ended(folder.path(), &[&given[..], &command].concat()).await;
    assert_eq!((code, system.heard().len()), (Some(0), 1), "{out}{err}");
    for (file, what) in [("none.pem", "it holds no certificate"), ("no.pem", "there is no file")] {
        let (code, _, err) = run(&["--upstream-ca", file]).await;
        assert!(code == Some(2) && err.contains(what) && err.contains(file), "{code:?} {err}");
    }
}

#[tokio::test]
async fn a_command_ends_as_it_ends() {
    let folder = TempDir::new().unwrap();
    let run = async |words: &[&str]| {
        let given = [&["run", "--allow", "a.test", "--record", "kept"], words].concat();
        ended(folder.path(), &given).await
    };
    for contain in [&["--"][..], &["--contain", "--"]] {
        let with = |words: &[&'static str]| [contain, words].concat();
        assert_eq!(run(&with(&["sh", "-c", "exit 0"])).await.0, Some(0));
        assert_eq!(run(&with(&["sh", "-c", "kill -9 $$"])).await.0, Some(137));
        let (code, _, err) = run(&with(&["/no/such/program"])).await;
        assert!(code == Some(127) && err.contains("/no/such/program"), "{code:?} {err}");
        let (code, _, err) = run(&with(&["/"])).await;
        assert!(code == Some(126), "{code:?} {err}");
    }
    let (code, _, err) = ended(folder.path(), &["run", "--", "true"]).await;
    assert!(code == Some(2) && err.contains("--allow HOST"), "{err}");
    let (code, _, err) =
        ended(folder.path(), &["run", "-c", "x.yaml", "--allow", "a.test", "--", "true"]).await;
    assert!(code == Some(2), "{err}");
    let (code, _, err) =
        ended(folder.path(), &["run", "--allow", "https://a.test/", "--", "true"]).await;
    assert!(code == Some(2) && err.contains("is no host"), "{err}");
    let (code, _, err) = ended(folder.path(), &["run", "-c", "x.yaml", "--", "true"]).await;
    assert!(code == Some(125) && err.contains("x.yaml"), "{err}");
}

#[tokio::test]
async fn signals_are_the_commands() {
    let folder = TempDir::new().unwrap();
    for contain in [false, true] {
        for (signal, name) in [
            (Signal::TERM, "TERM"),
            (Signal::INT, "INT"),
            (Signal::HUP, "HUP"),
            (Signal::USR1, "USR1"),
        ] {
            let script =
                format!("trap 'echo got; exit 9' {name}; echo up; while :; do sleep 0.1; done");
            let mut given = vec!["run", "--allow", "a.test", "--record", "kept"];
            given.extend(contain.then_some("--contain"));
            given.extend(["--", "sh", "-c", &script]);
            let mut child = tollgate(folder.path(), &given).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let up = within("the command", lines.next_line()).await.unwrap();
            assert_eq!(up.as_deref(), Some("up"));
            let id = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
            kill_process(id, signal).unwrap();
            let status = within("the end", child.wait()).await.unwrap();
            assert_eq!(status.code(), Some(9), "{name}, contained: {contain}");
        }
    }
}
