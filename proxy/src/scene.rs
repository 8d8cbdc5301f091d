//! A call as the rules of inspection see it.
use tollgate_dlp::{Channel, Destination, Judge, Scene};
use tollgate_rules::{Call, Protocol};

use crate::snapshot::Snapshot;

/// The judge of a call on its way out.
pub fn judge_request(snapshot: &Snapshot, call: &Call) -> Judge {
    judge(snapshot, call, request)
}

/// The judge of its answer.
pub fn judge_answer(snapshot: &Snapshot, call: &Call) -> Judge {
    judge(snapshot, call, answer)
}

/// A scene is made only where a rule asks for it.
fn judge(snapshot: &Snapshot, call: &Call, scene: fn(&Snapshot, &Call) -> Scene) -> Judge {
    match snapshot.judge.asks() {
        true => snapshot.judge.at(&scene(snapshot, call)),
        false => snapshot.judge.anywhere(call.agent.id.as_str(), snapshot.recall.now()),
    }
}

/// The upstream of a call, with no look at what a tool does with the data.
fn upstream(snapshot: &Snapshot, call: &Call) -> Scene {
    let target = &call.target;
    let (host, port) = (target.host.to_string(), target.port);
    let through = Destination::new([
        host.clone(),
        format!("{host}:{port}"),
        format!("{}://{host}{}", target.scheme.as_str(), target.path),
        format!("route:{}", target.route),
    ]);
    Scene {
        agent: call.agent.id.as_str().to_owned(),
        roles: call.agent.roles.clone(),
        channel: Channel::HttpRequest,
        to: vec![through.clone()],
        through,
        now: snapshot.recall.now(),
    }
}

/// A call on its way out.
fn request(snapshot: &Snapshot, call: &Call) -> Scene {
    let scene = upstream(snapshot, call);
    match (call.protocol, call.action.tool.as_deref()) {
        (Protocol::Mcp, Some(tool)) => {
            scene.with_tool(tool, || &call.arguments, &snapshot.channels, Channel::McpCall)
        }
        (Protocol::Mcp, None) => Scene { channel: Channel::McpCall, ..scene },
        _ => scene,
    }
}

/// Its answer.
fn answer(snapshot: &Snapshot, call: &Call) -> Scene {
    let scene = upstream(snapshot, call);
    match call.protocol {
        Protocol::Mcp => Scene { channel: Channel::McpResponse, ..scene },
        _ => scene,
    }
}
