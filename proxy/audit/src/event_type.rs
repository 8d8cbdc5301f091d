//! What is recorded.
use std::fmt;

macro_rules! event_types {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, $name:literal; )+) => {
        /// What an event tells of. The words are stable: one meaning each, never renamed.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum EventType { $( $(#[doc = $doc])+ $variant, )+ }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [EventType] = &[ $( EventType::$variant, )+ ];

            /// The word in `event_type`.
            pub fn as_str(self) -> &'static str {
                match self { $( EventType::$variant => $word, )+ }
            }

            /// A short name for people.
            pub fn title(self) -> &'static str {
                match self { $( EventType::$variant => $name, )+ }
            }

            /// The type that a word means.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $( $word => Some(EventType::$variant), )+ _ => None }
            }
        }
    };
}

event_types! {
    /// A call is about to leave; durable before it does.
    CallIntent = "call.intent", "Call allowed";
    /// What became of a call that left.
    CallOutcome = "call.outcome", "Call ended";
    /// A call that did not leave.
    CallRefused = "call.refused", "Call refused";
    /// What an outside decision point said.
    PolicyDecision = "policy.decision", "Policy decision";
    /// Another rulebook took effect.
    PolicyReload = "policy.reload", "Policy reloaded";
    /// The rulebook in effect was checked again.
    PolicyRevalidation = "policy.revalidation", "Policy revalidated";
    /// An agent was admitted.
    AgentAdmitted = "agent.admitted", "Agent admitted";
    /// An agent was not admitted.
    AgentRefused = "agent.refused", "Agent refused";
    /// An agent was put in quarantine.
    AgentQuarantined = "agent.quarantined", "Agent quarantined";
    /// An agent left quarantine.
    AgentReleased = "agent.released", "Agent released";
    /// Approval was asked for.
    ApprovalRequested = "approval.requested", "Approval requested";
    /// Approval was given.
    ApprovalApproved = "approval.approved", "Approval given";
    /// Approval was denied.
    ApprovalRejected = "approval.rejected", "Approval rejected";
    /// Nobody answered in time.
    ApprovalExpired = "approval.expired", "Approval expired";
    /// A limit was reached.
    LimitExceeded = "limit.exceeded", "Limit exceeded";
    /// A kill switch was thrown.
    KillswitchOn = "killswitch.on", "Kill switch on";
    /// A kill switch was taken back.
    KillswitchOff = "killswitch.off", "Kill switch off";
    /// Another signing key was asked for.
    SignerRotationRequested = "signer.rotation.requested", "Signer rotation requested";
    /// Another signing key signs from here.
    SignerRotationApplied = "signer.rotation.applied", "Signer rotation applied";
    /// A key in hardware or a key service vouched for a short-lived key in the gate.
    SignerDelegated = "signer.delegated", "Signing key delegated";
    /// A signing key is no longer trusted.
    SignerCompromise = "signer.compromise", "Signer compromised";
    /// The gate started.
    GateStart = "gate.start", "Gate started";
    /// The gate takes calls.
    GateReady = "gate.ready", "Gate ready";
    /// The gate stopped.
    GateStop = "gate.stop", "Gate stopped";
    /// The chain's size and head at one moment.
    AuditCheckpoint = "audit.checkpoint", "Audit checkpoint";
    /// The ledger mended or released a part of its spool.
    AuditReconciliation = "audit.reconciliation", "Audit reconciliation";
    /// Records were put under legal hold.
    LegalHoldSet = "legal_hold.set", "Legal hold set";
    /// A legal hold was lifted.
    LegalHoldCleared = "legal_hold.cleared", "Legal hold cleared";
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        let mut seen = std::collections::HashSet::new();
        for kind in EventType::ALL {
            assert!(seen.insert(kind.as_str()), "{kind} stands twice");
            assert_eq!(EventType::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventType::parse("call.made-up"), None);
    }
}
