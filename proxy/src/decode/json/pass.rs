//! A document in one pass: as it travels, and as it is looked at. No tree is made.
use std::collections::HashSet;

use tollgate_dlp::{Opened, Slot, Tape};

use super::walk::{Build, Text};

/// From so many members on their names are found by hash.
const FEW: usize = 24;

/// Writes a document twice: without spaces and with keys in their order, and on a tape.
pub(super) struct Pass {
    pub(super) tape: Tape,
    pub(super) out: Vec<u8>,
    /// Names of the objects that are open.
    names: Vec<(u64, Slot)>,
}

impl Pass {
    pub(super) fn new(bytes: usize) -> Self {
        let (tape, out) = (Tape::with_capacity(bytes), Vec::with_capacity(bytes));
        Self { tape, out, names: Vec::with_capacity(FEW) }
    }

    fn string(&mut self, Text { text, is_plain }: Text<'_>) {
        // A vector takes all that is written to it.
        if !is_plain {
            _ = serde_json::to_writer(&mut self.out, text);
            return;
        }
        // What has no escapes in one document needs none in another.
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    fn comma(&mut self, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.out.push(b',');
        }
    }
}

pub(super) struct Object {
    opened: Opened,
    is_first: bool,
    /// Its names among all.
    from: usize,
    /// All names, once they are many.
    many: HashSet<Box<str>>,
}

pub(super) struct List {
    opened: Opened,
    is_first: bool,
    item: Slot,
}

impl Build for Pass {
    type Value = ();
    type Place = Slot;
    type Object = Object;
    type List = List;

    fn null(&mut self, at: Slot) {
        self.out.extend_from_slice(b"null");
        self.tape.null(at);
    }

    fn bool(&mut self, at: Slot, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self.tape.bool(at);
    }

    fn number(&mut self, at: Slot, written: &str) {
        self.out.extend_from_slice(written.as_bytes());
        self.tape.number(at, written);
    }

    fn text(&mut self, at: Slot, text: Text<'_>) {
        self.string(text);
        self.tape.text(at, text.text);
    }

    fn list(&mut self, at: Slot) -> List {
        self.out.push(b'[');
        List { opened: self.tape.open_list(at), is_first: true, item: at.item() }
    }

    fn item(&mut self, list: &mut List) -> Slot {
        self.comma(&mut list.is_first);
        list.item
    }

    fn push(&mut self, _: &mut List, (): ()) {}

    fn end_list(&mut self, list: List) {
        self.out.push(b']');
        self.tape.close(list.opened);
    }

    fn object(&mut self, at: Slot, _: usize) -> Object {
        self.out.push(b'{');
        let (opened, from) = (self.tape.open_object(at), self.names.len());
        Object { opened, is_first: true, from, many: HashSet::new() }
    }

    fn member(&mut self, object: &mut Object, name: Text<'_>) -> Option<Slot> {
        let sign = sign(name.text.as_bytes());
        let few = self.names.get(object.from..).unwrap_or_default();
        let same =
            |(known, slot): &(u64, Slot)| *known == sign && self.tape.name(*slot) == name.text;
        if few.iter().any(same) {
            return None;
        }
        let is_among_few = few.len() < FEW;
        if !is_among_few && !object.many.insert(name.text.into()) {
            return None;
        }
        self.comma(&mut object.is_first);
        self.string(name);
        self.out.push(b':');
        let slot = self.tape.member(name.text);
        if is_among_few {
            self.names.push((sign, slot));
        }
        Some(slot)
    }

    fn put(&mut self, _: &mut Object, (): ()) {}

    fn end_object(&mut self, object: Object) {
        self.out.push(b'}');
        self.names.truncate(object.from);
        self.tape.close(object.opened);
    }
}

/// Tells most names apart: their first and last bytes, and how many they have.
fn sign(name: &[u8]) -> u64 {
    let half = |half: &[u8; 4]| u64::from(u32::from_le_bytes(*half));
    let ends = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
        }
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => half(first) | half(last) << 32,
            _ => name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
        },
    };
    ends ^ (name.len() as u64) << 56
}
