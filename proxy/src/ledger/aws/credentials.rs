//! The credentials of the moment, from AWS's own chain: environment, profile, web identity (IRSA),
//! container and pod identity, and the instance's metadata (IMDSv2).
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::AwsError;

/// All that is tried to find credentials, together. On a machine that is not AWS's, the chain ends
/// with four tries at the instance's metadata, of a second each.
const FIND_WAIT: Duration = Duration::from_secs(10);
/// New ones are asked for this long before the old ones end, as the services advise.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// Credentials without an end are looked up again after this, since a file may have been replaced.
const LOOK_AGAIN: Duration = Duration::from_secs(15 * 60);
/// After a failure the old ones serve, where they still can, before the next try.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Where credentials come from, and those of the moment. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Source {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    provider: OnceCell<SharedCredentialsProvider>,
    held: Mutex<Option<Held>>,
}

#[derive(Clone)]
struct Held {
    credentials: Credentials,
    look_again: SystemTime,
}

impl Source {
    /// Credentials from elsewhere than the chain.
    #[cfg(test)]
    pub(super) fn of(provider: SharedCredentialsProvider) -> Self {
        let inner = Inner { provider: OnceCell::new_with(Some(provider)), held: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Those of the moment. Old ones that still hold serve when there are no new ones.
    pub(crate) async fn current(&self, region: &str) -> Result<Credentials, AwsError> {
        let now = SystemTime::now();
        let held = self.inner.held.lock().clone();
        let held = held.filter(|held| held.credentials.expiry().is_none_or(|end| end > now));
        if let Some(held) = held.as_ref().filter(|held| held.look_again > now) {
            return Ok(held.credentials.clone());
        }
        match (self.find(region).await, held) {
            (Ok(found), _) => Ok(found),
            (Err(error), None) => Err(error),
            (Err(error), Some(held)) => {
                tracing::warn!(%error, "AWS credentials were not renewed; the old ones still hold");
                let look_again = now + AFTER_FAILURE;
                let credentials = held.credentials.clone();
                *self.inner.held.lock() = Some(Held { look_again, ..held });
                Ok(credentials)
            }
        }
    }

    /// As when the time for new ones has come.
    #[cfg(test)]
    pub(super) fn look_again_now(&self) {
        if let Some(held) = self.inner.held.lock().as_mut() {
            held.look_again = SystemTime::UNIX_EPOCH;
        }
    }

    /// They were refused.
    pub(crate) fn forget(&self) {
        self.inner.held.lock().take();
    }

    /// In a task of its own: it ends and is kept when whoever asked went away, and where a profile
    /// asks for a way that is not built in (single sign-on), the chain panics.
    async fn find(&self, region: &str) -> Result<Credentials, AwsError> {
        let (inner, region) = (Arc::clone(&self.inner), region.to_owned());
        let found = tokio::spawn(async move { inner.find(region).await });
        let found = tokio::time::timeout(FIND_WAIT, found).await;
        let found = found.map_err(|_| AwsError::CredentialsLate("they did not come in time"))?;
        found.map_err(|_| {
            AwsError::NoCredentials("the profile asks for a way that is not built in")
        })?
    }
}

impl Inner {
    async fn find(&self, region: String) -> Result<Credentials, AwsError> {
        let provider = self.provider.get_or_init(|| chain(region)).await;
        let found = provider.provide_credentials().await;
        let credentials = found.map_err(|error| told(&error))?;
        let now = SystemTime::now();
        let look_again = match credentials.expiry() {
            None => now + LOOK_AGAIN,
            // Where they come with little time left, the giver is not asked at every request.
            Some(end) => end.checked_sub(AHEAD).unwrap_or(now).max(now + AFTER_FAILURE),
        };
        *self.held.lock() = Some(Held { credentials: credentials.clone(), look_again });
        Ok(credentials)
    }
}

async fn chain(region: String) -> SharedCredentialsProvider {
    let chain = DefaultCredentialsChain::builder().region(Region::new(region)).build().await;
    SharedCredentialsProvider::new(chain)
}

/// In our words, since the chain's may repeat what a file or a server said.
fn told(error: &CredentialsError) -> AwsError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => AwsError::NoCredentials(
            "neither environment, profile, web identity, container nor instance has any",
        ),
        CredentialsError::InvalidConfiguration(_) => {
            AwsError::NoCredentials("what says where they are is wrong")
        }
        CredentialsError::ProviderTimedOut(_) => {
            AwsError::CredentialsLate("whoever gives them did not answer in time")
        }
        _ => AwsError::CredentialsLate("whoever gives them failed"),
    }
}
