//! The gate's own log: JSON lines on standard error, or text for people.
//!
//! Nothing an agent or upstream sent is ever a field. pingora's own messages are switched off
//! below `error`, since they quote heads.
//!
//! A thread of its own writes it: whoever reads the log may stop reading, and no call, no reload and
//! no stop waits for that.
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tollgate_config::settings::{Log, LogFormat, LogLevel};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Lines that wait for whoever reads the log. Of more the newest are lost, which is said as soon as
/// somebody reads again.
const LINES_MAX: usize = 1024;
/// What the end of the process may wait for lines that are not written yet.
const FAREWELL: Duration = Duration::from_secs(1);

static LINES: OnceLock<Lines> = OnceLock::new();

/// Starts logging. A second start (in tests) changes nothing.
pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // Only our own target speaks: libraries may quote what they read.
    let ours = Targets::new().with_target("tollgate", level);
    let registry = tracing_subscriber::registry().with(ours);
    let lines = LINES.get_or_init(Lines::open);
    let layer = tracing_subscriber::fmt::layer().with_writer(|| lines.clone());
    let started = match log.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(layer.with_target(false)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started already");
    }
}

/// Waits until all that was logged is written, for a moment: the last thing that a process does.
pub fn finish() {
    if let Some(lines) = LINES.get() {
        lines.finish(FAREWELL);
    }
}

/// Where lines wait for the thread that writes them. Each write is one line.
#[derive(Clone)]
struct Lines {
    to: SyncSender<Waiting>,
    lost: Arc<AtomicU64>,
}

enum Waiting {
    Line(Vec<u8>),
    /// Somebody waits for all before this.
    End(SyncSender<()>),
}

impl Lines {
    fn open() -> Self {
        Self::written_to(io::stderr())
    }

    fn written_to(out: impl Write + Send + 'static) -> Self {
        let (to, from) = sync_channel(LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Self { to, lost: Arc::clone(&lost) };
        // Without a thread every line is lost, and the gate goes on.
        let _ = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&from, &lost, out));
        lines
    }

    fn finish(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let (done, ended) = sync_channel(1);
        let mut end = Waiting::End(done);
        while let Err(TrySendError::Full(back)) = self.to.try_send(end) {
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
            end = back;
        }
        let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.to.try_send(Waiting::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(from: &Receiver<Waiting>, lost: &AtomicU64, mut out: impl Write) {
    for waiting in from {
        match waiting {
            Waiting::Line(line) => {
                // Nobody may be there to read it.
                let _ = out.write_all(&line);
            }
            Waiting::End(done) => {
                let _ = done.send(());
            }
        }
        let lines = lost.swap(0, Ordering::Relaxed);
        if lines > 0 {
            tracing::warn!(lines, "lines of this log are lost: nobody read it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Somebody who reads a line when he is told to.
    struct Reader {
        turns: Receiver<()>,
        read: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.turns.recv();
            let _ = self.read.send(line.to_vec());
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_who_does_not_read() {
        let (turn, turns) = channel();
        let (read, lines_read) = channel();
        let mut lines = Lines::written_to(Reader { turns, read });
        let began = Instant::now();
        for nth in 0..3 * LINES_MAX {
            lines.write_all(format!("{nth}\n").as_bytes()).unwrap();
        }
        lines.finish(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(10));
        let lost = lines.lost.load(Ordering::Relaxed);
        assert!((2 * LINES_MAX as u64 - 1..=2 * LINES_MAX as u64).contains(&lost), "{lost}");
        // He reads again: the oldest come, in order, and the end waits for them.
        for _ in 0..=LINES_MAX {
            turn.send(()).unwrap();
        }
        lines.finish(Duration::from_secs(60));
        let all = lines_read.try_iter().collect::<Vec<_>>();
        assert!(all.len() >= LINES_MAX, "{}", all.len());
        assert!(all.iter().enumerate().all(|(nth, line)| *line == format!("{nth}\n").as_bytes()));
    }
}
