//! The six tools of the demo. Their answers are made up, and some are made to be caught: a card
//! number, an e-mail address, and a key that arrives in two halves.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler,
    handler::server::{router::tool::ToolRouter, tool::ToolCallContext, wrapper::Parameters},
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
        ServerConfig, Tool,
    },
    schemars::{self, JsonSchema},
    service::RequestContext,
    tool, tool_router,
};
use serde::{Deserialize, Serialize};

use super::{Seen, seen::UNKNOWN};

/// The made-up card number in the answer of `read_customer` (the schemes' own test number).
pub const CARD: &str = "4111 1111 1111 1111";
/// The made-up e-mail address in the answer of `read_customer`.
pub const EMAIL: &str = "ada.byron@customers.example";
/// The made-up access key that `stream_report` tells in two halves, each in its own message. The
/// halves stand apart here so that a scanner of source code has nothing to find.
pub const KEY_HALVES: [&str; 2] = ["AKIAZ7QK4W", "PNX2M5RTVC"];

const MAX_STEPS: u32 = 100;
const MAX_SLOW_MILLIS: u64 = 120_000;
/// Far enough apart that each message travels by itself.
const STEP: Duration = Duration::from_millis(20);

/// The demo's tools, for one session or one stateless request.
#[derive(Clone)]
pub struct Errands {
    router: ToolRouter<Self>,
    seen: Arc<Seen>,
}

#[derive(Deserialize, JsonSchema)]
struct City {
    /// The city to look at, as `Lisbon`.
    city: String,
}

#[derive(Serialize, JsonSchema)]
struct Weather {
    city: String,
    celsius: f64,
    sky: String,
}

#[derive(Deserialize, JsonSchema)]
struct Words {
    /// What to say back.
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct CustomerId {
    /// The customer's number, as `c-1001`.
    id: String,
}

#[derive(Serialize, JsonSchema)]
struct Customer {
    id: String,
    name: String,
    email: String,
    card: String,
}

#[derive(Deserialize, JsonSchema)]
struct Branch {
    /// The branch to delete, as `main`.
    branch: String,
}

#[derive(Deserialize, JsonSchema)]
struct Steps {
    /// How many progress messages to send, 100 at the most.
    steps: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Pause {
    /// How long to take, in milliseconds, 120000 at the most.
    ms: u64,
}

#[tool_router(router = routes)]
impl Errands {
    /// The tools, counting their calls in `seen`.
    pub fn new(seen: Arc<Seen>) -> Self {
        Self { router: Self::routes(), seen }
    }

    #[tool(description = "Tells the weather of a city.", annotations(read_only_hint = true))]
    async fn get_weather(&self, Parameters(City { city }): Parameters<City>) -> Json<Weather> {
        Json(Weather { city, celsius: 21.5, sky: "clear".into() })
    }

    #[tool(description = "Says the text back.", annotations(read_only_hint = true))]
    async fn echo(&self, Parameters(Words { text }): Parameters<Words>) -> String {
        text
    }

    #[tool(
        description = "Reads a customer's record from the shop's books.",
        annotations(read_only_hint = true)
    )]
    async fn read_customer(
        &self,
        Parameters(CustomerId { id }): Parameters<CustomerId>,
    ) -> Json<Customer> {
        Json(Customer { id, name: "Ada Byron".into(), email: EMAIL.into(), card: CARD.into() })
    }

    #[tool(
        description = "Deletes a branch of the repository, for good.",
        annotations(destructive_hint = true)
    )]
    async fn delete_branch(&self, Parameters(Branch { branch }): Parameters<Branch>) -> String {
        format!("branch `{branch}` deleted")
    }

    #[tool(description = "Writes a report and tells of each step.")]
    async fn stream_report(
        &self,
        Parameters(Steps { steps }): Parameters<Steps>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        if steps > MAX_STEPS {
            return Ok(refusal(format!("`steps` is {steps}, and {MAX_STEPS} is the most")));
        }
        let token = context.meta.get_progress_token();
        for step in 1..=steps {
            if let Some(token) = token.clone() {
                let note = ProgressNotificationParam::new(token, f64::from(step))
                    .with_total(f64::from(steps))
                    .with_message(report_line(step));
                // A client that has gone away reads no progress; the call's own end says so.
                let _gone = context.peer.notify_progress(note).await;
            }
            tokio::time::sleep(STEP).await;
        }
        let done = format!("report written in {steps} steps");
        Ok(CallToolResult::success(vec![ContentBlock::text(done)]))
    }

    #[tool(description = "Takes its time.", annotations(read_only_hint = true))]
    async fn slow(
        &self,
        Parameters(Pause { ms }): Parameters<Pause>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        if ms > MAX_SLOW_MILLIS {
            return Ok(refusal(format!("`ms` is {ms}, and {MAX_SLOW_MILLIS} is the most")));
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms)) => {
                Ok(CallToolResult::success(vec![ContentBlock::text(format!("took {ms} ms"))]))
            }
            () = context.ct.cancelled() => Ok(refusal("the call was cancelled".into())),
        }
    }
}

/// The first two messages end and begin with the halves of the key, so that only who reads them
/// together finds it.
fn report_line(step: u32) -> String {
    let [first, second] = KEY_HALVES;
    match step {
        1 => format!("signing in with {first}"),
        2 => format!("{second} and opening the books"),
        _ => format!("step {step}"),
    }
}

fn refusal(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

impl ServerHandler for Errands {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("tollgate-demo-tools", env!("CARGO_PKG_VERSION")))
            .with_instructions("A made-up shop. Nothing here is real, and nothing is kept.")
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.router.get(name).cloned()
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.router.list_all()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let known = self.router.has_route(&call.name);
        self.seen.tool(if known { &call.name } else { UNKNOWN });
        self.router.call(ToolCallContext::new(self, call, context)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_whole_only_across_two_messages() {
        let lines: Vec<String> = (1..=4).map(report_line).collect();
        let key = KEY_HALVES.concat();
        assert!(lines.concat().contains(&key));
        assert!(lines.iter().all(|line| !line.contains(&key)));
    }

    #[test]
    fn each_tool_is_described_and_the_structured_ones_have_an_output_schema() {
        let tools = Errands::new(Arc::default()).router.list_all();
        let structured: Vec<&str> = tools
            .iter()
            .filter(|tool| tool.output_schema.is_some())
            .map(|tool| tool.name.as_ref())
            .collect();
        assert_eq!(tools.len(), 6);
        assert!(tools.iter().all(|tool| tool.description.is_some()));
        assert_eq!(structured, ["get_weather", "read_customer"]);
    }
}
