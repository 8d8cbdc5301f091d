//! Desks: where large bodies are read, looked at and written again.
//!
//! While that lasts a body stands in memory several times: its bytes, the tree that was read from
//! them, the sheet on which its texts are looked at, the bytes that will travel. So no more are at
//! it at once than processors are, and than together have so many bytes; the others wait in the
//! order in which they came, each as its bytes alone. What is done at a desk is one closure that
//! waits for nothing: whoever sends slowly or takes no answer has no desk.
//!
//! Where there is more than one desk, one agent, or the answers by way of one route, take no more than
//! half. Their bodies wait for each other before they wait for a desk, so that others' are behind few
//! of them at the most.
//!
//! A small body needs none, and meets no lock. It does not wait behind large ones either: these are
//! read beside the threads that carry calls.
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tollgate_rules::Code;

use crate::body::{Holder, Parts};

/// From here on a body is large: looking at it takes milliseconds, and its tree a good part of one
/// MiB.
pub(crate) const LARGE_BYTES: usize = 64 << 10;

/// The unit in which bytes are counted.
const UNIT: u64 = 4096;

/// The desks of a gate.
#[derive(Debug)]
pub struct Desks {
    room: Semaphore,
    /// What the largest body takes, which is all there is.
    most: u32,
    /// What the smallest of the large ones takes, so that no more than processors are at it.
    least: u32,
    /// What each holder may take.
    parts: Parts,
    waiting: AtomicUsize,
}

/// A desk, and that its holder has it.
struct Desk<'d> {
    _units: SemaphorePermit<'d>,
    _part: OwnedSemaphorePermit,
}

impl Desks {
    /// Room for `bytes` at once, on so many processors.
    pub fn new(bytes: u64, processors: NonZeroUsize) -> Self {
        let most = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX / 8);
        let most = most.clamp(1, u32::MAX / 8);
        let processors = u32::try_from(processors.get()).unwrap_or(u32::MAX);
        let least = (most / processors).max(1);
        let part = if processors > 1 { (most / 2).max(least) } else { most };
        Self {
            room: Semaphore::new(most as usize),
            most,
            least,
            parts: Parts::of(part),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Does the work at a body of so many bytes, once there is a desk for it.
    ///
    /// # Errors
    /// When there was none for so long.
    pub async fn at<T>(
        &self,
        holder: &Holder,
        bytes: usize,
        patience: Duration,
        work: impl FnOnce() -> T,
    ) -> Result<T, Code> {
        if bytes < LARGE_BYTES {
            return Ok(work());
        }
        let _desk = self.take(holder, bytes, patience).await?;
        Ok(beside(work))
    }

    /// How many bodies wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn take(
        &self,
        holder: &Holder,
        bytes: usize,
        patience: Duration,
    ) -> Result<Desk<'_>, Code> {
        let units = u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX).clamp(self.least, self.most);
        // A body that is larger than a part takes all of it, and what it needs of the rest.
        let (part, most) = self.parts.of_holder(holder);
        let taking = async {
            let _part = part.acquire_many_owned(units.min(most)).await?;
            self.room.acquire_many(units).await.map(|_units| Desk { _units, _part })
        };
        let _waiting = Waiting::begin(&self.waiting);
        match tokio::time::timeout(patience, taking).await {
            Ok(Ok(desk)) => Ok(desk),
            _ => Err(Code::GateBusy),
        }
    }
}

/// One that waits, until it is dropped: also when its client goes away.
struct Waiting<'d>(&'d AtomicUsize);

