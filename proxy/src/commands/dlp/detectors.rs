//! `tollgate dlp detectors`.
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tollgate_dlp::{CatalogueEntry, Grade, Scanner, detectors_page};

use super::super::{EXIT_USAGE, complain};
use super::told;

const EXAMPLES: &str = "\
Examples:
  tollgate dlp detectors                       all of them
  tollgate dlp detectors --class 'secret.*'    those of a family, or of one class
  tollgate dlp detectors github-token          one, with its examples
  tollgate dlp detectors --format json         one JSON object a line

In examples `<36>` stands for 36 letters and digits, `<32x>` for hexadecimal digits, `<16A>` and
`<20a>` for upper-case and lower-case letters with digits, `<10d>` for digits.

Exit codes: 0 there are some, 2 there is no such detector or class.";

/// List the detectors, or show one with its examples
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in super::super) struct Detectors {
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Those of this class (`secret.github`) or family (`secret.*`) only
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// The detector's name
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Columns, or a page about one
    Text,
    /// One object a line
    Json,
    /// The page `dlp/DETECTORS.md`
    Markdown,
}

impl Detectors {
    pub(super) fn run(&self) -> ExitCode {
        let mut entries: Vec<_> = Scanner::detectors().filter(|entry| self.wants(entry)).collect();
        entries.sort_by_key(|entry| (entry.class, entry.name));
        if entries.is_empty() {
            let what = "no such detector or class; `tollgate dlp detectors` lists them";
            return complain(what, EXIT_USAGE);
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        let written = self.write(&entries, &mut out).and_then(|()| out.flush());
        told(written, 0)
    }

    fn wants(&self, entry: &CatalogueEntry) -> bool {
        self.name.as_ref().is_none_or(|name| name == entry.name)
            && self.class.as_ref().is_none_or(|class| match class.strip_suffix(".*") {
                Some(family) => family == entry.family(),
                None => class == "*" || class == entry.class,
            })
    }

    fn write(&self, entries: &[CatalogueEntry], out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => entries
                .iter()
                .try_for_each(|entry| writeln!(out, "{}", serde_json::to_string(entry)?)),
            Format::Markdown => out.write_all(detectors_page(entries.iter().copied()).as_bytes()),
            Format::Text if self.name.is_some() => {
                entries.iter().try_for_each(|entry| page(out, entry))
            }
            Format::Text => list(out, entries),
        }
    }
}

fn grade(entry: &CatalogueEntry) -> &'static str {
    entry.grade.map_or("by context", Grade::as_str)
}

fn list(out: &mut dyn Write, entries: &[CatalogueEntry]) -> io::Result<()> {
    let width = |of: fn(&CatalogueEntry) -> usize| entries.iter().map(of).max().unwrap_or_default();
    let (names, classes) = (width(|entry| entry.name.len()), width(|entry| entry.class.len()));
    for entry in entries {
        let CatalogueEntry { name, class, about, source, .. } = entry;
        let examples = entry.examples.len() + entry.counter_examples.len();
        write!(
            out,
            "{name:names$}  {class:classes$}  {:10}  {examples:>3} examples  {about}",
            grade(entry)
        )?;
        if !source.is_empty() {
            write!(out, " [{source}]")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn page(out: &mut dyn Write, entry: &CatalogueEntry) -> io::Result<()> {
    writeln!(out, "{}\n", entry.name)?;
    writeln!(out, "class    {}", entry.class)?;
    writeln!(out, "what     {}", entry.about)?;
    writeln!(out, "grade    {}", grade(entry))?;
    if !entry.source.is_empty() {
        writeln!(out, "source   {}", entry.source)?;
    }
    if !entry.literals.is_empty() {
        writeln!(out, "looks at {}", entry.literals.join(", "))?;
    }
    for (title, texts) in
        [("is found in", entry.examples), ("is not found in", entry.counter_examples)]
    {
        if !texts.is_empty() {
            writeln!(out, "\n{title}")?;
        }
        texts.iter().try_for_each(|text| writeln!(out, "  {}", text.escape_debug()))?;
    }
    Ok(())
}
