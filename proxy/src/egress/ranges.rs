//! Which addresses may not be connected to unless a route says so.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Why an address is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forbidden(&'static str);

impl Forbidden {
    /// The range's name, for the record.
    pub fn range(self) -> &'static str {
        self.0
    }
}

/// Checks an address that is about to be connected to.
///
/// An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, Teredo, ISATAP) is judged by both.
/// Metadata services are let through only by a route that names the single address: a wide range
/// such as `169.254.0.0/16` does not reach them by accident.
pub fn check(address: IpAddr, allowed: &[IpNet]) -> Result<(), Forbidden> {
    let address = address.to_canonical();
    judge(address, address, allowed)?;
    match address {
        IpAddr::V6(six) => embedded(six)
            .into_iter()
            .flatten()
            .try_for_each(|four| judge(IpAddr::V4(four), address, allowed)),
        IpAddr::V4(_) => Ok(()),
    }
}

fn judge(meant: IpAddr, written: IpAddr, allowed: &[IpNet]) -> Result<(), Forbidden> {
    let names = |net: &&IpNet| net.contains(&meant) || net.contains(&written);
    let single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
    if METADATA.contains(&meant) {
        return match allowed.iter().filter(names).any(single) {
            true => Ok(()),
            false => Err(Forbidden("metadata")),
        };
    }
    match range(meant) {
        None => Ok(()),
        Some(_) if allowed.iter().any(|net| names(&net)) => Ok(()),
        Some(name) => Err(Forbidden(name)),
    }
}

/// Metadata services: AWS, GCP, Azure and most others; AWS on IPv6; Alibaba; Azure's wire server;
/// Oracle.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// The special-purpose range an address is in (IANA registries of RFC 6890).
fn range(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(four) => range_of_four(four),
        IpAddr::V6(six) => range_of_six(six),
    }
}

fn range_of_four(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (0, _, _) => Some("this-network"),
        (127, _, _) => Some("loopback"),
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) => Some("private"),
        (100, 64..=127, _) => Some("shared (CGNAT)"),
        (169, 254, _) => Some("link-local"),
        (192, 0, 0) => Some("protocol-assignments"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("documentation"),
        (192, 88, 99) => Some("6to4-relay"),
        (198, 18..=19, _) => Some("benchmarking"),
        (224..=239, _, _) => Some("multicast"),
        (240..=255, _, _) => Some("reserved"),
        _ => None,
    }
}

fn range_of_six(ip: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, ..] = ip.segments();
    if ip.is_loopback() {
        return Some("loopback");
    }
    if ip.is_unspecified() {
        return Some("unspecified");
    }
    match a {
        0xfc00..=0xfdff => Some("unique-local"),
        0xfe80..=0xfebf => Some("link-local"),
        0xfec0..=0xfeff => Some("site-local"),
        0xff00..=0xffff => Some("multicast"),
        0x0100 if b == 0 && c == 0 => Some("discard"),
        0x0064 if b == 0xff9b && c == 1 => Some("local-translation"),
        0x2001 if b == 0x0db8 => Some("documentation"),
        0x2001 => assigned_for_protocols(ip),
        0x3fff if b < 0x1000 => Some("documentation"),
        0x5f00 => Some("segment-routing"),
        // IPv4-compatible and the rest of ::/96 were never meant to be routed.
        0 if b == 0 && c == 0 => Some("reserved"),
        _ => None,
    }
}

/// 2001::/23 (RFC 2928): nothing in it is reached but what the registry lets out, and Teredo, which is
/// judged by what it carries.
fn assigned_for_protocols(ip: Ipv6Addr) -> Option<&'static str> {
    match ip.segments() {
        // Overlay identifiers (RFC 4843, RFC 7343) and drones' (RFC 9374) name hosts and are no places.
        [_, 0x0010..=0x003f, ..] => Some("identifiers"),
        [_, 2, 0, ..] => Some("benchmarking"),
        // Port control and relays by anycast (RFC 7723, RFC 8155), service registration (RFC 9665).
        [_, 1, 0, 0, 0, 0, 0, 1..=3] => None,
        // Multicast relays (RFC 7450), and where nobody's reverse names end (RFC 7535).
        [_, 0 | 3, ..] | [_, 4, 0x0112, ..] => None,
        [_, 0x0001..=0x01ff, ..] => Some("protocol-assignments"),
        _ => None,
    }
}

/// The IPv4 addresses inside an IPv6 one: by its prefix in 6to4 (RFC 3056), NAT64 (RFC 6052, RFC 8215),
/// Teredo (RFC 4380, where it is written inverted) and IPv4-compatible ones (RFC 4291); and behind any
/// prefix in those of ISATAP (RFC 5214 section 6.1).
fn embedded(six: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let four = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    let carried = match six.segments() {
        [0x2002, high, low, ..] => Some(four(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(four(high, low)),
        [0x0064, 0xff9b, 1, _, _, _, high, low] => Some(four(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(four(!high, !low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(four(high, low)),
        _ => None,
    };
    let reached = match six.segments() {
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => Some(four(high, low)),
        _ => None,
    };
    [carried, reached]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_taken_for_what_it_is() {
        let mut checked = 0;
        for line in include_str!("../../../tests/cases/addresses.txt").lines() {
            let mut parts = line.split('\t');
            let (Some("range"), Some(address), Some(expect)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let found = check(address.parse().unwrap(), &[]).err().map(Forbidden::range);
            assert_eq!(found.unwrap_or("-"), expect, "{address}");
            checked += 1;
        }
        assert!(checked > 50, "the table was not read");
    }

    #[test]
    fn routes_open_what_they_name() {
        let open = |nets: &[&str], address: &str| {
            let nets = nets.iter().map(|net| net.parse().unwrap()).collect::<Vec<IpNet>>();
            check(address.parse().unwrap(), &nets).is_ok()
        };
        assert!(open(&["127.0.0.0/8"], "127.0.0.1"));
        assert!(open(&["127.0.0.0/8"], "::ffff:127.0.0.1"));
        assert!(!open(&["10.0.0.0/8"], "127.0.0.1"));
        assert!(!open(&["169.254.0.0/16"], "169.254.169.254"));
        assert!(open(&["169.254.169.254/32"], "169.254.169.254"));
        assert!(!open(&["0.0.0.0/0", "::/0"], "fd00:ec2::254"));
        assert!(open(&["fd00::/8"], "fd12::1"));
    }
}
