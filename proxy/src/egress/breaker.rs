//! When an upstream that fails is left alone: a state machine, with the time as an argument.
use std::time::Duration;

use tokio::time::Instant;
use tollgate_config::settings;

/// Into how many parts the window is cut; one of them is forgotten at a time.
const PARTS: usize = 10;

/// An upstream's circuit.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Counts the states, so that a call which began in an earlier one has no say in this one.
    era: u64,
    window: Window,
    in_a_row: u32,
    /// How often it was opened since it was last closed.
    opened: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Closed,
    Open { until: Instant },
    Trying { out: u32, well: u32 },
}

/// What a call was let through as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    era: u64,
    is_trial: bool,
    /// Whether it was told that the call went well.
    well: bool,
}

/// A change of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Closed,
    Opened(Duration),
    Trying,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: State::Closed, era: 0, window: Window::default(), in_a_row: 0, opened: 0 }
    }

    /// Lets a call through, or says when to come back.
    pub(super) fn enter(
        &mut self,
        terms: &settings::Breaker,
        now: Instant,
    ) -> Result<(Pass, Option<Change>), Duration> {
        let mut change = None;
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            self.turn(State::Trying { out: 0, well: 0 });
            change = Some(Change::Trying);
        }
        let is_trial = match &mut self.state {
            State::Trying { out, .. } if *out >= terms.trials => {
                return Err(Duration::from_secs(1));
            }
            State::Trying { out, .. } => {
                *out += 1;
                true
            }
            State::Closed | State::Open { .. } => false,
        };
        Ok((Pass { era: self.era, is_trial, well: false }, change))
    }

    /// The upstream answered.
    pub(super) fn well(
        &mut self,
        pass: &mut Pass,
        terms: &settings::Breaker,
        now: Instant,
    ) -> Option<Change> {
        if pass.era != self.era || pass.well {
            return None;
        }
        pass.well = true;
        self.in_a_row = 0;
        match &mut self.state {
            State::Closed => self.window.count(terms, now, 1, 0),
            State::Open { .. } => {}
            State::Trying { out, well } => {
                *out = out.saturating_sub(1);
                *well += 1;
                if *well >= terms.trials {
                    self.opened = 0;
                    self.turn(State::Closed);
                    return Some(Change::Closed);
                }
            }
        }
        None
    }

    /// The upstream failed; also after it had begun to answer well.
    pub(super) fn failed(
        &mut self,
        pass: &mut Pass,
        terms: &settings::Breaker,
        now: Instant,
    ) -> Option<Change> {
        if pass.era != self.era {
            return None;
        }
        let calls = u32::from(!std::mem::replace(&mut pass.well, true));
        match self.state {
            State::Open { .. } => None,
            State::Trying { .. } => Some(self.open(terms, now)),
            State::Closed => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.window.count(terms, now, calls, 1);
                let row = terms.failures > 0 && self.in_a_row >= terms.failures;
                (row || self.window.is_bad(terms)).then(|| self.open(terms, now))
            }
        }
    }

    /// A call ended without a word about the upstream.
    pub(super) fn left(&mut self, pass: &Pass) {
        if pass.era == self.era
            && pass.is_trial
            && !pass.well
            && let State::Trying { out, .. } = &mut self.state
        {
            *out = out.saturating_sub(1);
        }
    }

    /// Whether it is left alone, or about to be believed again.
    pub(super) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether nothing is lost when it is forgotten.
    pub(super) fn is_forgettable(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => until <= now,
            State::Trying { .. } => false,
        }
    }

    fn open(&mut self, terms: &settings::Breaker, now: Instant) -> Change {
        let factor = 1_u64.checked_shl(self.opened.min(32)).unwrap_or(u64::MAX);
        let length = terms.open_ms.saturating_mul(factor).min(terms.open_max_ms.max(terms.open_ms));
        let length = Duration::from_millis(length);
        self.opened = self.opened.saturating_add(1);
        self.turn(State::Open { until: now + length });
        Change::Opened(length)
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.era += 1;
        self.in_a_row = 0;
        self.window = Window::default();
    }
}

/// Calls and failures of the last while.
#[derive(Debug, Default)]
struct Window {
    parts: [(u32, u32); PARTS],
    begun: Option<Instant>,
    /// The part that is counted in, from `begun` on.
    at: u64,
}

impl Window {
    fn count(&mut self, terms: &settings::Breaker, now: Instant, calls: u32, failures: u32) {
        let begun = *self.begun.get_or_insert(now);
        let part = (terms.window_ms / PARTS as u64).max(1);
        let elapsed = u64::try_from((now - begun).as_millis()).unwrap_or(u64::MAX);
        let at = elapsed / part;
        // The parts stand in the order of their age, the youngest first.
        let gone = usize::try_from(at.saturating_sub(self.at)).unwrap_or(PARTS).min(PARTS);
        self.parts.rotate_right(gone);
        self.parts.iter_mut().take(gone).for_each(|part| *part = (0, 0));
        self.at = self.at.max(at);
        if let Some(here) = self.parts.first_mut() {
            *here = (here.0.saturating_add(calls), here.1.saturating_add(failures));
        }
    }

