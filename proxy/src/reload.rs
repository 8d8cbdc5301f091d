//! Reload: on SIGHUP, and when the files that were read change.
//!
//! Folders are watched rather than files, since a Kubernetes ConfigMap changes by swapping a
//! symbolic link beside the file. What woke the watcher is not trusted: the files' own prints
//! decide whether anything changed.
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use tollgate_config::settings::{Listener, SecretRef, Settings};

use crate::file;
use crate::gate::Gate;
use crate::identity::folder;
use crate::known;

/// Editors and the kubelet write in several steps; this is how long they get to finish.
const SETTLE: Duration = Duration::from_millis(250);

/// How much of an index is read to see whether it is another one.
const INDEX_HEAD_BYTES: u64 = 64 << 10;

/// The files that a snapshot was built from.
fn files(config: &Path, settings: &Settings) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::from([config.to_owned(), settings.policy.bundle.clone()]);
    if let Some(SecretRef::File(path)) = &settings.policy.secret {
        files.insert(path.clone());
    }
    if let Some(SecretRef::File(path)) = &settings.dlp.tokens.key {
        files.insert(path.clone());
    }
    for listener in &settings.listeners {
        if let Listener::Tls(tls) = listener {
            files.extend(tls.files().cloned());
        }
    }
    for route in &settings.routes {
        let tls = &route.upstream.tls;
        files.extend(
            [&tls.ca, &tls.client_certificate, &tls.client_key].into_iter().flatten().cloned(),
        );
    }
    if let Some(forward) = &settings.forward_proxy {
        let tls = &forward.tls;
        let tls = [&tls.ca, &tls.client_certificate, &tls.client_key];
        files.extend(tls.into_iter().flatten().cloned());
        let key = forward.intercept.as_ref().and_then(|intercept| intercept.key.clone());
        files.extend(key);
    }
    files.extend(settings.parent_proxy.as_ref().and_then(|parent| parent.ca.clone()));
    let parent = settings.parent_proxy.as_ref().and_then(|parent| parent.credentials.as_ref());
    if let Some(SecretRef::File(path)) = parent.map(|credentials| &credentials.secret) {
        files.insert(path.clone());
    }
    for credential in &settings.credentials {
        files.extend(credential.give.files());
    }
    if let Some(folder) = &settings.agents_folder {
        // The folder itself tells of files that come and go.
        files.insert(folder.clone());
        files.extend(folder::files(folder).unwrap_or_default());
    }
    files.extend(known::files(settings));
    files
}

/// What tells whether a file has changed.
type Print = Option<[u8; 32]>;

fn prints(files: &BTreeSet<PathBuf>, settings: &Settings) -> Vec<Print> {
    let print = |path: &PathBuf| match known::is_index(settings, path) {
        _ if settings.agents_folder.as_ref() == Some(path) => folder_print(path),
        true => index_print(path),
        false => Some(Sha256::digest(&*file::read(path, file::BYTES_MAX).ok()?).into()),
    };
    files.iter().map(print).collect()
}

/// The names of the files of agents.
fn folder_print(path: &Path) -> Print {
    let mut hasher = Sha256::new();
    for file in folder::files(path).ok()? {
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update([0]);
    }
    Some(hasher.finalize().into())
}

/// An index may have gigabytes: its age and length, and its beginning, which holds the seals of the
/// rest.
fn index_print(path: &Path) -> Print {
    let file = file::open(path).ok()?;
    let about = file.metadata().ok()?;
    let age = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let mut hasher = Sha256::new();
    hasher.update(about.len().to_be_bytes());
    hasher.update(age.as_nanos().to_be_bytes());
    std::io::copy(&mut file.take(INDEX_HEAD_BYTES), &mut hasher).ok()?;
    Some(hasher.finalize().into())
}

/// Watches until `stop` turns true, and takes the hangups that came since the start began.
pub async fn run(gate: Arc<Gate>, mut hangups: Signal, mut stop: watch::Receiver<bool>) {
    let (wake, mut woken) = mpsc::channel::<()>(1);
    let watcher = notify::recommended_watcher(move |_event| {
        // A full channel means that a look is due already.
        let _ = wake.try_send(());
    });
    let mut watcher = match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "cannot watch files; reload by SIGHUP only");
            None
        }
    };
    let mut watched = files(gate.source().path(), &gate.snapshot().settings);
    follow(watcher.as_mut(), &watched);
    let mut last = prints(&watched, &gate.snapshot().settings);
    // Whether what is in force was read after `last`; a refused reload leaves something older.
    let mut applied = true;
    // What changed between the start's reading and the watch would wake nobody.
    if !gate.snapshot().is_current(gate.source()) {
        applied = gate.reload().await;
    }
    loop {
        let asked = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = hangups.recv() => true,
            Some(()) = woken.recv() => {
                // Whoever asks need not wait for the writers.
                let asked = tokio::select! {
                    biased;
                    _ = hangups.recv() => true,
                    () = tokio::time::sleep(SETTLE) => false,
                };
                while woken.try_recv().is_ok() {}
                asked
            }
        };
        let now = prints(&watched, &gate.snapshot().settings);
        // A file that was another for a moment, and was read in it, looks as it did before.
        let is_current = || !applied || gate.snapshot().is_current(gate.source());
        if !asked && now == last && is_current() {
            continue;
        }
        loop {
            // Taken before the files are read: what changes in between is found at the next look.
            last = prints(&watched, &gate.snapshot().settings);
            applied = gate.reload().await;
            let named = files(gate.source().path(), &gate.snapshot().settings);
            follow(watcher.as_mut(), &named);
            // Files that were not watched while they were read are read again.
            if std::mem::replace(&mut watched, named) == watched {
                break;
            }
        }
    }
}

/// Resolves when a stop was asked for, or nobody is left to ask.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn follow(watcher: Option<&mut RecommendedWatcher>, files: &BTreeSet<PathBuf>) {
    let Some(watcher) = watcher else { return };
    let parents = files.iter().filter_map(|file| file.parent());
    // One without files would be nobody's parent.
    let own = files.iter().filter(|file| file.is_dir()).map(PathBuf::as_path);
    let folders = parents.chain(own).collect::<BTreeSet<_>>();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Watching a folder twice is no error; one that is gone comes back with the next reload.
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, "cannot watch a folder; reload by SIGHUP");
        }
    }
}
