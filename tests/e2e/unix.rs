//! Unix sockets: who connects is what the kernel says of the process.
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};

use serde_json::{Value, json};
use tollgate_tests::{AGENT, Builder, HttpClient, Upstream, World, base_settings, until};

use crate::kit::refusal_code;

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn gid() -> u32 {
    rustix::process::getegid().as_raw()
}

/// The listeners that every world has, and a unix socket.
fn listeners(more: Value) -> Value {
    let mut unix = json!({ "type": "unix", "name": "unix", "path": "gate.sock" });
    unix.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut all = base_settings()["listeners"].clone();
    all.as_array_mut().unwrap().push(unix);
    all
}

fn agents(uids: Value) -> Value {
    json!([
        { "id": AGENT, "environment": "test" },
        { "id": "local", "environment": "test", "uids": uids },
    ])
}

fn builder(upstream: &Upstream, more: Value, uids: Value) -> Builder {
    World::builder()
        .route("up", "/up", &upstream.url())
        .set("/listeners", listeners(more))
        .set("/agents", agents(uids))
}

async fn get(world: &World, h2: bool) -> (u16, String) {
    let mut client = HttpClient::unix(&world.path("gate.sock"), h2).await;
    let reply = client.get("/up/ok").await;
    (reply.status.as_u16(), refusal_code(&reply.body))
}

#[tokio::test]
async fn users_and_groups_mean_agents() {
    let upstream = Upstream::start().await;
    let bound = |uids: Value, gids: Value| json!({ "agent": AGENT, "uids": uids, "gids": gids });
    for (more, uids, expect) in [
        (json!({}), json!([uid()]), Ok("local")),
        (bound(json!([uid()]), json!([])), json!([]), Ok(AGENT)),
        (bound(json!([]), json!([gid()])), json!([]), Ok(AGENT)),
        // A user's own agent wins.
        (bound(json!([uid()]), json!([])), json!([uid()]), Ok("local")),
        (json!({}), json!([uid() + 1]), Err("IDENTITY_UNKNOWN")),
        (bound(json!([uid() + 1]), json!([gid() + 1])), json!([]), Err("IDENTITY_UNKNOWN")),
    ] {
        let world = builder(&upstream, more.clone(), uids.clone()).start().await;
        for h2 in [false, true] {
            let before = world.events().len();
            let (status, code) = get(&world, h2).await;
            let events = world.events();
            let event = events[before..].iter().find(|event| {
                event["event_type"] == "call.intent" || event["event_type"] == "call.refused"
            });
            let event = event.unwrap();
            match expect {
                Ok(agent) => assert_eq!((status, &event["actor"]), (200, &json!(agent)), "{more}"),
                Err(expect) => {
                    assert_eq!((status, code.as_str()), (403, expect), "{more} {uids}");
                    assert_eq!(event["payload"]["data"]["code"], expect);
                    assert_eq!(event["actor"], "unidentified");
                }
            }
            let data = &event["payload"]["data"];
            assert_eq!(data["source_uid"], uid(), "{event}");
            assert_eq!(data["source_gid"], gid(), "{event}");
            assert_eq!(data["source_pid"], std::process::id(), "{event}");
            assert_eq!(data["listener"], "unix");
            assert!(data["source"].is_null(), "{event}");
        }
        crate::kit::verify(&world.spool()).await;
    }
}

/// Who a user is changes without a restart, also for a connection that lives.
#[tokio::test]
async fn a_reload_counts_at_once() {
    let upstream = Upstream::start().await;
    let mut world = builder(&upstream, json!({}), json!([uid()])).start().await;
    let mut client = HttpClient::unix(&world.path("gate.sock"), false).await;
    assert_eq!(client.get("/up/ok").await.status, 200);
    world.set("/agents", agents(json!([uid() + 1])));
    assert!(world.reload().await);
    assert_eq!(refusal_code(&client.get("/up/ok").await.body), "IDENTITY_UNKNOWN");
    world.set("/listeners", listeners(json!({ "agent": AGENT, "uids": [uid()] })));
    assert!(world.reload().await);
    assert_eq!(client.get("/up/ok").await.status, 200);
}

#[tokio::test]
async fn the_file_is_made_replaced_and_removed() {
    let upstream = Upstream::start().await;
    let more = json!({ "mode": "0620", "group": gid() });
    let mut world = builder(&upstream, more, json!([uid()])).start().await;
    let path = world.path("gate.sock");
    let about = std::fs::symlink_metadata(&path).unwrap();
    assert!(about.file_type().is_socket());
    assert_eq!((about.mode() & 0o7777, about.gid()), (0o620, gid()));

    // A killed gate leaves it behind, and the next one takes its place.
    world.kill9().await;
    assert!(path.exists());
    assert!(UnixStream::connect(&path).is_err());
    world.restart().await.unwrap();
    assert_eq!(get(&world, false).await.0, 200);

    // One that stops in order does not.
    assert!(world.stop().await.success());
    assert!(!path.exists());

    // A living socket is not taken away, and a file that is none is not touched.
    let other = UnixListener::bind(&path).unwrap();
    let not = world.restart().await.unwrap_err();
    assert!(not.stderr.contains("another process listens there"), "{}", not.stderr);
    assert_eq!(not.status.code(), Some(1), "{}", not.stderr);
    assert!(path.exists());
    drop(other);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    let not = world.restart().await.unwrap_err();
    assert!(not.stderr.contains("no socket"), "{}", not.stderr);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();
    world.restart().await.unwrap();
    assert_eq!(get(&world, true).await.0, 200);
}

/// Half-open and idle connections end with the gate.
#[tokio::test]
async fn silent_clients_do_not_keep_the_gate() {
    let upstream = Upstream::start().await;
    let mut world = builder(&upstream, json!({}), json!([uid()])).start().await;
    let silent = UnixStream::connect(world.path("gate.sock")).unwrap();
    until("the connection", async || {
        (world.metric("tollgate_connections").await == 1.0).then_some(())
    })
    .await;
    drop(UnixStream::connect(world.path("gate.sock")).unwrap());
    assert_eq!(get(&world, false).await.0, 200);
    assert!(world.stop().await.success());
    drop(silent);
}
