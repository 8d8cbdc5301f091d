//! How often four bytes stand in what agents usually send.
use std::collections::HashMap;

/// Messages, results of tools, source code: as they are, and of every kind a little.
const SAMPLE: &[u8] = include_bytes!("usual.txt");

/// What was counted in the sample, letters whatever their case.
pub(super) struct Usual {
    fours: HashMap<[u8; 4], u32>,
    pairs: HashMap<[u8; 2], u32>,
}

impl Usual {
    pub(super) fn new() -> Self {
        let text = SAMPLE.to_ascii_lowercase();
        let mut usual = Self { fours: HashMap::new(), pairs: HashMap::new() };
        for window in text.array_windows() {
            *usual.fours.entry(*window).or_default() += 1;
        }
        for window in text.array_windows() {
            *usual.pairs.entry(*window).or_default() += 1;
        }
        usual
    }

    /// What it costs to stop at these bytes. The sample is small: of those that are not in it, the
    /// less usual are those that are made of less usual pairs.
    pub(super) fn cost(&self, window: &[u8; 4]) -> (u32, u64) {
        let pair = |pair: &[u8; 2]| u64::from(self.pairs.get(pair).copied().unwrap_or(0)) + 1;
        let pairs = window.array_windows().map(pair).product();
        (self.fours.get(window).copied().unwrap_or(0), pairs)
    }
}
