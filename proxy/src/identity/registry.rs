//! The registry of agents.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use tollgate_config::settings::{AgentEntry, Listener};
use tollgate_rules::{Agent, AgentId, Call, Code, Trust};

use super::{PeerNames, Unidentified};
use crate::listen::Process;

/// A registry that contradicts itself. The config crate reports these with their place; this is
/// the second lock on the same door.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFault {
    /// Two entries share an id or a certificate name.
    #[error("agent `{0}` stands twice in the registry")]
    Twice(String),
    /// What stands among an agent's tools is no pattern.
    #[error("a pattern among the tools of agent `{0}` cannot be read")]
    Tools(String),
    /// Who delegates to an agent is not known, or is delegated to by it.
    #[error("agent `{agent}` is delegated to by `{by}`, {}", if *.circle { "and that leads in a circle" } else { "which is not registered" })]
    Delegation {
        /// Whom to.
        agent: String,
        /// Who delegates.
        by: String,
        /// It stands above itself.
        circle: bool,
    },
    /// A plain listener is bound to an agent that is not registered.
    #[error("listener `{listener}` is bound to agent `{agent}`, which is not registered")]
    Unbound {
        /// The listener.
        listener: String,
        /// The agent it names.
        agent: String,
    },
}

/// Who is known, and by which names.
#[derive(Debug, Default)]
pub struct Registry {
    by_id: HashMap<String, Arc<Agent>>,
    by_common_name: HashMap<String, Arc<Agent>>,
    by_dns_name: HashMap<String, Arc<Agent>>,
    by_listener: HashMap<String, Arc<Agent>>,
    by_uid: HashMap<u32, Arc<Agent>>,
    /// Who delegated to an agent, the nearest first.
    above: HashMap<AgentId, Vec<AgentId>>,
    /// Those below more agents than one above them may delegate through.
    too_deep: HashSet<AgentId>,
    tools: HashMap<AgentId, GlobSet>,
    local: HashMap<String, Local>,
}

/// Who is let in on a unix socket as the agent that it is bound to.
#[derive(Debug)]
struct Local {
    agent: Arc<Agent>,
    uids: Vec<u32>,
    gids: Vec<u32>,
}

impl Registry {
    /// Builds the registry from settings.
    pub fn build(entries: &[AgentEntry], listeners: &[Listener]) -> Result<Self, RegistryFault> {
        let mut registry = Self::default();
        let named = entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        for entry in entries {
            let above = delegators(entry, &named)?;
            let agent = Arc::new(agent(entry, &above));
            let deep = (1..).zip(&above).any(|(depth, above)| above.delegation_depth < depth);
            if deep {
                registry.too_deep.insert(agent.id.clone());
            }
            if !above.is_empty() {
                let above = above.iter().map(|above| AgentId::new(above.id.clone())).collect();
                registry.above.insert(agent.id.clone(), above);
            }
            add(&mut registry.by_id, &entry.id, &agent)?;
            if let Some(name) = &entry.certificate.common_name {
                add(&mut registry.by_common_name, name, &agent)?;
            }
            if let Some(name) = &entry.certificate.dns_name {
                add(&mut registry.by_dns_name, &name.to_ascii_lowercase(), &agent)?;
            }
            if let Some(tools) = &entry.tools {
                let tools =
                    patterns(tools).ok_or_else(|| RegistryFault::Tools(entry.id.clone()))?;
                registry.tools.insert(agent.id.clone(), tools);
            }
            for uid in &entry.uids {
                let before = registry.by_uid.insert(*uid, Arc::clone(&agent));
                if before.is_some_and(|other| other.id != agent.id) {
                    return Err(RegistryFault::Twice(uid.to_string()));
                }
            }
        }
        for listener in listeners {
            let Some(bound) = listener.agent() else { continue };
            let agent = registry.by_id.get(bound).ok_or_else(|| RegistryFault::Unbound {
                listener: listener.name().to_owned(),
                agent: bound.to_owned(),
            })?;
            let (name, agent) = (listener.name().to_owned(), Arc::clone(agent));
            if let Listener::Unix(unix) = listener {
                let (uids, gids) = (unix.uids.clone(), unix.gids.clone());
                registry.local.insert(name, Local { agent, uids, gids });
            } else {
                registry.by_listener.insert(name, agent);
            }
        }
        Ok(registry)
    }

