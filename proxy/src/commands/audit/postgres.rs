//! A table in PostgreSQL, read row by row as the lines that its events had.
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, Row};
use tollgate_audit::{canonical, read_json};
use zeroize::Zeroizing;

use super::source::{Place, Source};
use crate::ledger::postgres::{Session, Table, told};
use crate::ledger::tls::connector;

/// Rows that are held at once.
const PAGE_ROWS: u32 = 1_000;

/// Where the table is, beside its URL.
#[derive(clap::Args, Debug, Default)]
pub struct PostgresArgs {
    /// For `--from postgres`: the table, with its schema where it is not `public`.
    #[arg(long, value_name = "[SCHEMA.]TABLE", default_value = "audit_events")]
    pub table: String,
    /// The file that holds the role's password.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds it.
    #[arg(long, value_name = "NAME")]
    pub password_env: Option<String>,
}

/// Rows of one snapshot of the table, whatever is written meanwhile, in the chain's order.
pub(super) struct Rows {
    runtime: Runtime,
    session: Session,
    table: Arc<str>,
    page: VecDeque<String>,
    number: u64,
    bytes: u64,
}

impl Rows {
    /// Logs in and opens the snapshot. `url` is `postgresql://USER@HOST:PORT/DATABASE`; TLS is
    /// needed and the name verified, but with `?sslmode=disable` or through a socket on this
    /// machine.
    pub(super) fn open(url: &Path, args: &PostgresArgs, ca: Option<&Path>) -> Result<Self, String> {
        let url = url.to_str().ok_or("the URL is not UTF-8")?;
        let (config, tls) = set_up(url, args, ca)?;
        let (schema, name) = args.table.split_once('.').unwrap_or(("public", &args.table));
        let table = Table::new(schema, name)
            .ok_or("`--table` is lower-case letters, digits and `_`, with one dot at most")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| e.to_string())?;
        let session = runtime.block_on(async {
            let session = Session::open(config, tls.as_ref()).await?;
            // A table without the index of its numbers is sorted first, which may take its time.
            let begin = format!(
                "SET statement_timeout = '1h'; \
                 BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                 DECLARE rows NO SCROLL CURSOR FOR {}",
                table.reading()
            );
            session.client.batch_execute(&begin).await.map_err(told)?;
            Ok::<_, String>(session)
        })?;
        let table = Arc::from(args.table.as_str());
        Ok(Self { runtime, session, table, page: VecDeque::new(), number: 0, bytes: 0 })
    }

    fn fetch(&mut self) -> Result<(), String> {
        let fetch = format!("FETCH {PAGE_ROWS} FROM rows");
        let rows = self.runtime.block_on(self.session.client.query(&fetch, &[])).map_err(told)?;
        for (row, number) in rows.iter().zip(self.number + 1..) {
            let line = line(row).map_err(|e| format!("row {number}: {e}"))?;
            self.page.push_back(line);
        }
        Ok(())
    }
}

impl Source for Rows {
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Place>> {
        if self.page.is_empty() {
            let fetched = self.fetch();
            fetched.map_err(|e| io::Error::other(format!("`{}`: {e}", self.table)))?;
        }
        let Some(row) = self.page.pop_front() else { return Ok(None) };
        self.number += 1;
        self.bytes += u64::try_from(row.len()).unwrap_or(0);
        line.extend_from_slice(row.as_bytes());
        Ok(Some(Place { within: Arc::clone(&self.table), number: self.number }))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

/// The row as its event's line: what was changed in a column stands in it, and is found out.
fn line(row: &Row) -> Result<String, String> {
    let text = |at: usize| row.try_get::<_, Option<String>>(at).map_err(told);
    let json = |at: usize| {
        let text = text(at)?.unwrap_or_default();
        read_json(text.as_bytes()).map_err(|e| e.to_string())
    };
    let mut map = Map::new();
    let names = ["id", "actor", "event_type"];
    for (at, name) in names.into_iter().enumerate() {
        map.insert(name.to_owned(), text(at)?.map_or(Value::Null, Value::String));
    }
    map.insert("payload".to_owned(), json(3)?);
    let names = ["prev_hash", "hash", "signature", "signer_kid", "signer_id"];
    for (at, name) in (4..).zip(names) {
        map.insert(name.to_owned(), text(at)?.map_or(Value::Null, Value::String));
    }
    if let Some(id) = text(9)? {
        map.insert("manifest_signature_id".to_owned(), Value::String(id));
    }
    let seq = json(10)?.get("seq").cloned().unwrap_or(Value::Null);
    map.insert("seq".to_owned(), seq);
    let (ts, created_at) = (text(11)?, text(12)?);
    if created_at != ts {
        // Ours are the same. The event's line has no such column, so the verifier says no to it.
        let differs = created_at.clone().map_or(Value::Null, Value::String);
        map.insert("created_at".to_owned(), differs);
    }
    map.insert("ts".to_owned(), ts.map_or(Value::Null, Value::String));
    canonical(&Value::Object(map)).map_err(|e| e.to_string())
}

fn set_up(
    url: &str,
    args: &PostgresArgs,
    ca: Option<&Path>,
) -> Result<(Config, Option<ClientConfig>), String> {
    const FORM: &str = "write it as `postgresql://USER@HOST:PORT/DATABASE`";
    // The URL is not repeated, since some write their password there.
    let plain = url.contains("sslmode=disable");
    let mut config: Config = url.parse().map_err(|_| format!("this is no URL: {FORM}"))?;
    if config.get_password().is_some() {
        return Err(
            "the URL holds a password, which others on this machine can see: remove it and use `--password-file` or `--password-env`"
                .to_owned(),
        );
    }
    if let Some(password) = password(args)? {
        config.password(password.trim_end_matches(['\r', '\n']));
    }
    let socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    let tls = match plain || socket {
        true if ca.is_some() => return Err("`--ca` is for TLS, which is off".to_owned()),
        true => None,
        false => Some(connector(ca, None)?.config().as_ref().clone()),
    };
    Ok((config, tls))
}

fn password(args: &PostgresArgs) -> Result<Option<Zeroizing<String>>, String> {
    let read = match (&args.password_file, &args.password_env) {
        (Some(path), _) => std::fs::read_to_string(path)
            .map_err(|e| format!("`--password-file`: `{}`: {e}", path.display())),
        (None, Some(name)) => {
            std::env::var(name).map_err(|_| format!("`--password-env`: `{name}` is not set"))
        }
        (None, None) => return Ok(None),
    };
    read.map(|text| Some(Zeroizing::new(text)))
}
