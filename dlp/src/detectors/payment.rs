//! Payment data: shapes with check digits.
use super::{IBAN, PAN, ShapeEntry};
use crate::engine::{bic, digits, iban, track};

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: digits::PAN_DETECTOR,
        class: PAN,
        about: "payment card numbers: a brand's first digits and length, and the check digit",
        source: "ISO/IEC 7812-1 (number and check digit), the card brands' published ranges",
        examples: &[
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
            "4242424242424242",
            "378282246310005",
            "pay with 3782-822463-10005.",
            "{\"card_number\":\"4039838161911\"}",
        ],
        counter_examples: &[
            "4111 1111 1111 1112",
            "0.4111111111111111",
            "a4111111111111111",
            "4111111111111111f",
            "550e8400-e29b-41d4-a716-446655440000",
            "0000 0000 0000 0000",
        ],
    },
    ShapeEntry {
        name: iban::DETECTOR,
        class: IBAN,
        about: "account numbers (ISO 13616): country, length and check digits",
        source: "ISO 13616, SWIFT IBAN Registry",
        examples: &[
            "GB82WEST12345698765432",
            "to DE89 3704 0044 0532 0130 00 please",
            "iban=FR1420041010050500013M02606",
        ],
        counter_examples: &["DE88370400440532013000", "XX82WEST12345698765432", "DE89 3704 0044"],
    },
    ShapeEntry {
        name: bic::DETECTOR,
        class: bic::CLASS,
        about: "codes of banks (ISO 9362) behind the words `swift` and `bic`",
        source: "ISO 9362, SWIFT",
        examples: &["SWIFT code: DEUTDEFF", "{\"swift_bic\": \"SBICKENX123\"}"],
        counter_examples: &["DEUTDEFF", "SWIFT code: SBICXXNX", "swift PACKAGES", "BIC SBICKENXX"],
    },
    ShapeEntry {
        name: track::DETECTOR,
        class: track::CLASS,
        about: "the first and the second track of a card's magnetic stripe (ISO/IEC 7813)",
        source: "ISO/IEC 7813",
        examples: &[
            "%B4111111111111111^DOE/JOHN^25121010000000000000?",
            ";4111111111111111=251210100000?",
        ],
        counter_examples: &[
            "%B4111111111111112^DOE/JOHN^25121010000000000000?",
            "4111111111111111=2",
        ],
    },
];
