//! The record in a table of a real PostgreSQL, seen by its own `psql`.
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tollgate_tests::{Certificates, Upstream, World, until};

use crate::peer;
use crate::record::{builder, call, lag, logged, no_lag, verify};
use crate::servers::{Server, free_port};

const PASSWORD: &str = "password-of-the-gate-41fe";

/// The server's programs; Debian keeps each version apart.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("postgresql: run `make peers`");
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.unwrap().path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect("no `initdb`: run `make peers`")
}

/// What comes before a command so that it does not run as root, whom PostgreSQL refuses.
fn unprivileged() -> Vec<String> {
    match rustix::process::geteuid().is_root() {
        false => Vec::new(),
        true => ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            .map(str::to_owned)
            .to_vec(),
    }
}

/// PostgreSQL with TLS and a role for the gate.
struct Database {
    dir: TempDir,
    server: Server,
}

impl Database {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::shared();
        certificates.server.write(dir.path(), "server");
        std::fs::write(dir.path().join("ca.pem"), &certificates.authority.certificate).unwrap();
        std::fs::write(dir.path().join("server.log"), "").unwrap();
        give_away(&dir);
        let data = dir.path().join("data").to_str().unwrap().to_owned();
        let made = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"];
        run("initdb", &[made.as_slice(), &[&data]].concat()).await;
        let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(dir.path().join("data/pg_hba.conf"), hba).unwrap();
        let port = free_port();
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", dir.path().display()),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", dir.path().join("server.pem").display()),
            format!("ssl_key_file={}", dir.path().join("server.key").display()),
        ];
        let mut command = unprivileged();
        command.push(programs().join("postgres").to_str().unwrap().to_owned());
        command.extend(["-D".to_owned(), data]);
        command.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let server = Server::start(&words, port, &dir.path().join("server.log")).await;
        let database = Self { dir, server };
        let role = format!("CREATE ROLE tollgate LOGIN PASSWORD '{PASSWORD}'");
        database.sql_in("postgres", &role).await;
        database.sql_in("postgres", "CREATE DATABASE audit OWNER tollgate").await;
        database
    }

    /// What `psql` says to a statement; a column's value a line.
    async fn sql(&self, statement: &str) -> String {
        self.sql_in("audit", statement).await
    }

    async fn sql_in(&self, database: &str, statement: &str) -> String {
        let (socket, port) = (self.dir.path().to_str().unwrap(), self.server.port.to_string());
        let connection = ["-h", socket, "-p", &port, "-U", "postgres", "-d", database];
        let manner = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement];
        // A server that was just started listens before it lets anybody in.
        let said = until("the server to let somebody in", async || {
            match try_run("psql", &[connection.as_slice(), &manner].concat()).await {
                Err(why) if why.contains("connection to server") => None,
                said => Some(said),
            }
        });
        said.await.unwrap()
    }

    fn url(&self) -> String {
        format!("postgresql://tollgate@localhost:{}/audit", self.server.port)
    }

    /// `audit verify --from postgres` of a table: its exit code and what it said.
    async fn verify(&self, world: &World, table: &str) -> (Option<i32>, String) {
        let (signers, ca) = (world.spool().join("signers.json"), world.path("ca.pem"));
        let arguments = [
            "--from",
            "postgres",
            &self.url(),
            "--table",
            table,
            "--password-env",
            "DB_PASSWORD",
            "--ca",
            ca.to_str().unwrap(),
            "--signers",
            signers.to_str().unwrap(),
        ];
        verify(&arguments, &[("DB_PASSWORD", PASSWORD)]).await
    }

    async fn gate(&self, upstream: &Upstream) -> World {
        let sink = json!({
            "type": "postgres", "name": "rows", "host": "localhost", "port": self.server.port,
            "database": "audit", "user": "tollgate", "password": { "file": "password" },
            "tls": { "ca": "ca.pem" }, "batch_events": 16,
        });
        builder(upstream, sink).file("password", format!("{PASSWORD}\n")).start().await
    }
}

/// Makes everything in a directory the server's own.
fn give_away(dir: &TempDir) {
    for name in ["server.key", "server.pem", "ca.pem", "server.log"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(dir.path().join(name), mode).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        let owned = std::process::Command::new("chown")
            .args(["-R", "postgres:postgres"])
            .arg(dir.path())
            .status();
        assert!(owned.unwrap().success());
    }
}

