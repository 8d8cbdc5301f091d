//! The demo's stage: a folder with configuration, policy and certificates, the tool server, and
//! the gate in between.
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::tools::{self, ServeError};
use crate::run::{Running, StartFault, start};
use crate::snapshot::Source;

/// What is asked of the demo.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the gate listens.
    pub bind: SocketAddr,
    /// Where files go; a fresh folder below the system's temporary one when absent.
    pub dir: Option<PathBuf>,
    /// Whether to exit after the show.
    pub once: bool,
}

/// Why the demo could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoFault {
    /// A file could not be written.
    #[error("cannot write the demo's files: {0}")]
    Files(#[from] std::io::Error),
    /// The tool server did not start.
    #[error(transparent)]
    Tools(#[from] ServeError),
    /// The gate did not start.
    #[error(transparent)]
    Gate(#[from] StartFault),
    /// A call could not be made at all.
    #[error("the scripted agent could not reach the gate: {0}")]
    Agent(String),
}

/// Everything that runs during a demo.
pub(super) struct Stage {
    pub(super) dir: PathBuf,
    pub(super) running: Running,
    pub(super) tools: SocketAddr,
    pub(super) gate: SocketAddr,
    /// A listener whose clients need a certificate, to show a stranger being refused.
    pub(super) mesh: SocketAddr,
    stop_tools: CancellationToken,
    serving_tools: JoinHandle<()>,
}

impl Stage {
    /// Writes the files and starts everything.
    pub(super) async fn build(plan: &Plan) -> Result<Self, DemoFault> {
        let dir = folder(plan)?;
        let stop_tools = CancellationToken::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (tools, serving_tools) = tools::serve(any, stop_tools.clone()).await?;
        let strangers =
            super::agent::Strangers::make().map_err(|e| DemoFault::Agent(e.to_string()))?;
        strangers.write(&dir)?;
        std::fs::write(dir.join("policy.yaml"), POLICY)?;
        std::fs::write(dir.join("tollgate.yaml"), config(plan.bind, tools))?;
        let running = start(Source::new(&dir.join("tollgate.yaml"))).await?;
        let gate = running.listener("agent").unwrap_or(plan.bind);
        let mesh = running.listener("mesh").unwrap_or(plan.bind);
        Ok(Self { dir, running, tools, gate, mesh, stop_tools, serving_tools })
    }

    /// Stops everything, the gate first.
    pub(super) async fn strike(self) -> Result<PathBuf, DemoFault> {
        let stopped = self.running.stop().await;
        self.stop_tools.cancel();
        let _ = self.serving_tools.await;
        stopped.map_err(StartFault::Ledger)?;
        Ok(self.dir)
    }
}

fn folder(plan: &Plan) -> std::io::Result<PathBuf> {
    let dir = match &plan.dir {
        Some(dir) => dir.clone(),
        None => {
            let id = uuid::Uuid::new_v4().simple().to_string();
            std::env::temp_dir().join(format!("tollgate-demo-{}", id.get(..8).unwrap_or("0")))
        }
    };
    std::fs::create_dir_all(&dir)?;
    // Each show begins a new record, so that what is verified is what was just written.
    let spool = dir.join("spool");
    if plan.dir.is_some() && spool.exists() {
        std::fs::rename(&spool, older(&dir))?;
    }
    Ok(dir)
}

fn older(dir: &Path) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let path = dir.join(format!("spool.{number}"));
        if !path.exists() {
            return path;
        }
        number = number.saturating_add(1);
    }
}

fn config(bind: SocketAddr, tools: SocketAddr) -> String {
    format!(
        r#"# Written by `tollgate demo`. Change it while the demo runs: it is reloaded.
version: 1
listeners:
  - {{ type: plain, name: agent, bind: "{bind}", agent: demo-agent }}
  - {{ type: tls, name: mesh, bind: "127.0.0.1:0", certificate: gate.pem, key: gate.key, client_ca: ca.pem }}
agents:
  - {{ id: demo-agent, trust: basic, roles: [assistant], environment: dev }}
  - {{ id: "spiffe://demo/agents/known", trust: basic, environment: dev }}
routes:
  - name: shop
    match: {{ prefix: /shop }}
    protocol: mcp
    upstream: {{ url: "http://{tools}/mcp", allow_addresses: [127.0.0.0/8] }}
  - name: orders
    match: {{ prefix: /orders }}
    upstream: {{ url: "http://{tools}/api/orders", allow_addresses: [127.0.0.0/8] }}
policy: {{ bundle: policy.yaml }}
limits: {{ agent_tool_per_minute: 20 }}
dlp:
  rules:
    - {{ classes: [secret.private_key], direction: request, action: block }}
audit: {{ spool: spool }}
admin: {{ bind: "127.0.0.1:0" }}
log: {{ level: error }}
"#
    )
}

const POLICY: &str = r#"# First match wins; what no rule allows is denied.
version: "demo"
generated_at: "2026-01-01T00:00:00Z"
expires_at: "2099-01-01T00:00:00Z"
rules:
  - id: no-branch-delete
    description: Branches are deleted by people
    match: { tool_name: delete_branch }
    outcome: DENY
  - id: shop-tools
    description: The shop's tools are for every agent
    match: { route: shop }
    outcome: ALLOW
  - id: orders-api
    description: Orders may be read and placed
    match: { route: orders, method: [GET, POST] }
    outcome: ALLOW
defaults: { outcome: DENY }
"#;
