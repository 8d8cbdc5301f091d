//! From a bundle's text to a [`Rulebook`], or every mistake in it.
pub(crate) mod fields;
pub(crate) mod mistake;
pub(crate) mod node;
mod rule;
mod safe_regex;
mod signature;
mod when;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use self::fields::{At, Section, choice, noun};
use self::mistake::{Mistakes, nearest, quoted};
use self::node::{Kind, Node};
use crate::index::Index;
use crate::rule::Rule;
use crate::{LoadError, Outcome, Rulebook};

/// The largest bundle, in bytes of text.
pub const BUNDLE_BYTES_MAX: usize = 1 << 20;

/// The deepest nesting of maps and lists in a bundle.
pub const BUNDLE_DEPTH_MAX: usize = 20;

/// How many rules a bundle may have unless the settings say otherwise.
pub const RULES_MAX: usize = 1000;

/// What the operator says about bundles. It holds a secret, so it cannot be printed.
pub struct LoadOptions<'a> {
    /// How many rules a bundle may have.
    pub rules_max: usize,
    /// The secret that bundles are signed with; without it a signature is not asked for.
    pub secret: Option<&'a [u8]>,
    /// The sequence of the bundle in force; a lower one is a rollback and is refused.
    pub sequence_floor: Option<u64>,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self { rules_max: RULES_MAX, secret: None, sequence_floor: None }
    }
}

impl Rulebook {
    /// Reads a bundle, JSON or YAML.
    ///
    /// Text that starts with `{` is read as JSON, other text as YAML. A bundle that fails to
    /// verify is not read any further; otherwise all mistakes are listed.
    pub fn load(text: &str, options: &LoadOptions<'_>, now: Timestamp) -> Result<Self, LoadError> {
        let node = read(text)?;
        let value = node.value();
        if let Some(secret) = options.secret {
            signature::verify(&value, secret)
                .map_err(|why| LoadError::whole(signature::KEY, why, place_of(&node)))?;
        }
        let mut mistakes = Mistakes::default();
        let mut notices = Vec::new();
        let parts = parts(&node, options, now, &mut mistakes, &mut notices);
        mistakes.finish()?;
        let Some(parts) = parts else {
            return Err(LoadError::whole("", "the bundle could not be read", None));
        };
        if options.secret.is_none() && node.field(signature::KEY).is_some() {
            notices.push(
                "the bundle is signed, but no signing secret is configured: not verified".into(),
            );
        }
        Ok(Self {
            index: Index::of(&parts.rules),
            rules: parts.rules,
            default: parts.default,
            refusal: None,
            version: parts.version,
            sequence: parts.sequence,
            hash: hex::encode(Sha256::digest(value.to_string())),
            expires_at: parts.expires_at,
            notices,
        })
    }
}

fn place_of(node: &Node) -> Option<mistake::Place> {
    node.field(signature::KEY).and_then(|signature| signature.place)
}

/// The text as a tree that can be worked on: bounded, without a key twice.
fn read(text: &str) -> Result<Node, LoadError> {
    if text.len() > BUNDLE_BYTES_MAX {
        let message =
            format!("the bundle has {} bytes, {BUNDLE_BYTES_MAX} are allowed", text.len());
        return Err(LoadError::whole("", message, None));
    }
    let node =
        Node::read(text).map_err(|error| LoadError::whole("", error.message, error.place))?;
    let depth = node.depth();
    if depth > BUNDLE_DEPTH_MAX {
        let message = format!("the bundle nests {depth} deep, {BUNDLE_DEPTH_MAX} is allowed");
        return Err(LoadError::whole("", message, None));
    }
    if let Some(entry) = node.duplicate() {
        let message = format!("the key {} stands twice in one mapping", quoted(&entry.key));
        return Err(LoadError::whole("", message, entry.place));
    }
    if let Some(number) = node.inexact() {
        let message = "an integer beyond 2^53 - 1 has no exact canonical form; use a smaller one";
        return Err(LoadError::whole("", message, number.place));
    }
    Ok(node)
}

struct Parts {
    version: String,
    sequence: Option<u64>,
    expires_at: Timestamp,
    default: Outcome,
    rules: Vec<Rule>,
}

const KEYS: &[&str] =
    &["version", "generated_at", "expires_at", "sequence", "rules", "defaults", signature::KEY];

