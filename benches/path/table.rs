//! A table, as text, as JSON and for the budget.
use serde_json::{Value, json};
use tollgate_benches::{Unit, keep};

use crate::rounds::Round;
use crate::seats::Seat;

/// Prints what was measured of all proxies, keeps it for the budget as `<group>/<proxy>_<scene>`,
/// and gives it back; held against the first of these names that was measured.
pub(crate) fn tell(
    (group, scene): (&str, &str),
    rows: &[(&Seat, Round)],
    against: &[&str],
) -> Value {
    let found = |name: &&str| rows.iter().find(|(seat, _)| seat.name == **name);
    let against = against.iter().find_map(found);
    let of = against.map_or("", |(seat, _)| seat.name.as_str());
    println!(
        "\n{scene:<14} {:>9} {:>12} {:>12} {:>8}",
        "calls/s",
        "CPU us/call",
        format!("of {of}"),
        "RSS MiB"
    );
    let mut figures = Vec::new();
    let row = |(seat, round): &(&Seat, Round)| {
        let nanos = Some(round.nanos).filter(|nanos| *nanos > 0.0);
        let ratio = nanos.zip(against).map(|(nanos, (_, against))| nanos / against.nanos);
        let micros = nanos.map(|nanos| nanos / 1e3);
        let resident = seat.resident().map(|bytes| bytes / 1_048_576.0);
        let shown = |number: Option<f64>, digits: usize| {
            number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        println!(
            "{:<14} {:>9.0} {:>12} {:>12} {:>8}",
            seat.name,
            round.rate,
            shown(micros, 1),
            shown(ratio, 2),
            shown(resident, 1)
        );
        figures.extend(nanos.map(|nanos| (format!("{group}/{}_{scene}", seat.name), nanos)));
        json!({
            "proxy": seat.name, "calls_per_second": round.rate, "cpu_micros_per_call": micros,
            format!("of_{of}"): ratio, "resident_mib": resident,
        })
    };
    let table = rows.iter().map(row).collect();
    keep(&figures, Unit::Nanos);
    tollgate_benches::keep_table(&format!("{group}/{scene}"), Value::clone(&table));
    table
}
