//! The rules in force, and what they say about a call.
use std::fmt;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::facts::Facts;
use crate::index::Index;
use crate::rule::Rule;
use crate::values::Values;
use crate::{Call, Code, Duty, Effect, Outcome, Reason, Ruling};

/// A bundle of rules that was read without a mistake, or one that refuses everything.
///
/// It never changes: a new bundle is a new rulebook.
pub struct Rulebook {
    pub(crate) rules: Vec<Rule>,
    pub(crate) index: Index,
    pub(crate) default: Outcome,
    pub(crate) refusal: Option<Code>,
    pub(crate) version: String,
    pub(crate) sequence: Option<u64>,
    pub(crate) hash: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) notices: Vec<String>,
}

/// A name for logs; a thousand rules are not printed.
impl fmt::Debug for Rulebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rulebook")
            .field("version", &self.version)
            .field("hash", &self.hash)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}

/// What decides, and the first rule that only watched.
pub(crate) struct Weighed<'b> {
    pub(crate) verdict: Verdict<'b>,
    watched: Option<&'b Rule>,
}

/// Which part of the rulebook decides.
pub(crate) enum Verdict<'r> {
    /// The rulebook as a whole refuses.
    Refusal(Code),
    /// The first rule that matches.
    Rule(&'r Rule),
    /// No rule matches.
    Default(Outcome),
}

impl Rulebook {
    /// A rulebook that refuses every call with this code, for when there is no other.
    ///
    /// Its hash is that of the code's word, it has no rules and it never expires.
    pub fn refuse_all(code: Code) -> Self {
        Self {
            rules: Vec::new(),
            index: Index::default(),
            default: Outcome::Deny,
            refusal: Some(code),
            version: "none".to_owned(),
            sequence: None,
            hash: hex::encode(Sha256::digest(code.as_str())),
            expires_at: Timestamp::MAX,
            notices: Vec::new(),
        }
    }

    /// Says what happens to a call. Total: there is always an answer, and without a rule that
    /// allows, it is the bundle's default; past its time the rulebook refuses everything.
    ///
    /// The first rule in the order of the bundle that matches decides. A rule that only observes
    /// is named in the ruling, and the search goes on behind it: watching never lets a call pass
    /// that would not have passed without the watcher. The ruling holds only the
    /// bundle's words, never anything that the agent sent.
    pub fn decide(&self, call: &Call, now: Timestamp) -> Ruling {
        self.weigh(&Facts::of(call), now).ruling()
    }

    /// Whether `tools/list` may show a tool to the agent that makes this call.
    ///
    /// `call` is the list call itself: it says who asks, where, and of which provider. A tool is
    /// hidden only when a `tools/call` of it is certainly refused, whatever its arguments:
    /// - a rule that matches and denies without conditions hides it;
    /// - a rule that denies under conditions may not apply, so the search goes on behind it;
    /// - a rule that only observes changes nothing;
    /// - a rule that allows or holds shows it, with or without conditions: some call of the tool
    ///   may pass, at once or after approval;
    /// - when no rule matches, the default decides in the same way.
    ///
    /// So a tool that is shown can still be refused when it is called, but a tool that is hidden
    /// never passes.
    pub fn visible(&self, call: &Call, tool: &str, now: Timestamp) -> bool {
        if self.out_of_force(now).is_some() {
            return false;
        }
        let facts = Facts::of_tool(call, tool);
        for number in self.index.candidates(&facts) {
            let Some(rule) = self.rules.get(number) else { continue };
            // A live call carries no labels, so a rule that asks for one never applies to it.
            if !rule.conditions.labels_any.is_empty() || !rule.matcher.matches(&facts, true) {
                continue;
            }
            if rule.only_observes() {
                continue;
            }
            if rule.outcome != Outcome::Deny {
                return true;
            }
            if rule.conditions.is_empty() {
                return false;
            }
        }
        self.default != Outcome::Deny
    }

    /// Hex SHA-256 of the bundle's JSON, keys in the order of the text.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// From this moment on everything is refused.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How many rules there are.
    pub fn rules_count(&self) -> usize {
        self.rules.len()
    }

