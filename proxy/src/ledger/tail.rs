//! What the end of the chain leaves open: calls whose end is not told, and holds.
use std::collections::HashSet;

use tollgate_audit::{Entry, EventType, keys};

/// How many intents without outcome are remembered; more at once than calls can be in flight.
const OPEN_MAX: usize = 65_536;

/// Watches the last events go by.
#[derive(Default)]
pub(super) struct Tail {
    open: HashSet<String>,
    order: Vec<String>,
    /// Legal holds that were set or cleared there, oldest first.
    pub(super) holds: Vec<Entry>,
}

impl Tail {
    /// Sees a line of a segment that is not parsed otherwise. Most lines are of no concern.
    pub(super) fn see_line(&mut self, line: &[u8]) {
        const WORDS: [&[u8]; 4] = [
            b"\"call.intent\"",
            b"\"call.outcome\"",
            b"\"gate.start\"",
            b"\"audit.reconciliation\"",
        ];
        // Behind the actor; the payload repeats it, so an early look is enough to go on.
        let head = line.get(..line.len().min(4096)).unwrap_or_default();
        if WORDS.iter().any(|word| memchr::memmem::find(head, word).is_some())
            && let Ok(entry) = Entry::parse(line)
        {
            self.see(&entry);
        }
    }

    /// Sees an event.
    pub(super) fn see(&mut self, entry: &Entry) {
        match EventType::parse(entry.event_type()) {
            Some(EventType::CallIntent) => self.begin(entry.id().to_string()),
            Some(EventType::CallOutcome) => {
                if let Some(intent) = entry.fact_text(keys::INTENT) {
                    self.open.remove(intent);
                }
            }
            // What was open before a start was told at that start.
            Some(EventType::GateStart) => self.forget(),
            Some(EventType::AuditReconciliation) => {
                let told = entry.fact_text(keys::REASON) == Some(keys::OUTCOME_UNKNOWN);
                let intents = entry.fact(keys::INTENTS).and_then(|list| list.as_array());
                for intent in intents.into_iter().flatten().filter(|_| told) {
                    self.open.remove(intent.as_str().unwrap_or_default());
                }
            }
            Some(EventType::LegalHoldSet | EventType::LegalHoldCleared) => {
                self.holds.push(entry.clone());
            }
            _ => {}
        }
    }

    fn begin(&mut self, intent: String) {
        if self.order.len() >= OPEN_MAX {
            let open = &self.open;
            self.order.retain(|id| open.contains(id));
            if self.order.len() >= OPEN_MAX {
                return;
            }
        }
        self.open.insert(intent.clone());
        self.order.push(intent);
    }

    fn forget(&mut self) {
        self.open.clear();
        self.order.clear();
    }

    /// Intents without outcome, oldest first.
    pub(super) fn unsettled(&self) -> Vec<String> {
        self.order.iter().filter(|id| self.open.contains(*id)).cloned().collect()
    }
}
