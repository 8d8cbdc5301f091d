//! The sentences of refusals: why, and what would pass. One place, so that they sound alike and
//! never contain anything that was sent.
use tollgate_dlp::documents::Why;
use tollgate_rules::{Code, Outcome, Ruling};

use crate::egress::Failure;
use crate::limits::Exceeded;
use crate::refuse::Refusal;

/// For a gate that is shutting down.
pub const DRAINING: &str =
    "The gate is shutting down and takes no new calls. Try again in a moment.";
/// For a host that no local client would name.
pub const FOREIGN_HOST: &str = "The host that the request names is not this gate's. Address the gate as 127.0.0.1 or localhost.";
/// For a web page's request.
pub const FOREIGN_ORIGIN: &str =
    "The request comes from a web page of another origin, which may not use this agent's gate.";
/// For a head that trickles.
pub const HEAD_LATE: &str = "The request's head did not arrive in time. Send it in one go.";
/// For what no gate can look into.
pub const TUNNEL_UNREAD: &str = "What came through the tunnel is neither TLS nor HTTP, so it cannot be inspected and may not pass.";
/// For a client that takes the gate's certificate for nobody's.
pub const HANDSHAKE_BROKEN: &str = "The client broke off the TLS handshake: it does not trust the certificate of the gate. Have it trust that one.";
/// For a handshake without a name.
pub const NO_NAME: &str =
    "The TLS handshake names no host, so nobody can say where it was going to. Connect by name.";
/// For a client that connects to where only the kernel should.
pub const NOT_REDIRECTED: &str =
    "This listener takes connections that were redirected to it, and this one was made to it.";
/// For a handshake that asks for another host.
pub const OTHER_NAME: &str =
    "The TLS handshake asks for another name than the tunnel, or for none.";
/// For a handshake that hides its name.
pub const HIDDEN_NAME: &str = "The TLS handshake hides the name that it asks for (Encrypted ClientHello). Switch that off in the client.";
/// For another agent's session, task or state of a request.
pub const SESSION_FOREIGN: &str = "The MCP session, task or state of a request that the call names was given to another agent. Begin one of your own.";
/// For what cannot happen.
pub const BUG: &str =
    "The gate met a fault of its own and refused the call to be safe. Tell the operator.";

/// The registry does not let the agent do this.
pub fn unregistered(code: Code) -> &'static str {
    match code {
        Code::DelegationDepthExceeded => {
            "This agent was delegated to through more agents than one of them may. Have one further up make the call, or ask the operator."
        }
        _ => {
            "This agent is not registered for this tool. Use one that it has, or ask the operator to register it."
        }
    }
}

/// For an address that was given for another name, or for none.
pub const NOT_GIVEN: &str = "The connection was going to an address that is not this name's. Resolve the name again and connect to what comes, or ask the operator.";

/// There is no way out for this call.
pub fn no_way(code: Code) -> &'static str {
    match code {
        Code::HostNotAllowed => {
            "This host is not on the list of hosts that may be reached. Use one that is, or ask the operator."
        }
        Code::PortNotAllowed => {
            "This port is not on the list of ports that may be reached. Use the host's usual port."
        }
        _ => {
            "No configured route leads there. Check the base URL that the gate was given for this tool."
        }
    }
}

/// There is no tunnel to this place.
pub fn no_tunnel(code: Code) -> &'static str {
    match code {
        Code::EgressBlocked => {
            "This gate opens no tunnels (CONNECT). Use the base URL that it was given for this tool, or ask the operator."
        }
        code => no_way(code),
    }
}

/// The body could not be held.
pub fn body(code: Code) -> &'static str {
    match code {
        Code::BodyTooLarge => {
            "The request's body is larger than the gate's limit. Send less at once."
        }
        Code::RequestTimeout => {
            "The request's body did not arrive in time. Send it again in one go."
        }
        Code::GateBusy => {
            "The gate is busy with other large bodies and did not come to look at this one in time. Try again in a moment, or send less at once."
        }
        Code::BytesExceeded => {
            "The gate already holds as many bytes as it may. Try again in a moment."
        }
        _ => "The request's body cannot be read. Check its framing and its content coding.",
    }
}

/// A limit was reached.
fn limit(code: Code) -> &'static str {
    match code {
        Code::RateLimitAgent => {
            "This agent has made as many calls as it may for now. Wait, then try again."
        }
        Code::RateLimitTool => {
            "This tool was called as often as it may be for now. Wait, or use another tool."
        }
        Code::ConcurrencyExceeded => {
            "This agent has too many calls in flight. Wait for one to end, then try again."
        }
        _ => {
            "The gate cannot keep count of one more tool or upstream right now. Wait, then try again."
        }
    }
}

/// A limit's refusal, with the time to come back when it is known.
pub fn exceeded(exceeded: Exceeded) -> Refusal {
    let refusal = Refusal::new(exceeded.code, limit(exceeded.code));
    match exceeded.retry_after {
        Some(after) => refusal.with_retry_after(after),
        None => refusal,
    }
}

/// The record could not be written.
pub fn record(code: Code) -> &'static str {
    match code {
        Code::SpoolFull => "The record has no room left, so no call may leave. Tell the operator.",
        Code::SignerUnavailable => {
            "The record cannot be signed, so no call may leave. Tell the operator."
        }
        _ => "The record cannot be written, so no call may leave. Tell the operator.",
    }
}

/// A failure's refusal, with the time to come back when it is known.
pub fn failure(failure: &Failure) -> Refusal {
    let refusal = Refusal::new(failure.code, failed(failure.code));
    match failure.retry_after {
        Some(after) => refusal.with_retry_after(after),
        None => refusal,
    }
}

