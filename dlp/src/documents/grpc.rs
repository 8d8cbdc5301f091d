//! Messages behind a flag and a length each, as gRPC sends them.
use flate2::bufread::GzDecoder;
use serde_json::Value;

use super::Opening;
use super::limits::Why;
use super::look::Look;
use super::protobuf::Message;
use crate::finding::Layer;

const BROKEN: Why = Why::Malformed("it is not a sequence of gRPC messages");

/// The messages of a call.
#[derive(Clone, PartialEq)]
pub(crate) struct Frames {
    frames: Vec<Frame>,
}

#[derive(Clone, PartialEq)]
struct Frame {
    /// A compressed one as it came, until something in it changes.
    raw: Option<Vec<u8>>,
    message: Message,
}

impl Frames {
    pub(crate) fn open(
        mut rest: &[u8],
        coding: Option<&str>,
        opening: &mut Opening<'_>,
    ) -> Result<Self, Why> {
        let mut frames = Vec::new();
        while let Some((head, after)) = rest.split_first_chunk::<5>() {
            opening.budget.node()?;
            let [flag, length @ ..] = *head;
            let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| BROKEN)?;
            let (bytes, after) = after.split_at_checked(length).ok_or(BROKEN)?;
            let message = match (flag, coding) {
                (0, _) => Message::open(bytes, opening)?,
                (1, Some("gzip")) => Message::open(&unpacked(bytes, opening)?, opening)?,
                (1, _) => return Err(Why::Coding),
                _ => return Err(BROKEN),
            };
            let raw = rest.get(..length.saturating_add(5)).filter(|_| flag == 1);
            let raw = raw.map(<[u8]>::to_vec);
            frames.push(Frame { raw, message });
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(Self { frames }),
            false => Err(BROKEN),
        }
    }

    pub(crate) fn look(&mut self, look: &mut Look<'_>) -> bool {
        let mut changed = false;
        for (at, frame) in self.frames.iter_mut().enumerate() {
            let message = &mut frame.message;
            if look.within(Layer::Message(at + 1), |look| message.look(look)) {
                frame.raw = None;
                changed = true;
            }
        }
        changed
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for frame in &self.frames {
            if let Some(raw) = &frame.raw {
                out.extend_from_slice(raw);
                continue;
            }
            let mut inner = Vec::new();
            frame.message.write(&mut inner);
            // Any message may go uncompressed, whatever the call's coding is.
            out.push(0);
            out.extend_from_slice(&u32::try_from(inner.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(&inner);
        }
    }

    pub(crate) fn view(&self) -> Value {
        Value::Array(self.frames.iter().map(|frame| frame.message.view()).collect())
    }
}

fn unpacked(bytes: &[u8], opening: &mut Opening<'_>) -> Result<Vec<u8>, Why> {
    let mut decoder = GzDecoder::new(bytes);
    let plain = opening.budget.expand(&mut decoder, bytes.len())?;
    match decoder.into_inner().is_empty() {
        true => Ok(plain),
        false => Err(BROKEN),
    }
}
