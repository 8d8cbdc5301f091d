//! Reading the head of a call from a session, in time and strictly.
//!
//! What pingora refuses by itself never reaches an application's callbacks; here it does, so that
//! it can be recorded and answered like any other refusal.
use std::time::Duration;

use bytes::Bytes;
use http::header;
use pingora_core::ErrorType;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::authority::{RawTargetAuthority, raw_target_authority};
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora_core::server::ShutdownWatch;
use tollgate_config::settings::{Bounds, Settings};
use tollgate_rules::{Code, Host, Scheme};

use crate::coding::{self, Coding, CodingError, Decoder};
use crate::decode::Malformed;
use crate::decode::head::{Head, strip_request_headers};
use crate::flight::Flight;
use crate::listen::{Conn, Tunnel};
use crate::socket::Handshake;
use crate::stop::Stop;
use crate::words;

/// What became of reading a head.
#[derive(Debug)]
pub enum HeadRead {
    /// A head that can be read in one way.
    Ready(Box<Request>),
    /// One that cannot.
    Refused(Code, String),
    /// What came instead of a head, or too slowly: where it ends nobody knows, and pingora may not
    /// be asked about it.
    Unread(Code, String),
    /// The client closed the connection between two calls.
    Closed,
}

/// A call's head, understood and cleaned.
#[derive(Debug)]
pub struct Request {
    /// Method, path, query, content type.
    pub head: Head,
    /// The host the client addressed.
    pub host: Host,
    /// The port it addressed.
    pub port: Option<u16>,
    /// The absolute form's scheme.
    pub absolute: Option<Scheme>,
    /// The headers that may travel.
    pub headers: http::HeaderMap,
    /// The body's length, if the client said it.
    pub declared: Option<u64>,
    /// The body's content coding, if any.
    codings: Vec<Coding>,
    /// Whether the connection may carry another call.
    pub reusable: bool,
    /// The WebSocket handshake that it is.
    pub handshake: Option<Handshake>,
}

/// Reads the next head. A connection that waits for its next call when the gate stops is closed.
pub async fn read(
    session: &mut ServerSession,
    conn: &Conn,
    settings: &Settings,
    stop: &ShutdownWatch,
) -> HeadRead {
    let patience = Duration::from_millis(settings.deadlines.head_ms);
    let too_late = async {
        tokio::select! {
            biased;
            () = conn.clock.first_byte() => {}
            () = conn.clock.first_is_late() => return HeadRead::Closed,
        }
        tokio::time::sleep_until(conn.clock.until(patience)).await;
        HeadRead::Unread(Code::RequestTimeout, words::HEAD_LATE.to_owned())
    };
    let read = tokio::select! {
        biased;
        late = too_late => return late,
        read = session.read_request() => read,
        // After the read, which takes notice of bytes that came before the stop.
        () = stopped_while_idle(conn, stop) => return HeadRead::Closed,
    };
    match read {
        Ok(true) => {}
        Ok(false) => return HeadRead::Closed,
        Err(error) => {
            return match error.etype() {
                ErrorType::ConnectionClosed | ErrorType::ReadError => HeadRead::Closed,
                ErrorType::ReadTimedout => HeadRead::Closed,
                // pingora compares them first; what it says of that is the only way to know.
                _ if error
                    .context
                    .as_ref()
                    .is_some_and(|context| context.as_str().contains("Host header differs")) =>
                {
                    let what = "the host header names another host than the target";
                    HeadRead::Unread(Code::HostMismatch, sentence(what))
                }
                // The error quotes the head, so nothing of it goes any further.
                _ => {
                    let what = "the request's head cannot be parsed";
                    HeadRead::Unread(Code::MalformedHead, sentence(what))
                }
            };
        }
    }
    match understand(session, conn, settings) {
        Ok(request) => HeadRead::Ready(Box::new(request)),
        Err(malformed) => HeadRead::Refused(malformed.code, sentence(&malformed.sentence)),
    }
}

/// Resolves when the gate stops before the next call has begun; never otherwise.
async fn stopped_while_idle(conn: &Conn, stop: &ShutdownWatch) {
    let mut stop = stop.clone();
    let stopped = stop.wait_for(|stop| *stop).await.is_ok();
    if !(stopped && conn.clock.is_waiting()) {
        std::future::pending().await
    }
}

