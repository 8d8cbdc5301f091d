//! How often, and how many at once.
//!
//! Counted after the rules allowed a call, so that a denied call costs no budget. Every store is
//! bounded: when it is full and nothing in it can be forgotten, a new key is refused.
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tollgate_config::settings::{self, AgentEntry};
use tollgate_rules::{AgentId, Code};

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, NoOpMiddleware>;

/// A limit that was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exceeded {
    /// Which.
    pub code: Code,
    /// When to come back, when that is known.
    pub retry_after: Option<Duration>,
}

/// The limiter: one budget for each agent, by the common limits or by its own. A budget outlives
/// reloads as long as its limits stay the same, so that a reload does not hand out fresh ones.
#[derive(Debug)]
pub struct Limits {
    common: Arc<Budgets>,
    own: HashMap<AgentId, Arc<Budgets>>,
}

impl Limits {
    /// Builds the limiter. `before` lends the budgets whose limits are the same, and the places that
    /// are taken.
    pub fn build(
        settings: &settings::Limits,
        agents: &[AgentEntry],
        before: Option<&Self>,
    ) -> Self {
        let flying = before.map(|before| Arc::clone(&before.common.flying)).unwrap_or_default();
        let keep = |settings: &settings::Limits, kept: Option<&Arc<Budgets>>| match kept {
            Some(kept) if kept.settings == *settings => Arc::clone(kept),
            _ => Arc::new(Budgets::new(settings, Arc::clone(&flying))),
        };
        let own = agents.iter().filter_map(|agent| {
            let limits = agent.limits.as_ref()?;
            let settings = settings::Limits {
                agent_per_minute: limits.per_minute.unwrap_or(settings.agent_per_minute),
                agent_tool_per_minute: limits
                    .tool_per_minute
                    .unwrap_or(settings.agent_tool_per_minute),
                agent_concurrency: limits.concurrency.unwrap_or(settings.agent_concurrency),
                keys_max: settings.keys_max,
            };
            let id = AgentId::new(agent.id.clone());
            let kept = before.and_then(|before| before.own.get(&id));
            let budgets = keep(&settings, kept);
            Some((id, budgets))
        });
        Self { own: own.collect(), common: keep(settings, before.map(|before| &before.common)) }
    }

    fn of(&self, agent: &AgentId) -> &Budgets {
        self.own.get(agent).unwrap_or(&self.common)
    }

    /// Takes a place among the agent's calls in flight; dropping it gives the place back.
    pub fn enter(&self, agent: &AgentId) -> Result<InFlight, Exceeded> {
        self.of(agent).enter(agent)
    }

    /// Whether it has to be told that the agent reached this limit.
    pub fn is_news(&self, agent: &AgentId, code: Code) -> bool {
        self.of(agent).is_news(agent, code)
    }

    /// Counts one call: first against the agent, then against the agent and tool.
    pub fn count(&self, agent: &AgentId, tool: &str) -> Result<(), Exceeded> {
        self.of(agent).count(agent, tool)
    }
}

/// The budgets of all agents with the same limits.
#[derive(Debug)]
struct Budgets {
    settings: settings::Limits,
    clock: DefaultClock,
    agents: Keyed<AgentId>,
    tools: Keyed<(AgentId, u64)>,
    flying: Arc<Mutex<HashMap<AgentId, u32>>>,
    /// When it was last told that an agent reached a limit; as large as the registry, since only
    /// its agents get here.
    told: Mutex<HashMap<(AgentId, Code), Instant>>,
}

/// A limit that is reached again so soon after it was told is no news.
const NEWS_EVERY: Duration = Duration::from_secs(60);

impl Budgets {
    fn new(settings: &settings::Limits, flying: Arc<Mutex<HashMap<AgentId, u32>>>) -> Self {
        let quota = |per_minute| {
            // The schema's range starts at 1; should a 0 get here, one call a minute is the
            // strictest that can be said.
            Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN))
        };
        Self {
            settings: settings.clone(),
            clock: DefaultClock::default(),
            agents: RateLimiter::keyed(quota(settings.agent_per_minute)),
            tools: RateLimiter::keyed(quota(settings.agent_tool_per_minute)),
            flying,
            told: Mutex::default(),
        }
    }

    fn enter(&self, agent: &AgentId) -> Result<InFlight, Exceeded> {
        let mut flying = self.flying.lock();
        let count = flying.entry(agent.clone()).or_insert(0);
        if *count >= self.settings.agent_concurrency {
            return Err(Exceeded { code: Code::ConcurrencyExceeded, retry_after: None });
        }
        *count += 1;
        Ok(InFlight { agent: agent.clone(), flying: Arc::clone(&self.flying) })
    }

    fn is_news(&self, agent: &AgentId, code: Code) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock();
        let last = told.insert((agent.clone(), code), now);
        match last {
            Some(last) if now.duration_since(last) < NEWS_EVERY => {
                told.insert((agent.clone(), code), last);
                false
            }
            _ => true,
        }
    }

    fn count(&self, agent: &AgentId, tool: &str) -> Result<(), Exceeded> {
        self.make_room(&self.agents)?;
        if let Err(not_until) = self.agents.check_key(agent) {
            let wait = not_until.wait_time_from(self.clock.now());
            return Err(Exceeded { code: Code::RateLimitAgent, retry_after: Some(wait) });
        }
        self.make_room(&self.tools)?;
        // A print of the name, so that the store's memory does not depend on what agents send.
        let key = (agent.clone(), fingerprint(tool));
        if let Err(not_until) = self.tools.check_key(&key) {
            let wait = not_until.wait_time_from(self.clock.now());
            return Err(Exceeded { code: Code::RateLimitTool, retry_after: Some(wait) });
        }
        Ok(())
    }

    fn make_room<K>(&self, store: &Keyed<K>) -> Result<(), Exceeded>
    where
        K: Clone + std::hash::Hash + Eq,
    {
        if store.len() < self.settings.keys_max {
            return Ok(());
        }
        // Keys whose budget is whole again are the same as keys never seen.
        store.retain_recent();
        if store.len() < self.settings.keys_max {
            return Ok(());
        }
        Err(Exceeded { code: Code::LimiterUnavailable, retry_after: Some(Duration::from_secs(60)) })
    }
}

