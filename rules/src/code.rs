//! The stable words of refusals: one meaning each, never renamed.
use std::fmt;

/// What kind of no a code is; it fixes the HTTP status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// A switch is thrown.
    Switch,
    /// Who calls is not known, or not enough.
    Identity,
    /// What was sent cannot be read in exactly one way.
    Malformed,
    /// A rule, or the lack of one.
    Policy,
    /// It must wait for somebody.
    Held,
    /// Too much.
    Limits,
    /// Not there.
    Egress,
    /// Something in it.
    Dlp,
    /// It could not be recorded.
    Record,
    /// We could not.
    Fault,
}

macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, $group:ident, $status:literal; )+) => {
        /// A refusal's leading word. The table in README.md lists them; each has a test that
        /// provokes it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $( $(#[doc = $doc])+ $variant, )+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[ $( Code::$variant, )+ ];

            /// The word itself.
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$variant => $word, )+ }
            }

            /// Its group.
            pub fn group(self) -> Group {
                match self { $( Code::$variant => Group::$group, )+ }
            }

            /// The HTTP status where HTTP itself is the answer.
            pub fn http_status(self) -> u16 {
                match self { $( Code::$variant => $status, )+ }
            }
        }
    };
}

codes! {
    /// The gate is shutting down and takes no new calls.
    GateDraining = "GATE_DRAINING", Switch, 503;

    /// No identity was presented where one is required.
    IdentityMissing = "IDENTITY_MISSING", Identity, 401;
    /// An identity was presented that maps to no agent.
    IdentityUnknown = "IDENTITY_UNKNOWN", Identity, 403;
    /// A certificate with more than one URI SAN, or one that maps to two agents.
    IdentityAmbiguous = "IDENTITY_AMBIGUOUS", Identity, 403;
    /// The certificate that was presented is revoked.
    AgentRevoked = "AGENT_REVOKED", Identity, 403;
    /// The MCP session that is named was given to another agent.
    SessionForeign = "SESSION_FOREIGN", Identity, 403;
    /// More agents stand above the agent, or behind its token, than may.
    DelegationDepthExceeded = "DELEGATION_DEPTH_EXCEEDED", Identity, 403;

    /// The request's head cannot be read in exactly one way.
    MalformedHead = "MALFORMED_HEAD", Malformed, 400;
    /// The body is not what its content type says.
    MalformedBody = "MALFORMED_BODY", Malformed, 400;
    /// A JSON object with the same key twice.
    DuplicateKey = "DUPLICATE_KEY", Malformed, 400;
    /// JSON nested deeper than the limit.
    TooDeep = "TOO_DEEP", Malformed, 400;
    /// A body beyond the limit, before or after content decoding.
    BodyTooLarge = "BODY_TOO_LARGE", Malformed, 413;
    /// A header that says something else than the body.
    HeaderBodyMismatch = "HEADER_BODY_MISMATCH", Malformed, 400;
    /// A content type, charset or content coding that cannot be inspected.
    EncodingUnsupported = "ENCODING_UNSUPPORTED", Malformed, 415;
    /// A JSON-RPC batch where none is legal.
    BatchRefused = "BATCH_REFUSED", Malformed, 400;
    /// A method the gate does not know.
    MethodUnknown = "METHOD_UNKNOWN", Malformed, 400;
    /// Host, authority and target do not name the same host.
    HostMismatch = "HOST_MISMATCH", Malformed, 400;
    /// The client did not finish its head or body in time.
    RequestTimeout = "REQUEST_TIMEOUT", Malformed, 408;

    /// A rule denied it.
    PolicyDenied = "POLICY_DENIED", Policy, 403;
    /// No rule matched and the default denies.
    DefaultDeny = "DEFAULT_DENY", Policy, 403;
    /// No rulebook is loaded.
    PolicyMissing = "POLICY_MISSING", Policy, 403;
    /// The rulebook's time is over.
    PolicyExpired = "POLICY_EXPIRED", Policy, 403;
    /// The rulebook could not decide.
    PolicyEvaluationFailed = "POLICY_EVALUATION_FAILED", Policy, 403;
    /// The registry does not give the agent this tool.
    ToolUnregistered = "TOOL_UNREGISTERED", Policy, 403;
    /// The route serves another protocol than the one spoken.
    CapabilityDenied = "CAPABILITY_DENIED", Policy, 403;

    /// Approval is required and no approver is configured.
    ApprovalRequired = "APPROVAL_REQUIRED", Held, 403;
    /// A stronger proof of identity is required.
    StepUpRequired = "STEP_UP_REQUIRED", Held, 403;
    /// A ticket is required.
    TicketRequired = "TICKET_REQUIRED", Held, 403;
    /// A person must do it.
    HumanRequired = "HUMAN_REQUIRED", Held, 403;

    /// The agent's rate is used up.
    RateLimitAgent = "RATE_LIMIT_AGENT", Limits, 429;
    /// The agent's rate for this tool is used up.
    RateLimitTool = "RATE_LIMIT_TOOL", Limits, 429;
    /// Too many calls in flight.
    ConcurrencyExceeded = "CONCURRENCY_EXCEEDED", Limits, 429;
    /// The gate already holds as many body bytes as it may.
    BytesExceeded = "BYTES_EXCEEDED", Limits, 429;
    /// Other large bodies were looked at for as long as this one could wait for its turn.
    GateBusy = "GATE_BUSY", Limits, 503;
    /// The limiter has no room to keep count for one more key.
    LimiterUnavailable = "LIMITER_UNAVAILABLE", Limits, 503;
    /// The upstream has as many calls in flight as it may.
    UpstreamBusy = "UPSTREAM_BUSY", Limits, 503;

    /// No route leads there, or what is in the call may not go there.
    EgressBlocked = "EGRESS_BLOCKED", Egress, 403;
    /// The host is not on the list.
    HostNotAllowed = "HOST_NOT_ALLOWED", Egress, 403;
    /// The address is in a range that is refused.
    AddressForbidden = "ADDRESS_FORBIDDEN", Egress, 403;
    /// The connection was going to an address that the gate did not give for this name.
    AddressNotGiven = "ADDRESS_NOT_GIVEN", Egress, 403;
    /// The gate does not answer for this name.
    DnsRefused = "DNS_REFUSED", Egress, 403;
    /// The name has no address.
    DnsFailed = "DNS_FAILED", Egress, 502;
    /// The port is not on the list.
    PortNotAllowed = "PORT_NOT_ALLOWED", Egress, 403;
    /// It cannot be inspected, so it may not pass.
    UnreadRefused = "UNREAD_REFUSED", Egress, 403;

    /// The scanner found something that may not pass.
    DlpBlocked = "DLP_BLOCKED", Dlp, 403;
    /// A canary, or the placeholder of another host's credential, was about to leave.
    CanaryHit = "CANARY_HIT", Dlp, 403;
    /// Several calls together hold a secret.
    ExfilFragments = "EXFIL_FRAGMENTS", Dlp, 403;

    /// The record could not be written.
    AuditUnavailable = "AUDIT_UNAVAILABLE", Record, 503;
    /// The record could not be signed.
    SignerUnavailable = "SIGNER_UNAVAILABLE", Record, 503;
    /// The spool is at its cap.
    SpoolFull = "SPOOL_FULL", Record, 503;

    /// The upstream could not be connected to.
    UpstreamConnect = "UPSTREAM_CONNECT", Fault, 502;
    /// The upstream's certificate or handshake failed.
    UpstreamTls = "UPSTREAM_TLS", Fault, 502;
    /// The upstream did not answer in time.
    UpstreamTimeout = "UPSTREAM_TIMEOUT", Fault, 504;
    /// The upstream's answer cannot be read in exactly one way.
    UpstreamProtocol = "UPSTREAM_PROTOCOL", Fault, 502;
    /// The parent proxy refuses to lead there.
    UpstreamProxy = "UPSTREAM_PROXY", Fault, 502;
    /// The upstream has failed too often and is left alone for a while.
    UpstreamCircuitOpen = "UPSTREAM_CIRCUIT_OPEN", Fault, 503;
    /// The credential that the call would get cannot be had.
    CredentialUnavailable = "CREDENTIAL_UNAVAILABLE", Fault, 503;
    /// Something that cannot happen did.
    GateBug = "GATE_BUG", Fault, 500;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_plain() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            assert!((400..=599).contains(&code.http_status()));
        }
    }
}
