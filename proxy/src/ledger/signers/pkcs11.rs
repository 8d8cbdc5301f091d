//! A key in a PKCS#11 token (OASIS PKCS#11 2.40; EdDSA of 3.0).
//!
//! The token's library blocks for as long as it likes and keeps state by thread, so one thread of
//! its own speaks to it. A session that failed is opened again for the next signature.
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKeyComponents};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tollgate_audit::{Algorithm, PublicKey, ToSign};
use tollgate_config::settings;

use super::super::{LedgerError, secret};
use super::service::ServiceError;

/// Signatures that wait for the token; more are refused at once.
const WAITING_MAX: usize = 64;
/// How long the library may take to log out.
const LEAVE_WAIT: Duration = Duration::from_secs(2);

/// What is in front of the raw key in a SubjectPublicKeyInfo (RFC 8410, RFC 5480).
const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 3, 1, 7, 3, 0x42, 0,
];
const P384_HEAD: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22,
    3, 0x62, 0,
];

type Answer = Result<Vec<u8>, ServiceError>;

/// The token's thread.
pub(super) struct Token {
    /// None only while it is dropped.
    orders: Option<SyncSender<(ToSign, oneshot::Sender<Answer>)>>,
    /// Disconnected when the thread has let go of the library.
    left: Mutex<Receiver<()>>,
}

impl Drop for Token {
    /// A library that is still logging out while the process ends is pulled from under its own
    /// feet, so it is waited for; not for ever, since it may hang.
    fn drop(&mut self) {
        self.orders = None;
        if self.left.lock().recv_timeout(LEAVE_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the token's library does not come to an end");
        }
    }
}

impl Token {
    /// Starts the thread, logs in and reads the key's public half, all within the deadline.
    pub(super) fn open(
        setting: &settings::Pkcs11,
        deadline: Duration,
    ) -> Result<(Self, PublicKey), LedgerError> {
        let (orders, taken) = sync_channel(WAITING_MAX);
        let (told, opened) = sync_channel(1);
        let (leaving, left) = sync_channel(1);
        let setting = setting.clone();
        let run = move || {
            // Goes last.
            let _leaving = leaving;
            match Library::open(&setting) {
                Ok((library, open)) => {
                    let algorithm = open.public.algorithm();
                    // Whoever waited has given up: so does this thread.
                    if told.send(Ok(open.public.clone())).is_ok() {
                        library.serve(open, algorithm, &taken);
                    }
                }
                Err(reason) => {
                    let _ = told.send(Err(reason));
                }
            }
        };
        let thread = std::thread::Builder::new().name("signer-pkcs11".to_owned());
        thread.spawn(run).map_err(|_| LedgerError::Thread)?;
        match opened.recv_timeout(deadline) {
            Ok(Ok(public)) => Ok((Self { orders: Some(orders), left: Mutex::new(left) }, public)),
            Ok(Err(reason)) => Err(LedgerError::SignerSetting { reason }),
            Err(_) => Err(ServiceError::Late(deadline).into()),
        }
    }

    pub(super) async fn sign(&self, to_sign: &ToSign) -> Answer {
        let ended = || ServiceError::Unreachable("the token's thread has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or_else(ended)?;
        orders.try_send((to_sign.clone(), reply)).map_err(|error| match error {
            TrySendError::Full(_) => {
                ServiceError::Unreachable("too many signatures wait for the token".to_owned())
            }
            TrySendError::Disconnected(_) => ended(),
        })?;
        answer.await.map_err(|_| ended())?
    }
}

/// The library and where the key is.
struct Library {
    library: Pkcs11,
    setting: settings::Pkcs11,
    /// The print of a PIN that the token refused. It is not tried again: a few wrong ones lock a
    /// token.
    refused: Mutex<Option<Vec<u8>>>,
}

/// A session that is logged in, with the key in it.
struct Open {
    session: Session,
    key: ObjectHandle,
    public: PublicKey,
}

impl Library {
    fn open(setting: &settings::Pkcs11) -> Result<(Self, Open), String> {
        let module = setting.module.display();
        let library = Pkcs11::new(&setting.module)
            .map_err(|e| format!("`module`: `{module}` cannot be loaded: {e}"))?;
        let (setting, refused) = (setting.clone(), Mutex::default());
        let library = Self { library, setting, refused };
        library.initialise()?;
        let open = library.log_in()?;
        Ok((library, open))
    }

