//! DNS messages: bytes to one question, and one answer to bytes.
//!
//! Knows nothing of the gate, so that it can be fuzzed alone. Nothing of a query but its question
//! goes on: options, cookies, padding and what stands behind the message end here.
use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

/// The longest query that is read; an honest one has a few hundred bytes.
pub const QUERY_MAX: usize = 4_096;
/// What a client takes over UDP that says nothing about it (RFC 1035 section 4.2.1).
const PLAIN_MAX: usize = 512;
/// What we take over UDP ourselves.
const OUR_MAX: u16 = 1_232;
/// The length of a message's head.
const HEAD: usize = 12;

/// What is asked of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Its IPv4 addresses.
    A,
    /// Its IPv6 addresses.
    Aaaa,
    /// How its services are reached (HTTPS, SVCB): keys for hidden names and hints for QUIC.
    Service,
    /// Anything else.
    Other,
}

impl Kind {
    /// Its word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Service => "HTTPS",
            Self::Other => "other",
        }
    }
}

/// One question, and what its answer must repeat.
#[derive(Clone, Debug)]
pub struct Asked {
    id: u16,
    recursion_desired: bool,
    checking_disabled: bool,
    query: Query,
    edns: Option<Edns>,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply<'a> {
    /// These addresses, for so many seconds.
    Addresses(&'a [IpAddr], u32),
    /// The name is there, and has nothing of that kind.
    Nothing,
    /// There is no such name.
    NoName,
    /// Not for you.
    Refused,
    /// Not this kind of question.
    NotImplemented,
    /// We could not.
    Failed,
}

/// Reads a query. What is none is answered with the bytes given, or not at all.
pub fn read(bytes: &[u8]) -> Result<Asked, Option<Vec<u8>>> {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Err(None) };
    let [one, two, flags, ..] = *head;
    let (id, op_code) = (u16::from_be_bytes([one, two]), flags >> 3 & 0b1111);
    // Whoever answers answers can be made to talk to himself for ever.
    if flags & 0b1000_0000 != 0 {
        return Err(None);
    }
    let malformed = || Some(bare(id, op_code, ResponseCode::FormErr));
    if bytes.len() > QUERY_MAX {
        return Err(malformed());
    }
    if op_code != u8::from(OpCode::Query) {
        return Err(Some(bare(id, op_code, ResponseCode::NotImp)));
    }
    let message = Message::from_vec(bytes).map_err(|_| malformed())?;
    let extra = !message.answers.is_empty()
        || !message.authorities.is_empty()
        || !message.additionals.is_empty()
        || message.signature.is_some();
    let [query] = message.queries.as_slice() else { return Err(malformed()) };
    if extra {
        return Err(malformed());
    }
    let asked = Asked {
        id,
        recursion_desired: message.metadata.recursion_desired,
        checking_disabled: message.metadata.checking_disabled,
        query: query.clone(),
        edns: message.edns.clone(),
    };
    match message.version() {
        0 => Ok(asked),
        _ => Err(Some(asked.write(ResponseCode::BADVERS, Vec::new(), PLAIN_MAX))),
    }
}

impl Asked {
    /// The name in small letters, when each of its labels is made of letters, digits, `-` and `_`.
    pub fn name(&self) -> Option<String> {
        let mut name = String::new();
        for label in self.query.name().iter() {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if label.is_empty() || !label.iter().all(plain) {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
        }
        (!name.is_empty()).then_some(name)
    }

    /// What is asked.
    pub fn kind(&self) -> Kind {
        if self.query.query_class() != DNSClass::IN {
            return Kind::Other;
        }
        match self.query.query_type() {
            RecordType::A => Kind::A,
            RecordType::AAAA => Kind::Aaaa,
            RecordType::HTTPS | RecordType::SVCB => Kind::Service,
            _ => Kind::Other,
        }
    }

    /// How many bytes the client takes over UDP.
    pub fn room(&self) -> usize {
        let told = self.edns.as_ref().map_or(0, |edns| usize::from(edns.max_payload()));
        told.max(PLAIN_MAX)
    }

    /// Writes the answer. What does not fit into `room` is left out and marked as cut.
    pub fn answer(&self, reply: Reply<'_>, room: usize) -> Vec<u8> {
        let (code, records) = match reply {
            Reply::Addresses(addresses, ttl) => {
                (ResponseCode::NoError, addresses.iter().map(|ip| self.record(*ip, ttl)).collect())
            }
            Reply::Nothing => (ResponseCode::NoError, Vec::new()),
            Reply::NoName => (ResponseCode::NXDomain, Vec::new()),
            Reply::Refused => (ResponseCode::Refused, Vec::new()),
            Reply::NotImplemented => (ResponseCode::NotImp, Vec::new()),
            Reply::Failed => (ResponseCode::ServFail, Vec::new()),
        };
        self.write(code, records, room)
    }

    fn record(&self, address: IpAddr, ttl: u32) -> Record {
        let data = match address {
            IpAddr::V4(four) => RData::A(A(four)),
            IpAddr::V6(six) => RData::AAAA(AAAA(six)),
        };
        Record::from_rdata(self.query.name().clone(), ttl, data)
    }

    fn write(&self, code: ResponseCode, records: Vec<Record>, room: usize) -> Vec<u8> {
        let mut message = Message::new(self.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = self.recursion_desired;
        message.metadata.checking_disabled = self.checking_disabled;
        message.metadata.recursion_available = true;
        message.metadata.response_code = code;
        message.add_query(self.query.clone());
        message.add_answers(records);
        if self.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_version(0).set_max_payload(OUR_MAX).set_rcode_high(code.high());
            message.set_edns(edns);
        }
        let failed = || bare(self.id, u8::from(OpCode::Query), ResponseCode::ServFail);
        match message.to_vec() {
            Ok(bytes) if bytes.len() <= room => bytes,
            Ok(_) => message.truncate().to_vec().unwrap_or_else(|_| failed()),
            Err(_) => failed(),
        }
    }
}

/// A head alone, for what has no question that could be repeated.
fn bare(id: u16, op_code: u8, code: ResponseCode) -> Vec<u8> {
    let [one, two] = id.to_be_bytes();
    vec![one, two, 0b1000_0000 | (op_code & 0b1111) << 3, code.low(), 0, 0, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
