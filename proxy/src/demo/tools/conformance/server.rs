//! The suite's server itself: each request of the protocol, answered from the tables.

use std::sync::Arc;

use parking_lot::Mutex;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
        CompleteRequestParams, CompleteResult, CompletionInfo, ContentBlock,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetTaskParams, GetTaskResult,
        Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, LoggingLevel, PaginatedRequestParams, ProtocolVersion,
        ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerCapabilities,
        ServerConfig, SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};

use super::{
    Stage, calls,
    rounds::{Heard, Interview},
    tasks::{self, Job},
};
use crate::demo::tools::seen::UNKNOWN;

/// The suite's server, for one session or one stateless request.
#[derive(Clone)]
pub struct Conformance {
    stage: Arc<Stage>,
    /// The level that this session asked for; what is below it is not logged.
    level: Arc<Mutex<LoggingLevel>>,
}

impl Conformance {
    /// A server on the shared `stage`.
    pub fn new(stage: Arc<Stage>) -> Self {
        Self { stage, level: Arc::new(Mutex::new(LoggingLevel::Debug)) }
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether this request's client wants to hear of `level`. A stateless one says so in the
    /// request itself, or hears nothing.
    pub(super) fn hears(&self, context: &RequestContext<RoleServer>, level: LoggingLevel) -> bool {
        let least =
            if is_stateless(context) { context.meta.log_level() } else { Some(*self.level.lock()) };
        least.is_some_and(|least| level as u8 >= least as u8)
    }

    fn known(&self, uri: &str) -> Result<(), ErrorData> {
        self.stage.fixtures.shelf.contents(uri).map(drop).ok_or_else(|| {
            ErrorData::resource_not_found("no such resource", Some(json!({ "uri": uri })))
        })
    }

    async fn call_scripted(
        &self,
        call: CallToolRequestParams,
        job: Option<Job>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<CallToolResponse>, ErrorData> {
        let fixtures = &self.stage.fixtures;
        let script = fixtures.script(&call.name);
        let arguments = Value::Object(call.arguments.unwrap_or_default());
        let able = context.client_capabilities().unwrap_or_default();
        if job.is_some_and(|job| job != Job::Compute) && !able.supports_tasks() {
            return Err(tasks::without_tasks());
        }
        // A job that asks does so in its task; all else that has a script asks first.
        let heard = match script.filter(|_| job != Some(Job::Ask)) {
            None => arguments,
            Some(script) => {
                let interview = Interview {
                    script,
                    seal: &self.stage.seal,
                    subject: format!("tools/call {}", call.name),
                    arguments,
                    responses: call.input_responses.unwrap_or_default(),
                    state: call.request_state,
                };
                match interview.hear(context).await? {
                    Heard::All(heard) => heard,
                    Heard::Ask(questions) => return Ok(Some(questions.into())),
                }
            }
        };
        if let Some(job) = job {
            return tasks::start(&self.stage, job, script, heard, &able).await.map(Some);
        }
        if let Some(script) = script {
            let reply = ContentBlock::text(script.reply(&heard));
            return Ok(Some(CallToolResult::success(vec![reply]).into()));
        }
        Ok(fixtures.answer(&call.name, &heard).transpose()?.map(Into::into))
    }
}

/// Whether a request stands by itself (2026-07-28 and later) or belongs to a session.
pub(super) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    // Versions are dates, written so that they sort as they follow each other.
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

impl ServerHandler for Conformance {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new(
            "tollgate-demo-conformance",
            env!("CARGO_PKG_VERSION"),
        ))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.stage.fixtures.tool(name).cloned()
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.stage.fixtures.tools.clone()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = call.name.clone();
        let known = self.stage.fixtures.tool(&name).is_some();
        self.stage.seen.tool(if known { &name } else { UNKNOWN });
        if let Some(answer) = calls::call(self, &name, &context).await {
            return answer.map(Into::into);
        }
        let answer = self.call_scripted(call, Job::of(&name), &context).await?;
        answer.ok_or_else(|| ErrorData::invalid_params(format!("no tool named `{name}`"), None))
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.stage.fixtures.shelf.resources.clone()))
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = self.stage.fixtures.shelf.templates.clone();
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        read: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.known(&read.uri)?;
        let contents = self.stage.fixtures.shelf.contents(&read.uri);
        let contents: Vec<_> = contents.into_iter().collect::<Result<_, _>>()?;
        Ok(ReadResourceResult::new(contents).into())
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.stage.fixtures.desk.prompts.clone()))
    }

    async fn get_prompt(
        &self,
        prompt: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let fixtures = &self.stage.fixtures;
        let mut words = Value::Object(prompt.arguments.unwrap_or_default());
        if let Some(script) = fixtures.script(&prompt.name) {
            let interview = Interview {
                script,
                seal: &self.stage.seal,
                subject: format!("prompts/get {}", prompt.name),
                arguments: words,
                responses: prompt.input_responses.unwrap_or_default(),
                state: prompt.request_state,
            };
            words = match interview.hear(&context).await? {
                Heard::All(heard) => heard,
                Heard::Ask(questions) => return Ok(questions.into()),
            };
        }
        let messages = fixtures.desk.messages(&prompt.name, &words).ok_or_else(|| {
            ErrorData::invalid_params(format!("no prompt named `{}`", prompt.name), None)
        })??;
        Ok(GetPromptResult::new(messages).into())
    }

    async fn complete(
        &self,
        completion: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let argument = completion.argument;
        let values = self.stage.fixtures.desk.completions(&argument.name, &argument.value);
        let info = CompletionInfo::with_all_values(values)
            .map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(info))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_stateless(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        *self.level.lock() = request.level;
        Ok(())
    }

    // The watched resource never changes, so there is nobody to remember: it is enough to say yes.
    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.known(&request.uri)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.known(&request.uri)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, listener: SubscriptionContext) -> Result<(), ErrorData> {
        self.stage.listen(listener).await
    }

    async fn get_task(
        &self,
        task: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.stage.tasks.get_task(&task.task_id).map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        task: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.stage.tasks.update_task(&task.task_id, task.input_responses)
    }

    async fn cancel_task(
        &self,
        task: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.stage.tasks.cancel_task(&task.task_id)
    }
}
