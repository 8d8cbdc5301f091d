//! `tollgate audit tail`.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate_audit::Entry;

use super::files::event_files;
use super::input::each_line;
use super::words::describe;
use super::{BROKEN, SOUND, UNUSABLE};

/// How often a followed record is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

/// Shows a record as lines for people. It does not verify.
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
}

/// Runs the command.
pub fn tail(args: &TailArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match show(args, out) {
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
fn show(args: &TailArgs, out: &mut dyn Write) -> io::Result<bool> {
    let files = event_files(std::slice::from_ref(&args.path))?;
    let mut place = Place { path: files.last().cloned(), offset: 0 };
    let mut good = true;
    for line in last_lines(&files, args, &mut place)? {
        good &= show_line(&line, out)?;
    }
    out.flush()?;
    if args.follow { follow(args, place, out) } else { Ok(good) }
}

/// Until nobody reads any more.
fn follow(args: &TailArgs, mut place: Place, out: &mut dyn Write) -> io::Result<bool> {
    loop {
        std::thread::sleep(FOLLOW_EVERY);
        place.follow(out)?;
        let files = event_files(std::slice::from_ref(&args.path))?;
        let next = files.iter().find(|path| place.path.as_ref().is_none_or(|now| *path > now));
        if let Some(next) = next {
            // What was written before the next one began.
            place.follow(out)?;
            place = Place { path: Some(next.clone()), offset: 0 };
        }
        out.flush()?;
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
        match read? {
            Ok(()) => {}
            Err(never) => match never {},
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
    fn follow(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut from = match open_at(path, self.offset) {
            Ok(file) => BufReader::new(file),
            // Released, and all of it was shown or is gone.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = from.by_ref().take(4 << 20).read_until(b'\n', &mut line)?;
            let Some(body) = line.strip_suffix(b"\n") else { return Ok(()) };
            self.offset += u64::try_from(read).unwrap_or(0);
            show_line(body, out)?;
        }
    }
}

fn open_at(path: &Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

fn show_line(line: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    match Entry::parse(line) {
        Ok(entry) => writeln!(out, "{}", describe(&entry)).map(|()| true),
        Err(error) => writeln!(out, "!! {error}").map(|()| false),
    }
}
