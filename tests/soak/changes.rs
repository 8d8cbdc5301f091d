//! What changes under the running gate, one thing after another.
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tollgate_tests::{Certificates, POLICY_NO_DELETE, World, binary, within};

use crate::sink::Sink;

/// Between two changes: seconds in a short run, a few in a long one.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3));

/// How often what was changed.
#[derive(Default)]
pub(crate) struct Changes {
    reloads: usize,
    keys: usize,
    certificates: usize,
    outages: usize,
}

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} reloads, {} other keys, {} other certificates, {} outages of the collector",
            self.reloads, self.keys, self.certificates, self.outages
        )
    }
}

/// Makes changes for so long; in the end the collector is there.
pub(crate) async fn make(world: &mut World, sink: &mut Sink, whole: Duration) -> Changes {
    let end = Instant::now() + whole;
    let pause = (whole / 20).clamp(PAUSE.0, PAUSE.1);
    let mut made = Changes::default();
    for nth in 0_usize.. {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        tokio::time::sleep(pause.min(left)).await;
        match nth % 6 {
            0 => {
                world
                    .rewrite_policy(&POLICY_NO_DELETE.replace("no-delete", &format!("soak {nth}")));
                assert!(world.reload().await, "the rules are taken");
                made.reloads += 1;
            }
            1 => sink.down().await,
            2 => {
                rotate(&world.config_path()).await;
                made.keys += 1;
            }
            3 => {
                let fresh = Certificates::shared().authority.server(&["localhost", "127.0.0.1"]);
                swap(&world.path("server.pem"), &fresh.certificate);
                swap(&world.path("server.key"), &fresh.key);
                made.certificates += 1;
            }
            4 => {
                sink.up().await;
                made.outages += 1;
            }
            _ => {
                world.set("/limits/agent_per_minute", 100_000 + nth % 100);
                assert!(world.reload().await, "the settings are taken");
                made.reloads += 1;
            }
        }
    }
    sink.up().await;
    assert!(made.reloads > 0 && made.keys > 0 && made.certificates > 0, "too short: {made}");
    made
}

async fn rotate(config: &Path) {
    let mut command = Command::new(binary());
    let command = command.args(["keys", "rotate", "-c"]).arg(config).env_clear();
    let ended = within("the rotation", command.stdin(Stdio::null()).output()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// Puts a file in place of another at once, since the gate watches it.
fn swap(path: &Path, content: &str) {
    let beside = path.with_extension("swap");
    std::fs::write(&beside, content).unwrap();
    std::fs::rename(&beside, path).unwrap();
}
