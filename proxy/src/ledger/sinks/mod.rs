//! Sinks: each follows the spool by its own cursor, in order, at least once.
//!
//! A sink reads what is durable and nothing else, so it can lag, fail and come back for as long as
//! the spool holds; it never delays a call.
mod beside;
mod cursor;
mod dead;
mod end;
mod feed;
mod folder;
mod format;
mod holding;
mod http;
mod nats;
mod otlp;
mod postgres;
mod reach;
mod refusals;
mod s3;
mod signed;
mod stdout;
mod syslog;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tollgate_config::settings;

use super::aws::S3Error;
use super::health::SinkCounters;
use super::holds::Hold;
use super::peer::PeerError;
use super::spool::Position;
use super::{LedgerError, LedgerOptions};
use dead::DeadLetters;
use feed::{Batch, Feed};
use holding::{Following, HoldKeeper};

/// The first pause after a failure; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long all sinks together have to take the rest at stop.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// How often a batch that may still grow is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a delivery failed. It is tried again; nothing is skipped but what is buried.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeliveryError {
    #[error("the collector cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    #[error("the collector: {0}")]
    Peer(#[from] PeerError),
    #[error("the collector answered {0}")]
    Status(u16),
    #[error("the collector answered {0}; fewer events at once are tried")]
    Parted(u16),
    #[error("the collector answered {0} to one event, again and again")]
    Dead(u16),
    #[error("a refused event cannot be put aside: {0}")]
    Burial(std::io::Error),
    #[error("the archive cannot be written: {0}")]
    Archive(std::io::Error),
    #[error(transparent)]
    Store(#[from] S3Error),
    #[error("an object of other events is there; the same events are taken once more")]
    Recut,
    #[error("`{0}` in the archive holds something else; it is not written over")]
    Foreign(String),
    #[error("what goes into the archive cannot be read: {0}")]
    Beside(std::io::Error),
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
    #[error("the collector closed the connection before it can have read all")]
    Closed,
    #[error("the collector did not answer in time")]
    Late,
    #[error("the secret {0}")]
    Secret(String),
    #[error("a batch cannot be signed")]
    Unsigned,
    #[error("the broker: {0}")]
    Broker(String),
    #[error("the database: {0}")]
    Database(String),
    #[error(
        "it ends with event {has} and lacks those up to {next}; what the spool has is sent again"
    )]
    Lacking { has: u64, next: u64 },
    #[error("it has no event before {0}; what the spool has is sent again")]
    Empty(u64),
    #[error("the collector answered {0}, but not as OTLP does")]
    NoOtlp(u16),
    #[error(
        "it has another event {0} than the record: another gate writes there, or it was changed"
    )]
    Forked(u64),
    #[error("it ends with a later event and cannot tell whether event {0} was there")]
    Untold(u64),
    #[error("an event in the spool cannot be read")]
    Spool,
}

/// Where batches go.
enum Outlet {
    Http(Box<http::HttpOutlet>),
    Syslog(Box<syslog::SyslogOutlet>),
    Folder(folder::FolderOutlet),
    S3(Box<s3::S3Outlet>),
    Stdout(stdout::StdoutOutlet),
    Nats(Box<nats::NatsOutlet>),
    Otlp(Box<otlp::OtlpOutlet>),
    Postgres(Box<postgres::PostgresOutlet>),
}

