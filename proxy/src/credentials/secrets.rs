//! The values behind credentials, read once for all who need them.
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tollgate_config::settings;
use tollgate_dlp::known::{Fetched, Secret, Values};
use zeroize::Zeroizing;

use super::{Credentials, unusable};
use crate::snapshot::{SnapshotFault, read_secret};

/// What was read.
#[derive(Default)]
pub struct Secrets {
    values: Vec<One>,
    /// What is fetched while the gate runs, for as long as it runs.
    fetched: Option<Arc<Fetched>>,
}

struct One {
    id: String,
    key: &'static str,
    value: Zeroizing<String>,
}

impl Secrets {
    /// Reads every secret of every credential. One that cannot be read now could not be given.
    pub fn read(
        settings: &[settings::Credential],
        before: Option<&Credentials>,
    ) -> Result<Self, SnapshotFault> {
        let fetched = match before.and_then(|before| before.fetched.as_ref()) {
            _ if settings.is_empty() => None,
            Some(fetched) => Some(Arc::clone(fetched)),
            None => Some(Arc::new(Fetched::new(*crate::known::random_key()?))),
        };
        Ok(Self { values: values(settings)?, fetched })
    }

    /// Those that can be read here, for who only looks for them.
    pub fn found(settings: &[settings::Credential]) -> Self {
        let each = settings.iter().filter_map(|one| values(std::slice::from_ref(one)).ok());
        Self { values: each.flatten().collect(), fetched: None }
    }

    /// What is fetched while the gate runs; none when nothing can be.
    pub fn fetched(&self) -> Option<&Arc<Fetched>> {
        self.fetched.as_ref()
    }

    /// One of them, by its credential's id and its key there.
    pub(super) fn find(&self, id: &str, key: &str) -> Option<&Zeroizing<String>> {
        let found = self.values.iter().find(|one| one.id == id && one.key == key);
        found.map(|one| &one.value)
    }

    /// A print of all that a credential is made of: when it is the same, what was fetched with it
    /// still holds.
    pub(super) fn print(&self, setting: &settings::Credential) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let text = Zeroizing::new(serde_json::to_vec(setting).unwrap_or_default());
        let own = self.values.iter().filter(|one| one.id == setting.id);
        for part in std::iter::once(text.as_slice()).chain(own.map(|one| one.value.as_bytes())) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// Makes the scanner know them, so that an upstream's echo is found. What cannot be found may
    /// not be given: it could be read in an answer.
    pub fn add_to(&self, values: &mut Values) -> Result<(), SnapshotFault> {
        for one in &self.values {
            // An access key's id is no secret; it stands in every signature.
            if one.key == "access_key_id" {
                continue;
            }
            let name = Arc::<str>::from(one.id.as_str()).into();
            let added = values.add(Secret::Credential, name, one.value.as_bytes());
            added.map_err(|error| {
                let reason = format!("{error}; an answer that repeats it could not be redacted");
                unusable(&one.id, &reason)
            })?;
        }
        Ok(())
    }

    /// The values and placeholders that are looked for in what leaves.
    pub(super) fn guarded(
        &self,
        settings: &[settings::Credential],
    ) -> Result<Values, SnapshotFault> {
        let mut values = crate::known::no_values()?;
        self.add_to(&mut values)?;
        for credential in settings {
            let name = Arc::<str>::from(credential.id.as_str()).into();
            values
                .add(Secret::Placeholder, name, credential.placeholder().as_bytes())
                .map_err(|error| unusable(&credential.id, &format!("its placeholder: {error}")))?;
        }
        Ok(values)
    }
}

fn values(settings: &[settings::Credential]) -> Result<Vec<One>, SnapshotFault> {
    let mut values = Vec::new();
    for credential in settings {
        for (key, place) in credential.give.secrets() {
            let bytes = read_secret(place)?;
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| unusable(&credential.id, "it is no text"))?;
            let value = Zeroizing::new(text.to_owned());
            values.push(One { id: credential.id.clone(), key, value });
        }
    }
    Ok(values)
}