/// The call was permitted but got no answer.
pub fn failed(code: Code) -> &'static str {
    match code {
        Code::AddressForbidden => {
            "The upstream's name leads to an address that may not be reached. Ask the operator to allow it on the route."
        }
        Code::DnsFailed => {
            "The upstream's name has no address. Check the name, or try again later."
        }
        Code::CredentialUnavailable => {
            "The credential for this upstream cannot be had right now, so nothing was sent. Try again later, or tell the operator."
        }
        Code::DelegationDepthExceeded => {
            "The token for this upstream names more actors than it may, so nothing was sent. Have an agent further up make the call, or ask the operator."
        }
        Code::UpstreamBusy => {
            "The upstream has as many calls in flight as it may, so nothing was sent. Wait, then try again."
        }
        Code::LimiterUnavailable => limit(code),
        Code::UpstreamCircuitOpen => {
            "The upstream has failed too often and is left alone for a while, so nothing was sent. Wait, then try again."
        }
        Code::UpstreamProxy => {
            "The proxy that the gate must use does not lead to the upstream, so nothing was sent. Tell the operator."
        }
        Code::UpstreamConnect => "The upstream could not be reached. Try again later.",
        Code::UpstreamTls => {
            "The upstream's certificate could not be verified, or the gate has none to show it, so nothing was sent. Tell the operator."
        }
        Code::UpstreamTimeout => {
            "The upstream did not answer in time. It may still be at work; check before repeating."
        }
        _ => {
            "The upstream's answer could not be understood. It may have done the work; check before repeating."
        }
    }
}

/// A WebSocket where none may be.
pub const NO_WEBSOCKET: &str =
    "WebSocket may not be spoken here. Use plain HTTP, or ask the operator to allow it.";
/// The answer held something that may not pass.
pub const ANSWER_BLOCKED: &str =
    "The answer held data that may not pass and was withheld. Ask for less, or ask the operator.";
/// The answer redirects to a place that is not the upstream.
pub const LEADS_ELSEWHERE: &str = "The upstream redirects to another place, which this route does not follow. Ask the operator for a route to it.";
/// The answer could not be inspected.
pub const ANSWER_UNREADABLE: &str =
    "The upstream's answer cannot be inspected and was withheld. Tell the operator.";
/// The answer is too large to be inspected.
pub const ANSWER_TOO_LARGE: &str =
    "The upstream's answer is larger than the gate's limit and was withheld. Ask for less at once.";
/// Something in the request cannot be inspected: where, and why.
pub fn unread(place: &str, why: Why) -> String {
    let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
    format!(
        "The body{place} cannot be inspected ({why}), so it may not pass. Send JSON, a form, XML or plain text."
    )
}

/// What a rule keeps from where the request goes.
pub const NOT_THERE: &str = "The data in this call may not go to this destination. Leave it out, or send it where it may go.";
/// A string that nobody has any business with.
pub const CANARY: &str = "This call holds something that must not be passed on. Leave it out, and tell the operator where you read it.";
/// What stands for the credential of another host.
pub const PLACEHOLDER: &str = "This call holds the placeholder of a credential for another host. Send it only to the host that it is for; the gate puts the credential in.";
/// A credential itself.
pub const CREDENTIAL: &str = "This call holds a credential that only the gate gives. Leave it out; the gate puts it in where it belongs.";
/// Several calls together hold a secret.
pub const FRAGMENTS: &str = "This call completes a secret that began before. A secret may not leave in pieces; refer to it in another way.";

/// Something in the request may not pass: the part of the call, and where in it.
pub fn blocked(part: &str, place: &str) -> String {
    let place = place.strip_prefix(part).unwrap_or(place).trim_start();
    let at = if place.is_empty() { String::new() } else { format!(" ({place})") };
    match part {
        "host" | "path" | "query" => {
            format!("The URL's {part}{at} holds data that may not leave. Leave it out of the URL.")
        }
        "body" => format!(
            "The arguments hold data that may not leave{at}. Leave it out, or refer to it in another way."
        ),
        _ => format!("A header{at} holds data that may not leave. Leave it out."),
    }
}

/// What a ruling that does not allow says.
pub fn ruled(ruling: &Ruling) -> Refusal {
    let code = ruling.code.unwrap_or(Code::PolicyEvaluationFailed);
    let sentence = match (ruling.outcome, &ruling.rule) {
        (Outcome::Allow, _) => "The policy could not decide. Ask the operator.".to_owned(),
        (Outcome::Deny, Some(rule)) => {
            let why = ruling.reasons.first().map_or("", |reason| reason.message.as_str());
            let why = why.trim_end_matches('.');
            format!("Denied by policy rule `{rule}`: {why}.")
        }
        (Outcome::Deny, None) => match code {
            Code::PolicyExpired => "The policy has expired, so nothing may pass. Tell the operator.".to_owned(),
            Code::PolicyMissing => "No policy is loaded, so nothing may pass. Tell the operator.".to_owned(),
            _ => "No policy rule allows this, and what is not allowed is denied. Use another tool or ask a person.".to_owned(),
        },
        (held, rule) => {
            let rule = rule.as_ref().map_or_else(String::new, |rule| format!(" (rule `{rule}`)"));
            let need = match held {
                Outcome::RequireHuman => "A person must do this",
                Outcome::RequireTicket => "This needs a ticket",
                Outcome::StepUp => "This needs a stronger proof of identity",
                _ => "This needs an approval",
            };
            format!("{need}{rule}, and there is no way to get one here yet. Ask a person.")
        }
    };
    Refusal::new(code, sentence).with_rule(ruling.rule.clone())
}
