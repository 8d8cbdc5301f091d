//! `tollgate audit verify`.
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tollgate_audit::{
    Break, Note, Profile, Registry, SignedCheckpoint, Summary, Verifier, cef, write_stamp,
};

use super::consistency::verify_consistency;
use super::input::{Framing, each_line, each_of, event_files, read_time};
use super::proof::verify_proof;
use super::since::last_before;
use super::{BROKEN, SOUND, UNUSABLE};
use crate::ledger::{LedgerError, compare_seals};

/// Says whether a record is what was written, or names its first break.
///
/// Exit codes: 0 it is, 1 it is not, 2 it could not be read.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Files of events, one JSON object a line, in the chain's order; or a spool's directory.
    #[arg(required_unless_present_any = ["proof", "consistency"], value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// The registry of signers to believe. Default: `signers.json` in the directory; to be sure
    /// against whoever can write there, give a copy kept elsewhere.
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// Checkpoints that the record must agree with: our `checkpoints.jsonl` or a C2SP signed note.
    /// May be given again. Default: `checkpoints.jsonl` in the directory.
    #[arg(long, value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// Whose record it is. Default: ours for a directory; for a file, what its first event's signed
    /// payload says.
    #[arg(long, value_enum)]
    pub format: Option<VerifyFormat>,
    /// The files are a part of a record: the first event may be any.
    #[arg(long)]
    pub part: bool,
    /// Verifies the part from this time on, with the event before it.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub since: Option<Timestamp>,
    /// How the events stand in the files.
    #[arg(long, value_enum, default_value_t = VerifyFrom::Jsonl)]
    pub from: VerifyFrom,
    /// The answer as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Verifies the one event in a file that `audit prove` wrote, instead of a record.
    #[arg(
        long,
        value_name = "FILE",
        requires = "signers",
        conflicts_with_all = ["paths", "checkpoints", "format", "part"]
    )]
    pub proof: Option<PathBuf>,
    /// Verifies what `audit consistency` wrote: that one log is the beginning of another.
    #[arg(
        long,
        value_name = "FILE",
        requires = "signers",
        conflicts_with_all = ["paths", "checkpoints", "format", "part", "proof"]
    )]
    pub consistency: Option<PathBuf>,
}

/// Whose record it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum VerifyFormat {
    /// Ours: every byte is checked.
    Tollgate,
    /// Another system's rows under the same rules of hash and signature.
    Foreign,
}

/// How events stand in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum VerifyFrom {
    /// Our CEF lines, bare or in RFC 5424 messages, one a line or in frames with their length.
    Cef,
    /// One JSON object a line.
    Jsonl,
}

impl VerifyFrom {
    pub(super) fn framing(self) -> Framing {
        match self {
            Self::Cef => Framing::Frames,
            Self::Jsonl => Framing::Lines,
        }
    }
}

/// Why there is no answer.
enum Trouble {
    Broken(Option<PathBuf>, u64, Flawed),
    Unusable(String),
}

/// What does not hold, and of which event.
struct Flawed {
    event: Option<String>,
    flaw: String,
}

impl From<Break> for Flawed {
    fn from(broken: Break) -> Self {
        Self { event: broken.event().map(str::to_owned), flaw: broken.flaw().to_string() }
    }
}

/// Runs the command; the exit code is the answer.
pub fn verify(args: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if let (Some(proof), Some(signers)) = (&args.proof, &args.signers) {
        return verify_proof(proof, signers, args.json, out, err);
    }
    if let (Some(proof), Some(signers)) = (&args.consistency, &args.signers) {
        return verify_consistency(proof, signers, args.json, out, err);
    }
    let (code, written) = match check(args).and_then(|summary| check_seals(args, summary)) {
        Ok(summary) => (SOUND, tell_sound(args, &summary, out)),
        Err(Trouble::Broken(path, line, broken)) => {
            (BROKEN, tell_broken(args, path.as_deref(), line, &broken, out))
        }
        Err(Trouble::Unusable(reason)) => (UNUSABLE, writeln!(err, "cannot verify: {reason}")),
    };
    // An answer that nobody could read is none.
    if written.is_ok() { code } else { UNUSABLE }
}

