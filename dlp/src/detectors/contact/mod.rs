//! How people are reached.
use super::ShapeEntry;
use crate::engine::{email, phone};

pub(crate) mod plans;

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: email::DETECTOR,
        class: email::CLASS,
        about: "mail addresses",
        source: "RFC 5321, RFC 5322, RFC 6531",
        examples: &[
            "mail bob.smith@example.com now",
            "a+b@x.co",
            "<jane@mail.example.org>.",
            "ask jane.doe [at] mail [dot] example [dot] org",
            "bob(at)example.com",
            "user@m\u{fc}nchen.example",
            "user@xn--mnchen-3ya.example",
        ],
        counter_examples: &[
            "git@github.com:owner/name.git",
            "icon@2x.png",
            "npm i left-pad@1.3.0",
            "image@sha256:abcdef",
            "a@b",
            "https://user:word@example.com/",
        ],
    },
    ShapeEntry {
        name: phone::DETECTOR,
        class: phone::CLASS,
        about: "telephone numbers: by the plans of all countries, their groups and the words before them",
        source: "ITU-T E.164, NANPA, Google libphonenumber metadata 9.0.43, validator.js isMobilePhone",
        // Numbers that regulators keep free for examples, where they do.
        examples: &[
            "+44 7700 900123",
            "+447700900123",
            "call +1 (415) 555-0132",
            "(415) 555-0132",
            "415-555-0132 is mine",
            "phone=4155550132",
            "{\"phoneNumber\": \"4155550132\"}",
            "Tel.: 030 1234 5678",
            "mobile 0171 3920000",
            "Fax: +46 (0)8 123 456 78",
            "07700900123",
            "Phone: 0491 570 006",
            "t\u{e9}l\u{e9}phone : 06 39 98 12 34",
            "+41 (0)44 668 18 00",
            "01.84.17.61.18",
        ],
        counter_examples: &[
            "+12345",
            "4155550132",
            "order 415-555-01324",
            "{\"id\": \"0171-3920000-17\"}",
            "{\"phone\": null, \"order\": \"4155550132\"}",
            "2024-01-02 12:30:45",
            "phone 2024-01-02",
            "189-279-4005-84",
            "ISBN 978-5-7417-2659-8",
            "phone: 12345678",
            "192.168.100.200",
            "1758173604",
            "a+4477009001234b",
        ],
    },
];
