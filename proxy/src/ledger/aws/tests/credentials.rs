//! Credentials that end, fail and come back.
use std::time::Duration;

use super::*;

fn until(secs: u64) -> Option<Credentials> {
    Some(credentials("secret", Some(SystemTime::now() + Duration::from_secs(secs))))
}

#[tokio::test]
async fn they_are_kept_while_they_hold_and_renewed_ahead_of_their_end() {
    let giver = Giver::new(vec![until(3600), until(3600)]);
    let source = giver.source();
    for _ in 0..3 {
        source.current("eu-test-1").await.unwrap();
    }
    assert_eq!(giver.given(), 1);
    source.forget();
    source.current("eu-test-1").await.unwrap();
    assert_eq!(giver.given(), 2);
}

#[tokio::test]
async fn those_that_have_ended_are_never_used() {
    let giver = Giver::new(vec![until(0), None, until(3600)]);
    let source = giver.source();
    source.current("eu-test-1").await.unwrap();
    let error = source.current("eu-test-1").await.unwrap_err();
    assert!(matches!(error, AwsError::CredentialsLate(_)));
    assert!(!format!("{error} {error:?}").contains("no-log-may-show"));
    source.current("eu-test-1").await.unwrap();
    assert_eq!(giver.given(), 3);
}

#[tokio::test]
async fn old_ones_serve_while_there_are_no_new_ones() {
    let giver = Giver::new(vec![until(240), None]);
    let source = giver.source();
    let first = source.current("eu-test-1").await.unwrap();
    source.look_again_now();
    for _ in 0..3 {
        let again = source.current("eu-test-1").await.unwrap();
        assert_eq!(again.expiry(), first.expiry());
    }
    // One try that failed; the next one is not yet due.
    assert_eq!(giver.given(), 2);
}
