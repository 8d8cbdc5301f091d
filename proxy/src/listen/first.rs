//! Connections of which no whole head has come yet, and what they may take of the gate.
//!
//! Nobody knows whose they are. So all that comes before the first head has one deadline together,
//! and where no more connections are taken, the oldest of these makes room.
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All of them, by age.
#[derive(Debug, Default)]
struct Firsts(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    by_age: BTreeMap<u64, CancellationToken>,
}

/// Places for connections, of whichever listener.
#[derive(Clone)]
pub(crate) struct Room {
    places: Arc<Semaphore>,
    /// Those that make room.
    firsts: Arc<Firsts>,
}

impl Room {
    /// So many places.
    pub(crate) fn of(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), firsts: Arc::default() }
    }

    /// Takes a place for a connection. When there is none, the oldest that makes room gives up its own,
    /// or whoever says nothing would keep everybody out.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        self.firsts.make_room();
        Arc::clone(&self.places).acquire_owned().await
    }

    /// Counts a connection that has a place among those that make room, and gives what ends when it has
    /// to.
    pub(crate) fn begin(&self, patience: Duration) -> (Arc<First>, CancellationToken) {
        self.firsts.enter(patience)
    }
}

impl Firsts {
    fn enter(self: &Arc<Self>, patience: Duration) -> (Arc<First>, CancellationToken) {
        let token = CancellationToken::new();
        let mut waiting = self.0.lock();
        waiting.last += 1;
        let number = waiting.last;
        waiting.by_age.insert(number, token.clone());
        let (all, due) = (Arc::clone(self), Instant::now() + patience);
        (Arc::new(First { all, number, due, has_come: AtomicBool::new(false) }), token)
    }

    /// Ends the oldest one, if there is one.
    fn make_room(&self) -> bool {
        let oldest = self.0.lock().by_age.pop_first();
        oldest.inspect(|(_, token)| token.cancel()).is_some()
    }
}

/// The first head of a connection.
#[derive(Debug)]
pub struct First {
    all: Arc<Firsts>,
    number: u64,
    due: Instant,
    has_come: AtomicBool,
}

impl First {
    /// All of it is here, or what came is no head and is refused: the connection no longer makes room.
    pub(super) fn came(&self) {
        if !self.has_come.swap(true, Ordering::AcqRel) {
            self.all.0.lock().by_age.remove(&self.number);
        }
    }

    /// When it must be here; `None` once it is.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.has_come.load(Ordering::Acquire)).then_some(self.due)
    }

    /// Resolves when it is late; never when it has come.
    pub(super) async fn late(&self) {
        tokio::time::sleep_until(self.due).await;
        if self.due().is_none() {
            pending().await
        }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        self.came();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_without_a_head_makes_room() {
        let firsts = Arc::new(Firsts::default());
        let enter = || firsts.enter(Duration::from_secs(1));
        let ((one, one_ends), (two, two_ends), (three, three_ends)) = (enter(), enter(), enter());
        one.came();
        assert_eq!((one.due(), two.due()), (None, Some(two.due)));
        assert!(firsts.make_room());
        let ended = [&one_ends, &two_ends, &three_ends].map(CancellationToken::is_cancelled);
        assert_eq!(ended, [false, true, false]);
        drop(three);
        assert!(!firsts.make_room(), "nobody is left");
        assert!(!three_ends.is_cancelled());
    }
}
