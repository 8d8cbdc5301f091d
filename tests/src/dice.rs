//! Chance that can be had again.
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// With the seed in `TOLLGATE_SEED`, or another one each time. It is told on standard error,
    /// which is shown when a test fails.
    ///
    /// # Panics
    /// When the variable is no number.
    pub fn thrown() -> Self {
        let seed = match std::env::var("TOLLGATE_SEED") {
            Ok(seed) => seed.parse().expect("`TOLLGATE_SEED` is a number"),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into(),
        };
        eprintln!("to throw the same dice again: TOLLGATE_SEED={seed}");
        Self { state: seed }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}
