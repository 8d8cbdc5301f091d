//! Keys and signatures.
//!
//! A signature is made wherever the key is: here with a [`LocalKey`], or far away by a key
//! service that is handed the 32 bytes of a hash. Either way it comes back as a [`Signature`],
//! and what came from far away becomes one only by being verified ([`PublicKey::check`]).
use std::fmt;

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use zeroize::Zeroizing;

use crate::Digest;

/// The id of a signing key in the registry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Kid(String);

impl Kid {
    /// 1 to 128 characters of `A-Z a-z 0-9 . _ : / -`: what every log format carries unescaped.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
        match text.len() {
            1..=128 if text.bytes().all(plain) => Ok(Self(text.to_owned())),
            _ => Err(KeyError::Kid),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 over the 32 bytes of the hash; the signature is DER.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384 over the 32 bytes of the hash; the signature is DER.
    EcdsaP384,
    /// Ed25519 over the 32 bytes of the hash.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256, where the hash itself is the digest.
    RsaSha256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::RsaSha256];

    /// The registry's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256-sha256",
            Self::EcdsaP384 => "ecdsa-p384-sha384",
            Self::Ed25519 => "ed25519",
            Self::RsaSha256 => "rsa-sha256",
        }
    }

    /// The algorithm that a word means; lower case only.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == word)
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384 => &ECDSA_P384_SHA384_ASN1,
            Self::Ed25519 => &ED25519,
            Self::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The id has a character that is not allowed, or is empty or too long.
    #[error("a key id is 1 to 128 characters of `A-Z a-z 0-9 . _ : / -`")]
    Kid,
    /// The private key cannot be read.
    #[error("not an Ed25519 private key in PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`)")]
    Private,
    /// The public key cannot be read.
    #[error("not a public key of this algorithm in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    Public,
    /// A public key, but of no kind that signs a record.
    #[error("the key is none of Ed25519, ECDSA P-256, ECDSA P-384 and RSA of 2048 to 8192 bits")]
    Kind,
}

/// Why a signature is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// Not the standard alphabet with padding, or stray bits.
    #[error("the signature is not standard base64 with padding")]
    Encoding,
    /// The key says no.
    #[error("the signature is not by this key over this hash")]
    Wrong,
}

/// A public key that signatures are checked against.
#[derive(Clone, Debug)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes());
        Self::from_spki(algorithm, spki.map_err(|_| KeyError::Public)?.as_ref())
    }

    /// Reads a SubjectPublicKeyInfo in DER, of whichever algorithm it is.
    pub fn from_der(spki: &[u8]) -> Result<Self, KeyError> {
        Algorithm::ALL
            .into_iter()
            .find_map(|algorithm| Self::from_spki(algorithm, spki).ok())
            .ok_or(KeyError::Kind)
    }

    /// The same in PEM.
    pub fn from_any_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem);
        Self::from_der(spki.map_err(|_| KeyError::Public)?.as_ref())
    }

    fn from_spki(algorithm: Algorithm, spki: &[u8]) -> Result<Self, KeyError> {
        let key = UnparsedPublicKey::new(algorithm.verification(), spki).parse();
        let key = key.map_err(|_| KeyError::Public)?;
        Ok(Self { algorithm, spki: spki.to_vec(), key })
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn to_der(&self) -> &[u8] {
        &self.spki
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SubjectPublicKeyInfo in PEM, as the registry holds it.
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// The 32 bytes of an Ed25519 key; they end its SubjectPublicKeyInfo (RFC 8410).
    pub(crate) fn ed25519_bytes(&self) -> Option<&[u8]> {
        match self.algorithm {
            Algorithm::Ed25519 => self.spki.last_chunk::<32>().map(<[u8; 32]>::as_slice),
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::RsaSha256 => None,
        }
    }

    /// An id made from the key itself, for those who give none.
    pub fn derived_kid(&self) -> Kid {
        let print = Digest::of(&[&self.spki]).to_string();
        let short: String = print.chars().take(16).collect();
        Kid(format!("{}-{short}", self.algorithm.as_str()))
    }

    /// Whether `signature` is by this key over these bytes, taken as an Ed25519 message.
    pub(crate) fn signed_message(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// Turns bytes from a signer into a [`Signature`], if this key made them over `hash`.
    pub fn check(
        &self,
        kid: &Kid,
        hash: &Digest,
        signature: &[u8],
    ) -> Result<Signature, SignatureError> {
        let good = match self.algorithm {
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::Ed25519 => {
                self.key.verify_sig(hash.as_bytes(), signature)
            }
            // What a key service signs with `MessageType=DIGEST`: the hash is not hashed again.
            Algorithm::RsaSha256 => digest::Digest::import_less_safe(hash.as_bytes(), &SHA256)
                .and_then(|digest| self.key.verify_digest_sig(&digest, signature)),
        };
        good.map_err(|_| SignatureError::Wrong)?;
        Ok(Signature { kid: kid.clone(), hash: *hash, bytes: signature.to_vec() })
    }

    /// The same for a signature in its written form.
    pub fn check_text(
        &self,
        kid: &Kid,
        hash: &Digest,
        signature: &str,
    ) -> Result<Signature, SignatureError> {
        let bytes = STANDARD.decode(signature).map_err(|_| SignatureError::Encoding)?;
        self.check(kid, hash, &bytes)
    }
}

/// What a signer far away is given: it signs the hash, or hashes the bytes itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToSign {
    preimage: Vec<u8>,
    hash: Digest,
}

impl ToSign {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        let preimage = parts.concat();
        let hash = Digest::of(&[&preimage]);
        Self { preimage, hash }
    }

    /// What is signed.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// The bytes whose SHA-256 it is.
    pub fn preimage(&self) -> &[u8] {
        &self.preimage
    }
}

