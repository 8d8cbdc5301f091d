//! Why a request to AWS has no good answer.
use std::time::{Duration, SystemTime};

use http::header::DATE;
use http::response::Parts;

use super::super::peer::PeerError;

/// AWS takes a signature for five minutes; a little less is already worth a word.
const SKEW_MAX: Duration = Duration::from_secs(4 * 60);
/// The longest code that is shown; real ones have less than half of it.
const CODE_CHARS_MAX: usize = 64;

/// Why a request to AWS has no good answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwsError {
    /// None are configured.
    #[error("no AWS credentials: {0}")]
    NoCredentials(&'static str),
    /// Whoever gives them fails now.
    #[error("no AWS credentials: {0}")]
    CredentialsLate(&'static str),
    /// A header or the credentials have characters that cannot be signed.
    #[error("the request cannot be signed")]
    Unsignable,
    /// No answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The signature's time does not fit.
    #[error("this machine's clock is {0} seconds off from the service's; correct it")]
    Clock(u64),
    /// The service says no.
    #[error("it answered {status} `{code}`")]
    Refused {
        /// HTTP's.
        status: u16,
        /// The service's word for it.
        code: String,
    },
}

impl AwsError {
    /// What an answer with an error says.
    pub(super) fn refused(head: &Parts, code: &str, now: SystemTime) -> Self {
        if is_about_time(code)
            && let Some(off) = skew(head, now).filter(|off| *off > SKEW_MAX)
        {
            return Self::Clock(off.as_secs());
        }
        let word = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
        let code = code.chars().filter(word).take(CODE_CHARS_MAX).collect();
        Self::Refused { status: head.status.as_u16(), code }
    }

    /// Whether the same may well work in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Peer(_) | Self::CredentialsLate(_) => true,
            Self::NoCredentials(_) | Self::Unsignable | Self::Clock(_) => false,
            Self::Refused { status, code } => {
                *status >= 500 || is_throttling(*status, code) || is_about_credentials(code)
            }
        }
    }
}

/// Whether it says that there were too many requests.
pub(super) fn is_throttling(status: u16, code: &str) -> bool {
    let words = ["ThrottlingException", "Throttling", "SlowDown", "RequestLimitExceeded"];
    status == 429 || words.contains(&code)
}

/// Whether new credentials may help.
pub(super) fn is_about_credentials(code: &str) -> bool {
    ["ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired"].contains(&code)
}

/// Whether it may mean that the clocks differ; a wrong key's answer has the same code at some.
fn is_about_time(code: &str) -> bool {
    ["RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException"].contains(&code)
}

fn skew(head: &Parts, now: SystemTime) -> Option<Duration> {
    let date = head.headers.get(DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let ours = jiff::Timestamp::try_from(now).ok()?;
    Some(ours.duration_since(theirs).unsigned_abs())
}
