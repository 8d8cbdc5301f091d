//! What rules ask about, borrowed from a live call or from a written question.
use std::borrow::Cow;

use serde_json::Value;

use crate::{Arguments, Call, Host, Protocol, Trust, uri};

/// Everything a rule can ask. What is `None` is not known, and a rule that asks for it does not
/// match.
#[derive(Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) agent_id: &'a str,
    pub(crate) agent_type: Option<&'a str>,
    pub(crate) environment: &'a str,
    pub(crate) trust: Option<Trust>,
    pub(crate) roles: &'a [String],
    pub(crate) owner: Option<&'a str>,
    pub(crate) tools: &'a [String],
    pub(crate) delegation_depth: Option<u32>,
    pub(crate) tool: Cow<'a, str>,
    /// The same for a server that cuts parameters off the path, where the path stands in it.
    pub(crate) plain_tool: Option<String>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) route: Option<&'a str>,
    pub(crate) host: Option<&'a Host>,
    pub(crate) method: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    /// The same for a server that cuts parameters off it, where there are some.
    pub(crate) plain_path: Option<String>,
    pub(crate) mcp_method: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    /// The same in its plain spelling, where that is another.
    pub(crate) plain_resource: Option<String>,
    pub(crate) arguments: Words<'a>,
    /// What the person typed; a live call has none.
    pub(crate) user_input: Option<&'a str>,
    /// Labels of the data; a live call has none.
    pub(crate) labels: &'a [String],
}

/// What a call says. Hardly a rule asks, and a tree of it is only made for one that does.
#[derive(Clone, Copy)]
pub(crate) enum Words<'a> {
    At(&'a Value),
    Late(&'a Arguments),
}

impl<'a> Words<'a> {
    pub(crate) fn tree(self) -> &'a Value {
        match self {
            Self::At(value) => value,
            Self::Late(arguments) => arguments,
        }
    }

    /// Whether what is said beside it may stand in it, too, where no rule sees it.
    pub(crate) fn hides(self) -> bool {
        match self {
            Self::At(_) => false,
            Self::Late(arguments) => arguments.hides(),
        }
    }

    /// What is said in names and values beside it.
    pub(crate) fn pairs(self) -> &'a [(String, Value)] {
        match self {
            Self::At(_) => &[],
            Self::Late(arguments) => arguments.pairs(),
        }
    }
}

impl<'a> Facts<'a> {
    /// The facts of a live call.
    pub(crate) fn of(call: &'a Call) -> Self {
        let method = call.action.method.as_str();
        let mcp = call.protocol == Protocol::Mcp && !method.is_empty();
        let (tool, path) = (call.tool_name(), call.target.path.as_str());
        let plain_path = uri::without_parameters(path);
        Self {
            agent_id: call.agent.id.as_str(),
            agent_type: call.agent.agent_type.as_deref(),
            environment: &call.agent.environment,
            trust: Some(call.agent.trust),
            roles: &call.agent.roles,
            owner: call.agent.owner.as_deref(),
            tools: &call.agent.tools,
            delegation_depth: Some(call.agent.delegation_depth),
            plain_tool: plain_tool(&tool, path, plain_path.as_deref()),
            tool,
            provider: call.action.provider.as_deref(),
            protocol: Some(call.protocol),
            route: Some(&call.target.route),
            host: Some(&call.target.host),
            method: Some(&call.target.method),
            path: Some(path),
            plain_path,
            mcp_method: mcp.then_some(method),
            resource: call.action.resource.as_deref(),
            plain_resource: call.action.resource.as_deref().and_then(uri::plain),
            arguments: Words::Late(&call.arguments),
            user_input: None,
            labels: &[],
        }
    }

    /// The facts of a `tools/call` of this tool, by whoever makes this call and to where it goes.
    pub(crate) fn of_tool(call: &'a Call, tool: &'a str) -> Self {
        Self {
            tool: Cow::Borrowed(tool),
            plain_tool: None,
            mcp_method: Some("tools/call"),
            resource: None,
            plain_resource: None,
            arguments: Words::At(&Value::Null),
            ..Self::of(call)
        }
    }
}

/// The name of a call that is its method and path, with its plain path.
pub(crate) fn plain_tool(tool: &str, path: &str, plain: Option<&str>) -> Option<String> {
    let (plain, method) = (plain?, tool.strip_suffix(path)?);
    method.ends_with(' ').then(|| format!("{method}{plain}"))
}
