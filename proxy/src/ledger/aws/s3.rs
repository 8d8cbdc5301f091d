//! A bucket: objects that are written once, under Object Lock, listed and read back.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use http::{Method, Request, StatusCode};
use hyper::body::Bytes;
use jiff::{Timestamp, ToSpan as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::super::peer::Answer;
use super::credentials::Source;
use super::error::is_throttling;
use super::{AwsError, Place, Service};

/// A page of a listing: a thousand keys of at most 1024 bytes, escaped, and what is said of them.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// What an answer without an object may say.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// SigV4 leaves only these as they are.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum S3Error {
    /// It may work in a moment.
    #[error("the store: {0}")]
    Passing(AwsError),
    /// Too many requests.
    #[error("the store asks for fewer requests")]
    Throttled,
    /// No credentials, or they may not.
    #[error(
        "the store: {0}; the credentials need `s3:ListBucket` and `s3:ListBucketVersions` on the bucket and `s3:GetObject`, `s3:PutObject`, `s3:PutObjectRetention` and `s3:PutObjectLegalHold` on its objects"
    )]
    Denied(AwsError),
    /// No such bucket.
    #[error("the store has no such bucket")]
    NoBucket,
    /// The bucket was made without Object Lock, or the lock is of no use.
    #[error(
        "the store refuses the object's lock: make the bucket with Object Lock, or remove `lock` and `legal_hold`"
    )]
    Lock,
    /// Another region's bucket.
    #[error("the bucket is in another region: correct `region`")]
    Region,
    /// Anything else; another try ends the same until somebody acts.
    #[error("the store: {0}")]
    Refused(AwsError),
    /// It answered, and what it says is no answer.
    #[error("the store: its answer is not what was asked for")]
    BadAnswer,
    /// An object or its name cannot be as it was asked for.
    #[error("the store: the name cannot be sent")]
    Name,
}

impl S3Error {
    /// Whether the same may well work in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_) | Self::Throttled)
    }
}