/// The closed segments of a spool are what their seals say, too.
fn check_seals(args: &VerifyArgs, summary: Summary) -> Result<Summary, Trouble> {
    let Some(dir) = spool(args).filter(|_| args.since.is_none()) else { return Ok(summary) };
    match compare_seals(dir) {
        Ok(_) => Ok(summary),
        Err(LedgerError::Damaged { path, line, reason }) => {
            Err(Trouble::Broken(Some(path), line, Flawed { event: None, flaw: reason }))
        }
        Err(error) => Err(Trouble::Unusable(error.to_string())),
    }
}

fn check(args: &VerifyArgs) -> Result<Summary, Trouble> {
    let files = event_files(&args.paths).map_err(|e| unusable(&e, &args.paths))?;
    let registry = read_registry(args)?;
    let profile = profile_of(args, &files);
    if args.from == VerifyFrom::Cef && profile == Profile::Foreign {
        return Err(Trouble::Unusable("`--from cef` reads our own lines only".to_owned()));
    }
    let first = last_before(args, &files).map_err(Trouble::Unusable)?;
    let mut verifier = Verifier::new(profile, &registry);
    if args.part || first > 1 {
        verifier = verifier.part();
    }
    let checkpoints = checkpoint_files(args);
    for path in &checkpoints {
        add_checkpoints(&mut verifier, path, &registry)?;
    }
    let mut lines = 0;
    let read = each_of(&files, args.from.framing(), |path, line, bytes| {
        lines += 1;
        if lines < first {
            return Ok(());
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        take(&mut verifier, args.from, bytes)
            .map_err(|flawed| Trouble::Broken(Some(path.to_owned()), line, flawed))
    });
    read.map_err(|e| Trouble::Unusable(e.to_string()))??;
    let summary = verifier.finish().map_err(|broken| Trouble::Broken(None, 0, broken.into()))?;
    if summary.events == 0 {
        return Err(Trouble::Unusable("there is no event in it".to_owned()));
    }
    Ok(summary)
}

/// Whose rows they are, when nobody says: every payload of ours names its `revision`, and the hash
/// covers it, so nobody can make ours pass for another's.
fn profile_of(args: &VerifyArgs, files: &[PathBuf]) -> Profile {
    match args.format {
        Some(VerifyFormat::Tollgate) => return Profile::Tollgate,
        Some(VerifyFormat::Foreign) => return Profile::Foreign,
        None => {}
    }
    let own = args.from == VerifyFrom::Cef || args.paths.iter().any(|path| path.is_dir());
    let foreign = files.first().filter(|_| !own).and_then(|path| {
        let mut first = None;
        // Whatever cannot be read here is told by the reading that follows.
        let _ = each_line(path, |line| {
            first.get_or_insert_with(|| line.to_vec());
            Err(())
        });
        let row: serde_json::Value = serde_json::from_slice(&first?).ok()?;
        Some(row.get("payload")?.get("revision").is_none())
    });
    if foreign == Some(true) { Profile::Foreign } else { Profile::Tollgate }
}

fn take(verifier: &mut Verifier<'_>, from: VerifyFrom, line: &[u8]) -> Result<(), Flawed> {
    if from == VerifyFrom::Jsonl {
        return Ok(verifier.push(line)?);
    }
    let entry = cef::read_cef(line).map_err(|e| Flawed { event: None, flaw: e.to_string() })?;
    Ok(verifier.push(entry.to_line().trim_end().as_bytes())?)
}

fn unusable(error: &std::io::Error, paths: &[PathBuf]) -> Trouble {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Trouble::Unusable(format!("`{}`: {error}", names.join("`, `")))
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|e| Trouble::Unusable(format!("`{}`: {e}", path.display())))
}

/// A directory among the paths, whose own files are the defaults.
fn spool(args: &VerifyArgs) -> Option<&PathBuf> {
    args.paths.iter().find(|path| path.is_dir())
}

