//! `tollgate audit verify`.
use std::fs;
use std::io::Write;
use std::num::{NonZeroU8, NonZeroUsize};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tollgate_audit::{Break, Note, Profile, Registry, SignedCheckpoint, Summary, Verifier};

use super::answer::{Flawed, Spot, Trouble, tell_broken, tell_sound};
use super::consistency::verify_consistency;
use super::input::read_time;
use super::lines::Lines;
use super::postgres::PostgresArgs;
use super::progress::Progress;
use super::proof::verify_proof;
use super::registry::read_registry;
use super::s3::{self, StoreArgs};
use super::spread::{Broken, Stop, verify_lines};
use super::{BROKEN, SOUND, UNUSABLE, source};
use crate::ledger::{LedgerError, compare_seals};

/// Says whether a record is what was written, or names its first break.
///
/// Exit codes: 0 it is, 1 it is not, 2 it could not be read.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Files of events, one JSON object a line, in the chain's order; or a spool's directory.
    /// With `--from postgres`: `postgresql://USER@HOST:PORT/DATABASE`, without a password.
    #[arg(required_unless_present_any = ["proof", "consistency"], value_name = "FILE|DIR|URL")]
    pub paths: Vec<PathBuf>,
    /// The registry of signers to believe. Default: `signers.json` in the directory; to be sure
    /// against whoever can write there, give a copy kept elsewhere. It need not have session keys:
    /// those of the directory are taken over when a root in the copy vouches for them.
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
    /// How many threads look at events at the same time; 1 to 255. Default: one for each processor.
    /// The answer is the same.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<NonZeroU8>,
    /// Where a table in PostgreSQL is.
    #[command(flatten)]
    pub postgres: PostgresArgs,
    /// Where the store of `--from s3` is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// With `--from postgres` and `--from s3`: authorities to trust instead of the system's, PEM.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// With `--from s3`: names the objects that could be deleted now, for they have neither
    /// retention nor a legal hold. With such, the answer is that it is not what was written.
    #[arg(long)]
    pub retention: bool,
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
    /// An archive's directory, with the file that is being filled.
    Folder,
    /// One JSON object a line.
    Jsonl,
    /// Our LEEF lines, the same ways.
    Leef,
    /// Our OCSF events, the same ways.
    Ocsf,
    /// Rows of the table that a `postgres` sink writes.
    Postgres,
    /// An archive in a bucket: `s3://BUCKET/PREFIX`, with its registry and newest checkpoint where
    /// none are given.
    S3,
}

/// Runs the command; the exit code is the answer.
pub fn verify(args: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if let (Some(proof), Some(signers)) = (&args.proof, &args.signers) {
        return verify_proof(proof, signers, args.json, out, err);
    }
    if let (Some(proof), Some(signers)) = (&args.consistency, &args.signers) {
        return verify_consistency(proof, signers, args.json, out, err);
    }
    let checked = check(args).and_then(|summary| check_seals(args, summary));
    let checked = checked.and_then(|summary| s3::check_retention(args).map(|()| summary));
    let (code, written) = match checked {
        Ok(summary) => (SOUND, tell_sound(args, &summary, out)),
        Err(Trouble::Broken(spot, broken)) => {
            (BROKEN, tell_broken(args.json, spot.as_ref(), &broken, out))
        }
        Err(Trouble::Unusable(reason)) => (UNUSABLE, writeln!(err, "cannot verify: {reason}")),
    };
    // An answer that nobody could read is none.
    match written.and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(error) => {
            let _ = writeln!(err, "the answer cannot be written: {error}");
            UNUSABLE
        }
    }
}

/// The closed segments of a spool are what their seals say, too.
fn check_seals(args: &VerifyArgs, summary: Summary) -> Result<Summary, Trouble> {
    let Some(dir) = spool(args).filter(|_| args.since.is_none()) else { return Ok(summary) };
    match compare_seals(dir) {
        Ok(_) => Ok(summary),
        Err(LedgerError::Damaged { path, reason, .. }) => {
            Err(Trouble::Broken(Some(Spot::file(&path)), Flawed { event: None, flaw: reason }))
        }
        Err(error) => Err(Trouble::Unusable(error.to_string())),
    }
}

