//! Places in flight at upstreams. A call takes one before it connects, and holds it until its
//! answer has ended; it comes back when whatever holds it is dropped.
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntCounterVec;
use tokio::sync::Notify;
use tokio::time::Instant;
use tollgate_config::settings::{self, Upstreams};
use tollgate_rules::{Code, Host};

use super::breaker::{Breaker, Change, Pass};
use super::{Destination, Failure};

/// How many upstreams are kept in mind. Behind `*.suffix` of the forward proxy an agent chooses
/// names, so there must be an end; those with nothing in flight are forgotten first.
const UPSTREAMS_MAX: usize = 4096;

/// Retries that an upstream may get at once when it was quiet before, in hundredths.
const SPARE_MAX: u32 = 1_000;

/// What is counted of upstreams.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Changes of circuits, by `route` and `state`.
    pub changes: IntCounterVec,
    /// Calls that did not leave, by `route` and `why`.
    pub refusals: IntCounterVec,
    /// Calls that were sent again, by `route` and `why`.
    pub retries: IntCounterVec,
    /// Checks, by `route` and `outcome`.
    pub checks: IntCounterVec,
}

/// A host and port behind a route.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    route: Arc<str>,
    host: Host,
    port: u16,
}

impl Key {
    fn of(to: &Destination) -> Self {
        Self { route: Arc::clone(&to.route), host: to.host.clone(), port: to.port }
    }
}

/// The places at all upstreams.
#[derive(Debug)]
pub(super) struct Places {
    upstreams: Mutex<HashMap<Key, Arc<Yard>>>,
    counters: Counters,
}

/// The places at one upstream.
#[derive(Debug)]
struct Yard {
    route: Arc<str>,
    state: Mutex<Taken>,
    freed: Notify,
    counters: Counters,
}

#[derive(Debug)]
struct Taken {
    breaker: Breaker,
    flying: u32,
    waiting: u32,
    /// What is left for retries, in hundredths of one.
    spare: u32,
    /// When somebody came last.
    last: Instant,
    /// The address that answered last.
    near: Option<SocketAddr>,
    /// When it is looked at again, while it does not pass its checks.
    unwell: Option<Duration>,
}

/// A place in flight at an upstream.
#[derive(Debug)]
pub(super) struct Place {
    yard: Arc<Yard>,
    terms: settings::Breaker,
    pass: Pass,
    address: Option<SocketAddr>,
}

/// How one route stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Calls in flight.
    pub flying: i64,
    /// Upstreams whose circuit is not closed.
    pub open: i64,
    /// Upstreams that do not pass their checks.
    pub unwell: i64,
}

impl Places {
    pub(super) fn new(counters: Counters) -> Self {
        Self { upstreams: Mutex::default(), counters }
    }

    /// Takes a place, or says why there is none. `addresses` are told when a circuit changes.
    pub(super) async fn enter(
        &self,
        to: &Destination,
        addresses: &[SocketAddr],
        terms: &Upstreams,
    ) -> Result<Place, Failure> {
        let yard = self.yard(to)?;
        let address = addresses.first().copied();
        let most = to.concurrency.unwrap_or(terms.concurrency);
        if let Some(entered) = yard.try_enter(most, terms, address, false) {
            return entered;
        }
        let Some(waiting) = Waiting::begin(&yard, terms) else {
            return Err(yard.busy(terms));
        };
        let deadline = Instant::now() + Duration::from_millis(terms.wait_ms);
        loop {
            if tokio::time::timeout_at(deadline, yard.freed.notified()).await.is_err() {
                return Err(yard.busy(terms));
            }
            if let Some(entered) = yard.try_enter(most, terms, address, true) {
                drop(waiting);
                return entered;
            }
        }
    }

    /// A check says how an upstream is: well, or not before so long.
    pub(super) fn set_unwell(&self, to: &Destination, after: Option<Duration>) {
        // Where there is no room for it, its calls find none either.
        let Ok(yard) = self.yard(to) else { return };
        yard.state.lock().unwell = after;
    }

    /// Those that nobody looks after any more are believed again.
    pub(super) fn forget_unwell(&self, looked_after: &[Arc<Destination>]) {
        let looked_after = looked_after.iter().map(|to| Key::of(to)).collect::<HashSet<_>>();
        for (key, yard) in &*self.upstreams.lock() {
            if !looked_after.contains(key) {
                yard.state.lock().unwell = None;
            }
        }
    }

    /// Counts a check.
    pub(super) fn count_check(&self, route: &str, outcome: &str) {
        self.counters.checks.with_label_values(&[route, outcome]).inc();
    }

    /// How every route stands, by its name.
    pub(super) fn standing(&self) -> HashMap<Arc<str>, Standing> {
        let mut all = HashMap::<_, Standing>::new();
        for (key, yard) in &*self.upstreams.lock() {
            let taken = yard.state.lock();
            let standing = all.entry(Arc::clone(&key.route)).or_default();
            standing.flying += i64::from(taken.flying);
            standing.open += i64::from(taken.breaker.is_open());
            standing.unwell += i64::from(taken.unwell.is_some());
        }
        all
    }

