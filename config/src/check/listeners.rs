//! Listeners, the registry of agents and the operators' listener.
use std::collections::HashMap;
use std::net::SocketAddr;

use super::{place, unique, unique_in};
use crate::errata::Errata;
use crate::settings::Admin;
use crate::tree::{Kind, Node, Place};
use crate::words::{listed, meant, showable, shown};

pub(super) fn check(root: &Node, errata: &mut Errata) {
    unique(root, "listeners", "name", errata);
    agents(root, errata);
    plain(root, errata);
    unix(root, errata);
    vouching(root, errata);
    strangers(root, errata);
    names(root, errata);
    admin(root, errata);
    binds(root, errata);
}

/// What makes an agent known means no other.
pub(super) fn agents(root: &Node, errata: &mut Errata) {
    unique(root, "agents", "id", errata);
    certificates(root, errata);
    users(root, errata);
    delegations(root, errata);
}

/// Whoever delegates is registered, and delegates to nobody above itself. With agents elsewhere only
/// the registry can tell.
fn delegations(root: &Node, errata: &mut Errata) {
    let agents = root.items("agents");
    let above: HashMap<&str, &str> = agents
        .iter()
        .filter_map(|agent| Some((agent.text("id")?, agent.text("delegated_by")?)))
        .collect();
    for (nth, agent) in agents.iter().enumerate() {
        let Some(by) = agent.text("delegated_by") else { continue };
        let at = format!("agents[{nth}].delegated_by");
        let known = agents.iter().any(|other| other.text("id") == Some(by));
        let elsewhere = root.value("agents_folder").is_some() || root.value("listeners").is_none();
        if !known && !elsewhere {
            let message = format!("{} is not registered", shown(by));
            errata
                .add(place(agent, "delegated_by"), at, message)
                .help("add it to `agents`, or take this away");
            continue;
        }
        let mut next = Some(by);
        // As many steps as there are agents, or it goes in a circle.
        for _ in 0..agents.len() {
            next = next.and_then(|at| above.get(at).copied());
        }
        if next.is_some() {
            errata
                .add(place(agent, "delegated_by"), at, "leads in a circle")
                .help("an agent that nobody delegated to has no `delegated_by`");
        }
    }
}

/// A plain listener is one agent that exists, and stays on loopback unless told otherwise.
fn plain(root: &Node, errata: &mut Errata) {
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        let transparent = listener.text("type") == Some("transparent");
        if listener.text("type") != Some("plain") && !transparent {
            continue;
        }
        let intercept = root.value("forward_proxy").and_then(|proxy| proxy.value("intercept"));
        if transparent && intercept.is_none() {
            errata
                .add(
                    listener.place.clone(),
                    format!("listeners[{nth}]"),
                    "what is redirected here cannot be looked into",
                )
                .help("set `forward_proxy.intercept`, and name the hosts that may be reached under `forward_proxy.hosts`");
        }
        known_agent(root, listener, &format!("listeners[{nth}]"), errata);
        if let Some(bind) = address(listener)
            && !bind.ip().to_canonical().is_loopback()
            && !listener.flag("danger_allow_remote")
        {
            let message = format!("`{bind}` is not a loopback address");
            errata
                .add(place(listener, "bind"), format!("listeners[{nth}].bind"), message)
                .help(match transparent {
                    true => "the kernel redirects to this machine itself: bind to `127.0.0.1` or `[::1]`",
                    false => "nobody proves who they are here: bind to `127.0.0.1` or `[::1]`, use `type: tls`, or set `danger_allow_remote: true`",
                });
        }
    }
}

/// Whoever is let in on a unix socket is named, one way or the other.
fn unix(root: &Node, errata: &mut Errata) {
    let mut taken: HashMap<&str, usize> = HashMap::new();
    let registered = root.value("agents_folder").is_some()
        || root.items("agents").iter().any(|agent| !agent.items("uids").is_empty());
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        if listener.text("type") != Some("unix") {
            continue;
        }
        let path = format!("listeners[{nth}]");
        known_agent(root, listener, &path, errata);
        let listed = ["uids", "gids"].iter().any(|key| !listener.items(key).is_empty());
        let bound = listener.value("agent").is_some();
        let wrong = match (bound, listed) {
            (true, false) => Some((
                "nothing says whose processes are `agent`",
                "list the numbers of its users in `uids`, or of its groups in `gids`",
            )),
            (false, true) => Some((
                "nothing says which agent these users are",
                "set `agent`, or move the numbers to `agents[].uids`",
            )),
            (false, false) if !registered => Some((
                "nobody could be known here",
                "give an agent its users' numbers in `agents[].uids`, or set `agent` and `uids`",
            )),
            _ => None,
        };
        if let Some((message, help)) = wrong {
            errata.add(listener.place.clone(), path.as_str(), message).help(help);
        }
        if let Some(file) = listener.text("path")
            && let Some(other) = taken.insert(file, nth)
        {
            let message = format!("{} is taken by `listeners[{other}].path`", shown(file));
            errata
                .add(place(listener, "path"), format!("{path}.path"), message)
                .help("each has its own file");
        }
    }
}

