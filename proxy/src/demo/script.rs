//! The show: calls, what should come of them, and whether it did.
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::agent::{Heard, Say, Strangers, say, say_tls};
use super::stage::{DemoFault, Plan, Stage};
use super::table::{self, Row};
use super::tools::errands::{CARD, EMAIL, KEY_HALVES};
use crate::commands::audit;

/// How often a call is repeated to find what the gate adds; the median counts.
const REPEATS: usize = 5;

/// Shows everything, prints it, and stays up unless asked for once. True when all went as it
/// should.
pub async fn show(plan: &Plan) -> Result<bool, DemoFault> {
    table::print_intro();
    let stage = Stage::build(plan).await?;
    let rows = play(&stage).await?;
    let mut good = table::print_rows(&rows);
    if plan.once {
        let dir = stage.strike().await?;
        good &= verify(&dir);
        if plan.dir.is_none() {
            std::fs::remove_dir_all(dir)?;
        }
        return Ok(good);
    }
    // The record is verified while the gate runs: a reader needs no permission to check it.
    good &= verify(&stage.dir);
    table::print_invitation(&stage);
    crate::commands::asked_to_stop().await?;
    let dir = stage.strike().await?;
    table::print_farewell(&dir);
    Ok(good)
}

fn verify(dir: &Path) -> bool {
    let args = audit::VerifyArgs {
        paths: vec![dir.join("spool")],
        signers: None,
        checkpoints: Vec::new(),
        format: Some(audit::VerifyFormat::Tollgate),
        part: false,
        since: None,
        from: audit::VerifyFrom::Jsonl,
        store: audit::StoreArgs::default(),
        threads: None,
        postgres: audit::PostgresArgs::default(),
        ca: None,
        retention: false,
        json: false,
        proof: None,
        consistency: None,
    };
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let sound = audit::verify(&args, &mut said, &mut complained) == audit::SOUND;
    said.append(&mut complained);
    table::print_verified(sound, String::from_utf8_lossy(&said).trim_end());
    sound
}

/// What should come of a call.
type Check = fn(&Heard) -> bool;

/// One act of the script.
struct Act {
    name: &'static str,
    expect: &'static str,
    say: Say,
    check: Check,
    /// Whether the same call can be made past the gate, to see what the gate adds.
    compare: bool,
}

fn acts() -> Vec<Act> {
    let token = format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFRvbGxnYXRlRGVtb0tleU5vdEFTZWNyZXQhIQ\n-----END PRIVATE KEY-----\n";
    let act = |name, expect, say, check, compare| Act { name, expect, say, check, compare };
    vec![
        act(
            "a tool call",
            "allowed",
            Say::tool("get_weather", json!({ "city": "Lisbon" })),
            |heard| heard.status == StatusCode::OK && heard.body.contains("Lisbon"),
            true,
        ),
        act(
            "the list of tools",
            "filtered",
            Say::rpc("tools/list", json!({}), None),
            |heard| heard.body.contains("get_weather") && !heard.body.contains("delete_branch"),
            true,
        ),
        act(
            "a forbidden tool",
            "denied by rule",
            Say::tool("delete_branch", json!({ "branch": "main" })),
            |heard| {
                heard.code().as_deref() == Some("POLICY_DENIED")
                    && heard.body.contains("no-branch-delete")
            },
            false,
        ),
        act(
            "a token in an argument",
            "redacted",
            Say::tool("echo", json!({ "text": format!("use {token} to push") })),
            |heard| heard.body.contains("[REDACTED-GITHUB-TOKEN]") && !heard.body.contains("ghp_"),
            true,
        ),
        act(
            "a private key in an argument",
            "blocked",
            Say::tool("echo", json!({ "text": key })),
            |heard| heard.code().as_deref() == Some("DLP_BLOCKED"),
            false,
        ),
        act(
            "a card number in an answer",
            "redacted",
            Say::tool("read_customer", json!({ "id": "c-1" })),
            |heard| {
                heard.status == StatusCode::OK
                    && !heard.body.contains(CARD)
                    && !heard.body.contains(EMAIL)
            },
            true,
        ),
        act(
            "a key split over a stream",
            "redacted",
            Say::tool("stream_report", json!({ "steps": 3 })),
            |heard| {
                heard.body.contains("REDACTED")
                    && KEY_HALVES.iter().all(|half| !heard.body.contains(half))
            },
            true,
        ),
        act(
            "a REST call",
            "allowed",
            Say::http(Method::GET, "/api/orders/7"),
            |heard| heard.status == StatusCode::OK,
            true,
        ),
        act(
            "a REST call nobody allowed",
            "denied by default",
            Say::http(Method::DELETE, "/api/orders/7"),
            |heard| heard.code().as_deref() == Some("DEFAULT_DENY"),
            false,
        ),
    ]
}

async fn play(stage: &Stage) -> Result<Vec<Row>, DemoFault> {
    let mut rows = Vec::new();
    for act in acts() {
        let heard = say(stage.gate, &through(&act.say)).await?;
        let added = match act.compare {
            true => Some(added(stage, &act.say).await?),
            false => None,
        };
        rows.push(Row::new(act.name, act.expect, &heard, (act.check)(&heard), added));
    }
    rows.push(flood(stage).await?);
    let stranger = Strangers::read(&stage.dir)?;
    let heard =
        say_tls(stage.mesh, &stranger, &through(&Say::http(Method::GET, "/api/orders/7"))).await?;
    let refused = heard.code().as_deref() == Some("IDENTITY_UNKNOWN");
    rows.push(Row::new("an unknown agent", "refused", &heard, refused, None));
    Ok(rows)
}

/// The same call by the gate's prefixes.
fn through(say: &Say) -> Say {
    let path = match say.path.strip_prefix("/api/orders") {
        Some(rest) => format!("/orders{rest}"),
        None => "/shop".to_owned(),
    };
    Say { path, ..say.clone() }
}

/// Calls one tool until it is limited.
async fn flood(stage: &Stage) -> Result<Row, DemoFault> {
    let call = through(&Say::tool("slow", json!({ "ms": 1 })));
    let mut heard = say(stage.gate, &call).await?;
    for _ in 0..40 {
        if heard.code().is_some() {
            break;
        }
        heard = say(stage.gate, &call).await?;
    }
    let limited = heard.code().as_deref() == Some("RATE_LIMIT_TOOL");
    Ok(Row::new("the same call, too often", "rate limited", &heard, limited, None))
}

async fn added(stage: &Stage, call: &Say) -> Result<Duration, DemoFault> {
    let gated = through(call);
    let mut differences = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let direct = say(stage.tools, call).await?.took;
        let through = say(stage.gate, &gated).await?.took;
        differences.push(through.saturating_sub(direct));
    }
    differences.sort_unstable();
    Ok(differences.get(REPEATS / 2).copied().unwrap_or_default())
}