    fn yard(&self, to: &Destination) -> Result<Arc<Yard>, Failure> {
        let key = Key::of(to);
        let now = Instant::now();
        let mut upstreams = self.upstreams.lock();
        if let Some(yard) = upstreams.get(&key) {
            yard.state.lock().last = now;
            return Ok(Arc::clone(yard));
        }
        if upstreams.len() >= UPSTREAMS_MAX {
            forget_one(&mut upstreams, now);
        }
        if upstreams.len() >= UPSTREAMS_MAX {
            return Err(Failure::new(Code::LimiterUnavailable, "too many upstreams at once"));
        }
        let taken = Taken {
            breaker: Breaker::new(),
            flying: 0,
            waiting: 0,
            spare: SPARE_MAX,
            last: now,
            near: None,
            unwell: None,
        };
        let yard = Arc::new(Yard {
            route: Arc::clone(&to.route),
            state: Mutex::new(taken),
            freed: Notify::new(),
            counters: self.counters.clone(),
        });
        upstreams.insert(key, Arc::clone(&yard));
        Ok(yard)
    }
}

/// Forgets the upstream that nobody has come to for longest, if any can be forgotten.
fn forget_one(upstreams: &mut HashMap<Key, Arc<Yard>>, now: Instant) {
    let oldest = upstreams
        .iter()
        // Whoever waits or flies holds it.
        .filter(|(_, yard)| Arc::strong_count(yard) == 1)
        .filter_map(|(key, yard)| {
            let taken = yard.state.lock();
            let idle = taken.unwell.is_none() && taken.breaker.is_forgettable(now);
            idle.then_some((taken.last, key))
        })
        .min_by_key(|(last, _)| *last)
        .map(|(_, key)| key.clone());
    if let Some(key) = oldest {
        upstreams.remove(&key);
    }
}

impl Yard {
    /// A place when there is one, or the reason why there is none; nothing when it may help to wait.
    /// Whoever `waited` goes before those who come.
    fn try_enter(
        self: &Arc<Self>,
        most: u32,
        terms: &Upstreams,
        address: Option<SocketAddr>,
        waited: bool,
    ) -> Option<Result<Place, Failure>> {
        let mut taken = self.state.lock();
        if let Some(after) = taken.unwell {
            drop(taken);
            self.freed.notify_one();
            return Some(Err(self.refuse(Code::UpstreamCircuitOpen, "unwell", after)));
        }
        if taken.flying >= most {
            return None;
        }
        if taken.waiting > 0 && !waited {
            // There is room that nobody left, as after a reload: it is theirs first.
            self.freed.notify_one();
            return None;
        }
        let entered = taken.breaker.enter(&terms.breaker, Instant::now());
        if entered.is_ok() {
            taken.flying += 1;
            taken.spare = (taken.spare + terms.retry.share_percent).min(SPARE_MAX);
        }
        drop(taken);
        Some(match entered {
            Ok((pass, change)) => {
                self.tell(change, address);
                let (yard, terms) = (Arc::clone(self), terms.breaker);
                Ok(Place { yard, terms, pass, address })
            }
            Err(after) => {
                // Those behind are not kept waiting for a place that this one did not take.
                self.freed.notify_one();
                Err(self.refuse(Code::UpstreamCircuitOpen, "open", after))
            }
        })
    }

    fn busy(&self, terms: &Upstreams) -> Failure {
        let after = Duration::from_millis(terms.wait_ms).max(Duration::from_secs(1));
        self.refuse(Code::UpstreamBusy, "busy", after)
    }

    fn refuse(&self, code: Code, why: &'static str, after: Duration) -> Failure {
        self.counters.refusals.with_label_values(&[&*self.route, why]).inc();
        Failure::new(code, why).with_retry_after(after)
    }

    /// Counts and logs a change of the circuit.
    fn tell(&self, change: Option<Change>, address: Option<SocketAddr>) {
        let (route, address) = (&*self.route, address.map(tracing::field::display));
        let state = match change {
            None => return,
            Some(Change::Opened(length)) => {
                let open_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(route, address, open_ms, "an upstream failed and is left alone");
                "open"
            }
            Some(Change::Trying) => {
                tracing::info!(route, address, "an upstream that failed is tried again");
                "trying"
            }
            Some(Change::Closed) => {
                tracing::info!(route, address, "an upstream that failed is well again");
                "closed"
            }
        };
        self.counters.changes.with_label_values(&[route, state]).inc();
    }
}

/// One who waits for a place; given up when dropped.
struct Waiting(Arc<Yard>);

