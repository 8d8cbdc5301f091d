//! Which class an event is, and what it does in that class.
use serde_json::Value;

use super::parts;
use crate::{Entry, keys};

/// The schema's number for an activity that is on no list.
pub(super) const OTHER: u64 = 99;

/// A class of OCSF 1.8.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// An agent was put in quarantine or left it.
    AccountChange,
    /// A call, an approval, what an outside decision point said.
    ApiActivity,
    /// The gate itself came and went.
    ApplicationLifecycle,
    /// Somebody proved who they are, or did not.
    Authentication,
    /// What a newer gate wrote and this one does not know.
    BaseEvent,
    /// Inspection refused a call or changed it.
    DataSecurityFinding,
    /// Something that somebody must look at.
    DetectionFinding,
    /// A rulebook, a signing key or a legal hold was changed.
    EntityManagement,
    /// The record itself.
    EventLogActivity,
}

impl Class {
    /// The class of an entry: by its type, and of a call by what became of it.
    pub fn of(entry: &Entry) -> Self {
        let kind = entry.event_type();
        match (kind.split('.').next().unwrap_or_default(), kind) {
            ("killswitch" | "limit", _) | (_, "signer.compromise") => Self::DetectionFinding,
            ("call", _) if is_data_finding(entry) => Self::DataSecurityFinding,
            ("call", "call.refused") if is_identity(entry) => Self::Authentication,
            ("call" | "approval", _) | (_, "policy.decision") => Self::ApiActivity,
            (_, "agent.admitted" | "agent.refused") => Self::Authentication,
            ("agent", _) => Self::AccountChange,
            ("policy" | "signer" | "legal_hold", _) => Self::EntityManagement,
            ("gate", _) => Self::ApplicationLifecycle,
            ("audit", _) => Self::EventLogActivity,
            _ => Self::BaseEvent,
        }
    }

    /// `class_uid`.
    pub fn uid(self) -> u64 {
        match self {
            Self::AccountChange => 3001,
            Self::ApiActivity => 6003,
            Self::ApplicationLifecycle => 6002,
            Self::Authentication => 3002,
            Self::BaseEvent => 0,
            Self::DataSecurityFinding => 2006,
            Self::DetectionFinding => 2004,
            Self::EntityManagement => 3004,
            Self::EventLogActivity => 1008,
        }
    }

    /// `category_uid`: the class's thousands.
    pub(super) fn category(self) -> u64 {
        self.uid() / 1000
    }

    /// `class_name`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountChange => "Account Change",
            Self::ApiActivity => "API Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::Authentication => "Authentication",
            Self::BaseEvent => "Base Event",
            Self::DataSecurityFinding => "Data Security Finding",
            Self::DetectionFinding => "Detection Finding",
            Self::EntityManagement => "Entity Management",
            Self::EventLogActivity => "Event Log Activity",
        }
    }

    /// Whether the event tells what a control did, in the attributes of the profile
    /// `security_control`.
    pub(super) fn is_control(self) -> bool {
        matches!(
            self,
            Self::ApiActivity
                | Self::Authentication
                | Self::DataSecurityFinding
                | Self::DetectionFinding
        )
    }

    /// Whether the event is a finding, whose status is that of the work on it.
    pub(super) fn is_finding(self) -> bool {
        matches!(self, Self::DataSecurityFinding | Self::DetectionFinding)
    }

    /// `activity_id`, from the class's own list.
    pub(super) fn activity(self, entry: &Entry) -> u64 {
        match self {
            Self::ApiActivity => by_method(entry),
            // Logon.
            Self::Authentication => 1,
            // Each finding is its own: Create.
            Self::DataSecurityFinding | Self::DetectionFinding => 1,
            Self::BaseEvent => OTHER,
            Self::AccountChange => match entry.event_type() {
                "agent.quarantined" => 5,
                "agent.released" => 2,
                _ => OTHER,
            },
            Self::ApplicationLifecycle => match entry.event_type() {
                "gate.start" => 3,
                "gate.stop" => 4,
                "gate.ready" => 6,
                _ => OTHER,
            },
            Self::EntityManagement => match entry.event_type() {
                "legal_hold.set" => 1,
                "policy.revalidation" => 2,
                "policy.reload" | "signer.rotation.applied" => 3,
                "legal_hold.cleared" => 4,
                _ => OTHER,
            },
            // Delete, where the ledger deletes what every sink has.
            Self::EventLogActivity => match entry.fact_text(keys::REASON) {
                Some(keys::RELEASED) => 2,
                _ => OTHER,
            },
        }
    }

    /// What this class has beside what every class has.
    pub(super) fn body(self, entry: &Entry, version: &str) -> Vec<(&'static str, Option<Value>)> {
        match self {
            Self::ApiActivity => parts::api_activity(entry),
            Self::DataSecurityFinding => parts::data_security(entry),
            Self::DetectionFinding => parts::detection(entry),
            Self::Authentication => parts::authentication(entry),
            Self::AccountChange => vec![("user", parts::user(entry))],
            Self::EntityManagement => parts::entity_management(entry),
            Self::ApplicationLifecycle => vec![("app", parts::product(version))],
            Self::EventLogActivity => parts::event_log(entry),
            Self::BaseEvent => Vec::new(),
        }
    }
}

/// Whether inspection refused or changed something; what it only saw is told with the call.
fn is_data_finding(entry: &Entry) -> bool {
    let code = entry.fact_text(keys::CODE).unwrap_or_default();
    matches!(code, "DLP_BLOCKED" | "EXFIL_FRAGMENTS" | "CANARY_HIT")
        || parts::has_finding(entry, "block")
        || parts::has_finding(entry, "redact")
}

fn is_identity(entry: &Entry) -> bool {
    let code = entry.fact_text(keys::CODE).unwrap_or_default();
    code.starts_with("IDENTITY_")
        || matches!(code, "AGENT_UNREGISTERED" | "AGENT_REVOKED" | "INSUFFICIENT_TRUST")
}

/// Of HTTP the method says it. Elsewhere every call is a POST, and what it does is said by its
/// operation.
fn by_method(entry: &Entry) -> u64 {
    match (entry.fact_text(keys::PROTOCOL), entry.fact_text("http_method")) {
        (Some("http"), Some("GET" | "HEAD" | "OPTIONS")) => 2,
        (Some("http"), Some("PUT" | "PATCH")) => 3,
        (Some("http"), Some("DELETE")) => 4,
        _ => OTHER,
    }
}
