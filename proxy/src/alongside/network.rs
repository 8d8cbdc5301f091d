//! What the command's network is made of: a loopback, routes that lead every address there, and the
//! rules by which what comes there arrives at the gate.
//!
//! The kernel is asked by rtnetlink(7), in a few messages that never change.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{AddressFamily, SocketType};
use rustix::thread::{
    CapabilitySet, capabilities, clear_ambient_capability_set, configure_capability_in_ambient_set,
    set_capabilities,
};

use super::sockets::Sockets;
use crate::redirect::{Inner, load};

/// Interface 1 is the loopback of every network.
const LOOPBACK: i32 = 1;

/// Switches the loopback on.
pub(super) fn loopback_up() -> std::io::Result<()> {
    const NEW_LINK: u16 = 16;
    const UP: u32 = 1;
    // struct ifinfomsg: family, padding, type, index, flags, which of them change.
    let mut link = vec![0; 4];
    link.extend(LOOPBACK.to_ne_bytes());
    link.extend(UP.to_ne_bytes());
    link.extend(UP.to_ne_bytes());
    ask(NEW_LINK, 0, &link)
}

/// Opens what who obeys nothing is led to, and has the kernel lead there. On loopback the command is
/// at home, but for the ports that the gate itself may reach there.
pub(super) fn lead(sockets: &mut Sockets, ports: &[u16]) -> Result<(), String> {
    sockets.lead(ports).map_err(|error| format!("no sockets can be opened: {error}"))?;
    for listener in &sockets.redirected {
        let to = listener.local_addr().map_err(|error| error.to_string())?.ip();
        everywhere(to).map_err(|error| format!("no route to {to} can be made: {error}"))?;
    }
    let place = |place: std::io::Result<_>| place.map_err(|error| error.to_string());
    let redirected = sockets.redirected.iter().map(|listener| place(listener.local_addr()));
    let names = sockets.names.iter().map(|(_, tcp)| place(tcp.local_addr()));
    let inner = Inner {
        gate: place(sockets.gate.local_addr())?,
        transparent: redirected.collect::<Result<_, _>>()?,
        names: names.collect::<Result<_, _>>()?,
        ports: ports.to_vec(),
    };
    keep_rights().map_err(|error| format!("`nft` cannot be given the right to: {error}"))?;
    let loaded = load(&inner.rules());
    give_up_rights().map_err(|error| error.to_string())?;
    loaded
}

/// A route by which every address of a family is this machine's.
fn everywhere(to: IpAddr) -> std::io::Result<()> {
    const NEW_ROUTE: u16 = 24;
    const CREATE: u16 = 0x400;
    const TABLE_LOCAL: u8 = 255;
    const MADE_AT_START: u8 = 3;
    const SCOPE_HOST: u8 = 254;
    const KIND_LOCAL: u8 = 2;
    const OUT_BY: u16 = 4;
    const PREFERRED_SOURCE: u16 = 7;
    let (family, source) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, Ipv4Addr::LOCALHOST.octets().to_vec()),
        IpAddr::V6(_) => (AddressFamily::INET6, Ipv6Addr::LOCALHOST.octets().to_vec()),
    };
    // struct rtmsg: family, two lengths of prefixes, type of service, then what kind of route.
    let mut route = vec![u8::try_from(family.as_raw()).unwrap_or_default(), 0, 0, 0];
    route.extend([TABLE_LOCAL, MADE_AT_START, SCOPE_HOST, KIND_LOCAL]);
    route.extend([0; 4]);
    for (kind, value) in [(OUT_BY, LOOPBACK.to_ne_bytes().to_vec()), (PREFERRED_SOURCE, source)] {
        // struct rtattr: length, type; addresses of both families fill whole words.
        route.extend(u16::try_from(value.len() + 4).unwrap_or_default().to_ne_bytes());
        route.extend(kind.to_ne_bytes());
        route.extend(value);
    }
    ask(NEW_ROUTE, CREATE, &route)
}

/// Asks the kernel for one thing, and waits for its word.
fn ask(kind: u16, flags: u16, what: &[u8]) -> std::io::Result<()> {
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const ERROR: u16 = 2;
    let length = u32::try_from(what.len() + 16).map_err(std::io::Error::other)?;
    let mut asked = Vec::with_capacity(64);
    // struct nlmsghdr: length, type, flags, sequence, port.
    asked.extend(length.to_ne_bytes());
    asked.extend(kind.to_ne_bytes());
    asked.extend((REQUEST_AND_ACKNOWLEDGE | flags).to_ne_bytes());
    asked.extend([0; 8]);
    asked.extend(what);
    // NETLINK_ROUTE is protocol 0, which is the default.
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::send(&socket, &asked, rustix::net::SendFlags::empty())?;
    let mut answer = [0_u8; 1024];
    rustix::net::recv(&socket, &mut answer, rustix::net::RecvFlags::empty())?;
    // The acknowledgement is an error of number 0, behind a header of 16 bytes.
    let kind = answer.get(4..6).and_then(|kind| Some(u16::from_ne_bytes(kind.try_into().ok()?)));
    let fault = answer.get(16..20).and_then(|at| Some(i32::from_ne_bytes(at.try_into().ok()?)));
    match (kind, fault) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(fault)) => {
            Err(std::io::Error::from_raw_os_error(fault.saturating_neg()))
        }
        _ => Err(std::io::Error::other("the kernel's answer cannot be read")),
    }
}

/// Whoever makes a user namespace has every right in it, and loses them to a program that it becomes
/// or starts, unless that is root. `nft` needs one.
fn keep_rights() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::NET_ADMIN;
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(CapabilitySet::NET_ADMIN, true)
}

fn give_up_rights() -> rustix::io::Result<()> {
    clear_ambient_capability_set()?;
    let mut sets = capabilities(None)?;
    sets.inheritable -= CapabilitySet::NET_ADMIN;
    set_capabilities(None, sets)
}
