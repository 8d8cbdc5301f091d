//! What an index costs: bytes a cell, seconds to build, and what it adds to a scan of clean text.
//!
//! `cargo run --release -p tollgate-dlp --example known [ROWS]`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example measures with a clock, prints, and stops where it is wrong"
)]
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use tollgate_dlp::Scanner;
use tollgate_dlp::known::{
    Column, DocumentBuilder, Form, Known, KnownKey, RecordBuilder, RecordIndex, RecordUse, Secret,
    Values,
};

const SYLLABLES: [&str; 24] = [
    "an", "ber", "ca", "dor", "el", "fi", "gra", "ho", "in", "ja", "ko", "lin", "mar", "no", "ol",
    "pe", "qua", "ri", "sa", "tor", "ul", "ve", "wi", "zen",
];

fn word(mut number: u64, syllables: usize) -> String {
    let mut word = String::new();
    for _ in 0..syllables {
        let at = usize::try_from(number % 24).unwrap();
        word.push_str(SYLLABLES.get(at).unwrap());
        number /= 24;
    }
    word
}

fn main() {
    let rows = std::env::args().nth(1).map_or(1_000_000_u64, |rows| rows.parse().unwrap());
    let key = KnownKey::derive(b"0123456789abcdef0123456789abcdef").unwrap();
    let column = |name: &str, form| Column { name: name.to_owned(), form };
    let columns = vec![
        column("email", Form::Email),
        column("card", Form::Digits),
        column("first", Form::Words),
        column("last", Form::Words),
        column("customer", Form::Exact),
    ];
    let started = Instant::now();
    let mut builder = RecordBuilder::new(&key, columns).unwrap();
    for row in 0..rows {
        let spread = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (first, last) = (word(spread % 3000, 3), word(spread >> 20, 4));
        let email = format!("{first}.{last}{row}@mail.example");
        let card = format!("{:016}", spread % 10_u64.pow(16));
        let customer = format!("KD-{row:08}-{}", spread % 97);
        builder.row([email.as_str(), &card, &first, &last, &customer].into_iter());
    }
    let (stats, file) = builder.write();
    let built = started.elapsed();
    let started = Instant::now();
    let index = RecordIndex::read(&file, &key).unwrap();
    println!(
        "{} rows, {} cells, {} skipped: {:.2} bytes a cell, file {} bytes; built in {built:.1?}, read in {:.1?}",
        stats.rows,
        stats.cells,
        stats.skipped,
        stats.bytes as f64 / stats.cells as f64,
        file.len(),
        started.elapsed()
    );

    let text = clean(1 << 20);
    let mut values = Values::new(b"0123456789abcdef");
    for at in 0..50_u64 {
        let value = format!("{:x}-{}", at.wrapping_mul(0x9E37_79B9_7F4A_7C15), word(at * 77, 5));
        values.add(Secret::Own, "own".into(), value.as_bytes()).unwrap();
    }
    let mut documents = DocumentBuilder::new(&key);
    for at in 0..200_u64 {
        documents.add(&format!("{at}.txt"), words(at * 7919, 2000).as_bytes());
    }
    let with = |change: &mut dyn FnMut(&mut Known)| {
        let mut known = Known::default();
        change(&mut known);
        Scanner::new().unwrap().with_known(Arc::new(known))
    };
    measure("nothing known", &text, &Scanner::new().unwrap());
    let (mut index, mut values, mut documents) = (Some(index), Some(values), Some(documents));
    measure("50 values", &text, &with(&mut |known| known.set_values(values.take().unwrap())));
    measure(
        "records",
        &text,
        &with(&mut |known| {
            known.add_records(index.take().unwrap(), RecordUse::named("r")).unwrap();
        }),
    );
    measure(
        "200 documents",
        &text,
        &with(&mut |known| {
            known.add_documents(documents.take().unwrap().finish(), "d", 4);
        }),
    );
}

fn words(seed: u64, count: u64) -> String {
    (0..count)
        .map(|at| word((seed + at).wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40, 3) + " ")
        .collect()
}

/// Prose, code and JSON in which nothing known stands.
fn clean(bytes: usize) -> String {
    let mut text = String::new();
    let mut at = 0_u64;
    while text.len() < bytes {
        let name = word(at.wrapping_mul(0x9E37_79B9) >> 7, 2);
        text.push_str(&format!(
            "The {name} reads its settings when it starts and tells what is wrong with them.\n\
             {{\"path\": \"src/{name}/mod.rs\", \"line\": {at}, \"ok\": true, \"tags\": [\"{name}\"]}}\n\
             pub fn {name}(value: &Value) -> Option<usize> {{ value.get(\"count\")?.as_u64() }}\n"
        ));
        at += 1;
    }
    text
}

/// Seconds on a processor, where Linux tells them: what others do at the time counts little.
fn processor_secs() -> f64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn measure(what: &str, text: &str, scanner: &Scanner) {
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..40 {
        let started = processor_secs();
        found = black_box(scanner.scan(black_box(text.as_bytes()))).len();
        best = best.min(processor_secs() - started);
    }
    println!("{what}: {:.0} MB/s, {found} findings", text.len() as f64 / best / 1e6);
}
