//! Cookies that an upstream sets. Their host becomes the gate's, which is that of every other route as
//! well: without a path of the route's own, one upstream would be sent what another one set.
use http::{HeaderMap, HeaderValue, header};

use super::{Led, Links};

impl Links {
    /// Makes the answer's cookies the route's own. What cannot come back on this route, or would not
    /// be kept for this upstream by anybody, is dropped.
    pub(super) fn cookies(&self, headers: &mut HeaderMap, led: &mut Led) {
        if !headers.contains_key(header::SET_COOKIE) {
            return;
        }
        let values = headers.get_all(header::SET_COOKIE).iter().cloned().collect::<Vec<_>>();
        headers.remove(header::SET_COOKIE);
        for value in values {
            let own = value.to_str().ok().and_then(|text| self.cookie(text));
            match own.and_then(|text| HeaderValue::from_str(&text).ok()) {
                Some(own) => {
                    headers.append(header::SET_COOKIE, own);
                }
                None => led.cookies_dropped += 1,
            }
        }
    }

    /// A cookie as the gate sets it (RFC 6265 section 4.1); nothing when there is no place for it.
    fn cookie(&self, text: &str) -> Option<String> {
        let mut parts = text.split(';');
        let pair = parts.next()?.trim();
        let mut own = pair.to_owned();
        let mut path = None;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                // Without it the cookie is the gate's host's alone.
                "domain" if self.is_within(value) => {}
                "domain" => return None,
                // The last one counts (section 5.3); one that is no path is none.
                "path" => path = Some(value).filter(|path| path.starts_with('/')),
                // No client would send it back over clear text. What its name promises stays.
                "secure" if self.origin.starts_with("http://") && !pair.starts_with("__") => {}
                _ => {
                    own.push_str("; ");
                    own.push_str(part.trim());
                }
            }
        }
        let path = match path {
            Some(path) => self.own_path(path)?,
            None => self.own_path(directory(self.asked.path()))?,
        };
        own.push_str("; Path=");
        own.push_str(&path);
        Some(own)
    }

    /// Whether the upstream may set a cookie for this domain (section 5.3, step 6).
    fn is_within(&self, domain: &str) -> bool {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        let host = self.to.host.to_string();
        let name = self.to.host.name().is_some();
        domain.is_empty()
            || host == domain
            || name && host.strip_suffix(&domain).is_some_and(|before| before.ends_with('.'))
    }

    /// The path at the gate for one at the upstream.
    fn own_path(&self, path: &str) -> Option<String> {
        let (base, prefix) = (self.to.base_path.as_str(), self.base.prefix.as_str());
        let all = || if prefix.is_empty() { "/".to_owned() } else { prefix.to_owned() };
        match path.strip_prefix(base) {
            Some("" | "/") => Some(all()),
            Some(rest) if rest.starts_with('/') => Some(format!("{prefix}{rest}")),
            // All of the route is below it.
            _ if base.strip_prefix(path.trim_end_matches('/'))?.starts_with('/') => Some(all()),
            _ => None,
        }
    }
}

/// Where a cookie without a path belongs (section 5.1.4).
fn directory(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((directory, _)) => directory,
    }
}
