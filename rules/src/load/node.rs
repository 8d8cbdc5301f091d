//! A bundle's text as a tree that remembers places and duplicate keys.
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;
use serde_saphyr::budget::BudgetBreach;

use super::mistake::{Place, quoted};

/// One value and where it stands.
pub(crate) struct Node {
    pub(crate) place: Option<Place>,
    pub(crate) kind: Kind,
}

/// What it is.
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key and its value.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Option<Place>,
    pub(crate) node: Node,
}

/// Text that is neither JSON nor YAML.
pub(crate) struct SyntaxError {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
}

impl Node {
    /// Reads JSON when the text starts with `{`, and YAML otherwise.
    pub(crate) fn read(text: &str) -> Result<Self, SyntaxError> {
        if text.trim_start().starts_with('{') { Self::read_json(text) } else { read_yaml(text) }
    }

    /// Reads JSON. The message holds nothing of the text.
    pub(crate) fn read_json(text: &str) -> Result<Self, SyntaxError> {
        let json: Json = serde_json::from_str(text).map_err(|error| SyntaxError {
            place: Some(Place { line: error.line() as u64, column: error.column() as u64 }),
            message: match error.classify() {
                serde_json::error::Category::Eof => "the JSON text ends too early".to_owned(),
                _ => "this is not JSON, or is nested deeper than the limit".to_owned(),
            },
        })?;
        Ok(json.0)
    }

    /// How many maps and lists stand inside one another.
    pub(crate) fn depth(&self) -> usize {
        match &self.kind {
            Kind::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Map(entries) => 1 + entries.iter().map(|e| e.node.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The same as plain JSON, keys in the order of the text.
    ///
    /// Whole floating point numbers become integers, as ECMAScript writes them, so that `1` and
    /// `1.0` are one number here, in the hash and under the signature.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => Value::Number(whole(number)),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.value())).collect(),
            ),
        }
    }

    /// The value under a key, when this is a map that has it.
    pub(crate) fn field(&self, key: &str) -> Option<&Self> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The text, when this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// The first key that stands twice in one map, anywhere.
    pub(crate) fn duplicate(&self) -> Option<&Entry> {
        match &self.kind {
            Kind::List(items) => items.iter().find_map(Self::duplicate),
            Kind::Map(entries) => {
                let mut seen = std::collections::HashSet::new();
                entries.iter().find_map(|entry| {
                    if seen.insert(entry.key.as_str()) {
                        entry.node.duplicate()
                    } else {
                        Some(entry)
                    }
                })
            }
            _ => None,
        }
    }

    /// The first integer that JSON readers do not agree on (RFC 8785 section 3.2.2.3): beyond
    /// 2^53 - 1 two numbers share one canonical form, so a signature would cover both.
    pub(crate) fn inexact(&self) -> Option<&Self> {
        match &self.kind {
            Kind::Number(number) => {
                let size = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
                size.is_some_and(|size| size > EXACT_MAX).then_some(self)
            }
            Kind::List(items) => items.iter().find_map(Self::inexact),
            Kind::Map(entries) => entries.iter().find_map(|entry| entry.node.inexact()),
            _ => None,
        }
    }
}

/// The greatest integer that every JSON reader holds exactly.
const EXACT_MAX: u64 = (1 << 53) - 1;

fn whole(number: &Number) -> Number {
    match number.as_f64() {
        Some(float)
            if number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT_MAX as f64 =>
        {
            // Exact: the float is whole and below 2^53.
            Number::from(float as i64)
        }
        _ => number.clone(),
    }
}

/// A YAML bundle nests 20 deep; the parser stops a little beyond, so that the reader can say it.
const YAML_DEPTH_MAX: usize = 64;

/// A bundle of 1 MiB has at most half a million nodes; with aliases it may not grow beyond.
const YAML_NODES_MAX: usize = 600_000;

fn read_yaml(text: &str) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: YAML_DEPTH_MAX,
            flow_nesting_limit: YAML_DEPTH_MAX,
            max_documents: 1,
            max_nodes: YAML_NODES_MAX,
            max_events: 2 * YAML_NODES_MAX,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        // A merged key has no place of its own and hides what a rule says.
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        // `no` is a word; only `true` and `false` are truth values.
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    let yaml: Yaml = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error
            .location()
            .filter(|at| at.line() > 0)
            .map(|at| Place { line: at.line(), column: at.column() });
        SyntaxError { place, message: plain(&error) }
    })?;
    Ok(yaml.into())
}