fn fingerprint(tool: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    tool.hash(&mut hasher);
    hasher.finish()
}

/// A place among an agent's calls in flight.
#[derive(Debug)]
pub struct InFlight {
    agent: AgentId,
    flying: Arc<Mutex<HashMap<AgentId, u32>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut flying = self.flying.lock();
        if let Some(count) = flying.get_mut(&self.agent) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                flying.remove(&self.agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(agent: u32, tool: u32, concurrency: u32, keys: usize) -> settings::Limits {
        settings::Limits {
            agent_per_minute: agent,
            agent_tool_per_minute: tool,
            agent_concurrency: concurrency,
            keys_max: keys,
        }
    }

    fn limits(agent: u32, tool: u32, concurrency: u32, keys: usize) -> Limits {
        Limits::build(&common(agent, tool, concurrency, keys), &[], None)
    }

    fn entry(id: &str, limits: settings::AgentLimits) -> AgentEntry {
        serde_json::from_value(serde_json::json!({ "id": id, "limits": limits })).unwrap()
    }

    #[test]
    fn an_agents_own_limits_are_its_own() {
        let common = common(2, 2, 1, 100);
        let wide = settings::AgentLimits {
            per_minute: Some(3),
            tool_per_minute: Some(3),
            concurrency: None,
        };
        let agents = [entry("wide", wide.clone())];
        let limits = Limits::build(&common, &agents, None);
        let (wide_id, other) = (AgentId::new("wide"), AgentId::new("other"));
        for _ in 0..2 {
            assert_eq!(limits.count(&other, "t"), Ok(()));
            assert_eq!(limits.count(&wide_id, "t"), Ok(()));
        }
        assert!(limits.count(&other, "t").is_err());
        assert_eq!(limits.count(&wide_id, "t"), Ok(()));
        assert!(limits.count(&wide_id, "t").is_err());
        let place = limits.enter(&wide_id).unwrap();
        assert!(limits.enter(&wide_id).is_err(), "what is not set is as for all");

        // The same again hands out nothing fresh; another limit is a new budget, its places are not.
        let same = Limits::build(&common, &agents, Some(&limits));
        assert!(same.count(&other, "t").is_err() && same.count(&wide_id, "t").is_err());
        let wider = settings::AgentLimits { per_minute: Some(9), ..wide };
        let wider = Limits::build(&common, &[entry("wide", wider)], Some(&same));
        assert!(wider.count(&other, "t").is_err());
        assert_eq!(wider.count(&wide_id, "t"), Ok(()));
        assert!(wider.enter(&wide_id).is_err());
        drop(place);
        assert!(wider.enter(&wide_id).is_ok());
        let none = Limits::build(&common, &[], Some(&wider));
        assert!(none.count(&other, "t").is_err());
        assert_eq!(none.count(&wide_id, "t"), Ok(()));
    }

    #[test]
    fn agent_before_tool() {
        let limits = limits(3, 2, 1, 100);
        let agent = AgentId::new("a");
        assert_eq!(limits.count(&agent, "t"), Ok(()));
        assert_eq!(limits.count(&agent, "t"), Ok(()));
        assert_eq!(limits.count(&agent, "t").unwrap_err().code, Code::RateLimitTool);
        let over = limits.count(&agent, "t").unwrap_err();
        assert_eq!(over.code, Code::RateLimitAgent);
        assert!(over.retry_after.unwrap() <= Duration::from_secs(60));
        assert_eq!(limits.count(&AgentId::new("b"), "t"), Ok(()));
    }

    #[test]
    fn places_come_back() {
        let limits = limits(10, 10, 2, 100);
        let agent = AgentId::new("a");
        let first = limits.enter(&agent).unwrap();
        let _second = limits.enter(&agent).unwrap();
        assert_eq!(limits.enter(&agent).unwrap_err().code, Code::ConcurrencyExceeded);
        drop(first);
        assert!(limits.enter(&agent).is_ok());
    }

    #[test]
    fn a_full_store_refuses_new_keys() {
        let limits = limits(100, 100, 2, 16);
        let agent = AgentId::new("a");
        let refused = (0..40)
            .filter_map(|n| limits.count(&agent, &format!("tool-{n}")).err())
            .map(|over| over.code)
            .collect::<Vec<_>>();
        assert!(!refused.is_empty());
        assert!(refused.iter().all(|code| *code == Code::LimiterUnavailable));
    }
}
