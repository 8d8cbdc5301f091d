//! Who may ask a token server when.
//!
//! Whoever sends a user's token decides what is asked for. So one agent has a few requests under way
//! and no more, and what it asks for beyond that waits behind its own; the same token is asked for
//! once, and others meanwhile.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tollgate_rules::AgentId;

use super::token::Subject;

/// Requests under way to one server.
const AT_ONCE: usize = 8;
/// Of these, one agent's: its flood leaves room for others.
const OF_ONE_AGENT: usize = 2;

/// The turns at one server.
pub(super) struct Turns {
    agents: Queues<AgentId>,
    subjects: Queues<Subject>,
    places: Semaphore,
}

/// A turn; the next one's when it is dropped.
pub(super) struct Turn<'t> {
    // In the order in which they are given back.
    _place: SemaphorePermit<'t>,
    _subject: Queued<'t, Subject>,
    _agent: Queued<'t, AgentId>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            agents: Queues::of(OF_ONE_AGENT),
            subjects: Queues::of(1),
            places: Semaphore::new(AT_ONCE),
        }
    }
}

impl Turns {
    /// Waits for an agent's turn to ask for a token. The agent's own bound comes first, so that what
    /// waits there is in nobody else's way.
    pub(super) async fn take(
        &self,
        agent: &AgentId,
        subject: Subject,
    ) -> Result<Turn<'_>, AcquireError> {
        let agent = self.agents.enter(agent.clone()).await?;
        let subject = self.subjects.enter(subject).await?;
        let place = self.places.acquire().await?;
        Ok(Turn { _place: place, _subject: subject, _agent: agent })
    }
}

/// A queue for each key that somebody waits at or holds, and for no other.
struct Queues<K> {
    each: usize,
    open: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Clone + Eq + Hash> Queues<K> {
    fn of(each: usize) -> Self {
        Self { each, open: Mutex::default() }
    }

    async fn enter(&self, key: K) -> Result<Queued<'_, K>, AcquireError> {
        let queue = {
            let mut open = self.open.lock();
            Arc::clone(
                open.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.each))),
            )
        };
        // Whoever leaves while it waits leaves nothing behind, so this comes first.
        let mut queued = Queued { queues: self, key, queue: Some(Arc::clone(&queue)), held: None };
        queued.held = Some(queue.acquire_owned().await?);
        Ok(queued)
    }
}

/// One that waits in a queue, or has its turn.
struct Queued<'q, K: Eq + Hash> {
    queues: &'q Queues<K>,
    key: K,
    queue: Option<Arc<Semaphore>>,
    held: Option<OwnedSemaphorePermit>,
}

impl<K: Eq + Hash> Drop for Queued<'_, K> {
    fn drop(&mut self) {
        // Under the lock, where nobody can enter: the last one closes the queue.
        let mut open = self.queues.open.lock();
        self.held = None;
        self.queue = None;
        if open.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            open.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn agent(name: &str) -> AgentId {
        AgentId::new(format!("spiffe://acme.test/agents/{name}"))
    }

    async fn take<'t>(turns: &'t Turns, who: &str, subject: u8) -> Option<Turn<'t>> {
        let (agent, wait) = (agent(who), Duration::from_millis(10));
        let taken = turns.take(&agent, [subject; 32]);
        tokio::time::timeout(wait, taken).await.ok().map(Result::unwrap)
    }

    #[tokio::test]
    async fn a_flood_of_one_agent_leaves_room() {
        let turns = Turns::default();
        let first = take(&turns, "mallory", 1).await.unwrap();
        let second = take(&turns, "mallory", 2).await.unwrap();
        assert!(take(&turns, "mallory", 3).await.is_none(), "two at once");
        assert!(take(&turns, "amy", 1).await.is_none(), "the same token is asked for once");
        let amy = take(&turns, "amy", 3).await.unwrap();
        drop(first);
        let third = take(&turns, "mallory", 3).await;
        assert!(third.is_none(), "amy asks for it");
        drop(amy);
        let third = take(&turns, "mallory", 3).await.unwrap();
        drop((second, third));
        assert!(turns.agents.open.lock().is_empty());
        assert!(turns.subjects.open.lock().is_empty());
        assert_eq!(turns.places.available_permits(), AT_ONCE);
    }

    #[tokio::test]
    async fn so_many_ask_at_once() {
        let turns = Turns::default();
        let mut held = Vec::new();
        for subject in 0..8 {
            held.push(take(&turns, &format!("agent-{subject}"), subject).await.unwrap());
        }
        assert!(take(&turns, "amy", 9).await.is_none());
        held.pop();
        assert!(take(&turns, "amy", 9).await.is_some());
    }
}
