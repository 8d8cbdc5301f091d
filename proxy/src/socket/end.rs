//! How a WebSocket ends, and what each side is told of it.
use std::time::Duration;

use tollgate_rules::Code;

use super::frames::{Broken, Side};
use crate::record::Found;

/// Findings of one connection that the record keeps; the rest is counted.
pub const FOUND_MAX: usize = 256;

/// What a close says.
pub type Said = Option<(u16, String)>;

/// Why a connection ends.
#[derive(Debug)]
pub enum End {
    /// A side broke the rules of frames.
    Broken(Side, Broken),
    /// The gate could not go on.
    Bug,
    /// A side closed in order.
    Closed(Side, Said),
    /// A side went away without a close.
    Gone(Side),
    /// It lasted as long as it may.
    Long,
    /// A message may not pass.
    Refused(Code),
    /// A side began something and did not go on, or does not take what it is sent.
    Stalled(Side),
    /// Nothing moved.
    Still,
    /// The gate is stopping.
    Stopping,
}

impl End {
    /// What the client is told; `None` where it is what the upstream says.
    pub fn to_client(&self) -> Option<(u16, String)> {
        let said = |code: u16, reason: &str| Some((code, reason.to_owned()));
        match self {
            Self::Broken(Side::Client, broken) => {
                said(broken.close_code(), self.code().map_or("", Code::as_str))
            }
            Self::Refused(code) => said(1008, code.as_str()),
            Self::Broken(Side::Upstream, _) | Self::Stalled(Side::Upstream) | Self::Bug => {
                said(1011, self.code().map_or("", Code::as_str))
            }
            Self::Gone(Side::Upstream) => said(1011, "the upstream went away"),
            Self::Long => said(1001, "it lasted as long as it may"),
            Self::Still => said(1001, "nothing moved"),
            Self::Stopping => said(1001, "the gate is stopping"),
            Self::Stalled(Side::Client) => said(1008, Code::RequestTimeout.as_str()),
            Self::Gone(Side::Client) | Self::Closed(..) => None,
        }
    }

    /// What the upstream is told: it need not know what the gate thinks of its client.
    pub fn to_upstream(&self) -> Option<(u16, String)> {
        match self {
            Self::Broken(Side::Upstream, broken) => Some((broken.close_code(), String::new())),
            Self::Gone(Side::Upstream) | Self::Closed(..) => None,
            _ => Some((1001, String::new())),
        }
    }

    /// The code in record and metrics; none when it ended in order.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Broken(Side::Client, Broken::TooLarge) => Some(Code::BodyTooLarge),
            Self::Broken(Side::Client, _) => Some(Code::MalformedBody),
            Self::Broken(Side::Upstream, _) | Self::Gone(Side::Upstream) => {
                Some(Code::UpstreamProtocol)
            }
            Self::Bug => Some(Code::GateBug),
            Self::Refused(code) => Some(*code),
            Self::Stalled(Side::Client) => Some(Code::RequestTimeout),
            Self::Stalled(Side::Upstream) => Some(Code::UpstreamTimeout),
            Self::Closed(..) | Self::Gone(Side::Client) | Self::Long | Self::Still => None,
            Self::Stopping => None,
        }
    }

    /// Who ended it.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Closed(side, _) | Self::Gone(side) => side.as_str(),
            _ => "gate",
        }
    }

    /// The word for why.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Broken(..) => "broken",
            Self::Bug => "bug",
            Self::Closed(..) => "closed",
            Self::Gone(_) => "gone",
            Self::Long => "duration",
            Self::Refused(_) => "refused",
            Self::Stalled(_) => "stalled",
            Self::Still => "idle",
            Self::Stopping => "stopping",
        }
    }
}

/// What went through a connection.
#[derive(Debug, Default)]
pub struct Tally {
    /// Bytes of messages from the client that went on.
    pub bytes_out: u64,
    /// The same from the upstream.
    pub bytes_in: u64,
    /// Messages from the client that went on.
    pub messages_out: u64,
    /// The same from the upstream.
    pub messages_in: u64,
    /// Messages from the upstream that passed without being read.
    pub unread: u64,
    /// What was found, up to a bound.
    pub found: Vec<Found>,
    /// Findings beyond it.
    pub found_more: u64,
}

impl Tally {
    /// Keeps findings as far as there is room.
    pub fn keep(&mut self, found: Vec<Found>) {
        for found in found {
            match self.found.len() < FOUND_MAX {
                true => self.found.push(found),
                false => self.found_more += 1,
            }
        }
    }
}

/// A connection that has ended.
#[derive(Debug)]
pub struct Closed {
    /// Why.
    pub end: End,
    /// The close code that the client was left with, as it would see it: 1005 without one, 1006
    /// when it went away.
    pub close_code: u16,
    /// What went through.
    pub tally: Tally,
}

/// How long a side has for its close.
pub const FAREWELL: Duration = Duration::from_secs(3);

/// How long a side has for taking the last word.
pub const LINGER: Duration = Duration::from_secs(1);
