//! What a server gives an agent, to be named again: sessions (2025-03-26 to 2025-11-25, "Session
//! Management"), tasks, and the states of requests that wait for more (2026-07-28).

/// The header that names a session.
pub const SESSION: &str = "mcp-session-id";

/// What a server gives an agent, to be named again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Handle<'h> {
    /// The id of a session.
    Session(&'h [u8]),
    /// The id of a task.
    Task(&'h str),
    /// The state of a request that waits for more.
    State(&'h str),
}

impl<'h> Handle<'h> {
    /// Those in an answer, of which `text` gives the string at a path.
    pub fn given(text: impl Fn(&[&str]) -> Option<&'h str>) -> impl Iterator<Item = Self> {
        let tasks = [text(&["result", "task", "taskId"]), text(&["result", "taskId"])];
        let state = text(&["result", "requestState"]).map(Self::State);
        tasks.into_iter().flatten().map(Self::Task).chain(state)
    }
}
