//! The reference of every key, made from the schema.
use std::fmt::Write;

use serde_json::Value;

use crate::overrides::variables;
use crate::shape::{Key, Shape};
use crate::signing_variables;
use crate::walk::join;

/// The reference as Markdown: a smallest file, and a table of every key with its type, default and
/// meaning. `README.md` of this crate is this text.
pub fn reference() -> String {
    let shape = Shape::settings();
    let mut text = String::from(HEAD);
    let _ = write!(text, "```yaml\n{}```\n{MIDDLE}", include_str!("../minimal.yaml"));
    text.push_str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    table(&shape, "", &mut text);
    let _ = write!(text, "{VARIABLES}");
    for (name, steps, _) in variables(&shape) {
        let _ = writeln!(text, "| `{name}` | `{}` |", steps.join("."));
    }
    text.push_str(SIGNING);
    for (name, meaning) in signing_variables::VARIABLES {
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    text
}

const HEAD: &str = "\
# tollgate-config

One YAML file in, `Settings` out, or every mistake at once with its line and a caret. Pure: nothing
is opened here, and a secret that was written into the file by mistake is never shown.

This page is generated from the types; `TOLLGATE_UPDATE=1 cargo test -p tollgate-config` writes it
again, together with `schema.json`.

## The smallest file
";

const MIDDLE: &str = "
`example.yaml` shows every key with its default. `tollgate schema` prints the JSON Schema, which
editors use to complete and check the file. Relative paths are relative to the file's directory.

The file is one YAML 1.2 document of at most 1 MiB. Unknown keys, keys given twice, empty values,
anchors, aliases and tags are mistakes.

## Every key
A key in **bold** is required where its section is given.

";

const VARIABLES: &str = "
## Environment variables
A variable overrides one value outside lists; an unknown name that begins with `TOLLGATE__` is a
mistake. Secrets are never given here: `…__ENV` takes the name of the variable that holds one.

| variable | key |
| --- | --- |
";

const SIGNING: &str = "
These are honoured beside the file, since other signers of a platform obey them. None of them makes
a start laxer than the file.

| variable | meaning |
| --- | --- |
";

fn table(shape: &Shape, path: &str, text: &mut String) {
    for key in shape.keys_by_variant() {
        row(key, path, text);
    }
}

fn row((variant, key): (Option<&str>, &Key), path: &str, text: &mut String) {
    let path = join(path, &key.name);
    let name = if key.required { format!("**`{path}`**") } else { format!("`{path}`") };
    let only = variant.map(|word| format!(" (`{word}`)")).unwrap_or_default();
    let _ = writeln!(
        text,
        "| {name}{only} | {} | {} | {} |",
        kind(&key.shape),
        default(key),
        key.description.replace('|', "\\|")
    );
    below(&key.shape, &path, text);
}

fn below(shape: &Shape, path: &str, text: &mut String) {
    match shape {
        Shape::List { item, .. } => below(item, &format!("{path}[]"), text),
        Shape::Variants(variants) => {
            let words: Vec<_> = variants
                .iter()
                .map(|variant| format!("`{}`: {}", variant.name, variant.description))
                .collect();
            let _ = writeln!(text, "| **`{path}.type`** | word | | {} |", words.join(" "));
            table(shape, path, text);
        }
        _ => table(shape, path, text),
    }
}

/// What a value looks like, for a person.
fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Choice(_) => "map with one of".to_owned(),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Integer { least, most } if least == most => format!("`{least}`"),
        Shape::Integer { least, most } => format!("{least} to {most}"),
        Shape::List { item, .. } => match item.as_ref() {
            Shape::Map(_) | Shape::Variants(_) => "list of maps".to_owned(),
            item => format!("list of: {}", kind(item)),
        },
        Shape::Map(_) | Shape::Variants(_) => "map".to_owned(),
        Shape::Text { format, .. } => format.replace('-', " "),
        Shape::Unknown => String::new(),
        Shape::Words(words) => {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
    }
}

fn default(key: &Key) -> String {
    match (&key.default, &key.shape) {
        // The keys of a section have defaults of their own.
        (_, Shape::Map(_)) | (None, _) => String::new(),
        (Some(Value::String(word)), _) => format!("`{word}`"),
        (Some(value), _) => format!("`{value}`"),
    }
}
