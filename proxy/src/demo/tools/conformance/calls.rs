//! The tools whose answer is more than a table entry.

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolResult, ClientCapabilities, ContentBlock, LoggingLevel, LoggingMessageNotification,
        LoggingMessageNotificationParam, ProgressNotificationParam, ServerNotification,
    },
    service::RequestContext,
};

use super::{Conformance, line::Line, server::is_stateless, stage::Change};

/// The suite asks for about this much time between two notifications.
const PAUSE: Duration = Duration::from_millis(50);
const LOG_LINES: [&str; 3] =
    ["Tool execution started", "Tool processing data", "Tool execution completed"];

/// Does what the tool `name` does; none if there is no such tool.
pub(super) async fn call(
    server: &Conformance,
    name: &str,
    context: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResult, ErrorData>> {
    let said = match name {
        "test_tool_with_logging" | "test_logging_tool" => log(server, context).await,
        "test_tool_with_progress" => progress(context).await,
        "test_reconnection" => hang_up(context).await,
        "test_missing_capability" => match needs_sampling(context) {
            Ok(said) => said,
            Err(error) => return Some(Err(error)),
        },
        "test_trigger_tool_change" => change(server, context, Change::Tools).await,
        "test_trigger_prompt_change" => change(server, context, Change::Prompts).await,
        _ => return None,
    };
    Some(Ok(CallToolResult::success(vec![ContentBlock::text(said)])))
}

async fn log(server: &Conformance, context: &RequestContext<RoleServer>) -> &'static str {
    for line in LOG_LINES {
        if server.hears(context, LoggingLevel::Info) {
            let note = LoggingMessageNotificationParam::new(LoggingLevel::Info, line.into())
                .with_logger("conformance");
            let note = LoggingMessageNotification::new(note);
            tell(context, ServerNotification::LoggingMessageNotification(note)).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    "Three lines logged"
}

async fn progress(context: &RequestContext<RoleServer>) -> &'static str {
    let token = context.meta.get_progress_token();
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = token.clone() {
            let note = ProgressNotificationParam::new(token, done).with_total(100.0);
            // A client that has gone away reads no progress; the call's own end says so.
            let _gone = context.peer.notify_progress(note).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    "Progress told in three steps"
}

async fn hang_up(context: &RequestContext<RoleServer>) -> &'static str {
    // Without a session there is nowhere to call back.
    if !is_stateless(context)
        && let Some(line) = Line::of(context)
    {
        line.hang_up();
    }
    tokio::time::sleep(PAUSE * 2).await;
    "Answered on the line that called back"
}

fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<&'static str, ErrorData> {
    match context.client_capabilities().unwrap_or_default().sampling {
        Some(_) => Ok("The client can sample"),
        None => Err(ErrorData::missing_required_client_capability(
            ClientCapabilities::builder().enable_sampling().build(),
        )),
    }
}

async fn change(
    server: &Conformance,
    context: &RequestContext<RoleServer>,
    change: Change,
) -> &'static str {
    server.stage().announce(change);
    if !is_stateless(context) {
        let _gone = match change {
            Change::Prompts => context.peer.notify_prompt_list_changed().await,
            Change::Tools => context.peer.notify_tool_list_changed().await,
        };
    }
    "Change announced"
}

async fn tell(context: &RequestContext<RoleServer>, note: ServerNotification) {
    let _gone = context.peer.send_notification(note).await;
}