fn read_registry(args: &VerifyArgs) -> Result<Registry, Trouble> {
    let path = match (&args.signers, spool(args)) {
        (Some(path), _) => path.clone(),
        (None, Some(dir)) => dir.join("signers.json"),
        (None, None) => {
            return Err(Trouble::Unusable("`--signers` is needed for a file".to_owned()));
        }
    };
    Registry::parse(&read(&path)?)
        .map_err(|e| Trouble::Unusable(format!("`{}`: {e}", path.display())))
}

fn checkpoint_files(args: &VerifyArgs) -> Vec<PathBuf> {
    match spool(args) {
        Some(dir) if args.checkpoints.is_empty() => {
            let path = dir.join("checkpoints.jsonl");
            if path.exists() { vec![path] } else { Vec::new() }
        }
        _ => args.checkpoints.clone(),
    }
}

fn add_checkpoints(
    verifier: &mut Verifier<'_>,
    path: &Path,
    registry: &Registry,
) -> Result<(), Trouble> {
    let wrong = |reason: &str| Trouble::Unusable(format!("`{}`: {reason}", path.display()));
    let broken = |broken: Break| Trouble::Broken(Some(path.to_owned()), 0, broken.into());
    let bytes = read(path)?;
    if bytes.first().is_none_or(|b| *b == b'{') {
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let signed = SignedCheckpoint::parse(line).map_err(|e| wrong(&e.to_string()))?;
            verifier.checkpoint(&signed).map_err(broken)?;
        }
        return Ok(());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let note = Note::read(text, registry).map_err(|e| wrong(&e.to_string()))?;
    verifier.note(&note).map_err(broken)
}

fn tell_sound(args: &VerifyArgs, summary: &Summary, out: &mut dyn Write) -> std::io::Result<()> {
    if args.json {
        let answer = serde_json::json!({ "sound": true, "summary": summary });
        return writeln!(out, "{answer}");
    }
    let last = summary.first_seq + summary.events - 1;
    writeln!(out, "sound: {} events, numbers {} to {last}", summary.events, summary.first_seq)?;
    if let (Some(first), Some(last)) = (summary.first_ts, summary.last_ts) {
        writeln!(out, "from {} to {}", write_stamp(first), write_stamp(last))?;
    }
    if let Some(head) = &summary.head_hash {
        writeln!(out, "head {head}")?;
    }
    let signers: Vec<&str> = summary.signers.iter().map(String::as_str).collect();
    writeln!(out, "signed by {}", signers.join(", "))?;
    if let Some(since) = args.since.filter(|_| summary.part) {
        let since = write_stamp(since);
        writeln!(
            out,
            "only the part since {since}, with the event before: nothing is said of those before it"
        )?;
    } else if summary.part {
        writeln!(out, "only a part: nothing is said of the events before it")?;
    } else if summary.first_seq > 0 {
        writeln!(out, "the first {} events were delivered and released", summary.first_seq)?;
    }
    match (summary.checkpoints, last + 1 - summary.anchored.min(last + 1)) {
        (0, _) => writeln!(out, "no checkpoint: a cut end would not be seen"),
        (count, 0) => writeln!(out, "agrees with {count} checkpoints, up to its end"),
        (count, rest) => {
            writeln!(out, "agrees with {count} checkpoints; {rest} events came after the last")
        }
    }
}

fn tell_broken(
    args: &VerifyArgs,
    path: Option<&Path>,
    line: u64,
    broken: &Flawed,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let file = path.map(|path| path.display().to_string());
    if args.json {
        let answer = serde_json::json!({
            "sound": false,
            "file": file,
            "line": (line > 0).then_some(line),
            "event": broken.event,
            "break": broken.flaw,
        });
        return writeln!(out, "{answer}");
    }
    write!(out, "broken: ")?;
    if let Some(file) = file {
        write!(out, "{file}")?;
        if line > 0 {
            write!(out, ":{line}")?;
        }
        write!(out, ": ")?;
    }
    if let Some(event) = &broken.event {
        write!(out, "event {event}: ")?;
    }
    writeln!(out, "{}", broken.flaw)
}
