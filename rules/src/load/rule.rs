//! Reading the rules of a bundle.
use std::collections::HashMap;

use serde_json::Value;

use super::OUTCOMES;
use super::fields::{At, Section, choice, noun, word};
use super::mistake::{Mistakes, quoted, suggestion};
use super::node::{Kind, Node};
use super::when;
use crate::pattern::{HostPattern, Pattern};
use crate::rule::{Matcher, Rule, Test};
use crate::{Outcome, Protocol, RuleId, Trust};

/// Ids stand in answers, records and metrics.
const ID_CHARS_MAX: usize = 128;

/// A description is a sentence or two; a model reads it.
const DESCRIPTION_CHARS_MAX: usize = 1024;

/// Names of tools, agents, routes; paths and URIs.
pub(super) const WORD_CHARS_MAX: usize = 2048;

const RULE_KEYS: &[&str] =
    &["id", "description", "match", "when", "outcome", "mode", "approver_role", "constraints"];

/// Every rule, in order.
pub(super) fn all(
    node: &Node,
    rules_max: usize,
    mistakes: &mut Mistakes,
    notices: &mut Vec<String>,
) -> Vec<Rule> {
    let at = At::top().key("rules");
    let Kind::List(items) = &node.kind else {
        mistakes.push(at.mistake(node.place, format!("is {}, but must be a list", noun(node))));
        return Vec::new();
    };
    if items.len() > rules_max {
        let message = format!(
            "the bundle has {} rules, {rules_max} are allowed; merge some or raise `rules_max`",
            items.len()
        );
        mistakes.push(at.mistake(node.place, message));
        return Vec::new();
    }
    let mut rules = Vec::with_capacity(items.len());
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (number, item) in (1..).zip(items) {
        let id = item.field("id").and_then(Node::text);
        let name = id.filter(|id| proper_id(id)).map_or(format!("#{number}"), str::to_owned);
        if let Some(first) = id.and_then(|id| seen.insert(id, number)) {
            let place = item.field("id").and_then(|id| id.place);
            let message = format!("rule #{first} has the same id; ids must be unique");
            mistakes.push(At::rule(name.clone()).key("id").mistake(place, message));
        }
        rules.extend(one(item, At::rule(name), mistakes, notices));
    }
    rules
}

