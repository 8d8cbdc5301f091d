//! Waiting for things to happen, never longer than [`PATIENCE`].
use std::future::Future;
use std::time::Duration;

/// How long anything may take before the test gives up. Far beyond what is needed, since the
/// machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something.
///
/// # Panics
/// When there is nothing after [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(what, looking).await
}

/// Awaits a future, for [`PATIENCE`].
///
/// # Panics
/// When it takes longer.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}