    fn initialise(&self) -> Result<(), String> {
        let flags = CInitializeFlags::OS_LOCKING_OK;
        match self.library.initialize(CInitializeArgs::new(flags)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            Err(e) => {
                let module = self.setting.module.display();
                Err(format!("`module`: `{module}` cannot be initialised: {}", told(&e)))
            }
        }
    }

    /// After a session failed. Many libraries see a token that came back only when they are
    /// initialised anew.
    fn log_in_again(&self) -> Result<Open, String> {
        let failed = match self.log_in() {
            Ok(open) => return Ok(open),
            Err(reason) => reason,
        };
        if self.refused.lock().is_some() {
            return Err(failed);
        }
        // It is not initialised when the last try failed there.
        let _ = self.library.clone().finalize();
        self.initialise()?;
        self.log_in()
    }

    fn log_in(&self) -> Result<Open, String> {
        let setting = &self.setting;
        let slots = self.library.get_slots_with_initialized_token();
        let slots = slots.map_err(|e| format!("its tokens cannot be listed: {}", told(&e)))?;
        let slot = slots.into_iter().find(|slot| {
            let info = self.library.get_token_info(*slot);
            info.is_ok_and(|info| info.label().trim_end() == setting.token)
        });
        let slot = slot.ok_or_else(|| format!("`token`: there is no token `{}`", setting.token))?;
        let session = self.library.open_ro_session(slot);
        let session = session.map_err(|e| format!("the token cannot be opened: {}", told(&e)))?;
        self.show_pin(&session)?;
        let key = one(&session, ObjectClass::PRIVATE_KEY, &setting.key)?;
        let public = one(&session, ObjectClass::PUBLIC_KEY, &setting.key)?;
        let public = read_public(&session, public)?;
        Ok(Open { session, key, public })
    }

    fn show_pin(&self, session: &Session) -> Result<(), String> {
        let pin = secret::read(&self.setting.pin).map_err(|e| format!("`pin` {e}"))?;
        let print = digest::digest(&digest::SHA256, pin.as_bytes()).as_ref().to_vec();
        let mut refused = self.refused.lock();
        if refused.as_ref() == Some(&print) {
            return Err("`pin`: the token refused it and it is the same still".to_owned());
        }
        let pin = AuthPin::new(pin.as_str().into());
        match session.login(UserType::User, Some(&pin)) {
            // A process logs in, not a session: the signer before had the same token.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                *refused = Some(print);
                Err("`pin`: the token refuses it; mend it before the token locks itself".to_owned())
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                Err("`pin`: the token has locked itself; its security officer must set a new PIN"
                    .to_owned())
            }
            Err(e) => Err(format!("`pin`: {}", told(&e))),
        }
    }

    fn serve(
        &self,
        open: Open,
        algorithm: Algorithm,
        orders: &Receiver<(ToSign, oneshot::Sender<Answer>)>,
    ) {
        let mut open = Some(open);
        while let Ok((to_sign, reply)) = orders.recv() {
            if reply.is_closed() {
                continue;
            }
            let answer = self.sign(&mut open, algorithm, &to_sign);
            let _ = reply.send(answer);
        }
    }

    fn sign(&self, open: &mut Option<Open>, algorithm: Algorithm, to_sign: &ToSign) -> Answer {
        if open.is_none() {
            *open = Some(self.log_in_again().map_err(ServiceError::Unreachable)?);
        }
        let Some(now) = open.as_ref() else { return Err(ServiceError::Answer("no session")) };
        sign(now, algorithm, to_sign).inspect_err(|_| *open = None)
    }
}

/// The library's own words for its errors are paragraphs.
fn told(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("`C_{function:?}` answered `{code:?}`"),
        error => error.to_string(),
    }
}

/// The one object of this class and label.
fn one(session: &Session, class: ObjectClass, label: &str) -> Result<ObjectHandle, String> {
    let template = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let found = session.find_objects(&template);
    let half = if class == ObjectClass::PRIVATE_KEY { "private" } else { "public" };
    match found.map_err(|e| format!("the token cannot be searched: {}", told(&e)))?.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("`key`: the token has no {half} key with the label `{label}`")),
        _ => Err(format!("`key`: the token has several {half} keys with the label `{label}`")),
    }
}

