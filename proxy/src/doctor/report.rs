//! What was found, as a table.
use clap::ValueEnum;
use serde::Serialize;

use super::probes::Probe;

/// How the table is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// For people at a terminal
    Text,
    /// For a page
    Markdown,
    /// One JSON array
    Json,
}

/// What a program did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It came to the gate, and trusted it.
    Good,
    /// It came to the gate, and left in the handshake.
    Distrusts,
    /// It went to the server and not to the gate.
    Around,
    /// It went nowhere.
    Silent,
}

/// One program.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub client: &'static str,
    /// The version that was found.
    pub version: String,
    /// What it did.
    pub verdict: Verdict,
    /// What to do about it.
    pub fix: String,
}

impl Row {
    pub(super) fn new(
        probe: &Probe,
        version: String,
        verdict: Verdict,
        why: String,
        loopback: bool,
    ) -> Self {
        let fix = match verdict {
            Verdict::Good => String::new(),
            Verdict::Distrusts => probe.distrusts.to_owned(),
            Verdict::Around if loopback => {
                format!("{} (or it uses no proxy for `localhost`)", probe.around)
            }
            Verdict::Around => probe.around.to_owned(),
            Verdict::Silent => format!("it made no connection; it said: {why}"),
        };
        Self { client: probe.name, version, verdict, fix }
    }

    /// Whether it uses the proxy, trusts the gate, and goes around.
    fn words(&self) -> [&'static str; 3] {
        match self.verdict {
            Verdict::Good => ["yes", "yes", "no"],
            Verdict::Distrusts => ["yes", "no", "no"],
            Verdict::Around => ["no", "not asked", "yes"],
            Verdict::Silent => ["?", "?", "?"],
        }
    }

    fn cells(&self) -> [String; 6] {
        let [proxy, trusts, around] = self.words().map(str::to_owned);
        [self.client.to_owned(), self.version.clone(), proxy, trusts, around, self.fix.clone()]
    }
}

const HEAD: [&str; 6] =
    ["client", "version", "uses the proxy", "trusts the gate", "goes around", "what helps"];

/// The whole table.
pub fn write(rows: &[Row], format: Format) -> String {
    let cells = rows.iter().map(Row::cells).collect::<Vec<_>>();
    match format {
        Format::Json => serde_json::to_string_pretty(rows).unwrap_or_default() + "\n",
        Format::Markdown => {
            let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
            let rule = format!("|{}\n", " --- |".repeat(HEAD.len()));
            let escaped = |cells: &[String; 6]| cells.clone().map(|cell| cell.replace('|', "\\|"));
            let rows = cells.iter().map(|cells| line(&escaped(cells))).collect::<String>();
            line(&HEAD.map(str::to_owned)) + &rule + &rows
        }
        Format::Text => {
            let all = [HEAD.map(str::to_owned)].into_iter().chain(cells).collect::<Vec<_>>();
            let mut widths = [0_usize; 6];
            for cells in &all {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(cell.chars().count());
                }
            }
            let line = |cells: &[String; 6]| {
                let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
                padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
            };
            all.iter().map(line).collect()
        }
    }
}