    /// The bundle's own name for its state.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The bundle's number, when it has one; the next bundle's may not be lower.
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// What is legal in the bundle, but perhaps not meant; one sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The code that refuses everything now, if one does.
    fn out_of_force(&self, now: Timestamp) -> Option<Code> {
        self.refusal.or_else(|| (now >= self.expires_at).then_some(Code::PolicyExpired))
    }

    /// Finds what decides.
    pub(crate) fn weigh(&self, facts: &Facts<'_>, now: Timestamp) -> Weighed<'_> {
        if let Some(code) = self.out_of_force(now) {
            return Weighed { verdict: Verdict::Refusal(code), watched: None };
        }
        let values = Values::of(facts);
        let mut watched = None;
        let decided = self
            .index
            .candidates(facts)
            .filter_map(|number| self.rules.get(number))
            .filter(|rule| rule.matches(facts, &values))
            .find(|rule| {
                if rule.only_observes() {
                    watched = watched.or(Some(*rule));
                }
                !rule.only_observes()
            });
        let verdict = decided.map_or(Verdict::Default(self.default), Verdict::Rule);
        Weighed { verdict, watched }
    }
}

impl Weighed<'_> {
    /// The ruling in the words of the house, with the first watcher behind its own reasons.
    pub(crate) fn ruling(&self) -> Ruling {
        let mut ruling = self.verdict.ruling();
        if let Some(rule) = self.watched {
            ruling.duties.push(Duty::Observed);
            ruling.reasons.push(Reason {
                code: rule.id.as_str().to_owned(),
                message: format!("Observed only: it would have been {}", rule.outcome.as_str()),
            });
        }
        ruling
    }
}

impl Verdict<'_> {
    fn ruling(&self) -> Ruling {
        match self {
            Self::Refusal(code) => Ruling {
                effect: Effect::Deny,
                outcome: Outcome::Deny,
                code: Some(*code),
                rule: None,
                reasons: vec![Reason {
                    code: code.as_str().to_owned(),
                    message: refusal(*code).to_owned(),
                }],
                duties: Vec::new(),
            },
            Self::Rule(rule) => {
                let (effect, code) = effect(rule.outcome, Code::PolicyDenied);
                Ruling {
                    effect,
                    outcome: rule.outcome,
                    code,
                    rule: Some(rule.id.clone()),
                    reasons: vec![Reason {
                        code: rule.id.as_str().to_owned(),
                        message: rule.message.clone(),
                    }],
                    duties: Vec::new(),
                }
            }
            Self::Default(outcome) => {
                let (effect, code) = effect(*outcome, Code::DefaultDeny);
                let word = outcome.as_str();
                Ruling {
                    effect,
                    outcome: *outcome,
                    code,
                    rule: None,
                    reasons: vec![Reason {
                        code: format!("DEFAULT_{word}"),
                        message: format!(
                            "No specific rule matched; applying default policy ({word})"
                        ),
                    }],
                    duties: Vec::new(),
                }
            }
        }
    }
}

/// What the gate does about an outcome; `denied` is the code for `DENY`.
fn effect(outcome: Outcome, denied: Code) -> (Effect, Option<Code>) {
    match outcome {
        Outcome::Allow => (Effect::Allow, None),
        Outcome::Deny => (Effect::Deny, Some(denied)),
        Outcome::RequireApproval => (Effect::Hold, Some(Code::ApprovalRequired)),
        Outcome::RequireHuman => (Effect::Hold, Some(Code::HumanRequired)),
        Outcome::RequireTicket => (Effect::Hold, Some(Code::TicketRequired)),
        Outcome::StepUp => (Effect::Hold, Some(Code::StepUpRequired)),
    }
}

/// Why a whole rulebook refuses.
fn refusal(code: Code) -> &'static str {
    match code {
        Code::PolicyMissing => "No policy bundle is loaded, so nothing may pass",
        Code::PolicyExpired => "The policy bundle has expired, so nothing may pass",
        Code::GateDraining => "The gate is shutting down and takes no new calls",
        _ => "The gate refuses every call at the moment",
    }
}