async fn run(program: &str, arguments: &[&str]) -> String {
    try_run(program, arguments).await.unwrap()
}

async fn try_run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut words = unprivileged();
    words.push(programs().join(program).to_str().unwrap().to_owned());
    words.extend(arguments.iter().map(|word| (*word).to_owned()));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir("/");
    let ended = peer::run(&mut command, peer::DEADLINE).await;
    match ended.code {
        Some(0) => Ok(ended.stdout.trim_end().to_owned()),
        _ => Err(format!("{program} {arguments:?}: {}{}", ended.stdout, ended.stderr)),
    }
}

#[tokio::test]
async fn each_row_once_and_in_order_whoever_is_killed() {
    let (upstream, mut database) = (Upstream::start().await, Database::start().await);
    let mut world = database.gate(&upstream).await;
    for _ in 0..2 {
        call(&world, 20).await;
        database.server.kill9().await;
        call(&world, 20).await;
        database.server.up().await;
        call(&world, 20).await;
        world.kill9().await;
        world.restart().await.unwrap();
    }
    no_lag(&world, "rows").await;
    assert!(!String::from_utf8_lossy(&world.everything_written()).contains(PASSWORD));
    assert!(world.stop().await.success());
    let kept = world.events();
    let hashes: Vec<&str> = kept.iter().map(|event| event["hash"].as_str().unwrap()).collect();
    // The columns that an outside verifier reads, in the order of its times.
    let rows = database.sql("SELECT hash FROM audit_events ORDER BY created_at").await;
    assert_eq!(rows.lines().collect::<Vec<_>>(), hashes);
    let columns = "SELECT string_agg(column_name || ' ' || data_type, ',' ORDER BY \
        ordinal_position) FROM information_schema.columns WHERE table_name = 'audit_events'";
    assert_eq!(
        database.sql(columns).await,
        "id uuid,actor_id text,event_type text,payload jsonb,prev_hash text,hash text,\
         signature text,signer_kid text,signer_id text,manifest_signature_id text,\
         metadata jsonb,ts timestamp with time zone,created_at timestamp with time zone"
    );
    // JSONB keeps neither order nor spelling; what is hashed survives it all the same.
    let payloads = database.sql("SELECT payload FROM audit_events ORDER BY ts").await;
    for (payload, event) in payloads.lines().zip(&kept) {
        assert_eq!(serde_json::from_str::<Value>(payload).unwrap(), event["payload"]);
    }
    let (code, said) = database.verify(&world, "audit_events").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("{} events", kept.len())), "{said}");
    // A cursor that is lost sends everything again, and nothing is there twice.
    std::fs::remove_file(world.spool().join("cursor-rows.json")).unwrap();
    world.restart().await.unwrap();
    call(&world, 5).await;
    no_lag(&world, "rows").await;
    assert!(world.stop().await.success());
    let count = database.sql("SELECT count(*) FROM audit_events").await;
    assert_eq!(count, world.events().len().to_string());
    assert_eq!(database.verify(&world, "public.audit_events").await.0, Some(0));
}

