//! Rounds of calls that alternate between proxies.
use std::time::{Duration, Instant};

use tollgate_benches::{Used, median};

use crate::seats::Seat;

/// One round of one proxy.
pub(crate) struct Round {
    /// Calls a second.
    pub(crate) rate: f64,
    /// Processor time of a call, in nanoseconds; zero where there is no proxy.
    pub(crate) nanos: f64,
}

/// How many rounds: `TOLLGATE_BENCH_ROUNDS`, else this many.
pub(crate) fn count(otherwise: usize) -> usize {
    let wanted = std::env::var("TOLLGATE_BENCH_ROUNDS").ok();
    wanted.and_then(|wanted| wanted.parse().ok()).filter(|wanted| *wanted > 0).unwrap_or(otherwise)
}

/// The medians of so many rounds of each, after one that warms up and is thrown away.
pub(crate) async fn medians(seats: &[(&Seat, usize)], at_once: usize, rounds: usize) -> Vec<Round> {
    let mut all: Vec<Vec<Round>> = seats.iter().map(|_| Vec::new()).collect();
    for nth in 0..=rounds {
        for ((seat, calls), all) in seats.iter().zip(&mut all) {
            let measured = round(seat, at_once, *calls).await;
            if nth > 0 {
                all.push(measured);
            }
        }
    }
    let middle = |rounds: &Vec<Round>| Round {
        rate: median(rounds.iter().map(|round| round.rate)),
        nanos: median(rounds.iter().map(|round| round.nanos)),
    };
    all.iter().map(middle).collect()
}

async fn round(seat: &Seat, at_once: usize, calls: usize) -> Round {
    let used = || seat.pid().map(|pid| Used::of(pid, "").expect("it lives").all());
    let calls = calls.max(at_once);
    let (before, began) = (used(), Instant::now());
    seat.call.make(at_once, calls).await;
    let took = began.elapsed();
    // The last outcomes are recorded a moment after their clients have the answer.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let used = used().zip(before).map(|(after, before)| after.saturating_sub(before));
    let calls = (calls / at_once * at_once) as f64;
    Round {
        rate: calls / took.as_secs_f64(),
        nanos: used.map_or(0.0, |used| used.as_secs_f64() * 1e9 / calls),
    }
}
