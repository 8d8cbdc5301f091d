//! Asking the client before answering: within one call by requests of our own where there is a
//! session, and over several calls (2026-07-28, "multi round-trip requests") where there is none.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        ClientCapabilities, InputRequest, InputRequests, InputRequiredResult, InputResponses,
        RequestStateCodec, SealOptions, ServerRequest,
    },
    service::RequestContext,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fixtures::Script;

/// What came of asking.
pub(super) enum Heard {
    /// Everything asked was answered: the call's arguments and the answers.
    All(Value),
    /// The client is to ask its person or its model and call again.
    Ask(InputRequiredResult),
}

/// How far the asking has come. It travels to the client and back, sealed.
#[derive(Default, Deserialize, Serialize)]
struct Progress {
    round: usize,
    answers: Map<String, Value>,
}

/// One call of a tool or prompt that asks.
pub(super) struct Interview<'c> {
    pub(super) script: &'c Script,
    pub(super) seal: &'c RequestStateCodec,
    /// The method and the name: a state sealed for one is of no use to another.
    pub(super) subject: String,
    pub(super) arguments: Value,
    pub(super) responses: InputResponses,
    pub(super) state: Option<String>,
}

impl Interview<'_> {
    pub(super) async fn hear(
        self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Heard, ErrorData> {
        let able = context.client_capabilities().unwrap_or_default();
        if super::server::is_stateless(context) {
            self.over_calls(&able)
        } else {
            self.within_call(&able, context).await
        }
    }

    fn over_calls(mut self, able: &ClientCapabilities) -> Result<Heard, ErrorData> {
        let mut progress = match self.state.take() {
            Some(state) if self.script.sealed => self.open(&state)?,
            // Answers to questions that we do not know to have asked are no answers.
            None if self.script.sealed => {
                self.responses.clear();
                Progress::default()
            }
            _ => Progress::default(),
        };
        let Some(questions) = self.questions(progress.round, able)? else {
            return Ok(self.heard(progress));
        };
        if !self.take_answers(&questions, &mut progress) {
            return self.ask(questions, &progress).map(Heard::Ask);
        }
        progress.round += 1;
        match self.questions(progress.round, able)? {
            Some(questions) => self.ask(questions, &progress).map(Heard::Ask),
            None => Ok(self.heard(progress)),
        }
    }

    async fn within_call(
        self,
        able: &ClientCapabilities,
        context: &RequestContext<RoleServer>,
    ) -> Result<Heard, ErrorData> {
        let mut progress = Progress::default();
        while let Some(questions) = self.questions(progress.round, able)? {
            for (key, question) in questions {
                let answer = put(question, context).await?;
                progress.answers.insert(key, answer);
            }
            progress.round += 1;
        }
        Ok(self.heard(progress))
    }

    /// The questions of a round that this client has said it can answer.
    fn questions(
        &self,
        round: usize,
        able: &ClientCapabilities,
    ) -> Result<Option<InputRequests>, ErrorData> {
        let Some(questions) = self.script.round(round, &self.arguments).transpose()? else {
            return Ok(None);
        };
        let wanted = needed(questions.values());
        let questions: InputRequests =
            questions.into_iter().filter(|(_, question)| can_answer(able, question)).collect();
        if questions.is_empty() {
            return Err(ErrorData::missing_required_client_capability(wanted));
        }
        Ok(Some(questions))
    }

    /// Takes the answers to `questions`; false when one is missing or is no answer at all.
    fn take_answers(&self, questions: &InputRequests, progress: &mut Progress) -> bool {
        questions.keys().all(|key| match self.responses.get(key) {
            Some(answer) if answer.is_object() => {
                progress.answers.insert(key.clone(), answer.clone());
                true
            }
            _ => false,
        })
    }

    fn ask(
        &self,
        questions: InputRequests,
        progress: &Progress,
    ) -> Result<InputRequiredResult, ErrorData> {
        let state = self.script.sealed.then(|| self.close(progress)).transpose()?;
        Ok(InputRequiredResult::new(Some(questions), state))
    }

    fn heard(self, progress: Progress) -> Heard {
        Heard::All(json!({ "answers": progress.answers, "arguments": self.arguments }))
    }

    fn close(&self, progress: &Progress) -> Result<String, ErrorData> {
        let options = SealOptions::new().associated_data(self.subject.as_bytes());
        self.seal
            .seal_json_with(progress, &options)
            .map_err(|_| ErrorData::internal_error("the state could not be sealed", None))
    }

    fn open(&self, state: &str) -> Result<Progress, ErrorData> {
        self.seal
            .open_json_with(state, self.subject.as_bytes())
            .map_err(|_| ErrorData::invalid_params("`requestState` is not as it was given", None))
    }
}

/// Puts one question to the client of a session and waits for the answer.
async fn put(
    question: InputRequest,
    context: &RequestContext<RoleServer>,
) -> Result<Value, ErrorData> {
    let request = match question {
        InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
        InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
        InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
        _ => return Err(ErrorData::internal_error("a question of an unknown kind", None)),
    };
    let unanswered = |_| ErrorData::internal_error("the client did not answer", None);
    let answer = context.peer.send_request(request).await.map_err(unanswered)?;
    serde_json::to_value(answer)
        .map_err(|_| ErrorData::internal_error("the client's answer is not JSON", None))
}

fn can_answer(able: &ClientCapabilities, question: &InputRequest) -> bool {
    match question {
        InputRequest::CreateMessage(_) => able.sampling.is_some(),
        InputRequest::Elicitation(_) => able.elicitation.is_some(),
        InputRequest::ListRoots(_) => able.roots.is_some(),
        _ => false,
    }
}

fn needed<'q>(questions: impl Iterator<Item = &'q InputRequest>) -> ClientCapabilities {
    let mut needed = ClientCapabilities::default();
    for question in questions {
        match question {
            InputRequest::CreateMessage(_) => needed.sampling = Some(Default::default()),
            InputRequest::Elicitation(_) => needed.elicitation = Some(Default::default()),
            InputRequest::ListRoots(_) => needed.roots = Some(Default::default()),
            _ => {}
        }
    }
    needed
}