impl Waiting {
    fn begin(yard: &Arc<Yard>, terms: &Upstreams) -> Option<Self> {
        let mut taken = yard.state.lock();
        if terms.wait_ms == 0 || taken.waiting >= terms.waiting {
            return None;
        }
        taken.waiting += 1;
        Some(Self(Arc::clone(yard)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut taken = self.0.state.lock();
        taken.waiting = taken.waiting.saturating_sub(1);
    }
}

impl Place {
    /// The upstream answered.
    pub(super) fn well(&mut self) {
        let change =
            self.yard.state.lock().breaker.well(&mut self.pass, &self.terms, Instant::now());
        self.yard.tell(change, self.address);
    }

    /// The upstream failed.
    pub(super) fn failed(&mut self) {
        let change =
            self.yard.state.lock().breaker.failed(&mut self.pass, &self.terms, Instant::now());
        self.yard.tell(change, self.address);
    }

    /// Puts the address that answered last first (RFC 8305 section 4): there is a connection to it,
    /// and none to one that hangs.
    pub(super) fn sort(&self, addresses: &mut [SocketAddr]) {
        let near = self.yard.state.lock().near;
        addresses.sort_by_key(|address| Some(*address) != near);
    }

    /// This address answered.
    pub(super) fn reached(&self, address: SocketAddr) {
        self.yard.state.lock().near = Some(address);
    }

    /// Whether there is something left for one more retry; it is used up.
    pub(super) fn may_repeat(&self, why: &'static str) -> bool {
        let mut taken = self.yard.state.lock();
        let left = taken.spare.checked_sub(100);
        let why = if left.is_some() { why } else { "none_left" };
        taken.spare = left.unwrap_or(taken.spare);
        drop(taken);
        self.yard.counters.retries.with_label_values(&[&*self.yard.route, why]).inc();
        left.is_some()
    }

    /// Whether a failure is the upstream's: what was never sent for other reasons says nothing.
    pub(super) fn judge(&mut self, failure: &Failure) {
        match failure.code {
            Code::UpstreamConnect
            | Code::UpstreamTls
            | Code::UpstreamTimeout
            | Code::UpstreamProtocol => self.failed(),
            _ => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.yard.state.lock();
        taken.breaker.left(&self.pass);
        taken.flying = taken.flying.saturating_sub(1);
        drop(taken);
        self.yard.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Opts;
    use tollgate_rules::Scheme;

    use super::*;

    fn places() -> Places {
        let counter = |labels: &[&str]| IntCounterVec::new(Opts::new("c", "c"), labels).unwrap();
        Places::new(Counters {
            changes: counter(&["route", "state"]),
            refusals: counter(&["route", "why"]),
            retries: counter(&["route", "why"]),
            checks: counter(&["route", "outcome"]),
        })
    }

    fn to(host: &str) -> Destination {
        let host = Host::parse(host).unwrap();
        let to = Destination::strict("forward", Scheme::Http, host, 80);
        Destination { concurrency: Some(1), ..to }
    }

    #[tokio::test]
    async fn upstreams_without_end_are_forgotten_and_those_in_use_are_not() {
        let (places, terms) = (places(), Upstreams { wait_ms: 0, ..Upstreams::default() });
        let busy = places.enter(&to("busy.test"), &[], &terms).await.unwrap();
        for nth in 0..2 * UPSTREAMS_MAX {
            places.enter(&to(&format!("n{nth}.test")), &[], &terms).await.unwrap();
        }
        assert_eq!(places.upstreams.lock().len(), UPSTREAMS_MAX);
        let again = places.enter(&to("busy.test"), &[], &terms).await;
        assert_eq!(again.unwrap_err().code, Code::UpstreamBusy);
        drop(busy);
        places.enter(&to("busy.test"), &[], &terms).await.unwrap();
        // When all of them are in use there is no room for one more.
        let mut held = Vec::new();
        for nth in 0..UPSTREAMS_MAX {
            held.push(places.enter(&to(&format!("h{nth}.test")), &[], &terms).await.unwrap());
        }
        let one_more = places.enter(&to("more.test"), &[], &terms).await;
        assert_eq!(one_more.unwrap_err().code, Code::LimiterUnavailable);
        assert_eq!(places.standing()["forward"].flying, UPSTREAMS_MAX as i64);
    }

    #[tokio::test]
    async fn what_answered_last_is_tried_first() {
        let (places, terms) = (places(), Upstreams::default());
        let list = ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"];
        let list = list.map(|address| address.parse::<SocketAddr>().unwrap());
        let place = places.enter(&to("a.test"), &list, &terms).await.unwrap();
        let sorted = |list: &[SocketAddr]| {
            let mut list = list.to_vec();
            place.sort(&mut list);
            list
        };
        assert_eq!(sorted(&list), list);
        place.reached(list[2]);
        assert_eq!(sorted(&list), [list[2], list[0], list[1]]);
        // Only what was found and checked now is ever tried.
        assert_eq!(sorted(&list[..2]), list[..2]);
    }
}
