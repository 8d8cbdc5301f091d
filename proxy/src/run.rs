//! Starting and stopping a gate.
//!
//! The order is the safety: everything that can fail is built before a port accepts, the record
//! is open before the first call and closed after the last.
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora_core::apps::HttpServerOptions;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tollgate_audit::{EventType, Facts};

use crate::at_start::AtStart;
use crate::body::Held;
use crate::desks::Desks;
use crate::egress::{Egress, Onward, OwnAddresses, Resolver, ResolverFault};
use crate::gate::Gate;
use crate::handles::Handles;
use crate::identity::workload;
use crate::ledger::{Ledger, LedgerError, LedgerOptions, LedgerRefusal, replace_file};
use crate::listen::{Acceptors, Given, ListenError};
use crate::names::{Given as GivenNames, NameServer, NamesFault, Pair};
use crate::record::shape::PrintKey;
use crate::snapshot::{Snapshot, SnapshotFault, Source};
use crate::strangers::{self, Strangers};
use crate::watch::Metrics;
use crate::watch::admin::Admin;

/// Why a gate did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The configuration or something it names.
    #[error(transparent)]
    Snapshot(#[from] SnapshotFault),
    /// See [`workload::WorkloadFault`].
    #[error(transparent)]
    Workload(#[from] workload::WorkloadFault),
    /// The record.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The first events could not be recorded.
    #[error("the start cannot be recorded: {0}")]
    Record(LedgerRefusal),
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The port of the DNS server.
    #[error(transparent)]
    Names(#[from] NamesFault),
    /// Name resolution.
    #[error(transparent)]
    Resolver(#[from] ResolverFault),
    /// The admin port.
    #[error("the admin listener cannot listen on {bind}: {reason}")]
    Admin {
        /// Where.
        bind: SocketAddr,
        /// Why.
        reason: std::io::Error,
    },
    /// Signals of the system's.
    #[error("cannot listen for SIGHUP: {0}")]
    Signals(std::io::Error),
    /// The secret of prints.
    #[error("cannot read or make the key of prints in the spool: {0}")]
    PrintKey(std::io::Error),
    /// There is nothing to verify upstreams with.
    #[error(
        "the system has no certificate authorities and route `{0}` names none; set `upstream.tls.ca`"
    )]
    NoAuthorities(String),
    /// What clients of interception must trust cannot be written.
    #[error("cannot write the certificate or key of `forward_proxy.intercept`: {0}")]
    Authority(std::io::Error),
    /// Metrics that contradict each other.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A gate that is accepting.
pub struct Running {
    /// The gate.
    pub gate: Arc<Gate>,
    /// Its listeners' names and addresses.
    pub listeners: Vec<(String, SocketAddr)>,
    /// The admin listener's address.
    pub admin: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
    naming: Option<tokio::task::JoinHandle<()>>,
    admin_stop: CancellationToken,
    admin_serving: tokio::task::JoinHandle<()>,
    reloading: tokio::task::JoinHandle<()>,
    checking: tokio::task::JoinHandle<()>,
    counting: tokio::task::JoinHandle<()>,
    workload: Option<tokio::task::JoinHandle<()>>,
}

/// Builds everything, then accepts.
pub async fn start(source: Source) -> Result<Running, StartFault> {
    start_on(source, None, Vec::new()).await
}

/// The same, with sockets that a listener and the DNS server take instead of opening their own.
pub(crate) async fn start_on(
    source: Source,
    given: Option<Given>,
    names: Vec<Pair>,
) -> Result<Running, StartFault> {
    // First of all: one that comes during the start would end the gate if nobody listened.
    let hangups = signal(SignalKind::hangup()).map_err(StartFault::Signals)?;
    outlive_size_limits();
    give_memory_back();
    let read = source.settings(false)?;
    let material = match &read.0.workload_api {
        Some(api) => Some(workload::first(api).await?),
        None => None,
    };
    let snapshot = Snapshot::of(&source, read, None, material)?;
    require_authorities(&snapshot)?;
    let settings = snapshot.settings.clone();
    if let Some(authority) = snapshot.routes.authority() {
        authority.publish().map_err(StartFault::Authority)?;
    }
    let acceptors = Acceptors::bind(&settings.listeners, given).await?;
    let (listeners, files) = (acceptors.addresses(), acceptors.files());
    let mut own = acceptors.own();
    let names = match &settings.dns {
        Some(dns) if names.is_empty() => {
            let bound = NameServer::bind(dns).await?;
            own.extend(&bound.addresses);
            Some(bound)
        }
        Some(dns) => Some(NameServer::take(names, dns)?),
        None => None,
    };
    let names_addresses = names.as_ref().map_or(Vec::new(), |names| names.addresses.clone());
    let admin_fault = |reason| StartFault::Admin { bind: settings.admin.bind, reason };
    let admin = Admin::bind(settings.admin.bind).await.map_err(admin_fault)?;
    let admin_address = admin.address().map_err(admin_fault)?;
    let onward = Onward::default();
    onward.set(snapshot.routes.parent().cloned());
    let options = LedgerOptions::from_settings(&settings.audit, onward.clone());
    let ledger = Ledger::open(options).await?;
    own.push(admin_address);
    let print_key = print_key(&settings.audit.spool).map_err(StartFault::PrintKey)?;
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(Duration::from_millis(settings.deadlines.keep_alive_ms));
    let metrics = Metrics::new()?;
    let resolver = Resolver::new(&settings.resolver, onward.clone())?;
    let bounds = &settings.bounds;
    let gate = Arc::new(Gate {
        egress: Egress::new(resolver, OwnAddresses(own.into()), metrics.upstreams.clone()),
        given: GivenNames::new(settings.dns.as_ref().map_or(1, |dns| dns.remember)),
        held: Held::new(bounds.held_bytes_total, bounds.request_body_bytes),
        held_answers: Held::new(bounds.held_bytes_total, bounds.answer_body_bytes),
        handles: Handles::default(),
        strangers: Strangers::default(),
        desks: Desks::new(settings.bounds.inspected_bytes_total, processors()),
        at_start: AtStart::of(&settings),
        snapshot: ArcSwap::from_pointee(snapshot),
        source,
        changing: tokio::sync::Mutex::new(()),
        reloaded: watch::Sender::new(()),
        ledger,
        onward,
        print_key,
        metrics,
        cut: CancellationToken::new(),
        options,
    });
    let material = gate.snapshot().material();
    gate.egress.identify_by(material.map(|material| Arc::clone(material.client())));
    announce(&gate, EventType::GateStart).await?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(crate::listen::serve(Arc::clone(&gate), acceptors, stopped.clone()));
    let naming = names.map(|names| tokio::spawn(names.serve(Arc::clone(&gate), stopped.clone())));
    let admin_stop = CancellationToken::new();
    let admin_serving =
        tokio::spawn(admin.serve(Arc::clone(&gate), admin_stop.clone().cancelled_owned()));
    let checking = tokio::spawn(crate::checks::run(Arc::clone(&gate), stopped.clone()));
    let counting = tokio::spawn(strangers::run(Arc::clone(&gate), stopped.clone()));
    let workload = settings.workload_api.clone();
    let workload =
        workload.map(|api| tokio::spawn(workload::run(Arc::clone(&gate), api, stopped.clone())));
    let reloading = tokio::spawn(crate::reload::run(Arc::clone(&gate), hangups, stopped));
    announce(&gate, EventType::GateReady).await?;
    for warning in gate.snapshot().settings.warnings() {
        tracing::warn!(warning, "dangerous setting");
    }
    for (name, address) in &listeners {
        tracing::info!(listener = name, %address, "listening");
    }
    for (name, file) in &files {
        tracing::info!(listener = name, file = %file.display(), "listening");
    }
    for address in names_addresses {
        tracing::info!(%address, "answering DNS");
    }
    tracing::info!(address = %admin_address, "admin listening");
    Ok(Running {
        gate,
        listeners,
        admin: admin_address,
        stop,
        serving,
        naming,
        admin_stop,
        admin_serving,
        reloading,
        checking,
        counting,
        workload,
    })
}

/// A quiet gate gives back what a busy hour took: without a thread for it jemalloc does so only when
/// more is asked for. Not before there is a gate: what makes a network for a command
/// (`run --contain`) must be a process of one thread.
fn give_memory_back() {
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tracing::debug!(%error, "the allocator has no thread that gives memory back");
    }
}

/// How many this process may use; the system's own limits on it are counted.
fn processors() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A segment that reaches the process's limit on file sizes is a full spool, which the ledger knows
/// how to bear. The signal that comes with it would end the gate before the write can fail, unless
/// somebody listens for it; tokio keeps its handler when the listener is dropped.
fn outlive_size_limits() {
    let size_limit = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    if let Err(error) = signal(size_limit) {
        tracing::warn!(%error, "a limit on file sizes, when reached, will end the gate");
    }
}

impl Running {
    /// The address of a listener.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.listeners.iter().find(|(known, _)| known == name).map(|(_, address)| *address)
    }

    /// Stops accepting, lets calls in flight end, then closes the record.
    pub async fn stop(self) -> Result<(), LedgerError> {
        tracing::info!("stopping");
        let drain = Duration::from_millis(self.gate.snapshot().settings.deadlines.drain_ms);
        let deadline = tokio::time::Instant::now() + drain;
        // Nobody listens any more only when all tasks ended already.
        let _ = self.stop.send(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the accept loops ended badly");
        }
        if let Some(naming) = self.naming
            && let Err(error) = naming.await
        {
            tracing::error!(%error, "the DNS server ended badly");
        }
        // HTTP/2 calls are tasks of their own, which outlive their connection's loop.
        while !self.gate.is_idle() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.gate.cut.cancel();
        for _ in 0..100 {
            if self.gate.is_idle() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let _ = self.reloading.await;
        let _ = self.checking.await;
        let _ = self.counting.await;
        self.gate.tell_strangers().await;
        if let Some(workload) = self.workload {
            let _ = workload.await;
        }
        let facts =
            Facts::new(EventType::GateStop, "gate").revision(&self.gate.snapshot().revision);
        if self.gate.ledger.append(facts).await.is_err() {
            tracing::error!("the stop could not be recorded");
        }
        let closed = self.gate.ledger.clone().stop().await;
        self.admin_stop.cancel();
        let _ = self.admin_serving.await;
        closed
    }
}

async fn announce(gate: &Gate, event: EventType) -> Result<(), StartFault> {
    let snapshot = gate.snapshot();
    let facts = Facts::new(event, "gate")
        .revision(&snapshot.revision)
        .text("version", env!("CARGO_PKG_VERSION"))
        .text("policy_hash", snapshot.rulebook.hash())
        .number("rules", snapshot.rulebook.rules_count() as u64)
        .number("agents", snapshot.registry.len() as u64);
    match gate.ledger.append(facts.clone()).await {
        Ok(_) => Ok(()),
        // A gate that did not start would never deliver what fills its spool. It starts, is not
        // ready and refuses calls until there is room; what it says of itself is no call.
        Err(LedgerRefusal::Full) => {
            tracing::warn!("the record's spool is full; calls are refused until there is room");
            gate.ledger.note(facts);
            Ok(())
        }
        Err(refused) => Err(StartFault::Record(refused)),
    }
}

/// pingora panics when it finds no authorities at all, so they are looked for first.
fn require_authorities(snapshot: &Snapshot) -> Result<(), StartFault> {
    let found = rustls_native_certs::load_native_certs();
    if !found.certs.is_empty() {
        return Ok(());
    }
    let lacking =
        snapshot.settings.routes.iter().find(|route| {
            route.upstream.url.starts_with("https:") && route.upstream.tls.ca.is_none()
        });
    let route = lacking.map_or("(any)", |route| route.name.as_str());
    Err(StartFault::NoAuthorities(route.to_owned()))
}

/// The key of prints lives beside the record it belongs to.
fn print_key(spool: &Path) -> std::io::Result<PrintKey> {
    use std::io::Read as _;
    let path = spool.join("print.key");
    let mut secret = zeroize::Zeroizing::new([0_u8; 32]);
    match std::fs::File::open(&path) {
        Ok(mut file) => file.read_exact(secret.as_mut())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            aws_lc_rs::rand::fill(secret.as_mut())
                .map_err(|_| std::io::Error::other("no randomness"))?;
            // Whole or not there: half a key would keep every later start from starting.
            replace_file(&path, secret.as_ref()).map_err(std::io::Error::other)?;
        }
        Err(error) => return Err(error),
    }
    Ok(PrintKey::new(&secret))
}
