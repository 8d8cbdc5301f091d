//! The table of events in PostgreSQL: how it is reached, made, and what its statements are. The
//! sink writes to it, `tollgate audit verify` reads it.
use std::time::Duration;

use rustls::ClientConfig;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Name resolution, TCP, TLS and log-in together.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long bytes may stay unacknowledged by the other machine.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Bounds that the server keeps, whatever its own are. An acknowledged row is on its disk.
const SESSION: &str = "SET statement_timeout = '20s'; SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET synchronous_commit = on; \
    SET timezone = 'UTC'";

/// A session; it ends when dropped.
pub(crate) struct Session {
    pub(crate) client: Client,
    serving: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // A server that is gone would keep the task for as long as it does not answer.
        self.serving.abort();
    }
}

impl Session {
    /// Opens one. With TLS the server's name is verified; there is no falling back.
    pub(crate) async fn open(
        mut config: Config,
        tls: Option<&ClientConfig>,
    ) -> Result<Self, String> {
        config.application_name("tollgate").connect_timeout(CONNECT_WAIT);
        config.tcp_user_timeout(SILENCE_MAX).keepalives(true);
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let connecting = async {
            match tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok((client, tokio::spawn(async { drop(connection.await) })))
                }
                Some(tls) => {
                    let tls = MakeRustlsConnect::new(tls.clone());
                    let (client, connection) = config.connect(tls).await?;
                    Ok((client, tokio::spawn(async { drop(connection.await) })))
                }
            }
        };
        let connected = tokio::time::timeout(CONNECT_WAIT, connecting).await;
        let (client, serving) =
            connected.map_err(|_| "it did not answer in time".to_owned())?.map_err(told)?;
        let session = Self { client, serving };
        session.client.batch_execute(SESSION).await.map_err(told)?;
        Ok(session)
    }
}

/// What the server says, in its words; it never repeats a password.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(crate) fn told(error: Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}

/// A table's name, which needs no quotes.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    schema: String,
    name: String,
}

impl Table {
    /// None when a part is no plain lower-case name.
    pub(crate) fn new(schema: &str, name: &str) -> Option<Self> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 63
                && !text.starts_with(|c: char| c.is_ascii_digit())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        (plain(schema) && plain(name))
            .then(|| Self { schema: schema.to_owned(), name: name.to_owned() })
    }

    /// As it stands in a statement.
    pub(crate) fn path(&self) -> String {
        format!("\"{}\".\"{}\"", self.schema, self.name)
    }

    /// Makes the table with its indexes: no event twice, and no two under one number.
    pub(crate) fn creation(&self) -> String {
        let (path, name) = (self.path(), &self.name);
        format!(
            "CREATE TABLE {path} (id UUID PRIMARY KEY, actor_id TEXT NOT NULL, \
             event_type TEXT NOT NULL, payload JSONB NOT NULL, prev_hash TEXT NULL, \
             hash TEXT NOT NULL, signature TEXT NOT NULL, signer_kid TEXT NOT NULL, \
             signer_id TEXT NOT NULL, manifest_signature_id TEXT, metadata JSONB NOT NULL, \
             ts TIMESTAMPTZ NOT NULL, created_at TIMESTAMPTZ NOT NULL); \
             CREATE UNIQUE INDEX {name}_hash ON {path} (hash); \
             CREATE UNIQUE INDEX {name}_seq ON {path} ({SEQ})"
        )
    }

    /// The last event's number and hash.
    pub(crate) fn end(&self) -> String {
        format!("SELECT {SEQ}, hash FROM {} ORDER BY {SEQ} DESC LIMIT 1", self.path())
    }

    /// Adds rows, each column a list; those whose id is there are left out.
    pub(crate) fn insertion(&self) -> String {
        format!(
            "INSERT INTO {} (id, actor_id, event_type, payload, prev_hash, hash, signature, \
             signer_kid, signer_id, manifest_signature_id, metadata, ts, created_at) \
             SELECT e.id::uuid, e.actor, e.event_type, e.payload::jsonb, e.prev_hash, e.hash, \
             e.signature, e.kid, e.kid, e.manifest, jsonb_build_object('seq', e.seq), \
             e.ts::timestamptz, e.ts::timestamptz FROM {EVENTS} ON CONFLICT (id) DO NOTHING",
            self.path()
        )
    }

    /// How many of the same lists stand in the table exactly as they are given.
    pub(crate) fn comparison(&self) -> String {
        format!(
            "SELECT count(*) FROM {EVENTS} JOIN {} t ON t.id = e.id::uuid \
             WHERE t.actor_id = e.actor AND t.event_type = e.event_type \
             AND t.payload = e.payload::jsonb AND t.prev_hash IS NOT DISTINCT FROM e.prev_hash \
             AND t.hash = e.hash AND t.signature = e.signature AND t.signer_kid = e.kid \
             AND t.signer_id = e.kid AND t.manifest_signature_id IS NOT DISTINCT FROM e.manifest \
             AND t.metadata = jsonb_build_object('seq', e.seq) AND t.ts = e.ts::timestamptz \
             AND t.created_at = e.ts::timestamptz",
            self.path()
        )
    }

    /// Every row in the chain's order, with its columns as text.
    pub(crate) fn reading(&self) -> String {
        format!(
            "SELECT id::text, actor_id, event_type, payload::text, prev_hash, hash, signature, \
             signer_kid, signer_id, manifest_signature_id, metadata::text, {}, {} \
             FROM {} ORDER BY {SEQ} NULLS FIRST, id",
            stamp("ts"),
            stamp("created_at"),
            self.path()
        )
    }
}

/// An event's number in a row.
const SEQ: &str = "((metadata->>'seq')::bigint)";

/// The lists of an insertion, as rows in their order.
const EVENTS: &str = "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], \
    $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[]) \
    AS e(id, actor, event_type, payload, prev_hash, hash, signature, kid, manifest, seq, ts)";

/// A time as an event writes it.
fn stamp(column: &str) -> String {
    format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
}
