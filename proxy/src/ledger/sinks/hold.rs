//! Legal holds on what is in an archive in a bucket.
use std::ops::RangeInclusive;
use std::path::Path;

use tollgate_config::settings::S3Sink;

use super::super::archive::span;
use super::super::aws::{Bucket, S3Error, Version};
use super::s3::{chain_of, folder_prefix, origin, place};

/// Why a hold was not set or cleared everywhere. It may be tried again: doing it twice is harmless.
#[derive(Debug, thiserror::Error)]
pub(in crate::ledger) enum HoldError {
    #[error(transparent)]
    Store(#[from] S3Error),
    #[error("the archive's settings: {0}")]
    Settings(String),
    #[error("the chain's first event is not known, so neither is its folder in the archive")]
    Chain,
}

/// Sets or clears the legal hold of every version of every object with an event of these numbers,
/// and of all registries and checkpoints, which show them to be sound. Tells how many versions
/// those were.
///
/// Only what is in the archive now: objects that come later have what `legal_hold` says.
pub(in crate::ledger) async fn hold(
    setting: &S3Sink,
    spool: &Path,
    events: RangeInclusive<u64>,
    on: bool,
) -> Result<u64, HoldError> {
    let bucket = Bucket::new(&setting.bucket, &place(setting)).map_err(HoldError::Settings)?;
    let prefix = folder_prefix(&setting.prefix).map_err(HoldError::Settings)?;
    let origin = origin(spool).ok_or(HoldError::Chain)?;
    let folder = format!("{prefix}{}/", chain_of(&origin));
    let (mut held, mut after) = (0, None);
    loop {
        let (versions, next) = bucket.versions(&folder, after.as_ref()).await?;
        for version in versions.iter().filter(|version| is_meant(version, &events)) {
            bucket.hold(version, on).await?;
            held += 1;
        }
        if next.is_none() {
            return Ok(held);
        }
        after = next;
    }
}

fn is_meant(version: &Version, events: &RangeInclusive<u64>) -> bool {
    let begins = span(&version.key);
    begins.is_none_or(|span| span.first <= *events.end() && span.last >= *events.start())
}
