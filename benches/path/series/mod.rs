//! What changes with how many call at once, how much is held, and how long a call takes when it is
//! due at a fixed rate.
mod at_once;
mod held;
mod idle;
mod paced;

use std::path::Path;

use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::scene::Scene;
use crate::settings::{GATES, Guards};

/// Runs those that are wanted.
pub(crate) fn bench(
    runtime: &Runtime,
    dir: &Path,
    wanted: &impl Fn(&str) -> bool,
    told: &mut Map<String, Value>,
) {
    if wanted("series/at_once") {
        told.insert("series/at_once".to_owned(), runtime.block_on(at_once::bench(dir)));
    }
    if wanted("series/paced") {
        told.insert("series/paced".to_owned(), runtime.block_on(paced::bench(dir)));
    }
    if wanted("series/idle") {
        told.insert("series/idle".to_owned(), runtime.block_on(idle::bench(dir)));
    }
    if wanted("series/held") {
        told.insert("series/held".to_owned(), runtime.block_on(held::bench(dir)));
    }
}

const SCENE: Scene = Scene::KIB;

fn guards(name: &str) -> &'static Guards {
    GATES.iter().find(|guards| guards.name == name).expect("there is such a gate")
}
