//! The table of a scenario, as text, as JSON and for the budget.
use serde_json::{Value, json};
use tollgate_benches::{keep_estimate, median};

use crate::scene::Scene;
use crate::seats::Seat;
use crate::verdict;

/// One round of one proxy.
pub(crate) struct Round {
    /// Calls a second.
    pub(crate) rate: f64,
    /// Processor time of a call, in microseconds.
    pub(crate) micros: f64,
}

/// Prints the medians of all proxies, keeps them for the budget, and gives them back.
pub(crate) fn tell(scene: &Scene, rows: &[(Seat, Vec<Round>)]) -> Value {
    let of = |rounds: &[Round], part: fn(&Round) -> f64| median(rounds.iter().map(part));
    let bare = rows.iter().find(|(seat, _)| seat.name == "bare");
    let bare = bare.map(|(_, rounds)| of(rounds, |round| round.micros));
    println!(
        "\n{:<12} {:>9} {:>12} {:>8} {:>8}",
        scene.name, "calls/s", "CPU us/call", "of bare", "RSS MiB"
    );
    let row = |(seat, rounds): &(Seat, Vec<Round>)| {
        let rate = of(rounds, |round| round.rate);
        let micros = Some(of(rounds, |round| round.micros)).filter(|micros| *micros > 0.0);
        let ratio = micros.zip(bare).map(|(micros, bare)| micros / bare);
        let resident = seat.resident();
        let shown = |number: Option<f64>, digits: usize| {
            number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        println!(
            "{:<12} {rate:>9.0} {:>12} {:>8} {:>8}",
            seat.name,
            shown(micros, 1),
            shown(ratio, 2),
            shown(resident, 1)
        );
        if let Some(micros) = micros {
            let name = format!("path/{}_{}", seat.name, scene.name);
            keep_estimate(&verdict::folder(), &name, micros * 1e3).expect("it is kept");
        }
        json!({
            "proxy": seat.name, "calls_per_second": rate, "cpu_micros_per_call": micros,
            "of_bare": ratio, "resident_mib": resident,
        })
    };
    rows.iter().map(row).collect()
}
