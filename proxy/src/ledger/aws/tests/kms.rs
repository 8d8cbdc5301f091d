//! Keys of every kind, and everything that goes wrong on the way to them.
use std::time::Duration;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey,
};
use jiff::SignedDuration;

use super::super::kms::{KmsKey, KmsScheme};
use super::service::{Fault, KeyService, KeySpec, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN};
use super::*;
use crate::egress::Onward;

const HASH: [u8; 32] = [7; 32];
/// Far more than anything needs here.
const PATIENT: Duration = Duration::from_secs(30);
/// For what never comes.
const HASTY: Duration = Duration::from_millis(1500);

fn options(service: &KeyService, key: &str, wait: Duration) -> KmsOptions {
    let place = Place {
        region: Some(REGION.into()),
        endpoint: Some(service.url()),
        ca: None,
        onward: Onward::default(),
    };
    KmsOptions { key: key.to_owned(), place, wait }
}

fn kms(service: &KeyService, key: &str, wait: Duration) -> Kms {
    Kms::with(&options(service, key, wait), Giver::good().source()).unwrap()
}

async fn with_key(spec: KeySpec) -> (KeyService, String) {
    let service = KeyService::start().await;
    let key = service.create(spec);
    (service, key)
}

/// Whether it is a signature of this message by this key, as an outside verifier sees it.
fn holds(key: &KmsKey, message: &[u8], signature: &[u8]) -> bool {
    let verified = match key.scheme {
        KmsScheme::Ed25519 => {
            UnparsedPublicKey::new(&ED25519, &key.spki_der).verify(message, signature)
        }
        KmsScheme::EcdsaP256Sha256 => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.spki_der)
                .verify(message, signature)
        }
        KmsScheme::EcdsaP384Sha384 => {
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &key.spki_der)
                .verify(message, signature)
        }
        KmsScheme::RsaPkcs1Sha256 => {
            let digest = Digest::import_less_safe(message, &SHA256).unwrap();
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.spki_der)
                .verify_digest(&digest, signature)
        }
    };
    verified.is_ok()
}

#[tokio::test]
async fn a_key_of_each_kind_signs_a_hash_as_an_outside_verifier_reads_it() {
    let kinds = [
        (KeySpec::Ed25519, KmsScheme::Ed25519),
        (KeySpec::P256, KmsScheme::EcdsaP256Sha256),
        (KeySpec::P384, KmsScheme::EcdsaP384Sha384),
        (KeySpec::Rsa2048, KmsScheme::RsaPkcs1Sha256),
        (KeySpec::Rsa3072, KmsScheme::RsaPkcs1Sha256),
    ];
    for (spec, scheme) in kinds {
        let (service, arn) = with_key(spec).await;
        let kms = kms(&service, &arn, PATIENT);
        let key = kms.public_key().await.unwrap();
        assert_eq!((key.arn.as_str(), key.scheme), (arn.as_str(), scheme));
        assert_eq!(key.spki_der, service.spki_der(&arn));
        let signature = kms.sign(&HASH).await.unwrap();
        assert!(holds(&key, &HASH, &signature), "{spec:?}");
        assert!(!holds(&key, &[8; 32], &signature), "{spec:?}");
    }
}

#[tokio::test]
async fn an_alias_that_is_turned_to_another_key_does_not_change_who_signs() {
    let (service, first) = with_key(KeySpec::Ed25519).await;
    let second = service.create(KeySpec::Ed25519);
    service.name("alias/audit", &first);
    let kms = kms(&service, "alias/audit", PATIENT);
    let key = kms.public_key().await.unwrap();
    service.name("alias/audit", &second);
    assert!(holds(&key, &HASH, &kms.sign(&HASH).await.unwrap()));
    assert_eq!(kms.public_key().await.unwrap().arn, second);
    assert!(holds(&key, &HASH, &kms.sign(&HASH).await.unwrap()));
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let (service, arn) = with_key(KeySpec::Ed25519).await;
    let kms = kms(&service, &arn, PATIENT);
    let key = kms.public_key().await.unwrap();
    for fault in [Fault::Throttle, Fault::Broken, Fault::Slow(Duration::from_millis(20))] {
        service.fail(fault, 3);
        let signature = kms.sign(&HASH).await.unwrap();
        assert!(holds(&key, &HASH, &signature), "{fault:?}");
        service.heal();
    }
    // Four of each: three that failed and the one that did not; being slow is no failure.
    assert_eq!(service.calls().len(), 1 + 4 + 4 + 1);
}

#[tokio::test]
async fn a_connection_that_hangs_leaves_time_for_another() {
    let (service, arn) = with_key(KeySpec::Ed25519).await;
    let kms = kms(&service, &arn, Duration::from_secs(4));
    let key = kms.public_key().await.unwrap();
    service.fail(Fault::Hang, 1);
    assert!(holds(&key, &HASH, &kms.sign(&HASH).await.unwrap()));
}