fn check(args: &VerifyArgs) -> Result<Summary, Trouble> {
    let (source, form) = source::open(args).map_err(|e| Trouble::Unusable(e.to_string()))?;
    let mut lines = Lines::new(source);
    let registry = believed(args).map_err(Trouble::Unusable)?;
    let profile = profile_of(args, &mut lines);
    if args.from != VerifyFrom::Jsonl && profile == Profile::Foreign {
        return Err(Trouble::Unusable(
            "`--from` any but `jsonl` reads our own lines only".to_owned(),
        ));
    }
    let before = match args.since {
        Some(since) => lines.skip_to(since, form).map_err(Trouble::Unusable)?,
        None => 0,
    };
    let mut verifier = Verifier::new(profile, &registry);
    if args.part || before > 1 {
        verifier = verifier.part();
    }
    for path in &checkpoint_files(args) {
        add_checkpoints(&mut verifier, path, &read(path)?, &registry)?;
    }
    if args.from == VerifyFrom::S3 && args.checkpoints.is_empty() {
        let newest = s3::checkpoint(args).map_err(|e| Trouble::Unusable(e.to_string()))?;
        if let Some((name, bytes)) = newest {
            add_checkpoints(&mut verifier, Path::new(&name), &bytes, &registry)?;
        }
    }
    let progress = Progress::begin(!args.json, lines.bytes_total());
    let read = verify_lines(&mut verifier, &mut lines, form, threads(args), &progress);
    drop(progress);
    read.map_err(stopped)?;
    let summary = verifier.finish().map_err(|broken| Trouble::Broken(None, broken.into()))?;
    if summary.events == 0 {
        return Err(Trouble::Unusable("there is no event in it".to_owned()));
    }
    Ok(summary)
}

/// Whom to believe: a bucket's archive has a registry beside its events, as a directory has.
fn believed(args: &VerifyArgs) -> Result<Registry, String> {
    if args.from != VerifyFrom::S3 {
        return read_registry(args.signers.as_deref(), spool(args).map(PathBuf::as_path));
    }
    let bytes = s3::registry(args).map_err(|e| e.to_string())?;
    let own = Registry::parse(&bytes).map_err(|e| format!("the archive's registry: {e}"))?;
    let Some(signers) = args.signers.as_deref() else { return Ok(own) };
    let mut registry = read_registry(Some(signers), None)?;
    registry.adopt_sessions(&own);
    Ok(registry)
}

fn threads(args: &VerifyArgs) -> NonZeroUsize {
    let all = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    args.threads.map_or_else(all, NonZeroUsize::from)
}

fn stopped(stop: Stop) -> Trouble {
    match stop {
        Stop::Broken(place, Broken::Chain(broken)) => {
            Trouble::Broken(Some(place.into()), broken.into())
        }
        Stop::Broken(place, Broken::Form(flaw)) => {
            Trouble::Broken(Some(place.into()), Flawed { event: None, flaw })
        }
        Stop::Unreadable(error) => Trouble::Unusable(error.to_string()),
        Stop::Dead => Trouble::Unusable("a thread has died; please tell us how".to_owned()),
    }
}

/// Whose rows they are, when nobody says: every payload of ours names its `revision`, and the hash
/// covers it, so nobody can make ours pass for another's.
fn profile_of(args: &VerifyArgs, lines: &mut Lines) -> Profile {
    match args.format {
        Some(VerifyFormat::Tollgate) => return Profile::Tollgate,
        Some(VerifyFormat::Foreign) => return Profile::Foreign,
        None => {}
    }
    let own = !matches!(args.from, VerifyFrom::Folder | VerifyFrom::Jsonl | VerifyFrom::Postgres)
        || args.paths.iter().any(|path| path.is_dir());
    let first = lines.first().filter(|_| !own);
    let row = first.and_then(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let payload = row.as_ref().and_then(|row| row.get("payload"));
    match payload.map(|payload| payload.get("revision")) {
        Some(None) => Profile::Foreign,
        _ => Profile::Tollgate,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|e| Trouble::Unusable(format!("`{}`: {e}", path.display())))
}

/// A directory among the paths, whose own files are the defaults.
fn spool(args: &VerifyArgs) -> Option<&PathBuf> {
    args.paths.iter().find(|path| path.is_dir())
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
    bytes: &[u8],
    registry: &Registry,
) -> Result<(), Trouble> {
    let wrong = |reason: &str| Trouble::Unusable(format!("`{}`: {reason}", path.display()));
    let broken = |broken: Break| Trouble::Broken(Some(Spot::file(path)), broken.into());
    if bytes.first().is_none_or(|b| *b == b'{') {
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let signed = SignedCheckpoint::parse(line).map_err(|e| wrong(&e.to_string()))?;
            verifier.checkpoint(&signed).map_err(broken)?;
        }
        return Ok(());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let note = Note::read(text, registry).map_err(|e| wrong(&e.to_string()))?;
    verifier.note(&note).map_err(broken)
}
