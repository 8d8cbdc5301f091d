//! What a call says beside the words of its document: in its path, its query, a form, its headers.
use http::HeaderMap;
use serde_json::Value;
use tollgate_dlp::{Layer, Memory, Place};
use tollgate_rules::Call;

use super::CREDENTIALS;
use crate::clear::Way;
use crate::head::Request;

/// Texts of a call that stand in no document, in this order; [`Memory::TEXTS`] of them.
pub struct Beside<'c> {
    path: &'c str,
    /// Of plain HTTP: those of its query, and of a body that is a form.
    pairs: &'c [(String, Value)],
    /// Of others: those of its query.
    query: Vec<(String, String)>,
    headers: &'c HeaderMap,
}

impl<'c> Beside<'c> {
    pub(super) fn of(call: &'c Call, way: &'c Way, request: &'c Request) -> Self {
        let pairs = call.arguments.pairs();
        let query = match pairs.is_empty() && request.head.query().is_some() {
            true => request.head.query_pairs(),
            false => Vec::new(),
        };
        Self { path: &way.path, pairs, query, headers: &request.headers }
    }

    /// All of them.
    pub fn texts(&self) -> Vec<&[u8]> {
        self.all().map(|(text, _)| text).collect()
    }

    /// Where the text with this number stands.
    pub fn place(&self, nth: usize) -> Place {
        let at = self.all().nth(nth).map(|(_, at)| at.layer());
        at.map_or(Place::Text, |layer| Place::Within(vec![layer], Box::new(Place::Text)))
    }

    fn all(&self) -> impl Iterator<Item = (&[u8], At<'_>)> {
        let path = self.path.split('/').enumerate();
        let path = path.map(|(at, segment)| (segment.as_bytes(), At::Segment(at)));
        let pairs = self.pairs.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let query = self.query.iter().map(|(name, value)| (name, value.as_str()));
        let pairs = pairs
            .chain(query)
            .flat_map(|(name, value)| [name, value].map(|text| (text.as_bytes(), At::Query(name))));
        let sent = self.headers.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
        let headers = sent.map(|(name, value)| (value.as_bytes(), At::Header(name.as_str())));
        let all = path.chain(pairs).chain(headers);
        all.filter(|(text, _)| !text.is_empty()).take(Memory::TEXTS)
    }
}

/// Where a text stands, by what is sent.
enum At<'c> {
    Segment(usize),
    Query(&'c str),
    Header(&'c str),
}

impl At<'_> {
    fn layer(&self) -> Layer {
        match *self {
            Self::Segment(at) => Layer::Segment(at),
            Self::Query(name) => Layer::Query(name.to_owned()),
            Self::Header(name) => Layer::Header(name.to_owned()),
        }
    }
}