impl Outlet {
    fn set_up(setting: &settings::Sink, options: &LedgerOptions) -> Result<Self, String> {
        let (spool, onward) = (options.spool.as_path(), &options.onward);
        Ok(match setting {
            settings::Sink::Http(sink) => {
                Self::Http(Box::new(http::HttpOutlet::new(sink, onward)?))
            }
            settings::Sink::Syslog(sink) => {
                Self::Syslog(Box::new(syslog::SyslogOutlet::new(sink, onward)?))
            }
            settings::Sink::Folder(sink) => Self::Folder(folder::FolderOutlet::new(sink, spool)?),
            settings::Sink::S3(sink) => Self::S3(Box::new(s3::S3Outlet::new(sink, spool, onward)?)),
            settings::Sink::Stdout(_) => Self::Stdout(stdout::StdoutOutlet::new()?),
            settings::Sink::Nats(sink) => Self::Nats(Box::new(nats::NatsOutlet::new(sink)?)),
            settings::Sink::Otlp(sink) => {
                Self::Otlp(Box::new(otlp::OtlpOutlet::new(sink, onward)?))
            }
            settings::Sink::Postgres(sink) => {
                Self::Postgres(Box::new(postgres::PostgresOutlet::new(sink)?))
            }
        })
    }

    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        match self {
            Self::Http(outlet) => outlet.deliver(batch).await,
            Self::Syslog(outlet) => outlet.deliver(batch).await,
            Self::Folder(outlet) => outlet.deliver(batch).await,
            Self::S3(outlet) => outlet.deliver(batch).await,
            Self::Stdout(outlet) => outlet.deliver(batch).await,
            Self::Nats(outlet) => outlet.deliver(batch).await,
            Self::Otlp(outlet) => outlet.deliver(batch).await,
            Self::Postgres(outlet) => outlet.deliver(batch).await,
        }
    }

    fn events_at_once(&self) -> usize {
        match self {
            Self::Http(outlet) => outlet.events_at_once(),
            Self::Syslog(_) => syslog::BATCH_EVENTS,
            Self::Folder(_) => folder::BATCH_EVENTS,
            Self::S3(outlet) => outlet.events_at_once(),
            Self::Stdout(_) => stdout::BATCH_EVENTS,
            Self::Nats(outlet) => outlet.events_at_once(),
            Self::Otlp(outlet) => outlet.events_at_once(),
            Self::Postgres(outlet) => outlet.events_at_once(),
        }
    }

    fn bytes_at_once(&self) -> u64 {
        match self {
            Self::S3(outlet) => outlet.bytes_at_once(),
            _ => feed::BATCH_BYTES,
        }
    }

    /// Whether it takes a batch now, or waits for it to grow.
    fn is_due(&mut self, batch: &Batch) -> bool {
        match self {
            Self::S3(outlet) => outlet.is_due(batch),
            _ => true,
        }
    }

    /// Everything was delivered, and nothing more comes.
    async fn close(&mut self) -> Result<(), DeliveryError> {
        match self {
            Self::Http(_) | Self::Stdout(_) | Self::Nats(_) | Self::Otlp(_) | Self::Postgres(_) => {
                Ok(())
            }
            Self::S3(outlet) => outlet.close().await,
            Self::Syslog(outlet) => {
                outlet.close().await;
                Ok(())
            }
            Self::Folder(outlet) => outlet.close().await,
        }
    }
}

/// What came of looking for a batch.
enum Step {
    /// It was delivered, or put aside.
    Taken,
    /// There is one, and it may still grow.
    Growing,
    /// All is acknowledged.
    Nothing,
}

/// A sink that is set up and not yet running.
pub(super) struct Sink {
    outlet: Outlet,
    feed: Feed,
    dead: DeadLetters,
    counters: Arc<SinkCounters>,
    delivery_wait: Duration,
}

/// Sets up every sink of the settings, so that a mistake in them is told at start.
pub(super) fn set_up(options: &LedgerOptions) -> Result<Vec<Sink>, LedgerError> {
    let mut sinks: Vec<Sink> = Vec::new();
    for setting in &options.sinks {
        let sink = Sink::set_up(setting, options)?;
        if sinks.iter().any(|other| other.counters.name == sink.counters.name) {
            return Err(wrong(setting.name(), "another sink has this name"));
        }
        sinks.push(sink);
    }
    Ok(sinks)
}

