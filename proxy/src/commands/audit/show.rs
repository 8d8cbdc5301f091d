//! `tollgate audit show`.
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_audit::{Flaw, Profile, Registry, Verifier, keys, read_json};
use uuid::Uuid;

use super::files::event_files;
use super::input::each_of;
use super::words::tame;
use super::{FOUND, NOT_FOUND, UNUSABLE};

/// Events of one call; there are two, or a few where approval was asked for.
const EVENTS_MAX: usize = 64;

/// Tells one call's story: its intent, its outcome, or its refusal.
///
/// Exit codes: 0 it was found and holds, 1 it was not found, 2 it could not be read or does not
/// hold.
#[derive(clap::Args, Debug)]
pub struct ShowArgs {
    /// The receipt of a call, or the id of any of its events.
    #[arg(value_name = "ID|RECEIPT")]
    pub id: Uuid,
    /// Files of events or a spool's directory.
    #[arg(required = true, value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// The registry of signers to believe. Default: `signers.json` in the directory.
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// The events and whether they hold, as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// One event and whether it is what was written.
#[derive(Serialize)]
struct Told {
    event: Value,
    #[serde(flatten)]
    seal: Seal,
}

/// What an event alone can prove; its place in the chain is not looked at.
#[derive(Serialize)]
struct Seal {
    hash_holds: bool,
    /// None where there is no registry to know signers by.
    signature_holds: Option<bool>,
    flaw: Option<String>,
}

/// Runs the command.
pub fn show(args: &ShowArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let told = match gather(args) {
        Ok(told) => told,
        Err(reason) => {
            let _ = writeln!(err, "cannot show: {reason}");
            return UNUSABLE;
        }
    };
    if told.is_empty() {
        let _ = writeln!(err, "no event {} is in it", args.id);
        return NOT_FOUND;
    }
    let written = if args.json { write_json(&told, out) } else { write_story(&told, out) };
    let holds = told.iter().all(|told| told.seal.flaw.is_none());
    if written.and_then(|()| out.flush()).is_ok() && holds { FOUND } else { UNUSABLE }
}

/// Reads twice: an outcome names its intent, which stands before it.
fn gather(args: &ShowArgs) -> Result<Vec<Told>, String> {
    let files = event_files(&args.paths).map_err(|e| e.to_string())?;
    let registry = registry(args)?;
    let mut receipt = args.id.to_string();
    let named = find(&files, &receipt)?;
    let own = named.iter().find(|(event, _)| id(event) == Some(&receipt));
    if let Some(intent) = own.and_then(|(event, _)| intent(event)) {
        receipt = intent.to_owned();
    }
    let events = if receipt == args.id.to_string() { named } else { find(&files, &receipt)? };
    let seal = |(event, line): (Value, Vec<u8>)| {
        let seal = check_seal(&line, registry.as_ref());
        Told { event, seal }
    };
    Ok(events.into_iter().map(seal).collect())
}

/// The events that have this id or name it as their intent, with their lines.
fn find(files: &[PathBuf], receipt: &str) -> Result<Vec<(Value, Vec<u8>)>, String> {
    let finder = memchr::memmem::Finder::new(receipt);
    let mut found = Vec::new();
    let read = each_of(files.to_vec(), |place, line| {
        if finder.find(line).is_none() {
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let event = read_json(line).map_err(|e| format!("{place}: {e}"))?;
        if id(&event) == Some(receipt) || intent(&event) == Some(receipt) {
            if found.len() >= EVENTS_MAX {
                return Err(format!("more than {EVENTS_MAX} events are of this call"));
            }
            found.push((event, line.to_vec()));
        }
        Ok(())
    });
    read.map_err(|e| e.to_string())??;
    Ok(found)
}

fn id(event: &Value) -> Option<&str> {
    event.get("payload").and_then(|payload| payload.get("id")).or(event.get("id"))?.as_str()
}

fn intent(event: &Value) -> Option<&str> {
    facts(event)?.get(keys::INTENT)?.as_str()
}

fn facts(event: &Value) -> Option<&Map<String, Value>> {
    event.get("payload")?.get("data")?.as_object()
}

fn registry(args: &ShowArgs) -> Result<Option<Registry>, String> {
    let beside = |dir: &PathBuf| Some(dir.join("signers.json")).filter(|path| path.exists());
    let path = match &args.signers {
        Some(path) => Some(path.clone()),
        None => args.paths.iter().find_map(beside),
    };
    path.as_deref().map(read_registry).transpose()
}

fn read_registry(path: &Path) -> Result<Registry, String> {
    let named = |e: &dyn std::fmt::Display| format!("`{}`: {e}", path.display());
    let bytes = std::fs::read(path).map_err(|e| named(&e))?;
    Registry::parse(&bytes).map_err(|e| named(&e))
}

/// One event is a part of a chain: the verifier checks all of it but its neighbours.
fn check_seal(line: &[u8], registry: Option<&Registry>) -> Seal {
    let nobody = Registry::new();
    let mut verifier = Verifier::new(Profile::Tollgate, registry.unwrap_or(&nobody)).part();
    let Err(broken) = verifier.push(line) else {
        return Seal { hash_holds: true, signature_holds: Some(true), flaw: None };
    };
    // The signature is checked last, so whoever gets there has a hash that holds.
    let signer = matches!(broken.flaw(), Flaw::Signer(_));
    match registry {
        None if signer => Seal { hash_holds: true, signature_holds: None, flaw: None },
        _ => Seal {
            hash_holds: signer,
            signature_holds: Some(false),
            flaw: Some(broken.flaw().to_string()),
        },
    }
}

fn write_json(told: &[Told], out: &mut dyn Write) -> io::Result<()> {
    let holds = told.iter().all(|told| told.seal.flaw.is_none());
    writeln!(out, "{}", serde_json::json!({ "holds": holds, "events": told }))
}

/// What the lines of a story say, and of which facts. What is in none of them comes last.
const STORY: [(&str, &[&str]); 8] = [
    ("who", &["presented", keys::SOURCE, "listener", keys::SESSION]),
    ("what", &[keys::PROTOCOL, keys::METHOD, keys::TOOL, keys::ACTION, "http_method", "batch"]),
    ("where", &[keys::ROUTE, keys::HOST, keys::PORT, keys::PATH, keys::DESTINATION]),
    ("ruling", &[keys::EFFECT, "ruling", keys::CODE, keys::CODES, keys::OBSERVED]),
    ("rule", &[keys::RULE, "reasons", keys::REASON]),
    ("answer", &["outcome", keys::STATUS, "detail", "unread"]),
    ("size", &["request_bytes", keys::BYTES_OUT, keys::BYTES_IN]),
    ("took", &[keys::DURATION_MS]),
];

fn write_story(told: &[Told], out: &mut dyn Write) -> io::Result<()> {
    for (at, told) in told.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_event(told, out)?;
    }
    Ok(())
}

fn write_event(told: &Told, out: &mut dyn Write) -> io::Result<()> {
    let column = |key: &str| {
        let inside = told.event.get("payload").and_then(|payload| payload.get(key));
        inside.or_else(|| told.event.get(key)).map(words).unwrap_or_default()
    };
    let mut line = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => writeln!(out, "  {name:<10}{}", tame(text)),
    };
    let nothing = Map::new();
    let facts = facts(&told.event).unwrap_or(&nothing);
    line("event", &format!("{} number {} {}", column("event_type"), column("seq"), column("id")))?;
    line("at", &column("ts"))?;
    line("actor", &column("actor"))?;
    for (name, keys) in STORY {
        line(name, &listed(facts, keys.iter().copied()))?;
    }
    for finding in facts.get(keys::FINDINGS).and_then(Value::as_array).into_iter().flatten() {
        let text = finding.as_object().map(|one| listed(one, one.keys().map(String::as_str)));
        line("finding", &text.unwrap_or_default())?;
    }
    let told_of =
        |key: &str| key == keys::FINDINGS || STORY.iter().any(|(_, keys)| keys.contains(&key));
    line("more", &listed(facts, facts.keys().map(String::as_str).filter(|key| !told_of(key))))?;
    line("revision", &column("revision"))?;
    line("hash", &format!("{} {}", words_of(&told.event, "hash"), holds(told.seal.hash_holds)))?;
    let signature = told.seal.signature_holds.map_or("is not checked: no registry", holds);
    line("signed by", &format!("{} {signature}", column("signer_kid")))?;
    line("broken", told.seal.flaw.as_deref().unwrap_or_default())
}

fn holds(it: bool) -> &'static str {
    if it { "holds" } else { "does not hold" }
}

fn words_of(event: &Value, key: &str) -> String {
    event.get(key).map(words).unwrap_or_default()
}

/// `key value, key value` of those that are there.
fn listed<'k>(facts: &Map<String, Value>, keys: impl Iterator<Item = &'k str>) -> String {
    let said = keys.filter_map(|key| Some(format!("{key} {}", words(facts.get(key)?))));
    said.collect::<Vec<_>>().join(", ")
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
