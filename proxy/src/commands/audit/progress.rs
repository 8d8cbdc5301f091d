//! How far a long reading is, for whoever watches.
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Often enough to look alive.
const DRAWS_PER_SECOND: u8 = 8;
/// Where it is known how much there is.
const BAR: &str =
    "{bar:32} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left, {msg} events";
/// Where it is not.
const COUNT: &str = "{spinner} {bytes}, {binary_bytes_per_sec}, {msg} events";

/// A line on a terminal's standard error that is gone when it ends; nothing anywhere else.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `wanted` is false when nobody shall see it, terminal or not.
    pub(super) fn begin(wanted: bool, bytes_total: Option<u64>) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(bytes_total, target);
        let style = ProgressStyle::with_template(bytes_total.map_or(COUNT, |_| BAR));
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(super) fn at(&self, bytes_read: u64, events: u64) {
        if !self.0.is_hidden() {
            self.0.set_message(events.to_string());
            self.0.set_position(bytes_read);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
