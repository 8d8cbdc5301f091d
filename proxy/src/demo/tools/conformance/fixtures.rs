//! The tables of made-up answers, compiled in and read once at start.

use std::collections::BTreeMap;

use rmcp::model::{
    CallToolResult, ErrorData, InputRequest, InputRequests, Prompt, PromptMessage, Resource,
    ResourceContents, ResourceTemplate, ResultType, Tool,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::fill::{fill, fill_text, unfill};
use crate::demo::tools::ServeError;

/// Everything the suite's server offers that data can say.
#[derive(Clone, Debug)]
pub struct Fixtures {
    pub(super) tools: Vec<Tool>,
    answers: BTreeMap<String, Value>,
    scripts: BTreeMap<String, Script>,
    pub(super) shelf: Shelf,
    pub(super) desk: Desk,
}

/// What a tool or a prompt asks of the client, round by round, before it answers.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Script {
    rounds: Vec<BTreeMap<String, Value>>,
    reply: String,
    /// Whether the state between rounds travels sealed, and a round without it begins anew.
    #[serde(default)]
    pub(super) sealed: bool,
}

/// The resources.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Shelf {
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
    contents: BTreeMap<String, Value>,
}

/// The prompts.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Desk {
    pub(super) prompts: Vec<Prompt>,
    messages: BTreeMap<String, Value>,
    completions: BTreeMap<String, Vec<String>>,
}

impl Fixtures {
    /// Reads the tables.
    pub fn load() -> Result<Self, ServeError> {
        Ok(Self {
            tools: table("tools.json", include_str!("fixtures/tools.json"))?,
            answers: table("answers.json", include_str!("fixtures/answers.json"))?,
            scripts: table("scripts.json", include_str!("fixtures/scripts.json"))?,
            shelf: table("resources.json", include_str!("fixtures/resources.json"))?,
            desk: table("prompts.json", include_str!("fixtures/prompts.json"))?,
        })
    }

    pub(super) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    pub(super) fn script(&self, name: &str) -> Option<&Script> {
        self.scripts.get(name)
    }

    /// The fixed answer of the tool `name`, with the call's arguments filled in.
    pub(super) fn answer(
        &self,
        name: &str,
        words: &Value,
    ) -> Option<Result<CallToolResult, ErrorData>> {
        self.answers.get(name).map(|answer| {
            let mut answer: CallToolResult = made(fill(answer, words))?;
            // The transport takes this away again for a client that does not know of it.
            answer.result_type = Some(ResultType::COMPLETE);
            Ok(answer)
        })
    }
}

impl Script {
    /// The requests of one round, with the call's arguments filled in; none after the last round.
    pub(super) fn round(
        &self,
        number: usize,
        words: &Value,
    ) -> Option<Result<InputRequests, ErrorData>> {
        let round = self.rounds.get(number)?;
        let request = |(key, request): (&String, &Value)| {
            made::<InputRequest>(fill(request, words)).map(|request| (key.clone(), request))
        };
        Some(round.iter().map(request).collect())
    }

    /// What is said at the end.
    pub(super) fn reply(&self, words: &Value) -> String {
        fill_text(&self.reply, words)
    }
}

impl Shelf {
    /// The contents at `uri`: those of a resource, or of the template that the address fits.
    pub(super) fn contents(&self, uri: &str) -> Option<Result<ResourceContents, ErrorData>> {
        if let Some(contents) = self.contents.get(uri) {
            return Some(made(contents.clone()));
        }
        self.contents.iter().find_map(|(template, contents)| {
            let (word, value) = unfill(template, uri)?;
            Some(made(fill(contents, &json!({ word: value }))))
        })
    }
}

impl Desk {
    pub(super) fn messages(
        &self,
        name: &str,
        words: &Value,
    ) -> Option<Result<Vec<PromptMessage>, ErrorData>> {
        self.messages.get(name).map(|messages| made(fill(messages, words)))
    }

    /// What an argument may be, of those that begin as `begun`.
    pub(super) fn completions(&self, argument: &str, begun: &str) -> Vec<String> {
        let known = self.completions.get(argument).map(Vec::as_slice).unwrap_or_default();
        known.iter().filter(|value| value.starts_with(begun)).cloned().collect()
    }
}

fn table<T: DeserializeOwned>(name: &'static str, text: &str) -> Result<T, ServeError> {
    serde_json::from_str(text).map_err(|source| ServeError::Fixture { table: name, source })
}

/// Makes a protocol value of a filled table entry. The tests see that the tables are right, but
/// what a caller fills in can still be of the wrong kind for its place.
fn made<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|_| ErrorData::invalid_params("an argument is of the wrong kind", None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_makes_a_protocol_value() {
        let fixtures = Fixtures::load().unwrap();
        let words = json!({ "prompt": "p", "message": "m" });
        for name in fixtures.answers.keys() {
            fixtures.answer(name, &words).unwrap().unwrap();
        }
        for (name, script) in &fixtures.scripts {
            for number in 0..script.rounds.len() {
                let requests = script.round(number, &words).unwrap().unwrap();
                assert!(!requests.is_empty(), "{name}");
            }
            assert!(script.round(script.rounds.len(), &words).is_none(), "{name}");
        }
        for prompt in &fixtures.desk.prompts {
            fixtures.desk.messages(&prompt.name, &words).unwrap().unwrap();
        }
        for resource in &fixtures.shelf.resources {
            fixtures.shelf.contents(&resource.uri).unwrap().unwrap();
        }
    }

    #[test]
    fn an_address_finds_its_template_and_a_stranger_nothing() {
        let shelf = Fixtures::load().unwrap().shelf;
        let found = shelf.contents("test://template/42/data").unwrap().unwrap();
        let told = serde_json::to_value(found).unwrap();
        assert_eq!(told["uri"], "test://template/42/data");
        assert!(told["text"].as_str().unwrap().contains("Data for ID: 42"));
        assert!(shelf.contents("test://nowhere").is_none());
    }
}
