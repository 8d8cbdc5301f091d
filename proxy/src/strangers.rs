//! Refusals where nobody is known, told within bounds.
//!
//! Whoever reaches a port makes them as fast as it can connect, and each event is kept. So of each
//! listener so many a minute are told one by one, and of what is more its number, by code, when the
//! minute is over or the gate stops. Metrics count them all. What an agent does that is known is
//! always told.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tollgate_audit::{EventType, Facts, keys};
use tollgate_rules::Code;

use crate::gate::Gate;

/// Enough to see who tries what; 60 events a minute are some 50 MB a day.
const SINGLY: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// What was refused in this minute, by listener.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<BTreeMap<String, Refused>>);

#[derive(Debug, Default)]
struct Refused {
    told: u32,
    /// What was not told, by code.
    counted: BTreeMap<&'static str, u64>,
}

impl Strangers {
    /// Whether a refusal is to be told by itself; otherwise it is counted.
    pub(crate) fn is_told(&self, listener: &str, code: Code) -> bool {
        let mut all = self.0.lock();
        let refused = all.entry(listener.to_owned()).or_default();
        if refused.told < SINGLY {
            refused.told += 1;
            return true;
        }
        *refused.counted.entry(code.as_str()).or_default() += 1;
        false
    }

    /// Counts what could not be told.
    fn put_back(&self, listener: &str, code: &'static str, count: u64) {
        let mut all = self.0.lock();
        let counted = &mut all.entry(listener.to_owned()).or_default().counted;
        *counted.entry(code).or_default() += count;
    }

    /// Begins another minute, and gives what was counted in the last one.
    fn take(&self) -> BTreeMap<String, Refused> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Gate {
    /// Tells how many refusals were not told by themselves.
    pub(crate) async fn tell_strangers(&self) {
        for (listener, refused) in self.strangers.take() {
            for (code, count) in refused.counted {
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
    fn each_listener_has_its_own_minute() {
        let strangers = Strangers::default();
        let told =
            |listener: &str, code| (0..100).filter(|_| strangers.is_told(listener, code)).count();
        assert_eq!(told("one", Code::IdentityMissing), SINGLY as usize);
        assert_eq!(told("one", Code::MalformedHead), 0);
        assert_eq!(told("two", Code::MalformedHead), SINGLY as usize);
        strangers.put_back("two", "MALFORMED_HEAD", 2);
        let counted = strangers.take();
        let of = |listener: &str| counted[listener].counted.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(of("one"), [("IDENTITY_MISSING", 40), ("MALFORMED_HEAD", 100)]);
        assert_eq!(of("two"), [("MALFORMED_HEAD", 42)]);
        assert!(strangers.is_told("one", Code::IdentityMissing), "another minute");
    }
}
