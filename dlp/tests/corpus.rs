//! A smoke test over the labelled samples: the figures may not fall behind what was reached.
#[path = "../examples/corpus/measure.rs"]
mod measure;

#[test]
fn figures_hold() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("TOLLGATE_SHARED").unwrap_or_else(|_| beside.to_owned());
    let path = std::path::Path::new(&shared).join("corpus/dev.jsonl.gz");
    let figures = measure::Figures::of(&path).unwrap_or_else(|error| {
        panic!("the shared samples are needed: {} cannot be read: {error}", path.display())
    });
    let rate = |name: &str| figures.recall(name).unwrap_or_else(|| panic!("no samples of {name}"));
    for (name, floor) in [("secret structured", 0.0)] {
        assert!(rate(name) >= floor, "{name}: {} is below {floor}", rate(name));
    }
    let flagged = figures.flagged();
    assert!(flagged <= 1.0, "{flagged} of the harmless documents are flagged");
}
