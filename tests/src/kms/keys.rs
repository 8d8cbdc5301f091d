//! Keys, and what they sign.
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256,
};

/// A kind of key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeySpec {
    /// `ECC_NIST_EDWARDS25519`.
    Ed25519,
    /// `ECC_NIST_P256`.
    P256,
    /// `ECC_NIST_P384`.
    P384,
    /// `RSA_2048`.
    Rsa2048,
    /// `RSA_3072`.
    Rsa3072,
    /// `RSA_2048` for encryption, which signs nothing.
    Encrypting,
}

impl KeySpec {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ECC_NIST_EDWARDS25519",
            Self::P256 => "ECC_NIST_P256",
            Self::P384 => "ECC_NIST_P384",
            Self::Rsa2048 | Self::Encrypting => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
        }
    }

    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::Encrypting => "ENCRYPT_DECRYPT",
            _ => "SIGN_VERIFY",
        }
    }

    /// Those of KMS that are here, too.
    pub(super) fn algorithms(self) -> &'static [&'static str] {
        match self {
            Self::Ed25519 => &["ED25519_SHA_512"],
            Self::P256 => &["ECDSA_SHA_256"],
            Self::P384 => &["ECDSA_SHA_384"],
            Self::Rsa2048 | Self::Rsa3072 => &["RSASSA_PKCS1_V1_5_SHA_256"],
            Self::Encrypting => &[],
        }
    }
}

pub(super) enum Message<'a> {
    Raw(&'a [u8]),
    Digest(&'a [u8]),
}

pub(super) struct StoredKey {
    pub(super) spec: KeySpec,
    pub(super) enabled: bool,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair, &'static digest::Algorithm),
    Rsa(RsaKeyPair),
}

impl StoredKey {
    pub(super) fn make(spec: KeySpec) -> Self {
        let rsa = |size| Pair::Rsa(RsaKeyPair::generate(size).unwrap());
        let pair = match spec {
            KeySpec::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            KeySpec::P256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                Pair::Ecdsa(pair.unwrap(), &digest::SHA256)
            }
            KeySpec::P384 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING);
                Pair::Ecdsa(pair.unwrap(), &digest::SHA384)
            }
            KeySpec::Rsa2048 | KeySpec::Encrypting => rsa(KeySize::Rsa2048),
            KeySpec::Rsa3072 => rsa(KeySize::Rsa3072),
        };
        Self { spec, enabled: true, pair }
    }

    pub(super) fn spki_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Ed25519(pair) => pair.public_key().as_der().unwrap(),
            Pair::Ecdsa(pair, _) => pair.public_key().as_der().unwrap(),
            Pair::Rsa(pair) => pair.public_key().as_der().unwrap(),
        };
        der.as_ref().to_vec()
    }

    /// Nothing when a digest is not as long as the algorithm's.
    pub(super) fn sign(&self, message: Message<'_>) -> Option<Vec<u8>> {
        Some(match (&self.pair, message) {
            (Pair::Ed25519(pair), Message::Raw(bytes)) => pair.sign(bytes).as_ref().to_vec(),
            (Pair::Ed25519(_), Message::Digest(_)) => return None,
            (Pair::Ecdsa(pair, algorithm), message) => {
                pair.sign_digest(&hashed(message, algorithm)?).unwrap().as_ref().to_vec()
            }
            (Pair::Rsa(pair), Message::Raw(bytes)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
            (Pair::Rsa(pair), message) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let digest = hashed(message, &digest::SHA256)?;
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).unwrap();
                signature
            }
        })
    }
}

fn hashed(message: Message<'_>, algorithm: &'static digest::Algorithm) -> Option<Digest> {
    match message {
        Message::Raw(bytes) => Some(digest::digest(algorithm, bytes)),
        Message::Digest(bytes) => Digest::import_less_safe(bytes, algorithm).ok(),
    }
}
