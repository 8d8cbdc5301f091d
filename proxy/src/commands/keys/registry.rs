//! `tollgate keys registry`.
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tollgate_audit::{Kid, Signer, write_stamp};

use super::{ConfigFile, Trouble, read_registry, settings, tell};

/// How it is shown.
#[derive(Debug, Args)]
pub(in super::super) struct List {
    #[command(flatten)]
    config: ConfigFile,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The registry as auditors keep it, without session keys: those are vouched for in the chain
    #[arg(long, conflicts_with = "json")]
    roots: bool,
}

impl List {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        let spool = settings(&self.config)?.audit.spool;
        let mut known = read_registry(&spool)?;
        if self.roots {
            known.keep_roots();
            return tell(known.to_json());
        }
        let now = Timestamp::now();
        let line = |(kid, signer)| match self.json {
            true => format!("{}\n", as_json(kid, signer, now)),
            false => format!("{}\n", as_line(kid, signer, now)),
        };
        let lines: String = known.signers().map(line).collect();
        tell(lines)
    }
}

fn state(signer: &Signer, now: Timestamp) -> &'static str {
    let over = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    match () {
        () if over(signer.revoked_at()) => "revoked",
        () if over(signer.expires_at()) => "retired",
        () if signer.deployed_at().is_some_and(|at| at > now) => "early",
        () => "believed",
    }
}

fn as_line(kid: &Kid, signer: &Signer, now: Timestamp) -> String {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), write_stamp);
    let by = signer.delegated_by().map(|by| format!("  session of {by}")).unwrap_or_default();
    format!(
        "{:<8}  {:<18} {kid}  from {} until {}{by}",
        state(signer, now),
        signer.key().algorithm().as_str(),
        time(signer.deployed_at()),
        time(signer.revoked_at().or(signer.expires_at())),
    )
}

fn as_json(kid: &Kid, signer: &Signer, now: Timestamp) -> serde_json::Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "signer_kid": kid.as_str(),
        "state": state(signer, now),
        "algorithm": signer.key().algorithm().as_str(),
        "deployed_at": time(signer.deployed_at()),
        "expires_at": time(signer.expires_at()),
        "revoked_at": time(signer.revoked_at()),
        "delegated_by": signer.delegated_by().map(Kid::as_str),
    })
}
