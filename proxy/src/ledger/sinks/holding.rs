//! Legal holds on what is in an archive in a bucket: follows the holds that are in force, and sets
//! and clears the store's own holds on the versions of the objects that they are about.
//!
//! What comes later has its hold from the start. What was done is kept in
//! `archive-holds-<sink>.json`, so that nothing is ever let go but what a hold of ours was about: a
//! hold that somebody else set on other objects stays, and when the file is lost, everything that is
//! held stays held. The store knows one hold an object, not whose it is; where ours and somebody
//! else's meet, clearing ours clears it.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, watch};
use tollgate_config::settings::S3Sink;

use super::super::LedgerError;
use super::super::archive::span;
use super::super::aws::{Bucket, Place, S3Error, Version, is_plain};
use super::super::files::replace;
use super::super::health::SinkCounters;
use super::super::holds::Hold;
use super::reach::{Reach, ReachError, reaches};
use super::s3::{chain_of, folder_prefix, origin};
use super::{PAUSE_FIRST, PAUSE_MAX, jittered};

/// Why holds were not set or cleared everywhere. It is tried again: doing it twice is harmless.
#[derive(Debug, thiserror::Error)]
enum HoldError {
    #[error(transparent)]
    Store(#[from] S3Error),
    #[error(transparent)]
    Reach(#[from] ReachError),
    #[error("the archive's settings: {0}")]
    Settings(String),
    #[error("the chain's first event is not known, so neither is its folder in the archive")]
    Chain,
    #[error("what was done cannot be noted: {0}")]
    Note(#[from] LedgerError),
    #[error("what was done before cannot be read: {0}")]
    Before(io::Error),
}

/// What a sink and whoever keeps its archive's holds share.
#[derive(Clone)]
pub(super) struct Following {
    /// The holds in force.
    pub(super) holds: watch::Receiver<Arc<[Hold]>>,
    /// Held for reading while objects are put by the holds at that time.
    pub(super) puts: Arc<RwLock<()>>,
}

impl Following {
    pub(super) fn new(holds: watch::Receiver<Arc<[Hold]>>) -> Self {
        Self { holds, puts: Arc::default() }
    }

    /// Of none.
    pub(super) fn nothing() -> Self {
        Self::new(watch::Sender::new(Arc::from([])).subscribe())
    }
}

/// Keeps one archive's holds.
pub(super) struct HoldKeeper {
    setting: S3Sink,
    place: Place,
    spool: PathBuf,
    following: Following,
    counters: Arc<SinkCounters>,
}

impl HoldKeeper {
    pub(super) fn new(
        setting: S3Sink,
        place: Place,
        spool: &Path,
        following: Following,
        counters: Arc<SinkCounters>,
    ) -> Self {
        counters.keeps_holds.store(true, Relaxed);
        Self { setting, place, spool: spool.to_owned(), following, counters }
    }

    /// Runs until the gate stops; the next start goes on with what is left.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.follow() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn follow(&mut self) {
        let sink = self.setting.name.clone();
        let mut pause = PAUSE_FIRST;
        loop {
            let wanted = Arc::clone(&self.following.holds.borrow_and_update());
            match self.bring(&wanted).await {
                Ok(versions) => {
                    if let Some(versions) = versions {
                        let holds = wanted.len();
                        tracing::info!(sink, holds, versions, "the archive has the legal holds");
                    }
                    *self.counters.holds.lock() = Some(wanted);
                    pause = PAUSE_FIRST;
                    if self.following.holds.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    self.counters.hold_failures.fetch_add(1, Relaxed);
                    tracing::error!(
                        sink,
                        %error,
                        "legal holds are not on all of the archive; it is tried again"
                    );
                    tokio::select! {
                        () = tokio::time::sleep(jittered(pause)) => {
                            pause = (pause * 2).min(PAUSE_MAX);
                        }
                        changed = self.following.holds.changed() => if changed.is_err() { return },
                    }
                }
            }
        }
    }

    /// Gives the archive these holds and no other; tells how many versions it changed, if it had
    /// to look.
    async fn bring(&self, wanted: &[Hold]) -> Result<Option<u64>, HoldError> {
        let path = done_path(&self.spool, &self.setting.name);
        let mut done = Done::read(&path).map_err(HoldError::Before)?;
        if done.is(wanted) {
            return Ok(None);
        }
        done.begin(wanted);
        done.note(&path).await?;
        // What is put from here on knows these holds.
        drop(self.following.puts.write().await);
        let changed = self.change(&done, wanted).await?;
        done.end(wanted);
        done.note(&path).await?;
        Ok(Some(changed))
    }

    async fn change(&self, done: &Done, wanted: &[Hold]) -> Result<u64, HoldError> {
        let bucket = Bucket::new(&self.setting.bucket, &self.place);
        let bucket = bucket.map_err(HoldError::Settings)?;
        let prefix = folder_prefix(&self.setting.prefix).map_err(HoldError::Settings)?;
        let spool = self.spool.clone();
        let origin = tokio::task::spawn_blocking(move || origin(&spool)).await;
        let origin = origin.ok().flatten().ok_or(HoldError::Chain)?;
        let folder = format!("{prefix}{}/", chain_of(&origin));
        let plan = Plan {
            always: self.setting.legal_hold,
            wanted: reaches(&bucket, &folder, wanted).await?,
            sure: reaches(&bucket, &folder, &done.sure).await?,
            maybe: reaches(&bucket, &folder, &done.maybe).await?,
        };
        let (mut changed, mut after) = (0, None);
        loop {
            let (versions, next) = bucket.versions(&folder, after.as_ref()).await?;
            for version in versions.iter().filter(|version| is_plain(&version.key)) {
                if let Some(on) = plan.change(version) {
                    bucket.hold(&version.key, Some(&version.version_id), on).await?;
                    changed += 1;
                }
            }
            if next.is_none() {
                return Ok(changed);
            }
            after = next;
        }
    }
}

/// What becomes of each version.
struct Plan {
    /// The sink puts a hold on everything.
    always: bool,
    wanted: Vec<Reach>,
    sure: Vec<Reach>,
    maybe: Vec<Reach>,
}

impl Plan {
    /// Whether its hold is to be set or cleared; nothing where it is as it should be, or was never
    /// ours.
    fn change(&self, version: &Version) -> Option<bool> {
        // The registries and checkpoints show what is held to be sound, so any hold holds them.
        let events = span(&version.key);
        let covered = |by: &[Reach]| match events {
            Some(span) => by.iter().any(|reach| reach.meets(span)),
            None => !by.is_empty(),
        };
        if covered(&self.wanted) {
            return (!covered(&self.sure)).then_some(true);
        }
        (!self.always && covered(&self.maybe)).then_some(false)
    }
}

/// Which holds the archive has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    /// On everything that they are about.
    sure: Vec<Hold>,
    /// On some of it, perhaps.
    maybe: Vec<Hold>,
}

impl Done {
    fn read(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e),
        }
    }

    fn save(&self, path: &Path) -> Result<(), LedgerError> {
        replace(path, &serde_json::to_vec(self).unwrap_or_default())
    }

    /// Saves it where waiting for the disk delays nobody.
    async fn note(&self, path: &Path) -> Result<(), LedgerError> {
        let (done, path) = (self.clone(), path.to_owned());
        let saved = tokio::task::spawn_blocking(move || done.save(&path)).await;
        saved.map_err(|_| LedgerError::Thread)?
    }

    fn is(&self, wanted: &[Hold]) -> bool {
        self.sure == wanted && self.maybe == wanted
    }

    /// From here on some of these are there, and some of what is not wanted may be gone.
    fn begin(&mut self, wanted: &[Hold]) {
        self.sure.retain(|hold| wanted.contains(hold));
        for hold in wanted {
            if !self.maybe.contains(hold) {
                self.maybe.push(hold.clone());
            }
        }
    }

    fn end(&mut self, wanted: &[Hold]) {
        self.sure = wanted.to_vec();
        self.maybe = wanted.to_vec();
    }
}

