//! The rules inside the network of a contained command, where every address is the machine's own.
use std::fmt::Write as _;
use std::net::SocketAddr;

use super::rules::{TABLE, lead, lead_names, tcp};

/// What listens in the command's network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inner {
    /// Where variables lead, which is not redirected.
    pub gate: SocketAddr,
    /// Where connections are redirected to: one for each family at most.
    pub transparent: Vec<SocketAddr>,
    /// Where questions for names are: one for each family at most.
    pub names: Vec<SocketAddr>,
    /// Ports on loopback that are redirected as well; the others are the command's own.
    pub ports: Vec<u16>,
}

impl Inner {
    /// The rules. What they do not lead to the gate is dropped and counted, so that no address but
    /// those of loopback ever seems to answer.
    pub fn rules(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "table {TABLE} {{\n\tcounter dropped {{\n\t}}\n");
        out.push_str("\tchain led {\n\t\ttype nat hook output priority -100; policy accept;\n");
        let _ = writeln!(out, "\t\t{}", tcp(&self.gate));
        self.names.iter().for_each(|to| lead_names(out, to));
        let ports = self.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let own = match ports.is_empty() {
            true => String::new(),
            false => format!("tcp dport != {{ {ports} }} "),
        };
        let _ =
            writeln!(out, "\t\tip daddr 127.0.0.0/8 {own}accept\n\t\tip6 daddr ::1 {own}accept");
        self.transparent.iter().for_each(|to| lead(out, to));
        out.push_str("\t}\n\n");
        out.push_str("\tchain guarded {\n\t\ttype filter hook output priority 0; policy accept;\n");
        out.push_str("\t\tip daddr 127.0.0.0/8 accept\n\t\tip6 daddr ::1 accept\n");
        out.push_str("\t\tcounter name dropped drop\n\t}\n}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_the_same_every_time() {
        let inner = Inner {
            gate: "127.0.0.1:8080".parse().unwrap(),
            transparent: vec!["127.0.0.1:15001".parse().unwrap(), "[::1]:15002".parse().unwrap()],
            names: vec!["127.0.0.1:5353".parse().unwrap(), "[::1]:5354".parse().unwrap()],
            ports: vec![80, 3000],
        };
        let golden = include_str!("inner.golden.nft");
        assert_eq!(inner.rules(), golden, "the rules are\n{}", inner.rules());
        let own = Inner { ports: Vec::new(), ..inner };
        assert!(
            own.rules().contains("\t\tip daddr 127.0.0.0/8 accept\n\t\tip6 daddr ::1 accept\n")
        );
    }
}
