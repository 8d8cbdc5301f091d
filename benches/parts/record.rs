//! One event of the record: drafted, hashed, signed and written as a line; next to the bare
//! signature. And a record verified: looked at, admitted, on one thread and on all.
use std::hint::black_box;
use std::thread;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use criterion::{BatchSize, Criterion};
use jiff::{SignedDuration, Timestamp};
use tollgate_audit::{Chain, Examined, Examiner, LocalKey, Profile, Registry, Verifier};
use uuid::Uuid;

use crate::facts::facts;

/// Events of the record that is verified.
const EVENTS: usize = 1000;
/// Events that a thread takes at a time, as `tollgate audit verify` hands them out.
const BATCH: usize = 128;

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
    verify(criterion, &pair, &key);
}

fn verify(criterion: &mut Criterion, pair: &Ed25519KeyPair, key: &LocalKey) {
    let mut chain = Chain::new();
    let lines = (0..EVENTS).map(|n| line(&mut chain, key, u64::try_from(n).expect("small")));
    let lines: Vec<Vec<u8>> = lines.map(|line| line.trim_end().as_bytes().to_vec()).collect();
    let mut registry = Registry::new();
    registry.add(key.kid().clone(), key.public().clone(), None, "").expect("one key");
    let verifier = || Verifier::new(Profile::Tollgate, &registry);
    let mut group = criterion.benchmark_group("verify");
    let signature = pair.sign(&[9; 32]);
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key()).parse().expect("a key");
    group.bench_function("signature_alone", |bencher| {
        bencher.iter(|| public.verify_sig(black_box(&[9; 32]), signature.as_ref()).is_ok());
    });
    let examiner = verifier().examiner();
    let second = lines.get(1).expect("more than one");
    group.bench_function("examine", |bencher| {
        bencher.iter(|| examiner.examine(black_box(second)));
    });
    let examined: Vec<Examined> = lines.iter().map(|line| examiner.examine(line)).collect();
    group.bench_function("admit_1000", |bencher| {
        let fresh = || (verifier(), examined.clone());
        bencher.iter_batched(fresh, |(chain, events)| admit(chain, events), BatchSize::LargeInput);
    });
    group.bench_function("one_thread_1000", |bencher| {
        bencher.iter(|| admit(verifier(), lines.iter().map(|line| examiner.examine(line))));
    });
    let threads = thread::available_parallelism().map_or(1, usize::from);
    group.bench_function("all_threads_1000", |bencher| {
        bencher.iter(|| admit(verifier(), spread(&lines, examiner, threads)));
    });
    group.finish();
}

/// Batches to the threads in turn, and back in the same turn.
fn spread(lines: &[Vec<u8>], examiner: Examiner<'_>, threads: usize) -> Vec<Examined> {
    let batches: Vec<&[Vec<u8>]> = lines.chunks(BATCH).collect();
    let work = |nth: usize| -> Vec<Vec<Examined>> {
        let mine = batches.iter().skip(nth).step_by(threads);
        mine.map(|batch| batch.iter().map(|line| examiner.examine(line)).collect()).collect()
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let start = |nth| {
            let work = &work;
            scope.spawn(move || work(nth))
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        let ended = running.into_iter().map(|thread| thread.join().expect("no panic"));
        ended.map(Vec::into_iter).collect()
    });
    let in_turn = (0..batches.len()).filter_map(|nth| done.get_mut(nth % threads)?.next());
    in_turn.flatten().collect()
}

fn admit(mut chain: Verifier<'_>, events: impl IntoIterator<Item = Examined>) -> u64 {
    for event in events {
        chain.admit(event).expect("a sound record");
    }
    chain.finish().expect("a sound record").events
}

/// One event from facts to its line in the spool.
fn line(chain: &mut Chain, key: &LocalKey, number: u64) -> String {
    let at = START + SignedDuration::from_micros(i64::try_from(number).expect("a small number"));
    let draft = chain.draft(facts(), Uuid::from_u128(u128::from(number)), at, key.kid());
    let draft = draft.expect("the facts fit");
    let signature = key.sign(draft.hash()).expect("a local key signs");
    draft.close(signature).expect("a signature of this key").to_line()
}
