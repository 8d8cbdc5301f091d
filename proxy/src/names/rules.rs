//! Which names the agent may ask for, and how often.
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use tollgate_config::settings::{Dns, Settings};
use tollgate_dlp::{Grade, Scanner};
use tollgate_rules::Host;

use super::hiding;
use crate::clear::{HostList, RouteFault, Routes};

/// The lists and limits in force.
#[derive(Debug)]
pub struct NameRules {
    /// The settings they were made from.
    pub settings: Dns,
    allow: Option<HostList>,
    block: HostList,
    quota: Arc<DefaultDirectRateLimiter>,
}

impl NameRules {
    /// Builds the rules. `before` lends the count, so that a reload hands out no fresh budget.
    pub fn build(settings: &Settings, before: Option<&Self>) -> Result<Option<Self>, RouteFault> {
        let Some(dns) = &settings.dns else { return Ok(None) };
        let rate = dns.limits.per_minute;
        let quota = match before {
            Some(before) if before.settings.limits.per_minute == rate => Arc::clone(&before.quota),
            _ => {
                let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
                Arc::new(RateLimiter::direct(Quota::per_minute(rate)))
            }
        };
        let allow = (!dns.allow.is_empty()).then(|| HostList::build(&dns.allow));
        Ok(Some(Self {
            allow: allow.transpose()?,
            block: HostList::build(&dns.block)?,
            settings: dns.clone(),
            quota,
        }))
    }

    /// Counts one query; whether there was room for it.
    pub fn count(&self) -> bool {
        self.quota.check().is_ok()
    }

    /// Why this name may not be asked for, or the host that it means and the ranges of addresses
    /// that are wanted there.
    pub fn judge(
        &self,
        name: &str,
        routes: &Routes,
        scanner: &Scanner,
    ) -> Result<(Host, Vec<IpNet>), &'static str> {
        let host = Host::parse(name).map_err(|_| "no name of a host")?;
        // Numbers are addresses, and other spellings would be another name.
        if host.name() != Some(name) {
            return Err("no name of a host");
        }
        if self.block.chosen(&host).is_some() {
            return Err("the name is on the block list");
        }
        let chosen = match &self.allow {
            Some(list) => list.chosen(&host).map(str::to_owned),
            None => routes.named(&host),
        };
        let Some(chosen) = chosen else { return Err("the name is on no list") };
        if let Some(why) = hiding::why(name, &chosen, &self.settings.limits) {
            return Err(why);
        }
        let found = scanner.scan(chosen.as_bytes());
        if found.iter().any(|finding| finding.grade == Grade::Certain) {
            return Err("something was found in the name");
        }
        let wanted = routes.wanted(&host);
        Ok((host, wanted))
    }
}
