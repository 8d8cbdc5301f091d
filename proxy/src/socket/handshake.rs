//! The handshake (RFC 6455 sections 4.1 and 4.2): read, asked for anew with a key of the gate's own,
//! and answered.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Version, header};

use crate::answer::RECEIPT;

/// RFC 6455 section 1.3.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A nonce has sixteen bytes (section 4.1).
const NONCE_BYTES: usize = 16;

/// Sub-protocols that one client offers; more is no offer.
const PROTOCOLS_MAX: usize = 32;

/// A handshake that a client asks for.
#[derive(Debug)]
pub struct Handshake {
    /// What the client expects proof for.
    accept: String,
    /// The gate's own key for the upstream.
    key: String,
    /// The sub-protocols that are offered.
    protocols: Vec<String>,
}

impl Handshake {
    /// Whether a head asks for WebSocket, and for nothing else beside it.
    pub fn is_asked(version: Version, headers: &HeaderMap) -> bool {
        let mut upgrades = headers.get_all(header::UPGRADE).iter();
        let asks = upgrades
            .next()
            .is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"));
        asks && upgrades.next().is_none() && version == Version::HTTP_11
    }

    /// Reads it, and takes from the headers what is the gate's own from here on. Extensions are
    /// declined by not asking for them.
    pub fn read(method: &Method, headers: &mut HeaderMap) -> Result<Self, &'static str> {
        if *method != Method::GET {
            return Err("a WebSocket handshake is a GET");
        }
        let connection = headers.get_all(header::CONNECTION);
        if !connection.iter().any(is_upgrade) {
            return Err("`connection` does not say `upgrade`, but `upgrade` is there");
        }
        let has_body = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
            || headers.contains_key(header::TRANSFER_ENCODING);
        if has_body {
            return Err("a WebSocket handshake has no body");
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err("the WebSocket version is not 13");
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| {
            STANDARD.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == NONCE_BYTES)
        });
        let key = key.ok_or("the WebSocket key is not sixteen bytes in base64")?;
        let accept = accept_of(key.as_bytes());
        let protocols = protocols(headers)?;
        let own = [
            header::SEC_WEBSOCKET_ACCEPT,
            header::SEC_WEBSOCKET_EXTENSIONS,
            header::SEC_WEBSOCKET_KEY,
            header::SEC_WEBSOCKET_VERSION,
        ];
        own.iter().for_each(|name| drop(headers.remove(name)));
        let mut nonce = [0; NONCE_BYTES];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| "there is no randomness")?;
        Ok(Self { accept, key: STANDARD.encode(nonce), protocols })
    }

    /// The key for the upstream.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The answer for the client, when the upstream has agreed to exactly what it was asked for.
    /// Nothing else of the upstream's head passes.
    pub fn agree(
        &self,
        version: Version,
        headers: &HeaderMap,
        receipt: &str,
    ) -> Result<Vec<u8>, &'static str> {
        let says = |name, what: &[u8]| {
            headers.get(name).is_some_and(|value: &HeaderValue| {
                value.as_bytes().trim_ascii().eq_ignore_ascii_case(what)
            })
        };
        if version != Version::HTTP_11 || !says(header::UPGRADE, b"websocket") {
            return Err("it switched to something else than WebSocket");
        }
        if !headers.get_all(header::CONNECTION).iter().any(is_upgrade) {
            return Err("its `connection` does not say `upgrade`");
        }
        let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
        if accept
            .is_none_or(|accept| accept.as_bytes() != accept_of(self.key.as_bytes()).as_bytes())
        {
            return Err("its proof for the key is wrong");
        }
        if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
            return Err("it uses an extension that was not offered");
        }
        let mut reply = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\n{RECEIPT}: {receipt}\r\n",
            self.accept
        );
        let mut chosen = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        if let Some(protocol) = chosen.next() {
            // Written as it was offered, so nothing of the upstream's own is in it.
            let offered = self.protocols.iter().find(|offered| protocol == offered.as_str());
            let (Some(protocol), None) = (offered, chosen.next()) else {
                return Err("it chose a sub-protocol that was not offered");
            };
            reply.push_str(&format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
        }
        reply.push_str("\r\n");
        Ok(reply.into_bytes())
    }
}

/// What is offered, each a token (RFC 9110 section 5.6.2).
fn protocols(headers: &HeaderMap) -> Result<Vec<String>, &'static str> {
    let mut list = Vec::new();
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let text = value.to_str().map_err(|_| "a WebSocket sub-protocol is no token")?;
        for protocol in text.split(',').map(str::trim) {
            let is_token = !protocol.is_empty() && protocol.bytes().all(is_token_byte);
            if !is_token || list.len() == PROTOCOLS_MAX {
                return Err("a WebSocket sub-protocol is no token, or there are too many");
            }
            list.push(protocol.to_owned());
        }
    }
    Ok(list)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_upgrade(value: &HeaderValue) -> bool {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// SHA-1 is what the protocol asks for; it proves that the other side speaks it, and nothing else.
fn accept_of(key: &[u8]) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
    context.update(MAGIC);
    STANDARD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455 section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn asked(changes: &[(&'static str, &'static str)]) -> Result<Handshake, &'static str> {
        let mut headers = HeaderMap::new();
        let base = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-protocol", "chat, superchat"),
        ];
        for (name, value) in base.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let read = Handshake::read(&Method::GET, &mut headers);
        if read.is_ok() {
            assert!(!headers.contains_key("sec-websocket-extensions"));
            assert!(!headers.contains_key("sec-websocket-key"));
        }
        read
    }

    #[test]
    fn what_is_read() {
        assert_eq!(asked(&[]).unwrap().accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for change in [
            ("connection", "keep-alive"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "x"),
            ("sec-websocket-key", "dGhlIHNhbXBsZQ=="),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("sec-websocket-protocol", "a b"),
            ("sec-websocket-protocol", "a,,b"),
        ] {
            assert!(asked(&[change]).is_err(), "{change:?}");
        }
    }

    #[test]
    fn what_is_agreed_on() {
        let handshake = asked(&[]).unwrap();
        let right = accept_of(handshake.key().as_bytes());
        let answer = |changes: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("connection", HeaderValue::from_static("upgrade"));
            headers.insert("upgrade", HeaderValue::from_static("WebSocket"));
            headers.insert("sec-websocket-accept", HeaderValue::from_str(&right).unwrap());
            for (name, value) in changes {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            handshake.agree(Version::HTTP_11, &headers, "receipt-1")
        };
        let text = String::from_utf8(answer(&[("set-cookie", "a=b")]).unwrap()).unwrap();
        assert!(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(text.ends_with("tollgate-receipt: receipt-1\r\n\r\n"), "{text}");
        let text = String::from_utf8(answer(&[("sec-websocket-protocol", "chat")]).unwrap());
        assert!(text.unwrap().ends_with("Sec-WebSocket-Protocol: chat\r\n\r\n"));
        for change in [
            ("sec-websocket-protocol", "other"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("upgrade", "h2c"),
            ("connection", "close"),
        ] {
            assert!(answer(&[change]).is_err(), "{change:?}");
        }
    }
}
