//! Tools that go on as tasks where the client can follow one (the extension
//! `io.modelcontextprotocol/tasks`).

use std::time::Duration;

use futures::future::try_join_all;
use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult,
        InputRequests,
    },
    task_manager::{TaskContext, TaskExit, TaskOptions},
};
use serde_json::{Map, Value, json};

use super::{Stage, fixtures::Script};

/// The longest computation, so that no task outlives its welcome.
const MAX_SECONDS: f64 = 60.0;
const FAILURE_AFTER: Duration = Duration::from_secs(1);
const POLL_MILLIS: u64 = 200;

/// What a tool does as a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Job {
    /// Asks within the task.
    Ask,
    /// Fails as the protocol fails.
    Break,
    /// Takes its time; can also be done at once.
    Compute,
    /// Fails as a tool fails.
    Fail,
    /// Says what was heard in the rounds before the task.
    Tell,
}

impl Job {
    /// The job of the tool `name`, if it has one.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "confirm_delete" | "multi_input" => Some(Self::Ask),
            "failing_job" => Some(Self::Fail),
            "protocol_error_job" => Some(Self::Break),
            "slow_compute" => Some(Self::Compute),
            "test_tool_with_task" => Some(Self::Tell),
            _ => None,
        }
    }
}

/// Does `job`: as a task if the client follows tasks, else at once if that can be, else not.
pub(super) async fn start(
    stage: &Stage,
    job: Job,
    script: Option<&Script>,
    words: Value,
    able: &ClientCapabilities,
) -> Result<CallToolResponse, ErrorData> {
    if !able.supports_tasks() {
        return match job {
            Job::Compute => {
                tokio::time::sleep(span(&words)?).await;
                Ok(computed(&words).into())
            }
            _ => Err(without_tasks()),
        };
    }
    let work = work(job, script, words)?;
    let options = TaskOptions::new().with_poll_interval_ms(POLL_MILLIS);
    let task = stage.tasks.spawn(options, |context| Box::pin(work.run(context)));
    Ok(CreateTaskResult::new(task).into())
}

/// The error for a client that cannot follow the task that a tool needs.
pub(super) fn without_tasks() -> ErrorData {
    ErrorData::missing_required_client_capability(
        ClientCapabilities::builder().enable_tasks().build(),
    )
}

/// A job with all it needs, so that it can run by itself.
enum Work {
    Ask { questions: InputRequests, script: Script, words: Value },
    Break,
    Compute { span: Duration, words: Value },
    Fail,
    Tell { text: String },
}

fn work(job: Job, script: Option<&Script>, words: Value) -> Result<Work, ErrorData> {
    let unscripted = || ErrorData::internal_error("the tool has no script", None);
    Ok(match job {
        Job::Break => Work::Break,
        Job::Compute => Work::Compute { span: span(&words)?, words },
        Job::Fail => Work::Fail,
        Job::Tell => Work::Tell { text: script.ok_or_else(unscripted)?.reply(&words) },
        Job::Ask => {
            let script = script.ok_or_else(unscripted)?;
            let questions = script.round(0, &words).ok_or_else(unscripted)??;
            Work::Ask { questions, script: script.clone(), words }
        }
    })
}

impl Work {
    async fn run(self, context: TaskContext) -> Result<CallToolResult, TaskExit> {
        match self {
            Self::Ask { questions, script, words } => {
                let put = questions.into_iter().map(|(key, question)| {
                    let context = context.clone();
                    async move {
                        let answer = context.request_input(key.clone(), question).await?;
                        Ok::<_, TaskExit>((key, answer))
                    }
                });
                let answers: Map<String, Value> = try_join_all(put).await?.into_iter().collect();
                let heard = json!({ "answers": answers, "arguments": words });
                Ok(told(script.reply(&heard)))
            }
            Self::Break => {
                tokio::time::sleep(FAILURE_AFTER).await;
                Err(ErrorData::internal_error("the job broke down, as it was made to", None).into())
            }
            Self::Compute { span, words } => tokio::select! {
                () = tokio::time::sleep(span) => Ok(computed(&words)),
                () = context.cancelled() => Err(TaskExit::Cancelled),
            },
            Self::Fail => {
                tokio::time::sleep(FAILURE_AFTER).await;
                let text = "the job failed, as it was made to";
                Ok(CallToolResult::error(vec![ContentBlock::text(text)]))
            }
            Self::Tell { text } => Ok(told(text)),
        }
    }
}

fn span(words: &Value) -> Result<Duration, ErrorData> {
    let seconds = words.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let beyond =
        || ErrorData::invalid_params(format!("`seconds` must be from 0 to {MAX_SECONDS}"), None);
    let seconds = (0.0..=MAX_SECONDS).contains(&seconds).then_some(seconds).ok_or_else(beyond)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| beyond())
}

fn computed(words: &Value) -> CallToolResult {
    told(super::fill::fill_text("computed {label}", words))
}

fn told(text: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}