/// Somebody vouches for the clients of a TLS listener.
fn vouching(root: &Node, errata: &mut Errata) {
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        if listener.text("type") != Some("tls") {
            continue;
        }
        let path = format!("listeners[{nth}]");
        let authorities = listener.value("client_ca").is_some();
        if !authorities && listener.items("trust_domains").is_empty() {
            errata
                .add(listener.place.clone(), path.as_str(), "nobody vouches for the clients")
                .help("set `client_ca`, or list `trust_domains`");
        }
        if !authorities && listener.value("revocation").is_some() {
            errata
                .add(
                    place(listener, "revocation"),
                    format!("{path}.revocation"),
                    "there is no `client_ca` that could have revoked anything",
                )
                .help("put it below the trust domain that it is for");
        }
        unique_in(listener, &format!("{path}."), "trust_domains", "name", errata);
        presented(root, listener, &path, errata);
    }
}

/// A TLS listener presents one certificate, and what it wants of the Workload API can be had.
fn presented(root: &Node, listener: &Node, path: &str, errata: &mut Errata) {
    let svid = listener.flag("svid");
    for key in ["certificate", "key"] {
        match (svid, listener.value(key)) {
            (true, Some(value)) => {
                errata
                    .add(value.place.clone(), format!("{path}.{key}"), "`svid` is set, too")
                    .help("the listener presents one certificate: keep one of the two");
            }
            (false, None) => {
                errata
                    .add(listener.place.clone(), path, format!("key `{key}` is missing"))
                    .help("set `certificate` and `key`, or `svid: true` with `workload_api`");
            }
            _ => {}
        }
    }
    if root.value("workload_api").is_some() {
        return;
    }
    const HELP: &str = "set `workload_api.socket`";
    if svid {
        errata
            .add(place(listener, "svid"), format!("{path}.svid"), "there is no `workload_api`")
            .help(HELP);
    }
    for (nth, domain) in listener.items("trust_domains").iter().enumerate() {
        if domain.value("bundle").is_none() {
            let path = format!("{path}.trust_domains[{nth}]");
            errata
                .add(
                    domain.place.clone(),
                    path,
                    "it has no `bundle`, and there is no `workload_api`",
                )
                .help(HELP);
        }
    }
}

/// What the kernel says of every user that has no number in the gate's own user namespace.
const NOBODY: i128 = 65_534;

fn tell_nobody(path: String, place: Place, errata: &mut Errata) {
    errata
        .add(place, path, "`65534` stands for every user of other user namespaces")
        .help("name users that the gate's own namespace knows");
}

/// The numbers of a list.
fn numbers(node: &Node, key: &str) -> Vec<(i128, Place)> {
    let number = |item: &Node| match item.kind {
        Kind::Integer(number) => Some((number, item.place.clone())),
        _ => None,
    };
    node.items(key).iter().filter_map(number).collect()
}

/// A user's number means one agent, and one user.
fn users(root: &Node, errata: &mut Errata) {
    let mut taken: HashMap<i128, usize> = HashMap::new();
    for (nth, agent) in root.items("agents").iter().enumerate() {
        for (uid, place) in numbers(agent, "uids") {
            let path = format!("agents[{nth}].uids");
            if uid == NOBODY {
                tell_nobody(path, place, errata);
            } else if let Some(other) = taken.insert(uid, nth)
                && other != nth
            {
                errata
                    .add(place, path, format!("`{uid}` already means `agents[{other}]`"))
                    .help("a user means one agent");
            }
        }
    }
}

/// A number on a unix socket's lists is somebody's.
fn strangers(root: &Node, errata: &mut Errata) {
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        for key in ["uids", "gids"] {
            for (number, place) in numbers(listener, key) {
                if number == NOBODY {
                    tell_nobody(format!("listeners[{nth}].{key}"), place, errata);
                }
            }
        }
    }
}

