//! What is known, not guessed: where the indexes of records and documents are, canaries, and whose
//! secrets must not be seen.
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SecretRef, Settings, formats};

/// What is known and looked for in every text, as keyed hashes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Known {
    /// Indexes of records (`tollgate dlp index`). Their findings are `known.record`.
    #[schemars(length(max = 64))]
    pub records: Vec<KnownRecords>,
    /// Indexes of documents (`tollgate dlp index --documents`). Their findings are
    /// `known.document`.
    #[schemars(length(max = 64))]
    pub documents: Vec<KnownDocuments>,
    /// Strings that stand where nobody has any business. A finding is `known.canary`, is always
    /// certain and raises an alarm.
    #[schemars(length(max = 1000))]
    pub canaries: Vec<Canary>,
    /// Secrets of the gate and of its machine. Their findings are `known.own_secret`.
    pub secrets: KnownSecrets,
}

/// An index of records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownRecords {
    /// Unique; its findings bear it as their detector. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The index's file.
    #[schemars(with = "formats::FilePath", extend("examples" = ["customers.idx"]))]
    pub file: PathBuf,
    /// Where the key is that the index was made with.
    pub key: SecretRef,
    /// The columns whose cells are findings alone, when they are long enough to be told from other
    /// things; those of mail addresses, digits and codes when absent.
    #[serde(default)]
    #[schemars(with = "Option<Vec<formats::Word>>", length(max = 200))]
    pub alone: Option<Vec<String>>,
    /// How many columns of one row that stand close together are findings; 0 turns that off.
    #[serde(default = "together")]
    #[schemars(range(min = 0, max = 12))]
    pub together: usize,
}

fn together() -> usize {
    2
}

/// An index of documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownDocuments {
    /// Unique; its findings bear it and the document's name as their detector. Letters, digits,
    /// `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// The index's file.
    #[schemars(with = "formats::FilePath", extend("examples" = ["papers.idx"]))]
    pub file: PathBuf,
    /// Where the key is that the index was made with.
    pub key: SecretRef,
    /// How many fingerprints of a document that stand close together are a finding. One is a
    /// sentence's worth that two texts may share; four are a copied passage.
    #[serde(default = "prints")]
    #[schemars(range(min = 1, max = 8))]
    pub prints: usize,
}

fn prints() -> usize {
    4
}

/// A string that nobody has any business with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Unique; its findings bear it as their detector. Letters, digits, `-`, `_` and `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// Where the string is: 8 bytes at least.
    pub value: SecretRef,
}

/// Secrets that must not be seen in any call, in whatever encoding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KnownSecrets {
    /// The gate's own: every secret and private key that this file names.
    pub gate: bool,
    /// Environment variables.
    #[schemars(with = "Vec<formats::Variable>", length(max = 1000))]
    pub variables: Vec<String>,
    /// Files of lines `NAME=value`.
    #[schemars(with = "Vec<formats::FilePath>", length(max = 1000))]
    pub env_files: Vec<PathBuf>,
    /// Folders whose files are one secret each, as Kubernetes mounts them.
    #[schemars(with = "Vec<formats::FilePath>", length(max = 1000))]
    pub folders: Vec<PathBuf>,
}

impl Default for KnownSecrets {
    fn default() -> Self {
        Self { gate: true, variables: Vec::new(), env_files: Vec::new(), folders: Vec::new() }
    }
}

/// Where a secret of the gate is, and the key that names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnSecret {
    /// A secret.
    Secret(String, SecretRef),
    /// A private key, PEM.
    Key(String, PathBuf),
}

impl Settings {
    /// Every secret and private key that the settings name, with the key that names it.
    ///
    /// They are found by their form, so that a setting that is added later is among them.
    pub fn own_secrets(&self) -> Vec<OwnSecret> {
        let mut found = Vec::new();
        // Settings are read from such a document, and so can be one again.
        if let Ok(document) = serde_json::to_value(self) {
            collect(&document, "", &mut found);
        }
        found
    }
}

fn collect(value: &Value, path: &str, found: &mut Vec<OwnSecret>) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, &format!("{path}[{at}]"), found);
            }
        }
        Value::Object(members) => {
            if let Ok(secret) = SecretRef::deserialize(value) {
                return found.push(OwnSecret::Secret(path.to_owned(), secret));
            }
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match (name.as_str(), member) {
                    ("key" | "client_key", Value::String(file)) => {
                        found.push(OwnSecret::Key(path, file.into()));
                    }
                    _ => collect(member, &path, found),
                }
            }
        }
        _ => {}
    }
}
