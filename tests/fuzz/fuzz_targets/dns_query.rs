//! Queries of the DNS.
#![no_main]
use hickory_proto::op::{Message, MessageType};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "constants of the module's neighbours")]
#[path = "../../../proxy/src/names/message.rs"]
mod message;

fuzz_target!(|bytes: &[u8]| {
    let id = bytes.get(..2);
    let asked = match message::read(bytes) {
        Ok(asked) => asked,
        Err(answer) => {
            assert!(answer.is_none_or(|answer| answer.get(..2) == id && answer[2] & 0x80 != 0));
            return;
        }
    };
    if let Some(name) = asked.name() {
        assert!(name.len() < 256 && !name.starts_with('.'), "{name}");
    }
    let addresses = vec!["192.0.2.1".parse().unwrap(); bytes.len() % 97];
    for reply in [message::Reply::Refused, message::Reply::Addresses(&addresses, 60)] {
        let answer = asked.answer(reply, asked.room());
        assert!(answer.len() <= asked.room().max(bytes.len() + 512));
        let read = Message::from_vec(&answer).unwrap();
        assert_eq!(Some(&read.metadata.id.to_be_bytes()[..]), id);
        assert_eq!(read.metadata.message_type, MessageType::Response);
        assert_eq!(read.queries.len(), 1);
    }
});
