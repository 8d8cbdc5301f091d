//! The scanner over clean and dirty text, next to one pass of memchr over the same bytes: the
//! least that looking at every byte can cost.
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use tollgate_dlp::Scanner;

pub(crate) fn bench(criterion: &mut Criterion) {
    let scanner = Scanner::new().expect("the detectors can be built");
    for bytes in [1_024, 16_384] {
        let (clean, dirty) = (prose(bytes), dirty(bytes));
        run(criterion, "memchr", bytes, &clean, |text| memchr::memchr(0, text).is_some());
        run(criterion, "dlp_clean", bytes, &clean, |text| scanner.scan(text));
        run(criterion, "dlp_dirty", bytes, &dirty, |text| scanner.scan(text));
    }
}

fn run<T>(
    criterion: &mut Criterion,
    name: &str,
    bytes: usize,
    text: &str,
    job: impl Fn(&[u8]) -> T,
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_with_input(BenchmarkId::from_parameter(bytes), text, |bencher, text| {
        bencher.iter(|| job(black_box(text.as_bytes())));
    });
    group.finish();
}

/// Text as people and tools write it, with nothing in it that anybody would protect.
fn prose(bytes: usize) -> String {
    let piece = "The order of 12 March has 3 lines; line 2 waits for stock (ticket 4711). \
                 See https://shop.test/orders/88?view=full for the rest, or ask the shop. ";
    piece.chars().cycle().take(bytes).collect()
}

/// The same with an access key, a card number and an address in every 512 bytes. All are made up;
/// the key's halves stand apart so that a scanner of source code has nothing to find.
fn dirty(bytes: usize) -> String {
    let key = ["AKIAZ7QK4W", "PNX2M5RTVC"].concat();
    let secrets = format!(" key {key} card 4111 1111 1111 1111 mail ada@customers.example. ");
    let block = prose(512 - secrets.len()) + &secrets;
    block.chars().cycle().take(bytes).collect()
}
