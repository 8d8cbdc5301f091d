//! Frames to messages and back (RFC 6455 section 5). The headers are tungstenite's; what it leaves
//! to its callers is here: who masks, what may be in pieces, how much of it, and what a close says.
use std::io::Cursor;

use bytes::{Buf as _, Bytes, BytesMut};
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

/// A control frame has no more (section 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// Who sent something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The agent. Its frames are masked.
    Client,
    /// The upstream. Its frames are not.
    Upstream,
}

impl Side {
    /// Its word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        }
    }
}

/// What a message says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes.
    Binary,
    /// UTF-8.
    Text,
}

/// Something that was said.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// A close, with its code and reason.
    Close(Option<(u16, String)>),
    /// A whole message.
    Message(Kind, Bytes),
    /// A ping.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
}

/// What of it may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Frames of one message.
    pub frames: u32,
}

/// Why nothing more is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The rules of the protocol are broken: which.
    Protocol(&'static str),
    /// A message, or the number of its frames, is beyond the limit.
    TooLarge,
    /// A text is not UTF-8.
    NotUtf8,
}

impl Broken {
    /// What it is closed with (section 7.4.1).
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// Reads what one side sends.
#[derive(Debug)]
pub struct Reader {
    side: Side,
    limits: Limits,
    buffer: BytesMut,
    /// The message that is not whole yet.
    kind: Option<Kind>,
    parts: BytesMut,
    frames: u32,
}

impl Reader {
    /// A reader that has read this already.
    pub fn new(side: Side, limits: Limits, seen: &[u8]) -> Self {
        let (buffer, parts) = (BytesMut::from(seen), BytesMut::new());
        Self { side, limits, buffer, kind: None, parts, frames: 0 }
    }

    /// Where to put what is read.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Bytes that are held for what is not whole yet.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.parts.len()
    }

    /// Whether something has begun and is not whole.
    pub fn is_partial(&self) -> bool {
        self.kind.is_some() || !self.buffer.is_empty()
    }

    /// The next thing that is whole.
    pub fn next(&mut self) -> Result<Option<Item>, Broken> {
        while let Some((header, payload)) = self.frame()? {
            if let Some(item) = self.take(&header, payload)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    fn frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, Broken> {
        let mut cursor = Cursor::new(self.buffer.as_ref());
        let parsed = FrameHeader::parse(&mut cursor);
        let parsed = parsed.map_err(|_| Broken::Protocol("an opcode that is not known"))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let start = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if header.len(length) != start {
            return Err(Broken::Protocol("a length that is not written the short way"));
        }
        self.check(&header, length)?;
        let length = usize::try_from(length).map_err(|_| Broken::TooLarge)?;
        if self.buffer.len().saturating_sub(start) < length {
            return Ok(None);
        }
        self.buffer.advance(start);
        let mut payload = self.buffer.split_to(length);
        if let Some(mask) = header.mask {
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        Ok(Some((header, payload)))
    }

    /// What can be said of a frame before it is there.
    fn check(&self, header: &FrameHeader, length: u64) -> Result<(), Broken> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Broken::Protocol("a reserved bit"));
        }
        if header.mask.is_some() != (self.side == Side::Client) {
            return Err(Broken::Protocol("a client masks, and a server does not"));
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final || length > CONTROL_BYTES_MAX => {
                Err(Broken::Protocol("a control frame in pieces, or too long"))
            }
            OpCode::Control(_) => Ok(()),
            OpCode::Data(data) => {
                if (data == Data::Continue) != self.kind.is_some() {
                    return Err(Broken::Protocol("a message within a message, or the end of none"));
                }
                let whole = (self.parts.len() as u64).saturating_add(length);
                let too_large = whole > self.limits.message_bytes as u64;
                if too_large || self.frames >= self.limits.frames {
                    return Err(Broken::TooLarge);
                }
                Ok(())
            }
        }
    }

    fn take(&mut self, header: &FrameHeader, payload: BytesMut) -> Result<Option<Item>, Broken> {
        let kind = match header.opcode {
            OpCode::Control(Control::Ping) => return Ok(Some(Item::Ping(payload.freeze()))),
            OpCode::Control(Control::Pong) => return Ok(Some(Item::Pong(payload.freeze()))),
            OpCode::Control(_) => return close(&payload).map(|close| Some(Item::Close(close))),
            OpCode::Data(Data::Text) => Kind::Text,
            OpCode::Data(Data::Binary) => Kind::Binary,
            OpCode::Data(_) => self.kind.ok_or(Broken::Protocol("the end of no message"))?,
        };
        self.frames += 1;
        // The usual message is one frame, and is not copied.
        let whole = if self.parts.is_empty() {
            payload
        } else {
            self.parts.unsplit(payload);
            std::mem::take(&mut self.parts)
        };
        if !header.is_final {
            self.kind = Some(kind);
            self.parts = whole;
            return Ok(None);
        }
        (self.kind, self.frames) = (None, 0);
        if kind == Kind::Text && std::str::from_utf8(&whole).is_err() {
            return Err(Broken::NotUtf8);
        }
        Ok(Some(Item::Message(kind, whole.freeze())))
    }
}

/// Reads what a close says (section 5.5.1).
fn close(payload: &[u8]) -> Result<Option<(u16, String)>, Broken> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        let empty = payload.is_empty();
        return empty.then_some(None).ok_or(Broken::Protocol("half a close code"));
    };
    let code = u16::from_be_bytes(*code);
    if !CloseCode::from(code).is_allowed() {
        return Err(Broken::Protocol("a close code that is not for the wire"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Broken::NotUtf8)?;
    Ok(Some((code, reason.to_owned())))
}

/// Writes something as one frame; `None` when it cannot be.
pub fn write(item: Item, mask: Option<[u8; 4]>, out: &mut Vec<u8>) -> Option<()> {
    let (opcode, payload) = match item {
        Item::Close(said) => (OpCode::Control(Control::Close), close_bytes(said)),
        Item::Message(Kind::Binary, payload) => (OpCode::Data(Data::Binary), payload),
        Item::Message(Kind::Text, payload) => (OpCode::Data(Data::Text), payload),
        Item::Ping(payload) => (OpCode::Control(Control::Ping), payload),
        Item::Pong(payload) => (OpCode::Control(Control::Pong), payload),
    };
    let header = FrameHeader { opcode, mask, ..FrameHeader::default() };
    Frame::from_payload(header, payload).format(out).ok()
}

/// A reason that is too long is left out: half of one may be half a letter.
fn close_bytes(said: Option<(u16, String)>) -> Bytes {
    let Some((code, reason)) = said else { return Bytes::new() };
    let mut bytes = code.to_be_bytes().to_vec();
    if reason.len() + bytes.len() <= CONTROL_BYTES_MAX as usize {
        bytes.extend_from_slice(reason.as_bytes());
    }
    bytes.into()
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