/// How long an object cannot be deleted or overwritten.
#[derive(Clone, Debug, Default)]
pub(in crate::ledger) struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`, and for how many days.
    pub(in crate::ledger) retention: Option<(&'static str, u32)>,
    /// Until the hold is taken away.
    pub(in crate::ledger) legal_hold: bool,
}

/// What came of putting an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ledger) enum Put {
    /// It was not there.
    Made,
    /// There is one of this name already; nothing was changed.
    Present,
}

/// An object, as a listing has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Object {
    /// Its name in the bucket.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
}

/// One version of an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::ledger) struct Version {
    pub(in crate::ledger) key: String,
    pub(in crate::ledger) version_id: String,
}

/// A bucket.
pub(crate) struct Bucket {
    service: Service,
    /// Nothing where the host names the bucket, else `/<bucket>`.
    path: String,
}

impl Bucket {
    /// A bucket by its name; asks nobody yet. The reason of a refusal names the setting.
    pub(crate) fn new(name: &str, place: &Place) -> Result<Self, String> {
        Self::with(name, place, Source::default())
    }

    /// For stores in tests, which do not look at signatures.
    #[cfg(test)]
    pub(in crate::ledger) fn with_any_credentials(
        name: &str,
        place: &Place,
    ) -> Result<Self, String> {
        let credentials = aws_credential_types::Credentials::new("AKID", "secret", None, None, "");
        let provider = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
        Self::with(name, place, Source::of(provider))
    }

    fn with(name: &str, place: &Place, credentials: Source) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
        if !(3..=63).contains(&name.len()) || !name.bytes().all(plain) {
            return Err("`bucket` is 3 to 63 characters of `a-z 0-9 . -`".to_owned());
        }
        // A certificate for `*.s3.…` does not cover a name with dots; other stores know only paths.
        let in_host = place.endpoint.is_none() && !name.contains('.');
        let public = |region: &str| match in_host {
            true => format!("{name}.s3.{region}"),
            false => format!("s3.{region}"),
        };
        let service = Service::new("s3", place, public, credentials)?;
        let path = if in_host { String::new() } else { format!("/{name}") };
        Ok(Self { service, path })
    }

    /// Writes an object, unless there is one of this name.
    pub(in crate::ledger) async fn put(
        &self,
        key: &str,
        content: Bytes,
        content_type: &'static str,
        lock: &Lock,
    ) -> Result<Put, S3Error> {
        let mut request = self.request(Method::PUT, key, "", content)?;
        let headers = request.headers_mut();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        lock.write(headers, Timestamp::now());
        let answer = self.service.send(request, ANSWER_BYTES_MAX).await?;
        match answer.head.status {
            StatusCode::OK => Ok(Put::Made),
            StatusCode::PRECONDITION_FAILED => Ok(Put::Present),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// Reads an object of at most so many bytes; nothing when there is none of this name.
    pub(crate) async fn read(&self, key: &str, bytes_max: usize) -> Result<Option<Bytes>, S3Error> {
        let request = self.request(Method::GET, key, "", Bytes::new())?;
        let answer = self.service.send(request, bytes_max).await?;
        match answer.head.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND if code(&answer) == "NoSuchKey" => Ok(None),
            _ => Err(self.refusal(&answer)),
        }
    }

    /// The next objects whose names begin so and come after a name, in the order of their names;
    /// and whether there are more.
    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: &str,
    ) -> Result<(Vec<Object>, bool), S3Error> {
        let mut query = format!("?list-type=2&prefix={}", escape(prefix));
        if !after.is_empty() {
            query.push_str(&format!("&start-after={}", escape(after)));
        }
        let page: Page = self.ask("", &query).await?;
        Ok((page.contents, page.is_truncated))
    }

    /// The next versions of objects whose names begin so, after one; and the one to go on after.
    pub(in crate::ledger) async fn versions(
        &self,
        prefix: &str,
        after: Option<&Version>,
    ) -> Result<(Vec<Version>, Option<Version>), S3Error> {
        let mut query = format!("?versions&prefix={}", escape(prefix));
        if let Some(Version { key, version_id }) = after {
            let (key, version_id) = (escape(key), escape(version_id));
            query.push_str(&format!("&key-marker={key}&version-id-marker={version_id}"));
        }
        let page: Versions = self.ask("", &query).await?;
        let (key, version_id) = (page.next_key_marker, page.next_version_id_marker);
        let next = key.filter(|_| page.is_truncated);
        let version_id = version_id.unwrap_or_default();
        Ok((page.version, next.map(|key| Version { key, version_id })))
    }

    /// Sets or clears the legal hold of one version of an object; of the newest when none is named.
    pub(in crate::ledger) async fn hold(
        &self,
        key: &str,
        version_id: Option<&str>,
        on: bool,
    ) -> Result<(), S3Error> {
        let status = if on { "ON" } else { "OFF" };
        let body = format!(
            "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Status>{status}</Status></LegalHold>"
        );
        let version = version_id.map(|id| format!("&versionId={}", escape(id)));
        let query = format!("?legal-hold{}", version.unwrap_or_default());
        let request = self.request(Method::PUT, key, &query, Bytes::from(body))?;
        let answer = self.service.send(request, ANSWER_BYTES_MAX).await?;
        match answer.head.status.is_success() {
            true => Ok(()),
            false => Err(self.refusal(&answer)),
        }
    }

    /// Whether an object cannot be deleted now: it has a retention that lasts, or a legal hold. The
    /// store hides both from credentials that may not know.
    pub(crate) async fn is_protected(&self, key: &str) -> Result<bool, S3Error> {
        let request = self.request(Method::HEAD, key, "", Bytes::new())?;
        let answer = self.service.send(request, ANSWER_BYTES_MAX).await?;
        if answer.head.status != StatusCode::OK {
            return Err(self.refusal(&answer));
        }
        let said = |name: &str| answer.head.headers.get(name)?.to_str().ok();
        let until = said("x-amz-object-lock-retain-until-date");
        let until = until.and_then(|until| until.parse::<Timestamp>().ok());
        let held = said("x-amz-object-lock-legal-hold") == Some("ON");
        Ok(held || until.is_some_and(|until| until > Timestamp::now()))
    }

    async fn ask<T: DeserializeOwned>(&self, key: &str, query: &str) -> Result<T, S3Error> {
        let request = self.request(Method::GET, key, query, Bytes::new())?;
        let answer = self.service.send(request, PAGE_BYTES_MAX).await?;
        if answer.head.status != StatusCode::OK {
            return Err(self.refusal(&answer));
        }
        read_xml(&answer.body).ok_or(S3Error::BadAnswer)
    }

    fn request(
        &self,
        method: Method,
        key: &str,
        query: &str,
        content: Bytes,
    ) -> Result<Request<Bytes>, S3Error> {
        // What is named here needs no escape in a path, and what others named is not asked for.
        if !is_plain(key) {
            return Err(S3Error::Name);
        }
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}/{key}{query}", self.path))
            .body(content)
            .map_err(|_| S3Error::Name)?;
        if method == Method::PUT {
            // The store compares it with what arrived, and asks for it where an object is locked.
            let sum = STANDARD.encode(Sha256::digest(request.body()));
            let sum = HeaderValue::from_str(&sum).map_err(|_| S3Error::Name)?;
            let name = HeaderName::from_static("x-amz-checksum-sha256");
            request.headers_mut().insert(name, sum);
            // As the SDKs say it; some stores look for this and not for the sum.
            let name = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
            request.headers_mut().insert(name, HeaderValue::from_static("SHA256"));
        }
        Ok(request)
    }

    fn refusal(&self, answer: &Answer) -> S3Error {
        let code = code(answer);
        let status = answer.head.status.as_u16();
        let error = self.service.refusal(answer, &code);
        match code.as_str() {
            "NoSuchBucket" => S3Error::NoBucket,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect" => {
                S3Error::Region
            }
            "InvalidRequest" | "ObjectLockConfigurationNotFoundError" => S3Error::Lock,
            // Two writers of one name at once; the next try finds it there.
            "ConditionalRequestConflict" => S3Error::Passing(error),
            _ if is_throttling(status, &code) => S3Error::Throttled,
            _ => error.into(),
        }
    }
}

impl From<AwsError> for S3Error {
    fn from(error: AwsError) -> Self {
        match &error {
            AwsError::NoCredentials(_) => Self::Denied(error),
            AwsError::Refused { status: 401 | 403, .. } if !error.is_passing() => {
                Self::Denied(error)
            }
            _ if error.is_passing() => Self::Passing(error),
            _ => Self::Refused(error),
        }
    }
}

impl Lock {
    fn write(&self, headers: &mut HeaderMap, now: Timestamp) {
        let mut put = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if let Some((mode, days)) = self.retention {
            let until =
                now.saturating_add((i64::from(days) * 24).hours()).unwrap_or(Timestamp::MAX);
            put("x-amz-object-lock-mode", mode);
            let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            put("x-amz-object-lock-retain-until-date", &until);
        }
        if self.legal_hold {
            put("x-amz-object-lock-legal-hold", "ON");
        }
    }
}

/// Whether an object's name is one that can be asked for; what is named here is.
pub(in crate::ledger) fn is_plain(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b))
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// The error's code; an answer to HEAD has none.
fn code(answer: &Answer) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told {
        code: String,
    }
    read_xml::<Told>(&answer.body).map(|told| told.code).unwrap_or_default()
}

fn read_xml<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    quick_xml::de::from_str(std::str::from_utf8(bytes).ok()?).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    is_truncated: bool,
    #[serde(default)]
    contents: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
    // Marks of deletion stand between them, and are none.
    #[serde(default)]
    version: Vec<Version>,
}
