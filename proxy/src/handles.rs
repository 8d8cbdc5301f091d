//! Whose a session, a task or the state of a request is (MCP 2025-11-25, "Session Hijacking"; 2026-07-28,
//! "Multi Round-Trip Requests" and the extension for tasks).
//!
//! A server takes whoever knows one for whom it gave it to. So each belongs to the agent that the
//! server gave it to, and no other agent may use it. One that was given before the gate started
//! belongs to the first agent that uses it.
//!
//! They are kept as keyed hashes, and so many of them: of those that were given, and, apart, of those
//! that were only claimed, which cost nothing to make up.
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use tollgate_rules::AgentId;

use crate::decode::mcp::Handle;

/// Locks, so that calls with different handles seldom meet at one.
const SHARDS: usize = 16;
/// Handles of one shard that were given, and that were claimed.
const GIVEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);
const CLAIMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// Handles and their agents.
pub struct Handles {
    sessions: Owners,
    /// Of tasks and states, which are more: they drive no session out.
    works: Owners,
}

impl Default for Handles {
    fn default() -> Self {
        Self { sessions: Owners::new(), works: Owners::new() }
    }
}

impl Handles {
    /// Whether it is the agent's, or nobody's until now.
    pub fn may_use(&self, route: &str, handle: Handle<'_>, agent: &AgentId) -> bool {
        self.of(handle).may_use(route, handle, agent)
    }

    /// A server gave it to an agent. One that is another's stays so.
    pub fn give(&self, route: &str, handle: Handle<'_>, agent: &AgentId) {
        self.of(handle).give(route, handle, agent);
    }

    fn of(&self, handle: Handle<'_>) -> &Owners {
        match handle {
            Handle::Session(_) => &self.sessions,
            Handle::Task(_) | Handle::State(_) => &self.works,
        }
    }
}

/// A table of them.
struct Owners {
    hashers: [RandomState; 2],
    shards: [Mutex<Shard>; SHARDS],
}

/// A route and a handle.
type Key = (u64, u64);
/// An agent's id.
type Owner = u64;

struct Shard {
    given: LruCache<Key, Owner>,
    claimed: LruCache<Key, Owner>,
}

impl Owners {
    fn new() -> Self {
        let shard =
            |_| Mutex::new(Shard { given: LruCache::new(GIVEN), claimed: LruCache::new(CLAIMED) });
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            shards: std::array::from_fn(shard),
        }
    }

    fn may_use(&self, route: &str, handle: Handle<'_>, agent: &AgentId) -> bool {
        let (key, agent) = self.key(route, handle, agent);
        let Some(shard) = self.shard(key) else { return false };
        let mut shard = shard.lock();
        let known = shard.given.get(&key).copied().or_else(|| shard.claimed.get(&key).copied());
        if known.is_none() {
            shard.claimed.put(key, agent);
        }
        known.is_none_or(|owner| owner == agent)
    }

    fn give(&self, route: &str, handle: Handle<'_>, agent: &AgentId) {
        let (key, agent) = self.key(route, handle, agent);
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.lock();
        let owner = shard.claimed.pop(&key).unwrap_or(agent);
        if !shard.given.contains(&key) {
            shard.given.put(key, owner);
        }
    }

    fn key(&self, route: &str, handle: Handle<'_>, agent: &AgentId) -> (Key, Owner) {
        let [first, second] = &self.hashers;
        let key = (first.hash_one((route, handle)), second.hash_one((route, handle)));
        (key, first.hash_one(agent))
    }

    fn shard(&self, (key, _): Key) -> Option<&Mutex<Shard>> {
        self.shards.get(usize::try_from(key % SHARDS as u64).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_whose_it_was_given_to() {
        let handles = Handles::default();
        let (alice, bob) = (AgentId::new("alice"), AgentId::new("bob"));
        for [one, two] in [
            [Handle::Session(b"one"), Handle::Session(b"two")],
            [Handle::Task("one"), Handle::Task("two")],
            [Handle::State("one"), Handle::State("two")],
        ] {
            handles.give("tools", one, &alice);
            assert!(handles.may_use("tools", one, &alice));
            assert!(!handles.may_use("tools", one, &bob));
            // Of another route the same is another one.
            assert!(handles.may_use("files", one, &bob));
            // Nobody's until it is used; a server does not give it away from whom it is.
            assert!(handles.may_use("tools", two, &bob));
            handles.give("tools", two, &alice);
            assert!(handles.may_use("tools", two, &bob));
            assert!(!handles.may_use("tools", two, &alice));
        }
    }

    #[test]
    fn made_up_ids_drive_no_given_one_out() {
        let handles = Handles::default();
        let (alice, bob) = (AgentId::new("alice"), AgentId::new("bob"));
        handles.give("tools", Handle::Session(b"one"), &alice);
        handles.give("tools", Handle::Task("one"), &alice);
        for nth in 0_u32..40_000 {
            assert!(handles.may_use("tools", Handle::Session(&nth.to_be_bytes()), &bob));
            assert!(handles.may_use("tools", Handle::Task(&nth.to_string()), &bob));
        }
        assert!(!handles.may_use("tools", Handle::Session(b"one"), &bob));
        assert!(!handles.may_use("tools", Handle::Task("one"), &bob));
    }
}
