//! `tollgate audit stats`.
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use tollgate_audit::{Entry, keys, write_stamp};

use super::input::each_entry;
use super::words::tame;
use super::{BROKEN, SOUND, UNUSABLE};

/// Different values that are counted one by one in each table; the rest is counted together.
const VALUES_MAX: usize = 1000;
/// Bytes of one value. No text that the gate records is longer; longer ones are of the rest.
const VALUE_BYTES_MAX: usize = 2048;
/// The name of that rest. No recorded text has `%(`.
const REST: &str = "%(others)";

/// Counts events by type, code, rule, actor and class. It does not verify.
///
/// Exit codes: 0 every line was an event, 1 some were not, 2 a file could not be read.
#[derive(clap::Args, Debug)]
pub struct StatsArgs {
    /// Files of events or spools' directories.
    #[arg(required = true, value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// The counts as one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Default, Serialize)]
struct Stats {
    events: u64,
    unread: u64,
    first_ts: Option<String>,
    last_ts: Option<String>,
    types: Counts,
    codes: Counts,
    rules: Counts,
    actors: Counts,
    classes: Counts,
}

#[derive(Default, Serialize)]
#[serde(transparent)]
struct Counts(BTreeMap<String, u64>);

/// Runs the command.
pub fn stats(args: &StatsArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut stats = Stats::default();
    let told = each_entry(&args.paths, err, |entry| {
        stats.add(entry);
        Ok(())
    })
    .and_then(|unread| {
        stats.unread = unread;
        if args.json { write_json(&stats, out) } else { stats.write(out) }
    });
    match told {
        Ok(()) if stats.unread == 0 => SOUND,
        Ok(()) => BROKEN,
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => SOUND,
        Err(e) => {
            let _ = writeln!(err, "cannot read: {e}");
            UNUSABLE
        }
    }
}

fn write_json(stats: &Stats, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(stats)?)
}

impl Stats {
    fn add(&mut self, entry: &Entry) {
        self.events += 1;
        let ts = write_stamp(entry.ts());
        // Files may be named in any order. The written form sorts as the time does.
        if self.first_ts.as_ref().is_none_or(|first| ts < *first) {
            self.first_ts = Some(ts.clone());
        }
        if self.last_ts.as_ref().is_none_or(|last| ts > *last) {
            self.last_ts = Some(ts);
        }
        self.types.add(entry.event_type());
        self.actors.add(entry.actor());
        for (counts, fact) in [
            (&mut self.codes, keys::CODE),
            (&mut self.rules, keys::RULE),
            (&mut self.classes, keys::CLASSES),
        ] {
            match entry.fact(fact) {
                Some(Value::String(text)) => counts.add(text),
                Some(Value::Array(items)) => {
                    items.iter().filter_map(Value::as_str).for_each(|text| counts.add(text));
                }
                _ => {}
            }
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} events", self.events)?;
        if let (Some(first), Some(last)) = (&self.first_ts, &self.last_ts) {
            writeln!(out, "from {first} to {last}")?;
        }
        if self.unread > 0 {
            writeln!(out, "{} lines are no events", self.unread)?;
        }
        for (title, counts) in [
            ("type", &self.types),
            ("code", &self.codes),
            ("rule", &self.rules),
            ("actor", &self.actors),
            ("class", &self.classes),
        ] {
            counts.write(title, out)?;
        }
        out.flush()
    }
}

impl Counts {
    fn add(&mut self, value: &str) {
        let room = self.0.len() < VALUES_MAX && value.len() <= VALUE_BYTES_MAX;
        let known = room || self.0.contains_key(value);
        let value = if known { value } else { REST };
        *self.0.entry(value.to_owned()).or_default() += 1;
    }

    /// Most first.
    fn write(&self, title: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nby {title}")?;
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (value, count) in counts {
            writeln!(out, "{count:>10}  {}", tame(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_does_not_grow_without_end() {
        let mut counts = Counts::default();
        for n in 0..2 * VALUES_MAX {
            counts.add(&n.to_string());
            counts.add("0");
        }
        counts.add(&"x".repeat(VALUE_BYTES_MAX + 1));
        assert_eq!(counts.0.len(), VALUES_MAX + 1);
        assert_eq!(counts.0.get(REST), Some(&1001));
        assert_eq!(counts.0.values().sum::<u64>(), 4001);
    }
}
