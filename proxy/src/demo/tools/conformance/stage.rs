//! What all sessions and all stateless requests of the suite's server share.

use std::sync::Arc;

use rmcp::{
    ErrorData, model::RequestStateCodec, service::SubscriptionContext, task_manager::TaskManager,
};
use tokio::sync::broadcast::{self, error::RecvError};

use super::Fixtures;
use crate::demo::tools::{Seen, ServeError};

/// More changes than any listener of a test lets pile up; one that falls behind is told of the
/// next change, which says the same.
const CHANGES_KEPT: usize = 16;

/// The shared state of the suite's server.
pub struct Stage {
    pub(super) fixtures: Fixtures,
    pub(super) tasks: TaskManager,
    pub(super) seal: RequestStateCodec,
    pub(super) changes: broadcast::Sender<Change>,
    pub(super) seen: Arc<Seen>,
}

/// Something that listeners can ask to be told of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    Prompts,
    Tools,
}

impl Stage {
    /// A stage for `fixtures`, counting calls in `seen`.
    pub fn new(fixtures: Fixtures, seen: Arc<Seen>) -> Result<Self, ServeError> {
        Ok(Self {
            fixtures,
            tasks: TaskManager::new(),
            seal: RequestStateCodec::try_new(key()).map_err(ServeError::Seal)?,
            changes: broadcast::channel(CHANGES_KEPT).0,
            seen,
        })
    }

    pub(super) fn announce(&self, change: Change) {
        // Nobody listening is nobody to tell.
        let _listeners = self.changes.send(change);
    }

    /// Tells one listener of the changes it asked for, until it goes.
    pub(super) async fn listen(&self, listener: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = listener.cancelled() => return Ok(()),
            };
            let change = match change {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return Ok(()),
            };
            let accepted = listener.accepted();
            let wanted = match change {
                Change::Prompts => accepted.prompts_list_changed,
                Change::Tools => accepted.tools_list_changed,
            };
            if wanted != Some(true) {
                continue;
            }
            let told = match change {
                Change::Prompts => listener.sink().notify_prompt_list_changed().await,
                Change::Tools => listener.sink().notify_tool_list_changed().await,
            };
            if told.is_err() {
                return Ok(());
            }
        }
    }
}

/// A key for this run alone: sealed states need not outlive the process.
fn key() -> Vec<u8> {
    let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    [first.into_bytes(), second.into_bytes()].concat()
}
