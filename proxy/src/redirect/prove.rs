//! Every way out, tried from the agent's side.
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, ipproto};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Addresses of documentation (RFC 5737, RFC 3849): nobody is there, and the kernel does not know.
const OUTSIDE: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// What was tried, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tried {
    /// Which way.
    pub what: String,
    /// What came of it.
    pub how: String,
    /// Whether it leads out.
    pub is_out: bool,
}

/// A question for the text (TXT) of a name that nobody has (RFC 2606). The gate's own server says of
/// texts that it does not know them, and no other does.
const TEXT_OF_NOBODY: &[u8] =
    b"\x74\x67\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08tollgate\x07invalid\x00\x00\x10\x00\x01";
const NOT_IMPLEMENTED: u8 = 4;

/// Tries them all; `admin` is the gate's own admin listener, `names` whether it is a DNS server.
pub fn run(targets: &[IpAddr], admin: SocketAddr, names: bool) -> Vec<Tried> {
    let usual = || OUTSIDE.iter().filter_map(|address| address.parse().ok()).collect();
    let targets: Vec<IpAddr> = if targets.is_empty() { usual() } else { targets.to_vec() };
    let mut tried = Vec::new();
    for target in targets {
        for (what, port) in [("UDP", 9), ("QUIC", 443), ("NTP", 123)] {
            tried.push(udp(what, SocketAddr::new(target, port)));
        }
        tried.push(question(SocketAddr::new(target, 53), names));
        tried.push(echo(target));
        tried.push(raw(target));
        for (what, port) in [("SSH", 22), ("SMTP", 25)] {
            tried.push(foreign(
                what,
                SocketAddr::new(target, port),
                b"SSH-2.0-tollgate\r\n",
                false,
            ));
        }
        let length = [0, TEXT_OF_NOBODY.len() as u8];
        let question = [&length[..], TEXT_OF_NOBODY].concat();
        tried.push(foreign("DNS over TCP", SocketAddr::new(target, 53), &question, names));
    }
    tried.push(operators(admin));
    tried
}

fn closed(what: String, how: impl Into<String>) -> Tried {
    Tried { what, how: how.into(), is_out: false }
}

fn out(what: String, how: impl Into<String>) -> Tried {
    Tried { what, how: how.into(), is_out: true }
}

/// A packet that the rules drop is refused to its sender.
fn udp(what: &str, to: SocketAddr) -> Tried {
    let what = format!("{what} to {to}");
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let sent = UdpSocket::bind(any).and_then(|socket| socket.send_to(b"tollgate", to));
    match sent {
        Ok(_) => out(what, "the packet was taken"),
        Err(error) => closed(what, error.to_string()),
    }
}

/// Questions for names may be led to the gate's own server.
fn question(to: SocketAddr, names: bool) -> Tried {
    let what = format!("DNS over UDP to {to}");
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let asked = UdpSocket::bind(any).and_then(|socket| {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(to)?;
        socket.send(TEXT_OF_NOBODY).map(|_| socket)
    });
    let socket = match asked {
        Ok(socket) => socket,
        Err(error) => return closed(what, error.to_string()),
    };
    let mut answer = [0; 512];
    match socket.recv(&mut answer) {
        Ok(_) if names && is_the_gates(&answer) => closed(what, "answered by the gate"),
        Ok(_) => out(what, "somebody answered"),
        Err(_) => out(what, "the packet was taken"),
    }
}

fn is_the_gates(answer: &[u8]) -> bool {
    answer.starts_with(TEXT_OF_NOBODY.get(..2).unwrap_or_default())
        && answer.get(3).is_some_and(|flags| flags & 15 == NOT_IMPLEMENTED)
}

/// An echo request from an unprivileged socket, where the kernel gives one.
fn echo(to: IpAddr) -> Tried {
    let what = format!("ICMP to {to}");
    let (family, protocol, packet) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP, [8, 0, 0, 0, 0, 0, 0, 1]),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6, [128, 0, 0, 0, 0, 0, 0, 1]),
    };
    let before = transmitted();
    let socket = rustix::net::socket(family, SocketType::DGRAM, Some(protocol));
    let tried = send(what, socket, to, &packet);
    // Of ICMPv6 the kernel does not tell the sender that a packet was dropped.
    match (to, before, transmitted()) {
        (IpAddr::V6(_), Some(before), Some(after)) if tried.is_out && before == after => {
            closed(tried.what, "the packet was taken, and did not leave")
        }
        _ => tried,
    }
}

/// How many IPv6 packets were handed to a device, behind all rules, where the kernel counts them.
/// Others' are among them; so nothing is called closed that is not, only the other way about.
fn transmitted() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/self/net/snmp6").ok()?;
    let line = counts.lines().find_map(|line| line.strip_prefix("Ip6OutTransmits"))?;
    line.trim().parse().ok()
}

fn raw(to: IpAddr) -> Tried {
    let what = format!("raw IP to {to}");
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket(family, SocketType::RAW, Some(ipproto::UDP));
    send(what, socket, to, &[0, 9, 0, 9, 0, 8, 0, 0])
}

fn send(
    what: String,
    socket: rustix::io::Result<rustix::fd::OwnedFd>,
    to: IpAddr,
    packet: &[u8],
) -> Tried {
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return closed(what, format!("no such socket for this user: {error}")),
    };
    let flags = rustix::net::SendFlags::empty();
    match rustix::net::sendto(&socket, packet, flags, &SocketAddr::new(to, 0)) {
        Ok(_) => out(what, "the packet was taken"),
        Err(error) => closed(what, error.to_string()),
    }
}

/// A protocol that the gate does not speak: the connection may be taken by the gate, which then
/// closes it without a word.
fn foreign(what: &str, to: SocketAddr, bytes: &[u8], names: bool) -> Tried {
    let what = format!("{what} to {to}");
    let mut stream = match TcpStream::connect_timeout(&to, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => return closed(what, error.to_string()),
    };
    match answer(&mut stream, bytes) {
        Some(said) if said.is_empty() => closed(what, "taken by the gate and closed"),
        Some(said) if names && said.get(2..).is_some_and(is_the_gates) => {
            closed(what, "answered by the gate")
        }
        Some(_) => out(what, "somebody answered"),
        // Silence is what a server that speaks last would give as well.
        None => out(what, "the connection stands"),
    }
}

/// The operators' listener is on the same machine; the agent has no business there.
fn operators(to: SocketAddr) -> Tried {
    let what = format!("the admin listener at {to}");
    let Ok(mut stream) = TcpStream::connect_timeout(&to, PATIENCE) else {
        return closed(what, "no connection");
    };
    let request = b"GET /version HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut text = Vec::new();
    let asked = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request));
    let _ = asked.map(|()| stream.take(4096).read_to_end(&mut text));
    match text.windows(9).any(|part| part == b"\"version\"") {
        true => out(what, "it answers"),
        false => closed(what, "it does not answer"),
    }
}

/// Sends, and gives what comes back; nothing when nothing does in time.
fn answer(stream: &mut TcpStream, bytes: &[u8]) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let _ = stream.write_all(bytes);
    let mut buffer = [0; 256];
    match stream.read(&mut buffer) {
        Ok(count) => buffer.get(..count).map(<[u8]>::to_vec),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(_) => Some(Vec::new()),
    }
}
