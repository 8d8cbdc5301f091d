//! Whose a session of MCP is (MCP 2025-11-25, "Session Management" and "Session Hijacking").
//!
//! A server takes whoever knows the id of a session for who began it. So a session belongs to the
//! agent that the server gave its id to, and no other agent may use it. One that was given before the
//! gate started belongs to the first agent that uses it.
//!
//! Ids are kept as keyed hashes, and so many of them: of those that were given, and, apart, of those
//! that were only claimed, which cost nothing to make up.
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use tollgate_rules::AgentId;

/// The header that names a session.
pub const HEADER: &str = "mcp-session-id";

/// Locks, so that calls of different sessions seldom meet at one.
const SHARDS: usize = 16;
/// Sessions of one shard that were given, and that were claimed.
const GIVEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);
const CLAIMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// Sessions and their agents.
pub struct Sessions {
    hashers: [RandomState; 2],
    shards: [Mutex<Shard>; SHARDS],
}

/// A route and an id.
type Key = (u64, u64);
/// An agent's id.
type Owner = u64;

struct Shard {
    given: LruCache<Key, Owner>,
    claimed: LruCache<Key, Owner>,
}

impl Default for Sessions {
    fn default() -> Self {
        let shard =
            |_| Mutex::new(Shard { given: LruCache::new(GIVEN), claimed: LruCache::new(CLAIMED) });
        Self {
            hashers: [RandomState::new(), RandomState::new()],
            shards: std::array::from_fn(shard),
        }
    }
}

impl Sessions {
    /// Whether the session is the agent's, or nobody's until now.
    pub fn may_use(&self, route: &str, id: &[u8], agent: &AgentId) -> bool {
        let (key, agent) = self.key(route, id, agent);
        let Some(shard) = self.shard(key) else { return false };
        let mut shard = shard.lock();
        let known = shard.given.get(&key).copied().or_else(|| shard.claimed.get(&key).copied());
        if known.is_none() {
            shard.claimed.put(key, agent);
        }
        known.is_none_or(|owner| owner == agent)
    }

    /// A server gave the id to an agent. One that is another's stays so.
    pub fn give(&self, route: &str, id: &[u8], agent: &AgentId) {
        let (key, agent) = self.key(route, id, agent);
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.lock();
        let owner = shard.claimed.pop(&key).unwrap_or(agent);
        if !shard.given.contains(&key) {
            shard.given.put(key, owner);
        }
    }

    fn key(&self, route: &str, id: &[u8], agent: &AgentId) -> (Key, Owner) {
        let [first, second] = &self.hashers;
        let key = (first.hash_one((route, id)), second.hash_one((route, id)));
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
    fn a_session_is_whose_it_was_given_to() {
        let sessions = Sessions::default();
        let (alice, bob) = (AgentId::new("alice"), AgentId::new("bob"));
        sessions.give("tools", b"one", &alice);
        assert!(sessions.may_use("tools", b"one", &alice));
        assert!(!sessions.may_use("tools", b"one", &bob));
        // Of another route the same id is another session.
        assert!(sessions.may_use("files", b"one", &bob));
        // Nobody's until it is used; a server does not give it away from whom it is.
        assert!(sessions.may_use("tools", b"two", &bob));
        sessions.give("tools", b"two", &alice);
        assert!(sessions.may_use("tools", b"two", &bob));
        assert!(!sessions.may_use("tools", b"two", &alice));
    }

    #[test]
    fn made_up_ids_drive_no_given_one_out() {
        let sessions = Sessions::default();
        let (alice, bob) = (AgentId::new("alice"), AgentId::new("bob"));
        sessions.give("tools", b"one", &alice);
        for nth in 0_u32..40_000 {
            assert!(sessions.may_use("tools", &nth.to_be_bytes(), &bob));
        }
        assert!(!sessions.may_use("tools", b"one", &bob));
    }
}
