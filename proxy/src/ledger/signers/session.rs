//! Session keys: made here, vouched for by a key service, and replaced in good time.
//!
//! The service is asked beside the record's path: a task makes the next key when half of this
//! one's time is over and goes on asking until it has one. Only a key whose time is wholly over
//! stops the record.
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tollgate_audit::{Delegation, LocalKey, SignedDelegation};
use zeroize::Zeroizing;

use super::service::{Service, ServiceError};

/// How long after a failure the service is asked again; doubled up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// No pause is longer, since calls may be refused until there is a key.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A session key with the root's word for it.
pub(in super::super) struct Session {
    pub(super) key: LocalKey,
    pub(super) word: SignedDelegation,
}

impl Session {
    /// Makes a key and asks the service to vouch for it, from now on; or, when the clock was set
    /// back, from the chain's last event on, since the next one is not older than that.
    async fn make(
        service: &Service,
        lasting: Duration,
        since: Timestamp,
    ) -> Result<Self, ServiceError> {
        let mut seed = Zeroizing::new([0; 32]);
        let made = aws_lc_rs::rand::fill(seed.as_mut_slice());
        made.map_err(|_| ServiceError::Answer("there is no randomness for a session key"))?;
        let pem = Zeroizing::new(LocalKey::pem_from_seed(&seed));
        let key = LocalKey::from_pem(pem.as_bytes(), None)
            .map_err(|_| ServiceError::Answer("a session key could not be made"))?;
        let not_before = whole_micros(Timestamp::now().max(since));
        let lasting = SignedDuration::try_from(lasting).unwrap_or(SignedDuration::from_hours(1));
        let delegation = Delegation {
            kid: key.kid().clone(),
            key: key.public().clone(),
            by: service.kid().clone(),
            not_before,
            not_after: not_before.checked_add(lasting).unwrap_or(Timestamp::MAX),
        };
        let signature = service.sign(&delegation.to_sign()).await?;
        let word = delegation.close(&signature);
        let word = word.ok_or(ServiceError::Answer("its word is for another key"))?;
        Ok(Self { key, word })
    }

    /// Whether it may sign what happens at this time.
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        let delegation = self.word.delegation();
        delegation.not_before <= at && at < delegation.not_after
    }
}

/// What is written has microseconds.
fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// The task that has the next session key ready.
pub(in super::super) struct Renewal {
    service: Arc<Service>,
    lasting: Duration,
    fresh: Arc<Mutex<Option<Session>>>,
    now: Arc<Notify>,
    /// When the chain's last event was.
    last_ts: Arc<Mutex<Timestamp>>,
    task: AbortHandle,
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Renewal {
    /// Makes the first key, or says why there is none, and starts the task.
    pub(super) fn start(
        service: Service,
        lasting: Duration,
        since: Timestamp,
    ) -> Result<(Session, Self), ServiceError> {
        let service = Arc::new(service);
        let first = service.runtime().block_on(Session::make(&service, lasting, since))?;
        let (fresh, now) = (Arc::new(Mutex::new(None)), Arc::new(Notify::new()));
        let last_ts = Arc::new(Mutex::new(since));
        let task = Task {
            service: Arc::clone(&service),
            fresh: Arc::clone(&fresh),
            now: Arc::clone(&now),
            last_ts: Arc::clone(&last_ts),
        };
        let task = service.runtime().spawn(task.renew(lasting)).abort_handle();
        Ok((first, Self { service, lasting, fresh, now, last_ts, task }))
    }

    /// The chain has an event of this time, or wants to have one.
    pub(super) fn saw(&self, ts: Timestamp) {
        *self.last_ts.lock() = ts;
    }

    /// The next key, when it is there.
    pub(super) fn take(&self) -> Option<Session> {
        self.fresh.lock().take()
    }

    /// Another key, asked for now. Blocks.
    pub(super) fn make_now(&self) -> Result<Session, ServiceError> {
        let since = *self.last_ts.lock();
        self.service.runtime().block_on(Session::make(&self.service, self.lasting, since))
    }

    /// Whether the next key is there.
    pub(super) fn is_ready(&self) -> bool {
        self.fresh.lock().is_some()
    }

    /// Asks for the next key now.
    pub(super) fn hurry(&self) {
        self.now.notify_one();
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }
}

/// What the task has in common with those who wait for it.
struct Task {
    service: Arc<Service>,
    fresh: Arc<Mutex<Option<Session>>>,
    now: Arc<Notify>,
    last_ts: Arc<Mutex<Timestamp>>,
}

impl Task {
    async fn renew(self, lasting: Duration) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(lasting / 2) => {}
                () = self.now.notified() => {}
            }
            let mut pause = PAUSE_FIRST;
            let session = loop {
                let since = *self.last_ts.lock();
                match Session::make(&self.service, lasting, since).await {
                    Ok(session) => break session,
                    Err(error) => {
                        tracing::warn!(%error, "no new session key; the present one goes on");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                    }
                }
            };
            *self.fresh.lock() = Some(session);
        }
    }
}
