//! The strict reading of the record's JSON, next to a reading that checks nothing more.
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use serde_json::{Value, json};

pub(crate) fn bench(criterion: &mut Criterion) {
    let text = document().to_string();
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(text.len() as u64));
    assert!(tollgate_audit::read_json(text.as_bytes()).is_ok());
    group.bench_function("strict", |bencher| {
        bencher.iter(|| tollgate_audit::read_json(black_box(text.as_bytes())));
    });
    group.bench_function("plain", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(text.as_bytes())));
    });
    group.finish();
}

/// About 1 KiB, as a tool call has it: few keys, texts, a little depth.
fn document() -> Value {
    let line =
        |number: u32| json!({ "sku": format!("kettle-{number}"), "count": number, "gift": false });
    json!({
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {
            "name": "place_order",
            "arguments": {
                "customer": "c-1001",
                "lines": (0..14).map(line).collect::<Vec<_>>(),
                "note": "Leave it at the door and ring twice. ".repeat(6),
            },
        },
    })
}