/// A fault's description as the sentence of a refusal.
pub fn sentence(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn malformed(what: &'static str) -> Malformed {
    Malformed::new(Code::MalformedHead, what)
}

fn understand(
    session: &mut ServerSession,
    conn: &Conn,
    settings: &Settings,
) -> Result<Request, Malformed> {
    match session.req_header().version {
        http::Version::HTTP_2 => check_fields(session.req_header(), &settings.bounds)?,
        _ => check_raw(session, &settings.bounds)?,
    }
    let reusable = !says_close(session);
    let head = session.req_header();
    let asks = Handshake::is_asked(head.version, &head.headers);
    // Other upgrades are declined by ignoring them (RFC 9110 section 7.8); pingora must not see
    // any, or it would read everything that follows as one body.
    session.req_header_mut().remove_header(&header::UPGRADE);
    let parts = session.req_header();
    let Asked { absolute, authority, target } = asked(parts)?;
    let (host, port) = split_authority(&authority)?;
    let (port, absolute) = match &conn.tunnel {
        None => (port, absolute),
        Some(tunnel) => (Some(tunnel.port), Some(through(tunnel, &host, port, absolute)?)),
    };
    let mut headers = parts.headers.clone();
    let head = Head::read(&parts.method, &target, &headers)?;
    let codings = coding::codings(&headers)
        .map_err(|fault| Malformed::new(fault.code(), fault.to_string()))?;
    let declared = head.content_length();
    let handshake = match asks {
        true => Some(Handshake::read(&parts.method, &mut headers).map_err(malformed)?),
        false => None,
    };
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    strip_request_headers(&mut headers);
    Ok(Request { head, host, port, absolute, headers, declared, codings, reusable, handshake })
}

const TOO_LARGE: &str = "the request's head is larger than the limit";

/// What each field counts beside its bytes (RFC 9113 section 6.5.2).
const FIELD_BYTES: usize = 32;

/// How the connections of HTTP/2 are set up. What is larger than the library takes it answers by
/// itself, with nothing that could be recorded; so it takes more than we do, and we refuse.
pub fn http2(bounds: &Bounds) -> H2Options {
    let mut options = default_h2_options();
    let most = bounds.head_bytes.saturating_mul(HTTP2_TIMES);
    options.max_header_list_size(u32::try_from(most).unwrap_or(u32::MAX));
    options
}

/// A head of so many times the limit is refused and recorded; a larger one ends in the library.
const HTTP2_TIMES: usize = 4;

/// The size of a head of HTTP/2, which is nowhere as it came.
fn check_fields(head: &pingora_http::RequestHeader, bounds: &Bounds) -> Result<(), Malformed> {
    let authority = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    let line = head.method.as_str().len() + authority + head.raw_path().len();
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + FIELD_BYTES
    };
    match line + head.headers.iter().map(field).sum::<usize>() > bounds.head_bytes {
        true => Err(malformed(TOO_LARGE)),
        false => Ok(()),
    }
}

/// Looks at an HTTP/1 head as it came: its size, bare line feeds, and both ways of saying a length
/// (pingora silently drops one of them).
fn check_raw(session: &ServerSession, bounds: &Bounds) -> Result<(), Malformed> {
    let Some(session) = session.as_http1() else { return Ok(()) };
    let raw: Bytes = session.get_headers_raw_bytes();
    if raw.len() > bounds.head_bytes {
        return Err(malformed(TOO_LARGE));
    }
    let lines = || raw.split(|byte| *byte == b'\n');
    // A fragment is dropped by pingora's URI before anybody sees it.
    let first = lines().map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    if first.contains(&b'#') {
        return Err(malformed("the target has a fragment; send path and query only"));
    }
    let ended = lines().count().saturating_sub(1);
    if lines().take(ended).any(|line| line.last() != Some(&b'\r')) {
        return Err(malformed("the request's head has a bare line feed"));
    }
    let has = |name: &[u8]| {
        lines().any(|line| {
            line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })
    };
    if has(b"content-length:") && has(b"transfer-encoding:") {
        return Err(malformed("the request has both content-length and transfer-encoding"));
    }
    Ok(())
}

fn says_close(session: &ServerSession) -> bool {
    let head = session.req_header();
    head.version == http::Version::HTTP_10
        || head.headers.get_all(header::CONNECTION).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
        })
}

/// What a request line (or HTTP/2's pseudo-headers) asks for.
struct Asked {
    absolute: Option<Scheme>,
    authority: Vec<u8>,
    /// Path and query.
    target: Vec<u8>,
}

