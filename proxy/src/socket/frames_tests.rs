use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { message_bytes: 1000, frames: 4 };
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A frame by hand: first byte, payload.
fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mut bytes = vec![first];
    let bit = if masked { 0x80 } else { 0 };
    match payload.len() {
        short @ 0..126 => bytes.push(bit | short as u8),
        long => {
            bytes.push(bit | 126);
            bytes.extend((long as u16).to_be_bytes());
        }
    }
    if masked {
        bytes.extend(MASK);
    }
    let keys = if masked { MASK } else { [0; 4] };
    bytes.extend(payload.iter().zip(keys.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn read(side: Side, bytes: &[u8]) -> Result<Vec<Item>, Broken> {
    let mut reader = Reader::new(side, LIMITS, bytes);
    let mut items = Vec::new();
    while let Some(item) = reader.next()? {
        items.push(item);
    }
    Ok(items)
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("item")
    }
}

#[test]
fn messages_in_pieces_with_pings_between() {
    let mut bytes = frame(0x01, b"one ", true);
    bytes.extend(frame(0x89, b"beat", true));
    bytes.extend(frame(0x00, b"two ", true));
    bytes.extend(frame(0x80, "drei ✓".as_bytes(), true));
    bytes.extend(frame(0x88, &[0x03, 0xe8, b'b', b'y', b'e'], true));
    let expect = [
        Item::Ping(Bytes::from_static(b"beat")),
        Item::Message(Kind::Text, "one two drei ✓".into()),
        Item::Close(Some((1000, "bye".to_owned()))),
    ];
    assert!(read(Side::Client, &bytes) == Ok(expect.into()));
}

#[test]
fn what_breaks_the_rules() {
    let long = vec![b'a'; 1001];
    let many = [frame(0x01, b"", true), frame(0x00, b"", true).repeat(4)].concat();
    for (name, bytes, expect) in [
        ("no mask", frame(0x81, b"a", false), 1002),
        ("a reserved bit", frame(0xc1, b"a", true), 1002),
        ("an unknown opcode", frame(0x83, b"a", true), 1002),
        ("a ping in pieces", frame(0x09, b"a", true), 1002),
        ("a long ping", frame(0x89, &[b'a'; 126], true), 1002),
        ("the end of nothing", frame(0x80, b"a", true), 1002),
        ("two at once", [frame(0x01, b"a", true), frame(0x01, b"a", true)].concat(), 1002),
        ("a long length", vec![0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'a'], 1002),
        ("half a code", frame(0x88, b"a", true), 1002),
        ("code 1005", frame(0x88, &1005_u16.to_be_bytes(), true), 1002),
        ("code 1006", frame(0x88, &1006_u16.to_be_bytes(), true), 1002),
        ("code 999", frame(0x88, &999_u16.to_be_bytes(), true), 1002),
        ("code 2999", frame(0x88, &2999_u16.to_be_bytes(), true), 1002),
        ("a reason that is no text", frame(0x88, &[3, 0xe8, 0xff], true), 1007),
        ("a text that is none", frame(0x81, &[0xc3], true), 1007),
        ("too long", frame(0x82, &long, true), 1009),
        ("too long by its length alone", vec![0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0], 1009),
        (
            "too long in pieces",
            frame(0x02, &[b'a'; 600], true)
                .into_iter()
                .chain(frame(0x80, &[b'a'; 600], true))
                .collect(),
            1009,
        ),
        ("too many pieces", many, 1009),
    ] {
        let broken = read(Side::Client, &bytes).expect_err(name);
        assert_eq!(broken.close_code(), expect, "{name}");
    }
    assert!(read(Side::Upstream, &frame(0x81, b"a", true)).is_err());
    assert!(read(Side::Upstream, &frame(0x81, b"a", false)).is_ok());
}

/// One character over two frames is one character.
#[test]
fn letters_over_frames() {
    let bytes = [frame(0x01, &[0xc3], true), frame(0x80, &[0xa9], true)].concat();
    assert!(read(Side::Client, &bytes) == Ok(vec![Item::Message(Kind::Text, "é".into())]));
}

fn item() -> impl Strategy<Value = Item> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from);
    prop_oneof![
        "\\PC{0,60}".prop_map(|text| Item::Message(Kind::Text, text.into())),
        bytes(600).prop_map(|bytes| Item::Message(Kind::Binary, bytes)),
        bytes(125).prop_map(Item::Ping),
        bytes(125).prop_map(Item::Pong),
        (3000_u16..5000, "[a-z]{0,123}").prop_map(|said| Item::Close(Some(said))),
        Just(Item::Close(None)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(items in prop::collection::vec(item(), 0..8), cut in 1_usize..50) {
        for (side, mask) in [(Side::Client, Some(MASK)), (Side::Upstream, None)] {
            let mut bytes = Vec::new();
            for item in items.clone() {
                write(item, mask, &mut bytes).unwrap();
            }
            let mut reader = Reader::new(side, LIMITS, &[]);
            let mut found = Vec::new();
            for chunk in bytes.chunks(cut) {
                reader.buffer().extend_from_slice(chunk);
                while let Some(item) = reader.next().unwrap() {
                    found.push(item);
                }
            }
            prop_assert!(found == items);
            prop_assert!(!reader.is_partial());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for side in [Side::Client, Side::Upstream] {
            let _ = read(side, &bytes);
        }
    }
}
