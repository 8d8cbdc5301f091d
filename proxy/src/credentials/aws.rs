//! Requests to AWS that the gate signs in the agent's stead.
use std::sync::Arc;

use aws_credential_types::Credentials as Keys;
use http::{HeaderName, HeaderValue, Request, header};
use parking_lot::Mutex;
use tollgate_config::settings::GiveAws;
use tollgate_dlp::known::Fetched;
use tollgate_rules::Code;
use zeroize::Zeroizing;

use super::{Given, Secrets, slot};
use crate::clear::Permit;
use crate::egress::Failure;
use crate::head::Request as Asked;
use crate::ledger::{AwsKeys, Signer, sign};

/// What an agent's own signature stands in.
const HEADERS: &[&str] =
    &["x-amz-content-sha256", "x-amz-date", "x-amz-region-set", "x-amz-security-token"];

/// Who signs, and for which service.
pub(super) struct Aws {
    id: Arc<str>,
    service: String,
    region: String,
    source: Source,
}

enum Source {
    Fixed { key: Zeroizing<String>, secret: Zeroizing<String>, session: Option<Zeroizing<String>> },
    Found { keys: AwsKeys, known: Arc<Fetched>, last: Mutex<(String, u64)> },
}

impl Aws {
    /// `None` when half of the keys is missing.
    pub(super) fn build(id: &str, setting: &GiveAws, secrets: &Secrets) -> Option<Self> {
        let find = |key| secrets.find(id, key).cloned();
        let source = match (find("access_key_id"), find("secret_access_key")) {
            (Some(key), Some(secret)) => {
                Source::Fixed { key, secret, session: find("session_token") }
            }
            (None, None) => Source::Found {
                keys: AwsKeys::default(),
                known: Arc::clone(secrets.fetched()?),
                last: Mutex::default(),
            },
            _ => return None,
        };
        let (service, region) = (setting.service.clone(), setting.region.clone());
        Some(Self { id: id.into(), service, region, source })
    }

    /// Takes out a signature of the agent's, in headers or in the query.
    pub(super) fn strip(request: &mut Asked) {
        slot::strip_headers(&mut request.headers, |name| HEADERS.contains(&name));
        const QUERY: &[&str] = &[
            "x-amz-algorithm",
            "x-amz-content-sha256",
            "x-amz-credential",
            "x-amz-date",
            "x-amz-expires",
            "x-amz-security-token",
            "x-amz-signature",
            "x-amz-signedheaders",
        ];
        slot::strip_query(request, |name| QUERY.contains(&name.to_ascii_lowercase().as_str()));
    }

    /// Signs the request as it will be written: its method, path, query and body, its host and what
    /// AWS looks at of its headers.
    pub(super) async fn give(&self, permit: &Permit) -> Result<Given, Failure> {
        let unsignable = || failure("the request cannot be signed");
        let credentials = self.keys().await?;
        let to = permit.destination();
        let mut request = Request::builder()
            .method(permit.method())
            .uri(permit.path_and_query())
            .body(permit.body().clone())
            .map_err(|_| unsignable())?;
        let signed = |name: &HeaderName| {
            *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz-")
        };
        for (name, value) in permit.headers().iter().filter(|(name, _)| signed(name)) {
            request.headers_mut().append(name.clone(), value.clone());
        }
        let before = request.headers().clone();
        let base = format!("{}://{}", to.scheme.as_str(), to.authority());
        let signer = Signer {
            service: &self.service,
            region: &self.region,
            credentials,
            time: crate::clock::now(),
        };
        sign(signer, &base, &mut request).map_err(|_| unsignable())?;
        let made = request.headers().iter().filter(|(name, _)| !before.contains_key(*name));
        let headers: Vec<(HeaderName, HeaderValue)> =
            made.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Given { headers, path_and_query: None })
    }

    async fn keys(&self) -> Result<Keys, Failure> {
        match &self.source {
            Source::Fixed { key, secret, session } => {
                let session = session.as_ref().map(|token| token.to_string());
                Ok(Keys::new(key.as_str(), secret.as_str(), session, None, "tollgate"))
            }
            Source::Found { keys, known, last } => {
                let found = keys.current(&self.region).await;
                let found = found.map_err(|error| failure(&error.to_string()))?;
                // Known to the scanner before they are used.
                let is_known = {
                    let last = last.lock();
                    last.0 == found.access_key_id() && known.still_knows(last.1)
                };
                if !is_known {
                    let mut added = u64::MAX;
                    let parts = [Some(found.secret_access_key()), found.session_token()];
                    for part in parts.into_iter().flatten() {
                        let name = Arc::clone(&self.id).into();
                        let now = known.add(name, part.as_bytes());
                        added = added.min(now.map_err(|error| failure(&error.to_string()))?);
                    }
                    *last.lock() = (found.access_key_id().to_owned(), added);
                }
                Ok(found)
            }
        }
    }

    /// They were refused: others are looked for at the next call.
    pub(super) fn forget(&self) {
        if let Source::Found { keys, .. } = &self.source {
            keys.forget();
        }
    }
}

fn failure(reason: &str) -> Failure {
    Failure::new(Code::CredentialUnavailable, format!("AWS: {reason}"))
}
