//! How the answer to a call is to be read: what is left of what was said once it is on its way.
use bytes::Bytes;
use serde_json::Value;
use tollgate_config::settings::Mode;
use tollgate_dlp::Node;
use tollgate_rules::Call;

use crate::flight::Flight;
use crate::refuse::{Caller, Refusal, answer};

/// How the answer to a call is to be read.
#[derive(Debug)]
pub struct Heard {
    pub(super) caller: Caller,
    pub(super) is_head: bool,
    pub(super) is_mcp: bool,
    /// The call that lists this provider's tools: what filtering asks the rulebook about.
    pub(super) lister: Option<Call>,
}

impl Heard {
    /// Whether JSON-RPC is spoken.
    pub fn is_mcp(&self) -> bool {
        self.is_mcp
    }

    /// Whether only a head is asked for (RFC 9110 section 9.3.2).
    pub fn is_head_request(&self) -> bool {
        self.is_head
    }

    /// Whether [`Self::filter_lists`] may change a document.
    pub fn filters(&self, document: Node<'_>) -> bool {
        let has_tools = document.get("result").is_some_and(|result| result.get("tools").is_some());
        self.lister.is_some() && (document.is_list() || has_tools)
    }

    /// Takes tools out of every list of tools in an answer that this agent may certainly not call.
    /// A list is known by its shape: a session's stream can bring one that was asked for elsewhere.
    pub fn filter_lists(&self, document: &mut Value, flight: &Flight) {
        let Some(lister) = &self.lister else { return };
        let answers = match document {
            Value::Array(items) => items.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for answer in answers {
            filter_tools(answer, lister, flight);
        }
    }

    /// The last event of a stream that is cut, when the caller's protocol has words for it.
    pub fn last_event(&self, refusal: &Refusal) -> Option<Bytes> {
        match &self.caller {
            Caller::McpTool { id, era, .. } => {
                let caller = Caller::McpTool { id: id.clone(), era: *era, accepts_json: false };
                Some(answer(refusal, &caller).body)
            }
            Caller::McpRequest { id, era, .. } => {
                let caller = Caller::McpRequest { id: id.clone(), era: *era, accepts_json: false };
                Some(answer(refusal, &caller).body)
            }
            _ => None,
        }
    }
}

/// Takes tools out of one list. The stateless generation lets shared caches keep lists, so one made
/// for one agent says that it is private.
fn filter_tools(answer: &mut Value, lister: &Call, flight: &Flight) {
    let Some(Value::Object(result)) = answer.get_mut("result") else { return };
    let Some(Value::Array(tools)) = result.get_mut("tools") else { return };
    let now = crate::clock::timestamp();
    let rulebook = &flight.snapshot.rulebook;
    let observes = flight.snapshot.settings.mode == Mode::Observe;
    tools.retain(|tool| match tool.get("name").and_then(Value::as_str) {
        Some(name) => {
            let may = flight.snapshot.registry.may_use(&lister.agent.id, name);
            may && (observes || rulebook.visible(lister, name, now))
        }
        // A tool without a name cannot be called.
        None => false,
    });
    if let Some(scope) = result.get_mut("cacheScope") {
        *scope = Value::from("private");
    }
}
