//! `tollgate audit tail`.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use tollgate_audit::Entry;

use super::files::{LINE_BYTES_MAX, event_files};
use super::input::each_line;
use super::words::describe;
use super::{BROKEN, SOUND, UNUSABLE};

/// How often a followed record is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

/// Shows a record as lines for people: `!` marks what was refused or failed. It does not verify.
///
/// Exit codes: 0 every line was an event, 1 some were not, 2 a file could not be read.
#[derive(clap::Args, Debug)]
pub struct TailArgs {
    /// A file of events or a spool's directory.
    #[arg(value_name = "DIR|FILE")]
    pub path: PathBuf,
    /// Goes on with what is written from now on.
    #[arg(long, short)]
    pub follow: bool,
    /// How many of the last events to begin with.
    #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT")]
    pub lines: usize,
    /// The events as they stand in the record, one a line.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn tail(args: &TailArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(args, out, err) {
        // Whoever reads has gone, as `head` does.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => SOUND,
        Err(e) => {
            let _ = writeln!(err, "cannot read `{}`: {e}", args.path.display());
            UNUSABLE
        }
        Ok(true) => SOUND,
        Ok(false) => BROKEN,
    }
}

/// Whether every line was an event.
fn show(args: &TailArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<bool> {
    let mut screen = Screen { json: args.json, out, err };
    let files = event_files(std::slice::from_ref(&args.path))?;
    let mut place = Place { path: files.last().cloned(), offset: 0 };
    let mut good = true;
    for line in last_lines(&files, args, &mut place)? {
        good &= screen.show(&line)?;
    }
    screen.out.flush()?;
    if args.follow { follow(args, place, &mut screen) } else { Ok(good) }
}

/// Until nobody reads any more.
fn follow(args: &TailArgs, mut place: Place, screen: &mut Screen<'_>) -> io::Result<bool> {
    loop {
        std::thread::sleep(FOLLOW_EVERY);
        place.follow(screen)?;
        for next in event_files(std::slice::from_ref(&args.path))? {
            if place.path.as_ref().is_none_or(|now| next > *now) {
                // What was written before the next one began.
                place.follow(screen)?;
                place = Place { path: Some(next), offset: 0 };
            }
        }
        screen.out.flush()?;
    }
}

/// The last lines of all files together, newest file first and no more files than it takes. The
/// place moves behind what was read of the newest.
fn last_lines(
    files: &[PathBuf],
    args: &TailArgs,
    place: &mut Place,
) -> io::Result<VecDeque<Vec<u8>>> {
    let (count, follow) = (args.lines, args.follow);
    let mut last = VecDeque::new();
    for path in files.iter().rev() {
        let room = count.saturating_sub(last.len());
        let (mut here, mut bytes) = (VecDeque::new(), 0_u64);
        let read = each_line(path, |line| {
            if follow && !line.ends_with(b"\n") {
                // It is being written just now.
                return Ok(());
            }
            bytes += u64::try_from(line.len()).unwrap_or(0);
            here.push_back(line.to_vec());
            if here.len() > room {
                here.pop_front();
            }
            Ok::<(), std::convert::Infallible>(())
        });
        match read {
            Ok(Ok(())) => {}
            Ok(Err(never)) => match never {},
            // The gate has released the segment since the directory was read.
            Err(e) if e.kind() == io::ErrorKind::NotFound && args.path.is_dir() => break,
            Err(e) => return Err(e),
        }
        if place.path.as_ref() == Some(path) {
            place.offset = bytes;
        }
        here.into_iter().rev().for_each(|line| last.push_front(line));
        if last.len() >= count {
            break;
        }
    }
    Ok(last)
}

/// How far a followed record was shown.
struct Place {
    path: Option<PathBuf>,
    offset: u64,
}

impl Place {
    /// Shows whole lines from here on.
    fn follow(&mut self, screen: &mut Screen<'_>) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut file = match File::open(path) {
            Ok(file) => file,
            // Released, and all of it was shown or is gone.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        // A gate that starts again cuts off what the one before could not finish.
        self.offset = self.offset.min(file.metadata()?.len());
        file.seek(SeekFrom::Start(self.offset))?;
        let (mut from, mut line) = (BufReader::new(file), Vec::new());
        loop {
            line.clear();
            let read = from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            let Some(body) = line.strip_suffix(b"\n") else { return Ok(()) };
            self.offset += u64::try_from(read).unwrap_or(0);
            screen.show(body)?;
        }
    }
}

/// Where events are shown.
struct Screen<'a> {
    json: bool,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl Screen<'_> {
    /// Whether it was an event.
    fn show(&mut self, line: &[u8]) -> io::Result<bool> {
        match Entry::parse(line) {
            Ok(entry) if self.json => self.out.write_all(entry.to_line().as_bytes())?,
            Ok(entry) => writeln!(self.out, "{}", describe(&entry))?,
            // Whoever reads JSON reads nothing else.
            Err(error) if self.json => return writeln!(self.err, "!! {error}").map(|()| false),
            Err(error) => return writeln!(self.out, "!! {error}").map(|()| false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use tollgate_audit::{Chain, EventType, Facts, LocalKey};

    use super::*;

    fn lines() -> Vec<String> {
        let key = LocalKey::from_pem(LocalKey::pem_from_seed(&[1; 32]).as_bytes(), None).unwrap();
        let mut chain = Chain::new();
        let line = |n: u64| {
            let facts = Facts::new(EventType::GateStart, "tollgate").number("n", n);
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let draft = chain.draft(facts, uuid::Uuid::nil(), now, key.kid()).unwrap();
            let signature = key.sign(draft.hash()).unwrap();
            draft.close(signature).unwrap().to_line()
        };
        (0..4).map(line).collect()
    }

    #[test]
    fn a_place_outlives_what_was_cut_off_and_released() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events-000000000001.jsonl");
        let lines = lines();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut place = Place { path: Some(path.clone()), offset: 0 };
        let mut written = |text: &str, expect: &str| {
            std::fs::write(&path, text).unwrap();
            out.clear();
            let mut screen = Screen { json: true, out: &mut out, err: &mut err };
            place.follow(&mut screen).unwrap();
            assert_eq!(String::from_utf8_lossy(&out), expect);
        };
        let two = lines[..2].concat();
        let half: String = lines[2].chars().take(40).collect();
        written(&format!("{two}{half}"), &two);
        written(&lines[..3].concat(), &lines[2]);
        // A restart cuts the last one off, and another comes in its place.
        written(&two, "");
        written(&format!("{two}{}", lines[3]), &lines[3]);
        std::fs::remove_file(&path).unwrap();
        // A released segment is no error.
        let mut screen = Screen { json: true, out: &mut out, err: &mut err };
        place.follow(&mut screen).unwrap();
        assert!(err.is_empty());
    }
}
