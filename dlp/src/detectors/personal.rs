//! National ids.
use super::{SSN, ShapeEntry};
use crate::engine::digits;

pub(crate) const SHAPES: &[ShapeEntry] = &[ShapeEntry {
    name: digits::SSN_DETECTOR,
    class: SSN,
    about: "social security numbers of the United States, in the ranges that are given out",
    source: "SSA, POMS RM 10201; https://www.ssa.gov/employer/randomization.html",
    examples: &["my ssn is 123-45-6789 ok", "123-45-6789", "SSN: 514690360"],
    counter_examples: &[
        "000-12-3456",
        "666-12-3456",
        "987-65-4321",
        "123-00-4567",
        "123456789",
        "1-123-45-6789",
        "123-45-67890",
    ],
}];