fn proper_id(id: &str) -> bool {
    !id.is_empty()
        && id.chars().count() <= ID_CHARS_MAX
        && !id.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn one(node: &Node, at: At, mistakes: &mut Mistakes, notices: &mut Vec<String>) -> Option<Rule> {
    let rule = Section::open(node, at, mistakes)?;
    rule.refuse_unknown(RULE_KEYS, mistakes);
    let id = id(&rule, mistakes);
    let description = rule.text("description", DESCRIPTION_CHARS_MAX, mistakes);
    let outcome = rule
        .required("outcome", mistakes)
        .and_then(|node| choice(node, &rule.at.key("outcome"), &OUTCOMES, mistakes));
    let observe = rule
        .field("mode")
        .and_then(|node| {
            let modes = [("enforce", false), ("observe", true)];
            choice(node, &rule.at.key("mode"), &modes, mistakes)
        })
        .unwrap_or(false);
    let approver_role = rule.text("approver_role", WORD_CHARS_MAX, mistakes).map(str::to_owned);
    let constraints = constraints(&rule, mistakes);
    let matcher = matcher(&rule, mistakes, notices);
    let conditions = when::conditions(&rule, mistakes, notices);
    let (id, outcome) = (id?, outcome?);
    let rule = Rule {
        message: match description {
            Some(description) => description.trim().to_owned(),
            None => format!("Rule {id} decides {}", outcome.as_str()),
        },
        id,
        outcome,
        observe,
        matcher: matcher?,
        conditions: conditions?,
        approver_role,
        constraints,
    };
    notice(&rule, notices);
    Some(rule)
}

fn id(rule: &Section<'_>, mistakes: &mut Mistakes) -> Option<RuleId> {
    let node = rule.required("id", mistakes)?;
    let at = rule.at.key("id");
    let id = word(node, &at, ID_CHARS_MAX, mistakes)?;
    if !proper_id(id) {
        let message = "holds blanks; use letters, digits, `-`, `_` or `.`";
        mistakes.push(at.mistake(node.place, message));
        return None;
    }
    Some(RuleId::new(id))
}

fn constraints(rule: &Section<'_>, mistakes: &mut Mistakes) -> Option<Value> {
    let node = rule.field("constraints")?;
    Section::open(node, rule.at.key("constraints"), mistakes)?;
    Some(node.value())
}

/// What is legal but perhaps not meant.
fn notice(rule: &Rule, notices: &mut Vec<String>) {
    let id = &rule.id;
    if rule.observe && rule.outcome != Outcome::Allow {
        notices.push(format!(
            "rule `{id}` only observes: it is named in the record and decides nothing"
        ));
    }
    if rule.constraints.is_some() {
        notices.push(format!("rule `{id}`: `constraints` are reported, but not enforced"));
    }
    if !rule.conditions.labels_any.is_empty() {
        notices.push(format!(
            "rule `{id}`: `data_labels_any` never holds for a live call, which carries no labels"
        ));
    }
    let never = rule.conditions.arguments.iter().flat_map(|(_, tests)| tests);
    if never.into_iter().any(|test| matches!(test, Test::Never)) {
        notices.push(format!("rule `{id}` never matches: a list is equal to nothing"));
    }
}

const MATCH_KEYS: &[&str] = &[
    "tool_name",
    "environment",
    "agent_type",
    "trust_level_min",
    "agent_roles_any",
    "owner",
    "agent_tools_any",
    "delegation_depth_min",
    "delegation_depth_max",
    "tool_provider",
    "agents",
    "protocol",
    "route",
    "host",
    "method",
    "path",
    "mcp_method",
    "resource",
];

fn matcher(
    rule: &Section<'_>,
    mistakes: &mut Mistakes,
    notices: &mut Vec<String>,
) -> Option<Matcher> {
    let node = rule.required("match", mistakes)?;
    let section = Section::open(node, rule.at.key("match"), mistakes)?;
    section.refuse_unknown(MATCH_KEYS, mistakes);
    if matches!(&node.kind, Kind::Map(entries) if entries.is_empty()) {
        let message = "is empty; write `tool_name: \"*\"` if every call is meant";
        mistakes.push(section.at.mistake(node.place, message));
    }
    let environment = section.words("environment", WORD_CHARS_MAX, mistakes);
    let environment = match environment {
        Some(words) if words.one && words.listed.iter().any(|(_, word)| *word == "*") => None,
        Some(words) => {
            words.refuse_empty(mistakes);
            words.refuse_star(mistakes);
            star_notice(&section, "environment", &words.owned(), notices);
            Some(words.owned())
        }
        None => None,
    };
    Some(Matcher {
        tool: tool(&section, mistakes, notices),
        environment,
        agent_type: exact(&section, "agent_type", mistakes),
        trust_min: trust(&section, mistakes),
        roles_any: any_of(&section, "agent_roles_any", mistakes),
        owner: exact(&section, "owner", mistakes),
        tools_any: any_of(&section, "agent_tools_any", mistakes),
        depth_min: depth(&section, "delegation_depth_min", mistakes),
        depth_max: depth(&section, "delegation_depth_max", mistakes),
        provider: exact(&section, "tool_provider", mistakes),
        agents: each(&section, "agents", mistakes, Pattern::glob),
        protocol: each(&section, "protocol", mistakes, protocol),
        route: exact(&section, "route", mistakes),
        host: each(&section, "host", mistakes, HostPattern::read),
        method: each(&section, "method", mistakes, method),
        path: each(&section, "path", mistakes, path),
        mcp_method: each(&section, "mcp_method", mistakes, mcp_method),
        resource: each(&section, "resource", mistakes, Pattern::glob),
    })
}

/// One text may end in a star; in a list each is exact, so that a star is only a star there.
fn tool(
    section: &Section<'_>,
    mistakes: &mut Mistakes,
    notices: &mut Vec<String>,
) -> Option<Vec<Pattern>> {
    let words = section.words("tool_name", WORD_CHARS_MAX, mistakes)?;
    words.refuse_empty(mistakes);
    if words.one {
        let patterns: Vec<Pattern> =
            words.listed.iter().map(|(_, word)| Pattern::prefix(word)).collect();
        let literal: Vec<String> = patterns
            .iter()
            .filter_map(|pattern| match pattern {
                Pattern::Exact(text) | Pattern::Prefix(text) => Some(text.clone()),
                Pattern::Glob(_) => None,
            })
            .collect();
        star_notice(section, "tool_name", &literal, notices);
        // `*` asks nothing.
        let any = matches!(patterns.as_slice(), [Pattern::Prefix(start)] if start.is_empty());
        return (!any).then_some(patterns);
    }
    star_notice(section, "tool_name", &words.owned(), notices);
    Some(words.owned().into_iter().map(Pattern::Exact).collect())
}

fn star_notice(section: &Section<'_>, key: &str, words: &[String], notices: &mut Vec<String>) {
    if let Some(word) = words.iter().find(|word| word.contains('*')) {
        let rule = section.at.rule.as_deref().unwrap_or_default();
        notices.push(format!(
            "rule `{rule}`: the star in `{key}` {} is no wildcard there, only a star",
            quoted(word)
        ));
    }
}

fn exact(section: &Section<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let words = section.words(key, WORD_CHARS_MAX, mistakes)?;
    words.refuse_empty(mistakes);
    words.refuse_star(mistakes);
    Some(words.owned())
}

/// Words of which one must be known; an empty list asks nothing.
fn any_of(section: &Section<'_>, key: &str, mistakes: &mut Mistakes) -> Vec<String> {
    let words = section.words(key, WORD_CHARS_MAX, mistakes);
    words.map(|words| words.owned()).unwrap_or_default()
}

/// How many agents stand above one.
fn depth(section: &Section<'_>, key: &str, mistakes: &mut Mistakes) -> Option<u32> {
    let node = section.field(key)?;
    let number = match &node.kind {
        Kind::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    if number.is_none() {
        let message = "must be a whole number, 0 for an agent that nobody delegated to";
        mistakes.push(section.at.key(key).mistake(node.place, message));
    }
    number
}

fn each<T>(
    section: &Section<'_>,
    key: &str,
    mistakes: &mut Mistakes,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let words = section.words(key, WORD_CHARS_MAX, mistakes)?;
    Some(words.each(mistakes, read))
}

fn trust(section: &Section<'_>, mistakes: &mut Mistakes) -> Option<Trust> {
    let levels =
        [Trust::Untrusted, Trust::Basic, Trust::Verified, Trust::Privileged, Trust::System];
    let node = section.field("trust_level_min")?;
    let known = levels.map(|level| (level.as_str(), level));
    choice(node, &section.at.key("trust_level_min"), &known, mistakes)
}

fn protocol(text: &str) -> Result<Protocol, String> {
    [Protocol::Http, Protocol::Mcp].into_iter().find(|known| known.as_str() == text).ok_or_else(
        || format!("{} is not known, {}", quoted(text), suggestion(text, &["http", "mcp"])),
    )
}

/// Methods are case-sensitive tokens (RFC 9110 section 9.1); all that are in use are upper case.
fn method(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("`*` is no wildcard here; leave the key out to match every method".to_owned());
    }
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(format!(
            "methods are case-sensitive, did you mean {}?",
            quoted(&text.to_ascii_uppercase())
        ));
    }
    if !text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
        return Err("is no HTTP method".to_owned());
    }
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<Pattern, String> {
    if !text.starts_with('/') && !text.starts_with('*') {
        return Err("a path starts with `/`".to_owned());
    }
    if text.contains(['?', '#']) {
        return Err("paths are compared without the query; leave `?` and what follows out".into());
    }
    if text.contains(['{', '}']) {
        return Err("braces are no wildcard; write `*` for one segment".to_owned());
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("`.` and `..` never reach a rule; write the path that is meant".to_owned());
    }
    Pattern::glob(text)
}

fn mcp_method(text: &str) -> Result<Pattern, String> {
    let stem = text.strip_suffix('*').unwrap_or(text);
    if stem.contains('*') {
        return Err("a star may only stand at the end, as in `tools/*`".to_owned());
    }
    Ok(Pattern::prefix(text))
}
