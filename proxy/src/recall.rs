//! What inspection remembers from one call to the next: beginnings of secrets, and what tokens
//! stand for. In memory alone.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use tollgate_config::settings::{DlpTokens, SecretRef};
use tollgate_dlp::{
    Acted, DocumentPart, Judge, Means, Memory, MemoryLimits, Quiet, Scanner, Vault, VaultLimits,
};
use tollgate_rules::Call;
use zeroize::Zeroizing;

use crate::inspect::Beside;
use crate::snapshot::{SnapshotFault, read_secret};

/// The memory of inspection; carried over a reload that changes nothing of it.
pub struct Recall {
    began: Instant,
    /// Where the key is; without a place it is of this process.
    place: Option<SecretRef>,
    key: Zeroizing<Vec<u8>>,
    memory: Memory,
    /// How many forgotten beginnings were told of.
    told: AtomicU64,
    vault: Arc<Vault>,
}

/// A key of one's own has as many bytes as the hash gives.
const KEY_BYTES: usize = 32;

impl Recall {
    /// Takes what was there before, where its settings are the same.
    pub fn build(
        settings: &tollgate_config::settings::Dlp,
        before: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, SnapshotFault> {
        let memory = MemoryLimits {
            seconds: settings.memory.window_seconds,
            bytes: settings.memory.bytes,
            pairs: settings.memory.agents,
        };
        let DlpTokens { key, keep_seconds, values_per_agent, agents } = &settings.tokens;
        let vault =
            VaultLimits { seconds: *keep_seconds, values: *values_per_agent, agents: *agents };
        let place = key.clone();
        let key = match key.as_ref() {
            Some(place) => Some(read_secret(place)?),
            None => None,
        };
        if let Some(before) = before
            && before.memory.limits() == memory
            && before.vault.limits() == vault
            && before.place == place
            && key.as_ref().is_none_or(|key| *key == before.key)
        {
            return Ok(Arc::clone(before));
        }
        let key = match key {
            Some(key) => key,
            None => random()?,
        };
        Ok(Arc::new(Self {
            began: Instant::now(),
            place,
            key,
            memory: Memory::new(memory),
            told: AtomicU64::new(0),
            vault: Arc::new(Vault::new(vault)),
        }))
    }

    /// Seconds since it began.
    pub fn now(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// What the judge makes tokens and prints with. Values are kept only where a rule restores
    /// them.
    pub fn means(&self, restores: bool) -> Means {
        let means = Means::new(&self.key);
        if restores { means.with_vault(Arc::clone(&self.vault)) } else { means }
    }

    /// The secrets that a call completes. `seen` is what was told of its words, where a first pass
    /// has looked at them.
    pub fn completed(
        &self,
        engine: (&Scanner, &Judge),
        destination: &str,
        call: &Call,
        seen: Option<(&Quiet<'_>, &DocumentPart)>,
    ) -> Vec<Acted> {
        let pair = (call.agent.id.as_str(), destination);
        match seen {
            Some(seen) => self.memory.look_at(engine, pair, seen, self.now()),
            None => self.memory.look(engine, pair, &call.arguments, self.now()),
        }
    }

    /// The same of what a call says beside its words.
    pub fn completed_beside(
        &self,
        engine: (&Scanner, &Judge),
        destination: &str,
        call: &Call,
        beside: &Beside<'_>,
    ) -> Vec<Acted> {
        let pair = (call.agent.id.as_str(), destination);
        let place = |nth| beside.place(nth);
        self.memory.look_apart(engine, pair, beside.texts(), &place, self.now())
    }

    /// How many beginnings had to be forgotten before their time, since this was asked.
    pub fn forgotten(&self) -> u64 {
        let evicted = self.memory.evicted();
        let told = self.told.fetch_max(evicted, Ordering::Relaxed);
        evicted.saturating_sub(told)
    }
}

fn random() -> Result<Zeroizing<Vec<u8>>, SnapshotFault> {
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    aws_lc_rs::rand::fill(key.as_mut_slice())
        .map_err(|_| SnapshotFault::Dlp("no random bytes for a key of tokens".to_owned()))?;
    Ok(key)
}
