//! What the agent was told: which address it has by which name.
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use tollgate_rules::Host;

/// Clients may connect a while after an answer's time is over: they resolve first, then work.
const GRACE: Duration = Duration::from_secs(60);
/// Names that one address is remembered by; the oldest goes.
const NAMES_MAX: usize = 8;

/// The addresses that were given, each with the names that it was given for. Bounded: what was
/// given longest ago is forgotten first.
#[derive(Debug)]
pub struct Given {
    addresses: Mutex<LruCache<IpAddr, Names>>,
    /// When it was last told that there were too many queries.
    told: Mutex<Option<Instant>>,
}

/// What one address was given for, and until when.
#[derive(Debug, Default)]
struct Names {
    names: Vec<(Host, Instant)>,
    /// Whether there were more than are remembered, so that nobody knows all of them.
    crowded: bool,
}

/// A limit that is reached again so soon after it was told is no news.
const NEWS_EVERY: Duration = Duration::from_secs(60);

impl Given {
    /// Remembers so many addresses.
    pub fn new(addresses: usize) -> Self {
        let bound = NonZeroUsize::new(addresses).unwrap_or(NonZeroUsize::MIN);
        Self { addresses: Mutex::new(LruCache::new(bound)), told: Mutex::default() }
    }

    /// Whether it has to be told again that there are too many queries.
    pub(super) fn is_news(&self, now: Instant) -> bool {
        let mut told = self.told.lock();
        let news = told.is_none_or(|last| now.duration_since(last) >= NEWS_EVERY);
        if news {
            *told = Some(now);
        }
        news
    }

    /// Whether an address was given for this name, and its time is not over.
    pub fn was(&self, host: &Host, address: IpAddr) -> bool {
        self.was_at(host, address, Instant::now())
    }

    /// Whether this name may have that address, for all that was given: not when it was given for
    /// others alone. A program that once resolved a name may keep what it was told for as long as
    /// it runs, so a name counts when its time is over, too.
    pub fn may_be(&self, host: &Host, address: IpAddr) -> bool {
        self.may_be_at(host, address, Instant::now())
    }

    /// Remembers an answer for as long as it lasts.
    pub(super) fn give(&self, host: &Host, addresses: &[IpAddr], lasts: Duration) {
        self.give_at(host, addresses, lasts, Instant::now());
    }

    fn was_at(&self, host: &Host, address: IpAddr, now: Instant) -> bool {
        let given = self.addresses.lock();
        let known = given.peek(&address.to_canonical());
        known.is_some_and(|known| known.names.iter().any(|(name, end)| name == host && *end > now))
    }

    fn may_be_at(&self, host: &Host, address: IpAddr, now: Instant) -> bool {
        let given = self.addresses.lock();
        let Some(known) = given.peek(&address.to_canonical()) else { return true };
        let of_it = known.names.iter().any(|(name, _)| name == host);
        let of_others = known.names.iter().any(|(_, end)| *end > now);
        of_it || known.crowded || !of_others
    }

    fn give_at(&self, host: &Host, addresses: &[IpAddr], lasts: Duration, now: Instant) {
        let Some(end) = now.checked_add(lasts).and_then(|end| end.checked_add(GRACE)) else {
            return;
        };
        let mut given = self.addresses.lock();
        for address in addresses {
            let known = given.get_or_insert_mut(address.to_canonical(), Names::default);
            known.names.retain(|(name, _)| name != host);
            if known.names.len() >= NAMES_MAX {
                known.names.remove(0);
                known.crowded = true;
            }
            known.names.push((host.clone(), end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::parse(name).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_the_names_it_was_given_for() {
        let given = Given::new(16);
        let now = Instant::now();
        let (a, b, c) = (host("a.test"), host("b.test"), host("c.test"));
        given.give_at(&a, &[ip("198.18.0.1"), ip("198.18.0.2")], Duration::from_secs(30), now);
        for address in ["198.18.0.1", "::ffff:198.18.0.1"] {
            assert!(given.was_at(&a, ip(address), now) && given.may_be_at(&a, ip(address), now));
            assert!(!given.was_at(&b, ip(address), now) && !given.may_be_at(&b, ip(address), now));
        }
        // What was never given may be anybody's.
        assert!(!given.was_at(&a, ip("198.18.0.3"), now));
        assert!(given.may_be_at(&a, ip("198.18.0.3"), now));
        // Two names, and both are so.
        given.give_at(&b, &[ip("198.18.0.2")], Duration::from_secs(300), now);
        for name in [&a, &b] {
            assert!(given.was_at(name, ip("198.18.0.2"), now));
        }
        assert!(!given.may_be_at(&c, ip("198.18.0.2"), now));
        // The first one's time is over, but a program may have kept it; it still is no third's.
        let later = now + Duration::from_secs(91);
        assert!(!given.was_at(&a, ip("198.18.0.2"), later));
        assert!(given.may_be_at(&a, ip("198.18.0.2"), later));
        assert!(!given.may_be_at(&c, ip("198.18.0.2"), later));
        // When everybody's is over, nobody knows whose it is now.
        assert!(given.may_be_at(&c, ip("198.18.0.2"), now + Duration::from_secs(361)));
        // Given again, it lasts again.
        given.give_at(&a, &[ip("198.18.0.1")], Duration::from_secs(30), later);
        assert!(given.was_at(&a, ip("198.18.0.1"), later));
    }

    #[test]
    fn memory_has_a_bound() {
        let given = Given::new(16);
        let now = Instant::now();
        let name = |n: u8| host(&format!("n{n}.test"));
        for n in 0..100_u8 {
            let addresses = [ip(&format!("198.18.0.{n}")), ip("198.18.1.1")];
            given.give_at(&name(n), &addresses, Duration::from_secs(30), now);
        }
        let of = |n: u8| ip(&format!("198.18.0.{n}"));
        assert_eq!((0..100).filter(|n| given.was_at(&name(*n), of(*n), now)).count(), 15);
        let shared = ip("198.18.1.1");
        assert_eq!((0..100).filter(|n| given.was_at(&name(*n), shared, now)).count(), NAMES_MAX);
        // Of an address with so many names nobody knows whose it is not.
        assert!(given.may_be_at(&host("other.test"), shared, now));
    }
}