/// Reads every part; `None` only beside a mistake.
fn parts(
    node: &Node,
    options: &LoadOptions<'_>,
    now: Timestamp,
    mistakes: &mut Mistakes,
    notices: &mut Vec<String>,
) -> Option<Parts> {
    let top = Section::open(node, At::top(), mistakes)?;
    check_keys(&top, mistakes, notices);
    let version = match top.required("version", mistakes) {
        Some(_) => top.text("version", 128, mistakes).map(str::to_owned),
        None => None,
    };
    let expires_at = times(&top, now, mistakes);
    let sequence = sequence(&top, options.sequence_floor, mistakes);
    if let Some(signature) = top.field(signature::KEY)
        && signature.text().is_none()
    {
        let message = format!("is {}, but must be text", noun(signature));
        mistakes.push(top.at.key(signature::KEY).mistake(signature.place, message));
    }
    let default = default(&top, mistakes);
    let rules = match top.required("rules", mistakes) {
        Some(rules) => rule::all(rules, options.rules_max, mistakes, notices),
        None => Vec::new(),
    };
    Some(Parts { version: version?, sequence, expires_at: expires_at?, default: default?, rules })
}

/// The format lets a bundle carry keys of its owner's. One that looks like ours, misspelt, would
/// silently take a safeguard away, so that is a mistake; the rest is noticed.
fn check_keys(top: &Section<'_>, mistakes: &mut Mistakes, notices: &mut Vec<String>) {
    for entry in top.unknown(KEYS) {
        let key = quoted(&entry.key);
        match nearest(&entry.key, KEYS) {
            Some(meant) => {
                let message = format!("unknown key {key}, did you mean `{meant}`?");
                mistakes.push(top.at.mistake(entry.place.or(entry.node.place), message));
            }
            None => notices.push(format!("the bundle's key {key} is not known and has no effect")),
        }
    }
}

fn times(top: &Section<'_>, now: Timestamp, mistakes: &mut Mistakes) -> Option<Timestamp> {
    let generated_at = time(top, "generated_at", mistakes);
    let expires_at = time(top, "expires_at", mistakes)?;
    let place = top.field("expires_at").and_then(|node| node.place);
    let at = top.at.key("expires_at");
    if generated_at.is_some_and(|generated_at| generated_at >= expires_at) {
        mistakes.push(at.mistake(place, "must be later than `generated_at`"));
    } else if now >= expires_at {
        let message = format!("the bundle expired at {expires_at}; generate a new one");
        mistakes.push(at.mistake(place, message));
    }
    Some(expires_at)
}

fn time(top: &Section<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Timestamp> {
    let node = top.required(key, mistakes)?;
    let text = top.text(key, 64, mistakes)?;
    let parsed = text.parse::<Timestamp>().ok();
    if parsed.is_none() {
        let message =
            format!("{} is no date and time; write it as `2026-01-31T12:00:00Z`", quoted(text));
        mistakes.push(top.at.key(key).mistake(node.place, message));
    }
    parsed
}

fn sequence(top: &Section<'_>, floor: Option<u64>, mistakes: &mut Mistakes) -> Option<u64> {
    let at = top.at.key("sequence");
    let Some(node) = top.field("sequence") else {
        if let Some(floor) = floor {
            let message = format!("is missing; the bundle in force has {floor}");
            mistakes.push(at.mistake(top.place, message));
        }
        return None;
    };
    let number = if let Kind::Number(number) = &node.kind { number.as_u64() } else { None };
    let Some(number) = number else {
        mistakes.push(at.mistake(node.place, "must be a whole number from 0 on"));
        return None;
    };
    if let Some(floor) = floor
        && number < floor
    {
        let message =
            format!("{number} is lower than {floor}, the bundle in force: a rollback is refused");
        mistakes.push(at.mistake(node.place, message));
    }
    Some(number)
}

fn default(top: &Section<'_>, mistakes: &mut Mistakes) -> Option<Outcome> {
    let node = top.required("defaults", mistakes)?;
    let defaults = Section::open(node, top.at.key("defaults"), mistakes)?;
    defaults.refuse_unknown(&["outcome"], mistakes);
    let outcome = defaults.required("outcome", mistakes)?;
    choice(outcome, &defaults.at.key("outcome"), &OUTCOMES, mistakes)
}

const OUTCOMES: [(&str, Outcome); 6] = [
    ("ALLOW", Outcome::Allow),
    ("DENY", Outcome::Deny),
    ("REQUIRE_APPROVAL", Outcome::RequireApproval),
    ("STEP_UP", Outcome::StepUp),
    ("REQUIRE_TICKET", Outcome::RequireTicket),
    ("REQUIRE_HUMAN", Outcome::RequireHuman),
];
