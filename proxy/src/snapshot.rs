//! Everything a call is judged by, built whole and swapped whole.
//!
//! A call takes one `Arc<Snapshot>` when it begins and keeps it to its end. A reload builds a new
//! one beside it; when anything in it cannot be built, the old one stays.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use sha2::{Digest, Sha256};
use tollgate_config::settings::{self, Dlp, Dns, Listener, SecretRef, Settings};
use tollgate_dlp::{Judge, JudgeSettings, Means, Pattern, Scanner, ToolChannel};
use tollgate_rules::{LoadOptions, Rulebook};
use zeroize::Zeroizing;

use crate::clear::{RouteFault, Routes};
use crate::credentials::{Credentials, Secrets};
use crate::file;
use crate::identity::folder::{self, FolderFault};
use crate::identity::workload::Material;
use crate::identity::{Registry, RegistryFault};
use crate::known;
use crate::limits::Limits;
use crate::listen::{ServerTls, TlsFault};
use crate::names::NameRules;
use crate::recall::Recall;

/// Why a snapshot cannot be built. Each names the place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// A file cannot be read.
    #[error("cannot read {what} `{path}`: {reason}", path = path.display())]
    Unreadable {
        /// Which file.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The configuration has mistakes; the text shows each with its place.
    #[error("{0}")]
    Mistakes(String),
    /// The bundle has mistakes.
    #[error("the policy bundle `{path}` cannot be loaded:\n{reason}", path = path.display())]
    Policy {
        /// Where.
        path: PathBuf,
        /// Which.
        reason: String,
    },
    /// A secret cannot be found.
    #[error("{0}")]
    Secret(String),
    /// See [`RegistryFault`].
    #[error(transparent)]
    Registry(#[from] RegistryFault),
    /// See [`FolderFault`].
    #[error(transparent)]
    Folder(#[from] FolderFault),
    /// See [`RouteFault`].
    #[error(transparent)]
    Route(#[from] RouteFault),
    /// See [`TlsFault`].
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// What is known and looked for cannot be used: an index, a key, a canary.
    #[error("the {what} in `{place}` cannot be used: {reason}")]
    Known {
        /// What.
        what: &'static str,
        /// A file or a variable.
        place: String,
        /// Why.
        reason: String,
    },
    /// The DLP rules cannot be used.
    #[error("`dlp`: {0}")]
    Dlp(String),
}

/// What a call is judged by.
pub struct Snapshot {
    /// The settings, with paths resolved.
    pub settings: Settings,
    /// A print of everything that was read: configuration and bundle.
    pub revision: Arc<str>,
    /// Who is known.
    pub registry: Registry,
    /// What may be done.
    pub rulebook: Rulebook,
    /// The detectors, and what is known.
    pub scanner: Arc<Scanner>,
    /// What is done about findings; each call has one of its own made from it.
    pub judge: Arc<Judge>,
    /// What tools do with what they are given.
    pub channels: Vec<ToolChannel>,
    /// What inspection remembers.
    pub recall: Arc<Recall>,
    /// The ways out.
    pub routes: Routes,
    /// What agents do not have.
    pub credentials: Credentials,
    /// The names that the agent may ask for.
    pub names: Option<NameRules>,
    /// The limiter; its budgets are carried over a reload that does not change their limits.
    pub limits: Arc<Limits>,
    /// Changes without the rest when the Workload API gives something else.
    server_tls: ArcSwap<HashMap<String, ServerTls>>,
    material: ArcSwapOption<Material>,
}

/// Where the configuration is and what the environment adds to it.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    environment: Vec<(String, String)>,
    names_for: Option<String>,
}

impl Source {
    /// The file, with the overrides of this process' environment.
    pub fn new(path: &Path) -> Self {
        let environment = std::env::vars_os()
            // What is not UTF-8 is read as a mistake there, and not passed over here.
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .filter(|(name, _)| tollgate_config::is_read(name))
            // Whether it is there matters; what it is, is read when it is used.
            .map(|(name, value)| match name.as_str() {
                "SIGNING_PROXY_API_KEY" if !value.is_empty() => (name, "set".to_owned()),
                _ => (name, value),
            })
            .collect();
        Self { path: path.to_owned(), environment, names_for: None }
    }

    /// The same, where this agent's questions for names are answered, also when the file has no `dns`.
    #[must_use]
    pub fn answering_names(mut self, agent: &str) -> Self {
        self.names_for = Some(agent.to_owned());
        self
    }

    /// The configuration file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that relative paths start from.
    pub fn base(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// Reads the settings alone.
    pub fn settings(&self, colour: bool) -> Result<(Settings, String), SnapshotFault> {
        let text = read("the configuration", &self.path)?;
        let name = self.path.display().to_string();
        let mut settings = tollgate_config::read(&text, &name, &self.environment)
            .map_err(|mistakes| SnapshotFault::Mistakes(mistakes.render(colour)))?;
        settings.resolve(self.base());
        if let Some(agent) = &self.names_for {
            settings.dns.get_or_insert_with(|| Dns::of(agent));
        }
        Ok((settings, text.to_string()))
    }
}

impl Snapshot {
    /// Reads and builds everything. `before` lends what outlives a reload; without it, what comes
    /// from the Workload API is not there yet.
    pub fn build(
        source: &Source,
        before: Option<&Self>,
        colour: bool,
    ) -> Result<Self, SnapshotFault> {
        let material = before.and_then(Self::material);
        Self::of(source, source.settings(colour)?, before, material)
    }

    /// The same from settings that were read already, and with what the Workload API gave.
    pub fn of(
        source: &Source,
        (mut settings, text): (Settings, String),
        before: Option<&Self>,
        material: Option<Arc<Material>>,
    ) -> Result<Self, SnapshotFault> {
        let agents = agent_texts(&settings)?;
        let known = folder::read(&agents, &settings.agents)?;
        settings.agents.extend(known);
        let (rulebook, bundle) = load_rulebook(&settings.policy)?;
        let scanner = Scanner::with(&settings.dlp.engine_detectors())
            .map_err(|error| SnapshotFault::Dlp(error.to_string()))?;
        let credentials = before.map(|before| &before.credentials);
        let secrets = Secrets::read(&settings.credentials, credentials)?;
        let scanner = Arc::new(scanner.with_known(Arc::new(known::read(&settings, &secrets)?)));
        let recall = Recall::build(&settings.dlp, before.map(|before| &before.recall))?;
        let limits = before.map(|before| before.limits.as_ref());
        let limits = Arc::new(Limits::build(&settings.limits, &settings.agents, limits));
        let server_tls = server_tls(&settings, material.as_deref())?;
        Ok(Self {
            revision: revision(&text, &bundle, &agents, source),
            registry: Registry::build(&settings.agents, &settings.listeners)?,
            judge: Arc::new(judge(&settings, recall.means(settings.dlp.restores()))?),
            channels: channels(&settings.dlp)?,
            recall,
            routes: Routes::build(&settings, before.map(|before| &before.routes))?,
            credentials: Credentials::build(&settings.credentials, &secrets, credentials)?,
            names: NameRules::build(&settings, before.and_then(|before| before.names.as_ref()))?,
            rulebook,
            scanner,
            limits,
            server_tls: ArcSwap::from_pointee(server_tls),
            material: ArcSwapOption::new(material),
            settings,
        })
    }

    /// Whether the configuration and bundle on disk are the ones this was built from.
    pub fn is_current(&self, source: &Source) -> bool {
        let text = file::read_text(&source.path, file::BYTES_MAX);
        let bundle = file::read_text(&self.settings.policy.bundle, file::BYTES_MAX);
        match (text, bundle, agent_texts(&self.settings)) {
            (Ok(text), Ok(bundle), Ok(agents)) => {
                revision(&text, &bundle, &agents, source) == self.revision
            }
            _ => false,
        }
    }

    /// The TLS of a listener; `None` for a plain one, and for one that has nothing to present.
    pub fn server_tls(&self, listener: &str) -> Option<ServerTls> {
        self.server_tls.load().get(listener).cloned()
    }

    /// The listeners with TLS that have something to present.
    pub fn tls_listeners(&self) -> Arc<HashMap<String, ServerTls>> {
        self.server_tls.load_full()
    }

    /// What the Workload API gave last.
    pub fn material(&self) -> Option<Arc<Material>> {
        self.material.load_full()
    }

    /// Takes what the Workload API gives, or takes back what it gave: for new handshakes, and for
    /// those who are asked again.
    pub fn adopt(&self, material: Option<Arc<Material>>) -> Result<(), TlsFault> {
        let server_tls = server_tls(&self.settings, material.as_deref())?;
        self.material.store(material);
        self.server_tls.store(Arc::new(server_tls));
        Ok(())
    }
}

fn server_tls(
    settings: &Settings,
    material: Option<&Material>,
) -> Result<HashMap<String, ServerTls>, TlsFault> {
    let mut all = HashMap::new();
    for listener in &settings.listeners {
        if let Listener::Tls(tls) = listener
            && let Some(ready) = ServerTls::read(tls, material)?
        {
            all.insert(tls.name.clone(), ready);
        }
    }
    Ok(all)
}

fn read(what: &'static str, path: &Path) -> Result<Zeroizing<String>, SnapshotFault> {
    file::read_text(path, file::BYTES_MAX).map_err(|reason| SnapshotFault::Unreadable {
        what,
        path: path.to_owned(),
        reason,
    })
}

/// Reads a secret by its reference. The value is wiped when dropped.
pub fn read_secret(reference: &SecretRef) -> Result<Zeroizing<Vec<u8>>, SnapshotFault> {
    let secret = match reference {
        SecretRef::File(path) => {
            let text = read("the secret file", path)?;
            Zeroizing::new(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec())
        }
        SecretRef::Env(name) => {
            let value = std::env::var(name).map(Zeroizing::new).map_err(|_| {
                SnapshotFault::Secret(format!("the environment variable `{name}` is not set"))
            })?;
            Zeroizing::new(value.as_bytes().to_vec())
        }
    };
    if secret.is_empty() || secret.as_slice() == b"default-secret" {
        let place = match reference {
            SecretRef::File(path) => path.display().to_string(),
            SecretRef::Env(name) => name.clone(),
        };
        return Err(SnapshotFault::Secret(format!(
            "the secret in `{place}` is empty or a well-known default; make one with `openssl rand -hex 32`"
        )));
    }
    Ok(secret)
}

/// Reads and loads the bundle that settings name.
pub fn load_rulebook(policy: &settings::Policy) -> Result<(Rulebook, String), SnapshotFault> {
    let text = read("the policy bundle", &policy.bundle)?;
    let secret = policy.secret.as_ref().map(read_secret).transpose()?;
    let options = LoadOptions {
        rules_max: policy.rules_max,
        secret: secret.as_ref().map(|secret| secret.as_slice()),
        ..LoadOptions::default()
    };
    let book = Rulebook::load(&text, &options, crate::clock::timestamp()).map_err(|error| {
        SnapshotFault::Policy { path: policy.bundle.clone(), reason: error.to_string() }
    })?;
    Ok((book, text.to_string()))
}

/// In observe mode everything that would be changed or blocked is only told.
pub(crate) fn judge(settings: &Settings, means: Means) -> Result<Judge, SnapshotFault> {
    let dlp = &settings.dlp;
    Judge::with(JudgeSettings {
        minimum: dlp.minimum_grade.engine(),
        rules: dlp.engine_rules(),
        classes: dlp.engine_detectors().classes(),
        observes: settings.mode == settings::Mode::Observe,
        means: means.with_cards(dlp.mask.cards.engine()),
    })
    .map_err(|error| SnapshotFault::Dlp(error.to_string()))
}

fn channels(settings: &Dlp) -> Result<Vec<ToolChannel>, SnapshotFault> {
    let read = |entry: &settings::DlpChannel| {
        let tool = Pattern::new(&entry.tool)
            .ok_or_else(|| SnapshotFault::Dlp(format!("`{}` is no pattern", entry.tool)))?;
        let (channel, destination_field) =
            (entry.channel.engine(), entry.destination_field.clone());
        Ok(ToolChannel { tool, channel, destination_field })
    };
    settings.channels.iter().map(read).collect()
}

/// The files of agents, with their texts.
fn agent_texts(settings: &Settings) -> Result<Vec<(PathBuf, String)>, FolderFault> {
    settings.agents_folder.as_deref().map_or_else(|| Ok(Vec::new()), folder::texts)
}

fn revision(text: &str, bundle: &str, agents: &[(PathBuf, String)], source: &Source) -> Arc<str> {
    let mut hasher = Sha256::new();
    for part in [text, bundle].into_iter().chain(agents.iter().map(|(_, text)| text.as_str())) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    for (name, value) in &source.environment {
        hasher.update(name);
        hasher.update([0]);
        hasher.update(value);
        hasher.update([0]);
    }
    hex::encode(hasher.finalize()).get(..16).unwrap_or_default().into()
}