/// Who asks the DNS server is one agent that exists, and on this machine.
fn names(root: &Node, errata: &mut Errata) {
    let Some(dns) = root.value("dns") else { return };
    known_agent(root, dns, "dns", errata);
    if let Some(listen) = socket(dns, "listen")
        && !listen.ip().to_canonical().is_loopback()
    {
        let message = format!("`{listen}` is not a loopback address");
        errata
            .add(place(dns, "listen"), "dns.listen", message)
            .help("nobody proves who they are here: listen on `127.0.0.1` or `[::1]`");
    }
}

/// Tells when the agent that `node` is bound to is not registered.
fn known_agent(root: &Node, node: &Node, path: &str, errata: &mut Errata) {
    let agents: Vec<&str> =
        root.items("agents").iter().filter_map(|agent| agent.text("id")).collect();
    // What may be told of them.
    let shown_agents = || agents.iter().copied().filter(|id| showable(id));
    let Some(agent) = node.text("agent") else { return };
    if agents.contains(&agent) || agent.is_empty() {
        return;
    }
    let message = format!("{} is no agent of the registry", shown(agent));
    let draft = errata.add(place(node, "agent"), format!("{path}.agent"), message);
    match meant(agent, shown_agents()) {
        Some(meant) => draft.help(format!("did you mean `{meant}`?")),
        None if (1..=5).contains(&shown_agents().count()) => {
            draft.help(format!("`agents` has {}", listed(shown_agents(), "and")));
        }
        None => draft.help("add it to `agents`"),
    }
}

fn address(node: &Node) -> Option<SocketAddr> {
    socket(node, "bind")
}

fn socket(node: &Node, key: &str) -> Option<SocketAddr> {
    node.text(key)?.parse().ok()
}

fn admin(root: &Node, errata: &mut Errata) {
    let Some(admin) = root.value("admin") else { return };
    if let Some(bind) = address(admin)
        && !bind.ip().to_canonical().is_loopback()
    {
        errata
            .add(place(admin, "bind"), "admin.bind", format!("`{bind}` is not a loopback address"))
            .help(
                "the operators' listener asks nobody who they are: bind to `127.0.0.1` or `[::1]`",
            );
    }
}

/// No two listeners may want the same port. Port 0 asks the system for a free one.
fn binds(root: &Node, errata: &mut Errata) {
    let mut taken: Vec<(SocketAddr, String)> = Vec::new();
    let admin = root.value("admin");
    let admin_bind = match admin.filter(|admin| admin.value("bind").is_some()) {
        Some(admin) => address(admin),
        None => Some(Admin::default().bind),
    };
    for (nth, listener) in root.items("listeners").iter().enumerate() {
        let path = format!("listeners[{nth}].bind");
        let Some(bind) = address(listener) else { continue };
        tell_overlap(bind, &taken, place(listener, "bind"), &path, errata);
        if admin_bind.is_some_and(|admin| overlap(admin, bind)) {
            errata
                .add(
                    place(listener, "bind"),
                    path.as_str(),
                    format!("`{bind}` is also `admin.bind`"),
                )
                .help("choose another port for one of them");
        }
        taken.push((bind, path));
    }
    let Some(dns) = root.value("dns") else { return };
    let Some(listen) = socket(dns, "listen") else { return };
    taken.extend(admin_bind.map(|admin| (admin, "admin.bind".to_owned())));
    tell_overlap(listen, &taken, place(dns, "listen"), "dns.listen", errata);
}

fn tell_overlap(
    bind: SocketAddr,
    taken: &[(SocketAddr, String)],
    place: Place,
    path: &str,
    errata: &mut Errata,
) {
    if let Some((_, other)) = taken.iter().find(|(other, _)| overlap(*other, bind)) {
        errata
            .add(place, path, format!("`{bind}` is taken by `{other}`"))
            .help("choose another port for one of them");
    }
}

fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.is_ipv4() == other.is_ipv4()
        && (one.ip().is_unspecified() || other.ip().is_unspecified());
    one.port() != 0 && one.port() == other.port() && (one.ip() == other.ip() || any)
}

/// A name in a certificate means one agent.
fn certificates(root: &Node, errata: &mut Errata) {
    let mut taken: HashMap<(&str, &str), usize> = HashMap::new();
    for (nth, agent) in root.items("agents").iter().enumerate() {
        let Some(names) = agent.value("certificate") else { continue };
        for key in ["common_name", "dns_name"] {
            let Some(name) = names.text(key) else { continue };
            if let Some(other) = taken.get(&(key, name)) {
                let message = format!("{} already means `agents[{other}]`", shown(name));
                errata
                    .add(place(names, key), format!("agents[{nth}].certificate.{key}"), message)
                    .help("a name in a certificate means one agent");
            } else {
                taken.insert((key, name), nth);
            }
        }
    }
}
