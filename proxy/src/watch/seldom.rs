//! What would be said many times a second, said once in a while.
use std::time::Duration;

use tokio::time::Instant;

/// Between one time and the next.
const PAUSE: Duration = Duration::from_secs(30);

/// When something was said last, and how often it was not since.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    last: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// Whether it is to be said now: how often it was not since the last time.
    pub(crate) fn due(&mut self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_in_a_while() {
        let (mut seldom, start) = (Seldom::default(), Instant::now());
        let mut at = |millis| seldom.due_at(start + Duration::from_millis(millis));
        let said = (0..1300).filter_map(|turn| at(turn * 50)).collect::<Vec<_>>();
        assert_eq!(said, [0, 599, 599]);
    }
}
