//! Processor time as Linux counts it, by thread. Time on the wall says how busy a machine is with
//! others; this says what something costs.
use std::fs;
use std::io;
use std::time::Duration;

/// What the threads of a process have used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Used {
    /// Threads of the name that was asked for.
    pub named: Duration,
    /// All others.
    pub others: Duration,
}

impl Used {
    /// What the living threads of a process have used so far, those called `name` apart from the
    /// others. A thread that has ended is not counted, so measure while all live.
    ///
    /// # Errors
    /// When the process is gone, or this is no Linux.
    pub fn of(pid: u32, name: &str) -> io::Result<Self> {
        let mut used = Self::default();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path();
            let read = |file: &str| fs::read_to_string(task.join(file));
            // One may end while its neighbours are read.
            let (Ok(thread), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
            let nanos = times.split(' ').next().and_then(|nanos| nanos.parse().ok());
            let nanos = Duration::from_nanos(nanos.ok_or(io::ErrorKind::InvalidData)?);
            if thread.trim_end() == name {
                used.named += nanos;
            } else {
                used.others += nanos;
            }
        }
        Ok(used)
    }

    /// What was used since an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            named: self.named.saturating_sub(before.named),
            others: self.others.saturating_sub(before.others),
        }
    }

    /// Both together.
    #[must_use]
    pub fn all(self) -> Duration {
        self.named + self.others
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_is_told_from_the_others() {
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let worker = thread::Builder::new().name("worker".to_owned());
        let worker = worker.spawn(move || {
            let numbers = (0..20_000_000_u64).fold(0, |sum: u64, n| sum.rotate_left(5) ^ n);
            tell.send(std::hint::black_box(numbers)).unwrap();
            let _ = ended.recv();
        });
        let before = Used::default();
        told.recv().unwrap();
        let used = Used::of(std::process::id(), "worker").unwrap().since(before);
        // While the worker lives: what has ended is not counted.
        let nobody = Used::of(std::process::id(), "nobody").unwrap();
        drop(end);
        worker.unwrap().join().unwrap();
        assert!(used.named > Duration::ZERO);
        assert_eq!(used.all(), used.named + used.others);
        assert_eq!(nobody.named, Duration::ZERO);
        assert!(nobody.others >= used.named);
    }
}
