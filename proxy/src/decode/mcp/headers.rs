//! The headers that mirror the body: checked against it, then written from it.
//!
//! A header that disagrees with the body is refused in every generation. One that is missing stays
//! missing: whether it is required is the upstream's to say.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use tollgate_rules::Code;

use super::super::{Malformed, RPC_HEADER_MISMATCH};
use super::era::Era;
use super::message::RESPONSE_METHOD;
use super::{McpCall, Message};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const PREFIX: &str = "mcp-";
const PARAM_PREFIX: &str = "mcp-param-";

/// MCP 2026-07-28: text that a header cannot carry is wrapped like this.
const SENTINEL_START: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// One `Mcp-Param-*` header, decoded. It carries an argument's value, so whatever is done to
/// arguments must be done to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Param {
    /// The header.
    pub name: HeaderName,
    /// Its value, out of the Base64 wrapping.
    pub value: String,
}

/// The one `MCP-Protocol-Version`, as far as it can be read; [`check`] refuses the rest.
pub(super) fn version(headers: &HeaderMap) -> Option<&str> {
    headers.get(VERSION).and_then(literal)
}

/// All `Mcp-Param-*` headers that can be read; [`super::decode`] has refused the others.
pub(super) fn params(headers: &HeaderMap) -> Vec<Param> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(PARAM_PREFIX))
        .filter_map(|(name, value)| Some(Param { name: name.clone(), value: unwrap(value)? }))
        .collect()
}

/// Writes one mirrored value, wrapped when a header cannot carry it plainly.
pub(super) fn set_param(headers: &mut HeaderMap, name: &HeaderName, value: &str) {
    headers.insert(name.clone(), wrap(value));
}

/// Carries a redaction of the arguments over to the headers that mirror them: a header that said
/// what a changed value said before says what it says now. Otherwise the secret would travel in
/// the header, and the server would refuse the call for the mismatch.
pub fn remirror(headers: &mut HeaderMap, before: &Value, after: &Value) {
    let mut changes = Vec::new();
    collect_changes(before, after, &mut changes);
    for param in params(headers) {
        if let Some((_, new)) = changes.iter().find(|(old, _)| *old == param.value) {
            set_param(headers, &param.name, new);
        }
    }
}

/// Drops every `Mcp-*` header and writes those that were there again from the body; sets the
/// content type and removes what described the body as it came.
///
/// `Mcp-Param-*` headers stay in the stateless generation, which demands that unknown ones are
/// forwarded; [`params`] hands them out for inspection. Session generations do not have them.
pub fn rebuild_headers(call: &McpCall, headers: &mut HeaderMap) {
    let one = match call {
        McpCall::Message(message) => Some(message),
        McpCall::Batch(_) | McpCall::Listen | McpCall::End => None,
    };
    let is_stateless = one.is_some_and(|message| message.era() == Era::Stateless);
    let version = version(headers).map(wrap_literal);
    let method = one.filter(|_| headers.contains_key(METHOD)).map(|m| wrap_literal(m.method()));
    let name = one
        .filter(|_| headers.contains_key(NAME))
        .and_then(|message| message.header_name())
        .map(wrap);
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            name.as_str().starts_with(PREFIX)
                && **name != SESSION
                && !(is_stateless && name.as_str().starts_with(PARAM_PREFIX))
        })
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
    for (name, value) in [(VERSION, version), (METHOD, method), (NAME, name)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
    if !call.messages().is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

/// Every header that mirrors the body must say what the body says.
pub(super) fn check(message: &Message, headers: &HeaderMap) -> Result<(), Malformed> {
    check_single(headers)?;
    if let Some(version) = headers.get(VERSION) {
        let meta = message.meta_version();
        let agrees = literal(version).is_some_and(|text| meta.is_none_or(|meta| meta == text));
        if !agrees {
            return Err(mismatch(
                "`mcp-protocol-version` is not the version in the body's `_meta`",
            ));
        }
    }
    if let Some(method) = headers.get(METHOD)
        && (literal(method) != Some(message.method()) || message.method() == RESPONSE_METHOD)
    {
        return Err(mismatch("`mcp-method` is not the method in the body"));
    }
    if let Some(name) = headers.get(NAME)
        && (message.header_name().is_none() || unwrap(name).as_deref() != message.header_name())
    {
        return Err(mismatch("`mcp-name` is not the name in the body"));
    }
    Ok(())
}

/// No header can mirror several messages.
pub(super) fn check_batch(headers: &HeaderMap) -> Result<(), Malformed> {
    check_single(headers)?;
    if headers.contains_key(METHOD) || headers.contains_key(NAME) {
        return Err(mismatch("`mcp-method` and `mcp-name` cannot describe a batch"));
    }
    if headers.get(VERSION).is_some_and(|version| literal(version).is_none()) {
        return Err(mismatch("`mcp-protocol-version` cannot be read"));
    }
    Ok(())
}

fn check_single(headers: &HeaderMap) -> Result<(), Malformed> {
    for name in headers.keys().filter(|name| name.as_str().starts_with(PREFIX)) {
        let is_param = name.as_str().starts_with(PARAM_PREFIX);
        let is_readable =
            !is_param || headers.get(name).is_some_and(|value| unwrap(value).is_some());
        if !is_readable || headers.get_all(name).iter().nth(1).is_some() {
            return Err(mismatch("an `mcp-` header stands twice or cannot be decoded"));
        }
    }
    Ok(())
}

fn mismatch(what: &str) -> Malformed {
    Malformed::new(Code::HeaderBodyMismatch, format!("{what}; send what the body says"))
        .with_rpc(RPC_HEADER_MISMATCH)
}

/// Visible ASCII without the white space around it (RFC 9110 section 5.5).
fn literal(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(|text| text.trim_matches([' ', '\t']))
}

/// The text that a header carries: out of its wrapping, or as it stands. Base64 must be canonical,
/// padding and all, or two decoders could read two names.
fn unwrap(value: &HeaderValue) -> Option<String> {
    let text = literal(value)?;
    match sentinel(text) {
        Some(inner) => String::from_utf8(STANDARD.decode(inner).ok()?).ok(),
        None => Some(text.to_owned()),
    }
}

fn sentinel(text: &str) -> Option<&str> {
    text.strip_prefix(SENTINEL_START)?.strip_suffix(SENTINEL_END)
}

fn wrap(text: &str) -> HeaderValue {
    let is_plain = text.bytes().all(|b| matches!(b, 0x20..=0x7e))
        && text.trim_matches(' ') == text
        && sentinel(text).is_none();
    if is_plain && let Ok(value) = HeaderValue::from_str(text) {
        return value;
    }
    let wrapped = format!("{SENTINEL_START}{}{SENTINEL_END}", STANDARD.encode(text));
    HeaderValue::from_str(&wrapped).unwrap_or(HeaderValue::from_static(""))
}

/// Versions and methods have no wrapping; what cannot stand in a header has been refused.
fn wrap_literal(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn collect_changes(before: &Value, after: &Value, changes: &mut Vec<(String, String)>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, old) in before {
                collect_changes(old, after.get(key).unwrap_or(&Value::Null), changes);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (old, new) in before.iter().zip(after) {
                collect_changes(old, new, changes);
            }
        }
        (old, new) if old != new => changes.extend(scalar(old).zip(scalar(new))),
        _ => {}
    }
}

/// A primitive as its header writes it.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
