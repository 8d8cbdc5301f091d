//! Refusals where nobody is known, told within bounds.
//!
//! Whoever reaches a port makes them as fast as it can connect, and each event is kept. So of each code
//! at each listener so many a minute are told one by one, and of what is more its number, when the
//! minute is over or the gate stops: a flood of one kind does not hide the one refusal of another.
//! Metrics count them all. What an agent does that is known is always told.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tollgate_audit::{EventType, Facts, keys};
use tollgate_rules::Code;

use crate::gate::Gate;

/// Enough to see who tries what; 60 events a minute are some 50 MB a day, and who is nobody meets few
/// codes.
const SINGLY: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// What was refused in this minute, by listener and code.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<BTreeMap<String, Codes>>);

type Codes = BTreeMap<&'static str, Refused>;

#[derive(Debug, Default)]
struct Refused {
    told: u32,
    /// What was not told.
    counted: u64,
}

impl Strangers {
    /// Whether a refusal is to be told by itself; otherwise it is counted.
    pub(crate) fn is_told(&self, listener: &str, code: Code) -> bool {
        let mut all = self.0.lock();
        let codes = all.entry(listener.to_owned()).or_default();
        let refused = codes.entry(code.as_str()).or_default();
        if refused.told < SINGLY {
            refused.told += 1;
            return true;
        }
        refused.counted += 1;
        false
    }

    /// Counts what could not be told.
    fn put_back(&self, listener: &str, code: &'static str, count: u64) {
        let mut all = self.0.lock();
        let codes = all.entry(listener.to_owned()).or_default();
        codes.entry(code).or_default().counted += count;
    }

    /// Begins another minute, and gives what was counted in the last one.
    fn take(&self) -> BTreeMap<String, Codes> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Gate {
    /// Tells how many refusals were not told by themselves.
    pub(crate) async fn tell_strangers(&self) {
        for (listener, codes) in self.strangers.take() {
            let counted = codes.into_iter().map(|(code, refused)| (code, refused.counted));
            for (code, count) in counted.filter(|(_, count)| *count > 0) {
                let facts = Facts::new(EventType::CallRefused, "unidentified")
                    .revision(&self.snapshot().revision)
                    .text("listener", &listener)
                    .text(keys::EFFECT, "deny")
                    .text(keys::CODE, code)
                    .number("count", count)
                    .text("detail", "more than are told one by one");
                if self.ledger.append(facts).await.is_err() {
                    tracing::error!(count, "refused connections could not be recorded yet");
                    self.strangers.put_back(&listener, code, count);
                }
            }
        }
    }
}

/// Tells them each minute, until the gate stops.
pub(crate) async fn run(gate: Arc<Gate>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MINUTE) => {}
        }
        gate.tell_strangers().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_own_minute_at_each_listener() {
        let strangers = Strangers::default();
        let told =
            |listener: &str, code| (0..100).filter(|_| strangers.is_told(listener, code)).count();
        assert_eq!(told("one", Code::IdentityMissing), SINGLY as usize);
        assert_eq!(told("one", Code::IdentityMissing), 0);
        assert!(strangers.is_told("one", Code::AgentRevoked), "a flood of others hides it");
        assert_eq!(told("two", Code::IdentityMissing), SINGLY as usize);
        strangers.put_back("two", "IDENTITY_MISSING", 2);
        strangers.put_back("two", "MALFORMED_HEAD", 3);
        let counted = strangers.take();
        let of = |listener: &str| {
            let codes = counted[listener].iter().map(|(code, refused)| (*code, refused.counted));
            codes.filter(|(_, count)| *count > 0).collect::<Vec<_>>()
        };
        assert_eq!(of("one"), [("IDENTITY_MISSING", 140)]);
        assert_eq!(of("two"), [("IDENTITY_MISSING", 42), ("MALFORMED_HEAD", 3)]);
        assert!(strangers.is_told("one", Code::IdentityMissing), "another minute");
    }
}
