//! A host that cannot be spelled two ways.
use std::fmt;
use std::net::IpAddr;

/// A normalised host: a lower-case ASCII (IDNA) name without a trailing dot, or an IP address.
///
/// Parsing follows the WHATWG URL host parser, so percent-encoding, full-width letters, decimal,
/// octal and hexadecimal IPv4 spellings all end in the one form that is matched and connected to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Host(Inner);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Inner {
    Name(String),
    Address(IpAddr),
}

/// Text that is no host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host name or address")]
pub struct HostError;

impl Host {
    /// Reads a host without port; IPv6 in brackets.
    ///
    /// ```
    /// use tollgate_rules::Host;
    /// assert_eq!(Host::parse("API.GitHub.com.")?.to_string(), "api.github.com");
    /// assert_eq!(Host::parse("0x7f.1")?.to_string(), "127.0.0.1");
    /// # Ok::<(), tollgate_rules::HostError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, HostError> {
        // A name longer than 253 octets cannot be resolved (RFC 1035 section 2.3.4); the slack is
        // for percent-encoding.
        if text.is_empty() || text.len() > 1024 {
            return Err(HostError);
        }
        match url::Host::parse(text).map_err(|_| HostError)? {
            url::Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                if name.is_empty() || name.len() > 253 || name.ends_with('.') || name.contains("..")
                {
                    return Err(HostError);
                }
                Ok(Self(Inner::Name(name.to_owned())))
            }
            url::Host::Ipv4(ip) => Ok(Self(Inner::Address(ip.into()))),
            url::Host::Ipv6(ip) => Ok(Self(Inner::Address(IpAddr::V6(ip).to_canonical()))),
        }
    }

    /// The name, unless this is an address.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Inner::Name(name) => Some(name),
            Inner::Address(_) => None,
        }
    }

    /// The address, unless this is a name.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Inner::Name(_) => None,
            Inner::Address(ip) => Some(ip),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Name(name) => f.write_str(name),
            Inner::Address(IpAddr::V4(ip)) => ip.fmt(f),
            Inner::Address(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet() {
        for (given, expect) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("ex%61mple.com", "example.com"),
            ("２１３０７０６４３３", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("[::ffff:169.254.169.254]", "169.254.169.254"),
            ("[::1]", "[::1]"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(Host::parse(given).unwrap().to_string(), expect, "{given}");
        }
        for bad in
            ["", ".", "a..b", "exa mple.com", "a@b", "a/b", "a%00b", "a:80", "[::1", "..", "a.."]
        {
            assert_eq!(Host::parse(bad), Err(HostError), "{bad}");
        }
    }

    #[test]
    fn every_spelling_of_the_table() {
        let table = include_str!("../../tests/cases/addresses.txt").lines();
        let cases = table.filter_map(|line| line.strip_prefix("host\t")?.split_once('\t'));
        let cases = cases.collect::<Vec<_>>();
        assert!(cases.len() > 50, "the table was not read");
        let listed = cases.iter().map(|case| case.1).collect::<std::collections::HashSet<_>>();
        for (spelling, expect) in cases {
            let found = Host::parse(spelling).map(|host| host.to_string());
            match expect {
                "no" => assert!(!found.is_ok_and(|host| listed.contains(&*host)), "{spelling}"),
                expect => assert_eq!(found.as_deref(), Ok(expect), "{spelling}"),
            }
        }
    }
}