/// Proof that a key signed a hash: only the key itself and [`PublicKey::check`] make one.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    kid: Kid,
    hash: Digest,
    bytes: Vec<u8>,
}

impl Signature {
    /// The key that made it.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// What it is over.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// Standard base64 with padding.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }
}

/// An Ed25519 key in this process. It has no `Debug` and no `Clone`; the library that holds it
/// wipes its memory.
#[expect(missing_debug_implementations, reason = "a private key is never printed")]
pub struct LocalKey {
    pair: Ed25519KeyPair,
    kid: Kid,
    public: PublicKey,
}

/// The fixed head of an Ed25519 key in PKCS#8 (RFC 8410 section 7), before its 32 bytes.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

impl LocalKey {
    /// The PEM of a key made from 32 random bytes, to be kept in a file.
    pub fn pem_from_seed(seed: &[u8; 32]) -> Zeroizing<String> {
        let mut der = Zeroizing::new(Vec::with_capacity(48));
        der.extend_from_slice(&PKCS8_HEAD);
        der.extend_from_slice(seed);
        Zeroizing::new(pem("PRIVATE KEY", &der))
    }

    /// Reads PKCS#8 PEM. Without a `kid` one is derived from the public key.
    pub fn from_pem(pem: &[u8], kid: Option<Kid>) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyError::Private)?;
        let pair =
            Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| KeyError::Private)?;
        let spki: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| KeyError::Private)?;
        let public = PublicKey::from_spki(Algorithm::Ed25519, spki.as_ref())?;
        let kid = kid.unwrap_or_else(|| public.derived_kid());
        Ok(Self { pair, kid, public })
    }

    /// The same key under another id.
    pub fn named(mut self, kid: Kid) -> Self {
        self.kid = kid;
        self
    }

    /// Its id.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a hash. It fails only when the library does.
    pub fn sign(&self, hash: &Digest) -> Result<Signature, SignatureError> {
        let bytes = self.pair.try_sign(hash.as_bytes()).map_err(|_| SignatureError::Wrong)?;
        Ok(Signature { kid: self.kid.clone(), hash: *hash, bytes: bytes.as_ref().to_vec() })
    }

    /// Signs a text as it is, as notes are signed.
    pub(crate) fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let bytes = self.pair.try_sign(message).map_err(|_| SignatureError::Wrong)?;
        Ok(bytes.as_ref().to_vec())
    }
}

/// RFC 7468: 64 characters a line.
fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    // Room for all of it at once, so that no half-written private key is left behind by growing.
    let mut out = String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 64);
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    for (place, c) in body.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push_str("\n-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8032 section 7.1, test 1: a public test key.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn key() -> LocalKey {
        let mut seed = [0; 32];
        hex::decode_to_slice(SEED, &mut seed).unwrap();
        LocalKey::from_pem(LocalKey::pem_from_seed(&seed).as_bytes(), None).unwrap()
    }

    #[test]
    fn a_seed_gives_the_known_public_key() {
        assert_eq!(hex::encode(key().public().ed25519_bytes().unwrap()), PUBLIC);
        let pem = key().public().to_pem();
        let back = PublicKey::from_pem(Algorithm::Ed25519, &pem).unwrap();
        assert_eq!(back.derived_kid(), *key().kid());
        assert!(PublicKey::from_pem(Algorithm::RsaSha256, &pem).is_err());
    }

    #[test]
    fn only_this_key_over_this_hash() {
        let (key, hash) = (key(), Digest::of(&[b"x"]));
        let signature = key.sign(&hash).unwrap();
        let text = signature.to_base64();
        let public = key.public();
        assert!(public.check_text(key.kid(), &hash, &text).unwrap() == signature);
        for (hash, text, error) in [
            (Digest::of(&[b"y"]), text.clone(), SignatureError::Wrong),
            (hash, text.trim_end_matches('=').to_owned(), SignatureError::Encoding),
            (hash, format!("{text}\n"), SignatureError::Encoding),
            (hash, hex::encode(STANDARD.decode(&text).unwrap()), SignatureError::Wrong),
            (hash, String::new(), SignatureError::Wrong),
        ] {
            assert_eq!(public.check_text(key.kid(), &hash, &text).err(), Some(error));
        }
    }

    #[test]
    fn ids_are_plain() {
        for (text, good) in [
            ("audit-2026", true),
            ("arn:aws:kms/x", true),
            ("", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(Kid::parse(text).is_ok(), good, "for {text}");
        }
    }
}
