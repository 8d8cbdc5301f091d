//! The first message of a TLS handshake.
#![no_main]
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "constants of the module's neighbours")]
#[path = "../../../proxy/src/listen/hello.rs"]
mod hello;

fuzz_target!(|input: (Vec<(u16, Vec<u8>)>, Vec<u8>, u8, Vec<u8>)| {
    let (extensions, session, record, raw) = input;
    let _ = hello::offers_ech(&raw);
    // A well-formed one, cut into records.
    let mut list = Vec::new();
    for (kind, value) in &extensions {
        let Ok(length) = u16::try_from(value.len()) else { return };
        list.extend(kind.to_be_bytes());
        list.extend(length.to_be_bytes());
        list.extend(value);
    }
    let (Ok(length), Ok(session_length)) = (u16::try_from(list.len()), u8::try_from(session.len()))
    else {
        return;
    };
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(session_length);
    body.extend(&session);
    body.extend([0, 2, 0x13, 0x01, 1, 0]);
    body.extend(length.to_be_bytes());
    body.extend(&list);
    let total = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1], &total[1..], &body].concat();
    let records = message.chunks(usize::from(record).max(1)).flat_map(|part| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[0x16, 3, 1], length.as_slice(), part].concat()
    });
    let records = records.collect::<Vec<_>>();
    let expect = extensions.iter().any(|(kind, _)| *kind == 0xFE0D);
    // What is longer than any handshake is taken for hiding something.
    assert_eq!(hello::offers_ech(&records), expect || message.len() > hello::HELLO_BYTES);
    // And so is what ends early.
    let end = records.len() * usize::from(record) / 256;
    assert!(hello::offers_ech(&records[..end]));
});
