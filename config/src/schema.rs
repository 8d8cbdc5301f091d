//! The JSON Schema of the configuration file, made from the types of [`crate::settings`].
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::Settings;

/// The JSON Schema (draft 2020-12) of the configuration file: every key with its meaning, default,
/// limits and an example.
///
/// It is stricter than the types: the file knows no null. An absent key is simply not written.
pub fn schema() -> Value {
    let generator =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = generator.into_generator().into_root_schema_for::<Settings>().to_value();
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), "Tollgate configuration".into());
    }
    schema
}

/// Makes one schema, and all below it, say what the file may say.
fn tidy(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    forget_null(object);
    describe_variants(object);
    unfold_lines(object);
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(tidy),
            ("oneOf" | "anyOf", Value::Array(branches)) => branches.iter_mut().for_each(tidy),
            ("items", items) => tidy(items),
            ("default", default) => forget_nulls(default),
            _ => {}
        }
    }
}

/// Drops the null that an optional Rust field would take.
fn forget_null(object: &mut Map<String, Value>) {
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get("type")
        && let Some(only) = types.iter().find(|word| *word != "null").cloned()
    {
        object.insert("type".to_owned(), only);
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    for union in ["anyOf", "oneOf"] {
        let Some(Value::Array(branches)) = object.get_mut(union) else { continue };
        branches.retain(|branch| {
            branch.get("type") != Some(&"null".into()) && branch.get("const") != Some(&Value::Null)
        });
        // The one branch left is the type itself; what the field says about it comes first.
        if let [Value::Object(only)] = branches.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove(union);
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

fn forget_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(forget_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_nulls),
        _ => {}
    }
}

/// Gives the key that picks a variant the variant's own description.
fn describe_variants(object: &mut Map<String, Value>) {
    let description = object.get("description").cloned();
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    let count = properties.len();
    for (name, property) in properties.iter_mut() {
        let Value::Object(property) = property else { continue };
        let picks = name == "type" && property.contains_key("const");
        if (picks || count == 1)
            && !property.contains_key("description")
            && let Some(description) = &description
        {
            property.insert("description".to_owned(), description.clone());
        }
    }
}

/// Descriptions are sentences, not the lines they were typed in.
fn unfold_lines(object: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}