#[tokio::test]
async fn a_row_that_was_changed_is_found() {
    let (upstream, database) = (Upstream::start().await, Database::start().await);
    let mut world = database.gate(&upstream).await;
    call(&world, 10).await;
    no_lag(&world, "rows").await;
    assert!(world.stop().await.success());
    let one = "(metadata->>'seq') = '7'";
    for change in [
        format!("UPDATE t SET payload = jsonb_set(payload, '{{data,path}}', '\"/x\"') WHERE {one}"),
        format!("UPDATE t SET payload = payload || '{{\"more\": 1}}' WHERE {one}"),
        format!("UPDATE t SET actor_id = 'somebody' WHERE {one}"),
        format!("UPDATE t SET event_type = 'call.refused' WHERE {one}"),
        format!("UPDATE t SET ts = ts + interval '1 microsecond' WHERE {one}"),
        format!("UPDATE t SET created_at = created_at + interval '1 microsecond' WHERE {one}"),
        format!("UPDATE t SET prev_hash = hash WHERE {one}"),
        format!("UPDATE t SET signature = (SELECT signature FROM t LIMIT 1) WHERE {one}"),
        format!("UPDATE t SET signer_kid = 'other' WHERE {one}"),
        format!("UPDATE t SET signer_id = 'other' WHERE {one}"),
        format!("UPDATE t SET manifest_signature_id = 'other' WHERE {one}"),
        format!("UPDATE t SET id = gen_random_uuid() WHERE {one}"),
        format!("UPDATE t SET metadata = '{{\"seq\": 900}}' WHERE {one}"),
        format!("UPDATE t SET metadata = '{{}}' WHERE {one}"),
        format!("INSERT INTO t SELECT * FROM t WHERE {one}"),
        format!("DELETE FROM t WHERE {one}"),
        "DELETE FROM t WHERE prev_hash IS NULL".to_owned(),
    ] {
        let table = "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT * FROM audit_events; \
                     GRANT SELECT ON t TO tollgate";
        database.sql(table).await;
        assert_eq!(database.verify(&world, "t").await.0, Some(0), "before {change}");
        database.sql(&change).await;
        let (code, said) = database.verify(&world, "t").await;
        assert_eq!(code, Some(1), "{change}: {said}");
    }
    // A password never stands on a command line.
    let url = database.url().replace("tollgate@", &format!("tollgate:{PASSWORD}@"));
    let (code, said) = verify(&["--from", "postgres", &url, "--signers", "x"], &[]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[tokio::test]
async fn what_the_database_has_otherwise_is_not_written_over() {
    let (upstream, database) = (Upstream::start().await, Database::start().await);
    let mut world = database.gate(&upstream).await;
    call(&world, 20).await;
    no_lag(&world, "rows").await;
    // Rows that the database lost, as by an older backup, are sent again.
    database.sql("DELETE FROM audit_events WHERE (metadata->>'seq')::bigint >= 12").await;
    call(&world, 5).await;
    logged(&world, "lacks those up to").await;
    no_lag(&world, "rows").await;
    let (code, said) = database.verify(&world, "audit_events").await;
    assert_eq!(code, Some(0), "{said}");
    // So is all of them, when there is none left.
    database.sql("TRUNCATE audit_events").await;
    call(&world, 5).await;
    logged(&world, "it has no event before").await;
    no_lag(&world, "rows").await;
    let (code, said) = database.verify(&world, "audit_events").await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(database.verify(&world, "no_such_table").await.0, Some(2));
    // Another row under an event's id is neither written over nor taken for it.
    world.kill9().await;
    std::fs::remove_file(world.spool().join("cursor-rows.json")).unwrap();
    let changed = "UPDATE audit_events SET actor_id = 'somebody' WHERE metadata->>'seq' = '7'";
    database.sql(changed).await;
    world.restart().await.unwrap();
    call(&world, 5).await;
    logged(&world, "not what the record has under their id").await;
    assert!(lag(&world, "rows").await >= 10.0);
    let actor = "SELECT actor_id FROM audit_events WHERE metadata->>'seq' = '7'";
    assert_eq!(database.sql(actor).await, "somebody");
}

#[tokio::test]
async fn who_cannot_prove_to_be_the_database_gets_nothing() {
    let (upstream, database) = (Upstream::start().await, Database::start().await);
    let mut world = database.gate(&upstream).await;
    call(&world, 2).await;
    no_lag(&world, "rows").await;
    let stranger = tollgate_tests::Authority::new("stranger");
    std::fs::write(world.path("stranger.pem"), &stranger.certificate).unwrap();
    for (setting, value) in [
        ("/audit/sinks/0/tls/ca", "stranger.pem"),
        // The certificate is for `localhost` and not for this name.
        ("/audit/sinks/0/host", "localhost.localdomain"),
    ] {
        let before = database.sql("SELECT count(*) FROM audit_events").await;
        assert!(world.stop().await.success());
        world.set(setting, value);
        world.restart().await.unwrap();
        call(&world, 2).await;
        logged(&world, "a delivery failed").await;
        // What the stop still delivered is there; nothing after it.
        let stopped = database.sql("SELECT count(*) FROM audit_events").await;
        assert!(stopped.parse::<u64>().unwrap() - before.parse::<u64>().unwrap() <= 3);
        assert!(lag(&world, "rows").await >= 2.0);
        world.set("/audit/sinks/0/tls/ca", "ca.pem");
    }
}