    /// The agent that everybody on this plain listener is.
    pub fn bound_to(&self, listener: &str) -> Option<Arc<Agent>> {
        self.by_listener.get(listener).cloned()
    }

    /// Who delegated to an agent, the nearest first.
    pub fn delegated_by(&self, agent: &AgentId) -> &[AgentId] {
        self.above.get(agent).map_or(&[], Vec::as_slice)
    }

    /// Why the registry does not let an agent call this. Messages of MCP that call no tool are the
    /// rules' affair alone.
    pub fn refuses(&self, call: &Call) -> Option<Code> {
        if self.too_deep.contains(&call.agent.id) {
            return Some(Code::DelegationDepthExceeded);
        }
        let tool = call.action.tool.is_some() || call.action.method.is_empty();
        let may = !tool || self.may_use(&call.agent.id, &call.tool_name());
        (!may).then_some(Code::ToolUnregistered)
    }

    /// Whether the registry lets an agent use a tool of this name: it, and all who delegated to it.
    pub fn may_use(&self, agent: &AgentId, tool: &str) -> bool {
        let all = std::iter::once(agent).chain(self.delegated_by(agent));
        all.filter_map(|agent| self.tools.get(agent)).all(|tools| tools.is_match(tool))
    }

    /// The agent that a process is on this unix socket: its user's own, else the socket's.
    pub fn local(&self, listener: &str, process: Process) -> Option<Arc<Agent>> {
        if let Some(agent) = self.by_uid.get(&process.uid) {
            return Some(Arc::clone(agent));
        }
        let local = self.local.get(listener)?;
        let listed = local.uids.contains(&process.uid) || local.gids.contains(&process.gid);
        listed.then(|| Arc::clone(&local.agent))
    }

    /// The agent with this id.
    pub fn known(&self, id: &str) -> Option<Arc<Agent>> {
        self.by_id.get(id).cloned()
    }

    /// The agent that a certificate's names mean: by its SPIFFE ID when it has one, else by its
    /// mapped common name and DNS names, which must agree.
    pub fn named(&self, names: &PeerNames) -> Result<Arc<Agent>, Unidentified> {
        match names.uris.as_slice() {
            [] => {}
            [uri] => return self.by_id.get(uri).cloned().ok_or(Unidentified::Unknown),
            _ => return Err(Unidentified::Ambiguous),
        }
        if names.dns.is_empty() && names.common_names.is_empty() {
            return Err(Unidentified::Missing);
        }
        let mut found = names
            .common_names
            .iter()
            .filter_map(|name| self.by_common_name.get(name))
            .chain(names.dns.iter().filter_map(|name| self.by_dns_name.get(name)));
        let Some(first) = found.next() else { return Err(Unidentified::Unknown) };
        if found.any(|other| other.id != first.id) {
            return Err(Unidentified::Ambiguous);
        }
        Ok(Arc::clone(first))
    }

    /// How many agents are known.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// What stands in the registry about an agent, and what those above it leave of that.
fn agent(entry: &AgentEntry, above: &[&AgentEntry]) -> Agent {
    let trusts = above.iter().map(|above| Trust::from(above.trust));
    Agent {
        id: AgentId::new(entry.id.clone()),
        agent_type: entry.agent_type.clone(),
        environment: entry.environment.clone(),
        trust: trusts.fold(entry.trust.into(), Trust::min),
        roles: entry.roles.clone(),
        owner: entry.owner.clone(),
        tools: entry.tools.clone().unwrap_or_default(),
        delegation_depth: u32::try_from(above.len()).unwrap_or(u32::MAX),
    }
}

/// The entries of those who delegated to an agent, the nearest first.
fn delegators<'e>(
    entry: &'e AgentEntry,
    named: &HashMap<&str, &'e AgentEntry>,
) -> Result<Vec<&'e AgentEntry>, RegistryFault> {
    let mut above: Vec<&AgentEntry> = Vec::new();
    let mut below = entry;
    while let Some(by) = &below.delegated_by {
        let fault =
            |circle| RegistryFault::Delegation { agent: below.id.clone(), by: by.clone(), circle };
        let next = named.get(by.as_str()).copied().ok_or_else(|| fault(false))?;
        if next.id == entry.id || above.iter().any(|known| known.id == next.id) {
            return Err(fault(true));
        }
        above.push(next);
        below = next;
    }
    Ok(above)
}