/// What is wrong, in the words of this house where the parser speaks of its own options.
fn plain(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error.without_snippet() {
        Error::DuplicateMappingKey { key, .. } => match key {
            Some(key) => format!("the key {} stands twice in one mapping", quoted(key)),
            None => "a key stands twice in one mapping".to_owned(),
        },
        Error::MergeKeyNotAllowed { .. } => {
            "merge keys (`<<`) are not read; write the keys out".to_owned()
        }
        Error::MultipleDocuments { .. } => ONE_DOCUMENT.to_owned(),
        Error::NonFiniteFloat { .. } => "this is no finite number; use quotes for text".to_owned(),
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => ONE_DOCUMENT.to_owned(),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP.to_owned(),
        Error::Budget { .. } => "the text is too large, or refers to itself too often".to_owned(),
        Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            "aliases (`*name`) make the text too large; write the parts out".to_owned()
        }
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            // The place stands in front already.
            let line = line.rsplit_once(" at line ").map_or(line, |(sentence, _)| sentence);
            if line.contains("recursion limit") {
                return TOO_DEEP.to_owned();
            }
            format!("this is not readable YAML: {line}")
        }
    }
}

const ONE_DOCUMENT: &str = "the text holds more than one document; a bundle is one";

const TOO_DEEP: &str = "the text nests far too deep";

/// A node of JSON text, which keeps no places.
struct Json(Node);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = deserializer.deserialize_any(Shape::<Self, String>(PhantomData))?;
        Ok(Self(Node { place: None, kind }))
    }
}

impl From<Json> for Node {
    fn from(json: Json) -> Self {
        json.0
    }
}

/// A node of YAML text.
struct Yaml(Spanned<YamlKind>);

struct YamlKind(Kind);

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for YamlKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape::<Yaml, Spanned<String>>(PhantomData)).map(Self)
    }
}

impl From<Yaml> for Node {
    fn from(yaml: Yaml) -> Self {
        Self { place: place(&yaml.0), kind: yaml.0.value.0 }
    }
}

fn place<T>(spanned: &Spanned<T>) -> Option<Place> {
    let at = spanned.referenced;
    (at.line() > 0).then(|| Place { line: at.line(), column: at.column() })
}

/// A key of either language.
trait Key {
    fn named(self) -> (String, Option<Place>);
}

impl Key for String {
    fn named(self) -> (String, Option<Place>) {
        (self, None)
    }
}

impl Key for Spanned<String> {
    fn named(self) -> (String, Option<Place>) {
        let place = place(&self);
        (self.value, place)
    }
}

/// Builds a [`Kind`] out of nodes `N` and keys `K`.
struct Shape<N, K>(PhantomData<(N, K)>);

impl<'de, N, K> Visitor<'de> for Shape<N, K>
where
    N: Deserialize<'de> + Into<Node>,
    K: Deserialize<'de> + Key,
{
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping, list, text, number or truth value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(Kind::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Kind, E> {
        Number::from_f64(number).map(Kind::Number).ok_or_else(|| E::custom(NOT_FINITE))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<N>()? {
            items.push(item.into());
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<K>()? {
            let (key, place) = key.named();
            if key == NUMBER && entries.is_empty() {
                return number(&map.next_value::<String>()?);
            }
            if key.len() > KEY_BYTES_MAX {
                return Err(A::Error::custom("a key is longer than 1024 bytes"));
            }
            entries.push(Entry { key, place, node: map.next_value::<N>()?.into() });
        }
        Ok(Kind::Map(entries))
    }
}

/// The name that the JSON reader gives a number that is no integer within 64 bits.
const NUMBER: &str = "$serde_json::private::Number";

const NOT_FINITE: &str = "not a finite number";

/// A number of JSON, as the canonical form has it that a signature covers: a double.
fn number<E: serde::de::Error>(written: &str) -> Result<Kind, E> {
    let double = written.parse().ok().and_then(Number::from_f64);
    double.map(Kind::Number).ok_or_else(|| E::custom(NOT_FINITE))
}

/// YAML's own limit for a simple key (YAML 1.2.2 section 7.4.2); JSON text keeps to it here.
const KEY_BYTES_MAX: usize = 1024;
