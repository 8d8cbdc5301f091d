//! Requests to AWS: signed, with credentials that are found as every AWS client finds them.
//!
//! Finding and signing are AWS's own crates; the two services of which the ledger needs two verbs
//! each are spoken to by [`Peer`], like every other server. What a service answers is never shown
//! but for its error's code: where a signature does not fit, its message repeats the request with
//! its session token.
mod credentials;
mod error;
mod kms;
mod s3;
mod sign;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::SystemTime;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;

use super::peer::{Answer, Peer};
use crate::egress::Onward;
pub(crate) use credentials::Source;
pub(crate) use error::AwsError;
pub(in crate::ledger) use kms::{Kms, KmsError, KmsOptions};
pub(crate) use s3::{Bucket, Object, S3Error};
pub(in crate::ledger) use s3::{Lock, Put, Version, is_plain};
pub(crate) use sign::{Signer, sign};

/// Where a service is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Such as `eu-central-1`; what the environment says when absent.
    pub(crate) region: Option<String>,
    /// URL of a VPC endpoint or of another implementation; the region's public one when absent.
    pub(crate) endpoint: Option<String>,
    /// Authorities to trust instead of the system's, PEM.
    pub(crate) ca: Option<PathBuf>,
    /// How it is reached.
    pub(crate) onward: Onward,
}

impl Place {
    /// The region, or how to give one.
    fn region(&self) -> Result<String, String> {
        let named = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
        let region = self.region.clone();
        let region = region.or_else(|| named("AWS_REGION")).or_else(|| named("AWS_DEFAULT_REGION"));
        let region = region.ok_or("no region: set `region` or AWS_REGION")?;
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match region.len() <= 32 && region.bytes().all(word) {
            true => Ok(region),
            false => Err("`region` is no AWS region".to_owned()),
        }
    }
}

/// One AWS service in one region.
struct Service {
    name: &'static str,
    region: String,
    /// Scheme and authority, without a path.
    base: String,
    peer: Peer,
    credentials: Source,
}

impl Service {
    /// A service by the name that it signs with; opens nothing yet. `public` makes the host of its
    /// public endpoint from the region.
    fn new(
        name: &'static str,
        place: &Place,
        public: impl Fn(&str) -> String,
        credentials: Source,
    ) -> Result<Self, String> {
        let region = place.region()?;
        let url = match &place.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://{}.{}", public(&region), domain(&region)),
        };
        let told = |reason: String| reason.replacen("`url`", "`endpoint`", 1);
        let peer = Peer::new(&url, place.ca.as_deref(), None).map_err(told)?.reached(&place.onward);
        if peer.path() != "/" {
            return Err("`endpoint` has a path; it is a scheme, a host and a port".to_owned());
        }
        let scheme = if url.starts_with("https:") { "https" } else { "http" };
        let base = format!("{scheme}://{}", peer.authority());
        Ok(Self { name, region, base, peer, credentials })
    }

    /// Signs and sends a request whose target is a path, and reads an answer of at most so many
    /// bytes, whatever its status. Cancel it to give up.
    async fn send(
        &self,
        mut request: Request<Bytes>,
        answer_bytes_max: usize,
    ) -> Result<Answer, AwsError> {
        self.sign(&mut request).await?;
        Ok(self.peer.send(request.map(Full::new), answer_bytes_max).await?)
    }

    /// What an answer of this status and error code means. Credentials that were refused are
    /// forgotten, so that the next request finds new ones.
    fn refusal(&self, answer: &Answer, code: &str) -> AwsError {
        if error::is_about_credentials(code) {
            self.credentials.forget();
        }
        AwsError::refused(&answer.head, code, SystemTime::now())
    }

    async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), AwsError> {
        let signer = Signer {
            service: self.name,
            region: &self.region,
            credentials: self.credentials.current(&self.region).await?,
            time: SystemTime::now(),
        };
        sign(signer, &self.base, request)
    }
}

/// The domain of a region's public endpoints.
fn domain(region: &str) -> &'static str {
    match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    }
}
