//! Who somebody is: names and days of birth, behind the words that announce them.
use super::ShapeEntry;
use crate::engine::person;

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: person::NAME_DETECTOR,
        class: person::NAME,
        about: "names of people behind a title, a phrase or the name of a field",
        source: "the templates of Presidio Research, HL7 FHIR HumanName, schema.org Person",
        examples: &[
            "ask Mr. Baader about it",
            "Dr. Anna-Lena van der Berg called",
            "My name is Rubija.",
            "her maiden name is Clark",
            "What's your last name? Magnusson",
            "{\"first_name\": \"Jane\", \"x\": 1}",
            "firstName=Jane&x=1",
            "Name: Toshimi Arata\nPhone: none",
            "Hi Freddy, I write to you",
            "Best regards,\nJane Doe\n",
        ],
        counter_examples: &[
            "{\"name\": \"get_ticket\"}",
            "{\"name\": \"Visual Studio Code\"}",
            "the file name is Foo",
            "{\"first_name\": {\"type\": \"string\"}}",
            "{\"first_name\": \"string\"}",
            "items. Next",
            "Hello World",
            "Dear Customer,",
            "Hi there,",
            "Name: Microsoft Office\nVersion: 3",
        ],
    },
    ShapeEntry {
        name: person::BIRTH_DETECTOR,
        class: person::BIRTH,
        about: "days of birth",
        source: "ISO 8601, and how people write dates",
        examples: &[
            "born on 12 May 1980",
            "DOB: 05/12/1980",
            "{\"date_of_birth\": \"1980-05-12\"}",
            "birthDate=1980-05-12T00:00:00Z",
            "Geburtsdatum: 12.5.1980",
            "birthday is May 12th, 1980",
        ],
        counter_examples: &[
            "on 12 May 1980",
            "{\"created\": \"1980-05-12\"}",
            "stubborn 1980-05-12",
            "born in 1980",
            "dob: 1.2.3.4",
        ],
    },
];
