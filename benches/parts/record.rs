//! One event of the record: drafted, hashed, signed and written as a line; next to the bare
//! signature.
use std::hint::black_box;

use aws_lc_rs::signature::Ed25519KeyPair;
use criterion::Criterion;
use jiff::{SignedDuration, Timestamp};
use tollgate_audit::{Chain, EventType, Facts, LocalKey, keys};
use uuid::Uuid;

const SEED: [u8; 32] = [7; 32];
const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed");
    group.bench_function("sign_alone", |bencher| {
        bencher.iter(|| pair.sign(black_box(&[9; 32])));
    });
    let key = LocalKey::from_pem(LocalKey::pem_from_seed(&SEED).as_bytes(), None).expect("a key");
    let mut chain = Chain::new();
    let mut number = 0;
    group.bench_function("seal_and_sign", |bencher| {
        bencher.iter(|| {
            number += 1;
            line(&mut chain, &key, number)
        });
    });
    group.finish();
}

/// One event from facts to its line in the spool.
fn line(chain: &mut Chain, key: &LocalKey, number: u64) -> String {
    let at = START + SignedDuration::from_micros(i64::try_from(number).expect("a small number"));
    let draft = chain.draft(facts(), Uuid::from_u128(u128::from(number)), at, key.kid());
    let draft = draft.expect("the facts fit");
    let signature = key.sign(draft.hash()).expect("a local key signs");
    draft.close(signature).expect("a signature of this key").to_line()
}

/// What an allowed tool call leaves.
fn facts() -> Facts {
    Facts::new(EventType::CallIntent, "spiffe://bench.test/agents/reader")
        .revision("0123456789abcdef")
        .text(keys::SOURCE, "127.0.0.1")
        .text("listener", "local")
        .text(keys::EFFECT, "allow")
        .text(keys::ROUTE, "tools")
        .text(keys::PROTOCOL, "mcp")
        .text("http_method", "POST")
        .text(keys::HOST, "tools.bench.test")
        .number(keys::PORT, 443)
        .text(keys::PATH, "/mcp")
        .text("path_print", "00112233445566778899aabbccddeeff")
        .text(keys::METHOD, "tools/call")
        .text(keys::TOOL, "search")
        .number("request_bytes", 160)
        .text("ruling", "ALLOW")
        .text(keys::RULE, "search")
        .texts("reasons", ["search"])
        .number(keys::BYTES_OUT, 160)
}
