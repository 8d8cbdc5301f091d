//! The early no, and the proof of the late yes.
//!
//! [`Routes`] says whether there is a way at all, before a body byte is read. [`Allowed`] is what
//! only a ruling that lets a call pass turns into, and [`Permit`] is what only an [`Allowed`] call
//! with a receipt turns into.
mod permit;
mod routes;

pub use permit::{Outgoing, Permit};
pub use routes::{Asked, Base, HostList, RouteFault, Routes, Through, Way};

use tollgate_config::settings::Mode;
use tollgate_rules::{Duty, Effect, Ruling};

use crate::ledger::Receipt;

/// A ruling that lets the call pass, for the reason it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed(Because);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Because {
    /// The rulebook allows it.
    Ruled,
    /// The rulebook would not, but the rule or the gate only observes.
    Observed,
}

impl Allowed {
    /// Reads a ruling: allowed, or not. In observe mode everything is, and marked as observed.
    pub fn by(ruling: &Ruling, mode: Mode) -> Option<Self> {
        match (ruling.effect, mode) {
            (Effect::Allow, _) if ruling.duties.contains(&Duty::Observed) => {
                Some(Self(Because::Observed))
            }
            (Effect::Allow, _) => Some(Self(Because::Ruled)),
            (Effect::Deny | Effect::Hold, Mode::Observe) => Some(Self(Because::Observed)),
            (Effect::Deny | Effect::Hold, Mode::Enforce) => None,
        }
    }

    /// Whether it passes only because somebody observes instead of enforcing.
    pub fn is_observed(self) -> bool {
        self.0 == Because::Observed
    }
}

/// Opens the door for one call: an allowed ruling and a recorded intent, both used up.
pub fn clear(_allowed: Allowed, request: Outgoing, receipt: Receipt) -> Permit {
    Permit::issue(request, receipt)
}