impl<'d> Waiting<'d> {
    fn begin(waiting: &'d AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Works on this thread, while others take over the tasks that it carried.
fn beside<T>(work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread, as tests have, has nobody to hand them to.
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    fn desks(units: u64, processors: usize) -> Desks {
        Desks::new(units * UNIT, NonZeroUsize::new(processors).unwrap())
    }

    fn route(name: &str) -> Holder {
        Holder::Route(name.into())
    }

    #[tokio::test]
    async fn so_many_are_at_it_as_processors_are() {
        let desks = desks(64, 2);
        let first = desks.take(&route("a"), LARGE_BYTES, SOON).await.unwrap();
        let second = desks.take(&route("b"), LARGE_BYTES, SOON).await.unwrap();
        assert_eq!(desks.at(&Holder::Nobody, LARGE_BYTES, SOON, || ()).await, Err(Code::GateBusy));
        // Small ones do not ask.
        assert_eq!(desks.at(&Holder::Nobody, LARGE_BYTES - 1, SOON, || 7).await, Ok(7));
        drop(first);
        assert_eq!(desks.at(&Holder::Nobody, LARGE_BYTES, SOON, || 7).await, Ok(7));
        drop(second);
        assert_eq!(desks.room.available_permits(), 64);
    }

    #[tokio::test]
    async fn the_largest_takes_all_there_is() {
        let desks = desks(64, 2);
        let whole = desks.take(&Holder::Nobody, usize::MAX, SOON).await.unwrap();
        assert!(matches!(
            desks.take(&Holder::Nobody, LARGE_BYTES, SOON).await,
            Err(Code::GateBusy)
        ));
        drop(whole);
        let _one = desks.take(&Holder::Nobody, LARGE_BYTES, SOON).await.unwrap();
        assert!(matches!(desks.take(&Holder::Nobody, usize::MAX, SOON).await, Err(Code::GateBusy)));
    }

    #[tokio::test]
    async fn one_holder_leaves_half_to_others() {
        let desks = Arc::new(desks(64, 4));
        let (a, b) = (route("a"), route("b"));
        let first = desks.take(&a, LARGE_BYTES, SOON).await.unwrap();
        let second = desks.take(&a, LARGE_BYTES, SOON).await.unwrap();
        assert_eq!(desks.at(&a, LARGE_BYTES, SOON, || ()).await, Err(Code::GateBusy));
        let others = [
            desks.take(&b, LARGE_BYTES, SOON).await.unwrap(),
            desks.take(&b, LARGE_BYTES, SOON).await.unwrap(),
        ];
        drop(others);
        // What waits for its own holder is not before others in the order.
        let waiting = {
            let (desks, a) = (Arc::clone(&desks), a.clone());
            tokio::spawn(async move { desks.at(&a, LARGE_BYTES, LONG, || ()).await })
        };
        while desks.waiting() < 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(desks.at(&b, LARGE_BYTES, SOON, || 7).await, Ok(7));
        drop((first, second));
        assert_eq!(waiting.await.unwrap(), Ok(()));
        assert_eq!(desks.room.available_permits(), 64);
    }

    #[tokio::test]
    async fn they_take_their_turn_and_one_that_leaves_leaves_nothing_behind() {
        let desks = Arc::new(desks(64, 1));
        let first = desks.take(&Holder::Nobody, LARGE_BYTES, SOON).await.unwrap();
        let come = |desks: &Arc<Desks>| {
            let desks = Arc::clone(desks);
            tokio::spawn(async move { desks.at(&Holder::Nobody, LARGE_BYTES, LONG, || ()).await })
        };
        let (gone, stays) = (come(&desks), come(&desks));
        while desks.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(desks.waiting(), 1);
        drop(first);
        assert_eq!(stays.await.unwrap(), Ok(()));
        assert_eq!((desks.waiting(), desks.room.available_permits()), (0, 64));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_large_body_does_not_keep_the_threads_that_carry_calls() {
        let desks = Arc::new(desks(64, 1));
        let (tell, told) = std::sync::mpsc::channel();
        let large = {
            let desks = Arc::clone(&desks);
            // It ends when a small one was done, on the one thread that carries both.
            tokio::spawn(async move {
                desks.at(&Holder::Nobody, LARGE_BYTES, LONG, move || told.recv()).await
            })
        };
        let small = tokio::spawn(async move { tell.send(()).is_ok() });
        assert_eq!(large.await.unwrap(), Ok(Ok(())));
        assert!(small.await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_gives_its_desk_back() {
        let desks = Arc::new(desks(64, 1));
        let panics = {
            let desks = Arc::clone(&desks);
            let work = || assert_eq!(1, 2, "a fault at a desk");
            tokio::spawn(async move { desks.at(&Holder::Nobody, LARGE_BYTES, LONG, work).await })
        };
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(desks.room.available_permits(), 64);
    }
}
