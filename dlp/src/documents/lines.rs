//! One JSON document a line (`application/x-ndjson`).
use serde_json::Value;

use super::limits::Why;
use super::look::Look;
use super::{Opening, text};
use crate::finding::Layer;

/// The lines of a text.
#[derive(Clone, PartialEq)]
pub(crate) struct Lines {
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq)]
enum Line {
    Json(Value),
    Text(String),
}

impl Lines {
    pub(crate) fn open(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Self, Why> {
        let text = text::utf8(bytes)?;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            opening.budget.node()?;
            let line = line.trim_end_matches('\r');
            lines.push(match opening.json(line)? {
                Some(value) => Line::Json(value),
                None => Line::Text(line.to_owned()),
            });
        }
        Ok(Self { lines })
    }

    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let mut text = Vec::new();
        self.write(&mut text);
        look.events(&text, b"\n", Layer::Line);
        let mut changed = false;
        for (at, line) in self.lines.iter_mut().enumerate() {
            changed |= look.within(Layer::Line(at + 1), |look| match line {
                Line::Json(value) => look.json(value),
                Line::Text(text) => look.text(None, text),
            });
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (at, line) in self.lines.iter().enumerate() {
            if at > 0 {
                out.push(b'\n');
            }
            match line {
                Line::Json(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Line::Text(text) => out.extend_from_slice(text.as_bytes()),
            }
        }
    }

    pub(crate) fn view(&self) -> Value {
        let line = |line: &Line| match line {
            Line::Json(value) => value.clone(),
            Line::Text(text) => Value::from(text.as_str()),
        };
        let lines = self.lines.iter().map(line);
        Value::Array(lines.filter(|line| line.as_str() != Some("")).collect())
    }
}
