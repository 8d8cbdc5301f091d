//! Personal data.
use super::{EMAIL, SSN, ShapeEntry};
use crate::engine::{digits, email};

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: digits::SSN_DETECTOR,
        class: SSN,
        about: "social security numbers of the United States, in the ranges that are given out",
        source: "https://www.ssa.gov/employer/randomization.html",
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
    },
    ShapeEntry {
        name: email::DETECTOR,
        class: EMAIL,
        about: "mail addresses",
        source: "RFC 5321 section 4.1.2, RFC 5322 section 3.4.1",
        examples: &["mail bob.smith@example.com now", "a+b@x.co", "<jane@mail.example.org>."],
        counter_examples: &[
            "git@github.com:owner/name.git",
            "icon@2x.png",
            "npm i left-pad@1.3.0",
            "image@sha256:abcdef",
            "a@b",
            "https://user:word@example.com/",
        ],
    },
];
