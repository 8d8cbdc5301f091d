//! URLs: user information, host, path, query, fragment.
use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::form::Form;
use super::look::{Inspection, Look};
use crate::finding::{Direction, Layer, Place};
use crate::judge::Judge;
use crate::scanner::Scanner;

/// The pieces of a URL as they are written; what is empty is not there.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Url<'u> {
    /// What stands before the `@`.
    pub user: &'u str,
    /// The host's name.
    pub host: &'u str,
    /// The path with its slashes.
    pub path: &'u str,
    /// What stands behind the `?`.
    pub query: &'u str,
    /// What stands behind the `#`.
    pub fragment: &'u str,
}

impl<'u> Url<'u> {
    /// Cuts `scheme://user@host:port/path?query#fragment`, or what of it is there.
    pub fn cut(text: &'u str) -> Self {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let Some((_, rest)) = text.split_once("//") else {
            return Self { path: text, query, fragment, ..Self::default() };
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let host = match host.rsplit_once(':') {
            // A colon in brackets belongs to the address.
            Some((name, port)) if !port.contains(']') => name,
            _ => host,
        };
        Self { user, host, path, query, fragment }
    }
}

impl Scanner {
    /// Looks at a URL and gives its query again when something in it is redacted. Everything else
    /// would be another place, so what would be redacted there is blocked.
    pub fn redact_url(
        &self,
        url: Url<'_>,
        judge: &Judge,
        way: Direction,
    ) -> (Option<String>, Inspection) {
        let mut look = Look::new(self, (judge, way));
        look.within(Layer::User, |look| look.fixed(None, &plain(url.user)));
        look.within(Layer::Host, |look| host(url.host, look));
        path(url.path, &mut look);
        look.within(Layer::Fragment, |look| look.fixed(None, &plain(url.fragment)));
        let mut query = Form::query(url.query);
        let changed = query.look(&mut look, Layer::Query);
        let query = changed.then(|| {
            let mut out = Vec::new();
            query.write(&mut out);
            String::from_utf8_lossy(&out).into_owned()
        });
        (query, look.done())
    }
}

/// The name, and its labels put together when that shows nothing: each has at most 63 bytes, so
/// that what is longer is cut into several.
fn host(name: &str, look: &mut Look<'_>) {
    let found = look.find(None, name);
    if !found.is_empty() {
        look.frozen(|look| look.note(&found, &Place::Text));
        return;
    }
    let labels: Vec<&str> = name.split('.').collect();
    if let [sub @ .., _, _] = labels.as_slice()
        && sub.len() > 1
    {
        look.fixed(None, &sub.concat());
    }
}

/// Segment by segment; and whole when that shows something, since a secret may hold slashes.
fn path(path: &str, look: &mut Look<'_>) {
    let mut found = false;
    for (at, segment) in path.split('/').skip(1).enumerate() {
        let text = plain(segment);
        let clusters = look.find(None, &text);
        found |= !clusters.is_empty();
        if !clusters.is_empty() {
            look.within(Layer::Segment(at + 1), |look| {
                look.frozen(|look| look.note(&clusters, &Place::Text));
            });
        }
    }
    if !found {
        look.fixed(None, &plain(path));
    }
}

fn plain(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}
