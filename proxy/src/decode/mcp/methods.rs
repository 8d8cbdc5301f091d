//! The methods that a client may send, in any living generation, and what each of them names.
use serde_json::{Map, Value};

/// Methods that the generations 2024-11-05 to 2026-07-28 define for clients.
const KNOWN: &[&str] = &[
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tools/call",
    "tools/list",
];

pub(super) fn is_known(method: &str) -> bool {
    KNOWN.binary_search(&method).is_ok()
}

/// What a message names, in the protocol's own words.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Named {
    /// The tool of `tools/call`.
    pub(super) tool: Option<String>,
    /// A resource's URI, a prompt's name or what `completion/complete` refers to.
    pub(super) resource: Option<String>,
    /// What `Mcp-Name` mirrors, when the method has such a thing.
    pub(super) header: Option<String>,
}

/// Reads what `method` names; the error is the member that is missing or no string.
pub(super) fn named(
    method: &str,
    params: Option<&Map<String, Value>>,
) -> Result<Named, &'static str> {
    let text = |member: &'static str| {
        params
            .and_then(|params| params.get(member))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or(member)
    };
    Ok(match method {
        "tools/call" => {
            let name = text("name")?;
            Named { tool: Some(name.clone()), header: Some(name), resource: None }
        }
        "prompts/get" => resource(text("name")?),
        "resources/read" => resource(text("uri")?),
        // Gone in the stateless generation, whose servers answer that they do not know the method:
        // without a URI they name nothing, so there is nothing to refuse here.
        "resources/subscribe" | "resources/unsubscribe"
            if params.is_none_or(|params| !params.contains_key("uri")) =>
        {
            Named::default()
        }
        "resources/subscribe" | "resources/unsubscribe" => resource(text("uri")?),
        "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => {
            Named { header: Some(text("taskId")?), ..Named::default() }
        }
        "completion/complete" => Named { resource: Some(reference(params)?), ..Named::default() },
        _ => Named::default(),
    })
}

fn resource(name: String) -> Named {
    Named { resource: Some(name.clone()), header: Some(name), tool: None }
}

fn reference(params: Option<&Map<String, Value>>) -> Result<String, &'static str> {
    let reference = params.and_then(|params| params.get("ref")).ok_or("ref")?;
    let member = match reference.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => "name",
        Some("ref/resource") => "uri",
        _ => return Err("ref.type"),
    };
    reference.get(member).and_then(Value::as_str).map(str::to_owned).ok_or("ref")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::KNOWN.is_sorted());
    }
}