fn asked(parts: &pingora_http::RequestHeader) -> Result<Asked, Malformed> {
    let from_host = || {
        let host = parts.headers.get(header::HOST).map(|value| value.as_bytes().to_vec());
        let authority =
            parts.uri.authority().map(|authority| authority.as_str().as_bytes().to_vec());
        host.or(authority).ok_or_else(|| malformed("the request names no host"))
    };
    if parts.version == http::Version::HTTP_2 {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let authority = from_host()?;
        return Ok(Asked { absolute: None, authority, target: target.as_bytes().to_vec() });
    }
    match raw_target_authority(parts.raw_path()) {
        RawTargetAuthority::None => {
            Ok(Asked { absolute: None, authority: from_host()?, target: parts.raw_path().to_vec() })
        }
        RawTargetAuthority::Absolute { scheme, authority, path_and_query } => {
            let scheme = match scheme.to_ascii_lowercase().as_slice() {
                b"http" => Scheme::Http,
                b"https" => Scheme::Https,
                _ => return Err(malformed("the target's scheme is neither http nor https")),
            };
            let target =
                if path_and_query.is_empty() { b"/".to_vec() } else { path_and_query.to_vec() };
            Ok(Asked { absolute: Some(scheme), authority: authority.to_vec(), target })
        }
        _ => Err(malformed("the target's authority can be read in two ways")),
    }
}

/// The scheme of a call in a tunnel: it must name the place that the tunnel leads to, or it would
/// be judged as one place and arrive at another (domain fronting).
fn through(
    tunnel: &Tunnel,
    host: &Host,
    port: Option<u16>,
    absolute: Option<Scheme>,
) -> Result<Scheme, Malformed> {
    let port = port.unwrap_or(tunnel.scheme.default_port());
    let same = tunnel.host.as_ref().is_none_or(|known| known == host)
        && tunnel.port == port
        && absolute.is_none_or(|scheme| scheme == tunnel.scheme);
    if same {
        return Ok(tunnel.scheme);
    }
    Err(Malformed::new(
        Code::HostMismatch,
        "the request names another place than the tunnel that it comes through",
    ))
}

pub(crate) fn split_authority(authority: &[u8]) -> Result<(Host, Option<u16>), Malformed> {
    let wrong = || Malformed::new(Code::HostMismatch, "the host that the request names is no host");
    let text = std::str::from_utf8(authority).map_err(|_| wrong())?;
    let (name, port) = match text.rsplit_once(':') {
        // A colon inside brackets belongs to the address.
        Some((_, rest)) if rest.contains(']') => (text, None),
        Some((name, port)) => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse::<u16>().ok().filter(|port| digits && *port != 0);
            (name, Some(port.ok_or_else(wrong)?))
        }
        None => (text, None),
    };
    Ok((Host::parse(name).map_err(|_| wrong())?, port))
}

impl Request {
    /// Refuses what a web page in a person's browser could send: a plain listener on loopback takes
    /// everybody for its agent, so a page that names a host of its own (DNS rebinding) or another
    /// origin must not reach it (MCP 2026-07-28, Streamable HTTP, security).
    pub fn check_browser(&self, flight: &Flight) -> Result<(), Stop> {
        // No page makes a browser ask for a tunnel; who set the proxy did.
        let tunnel = flight.conn.tunnel.is_some();
        let loopback = flight.conn.local.is_some_and(|local| local.ip().is_loopback());
        if tunnel || flight.conn.names.is_some() || !loopback {
            return Ok(());
        }
        let known = |host: &Host| {
            host.name() == Some("localhost")
                || host.address().is_some_and(|ip| ip.is_loopback())
                || flight.snapshot.routes.hosts().any(|own| own == host)
        };
        if self.absolute.is_none() && !known(&self.host) {
            return Err(Stop::refuse(Code::HostMismatch, words::FOREIGN_HOST));
        }
        let Some(origin) = self.headers.get(header::ORIGIN) else { return Ok(()) };
        let host = origin.to_str().ok().and_then(|text| url::Url::parse(text).ok());
        let host = host.and_then(|url| Host::parse(url.host_str()?).ok());
        match host {
            Some(host) if known(&host) => Ok(()),
            _ => Err(Stop::refuse(Code::HostMismatch, words::FOREIGN_ORIGIN)),
        }
    }

    /// What undoes the body's content coding, bounded; nothing when there is none.
    pub fn decoder(&self, bounds: &Bounds) -> Result<Option<Decoder>, CodingError> {
        if self.codings.is_empty() {
            return Ok(None);
        }
        let limits = coding::Limits {
            limit_bytes: bounds.request_body_bytes as u64,
            ratio: bounds.decompression_ratio,
        };
        Decoder::new(&self.codings, limits).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities() {
        for (given, expect) in [
            ("gate.local", Some(("gate.local", None))),
            ("gate.local:7000", Some(("gate.local", Some(7000)))),
            ("[::1]:7000", Some(("[::1]", Some(7000)))),
            ("[::1]", Some(("[::1]", None))),
            ("gate.local:", None),
            ("gate.local:+80", None),
            ("gate.local:0", None),
            ("gate.local:70000", None),
            ("user@gate.local", None),
            ("", None),
        ] {
            let found = split_authority(given.as_bytes()).ok();
            let found = found.as_ref().map(|(host, port)| (host.to_string(), *port));
            let expect = expect.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(found, expect, "{given}");
        }
    }
}
