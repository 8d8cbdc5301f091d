//! Upstreams are looked after between calls, each route that asks for it by a task of its own.
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gate::Gate;

/// Looks after upstreams until `stop` turns true.
pub async fn run(gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = look_after(gate) => {}
    }
}

async fn look_after(gate: Arc<Gate>) {
    let mut reloaded = gate.reloaded.subscribe();
    let mut revision = None;
    let mut checking = JoinSet::new();
    loop {
        let snapshot = gate.snapshot();
        if revision.as_ref() != Some(&snapshot.revision) {
            // Courses begin anew with what they had come to, so that a reload believes nobody.
            checking.shutdown().await;
            let places = snapshot.routes.looked_after().map(|(to, _)| Arc::clone(to));
            let places = places.collect::<Vec<_>>();
            gate.egress.leave_alone(&places);
            for to in places {
                checking.spawn(check(Arc::clone(&gate), Arc::clone(&to.route)));
            }
            revision = Some(Arc::clone(&snapshot.revision));
        }
        drop(snapshot);
        // Where nothing is looked after nothing happens until then.
        if reloaded.changed().await.is_err() {
            return;
        }
    }
}

/// Checks one route's upstream, as the snapshot in force has it, until it has none.
async fn check(gate: Arc<Gate>, route: Arc<str>) {
    let mut course = gate.egress.course(&route);
    loop {
        let snapshot = gate.snapshot();
        let Some((to, health)) = snapshot.routes.looked_after().find(|(to, _)| to.route == route)
        else {
            return;
        };
        gate.egress.look_after(to, health, &snapshot.settings, &mut course).await;
        let pause = Duration::from_millis(health.interval_ms);
        drop(snapshot);
        tokio::time::sleep(pause).await;
    }
}
