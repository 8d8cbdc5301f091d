//! The archive in an object store.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::formats;

/// Objects of JSON lines in a bucket of S3 or what speaks like it:
/// `<prefix><chain>/events-<first>-<last>.jsonl.gz`, with the registry of signers and a signed
/// checkpoint beside them. Credentials are found as every AWS client finds them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Sink {
    /// Unique; the cursor's file is named for it. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The bucket's name. Make it with Object Lock, which needs versions.
    #[schemars(with = "formats::Word", length(min = 3, max = 63), extend("examples" = ["acme-audit"]))]
    pub bucket: String,
    /// What every object's name begins with: letters, digits and `/ . _ -`. One gate a prefix, or
    /// several: each chain has its own folder below it.
    #[serde(default = "prefix")]
    #[schemars(with = "formats::Word", length(min = 1, max = 255))]
    pub prefix: String,
    /// The bucket's region; AWS_REGION or AWS_DEFAULT_REGION when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 32), extend("examples" = ["eu-central-1"]))]
    pub region: Option<String>,
    /// URL of a VPC endpoint or another store, without a path; the region's public one when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Url>", length(min = 1, max = 2048), extend("examples" = ["https://s3.example.org"]))]
    pub endpoint: Option<String>,
    /// Authorities to trust instead of the system's, PEM.
    #[serde(default)]
    #[schemars(with = "Option<formats::FilePath>")]
    pub ca: Option<PathBuf>,
    /// Events an object at most.
    #[serde(default = "object_events")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub object_events: u64,
    /// Bytes of events an object, before compression; it ends with the event that reaches them.
    #[serde(default = "object_bytes")]
    #[schemars(range(min = 65_536, max = 33_554_432))]
    pub object_bytes: u64,
    /// Seconds that an event waits at most for others to share its object. Until the object is
    /// stored, its events count as lag.
    #[serde(default = "object_secs")]
    #[schemars(range(min = 1, max = 86_400))]
    pub object_secs: u64,
    /// Compress the objects.
    #[serde(default = "gzip")]
    pub gzip: bool,
    /// How long nobody can delete an object; the bucket's own default when absent.
    #[serde(default)]
    pub lock: Option<S3Lock>,
    /// Put a legal hold on every object.
    #[serde(default)]
    pub legal_hold: bool,
}

fn prefix() -> String {
    "tollgate/".to_owned()
}

fn object_events() -> u64 {
    10_000
}

fn object_bytes() -> u64 {
    8 << 20
}

fn object_secs() -> u64 {
    300
}

fn gzip() -> bool {
    true
}

/// Object Lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Lock {
    /// Whether somebody may still shorten it.
    #[serde(default)]
    pub mode: S3LockMode,
    /// Days from the object's beginning.
    #[schemars(range(min = 1, max = 36_500))]
    pub retention_days: u32,
}

/// See [`S3Lock::mode`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum S3LockMode {
    /// Who has `s3:BypassGovernanceRetention` may delete all the same.
    #[default]
    Governance,
    /// Nobody may, not even the account's owner.
    Compliance,
}