fn read_public(session: &Session, key: ObjectHandle) -> Result<PublicKey, String> {
    let wanted = [
        AttributeType::KeyType,
        AttributeType::EcPoint,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let found = session.get_attributes(key, &wanted);
    let found = found.map_err(|e| format!("the public key cannot be read: {}", told(&e)))?;
    let (mut kind, mut point, mut modulus, mut exponent) = (None, None, None, None);
    for attribute in found {
        match attribute {
            Attribute::KeyType(found) => kind = Some(found),
            Attribute::EcPoint(bytes) => point = Some(bytes),
            Attribute::Modulus(bytes) => modulus = Some(bytes),
            Attribute::PublicExponent(bytes) => exponent = Some(bytes),
            _ => {}
        }
    }
    let spki = match (kind, point, modulus, exponent) {
        (Some(KeyType::RSA), _, Some(n), Some(e)) => rsa_spki(n, e),
        (Some(KeyType::EC | KeyType::EC_EDWARDS), Some(point), _, _) => point_spki(&point),
        _ => None,
    };
    let public = spki.and_then(|spki| PublicKey::from_der(&spki).ok());
    public.ok_or_else(|| {
        "`key`: it is none of Ed25519, ECDSA P-256, ECDSA P-384 and RSA of 2048 to 8192 bits".into()
    })
}

fn rsa_spki(n: Vec<u8>, e: Vec<u8>) -> Option<Vec<u8>> {
    let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into().ok()?;
    let der: PublicKeyX509Der<'_> = key.as_der().ok()?;
    Some(der.as_ref().to_vec())
}

/// `CKA_EC_POINT` is an OCTET STRING around the point; some tokens give the point alone.
fn point_spki(point: &[u8]) -> Option<Vec<u8>> {
    let bare = match point {
        [4, length, bare @ ..] if usize::from(*length) == bare.len() => bare,
        bare => bare,
    };
    let head: &[u8] = match bare.len() {
        32 => &ED25519_HEAD,
        65 => &P256_HEAD,
        97 => &P384_HEAD,
        _ => return None,
    };
    Some([head, bare].concat())
}

fn sign(open: &Open, algorithm: Algorithm, to_sign: &ToSign) -> Answer {
    let (session, key, hash) = (&open.session, open.key, to_sign.hash().as_bytes());
    let signed = match algorithm {
        Algorithm::Ed25519 => {
            let scheme = EddsaParams::new(EddsaSignatureScheme::Ed25519);
            session.sign(&Mechanism::Eddsa(scheme), key, hash)
        }
        // Tokens sign a digest; the one that hashes itself is seldom offered.
        Algorithm::EcdsaP256 => {
            let digest = digest::digest(&digest::SHA256, hash);
            session.sign(&Mechanism::Ecdsa, key, digest.as_ref())
        }
        Algorithm::EcdsaP384 => {
            let digest = digest::digest(&digest::SHA384, hash);
            session.sign(&Mechanism::Ecdsa, key, digest.as_ref())
        }
        // The token hashes the bytes, and that is the hash.
        Algorithm::RsaSha256 => session.sign(&Mechanism::Sha256RsaPkcs, key, to_sign.preimage()),
    };
    let bytes = signed.map_err(|e| ServiceError::Refused(told(&e)))?;
    match algorithm {
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => {
            ecdsa_der(&bytes).ok_or(ServiceError::Answer("its signature is no pair of numbers"))
        }
        Algorithm::Ed25519 | Algorithm::RsaSha256 => Ok(bytes),
    }
}

/// A token gives `r ‖ s`; elsewhere an ECDSA signature is DER (RFC 3279 section 2.2.3).
fn ecdsa_der(pair: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = pair.split_at_checked(pair.len() / 2).filter(|(r, s)| r.len() == s.len())?;
    let body = [integer(r)?, integer(s)?].concat();
    let length = u8::try_from(body.len()).ok().filter(|length| *length < 0x80)?;
    Some([&[0x30, length], body.as_slice()].concat())
}

fn integer(bytes: &[u8]) -> Option<Vec<u8>> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let short = bytes.get(zeros..).filter(|short| !short.is_empty())?;
    // A first bit that is set would make it negative.
    let pad: &[u8] = if short.first().is_some_and(|b| *b >= 0x80) { &[0] } else { &[] };
    let length = u8::try_from(pad.len() + short.len()).ok()?;
    Some([&[2, length], pad, short].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_der() {
        let mut pair = [0; 64];
        (pair[31], pair[32], pair[63]) = (0x7f, 0x80, 1);
        let der = ecdsa_der(&pair).unwrap();
        assert_eq!(&der[..7], &[0x30, 38, 2, 1, 0x7f, 2, 33]);
        assert_eq!(&der[7..9], &[0, 0x80]);
        for wrong in [&[] as &[u8], &[1], &[0; 64], &[1; 200]] {
            assert!(ecdsa_der(wrong).is_none(), "for {} bytes", wrong.len());
        }
    }
}
