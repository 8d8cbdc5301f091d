//! The scanner over clean and dirty JSON, next to others over the same bytes: what the least costs
//! that looks at every byte, what finding the keywords alone costs, and what one set of all
//! patterns costs.
use std::hint::black_box;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde_json::{Value, json};
use tollgate_dlp::{Direction, Judge, Scanner, Tape};

use crate::traffic::{clean, dirty};

/// So many different texts take turns, that no branch is learnt by heart.
const TEXTS: usize = 16;

pub(crate) fn bench(criterion: &mut Criterion) {
    let scanner = Scanner::new().expect("the detectors can be built");
    talk(criterion, &scanner);
    let keywords = keywords();
    let patterns = patterns();
    for bytes in [1_024, 16_384, 1_048_576] {
        let (clean, dirty) = (texts(bytes, clean), texts(bytes, dirty));
        run(criterion, "dlp_clean", bytes, &clean, |text| scanner.scan(text).len());
        run(criterion, "dlp_dirty", bytes, &dirty, |text| scanner.scan(text).len());
        run(criterion, "memchr", bytes, &clean, |text| memchr::memchr(0, text).unwrap_or(0));
        run(criterion, "utf8", bytes, &clean, |text| std::str::from_utf8(text).map_or(0, str::len));
        run(criterion, "keywords", bytes, &clean, |text| {
            keywords.find_overlapping_iter(text).count()
        });
        // Above the cache of its automaton a set reads a few bytes a microsecond.
        if bytes == 1_024 {
            run(criterion, "regex_set", bytes, &clean, |text| patterns.matches(text).len());
        }
    }
}

/// The first pass over a call of a model and what follows from it: a conversation that nobody has seen,
/// and one that came before, as it does with each further call.
fn talk(criterion: &mut Criterion, scanner: &Scanner) {
    const BYTES: usize = 16_384;
    let words = clean(BYTES);
    let mut look = |name: &str, mut next: Box<dyn FnMut() -> u64>| {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(BYTES as u64));
        group.bench_function(BenchmarkId::from_parameter(BYTES), |bencher| {
            let glance = |tape: Tape| {
                let quiet = scanner.glance(black_box(&tape));
                scanner.redact_glanced(quiet, &Judge::default(), Direction::Request).0.len()
            };
            bencher.iter_batched(|| Tape::of(&said(&words, next())), glance, BatchSize::SmallInput);
        });
        group.finish();
    };
    let mut number = 0;
    look(
        "talk_new",
        Box::new(move || {
            number += 1;
            number
        }),
    );
    look("talk_again", Box::new(|| 0));
}

/// Messages of a conversation, which differ from those of another number.
fn said(words: &str, number: u64) -> Value {
    const MESSAGE_BYTES: usize = 1_024;
    let message = |text: &[u8]| {
        let text = format!("{number} {}", String::from_utf8_lossy(text));
        json!({ "role": "user", "content": text })
    };
    let messages: Vec<Value> = words.as_bytes().chunks(MESSAGE_BYTES).map(message).collect();
    json!({ "model": "large-2", "messages": messages })
}

fn texts(bytes: usize, make: fn(usize) -> String) -> Vec<Vec<u8>> {
    let all = make(bytes * TEXTS.min((1 << 22) / bytes)).into_bytes();
    all.chunks_exact(bytes).map(<[u8]>::to_vec).collect()
}

fn run(
    criterion: &mut Criterion,
    name: &str,
    bytes: usize,
    texts: &[Vec<u8>],
    job: impl Fn(&[u8]) -> usize,
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_with_input(BenchmarkId::from_parameter(bytes), texts, |bencher, texts| {
        let mut turns = texts.iter().cycle();
        bencher.iter(|| turns.next().map(|text| job(black_box(text))));
    });
    group.finish();
}

fn keywords() -> AhoCorasick {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(Scanner::patterns().flat_map(|(literals, _)| literals))
        .expect("the keywords make an automaton")
}

fn patterns() -> RegexSet {
    RegexSetBuilder::new(Scanner::patterns().map(|(_, pattern)| pattern))
        .unicode(false)
        .size_limit(1 << 30)
        .build()
        .expect("the patterns make a set")
}
