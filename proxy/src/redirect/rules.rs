//! The ruleset as text for `nft` (nftables(8)): made from what is wished, the same every time.
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// The table that holds every rule, so that taking it away takes all of them.
pub const TABLE: &str = "inet tollgate";

/// Whose connections are redirected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// A user's processes.
    User(u32),
    /// The processes in a control group (cgroup v2), by its path below the root.
    Group(String),
}

/// What the rules are to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Whose connections.
    pub agents: Vec<Who>,
    /// The gate's transparent listeners: one for each family at most.
    pub transparent: Vec<SocketAddr>,
    /// The gate's other listeners that agents may use.
    pub open: Vec<SocketAddr>,
    /// Name servers that agents may ask.
    pub resolvers: Vec<IpAddr>,
    /// The gate's own name server, to which every other question for names is led.
    pub names: Option<SocketAddr>,
    /// Whether the kernel may tell routers of multicast groups. It does so of itself when a program
    /// joins one, so a rule about a user does not see it, and the group's address is free to choose.
    pub multicast: bool,
}

impl Wish {
    /// The rules. Loading them twice is as loading them once.
    pub fn rules(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        // A table that is not there cannot be deleted: it is made first.
        let _ = writeln!(out, "table {TABLE} {{}}\ndelete table {TABLE}\ntable {TABLE} {{");
        out.push_str("\tcounter dropped {\n\t}\n\n");
        out.push_str("\tchain led {\n\t\ttype nat hook output priority -100; policy accept;\n");
        self.each(out, "to_gate");
        out.push_str("\t}\n\n\tchain to_gate {\n");
        self.accepted(out);
        if let Some(names) = &self.names {
            lead_names(out, names);
        }
        for to in &self.transparent {
            lead(out, to);
        }
        out.push_str("\t}\n\n");
        out.push_str("\tchain guarded {\n\t\ttype filter hook output priority 0; policy accept;\n");
        if !self.multicast {
            out.push_str("\t\tip protocol igmp counter name dropped drop\n");
            out.push_str(
                "\t\ticmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } \
                 counter name dropped drop\n",
            );
        }
        self.each(out, "only_gate");
        out.push_str("\t}\n\n\tchain only_gate {\n");
        self.accepted(out);
        for to in &self.transparent {
            let _ = writeln!(out, "\t\t{}", tcp(to));
        }
        if let Some(names) = &self.names {
            let (family, address, port) = (family(names.ip()), names.ip(), names.port());
            let _ = writeln!(
                out,
                "\t\t{family} daddr {address} meta l4proto {{ tcp, udp }} th dport {port} accept"
            );
        }
        // Answers of the agent's own servers to whoever was let in.
        out.push_str("\t\tct direction reply accept\n");
        out.push_str("\t\tcounter name dropped drop\n\t}\n\n");
        // A socket that is bound to a device takes what was led to the gate out by that device.
        out.push_str(
            "\tchain edge {\n\t\ttype filter hook postrouting priority 0; policy accept;\n",
        );
        out.push_str("\t\toifname != \"lo\" ip daddr 127.0.0.0/8 counter name dropped drop\n");
        out.push_str("\t\toifname != \"lo\" ip6 daddr ::1 counter name dropped drop\n\t}\n}\n");
    }

    fn each(&self, out: &mut String, chain: &str) {
        for who in &self.agents {
            let _ = match who {
                Who::User(id) => writeln!(out, "\t\tmeta skuid {id} jump {chain}"),
                Who::Group(path) => {
                    let level = path.split('/').filter(|part| !part.is_empty()).count();
                    writeln!(out, "\t\tsocket cgroupv2 level {level} \"{path}\" jump {chain}")
                }
            };
        }
    }

    fn accepted(&self, out: &mut String) {
        for to in &self.open {
            let _ = writeln!(out, "\t\t{}", tcp(to));
        }
        for resolver in &self.resolvers {
            let family = family(*resolver);
            let _ = writeln!(out, "\t\t{family} daddr {resolver} udp dport 53 accept");
            let _ = writeln!(out, "\t\t{family} daddr {resolver} tcp dport 53 accept");
        }
    }
}

/// The rules that take the table away, whether it is there or not.
pub fn undo() -> String {
    format!("table {TABLE} {{}}\ndelete table {TABLE}\n")
}

/// Leads every question for names to this server, which is asked in its own family.
pub(super) fn lead_names(out: &mut String, to: &SocketAddr) {
    let (family, port) = (protocol(to), to.port());
    let _ = writeln!(
        out,
        "\t\tmeta nfproto {family} meta l4proto {{ tcp, udp }} th dport 53 redirect to :{port}"
    );
}

/// Leads every other connection of its family to this listener.
pub(super) fn lead(out: &mut String, to: &SocketAddr) {
    let (family, port) = (protocol(to), to.port());
    let _ = writeln!(out, "\t\tmeta nfproto {family} meta l4proto tcp redirect to :{port}");
}

fn protocol(to: &SocketAddr) -> &'static str {
    if to.is_ipv4() { "ipv4" } else { "ipv6" }
}

pub(super) fn tcp(to: &SocketAddr) -> String {
    format!("{} daddr {} tcp dport {} accept", family(to.ip()), to.ip(), to.port())
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_the_same_every_time() {
        let wish = Wish {
            agents: vec![Who::User(1000), Who::Group("system.slice/agent.service".to_owned())],
            transparent: vec!["127.0.0.1:15001".parse().unwrap(), "[::1]:15001".parse().unwrap()],
            open: vec!["127.0.0.1:8080".parse().unwrap()],
            resolvers: vec!["192.0.2.53".parse().unwrap()],
            names: Some("127.0.0.1:5353".parse().unwrap()),
            multicast: false,
        };
        let golden = include_str!("rules.golden.nft");
        assert_eq!(wish.rules(), golden, "the rules are\n{}", wish.rules());
    }
}