fn add(
    map: &mut HashMap<String, Arc<Agent>>,
    name: &str,
    agent: &Arc<Agent>,
) -> Result<(), RegistryFault> {
    match map.insert(name.to_owned(), Arc::clone(agent)) {
        None => Ok(()),
        Some(_) => Err(RegistryFault::Twice(name.to_owned())),
    }
}

/// Names of tools; unlike in lists of hosts, upper and lower case differ.
fn patterns(words: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for word in words {
        set.add(GlobBuilder::new(word).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, common_name: Option<&str>, dns_name: Option<&str>) -> AgentEntry {
        AgentEntry {
            id: id.to_owned(),
            certificate: tollgate_config::settings::CertificateNames {
                common_name: common_name.map(str::to_owned),
                dns_name: dns_name.map(str::to_owned),
            },
            trust: Default::default(),
            agent_type: None,
            uids: Vec::new(),
            environment: "dev".to_owned(),
            roles: Vec::new(),
            owner: None,
            tools: None,
            delegated_by: None,
            delegation_depth: 0,
            limits: None,
        }
    }

    #[test]
    fn a_list_of_tools_is_all_there_is() {
        let list = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let some =
            AgentEntry { tools: list(&["get_*", "GET /v1/**"]), ..entry("some", None, None) };
        let none = AgentEntry { tools: list(&[]), ..entry("none", None, None) };
        let registry = Registry::build(&[some, none, entry("all", None, None)], &[]).unwrap();
        for (agent, tool, expect) in [
            ("some", "get_weather", true),
            ("some", "Get_weather", false),
            ("some", "delete", false),
            ("some", "GET /v1/orders/7", true),
            ("some", "POST /v1/orders/7", false),
            ("some", "GET /v2/orders", false),
            ("none", "get_weather", false),
            ("all", "delete", true),
        ] {
            assert_eq!(registry.may_use(&AgentId::new(agent), tool), expect, "{agent} {tool}");
        }
    }

    #[test]
    fn what_is_delegated_is_no_more_than_there_is() {
        use tollgate_config::settings::TrustWord;
        let list = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let by = |id: &str, by: Option<&str>, depth: u32, trust: TrustWord, tools| AgentEntry {
            delegated_by: by.map(str::to_owned),
            delegation_depth: depth,
            trust,
            tools,
            ..entry(id, None, None)
        };
        let chain = |top: u32, middle: u32| {
            [
                by("top", None, top, TrustWord::Basic, list(&["get_*"])),
                by("middle", Some("top"), middle, TrustWord::System, None),
                by("low", Some("middle"), 0, TrustWord::Verified, list(&["get_a", "put_a"])),
            ]
        };
        let registry = Registry::build(&chain(2, 1), &[]).unwrap();
        let low = registry.known("low").unwrap();
        assert_eq!((low.trust, low.delegation_depth), (Trust::Basic, 2));
        let above = registry.delegated_by(&low.id).iter().map(AgentId::as_str).collect::<Vec<_>>();
        assert_eq!(above, ["middle", "top"]);
        for (tool, expect) in [("get_a", true), ("get_b", false), ("put_a", false)] {
            assert_eq!(registry.may_use(&low.id, tool), expect, "{tool}");
        }
        assert!(!registry.may_use(&AgentId::new("middle"), "put_a"));
        for (top, middle, deep) in [
            (2, 1, &[][..]),
            (1, 1, &["low"]),
            (2, 0, &["low"]),
            (0, 1, &["low", "middle"]),
            (0, 0, &["low", "middle"]),
        ] {
            let registry = Registry::build(&chain(top, middle), &[]).unwrap();
            let mut found = registry.too_deep.iter().map(AgentId::as_str).collect::<Vec<_>>();
            found.sort_unstable();
            assert_eq!(found, deep, "{top} {middle}");
        }
        for circle in [
            vec![by("a", Some("a"), 9, TrustWord::Basic, None)],
            vec![
                by("a", Some("b"), 9, TrustWord::Basic, None),
                by("b", Some("c"), 9, TrustWord::Basic, None),
                by("c", Some("b"), 9, TrustWord::Basic, None),
            ],
            vec![by("a", Some("nobody"), 9, TrustWord::Basic, None)],
        ] {
            assert!(matches!(Registry::build(&circle, &[]), Err(RegistryFault::Delegation { .. })));
        }
    }

    #[test]
    fn users_mean_one_agent_or_nobody() {
        use tollgate_config::settings::UnixListener;
        let mine = AgentEntry { uids: vec![1, 2], ..entry("mine", None, None) };
        let listener = |name: &str, agent: Option<&str>| {
            Listener::Unix(UnixListener {
                name: name.to_owned(),
                path: "x".into(),
                mode: "0600".to_owned(),
                group: None,
                agent: agent.map(str::to_owned),
                uids: vec![3],
                gids: vec![4],
            })
        };
        let listeners = [listener("bound", Some("other")), listener("open", None)];
        let agents = [mine.clone(), entry("other", None, None)];
        let registry = Registry::build(&agents, &listeners).unwrap();
        for (listener, uid, gid, expect) in [
            ("bound", 1, 9, Some("mine")),
            ("bound", 2, 4, Some("mine")),
            ("bound", 3, 9, Some("other")),
            ("bound", 9, 4, Some("other")),
            ("bound", 9, 3, None),
            ("bound", 0, 0, None),
            ("open", 1, 1, Some("mine")),
            ("open", 3, 4, None),
        ] {
            let found = registry.local(listener, Process { uid, gid, pid: None });
            let found = found.as_ref().map(|agent| agent.id.as_str());
            assert_eq!(found, expect, "{listener} {uid} {gid}");
        }
        let twice = [mine, AgentEntry { uids: vec![2], ..entry("other", None, None) }];
        assert!(Registry::build(&twice, &[]).is_err());
    }

    fn names(uris: &[&str], common_names: &[&str], dns: &[&str]) -> PeerNames {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        PeerNames { uris: own(uris), common_names: own(common_names), dns: own(dns) }
    }

    #[test]
    fn names_mean_one_agent_or_nobody() {
        let entries = [
            entry("spiffe://acme/a", None, None),
            entry("b", Some("bee"), Some("Bee.test")),
            entry("c", Some("sea"), None),
        ];
        let registry = Registry::build(&entries, &[]).unwrap();
        for (names, expect) in [
            (names(&["spiffe://acme/a"], &["bee"], &[]), Ok("spiffe://acme/a")),
            (names(&["spiffe://acme/x"], &["bee"], &[]), Err(Unidentified::Unknown)),
            (
                names(&["spiffe://acme/a", "spiffe://acme/b"], &[], &[]),
                Err(Unidentified::Ambiguous),
            ),
            (names(&[], &["bee"], &["bee.test"]), Ok("b")),
            (names(&[], &["sea"], &["bee.test"]), Err(Unidentified::Ambiguous)),
            (names(&[], &["dee"], &[]), Err(Unidentified::Unknown)),
            (names(&[], &[], &[]), Err(Unidentified::Missing)),
        ] {
            let found = registry.named(&names);
            assert_eq!(found.as_ref().map(|a| a.id.as_str()).map_err(|e| *e), expect, "{names:?}");
        }
        assert!(Registry::build(&[entry("a", None, None), entry("a", None, None)], &[]).is_err());
    }
}
