//! One rule, compiled: which calls it is about, under which conditions, and what then.
use std::borrow::Cow;
use std::cmp::Ordering;

use regex::Regex;
use serde_json::{Number, Value};

use crate::facts::Facts;
use crate::number::order;
use crate::pattern::{HostPattern, Pattern};
use crate::readings;
use crate::values::Values;
use crate::{Outcome, Protocol, RuleId, Trust};

/// One rule.
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    pub(crate) message: String,
    pub(crate) outcome: Outcome,
    /// It only watches: what it would refuse, passes.
    pub(crate) observe: bool,
    pub(crate) matcher: Matcher,
    pub(crate) conditions: Conditions,
    pub(crate) approver_role: Option<String>,
    pub(crate) constraints: Option<Value>,
}

impl Rule {
    /// Whether the rule decides this call.
    pub(crate) fn matches(&self, facts: &Facts<'_>, values: &Values<'_>) -> bool {
        let permits = self.outcome == Outcome::Allow;
        self.matcher.matches(facts, permits) && self.conditions.hold(facts, values, permits)
    }

    /// Whether the rule lets pass what it matches.
    pub(crate) fn only_observes(&self) -> bool {
        self.observe && self.outcome != Outcome::Allow
    }
}

/// Which calls a rule is about. `None` and empty lists ask nothing.
#[derive(Default)]
pub(crate) struct Matcher {
    pub(crate) tool: Option<Vec<Pattern>>,
    pub(crate) environment: Option<Vec<String>>,
    pub(crate) agent_type: Option<Vec<String>>,
    pub(crate) trust_min: Option<Trust>,
    pub(crate) roles_any: Vec<String>,
    pub(crate) owner: Option<Vec<String>>,
    pub(crate) tools_any: Vec<String>,
    pub(crate) depth_min: Option<u32>,
    pub(crate) depth_max: Option<u32>,
    pub(crate) provider: Option<Vec<String>>,
    pub(crate) agents: Option<Vec<Pattern>>,
    pub(crate) protocol: Option<Vec<Protocol>>,
    pub(crate) route: Option<Vec<String>>,
    pub(crate) host: Option<Vec<HostPattern>>,
    pub(crate) method: Option<Vec<String>>,
    pub(crate) path: Option<Vec<Pattern>>,
    pub(crate) mcp_method: Option<Vec<Pattern>>,
    pub(crate) resource: Option<Vec<Pattern>>,
}

impl Matcher {
    /// Whether the call is one of those; everything that is asked must hold. A path or resource that
    /// has another spelling must fit in both where the rule `permits`, else in one.
    pub(crate) fn matches(&self, facts: &Facts<'_>, permits: bool) -> bool {
        let either = |patterns, raw, plain: &Option<String>| match plain.as_deref() {
            None => fits(patterns, raw),
            plain if permits => fits(patterns, raw) && fits(patterns, plain),
            plain => fits(patterns, raw) || fits(patterns, plain),
        };
        either(&self.tool, Some(facts.tool.as_ref()), &facts.plain_tool)
            && among(&self.environment, Some(facts.environment))
            && among(&self.agent_type, facts.agent_type)
            && self.trust_min.is_none_or(|least| facts.trust.is_some_and(|trust| trust >= least))
            && shared(&self.roles_any, facts.roles)
            && among(&self.owner, facts.owner)
            && shared(&self.tools_any, facts.tools)
            && self.depth_min.is_none_or(|least| facts.delegation_depth.is_some_and(|d| d >= least))
            && self.depth_max.is_none_or(|most| facts.delegation_depth.is_some_and(|d| d <= most))
            && among(&self.provider, facts.provider)
            && fits(&self.agents, Some(facts.agent_id))
            && asked(&self.protocol, facts.protocol, |one, protocol| *one == protocol)
            && among(&self.route, facts.route)
            && asked(&self.host, facts.host, HostPattern::matches)
            && among(&self.method, facts.method)
            && either(&self.path, facts.path, &facts.plain_path)
            && fits(&self.mcp_method, facts.mcp_method)
            && either(&self.resource, facts.resource, &facts.plain_resource)
    }
}

/// Nothing asked, or something known that one alternative accepts.
fn asked<T, F: Copy>(
    alternatives: &Option<Vec<T>>,
    fact: Option<F>,
    accepts: impl Fn(&T, F) -> bool,
) -> bool {
    let Some(alternatives) = alternatives else { return true };
    fact.is_some_and(|fact| alternatives.iter().any(|one| accepts(one, fact)))
}

/// Nothing asked, or one word in both.
fn shared(words: &[String], facts: &[String]) -> bool {
    words.is_empty() || words.iter().any(|word| facts.contains(word))
}

fn among(words: &Option<Vec<String>>, fact: Option<&str>) -> bool {
    asked(words, fact, |word, fact| word == fact)
}

fn fits(patterns: &Option<Vec<Pattern>>, fact: Option<&str>) -> bool {
    asked(patterns, fact, Pattern::matches)
}