/// What was done to the archive of the sink of this name.
fn done_path(spool: &Path, name: &str) -> PathBuf {
    spool.join(format!("archive-holds-{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(name: &str) -> Version {
        Version { key: format!("tollgate/chain/{name}"), version_id: "1".to_owned() }
    }

    fn events(first: u64, last: u64) -> Version {
        version(&format!("events-{first:020}-{last:020}.jsonl.gz"))
    }

    fn reach(first: u64, last: u64) -> Reach {
        Reach { first, last }
    }

    fn hold(id: &str) -> Hold {
        Hold { id: id.to_owned(), matter: "m".to_owned(), from: None, until: None }
    }

    #[test]
    fn only_what_is_not_as_it_should_be_is_changed() {
        let beside = version("signers-1.json");
        for (always, wanted, sure, maybe, version, expect) in [
            (false, vec![reach(5, 9)], vec![], vec![reach(5, 9)], events(0, 4), None),
            (false, vec![reach(5, 9)], vec![], vec![reach(5, 9)], events(0, 5), Some(true)),
            (false, vec![reach(5, 9)], vec![], vec![reach(5, 9)], events(9, 20), Some(true)),
            (false, vec![reach(5, 9)], vec![reach(5, 9)], vec![], events(5, 9), None),
            // Cleared, and nothing else holds it.
            (false, vec![], vec![], vec![reach(5, 9)], events(5, 9), Some(false)),
            // Cleared, and another holds it still.
            (false, vec![reach(0, 6)], vec![reach(0, 6)], vec![reach(5, 9)], events(5, 9), None),
            // Cleared, and the sink holds everything.
            (true, vec![], vec![], vec![reach(5, 9)], events(5, 9), None),
            // Held by somebody else, or by nobody.
            (false, vec![], vec![], vec![reach(5, 9)], events(10, 20), None),
            (false, vec![reach(5, 9)], vec![], vec![], beside.clone(), Some(true)),
            (false, vec![], vec![], vec![reach(5, 9)], beside.clone(), Some(false)),
            (false, vec![reach(1, 2)], vec![reach(1, 2)], vec![reach(5, 9)], beside, None),
        ] {
            let plan = Plan { always, wanted, sure, maybe };
            assert_eq!(plan.change(&version), expect, "{version:?}");
        }
    }

    #[test]
    fn what_was_begun_is_cleared_even_when_it_never_ended() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = done_path(dir.path(), "vault");
        let mut done = Done::read(&path).unwrap();
        done.begin(&[hold("a")]);
        done.save(&path).unwrap();
        let mut done = Done::read(&path).unwrap();
        assert!(!done.is(&[]), "a hold that is cleared again is still to be looked for");
        done.begin(&[]);
        assert_eq!((done.sure.len(), &*done.maybe), (0, &[hold("a")][..]));
        done.end(&[]);
        assert!(done.is(&[]));
        done.end(&[hold("a"), hold("b")]);
        done.begin(&[hold("b")]);
        assert_eq!((&*done.sure, done.maybe.len()), (&[hold("b")][..], 2));
    }
}
