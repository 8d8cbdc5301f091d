//! Which rules can match a call at all, in the order of the bundle.
//!
//! Each rule is filed once, under the first thing it names exactly or by prefix: the tool, else
//! the resource, the path, the host, the agent. Rules that name none of these are looked at for
//! every call. So rules about other tools, paths, hosts and agents cost a call nothing.
use std::collections::HashMap;

use crate::Host;
use crate::facts::Facts;
use crate::pattern::{HostPattern, Pattern};
use crate::rule::{Matcher, Rule};

/// Rule numbers, ascending.
type Numbers = Vec<u32>;

#[derive(Default)]
pub(crate) struct Index {
    tools: Words,
    resources: Words,
    paths: Words,
    hosts: HashMap<Host, Numbers>,
    agents: Words,
    rest: Numbers,
}

impl Index {
    /// Files every rule.
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (number, rule) in (0..).zip(rules) {
            index.file(number, &rule.matcher);
        }
        index
    }

    fn file(&mut self, number: u32, matcher: &Matcher) {
        if self.tools.file(number, matcher.tool.as_deref())
            || self.resources.file(number, matcher.resource.as_deref())
            || self.paths.file(number, matcher.path.as_deref())
            || file_hosts(&mut self.hosts, number, matcher.host.as_deref())
            || self.agents.file(number, matcher.agents.as_deref())
        {
            return;
        }
        self.rest.push(number);
    }

    /// The numbers of the rules worth asking, ascending.
    pub(crate) fn candidates(&self, facts: &Facts<'_>) -> Candidates<'_> {
        let mut lists = Vec::new();
        self.tools.find(Some(&facts.tool), &mut lists);
        self.tools.find(facts.plain_tool.as_deref(), &mut lists);
        self.resources.find(facts.resource, &mut lists);
        self.resources.find(facts.plain_resource.as_deref(), &mut lists);
        self.paths.find(facts.path, &mut lists);
        self.paths.find(facts.plain_path.as_deref(), &mut lists);
        if let Some(numbers) = facts.host.and_then(|host| self.hosts.get(host)) {
            lists.push(numbers.as_slice());
        }
        self.agents.find(Some(facts.agent_id), &mut lists);
        if !self.rest.is_empty() {
            lists.push(&self.rest);
        }
        Candidates { lists }
    }
}

fn file_hosts(
    hosts: &mut HashMap<Host, Numbers>,
    number: u32,
    patterns: Option<&[HostPattern]>,
) -> bool {
    let exact: Option<Vec<&Host>> = patterns
        .unwrap_or_default()
        .iter()
        .map(|pattern| if let HostPattern::Exact(host) = pattern { Some(host) } else { None })
        .collect();
    let Some(exact) = exact.filter(|exact| !exact.is_empty()) else { return false };
    for host in exact {
        add(hosts.entry(host.clone()).or_default(), number);
    }
    true
}

/// Rules by an exact word or a prefix of it.
#[derive(Default)]
struct Words {
    exact: HashMap<String, Numbers>,
    prefixes: HashMap<String, Numbers>,
    /// The lengths of the prefixes in bytes, each once.
    lengths: Vec<usize>,
}

impl Words {
    /// Files a rule when each of its alternatives is a word or a prefix.
    fn file(&mut self, number: u32, patterns: Option<&[Pattern]>) -> bool {
        let patterns = patterns.unwrap_or_default();
        let filed = |pattern: &Pattern| match pattern {
            Pattern::Exact(_) => true,
            Pattern::Prefix(start) => !start.is_empty(),
            Pattern::Glob(_) => false,
        };
        if patterns.is_empty() || !patterns.iter().all(filed) {
            return false;
        }
        for pattern in patterns {
            match pattern {
                Pattern::Exact(word) => add(self.exact.entry(word.clone()).or_default(), number),
                Pattern::Prefix(start) => {
                    add(self.prefixes.entry(start.clone()).or_default(), number);
                    if !self.lengths.contains(&start.len()) {
                        self.lengths.push(start.len());
                    }
                }
                Pattern::Glob(_) => {}
            }
        }
        true
    }

    fn find<'i>(&'i self, word: Option<&str>, lists: &mut Vec<&'i [u32]>) {
        let Some(word) = word else { return };
        lists.extend(self.exact.get(word).map(Vec::as_slice));
        for length in &self.lengths {
            let start = word.get(..*length);
            lists.extend(start.and_then(|start| self.prefixes.get(start)).map(Vec::as_slice));
        }
    }
}

/// Adds a number once; they come ascending.
fn add(numbers: &mut Numbers, number: u32) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

/// Several ascending lists as one, each number once.
pub(crate) struct Candidates<'i> {
    lists: Vec<&'i [u32]>,
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let least = self.lists.iter().filter_map(|list| list.first()).min().copied()?;
        for list in &mut self.lists {
            if let Some((first, after)) = list.split_first()
                && *first == least
            {
                *list = after;
            }
        }
        usize::try_from(least).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Candidates;

    #[test]
    fn lists_merge_in_order() {
        let merged = Candidates { lists: vec![&[1, 4, 9], &[], &[0, 4, 5], &[2]] };
        assert_eq!(merged.collect::<Vec<_>>(), [0, 1, 2, 4, 5, 9]);
    }
}