impl Sink {
    fn set_up(setting: &settings::Sink, options: &LedgerOptions) -> Result<Self, LedgerError> {
        let name = setting.name();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            return Err(wrong("?", "`name` is 1 to 63 characters of `A-Z a-z 0-9 . _ -`"));
        }
        let outlet = Outlet::set_up(setting, options).map_err(|reason| wrong(name, &reason))?;
        let feed = Feed::open(&options.spool, name)?;
        let dead = DeadLetters::of(&options.spool, name);
        let counters = Arc::new(SinkCounters::named(name));
        counters.acknowledged.store(feed.acknowledged(), Relaxed);
        counters.dead.store(dead.count()?, Relaxed);
        let delivery_wait = options.delivery_wait;
        Ok(Self { outlet, feed, dead, counters, delivery_wait })
    }

    pub(super) fn counters(&self) -> Arc<SinkCounters> {
        Arc::clone(&self.counters)
    }

    /// Whoever keeps the holds of the store that this sink writes to, if it has any.
    fn hold_keeper(&mut self, holds: &watch::Receiver<Arc<[Hold]>>) -> Option<HoldKeeper> {
        let Outlet::S3(outlet) = &mut self.outlet else { return None };
        let following = Following::new(holds.clone());
        Some(outlet.hold_keeper(following, Arc::clone(&self.counters)))
    }

    async fn run(mut self, position: watch::Receiver<Position>, stop: watch::Receiver<bool>) {
        self.follow(position, stop).await;
        if let Err(error) = self.outlet.close().await {
            tracing::warn!(sink = self.counters.name, %error, "a sink was not closed well");
        }
    }

    async fn follow(
        &mut self,
        mut position: watch::Receiver<Position>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut pause = PAUSE_FIRST;
        loop {
            // In this order: what is durable when the stop is seen is all that there will be.
            let stopping = *stop.borrow();
            let durable = *position.borrow_and_update();
            match self.step(durable, stopping).await {
                Ok(Step::Taken) => pause = PAUSE_FIRST,
                Ok(Step::Growing) => {
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(Step::Nothing) if stopping => return,
                Ok(Step::Nothing) => {
                    // The owner is gone when the position's sender is, and nothing more comes.
                    tokio::select! {
                        changed = position.changed() => if changed.is_err() { return },
                        _ = stop.changed() => {}
                    }
                }
                Err(error) => {
                    self.count_failure(&error);
                    if matches!(error, DeliveryError::Parted(_) | DeliveryError::Recut) {
                        pause = PAUSE_FIRST;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(jittered(pause)) => {
                            pause = (pause * 2).min(PAUSE_MAX);
                        }
                        // At stop there is little time left: try again now, then patiently.
                        _ = stop.changed() => pause = PAUSE_FIRST,
                    }
                }
            }
        }
    }

    /// One batch, if there is one.
    async fn step(&mut self, durable: Position, stopping: bool) -> Result<Step, DeliveryError> {
        let (events, bytes) = (self.outlet.events_at_once(), self.outlet.bytes_at_once());
        let Some(batch) = self.feed.next(durable, events, bytes).await? else {
            return Ok(Step::Nothing);
        };
        if !self.outlet.is_due(&batch) && !stopping {
            return Ok(Step::Growing);
        }
        let delivered = tokio::time::timeout(self.delivery_wait, self.outlet.deliver(&batch)).await;
        match delivered.unwrap_or(Err(DeliveryError::Late)) {
            Err(DeliveryError::Dead(status)) => self.bury(&batch, status).await?,
            Err(error @ (DeliveryError::Lacking { .. } | DeliveryError::Empty(_))) => {
                self.feed.start_over();
                self.counters.acknowledged.store(self.feed.acknowledged(), Relaxed);
                return Err(error);
            }
            delivered => delivered?,
        }
        if let Err(error) = self.feed.acknowledge(&batch).await {
            // Delivered and not noted: after a restart it is delivered again.
            tracing::warn!(sink = self.counters.name, %error, "a cursor cannot be written");
        }
        self.counters.acknowledged.store(self.feed.acknowledged(), Relaxed);
        Ok(Step::Taken)
    }

    /// Puts aside what the collector refuses for good, so that what comes after it gets through.
    async fn bury(&mut self, batch: &Batch, status: u16) -> Result<(), DeliveryError> {
        self.dead.bury(batch.lines.clone()).await?;
        let events = batch.last_seq.saturating_sub(batch.first_seq) + 1;
        self.counters.dead.fetch_add(events, Relaxed);
        let (sink, seq) = (&self.counters.name, batch.first_seq);
        tracing::error!(
            sink,
            seq,
            status,
            "a collector refuses an event for good; it is put aside"
        );
        Ok(())
    }

    fn count_failure(&self, error: &DeliveryError) {
        self.counters.failures.fetch_add(1, Relaxed);
        tracing::warn!(sink = self.counters.name, %error, "a delivery failed; it is tried again");
    }
}

/// Between half of it and all of it, so that many gates do not come back at once.
pub(super) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    let _ = aws_lc_rs::rand::fill(&mut byte);
    pause.mul_f64(0.5 + f64::from(byte[0]) / 510.0)
}

/// The running sinks.
pub(super) struct Sinks {
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Sinks {
    /// Starts them on this runtime.
    pub(super) fn start(
        sinks: Vec<Sink>,
        position: &watch::Receiver<Position>,
        holds: &watch::Receiver<Arc<[Hold]>>,
    ) -> Self {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for mut sink in sinks {
            if let Some(keeper) = sink.hold_keeper(holds) {
                tasks.spawn(keeper.run(stop.subscribe()));
            }
            tasks.spawn(sink.run(position.clone(), stop.subscribe()));
        }
        Self { tasks: Mutex::new(tasks), stop }
    }

    /// Gives them a bounded chance to take what is left.
    pub(super) async fn finish(&self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, all).await.is_err() {
            tracing::warn!("a sink has not taken all events; it goes on at the next start");
            tasks.shutdown().await;
        }
    }
}

fn wrong(name: &str, reason: &str) -> LedgerError {
    LedgerError::Sink { name: name.to_owned(), reason: reason.to_owned() }
}

/// A cursor's file.
fn cursor_path(spool: &Path, name: &str) -> std::path::PathBuf {
    spool.join(format!("cursor-{name}.json"))
}
