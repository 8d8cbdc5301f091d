//! The sockets of the command's network, on their way out of it to the gate.
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::names::Pair;

/// One for the gate, and one of each other kind for each family.
const SOCKETS_MAX: usize = 7;
/// How often a free port is looked for that is free for both.
const PORTS_TRIED: usize = 16;

/// What each descriptor is, told beside it by one byte.
const GATE: u8 = b'g';
const REDIRECTED: u8 = b'r';
const NAMES_TCP: u8 = b't';
const NAMES_UDP: u8 = b'u';

/// What listens in the command's network.
#[derive(Debug)]
pub(super) struct Sockets {
    /// Where variables lead.
    pub(super) gate: TcpListener,
    /// Where the kernel leads who obeys none: one for each family that there is.
    pub(super) redirected: Vec<TcpListener>,
    /// Where it leads who asks for names.
    pub(super) names: Vec<Pair>,
}

impl Sockets {
    /// Those that who obeys nothing is led to, on none of the ports that are led there themselves.
    /// Without IPv6 there is nobody to be led by it.
    pub(super) fn lead(&mut self, ports: &[u16]) -> std::io::Result<()> {
        let (four, six) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        let mut redirected = vec![free(four, ports)?];
        let mut names = vec![pair(four, ports)?];
        if let Ok(listener) = free(six, ports) {
            redirected.push(listener);
            names.push(pair(six, ports)?);
        }
        (self.redirected, self.names) = (redirected, names);
        Ok(())
    }

    /// Sends them to the gate.
    pub(super) fn send(&self, talk: &UnixStream) -> std::io::Result<()> {
        let mut kinds = vec![GATE];
        let mut sockets: Vec<BorrowedFd<'_>> = vec![self.gate.as_fd()];
        for listener in &self.redirected {
            kinds.push(REDIRECTED);
            sockets.push(listener.as_fd());
        }
        for (udp, tcp) in &self.names {
            kinds.extend([NAMES_UDP, NAMES_TCP]);
            sockets.extend([udp.as_fd(), tcp.as_fd()]);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
            return Err(std::io::Error::other("no room for the sockets"));
        }
        sendmsg(talk, &[IoSlice::new(&kinds)], &mut control, SendFlags::empty())?;
        Ok(())
    }

    /// Takes what the helper sends, none of which blocks.
    pub(super) fn receive(talk: &UnixStream) -> std::io::Result<Self> {
        let mut kinds = [0_u8; SOCKETS_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        recvmsg(talk, &mut [IoSliceMut::new(&mut kinds)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let sent = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => rights.collect(),
            _ => Vec::new(),
        });
        let (mut gate, mut redirected, mut names) = (None, Vec::new(), Vec::new());
        let mut datagrams: Option<UdpSocket> = None;
        for (kind, socket) in kinds.into_iter().zip(sent) {
            match (kind, datagrams.take()) {
                (GATE, _) => gate = Some(listener(socket)?),
                (REDIRECTED, _) => redirected.push(listener(socket)?),
                (NAMES_UDP, _) => {
                    let socket = UdpSocket::from(socket);
                    socket.set_nonblocking(true)?;
                    datagrams = Some(socket);
                }
                (NAMES_TCP, Some(udp)) => names.push((udp, listener(socket)?)),
                _ => return Err(std::io::Error::other("the helper sent something else")),
            }
        }
        let gate = gate.ok_or_else(|| std::io::Error::other("the helper sent no socket"))?;
        Ok(Self { gate, redirected, names })
    }
}

fn listener(socket: OwnedFd) -> std::io::Result<TcpListener> {
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A free port that is none of these.
fn free(address: IpAddr, ports: &[u16]) -> std::io::Result<TcpListener> {
    // Held until another is found, or it would be given again.
    let mut held = Vec::new();
    for _ in 0..PORTS_TRIED {
        let listener = TcpListener::bind((address, 0))?;
        if !ports.contains(&listener.local_addr()?.port()) {
            return Ok(listener);
        }
        held.push(listener);
    }
    Err(std::io::Error::other("no port"))
}

/// Both kinds on one port, since the rules know one.
fn pair(address: IpAddr, ports: &[u16]) -> std::io::Result<Pair> {
    let mut last = None;
    for _ in 0..PORTS_TRIED {
        let tcp = free(address, ports)?;
        match UdpSocket::bind::<SocketAddr>(tcp.local_addr()?) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("no port")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_taken() {
        let (here, there) = UnixStream::pair().unwrap();
        let gate = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sent = Sockets { gate, redirected: Vec::new(), names: Vec::new() };
        for led in [false, true] {
            if led {
                sent.lead(&[1]).unwrap();
            }
            sent.send(&here).unwrap();
            let taken = Sockets::receive(&there).unwrap();
            let places = |sockets: &Sockets| {
                let redirected = sockets.redirected.iter().map(TcpListener::local_addr);
                let names = sockets.names.iter();
                let names = names.flat_map(|(udp, tcp)| [udp.local_addr(), tcp.local_addr()]);
                let all = std::iter::once(sockets.gate.local_addr()).chain(redirected).chain(names);
                all.map(Result::unwrap).collect::<Vec<_>>()
            };
            assert_eq!(places(&taken), places(&sent));
            assert_eq!(!taken.names.is_empty(), led);
        }
        drop(here);
        assert!(Sockets::receive(&there).is_err());
    }
}
