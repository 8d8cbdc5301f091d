//! Descriptions of APIs in YAML, whose servers' URLs are written anew where they stand.
#![no_main]
use granit_parser::{Event, Parser};
use libfuzzer_sys::fuzz_target;

#[path = "../../../proxy/src/answer/links/servers.rs"]
mod servers;

/// What most inputs begin with, so that they are descriptions.
const FRONTS: [&str; 5] = [
    "openapi: 3.1.0\npaths: {}\nservers:\n- url: ",
    "openapi: 3.1.0\npaths: {}\nservers: [{url: /v1}, ",
    "openapi: 3.1.0\npaths:\n  /x:\n    get:\n      servers:\n      - url: ",
    "servers: [{url: \"/v1\"}]\nopenapi: 3.1.0\npaths: {}\n",
    "",
];

fuzz_target!(|input: (u8, &str)| {
    let (front, rest) = input;
    let text = format!("{}{rest}", FRONTS[usize::from(front) % FRONTS.len()]);
    let mut led = Vec::new();
    let rewritten = servers::rewrite(&text, |url| {
        let here = (url.len() % 3 != 0).then(|| format!("http://gate:1/{}#", url.len()));
        led.extend(here.clone().map(|here| (url.to_owned(), here)));
        here
    });
    let Some((written, count)) = rewritten else { return };
    assert!(count > 0 && count == led.len() as u64);
    // All that is read is what was read, but for these.
    let (before, after) = (read(&text), read(&written));
    assert_eq!(before.len(), after.len(), "{text:?} {written:?}");
    let mut led = led.into_iter();
    for (before, after) in before.into_iter().zip(after) {
        if before != after {
            assert_eq!(led.next(), Some((before, after)), "{text:?} {written:?}");
        }
    }
    assert!(led.next().is_none(), "{text:?} {written:?}");
});

/// What a reader is given: the values, and the shape in words.
fn read(text: &str) -> Vec<String> {
    let events = Parser::new_from_str(text).map(|event| event.expect("it was read before").0);
    events
        .filter_map(|event| match event {
            Event::Scalar(value, ..) => Some(value.into_owned()),
            Event::Comment(..) => None,
            other => Some(format!("\0{other:?}")),
        })
        .collect()
}