#[tokio::test]
async fn what_does_not_pass_in_time_is_told_apart() {
    let (mut service, arn) = with_key(KeySpec::Ed25519).await;
    let kms = kms(&service, &arn, HASTY);
    kms.public_key().await.unwrap();
    service.fail(Fault::Throttle, usize::MAX);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::Throttled)));
    service.fail(Fault::Broken, usize::MAX);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::Transient(_))));
    service.fail(Fault::Hang, usize::MAX);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::Late)));
    service.heal();
    service.refuse().await;
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::Transient(_))));
    service.resume().await;
    kms.sign(&HASH).await.unwrap();
}

#[tokio::test]
async fn what_stays_is_told_at_once() {
    let (service, arn) = with_key(KeySpec::Ed25519).await;
    let kms = kms(&service, &arn, PATIENT);
    kms.public_key().await.unwrap();
    let asked = service.calls().len();
    service.set_enabled(&arn, false);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::KeyDisabled)));
    service.set_enabled(&arn, true);
    service.fail(Fault::Denied, 1);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::Denied(_))));
    service.fail(Fault::Garbage, 1);
    assert!(matches!(kms.sign(&HASH).await, Err(KmsError::BadAnswer(_))));
    assert_eq!(service.calls().len(), asked + 3);
    let other = super::kms::kms(&service, "alias/nobody", PATIENT).public_key().await;
    assert!(matches!(other, Err(KmsError::NotFound)));
}

#[tokio::test]
async fn a_wrong_signature_comes_back_as_it_is() {
    let (service, arn) = with_key(KeySpec::P256).await;
    let kms = kms(&service, &arn, PATIENT);
    let key = kms.public_key().await.unwrap();
    for fault in [Fault::WrongSignature, Fault::WrongKey] {
        service.fail(fault, 1);
        assert!(!holds(&key, &HASH, &kms.sign(&HASH).await.unwrap()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_key_for_something_else_is_refused() {
    let (service, arn) = with_key(KeySpec::Encrypting).await;
    let error = kms(&service, &arn, PATIENT).public_key().await.unwrap_err();
    assert!(matches!(error, KmsError::Unfit { .. }));
    assert!(error.to_string().contains("`ENCRYPT_DECRYPT`, `RSA_2048`"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_with_how_far() {
    let (service, arn) = with_key(KeySpec::Ed25519).await;
    service.set_skew(SignedDuration::from_mins(-20));
    let error = kms(&service, &arn, PATIENT).public_key().await.unwrap_err();
    assert!(matches!(error, KmsError::Refused(AwsError::Clock(1190..=1210))), "{error:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_denied_and_the_answer_that_repeats_the_token_is_not_shown() {
    let (service, arn) = with_key(KeySpec::Ed25519).await;
    let giver = Giver::new(vec![Some(credentials("another-secret", None))]);
    let kms = Kms::with(&options(&service, &arn, PATIENT), giver.source()).unwrap();
    let error = kms.public_key().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(matches!(error, KmsError::Denied(_)), "{shown}");
    assert!(shown.contains("InvalidSignatureException"), "{shown}");
    for secret in [SECRET_ACCESS_KEY, SESSION_TOKEN, "another-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_mistake_in_the_settings_is_named() {
    let refused = |key: &str, place: Place| {
        let options = KmsOptions { key: key.to_owned(), place, wait: PATIENT };
        Kms::new(&options).err().unwrap()
    };
    let at = |region: &str, endpoint: Option<&str>| Place {
        region: Some(region.into()),
        endpoint: endpoint.map(Into::into),
        ca: None,
        onward: Onward::default(),
    };
    assert!(refused("", at("eu-test-1", None)).contains("key"));
    assert!(refused("key", at("EU.test", None)).contains("`region`"));
    assert!(
        refused("key", at("eu-test-1", Some("http://h/path"))).contains("`endpoint` has a path")
    );
    assert!(refused("key", at("eu-test-1", Some("ftp://h"))).contains("`endpoint`"));
}

/// A proxy that leads everybody to one place, and tells what it was asked for.
async fn leading_to(place: std::net::SocketAddr) -> (Onward, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = serde_json::from_value(serde_json::json!({
        "url": format!("http://{}", listener.local_addr().unwrap()), "connect_by": "name",
    }));
    let onward = Onward::default();
    onward.set(Some(Arc::new(crate::egress::Parent::read(&settings.unwrap()).unwrap())));
    let asked = tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.unwrap());
        }
        near.write_all(b"HTTP/1.1 200 as you like\r\n\r\n").await.unwrap();
        let mut far = tokio::net::TcpStream::connect(place).await.unwrap();
        tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
    });
    (onward, asked)
}

#[tokio::test]
async fn a_service_behind_the_parent_proxy_is_asked_through_it() {
    let (service, arn) = with_key(KeySpec::P256).await;
    let place = service.url().trim_start_matches("http://").parse().unwrap();
    let (onward, asked) = leading_to(place).await;
    let mut options = options(&service, &arn, PATIENT);
    options.place.endpoint = Some("http://kms.test:8089".to_owned());
    options.place.onward = onward;
    let kms = Kms::with(&options, Giver::good().source()).unwrap();
    let key = kms.public_key().await.unwrap();
    assert!(holds(&key, &HASH, &kms.sign(&HASH).await.unwrap()));
    assert_eq!(asked.await.unwrap(), "CONNECT kms.test:8089 HTTP/1.1");
}
