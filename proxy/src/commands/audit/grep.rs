//! `tollgate audit grep`.
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use tollgate_audit::{Entry, EventType, keys, portable};

use super::input::{each_entry, read_time};
use super::words::describe;
use super::{FOUND, NOT_FOUND, UNUSABLE};

/// Shows the events that have all of what is asked for. It does not verify.
///
/// Exit codes: 0 there are some, 1 there is none, 2 a file or a line could not be read.
#[derive(clap::Args, Debug)]
pub struct GrepArgs {
    /// Files of events or spools' directories.
    #[arg(required = true, value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// The type of event, as `call.refused`.
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type)]
    pub kind: Option<EventType>,
    /// Who did it.
    #[arg(long)]
    pub actor: Option<String>,
    /// A code, leading or further, or a ruling's reason.
    #[arg(long)]
    pub code: Option<String>,
    /// The rule that decided.
    #[arg(long)]
    pub rule: Option<String>,
    /// The route.
    #[arg(long)]
    pub route: Option<String>,
    /// From this time on.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub until: Option<Timestamp>,
    /// The events as they stand in the record, one a line.
    #[arg(long)]
    pub json: bool,
}

fn event_type(word: &str) -> Result<EventType, String> {
    EventType::parse(word).ok_or_else(|| "no event has this type".to_owned())
}

/// Runs the command.
pub fn grep(args: &GrepArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut found = false;
    let read = each_entry(&args.paths, err, |entry| {
        if !matches(args, entry) {
            return Ok(());
        }
        found = true;
        if args.json {
            out.write_all(entry.to_line().as_bytes())
        } else {
            writeln!(out, "{}", describe(entry))
        }
    });
    match read.and_then(|unread| out.flush().map(|()| unread)) {
        Ok(0) if found => FOUND,
        Ok(0) => NOT_FOUND,
        Ok(_) => UNUSABLE,
        // Whoever reads has gone, as `head` does.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => FOUND,
        Err(e) => {
            let _ = writeln!(err, "cannot read: {e}");
            UNUSABLE
        }
    }
}

fn matches(args: &GrepArgs, entry: &Entry) -> bool {
    args.kind.is_none_or(|kind| entry.event_type() == kind.as_str())
        && args.since.is_none_or(|since| entry.ts() >= since)
        && args.until.is_none_or(|until| entry.ts() < until)
        && args.actor.as_deref().is_none_or(|actor| same(entry.actor(), actor))
        && has(entry, &[keys::CODE, keys::CODES, "reasons"], args.code.as_deref())
        && has(entry, &[keys::RULE], args.rule.as_deref())
        && has(entry, &[keys::ROUTE], args.route.as_deref())
}

/// Whether one of the facts is the asked text, or a list that holds it.
fn has(entry: &Entry, facts: &[&str], asked: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    facts.iter().any(|fact| match entry.fact(fact) {
        Some(Value::String(text)) => same(text, asked),
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).any(|text| same(text, asked))
        }
        _ => false,
    })
}

/// What is asked for may be written as it is or as the record has it.
fn same(recorded: &str, asked: &str) -> bool {
    recorded == asked || recorded == portable(asked)
}
