//! Text to settings.
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::errata::Errata;
use crate::mistakes::Mistakes;
use crate::settings::AgentEntry;
use crate::shape::Shape;
use crate::tree::Place;
use crate::{Settings, check, overrides, parse, signing_variables, walk};

/// Reads a configuration file, and lays the variables of `environment` that begin with
/// `TOLLGATE__` over it, and those of the record's signer. Bytes of a value that are no UTF-8 come
/// as U+FFFD, and are a mistake.
///
/// `file_name` is only what the file is called in mistakes. Nothing that is named in the file is
/// opened; all paths stay as written until [`Settings::resolve`].
///
/// # Errors
/// All mistakes at once.
pub fn read(
    text: &str,
    file_name: &str,
    environment: &[(String, String)],
) -> Result<Settings, Mistakes> {
    // A byte order mark is no part of the text, and no editor counts it as a column.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shape = Shape::settings();
    let mut errata = Errata::default();
    let settings = settings(text, environment, &shape, &mut errata);
    match settings {
        Some(settings) if errata.is_empty() => Ok(settings),
        _ => {
            let mut known = BTreeSet::new();
            shape.names(&mut |name| {
                known.insert(name.to_owned());
            });
            Err(errata.seal(file_name, text, &known))
        }
    }
}

/// Reads a file of agents: a map with the list `agents`, each as in a configuration file. Whether one
/// stands in another file as well is not known here.
///
/// # Errors
/// All mistakes at once.
pub fn read_agents(text: &str, file_name: &str) -> Result<Vec<AgentEntry>, Mistakes> {
    /// Such a file.
    #[derive(Deserialize)]
    struct File {
        agents: Vec<AgentEntry>,
    }

    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shape = Shape::agents();
    let mut errata = Errata::default();
    let root = parse::parse(text, &mut errata);
    let file = root.and_then(|root| {
        errata.conceal_secrets(&root);
        walk::walk(&root, &shape, &mut errata);
        check::agents(&root, &mut errata);
        File::deserialize(serde_json::Value::from(&root)).ok()
    });
    match file {
        Some(file) if errata.is_empty() => Ok(file.agents),
        _ => {
            if errata.is_empty() {
                errata.add(
                    Place::Whole,
                    "",
                    "the file passed every check and still cannot be read",
                );
            }
            let mut known = BTreeSet::new();
            shape.names(&mut |name| {
                known.insert(name.to_owned());
            });
            Err(errata.seal(file_name, text, &known))
        }
    }
}

fn settings(
    text: &str,
    environment: &[(String, String)],
    shape: &Shape,
    errata: &mut Errata,
) -> Option<Settings> {
    let mut root = parse::parse(text, errata)?;
    errata.conceal_secrets(&root);
    let environment = overrides::legible(environment, errata);
    overrides::apply(&mut root, shape, &environment, errata);
    signing_variables::apply(&mut root, &environment, errata);
    walk::walk(&root, shape, errata);
    check::check(&root, errata);
    if !errata.is_empty() {
        return None;
    }
    // The walk lets nothing through that does not deserialise; a test with arbitrary files holds
    // it to that. Should it ever, the file is refused, in words that repeat nothing of it.
    let settings = Settings::deserialize(serde_json::Value::from(&root)).ok();
    if settings.is_none() {
        errata.add(Place::Whole, "", "the file passed every check and still cannot be read");
    }
    settings
}
