//! Requests to AWS, before a service that checks how they are signed and what they ask.
mod credentials;
mod kms;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::*;

/// The emulator is a file of the end-to-end tests, which lean on this crate and not the other way.
#[allow(dead_code, reason = "shared with tests that use the rest of it")]
#[path = "../../../../tests/src/kms/mod.rs"]
mod service;

/// Whoever gives credentials, one after the other; counted.
#[derive(Clone, Debug)]
struct Giver {
    given: Arc<AtomicUsize>,
    all: Vec<Option<Credentials>>,
}

impl Giver {
    fn new(all: Vec<Option<Credentials>>) -> Self {
        Self { given: Arc::default(), all }
    }

    fn good() -> Self {
        Self::new(vec![Some(credentials(service::SECRET_ACCESS_KEY, None))])
    }

    fn source(&self) -> Source {
        Source::of(SharedCredentialsProvider::new(self.clone()))
    }

    fn given(&self) -> usize {
        self.given.load(Relaxed)
    }
}

impl ProvideCredentials for Giver {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let next = self.given.fetch_add(1, Relaxed).min(self.all.len() - 1);
        let failed = || CredentialsError::provider_error("a-token-that-no-log-may-show");
        future::ProvideCredentials::ready(self.all[next].clone().ok_or_else(failed))
    }
}

fn credentials(secret: &str, expiry: Option<SystemTime>) -> Credentials {
    let credentials = Credentials::builder()
        .access_key_id(service::ACCESS_KEY_ID)
        .secret_access_key(secret)
        .session_token(service::SESSION_TOKEN)
        .provider_name("test");
    match expiry {
        Some(expiry) => credentials.expiry(expiry).build(),
        None => credentials.build(),
    }
}
