//! The schema as a tree that a file is held against.
use serde_json::Value;

use crate::schema::schema;

/// What a value may be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Shape {
    /// A map with exactly one of these keys.
    Choice(Vec<Key>),
    Flag,
    Integer {
        least: i128,
        most: i128,
    },
    List {
        item: Box<Shape>,
        least: usize,
        most: usize,
    },
    Map(Vec<Key>),
    Text {
        format: String,
        least: usize,
        most: usize,
    },
    /// A schema that says nothing this crate understands; a test keeps it from happening.
    Unknown,
    /// A map whose `type` picks one of these.
    Variants(Vec<Variant>),
    /// One of these words.
    Words(Vec<String>),
}

/// A key of a map.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) description: String,
    pub(crate) default: Option<Value>,
    pub(crate) example: Option<Value>,
}

/// A map of one `type`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) description: String,
    /// All keys but `type`.
    pub(crate) keys: Vec<Key>,
}

impl Shape {
    /// The shape of the whole file.
    pub(crate) fn settings() -> Self {
        Self::of(&schema())
    }

    /// The shape of a file of agents: what `agents` is in the whole file.
    pub(crate) fn agents() -> Self {
        match Self::settings() {
            Self::Map(keys) => {
                Self::Map(keys.into_iter().filter(|key| key.name == "agents").collect())
            }
            _ => Self::Unknown,
        }
    }

    fn of(schema: &Value) -> Self {
        if let Some(branches) = schema.get("oneOf").and_then(Value::as_array) {
            return Self::of_branches(branches);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Self::Words(words.iter().filter_map(Value::as_str).map(String::from).collect());
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("boolean") => Self::Flag,
            Some("integer") => Self::Integer {
                least: bound(schema, "minimum").unwrap_or(0),
                most: bound(schema, "maximum").unwrap_or(i128::from(i64::MAX)),
            },
            Some("array") => Self::List {
                item: Box::new(schema.get("items").map_or(Self::Unknown, Self::of)),
                least: length(schema, "minItems").unwrap_or(0),
                most: length(schema, "maxItems").unwrap_or(1_000),
            },
            Some("object") => Self::Map(keys(schema)),
            Some("string") => Self::Text {
                format: text(schema, "format"),
                least: length(schema, "minLength").unwrap_or(1),
                // As long as a path may be on Linux (PATH_MAX).
                most: length(schema, "maxLength").unwrap_or(4_096),
            },
            _ => Self::Unknown,
        }
    }

    fn of_branches(branches: &[Value]) -> Self {
        let words: Vec<_> = branches
            .iter()
            .filter_map(|branch| branch.get("const").and_then(Value::as_str))
            .map(String::from)
            .collect();
        if words.len() == branches.len() {
            return Self::Words(words);
        }
        let variants: Vec<_> = branches.iter().filter_map(variant).collect();
        if variants.len() == branches.len() {
            return Self::Variants(variants);
        }
        let choices: Vec<_> =
            branches.iter().flat_map(keys).map(|key| Key { required: false, ..key }).collect();
        if choices.len() == branches.len() { Self::Choice(choices) } else { Self::Unknown }
    }

    /// The keys that may stand in a map of this shape; for variants, those of all of them.
    pub(crate) fn keys(&self) -> Vec<&Key> {
        match self {
            Self::Map(keys) | Self::Choice(keys) => keys.iter().collect(),
            Self::Variants(variants) => variants.iter().flat_map(|variant| &variant.keys).collect(),
            _ => Vec::new(),
        }
    }

    /// The same, each with the variant that has it.
    pub(crate) fn keys_by_variant(&self) -> Vec<(Option<&str>, &Key)> {
        match self {
            Self::Variants(variants) => variants
                .iter()
                .flat_map(|variant| {
                    variant.keys.iter().map(|key| (Some(variant.name.as_str()), key))
                })
                .collect(),
            _ => self.keys().into_iter().map(|key| (None, key)).collect(),
        }
    }

    /// Calls `visit` with every key name at and below this shape.
    pub(crate) fn names(&self, visit: &mut impl FnMut(&str)) {
        for key in self.keys() {
            visit(&key.name);
            key.shape.names(visit);
        }
        if let Self::List { item, .. } = self {
            item.names(visit);
        }
    }

    /// Whether an environment variable can hold it.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self, Self::Flag | Self::Integer { .. } | Self::Text { .. } | Self::Words(_))
    }
}

fn variant(branch: &Value) -> Option<Variant> {
    let name = branch.pointer("/properties/type/const")?.as_str()?.to_owned();
    let keys = keys(branch).into_iter().filter(|key| key.name != "type").collect();
    Some(Variant { name, description: text(branch, "description"), keys })
}

fn keys(schema: &Value) -> Vec<Key> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let key = |(name, property): (&String, &Value)| Key {
        name: name.clone(),
        shape: Shape::of(property),
        required: required.contains(&name.as_str()),
        description: text(property, "description"),
        default: property.get("default").cloned(),
        example: property.pointer("/examples/0").cloned(),
    };
    properties.iter().map(key).collect()
}

fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn bound(schema: &Value, key: &str) -> Option<i128> {
    let value = schema.get(key)?;
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn length(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key)?.as_u64().and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(shape: &Shape, path: &str) {
        match shape {
            Shape::Unknown => panic!("{path} has a schema that nothing is checked against"),
            Shape::Text { format, .. } => {
                assert!(crate::formats::KNOWN.contains(&format.as_str()), "{path}: `{format}`");
            }
            Shape::List { item, .. } => visit(item, &format!("{path}[]")),
            _ => {}
        }
        for key in shape.keys() {
            visit(&key.shape, &format!("{path}.{}", key.name));
        }
    }

    #[test]
    fn every_key_has_a_shape_and_a_known_format() {
        visit(&Shape::settings(), "");
    }
}
