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
    names: Mutex<LruCache<IpAddr, Vec<(Host, Instant)>>>,
    /// When it was last told that there were too many queries.
    told: Mutex<Option<Instant>>,
}

/// A limit that is reached again so soon after it was told is no news.
const NEWS_EVERY: Duration = Duration::from_secs(60);

impl Given {
    /// Remembers so many addresses.
    pub fn new(addresses: usize) -> Self {
        let bound = NonZeroUsize::new(addresses).unwrap_or(NonZeroUsize::MIN);
        Self { names: Mutex::new(LruCache::new(bound)), told: Mutex::default() }
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

    /// The name that an address was given for. Nothing when it was not given, when its time is
    /// over, and when it was given for several names: then only the client can say which it means,
    /// and [`was`](Self::was) whether that is so.
    pub fn of(&self, address: IpAddr) -> Option<Host> {
        self.of_at(address, Instant::now())
    }

    /// Whether an address was given for this name.
    pub fn was(&self, host: &Host, address: IpAddr) -> bool {
        self.was_at(host, address, Instant::now())
    }

    /// Remembers an answer for as long as it lasts.
    pub(super) fn give(&self, host: &Host, addresses: &[IpAddr], lasts: Duration) {
        self.give_at(host, addresses, lasts, Instant::now());
    }

    fn of_at(&self, address: IpAddr, now: Instant) -> Option<Host> {
        let given = self.names.lock();
        let mut live = given.peek(&address.to_canonical())?.iter().filter(|(_, end)| *end > now);
        match (live.next(), live.next()) {
            (Some((host, _)), None) => Some(host.clone()),
            _ => None,
        }
    }

    fn was_at(&self, host: &Host, address: IpAddr, now: Instant) -> bool {
        let given = self.names.lock();
        let names = given.peek(&address.to_canonical());
        names.is_some_and(|names| names.iter().any(|(name, end)| name == host && *end > now))
    }

    fn give_at(&self, host: &Host, addresses: &[IpAddr], lasts: Duration, now: Instant) {
        let Some(end) = now.checked_add(lasts).and_then(|end| end.checked_add(GRACE)) else {
            return;
        };
        let mut given = self.names.lock();
        for address in addresses {
            let names = given.get_or_insert_mut(address.to_canonical(), Vec::new);
            names.retain(|(name, until)| name != host && *until > now);
            if names.len() >= NAMES_MAX {
                names.remove(0);
            }
            names.push((host.clone(), end));
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
    fn an_address_has_the_name_it_was_given_for() {
        let given = Given::new(16);
        let now = Instant::now();
        let (a, b) = (host("a.test"), host("b.test"));
        given.give_at(&a, &[ip("198.18.0.1"), ip("198.18.0.2")], Duration::from_secs(30), now);
        assert_eq!(given.of_at(ip("198.18.0.1"), now), Some(a.clone()));
        assert_eq!(given.of_at(ip("::ffff:198.18.0.1"), now), Some(a.clone()));
        assert_eq!(given.of_at(ip("198.18.0.3"), now), None);
        // Two names, and nobody knows which is meant; but both are so.
        given.give_at(&b, &[ip("198.18.0.2")], Duration::from_secs(300), now);
        assert_eq!(given.of_at(ip("198.18.0.2"), now), None);
        assert!(given.was_at(&a, ip("198.18.0.2"), now) && given.was_at(&b, ip("198.18.0.2"), now));
        assert!(!given.was_at(&b, ip("198.18.0.1"), now));
        // The first one's time is over, then the other's.
        let later = now + Duration::from_secs(91);
        assert_eq!(given.of_at(ip("198.18.0.1"), later), None);
        assert_eq!(given.of_at(ip("198.18.0.2"), later), Some(b.clone()));
        assert_eq!(given.of_at(ip("198.18.0.2"), now + Duration::from_secs(361)), None);
        // Given again, it lasts again.
        given.give_at(&a, &[ip("198.18.0.1")], Duration::from_secs(30), later);
        assert_eq!(given.of_at(ip("198.18.0.1"), later), Some(a));
    }

    #[test]
    fn memory_has_a_bound() {
        let given = Given::new(16);
        let now = Instant::now();
        for n in 0..100_u8 {
            given.give_at(
                &host(&format!("n{n}.test")),
                &[ip(&format!("198.18.0.{n}")), ip("198.18.1.1")],
                Duration::from_secs(30),
                now,
            );
        }
        let left = (0..100_u8).filter(|n| given.of_at(ip(&format!("198.18.0.{n}")), now).is_some());
        assert_eq!(left.count(), 15);
        let names = (0..100_u8)
            .filter(|n| given.was_at(&host(&format!("n{n}.test")), ip("198.18.1.1"), now));
        assert_eq!(names.count(), NAMES_MAX);
    }
}
