//! Keys elsewhere: a signing proxy on the wire that dies, hangs and lies, and what the record does.
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tollgate_audit::{LocalKey, Registry};
use tollgate_config::settings::{
    EventSigner, KeyService, ProxyForm, SecretRef, Signer, SigningProxy,
};

use super::super::signers::register::{Revocation, ask_revocation};
use super::*;

/// The bearer token that the proxy wants.
const TOKEN: &str = "canary-signing-token";

/// What the proxy does with the next requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Sign,
    Hang,
    Fail,
    /// Signs with another key.
    WrongKey,
    /// Signs something else.
    WrongHash,
    Babble,
}

struct Proxy {
    key: LocalKey,
    other: LocalKey,
    manner: Mutex<Manner>,
    asked: AtomicU64,
}

fn key(seed: u8) -> LocalKey {
    LocalKey::from_pem(LocalKey::pem_from_seed(&[seed; 32]).as_bytes(), None).unwrap()
}

/// A signing proxy of both forms, until the test ends.
async fn proxy(seed: u8) -> (Arc<Proxy>, SocketAddr) {
    let state = Arc::new(Proxy {
        key: key(seed),
        other: key(seed + 100),
        manner: Mutex::new(Manner::Sign),
        asked: AtomicU64::new(0),
    });
    let app = Router::new()
        .route("/base/sign/hash", post(by_hash))
        .route("/base/sign", post(by_payload))
        .with_state(Arc::clone(&state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (state, address)
}

async fn answer(proxy: &Proxy, headers: &HeaderMap, hash: [u8; 32]) -> Result<String, StatusCode> {
    proxy.asked.fetch_add(1, SeqCst);
    if headers.get("authorization").map(|v| v.as_bytes())
        != Some(format!("Bearer {TOKEN}").as_bytes())
    {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let hash = Digest::new(hash);
    let signed = match *proxy.manner.lock() {
        Manner::Sign => proxy.key.sign(&hash),
        Manner::Hang => Err(tollgate_audit::SignatureError::Wrong),
        Manner::Fail => return Err(StatusCode::INTERNAL_SERVER_ERROR),
        Manner::WrongKey => proxy.other.sign(&hash),
        Manner::WrongHash => proxy.key.sign(&Digest::of(&[b"another"])),
        Manner::Babble => return Ok("!!".to_owned()),
    };
    match signed {
        Ok(signature) => Ok(signature.to_base64()),
        Err(_) => std::future::pending().await,
    }
}

async fn by_hash(
    State(proxy): State<Arc<Proxy>>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> Result<axum::Json<Value>, StatusCode> {
    let mut hash = [0; 32];
    hex::decode_to_slice(body["digest_hex"].as_str().unwrap(), &mut hash).unwrap();
    let signature = answer(&proxy, &headers, hash).await?;
    Ok(axum::Json(json!({ "kid": "k", "alg": "ed25519", "signature": signature })))
}

async fn by_payload(
    State(proxy): State<Arc<Proxy>>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> Result<axum::Json<Value>, StatusCode> {
    assert_eq!(body["key_id"], "audit");
    let payload = STANDARD.decode(body["payload_b64"].as_str().unwrap()).unwrap();
    let signature = answer(&proxy, &headers, payload.try_into().unwrap()).await?;
    Ok(axum::Json(json!({ "signature_b64": signature, "signer_id": "audit" })))
}

/// Settings that ask this proxy.
fn signer(dir: &TempDir, proxy: &Proxy, address: SocketAddr, events: EventSigner) -> Signer {
    let public_key = dir.path().join(format!("{}.pem", proxy.key.kid()));
    fs::write(&public_key, proxy.key.public().to_pem()).unwrap();
    let token = dir.path().join("token");
    fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let service = SigningProxy {
        url: format!("http://{address}/base/"),
        form: ProxyForm::Hash,
        public_key,
        api_key: Some(SecretRef::File(token)),
        key_id: None,
        hashes: false,
        ca: None,
        client_certificate: None,
        client_key: None,
    };
    Signer {
        service: Some(KeyService::SigningProxy(service)),
        events,
        deadline_ms: 300,
        ..Signer::default()
    }
}

fn types(spool: &Path) -> Vec<String> {
    let event = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    lines(spool).into_iter().map(event).map(|e| e["event_type"].as_str().unwrap().into()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_signs_each_event_in_both_forms() {
    for form in [ProxyForm::Hash, ProxyForm::Payload] {
        let dir = TempDir::new().unwrap();
        let (service, address) = proxy(1).await;
        let mut options = options(&dir);
        options.signer = signer(&dir, &service, address, EventSigner::Service);
        if let Some(KeyService::SigningProxy(proxy)) = &mut options.signer.service {
            proxy.form = form;
            proxy.key_id = (form == ProxyForm::Payload).then(|| "audit".to_owned());
        }
        let ledger = Ledger::open(options.clone()).await.unwrap();
        let appends = (0..40).map(|n| {
            let ledger = ledger.clone();
            async move { ledger.append(facts(&n.to_string())).await.unwrap().seq() }
        });
        let seqs: BTreeSet<u64> = futures::future::join_all(appends).await.into_iter().collect();
        assert_eq!(seqs.len(), 40);
        ledger.stop().await.unwrap();
        let summary = verify(&options.spool).unwrap();
        assert_eq!(summary.signers, BTreeSet::from([service.key.kid().to_string()]));
        // The trial at the start, each event, the closing checkpoint's event and its line.
        assert_eq!(service.asked.load(SeqCst), summary.events + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_signature_nothing_is_recorded_and_the_chain_has_no_gap() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(2).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Service);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let mut good = 0;
    for manner in [Manner::Hang, Manner::Fail, Manner::WrongKey, Manner::WrongHash, Manner::Babble]
    {
        ledger.append(facts("before")).await.unwrap();
        good += 1;
        *service.manner.lock() = manner;
        let refused = ledger.append(facts("meanwhile")).await;
        assert_eq!(refused, Err(LedgerRefusal::Signer), "{manner:?}");
        assert!(ledger.health().unsigned && !ledger.health().writable, "{manner:?}");
        // An outcome waits for the signer and is not lost.
        ledger.note(facts("outcome"));
        good += 1;
        *service.manner.lock() = Manner::Sign;
        // It is noticed without a call that would show it.
        until("the signer's return", || ledger.health().writable).await;
        until("the outcome", || ledger.health().queued == 0).await;
    }
    ledger.stop().await.unwrap();
    let summary = verify(&options.spool).unwrap();
    assert_eq!(summary.events, good + 1, "a closing checkpoint and nothing else");
    assert!(!lines(&options.spool).iter().any(|line| line.contains("meanwhile")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_an_outage_and_a_root_alone_verifies_it() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(3).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Session);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    *service.manner.lock() = Manner::Fail;
    for n in 0..200 {
        ledger.append(facts(&n.to_string())).await.unwrap();
    }
    assert!(ledger.health().signer_until.is_some());
    ledger.stop().await.unwrap();
    assert_eq!(service.asked.load(SeqCst), 1, "the root was asked once");
    *service.manner.lock() = Manner::Sign;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("again")).await.unwrap();
    ledger.stop().await.unwrap();
    let summary = verify(&options.spool).unwrap();
    assert_eq!(summary.signers.len(), 2, "a session each start");
    assert_eq!(types(&options.spool)[0], "signer.delegated");
    // Two sessions of one root: that is no rotation.
    assert!(!types(&options.spool).iter().any(|kind| kind.starts_with("signer.rotation")));

    // Whoever trusts the root alone follows the delegations in the chain.
    let mut roots = Registry::new();
    roots.add(service.key.kid().clone(), service.key.public().clone(), None, "").unwrap();
    let check = |lines: &[String], roots: &Registry| -> Result<Summary, Break> {
        let mut verifier = Verifier::new(Profile::Tollgate, roots);
        lines.iter().try_for_each(|line| verifier.push(line.as_bytes()))?;
        verifier.finish()
    };
    let all = lines(&options.spool);
    assert_eq!(check(&all, &roots).unwrap().events, summary.events);
    let stranger = Registry::new();
    let broken = check(&all, &stranger).unwrap_err().to_string();
    assert!(broken.contains("vouches for a session key"), "{broken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_signs_nothing() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(4).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Session);
    options.signer.session_secs = 1;
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("in time")).await.unwrap();
    *service.manner.lock() = Manner::Fail;
    let mut refused = false;
    for _ in 0..600 {
        match ledger.append(facts("late")).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            Err(refusal) => {
                assert_eq!(refusal, LedgerRefusal::Signer);
                refused = true;
                break;
            }
        }
    }
    assert!(refused, "a session key signed beyond its time");
    *service.manner.lock() = Manner::Sign;
    until("a new session", || ledger.health().writable).await;
    ledger.append(facts("again")).await.unwrap();
    ledger.stop().await.unwrap();
    assert!(verify(&options.spool).unwrap().signers.len() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_session_takes_over_although_nothing_happens() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(8).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Session);
    options.signer.session_secs = 2;
    // The owner looks about as often as the shortest of its times.
    options.segment_age = jiff::SignedDuration::from_secs(1);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    let first = ledger.health().signer_until;
    until("two more sessions", || {
        types(&options.spool).iter().filter(|kind| *kind == "signer.delegated").count() >= 3
    })
    .await;
    assert!(ledger.health().signer_until > first);
    ledger.stop().await.unwrap();
    verify(&options.spool).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_key_that_signs_is_taken_back_by_another() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(9).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Session);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("first")).await.unwrap();
    let signer_of = |line: &String| {
        serde_json::from_str::<Value>(line).unwrap()["signer_kid"].as_str().unwrap().to_owned()
    };
    let session = signer_of(&lines(&options.spool)[0]);
    let ask = Revocation {
        signer_kid: session.clone(),
        revoked_at: None,
        reason: "a core dump".to_owned(),
    };
    ask_revocation(&options.spool, &ask).unwrap();
    // Without the service there is no other key, so nothing is done yet.
    *service.manner.lock() = Manner::Fail;
    assert!(ledger.reconsider(options.signer.clone()).await.is_err());
    *service.manner.lock() = Manner::Sign;
    // The service is left alone for a moment after a failure.
    let mut done = ledger.reconsider(options.signer.clone()).await;
    for _ in 0..100 {
        if done.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        done = ledger.reconsider(options.signer.clone()).await;
    }
    done.unwrap();
    ledger.append(facts("second")).await.unwrap();
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options.spool).unwrap().signers.len(), 2);
    let by_session = lines(&options.spool).iter().filter(|line| signer_of(line) == session).count();
    assert_eq!(by_session, 2, "its word and the first event, and nothing behind them");
    // A start believes what it finds.
    Ledger::open(options).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_stops_the_start() {
    let dir = TempDir::new().unwrap();
    let (service, address) = proxy(5).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &service, address, EventSigner::Session);
    for manner in [Manner::Fail, Manner::Hang, Manner::WrongKey] {
        *service.manner.lock() = manner;
        let error = Ledger::open(options.clone()).await.err().unwrap().to_string();
        assert!(error.contains("`audit.signer.service`"), "{manner:?}: {error}");
        assert!(!error.contains(TOKEN), "{error}");
    }
    fs::write(dir.path().join("token"), "wrong").unwrap();
    *service.manner.lock() = Manner::Sign;
    let error = Ledger::open(options).await.err().unwrap().to_string();
    assert!(error.contains("401"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_is_told_by_both_keys_and_a_revoked_key_is_gone_for_good() {
    let dir = TempDir::new().unwrap();
    let (old, old_address) = proxy(6).await;
    let (new, new_address) = proxy(7).await;
    let mut options = options(&dir);
    options.signer = signer(&dir, &old, old_address, EventSigner::Service);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("by the old")).await.unwrap();
    let ask = |kid: &str| Revocation {
        signer_kid: kid.to_owned(),
        revoked_at: Some(tollgate_audit::write_stamp(jiff::Timestamp::now())),
        reason: "drill".to_owned(),
    };
    let next = signer(&dir, &new, new_address, EventSigner::Service);
    ledger.reconsider(next.clone()).await.unwrap();
    ledger.append(facts("by the new")).await.unwrap();
    ask_revocation(&options.spool, &ask(old.key.kid().as_str())).unwrap();
    ledger.reconsider(next.clone()).await.unwrap();
    // Asked again, it is done already.
    ledger.reconsider(next.clone()).await.unwrap();
    ledger.append(facts("after")).await.unwrap();
    ledger.stop().await.unwrap();
    let told: Vec<String> =
        types(&options.spool).into_iter().filter(|kind| kind.starts_with("signer.")).collect();
    assert_eq!(told, ["signer.rotation.requested", "signer.rotation.applied", "signer.compromise"]);
    verify(&options.spool).unwrap();
    // The old key does not come back, and a revoked key's later events verify nowhere.
    let error = Ledger::open(options.clone()).await.err().unwrap().to_string();
    assert!(error.contains("may not sign again"), "{error}");
    let text = fs::read(options.spool.join("signers.json")).unwrap();
    let registry = Registry::parse(&text).unwrap();
    let signer = registry.signer(old.key.kid()).unwrap();
    assert!(signer.revoked_at().is_some() && signer.expires_at().is_some());

    // The key that signs is not revoked under the record's feet.
    options.signer = next;
    ask_revocation(&options.spool, &ask(new.key.kid().as_str())).unwrap();
    let error = Ledger::open(options).await.err().unwrap().to_string();
    assert!(error.contains("rotate it first"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_key_rotates_live_and_at_start() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let path = super::super::signers::key_path(&options.signer, &options.spool);
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("first")).await.unwrap();
    let before = fs::read(&path).unwrap();
    let next = super::super::signers::local::next_path(&path);
    super::super::signers::local::make_key(&next).unwrap();
    ledger.reconsider(options.signer.clone()).await.unwrap();
    assert!(!next.exists());
    assert_ne!(fs::read(&path).unwrap(), before, "the old private key is gone");
    ledger.append(facts("second")).await.unwrap();
    ledger.stop().await.unwrap();
    super::super::signers::local::make_key(&next).unwrap();
    let ledger = Ledger::open(options.clone()).await.unwrap();
    ledger.append(facts("third")).await.unwrap();
    ledger.stop().await.unwrap();
    assert_eq!(verify(&options.spool).unwrap().signers.len(), 3);
    let rotations = types(&options.spool).iter().filter(|k| k.contains("rotation")).count();
    assert_eq!(rotations, 4);
}
