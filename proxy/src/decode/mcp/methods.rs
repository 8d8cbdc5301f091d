//! What a message names: tools, resources, prompts and tasks, by method.
use tollgate_dlp::Node;

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
pub(super) fn named(method: &str, params: Option<Node<'_>>) -> Result<Named, &'static str> {
    let text = |member: &'static str| {
        params
            .and_then(|params| params.get(member))
            .and_then(Node::as_str)
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
            if params.is_none_or(|params| params.get("uri").is_none()) =>
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

fn reference(params: Option<Node<'_>>) -> Result<String, &'static str> {
    let reference = params.and_then(|params| params.get("ref")).ok_or("ref")?;
    let member = match reference.get("type").and_then(Node::as_str) {
        Some("ref/prompt") => "name",
        Some("ref/resource") => "uri",
        _ => return Err("ref.type"),
    };
    reference.get(member).and_then(Node::as_str).map(str::to_owned).ok_or("ref")
}
