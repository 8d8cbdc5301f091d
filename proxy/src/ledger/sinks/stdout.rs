//! JSON lines on standard output.
//!
//! A thread of its own writes, since whoever reads a pipe may stop reading for as long as it likes,
//! and neither calls nor the gate's stop may wait for it.
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::DeliveryError;
use super::feed::Batch;

/// Events of one batch.
pub(super) const BATCH_EVENTS: usize = 1024;

/// What is to be written, and where it is told that it was.
type Order = (Bytes, oneshot::Sender<io::Result<()>>);

/// The standard output.
pub(super) struct StdoutOutlet {
    orders: SyncSender<Order>,
}

impl StdoutOutlet {
    pub(super) fn new() -> Result<Self, String> {
        Self::to(io::stdout())
    }

    fn to(out: impl Write + Send + 'static) -> Result<Self, String> {
        // One waits at most: a batch whose time was over is given again.
        let (orders, taken) = sync_channel(1);
        std::thread::Builder::new()
            .name("stdout-sink".to_owned())
            .spawn(move || write(out, &taken))
            .map_err(|e| format!("its thread cannot be started: {e}"))?;
        Ok(Self { orders })
    }

    /// The batch is taken when the lines were handed to the kernel.
    pub(super) async fn deliver(&self, batch: &Batch) -> Result<(), DeliveryError> {
        let (done, written) = oneshot::channel();
        self.orders.try_send((batch.lines.clone(), done)).map_err(|_| DeliveryError::Late)?;
        written.await.map_err(|_| DeliveryError::Late)?.map_err(DeliveryError::Output)
    }
}

fn write(mut out: impl Write, orders: &Receiver<Order>) {
    let mut torn = false;
    while let Ok((lines, done)) = orders.recv() {
        let written = write_all(&mut out, &lines, torn);
        torn = written.is_err();
        // Nobody waits any more when the delivery's time was over.
        let _ = done.send(written);
    }
}

/// What was cut off before stays a line of its own.
fn write_all(out: &mut impl Write, lines: &[u8], torn: bool) -> io::Result<()> {
    if torn {
        out.write_all(b"\n")?;
    }
    out.write_all(lines)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes of each write, then fails once.
    struct Torn {
        taken: std::sync::Arc<parking_lot::Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Write for Torn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.room = usize::MAX;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let count = bytes.len().min(self.room);
            self.room -= count;
            self.taken.lock().extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_torn_line_stands_alone() {
        let taken = std::sync::Arc::default();
        let out = Torn { taken: std::sync::Arc::clone(&taken), room: 7 };
        let outlet = StdoutOutlet::to(out).unwrap();
        for fails in [true, false] {
            let (done, written) = oneshot::channel();
            outlet.orders.send((Bytes::from_static(b"one\ntwo\n"), done)).unwrap();
            assert_eq!(written.await.unwrap().is_err(), fails);
        }
        assert_eq!(taken.lock().as_slice(), b"one\ntwo\none\ntwo\n");
    }
}
