//! `tollgate hold`: legal holds on the record of a running gate.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;
use tollgate_config::settings::SecretRef;

use super::admin::{Question, ask};
use super::{EXIT_FAULT, EXIT_USAGE, EXIT_WELL, answered, complain};
use crate::ledger::{Bound, Hold};
use crate::snapshot::read_secret;

/// The answer comes when the change is on the disk.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the token is when no file is named.
const TOKEN_VARIABLE: &str = "TOLLGATE_ADMIN_TOKEN";

/// Exits 0 when it is done or was so already, 1 when not, 2 when the command cannot be used.
#[derive(Debug, Subcommand)]
pub(super) enum HoldCommand {
    /// Keep events from being deleted, whatever retention and cap say
    Set(Set),
    /// Lift a hold
    Clear(Clear),
    /// Print the holds in force
    List(Gate),
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// The hold's name
    id: String,
    /// What it is for: a case's number, say
    #[arg(long)]
    matter: String,
    /// The first event held: its number, or a time in UTC. Default: the first there is
    #[arg(long, value_name = "SEQ|TIME")]
    from: Option<Bound>,
    /// The last event held. Default: all to come
    #[arg(long, value_name = "SEQ|TIME")]
    until: Option<Bound>,
    #[command(flatten)]
    gate: Gate,
}

#[derive(Debug, Args)]
pub(super) struct Clear {
    /// The hold's name
    id: String,
    #[command(flatten)]
    gate: Gate,
}

#[derive(Debug, Args)]
pub(super) struct Gate {
    /// The gate's admin listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// The file with the token of `admin.token`. Default: the variable TOLLGATE_ADMIN_TOKEN
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

/// Does what was asked and prints the gate's answer.
pub(super) fn run(command: &HoldCommand) -> ExitCode {
    match command {
        HoldCommand::Set(set) => {
            let hold = Hold {
                id: set.id.clone(),
                matter: set.matter.clone(),
                from: set.from,
                until: set.until,
            };
            match hold.check().map(|()| serde_json::to_string(&hold)) {
                Ok(Ok(body)) => set.gate.ask("POST", "/v1/holds", &body),
                Ok(Err(error)) => complain(error, EXIT_USAGE),
                Err(fault) => complain(fault, EXIT_USAGE),
            }
        }
        HoldCommand::Clear(clear) => {
            let id = percent_encoding::utf8_percent_encode(
                &clear.id,
                percent_encoding::NON_ALPHANUMERIC,
            );
            clear.gate.ask("DELETE", &format!("/v1/holds/{id}"), "")
        }
        HoldCommand::List(gate) => gate.ask("GET", "/v1/holds", ""),
    }
}

impl Gate {
    fn ask(&self, method: &str, path: &str, body: &str) -> ExitCode {
        let token = match &self.token {
            Some(file) => SecretRef::File(file.clone()),
            None => SecretRef::Env(TOKEN_VARIABLE.to_owned()),
        };
        let token = match read_secret(&token) {
            Ok(token) => token,
            Err(error) => return complain(error, EXIT_USAGE),
        };
        let plain = |b: &u8| b.is_ascii_graphic();
        let Some(text) =
            std::str::from_utf8(&token).ok().filter(|t| t.as_bytes().iter().all(plain))
        else {
            return complain("the token is not of plain characters on one line", EXIT_USAGE);
        };
        let head = zeroize::Zeroizing::new(format!(
            "authorization: Bearer {text}\r\ncontent-type: application/json\r\n"
        ));
        let question = Question { method, path, head: &head, body };
        match ask(self.admin, PATIENCE, &question) {
            Ok((200, answer)) => answered(format_args!("{answer}\n"), EXIT_WELL),
            Ok((status, answer)) => {
                let told = serde_json::from_str::<Value>(&answer).ok();
                let told = told.as_ref().and_then(|told| told.get("error")?.as_str());
                let told = told.unwrap_or("without a reason");
                complain(format!("the gate refused ({status}): {told}"), EXIT_FAULT)
            }
            Err(error) => complain(format!("no answer from {}: {error}", self.admin), EXIT_FAULT),
        }
    }
}
