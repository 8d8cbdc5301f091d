//! Passports and other documents, whichever country they are of.
use super::{FORMED, IDENT, Ident, PASSPORT, SAID, STRONG, topic};
use crate::engine::check_digits::{always, americas, documents};

pub(crate) const IDENTS: &[Ident] = &[
    Ident {
        name: "passport",
        class: "gov_id.passport",
        tag: PASSPORT,
        about: "passports of any country behind a word",
        source: "ICAO 9303; passport number formats by country",
        shapes: &[
            "A9{6,8}",
            "AA9{6,7}",
            "AAA9{6}",
            "A 9{7,8}",
            "AA 9{7}",
            "99AA9{5}",
            "eX9{7}",
            "A9{6}AA",
            "A9{7}A",
            "AAXXXXXX9",
            "jXXXXXXX",
            "9A9{7}",
        ],
        check: documents::passport,
        topics: topic::PASSPORT,
        told: SAID,
        examples: &[
            "Passport number is XR1001458",
            "Passport number: P 4366918",
            "passport_number: 60RF19342",
        ],
        counter_examples: &["Passport number is XTR11013R"],
        ..IDENT
    },
    Ident {
        name: "passport-series",
        class: "gov_id.passport",
        tag: PASSPORT,
        about: "passports of Iran, New Zealand and South Africa, by their first letters",
        source: "ICAO 9303; passport number formats by country",
        shapes: &["l[adfh]9{6}", "e[ap]9{6}", "[tamd]9{8}"],
        check: always,
        topics: topic::PASSPORT,
        told: SAID,
        examples: &["Passport number: La012345"],
        counter_examples: &["Passport number: Lp012345"],
        ..IDENT
    },
    Ident {
        name: "passport-digits",
        class: "gov_id.passport",
        tag: PASSPORT,
        about: "passports with digits only, behind a word",
        source: "ICAO 9303; passport number formats by country",
        shapes: &["9{7,9}"],
        check: americas::no_filler,
        topics: topic::PASSPORT,
        told: SAID,
        examples: &["Passport number: 138463188"],
        counter_examples: &["Passport number is 123456789"],
        ..IDENT
    },
    Ident {
        name: "passport-formed",
        class: "gov_id.passport",
        tag: PASSPORT,
        about: "passports in the shapes of Spain, Italy and the United Kingdom",
        source: "ICAO 9303; passport number formats by country",
        shapes: &["AAA9{6}", "AA9{7}"],
        check: always,
        words: &["pasaporte", "passaporto"],
        told: FORMED,
        examples: &["AB1234567", "Mi pasaporte es AaA123456"],
        counter_examples: &["AB12345678", "AB 1234567", "AAAA12345"],
        ..IDENT
    },
    Ident {
        name: "passport-mrz",
        class: "gov_id.passport_mrz",
        tag: PASSPORT,
        about: "machine readable zones of passports",
        source: "ICAO 9303 part 4",
        shapes: &["X{9}9AAA9{7}[mfx]9{7}"],
        check: documents::mrz,
        told: STRONG,
        examples: &["L898902C36UTO7408122F1204159"],
        counter_examples: &["L898902C36UTO7408122F1204158"],
        ..IDENT
    },
];