/// What must hold of the arguments. Empty asks nothing.
#[derive(Default)]
pub(crate) struct Conditions {
    /// In lower case.
    pub(crate) contains_any: Vec<String>,
    /// In lower case.
    pub(crate) not_contains: Vec<String>,
    pub(crate) matches_regex: Option<Regex>,
    pub(crate) labels_any: Vec<String>,
    pub(crate) arguments: Vec<(String, Vec<Test>)>,
}

impl Conditions {
    /// Whether all of them hold; cheap ones first. Of an argument that may be several things, those of
    /// a rule that `permits` hold when each of them fits ([`readings`]).
    pub(crate) fn hold(&self, facts: &Facts<'_>, values: &Values<'_>, permits: bool) -> bool {
        (self.labels_any.is_empty()
            || self.labels_any.iter().any(|label| facts.labels.contains(label)))
            && self.arguments.iter().all(|(key, tests)| {
                tests.iter().all(|test| readings::hold(test, facts.arguments, key, permits))
            })
            && (self.contains_any.is_empty() || values.contain_any(&self.contains_any))
            && (self.not_contains.is_empty() || !values.contain_any(&self.not_contains))
            && self.matches_regex.as_ref().is_none_or(|regex| regex.is_match(values.joined()))
    }

    /// Whether it asks nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.contains_any.is_empty()
            && self.not_contains.is_empty()
            && self.matches_regex.is_none()
            && self.labels_any.is_empty()
            && self.arguments.iter().all(|(_, tests)| tests.is_empty())
    }
}

/// One test of one argument.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Equal to this text, number, truth value or null.
    Equal(Value),
    /// Never: a list is equal to nothing.
    Never,
    /// A number in this order to the operand.
    Order(Number, Wanted),
    /// Not equal, or not there.
    Unequal(Value),
}

/// Which orders a comparison accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Wanted {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

impl Test {
    /// What a value without a type means to it.
    pub(crate) fn meant<'v>(&self, given: &'v Value, permits: bool) -> Cow<'v, Value> {
        match self {
            Self::Equal(operand) | Self::Unequal(operand) => {
                readings::as_like(given, operand, permits)
            }
            Self::Order(..) => readings::as_number(given, permits),
            Self::Never => Cow::Borrowed(given),
        }
    }

    /// Whether it holds. Of a number that readers differ on it does in a rule that refuses, and not in
    /// one that `permits`.
    pub(crate) fn holds(&self, given: Option<&Value>, permits: bool) -> bool {
        match (self, given) {
            (Self::Never, _) | (Self::Equal(_) | Self::Order(..), None) => false,
            (Self::Unequal(_), None) => true,
            (Self::Equal(expect), Some(given)) => equal(given, expect).unwrap_or(!permits),
            (Self::Unequal(expect), Some(given)) => {
                equal(given, expect).map_or(!permits, |equal| !equal)
            }
            (Self::Order(operand, wanted), Some(given)) => given.as_number().is_some_and(|given| {
                order(given, operand).map_or(!permits, |order| wanted.accepts(order))
            }),
        }
    }
}

/// Equal without conversion: `1` is `1.0` but not `"1"`; lists and maps equal nothing. `None` when
/// that depends on who reads the number.
fn equal(given: &Value, expect: &Value) -> Option<bool> {
    match (given, expect) {
        (Value::Number(given), Value::Number(expect)) => order(given, expect).map(Ordering::is_eq),
        (Value::Array(_) | Value::Object(_), _) => Some(false),
        _ => Some(given == expect),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality_converts_nothing() {
        for (left, right, expect) in [
            (json!(1), json!(1.0), true),
            (json!(1), json!("1"), false),
            (json!(u64::MAX), json!(u64::MAX - 1), false),
            (json!(null), json!(null), true),
            (json!(false), json!(null), false),
            (json!([1]), json!([1]), false),
            (json!({}), json!({}), false),
            (json!("a"), json!("A"), false),
        ] {
            assert_eq!(equal(&left, &right), Some(expect), "{left} {right}");
        }
    }

    #[test]
    fn a_number_that_readers_differ_on_lets_nothing_pass() {
        let operand = || Number::from(100);
        let wanted = [Wanted::Greater, Wanted::GreaterOrEqual, Wanted::Less, Wanted::LessOrEqual];
        let tests = wanted.map(|wanted| Test::Order(operand(), wanted)).into_iter();
        let tests = tests.chain([Test::Equal(operand().into()), Test::Unequal(operand().into())]);
        for test in tests {
            for written in ["1e400", "-1e400", "100.0000000000000000001", "18446744073709551617"] {
                let given: Value = serde_json::from_str(written).unwrap();
                assert!(test.holds(Some(&given), false), "{test:?} {written}");
                assert!(!test.holds(Some(&given), true), "{test:?} {written}");
            }
        }
    }
}
