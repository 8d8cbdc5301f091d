//! A smoke test over the labelled samples: the figures may not fall behind what was reached.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read samples from files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]
#[path = "../examples/corpus/read.rs"]
mod read;

/// The share that is found at least. Raise them as the detectors learn; never lower them.
const FLOORS: [(&str, f64); 21] = [
    ("secret structured", 0.975),
    ("secret contextual", 0.96),
    ("secret generic", 0.83),
    ("hash.password_hash", 0.99),
    ("pci.pan", 0.99),
    ("financial.iban", 0.99),
    ("gov_id", 0.90),
    ("gov_id.us_ssn", 0.98),
    ("gov_id.in_aadhaar", 0.98),
    ("gov_id.ca_sin", 0.98),
    ("health", 0.92),
    ("health.uk_nhs", 0.98),
    ("device.imei", 0.98),
    ("financial.bic", 0.98),
    ("contact.email", 0.97),
    ("contact.phone", 0.85),
    ("contact.street_address", 0.7),
    ("contact.uk_postcode", 0.99),
    ("financial.crypto_address", 0.98),
    ("network.ip", 0.97),
    ("network.mac", 0.95),
];

#[test]
fn figures_hold() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("TOLLGATE_SHARED").unwrap_or_else(|_| beside.to_owned());
    let path = std::path::Path::new(&shared).join("corpus/dev.jsonl.gz");
    let (figures, _) = read::measure(&path, |_, _| {}).unwrap_or_else(|error| {
        panic!("the shared samples are needed: {} cannot be read: {error}", path.display())
    });
    let rate = |name: &str| figures.recall(name).unwrap_or_else(|| panic!("no samples of {name}"));
    for (name, floor) in FLOORS {
        assert!(rate(name) >= floor, "{name}: {} is below {floor}", rate(name));
    }
    let flagged = figures.flagged();
    assert!(flagged <= 0.003, "{flagged} of the harmless documents are flagged");
}