    fn is_bad(&self, terms: &settings::Breaker) -> bool {
        let sum = self.parts.iter().fold((0_u64, 0_u64), |sum, part| {
            (sum.0 + u64::from(part.0), sum.1 + u64::from(part.1))
        });
        terms.share_percent > 0
            && sum.0 >= u64::from(terms.share_calls)
            && sum.1.saturating_mul(100) >= sum.0.saturating_mul(u64::from(terms.share_percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> settings::Breaker {
        settings::Breaker {
            failures: 3,
            share_percent: 50,
            share_calls: 10,
            window_ms: 10_000,
            open_ms: 1_000,
            open_max_ms: 3_000,
            trials: 2,
        }
    }

    struct Bench {
        breaker: Breaker,
        terms: settings::Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { breaker: Breaker::new(), terms: terms(), now: Instant::now() }
        }

        fn after(&mut self, ms: u64) -> &mut Self {
            self.now += Duration::from_millis(ms);
            self
        }

        fn enter(&mut self) -> Result<Pass, Duration> {
            self.breaker.enter(&self.terms, self.now).map(|(pass, _)| pass)
        }

        fn well(&mut self) -> Option<Change> {
            let mut pass = self.enter().unwrap();
            self.breaker.well(&mut pass, &self.terms, self.now)
        }

        fn failed(&mut self) -> Option<Change> {
            let mut pass = self.enter().unwrap();
            self.breaker.failed(&mut pass, &self.terms, self.now)
        }

        fn opened() -> Self {
            let mut bench = Self::new();
            assert_eq!((bench.failed(), bench.failed()), (None, None));
            assert_eq!(bench.failed(), Some(Change::Opened(Duration::from_secs(1))));
            bench
        }
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut bench = Bench::new();
        for _ in 0..3 {
            assert_eq!((bench.failed(), bench.failed(), bench.well()), (None, None, None));
        }
        let mut bench = Bench::opened();
        assert_eq!(bench.enter().unwrap_err(), Duration::from_secs(1));
        assert_eq!(bench.after(400).enter().unwrap_err(), Duration::from_millis(600));
    }

    #[test]
    fn a_share_of_failures_opens_it_and_age_is_forgotten() {
        let mut bench = Bench::new();
        bench.terms.failures = 0;
        for _ in 0..4 {
            assert_eq!((bench.well(), bench.failed()), (None, None));
        }
        bench.well();
        assert!(matches!(bench.failed(), Some(Change::Opened(_))));
        // The same, spread over more than the window.
        let mut bench = Bench::new();
        bench.terms.failures = 0;
        for _ in 0..20 {
            assert_eq!((bench.after(1_500).well(), bench.after(1_500).failed()), (None, None));
        }
        // Nothing opens it when nothing is counted.
        let mut bench = Bench::new();
        (bench.terms.failures, bench.terms.share_percent) = (0, 0);
        assert!((0..100).all(|_| bench.failed().is_none()));
    }

    #[test]
    fn what_breaks_off_later_counts_once() {
        let mut bench = Bench::new();
        (bench.terms.failures, bench.terms.share_percent) = (0, 100);
        for nth in 1..=10 {
            let mut pass = bench.enter().unwrap();
            assert_eq!(bench.breaker.well(&mut pass, &bench.terms, bench.now), None);
            let change = bench.breaker.failed(&mut pass, &bench.terms, bench.now);
            assert_eq!(change.is_some(), nth == 10, "{nth}");
        }
    }

    #[test]
    fn trials_are_few_and_close_it() {
        let mut bench = Bench::opened();
        bench.after(1_000);
        let (mut one, change) = bench.breaker.enter(&bench.terms, bench.now).unwrap();
        assert_eq!(change, Some(Change::Trying));
        let mut two = bench.enter().unwrap();
        assert!(bench.enter().is_err(), "no third one");
        assert_eq!(bench.breaker.well(&mut one, &bench.terms, bench.now), None);
        // A trial that is given up makes room for another.
        bench.breaker.left(&two);
        two = bench.enter().unwrap();
        let closed = bench.breaker.well(&mut two, &bench.terms, bench.now);
        assert_eq!(closed, Some(Change::Closed));
        assert!((0..100).all(|_| bench.enter().is_ok()));
    }

    #[test]
    fn failed_trials_open_it_for_longer() {
        let mut bench = Bench::opened();
        for expect in [2_000, 3_000, 3_000] {
            let change = bench.after(60_000).failed();
            assert_eq!(change, Some(Change::Opened(Duration::from_millis(expect))));
        }
        bench.after(3_000);
        assert_eq!((bench.well(), bench.well()), (None, Some(Change::Closed)));
        assert_eq!((bench.failed(), bench.failed()), (None, None));
        assert_eq!(bench.failed(), Some(Change::Opened(Duration::from_secs(1))));
    }

    #[test]
    fn calls_of_an_earlier_time_have_no_say() {
        let mut bench = Bench::new();
        let mut old = bench.enter().unwrap();
        for _ in 0..3 {
            bench.failed();
        }
        bench.after(1_000);
        let _trial = bench.enter().unwrap();
        assert_eq!(bench.breaker.failed(&mut old, &bench.terms, bench.now), None);
        assert_eq!(bench.breaker.well(&mut old, &bench.terms, bench.now), None);
        bench.breaker.left(&old);
        assert!(bench.enter().is_ok(), "one of two trials is out");
        assert!(bench.enter().is_err());
    }
}
