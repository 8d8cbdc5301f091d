//! Queries to the gate's DNS server, and the answers that are written to them.
#![no_main]
use hickory_proto::op::Message;
use libfuzzer_sys::fuzz_target;

// The room's file itself, which knows nothing of the gate: the crate would bring all of it.
#[allow(dead_code, reason = "the gate uses all of it")]
#[path = "../../../proxy/src/names/message.rs"]
mod message;

fuzz_target!(|bytes: &[u8]| match message::read(bytes) {
    Err(None) => {}
    Err(Some(answer)) => assert!(Message::from_vec(&answer).is_ok()),
    Ok(asked) => {
        let _ = (asked.name(), asked.kind(), asked.room());
        let addresses = [[192, 0, 2, 1].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()];
        for room in [512, 65_535] {
            let answer = asked.answer(message::Reply::Addresses(&addresses, 60), room);
            assert!(answer.len() <= room);
            let answer = Message::from_vec(&answer).unwrap();
            assert_eq!(answer.queries.len(), 1);
        }
    }
});
