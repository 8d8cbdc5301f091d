//! Rows in PostgreSQL: one transaction a batch, in order, each event once.
//!
//! The database is asked first where its copy ends, in the same transaction, so that rows that it
//! lost are sent again and no gap is made. A row that is there already is compared with the event;
//! its unique indexes refuse a second event under one number.
use rustls::ClientConfig;
use serde::Deserialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Transaction};
use tollgate_audit::{Entry, write_stamp};
use tollgate_config::settings::{PostgresSink, SecretRef};

use super::super::postgres::{Session, Table, told};
use super::super::secret;
use super::super::tls::server_config;
use super::DeliveryError;
use super::end::End;
use super::feed::Batch;

/// A table at a server.
pub(super) struct PostgresOutlet {
    config: Config,
    password: Option<SecretRef>,
    tls: Option<ClientConfig>,
    table: Table,
    batch_events: usize,
    /// Whether a table that turned out to be empty was given the spool from its beginning.
    refilled: bool,
    session: Option<Session>,
}

impl PostgresOutlet {
    pub(super) fn new(setting: &PostgresSink) -> Result<Self, String> {
        let table = Table::new(&setting.schema, &setting.table)
            .ok_or("`schema` and `table` are lower-case letters, digits and `_`")?;
        let mut config = Config::new();
        let host = setting.host.trim_start_matches('[').trim_end_matches(']');
        config.host(host).port(setting.port).dbname(&setting.database).user(&setting.user);
        Ok(Self {
            config,
            password: setting.password.clone(),
            tls: setting.tls.as_ref().map(server_config).transpose()?,
            table,
            batch_events: setting.batch_events.max(1),
            refilled: false,
            session: None,
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.batch_events
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        // Taken out, so that one that fails or is given up is not used again.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let transaction = session.client.transaction().await.map_err(database)?;
        let end = self.end(&transaction).await?;
        match end {
            // What lies across or before its end is compared row by row below.
            Some(end) => {
                end.lies(batch)?;
            }
            None if batch.first_seq > 0 && !self.refilled => {
                self.refilled = true;
                return Err(DeliveryError::Empty(batch.first_seq));
            }
            None => {}
        }
        self.insert(&transaction, batch).await?;
        transaction.commit().await.map_err(database)?;
        self.session = Some(session);
        Ok(())
    }

    async fn connect(&self) -> Result<Session, DeliveryError> {
        let mut config = self.config.clone();
        if let Some(password) = &self.password {
            config.password(secret::read(password).map_err(DeliveryError::Secret)?.as_bytes());
        }
        let opened = Session::open(config, self.tls.as_ref()).await;
        let session = opened.map_err(DeliveryError::Database)?;
        // Asked first, since whoever may only insert may not even try to make it.
        let path = self.table.path();
        let found = session.client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&path]).await;
        if !found.map_err(database)?.try_get::<_, bool>(0).map_err(database)? {
            session.client.batch_execute(&self.table.creation()).await.map_err(database)?;
            tracing::info!(table = path, "made the table of events");
        }
        Ok(session)
    }

    async fn end(&self, transaction: &Transaction<'_>) -> Result<Option<End>, DeliveryError> {
        let last = transaction.query_opt(&self.table.end(), &[]).await.map_err(database)?;
        let Some(last) = last else { return Ok(None) };
        let seq = last.try_get::<_, i64>(0).ok().and_then(|seq| u64::try_from(seq).ok());
        let seq = seq.ok_or_else(|| DeliveryError::Database("a row has no number".into()))?;
        let hash = last.try_get(1).map_err(database)?;
        Ok(Some(End { seq, hash }))
    }

    async fn insert(
        &self,
        transaction: &Transaction<'_>,
        batch: &Batch,
    ) -> Result<(), DeliveryError> {
        let rows = Rows::of(batch)?;
        let inserted = transaction.execute(&self.table.insertion(), &rows.parameters()).await;
        let inserted = inserted.map_err(database)?;
        let events = u64::try_from(rows.ids.len()).unwrap_or(u64::MAX);
        if inserted < events {
            let counted = transaction.query_one(&self.table.comparison(), &rows.parameters()).await;
            let same: i64 = counted.map_err(database)?.try_get(0).map_err(database)?;
            if u64::try_from(same).ok() != Some(events) {
                return Err(DeliveryError::Database(format!(
                    "among events {} to {} are rows that are not what the record has under their id",
                    batch.first_seq, batch.last_seq
                )));
            }
        }
        Ok(())
    }
}

/// The columns of some events, each a list, since one statement then serves any number of them.
#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    actors: Vec<String>,
    event_types: Vec<String>,
    payloads: Vec<String>,
    prev_hashes: Vec<Option<String>>,
    hashes: Vec<String>,
    signatures: Vec<String>,
    kids: Vec<String>,
    manifests: Vec<Option<String>>,
    seqs: Vec<i64>,
    stamps: Vec<String>,
}

/// What an entry does not tell by itself.
#[derive(Deserialize)]
struct Columns {
    manifest_signature_id: Option<String>,
}

impl Rows {
    fn of(batch: &Batch) -> Result<Self, DeliveryError> {
        let mut rows = Self::default();
        for line in batch.lines.split_inclusive(|b| *b == b'\n') {
            let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
            let columns: Columns =
                serde_json::from_slice(line).map_err(|_| DeliveryError::Spool)?;
            rows.push(&entry, columns)?;
        }
        Ok(rows)
    }

    fn push(&mut self, entry: &Entry, columns: Columns) -> Result<(), DeliveryError> {
        self.ids.push(entry.id().to_string());
        self.actors.push(entry.actor().to_owned());
        self.event_types.push(entry.event_type().to_owned());
        self.payloads.push(entry.canonical().to_owned());
        self.prev_hashes.push(entry.prev_hash().map(ToString::to_string));
        self.hashes.push(entry.hash().to_string());
        self.signatures.push(entry.signature().to_owned());
        self.kids.push(entry.signer_kid().as_str().to_owned());
        self.manifests.push(columns.manifest_signature_id);
        self.seqs.push(i64::try_from(entry.seq()).map_err(|_| DeliveryError::Spool)?);
        self.stamps.push(write_stamp(entry.ts()));
        Ok(())
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.ids,
            &self.actors,
            &self.event_types,
            &self.payloads,
            &self.prev_hashes,
            &self.hashes,
            &self.signatures,
            &self.kids,
            &self.manifests,
            &self.seqs,
            &self.stamps,
        ]
    }
}

fn database(error: tokio_postgres::Error) -> DeliveryError {
    DeliveryError::Database(told(error))
}
