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
    /// Whether it is served in `run --contain`; it is held otherwise.
    pub contained: bool,
    /// Whether it is served where the kernel redirects it, knowing of no proxy.
    pub redirected: bool,
    /// Whether it trusts the gate that was named; `None` when none was, or it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusts_gate: Option<bool>,
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
        let good = verdict == Verdict::Good;
        let (version, contained, redirected) = (version, good, good);
        Self { client: probe.name, version, verdict, contained, redirected, trusts_gate: None, fix }
    }

    /// What came of leading it to the gate that was named.
    pub(super) fn doubts(&mut self, doubts: bool) {
        self.trusts_gate = Some(!doubts);
        if doubts {
            self.fix = "it trusts a gate, and not this one: is the certificate that the configuration \
                        names the one that it shows? A gate without `intercept.key` makes another at \
                        each start"
                .to_owned();
        }
    }

    /// Whether all is well with it.
    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Good && self.trusts_gate != Some(false)
    }

    /// Whether it uses the proxy, trusts the gate, and goes around.
    fn words(&self) -> [&'static str; 3] {
        match (self.verdict, self.redirected) {
            (Verdict::Good, _) => ["yes", "yes", "no"],
            (Verdict::Distrusts, _) => ["yes", "no", "no"],
            (Verdict::Around, true) => ["no", "yes", "yes"],
            (Verdict::Around, false) => ["no", "no", "yes"],
            (Verdict::Silent, _) => ["?", "?", "?"],
        }
    }

    fn cells(&self) -> Vec<String> {
        let [proxy, trusts, around] = self.words();
        let served = |is: bool| match (self.verdict, is) {
            (Verdict::Silent, _) => "?",
            (_, true) => "served",
            (_, false) => "held",
        };
        let (contained, redirected) = (served(self.contained), served(self.redirected));
        let this = self.trusts_gate.map(|trusts| if trusts { "yes" } else { "no" });
        let words = [proxy, trusts, around, contained, redirected, this.unwrap_or("not asked")];
        let start = [self.client.to_owned(), self.version.clone()];
        let words = words.into_iter().map(str::to_owned);
        start.into_iter().chain(words).chain([self.fix.clone()]).collect()
    }
}

const HEAD: [&str; 9] = [
    "client",
    "version",
    "uses the proxy",
    "trusts the gate",
    "goes around",
    "in `run --contain`",
    "redirected",
    "trusts the gate named",
    "what helps",
];
/// Left out when no gate was named.
const NAMED: usize = 7;

/// The whole table.
pub fn write(rows: &[Row], format: Format) -> String {
    let mut lines = vec![HEAD.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(Row::cells));
    if rows.iter().all(|row| row.trusts_gate.is_none()) {
        for cells in &mut lines {
            cells.remove(NAMED);
        }
    }
    match format {
        Format::Json => serde_json::to_string_pretty(rows).unwrap_or_default() + "\n",
        Format::Markdown => {
            let line = |cells: &Vec<String>| {
                let cells = cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>();
                format!("| {} |\n", cells.join(" | "))
            };
            let mut lines = lines.iter();
            let head = lines.next();
            let rule = head.map(|head| format!("|{}\n", " --- |".repeat(head.len())));
            head.map(line).into_iter().chain(rule).chain(lines.map(line)).collect()
        }
        Format::Text => {
            let mut widths = [0_usize; HEAD.len()];
            for cells in &lines {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(cell.chars().count());
                }
            }
            let line = |cells: &Vec<String>| {
                let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
                padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
            };
            lines.iter().map(line).collect()
        }
    }
}
