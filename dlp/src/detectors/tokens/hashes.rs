//! Hashes of passwords: not the password, and enough to try for it.
use crate::detectors::{Detector, Edge, token};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "bcrypt-hash",
            "hash.password_hash",
            "[REDACTED-BCRYPT-HASH]",
            &["$2a$", "$2b$", "$2y$", "$2x$"],
            "[$]2[abxy][$][0-9]{2}[$][./A-Za-z0-9]{53}",
            "hashes of passwords: bcrypt",
            &["$2b$12$<53>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "md5-crypt-hash",
            "hash.password_hash",
            "[REDACTED-MD5-CRYPT-HASH]",
            &["$1$"],
            "[$]1[$][./A-Za-z0-9]{1,8}[$][./A-Za-z0-9]{22}",
            "hashes of passwords: md5 crypt",
            &["$1$<8>$<22>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "apache-md5-hash",
            "hash.password_hash",
            "[REDACTED-APACHE-MD5-HASH]",
            &["$apr1$"],
            "[$]apr1[$][./A-Za-z0-9]{1,8}[$][./A-Za-z0-9]{22}",
            "hashes of passwords: apache md5",
            &["$apr1$<8>$<22>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "sha256-crypt-hash",
            "hash.password_hash",
            "[REDACTED-SHA256-CRYPT-HASH]",
            &["$5$"],
            "[$]5[$](?:rounds=[0-9]{1,9}[$])?[./A-Za-z0-9]{1,16}[$][./A-Za-z0-9]{43}",
            "hashes of passwords: sha256 crypt",
            &["$5$<16>$<43>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "sha512-crypt-hash",
            "hash.password_hash",
            "[REDACTED-SHA512-CRYPT-HASH]",
            &["$6$"],
            "[$]6[$](?:rounds=[0-9]{1,9}[$])?[./A-Za-z0-9]{1,16}[$][./A-Za-z0-9]{86}",
            "hashes of passwords: sha512 crypt",
            &["$6$<16>$<86>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "yescrypt-hash",
            "hash.password_hash",
            "[REDACTED-YESCRYPT-HASH]",
            &["$y$", "$gy$"],
            "[$]g?y[$][./A-Za-z0-9]{1,10}[$][./A-Za-z0-9]{1,86}[$][./A-Za-z0-9]{43}",
            "hashes of passwords: yescrypt",
            &["$y$j9T$<22>$<43>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "scrypt-hash",
            "hash.password_hash",
            "[REDACTED-SCRYPT-HASH]",
            &["$scrypt$", "$7$", "$8$", "$9$"],
            r#"(?:[$]scrypt[$][^\s:\"']{40,}|[$][789][$][./A-Za-z0-9]{14,40}[$][./A-Za-z0-9]{43})"#,
            "hashes of passwords: scrypt",
            &["$8$<14>$<43>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "argon2-hash",
            "hash.password_hash",
            "[REDACTED-ARGON2-HASH]",
            &["$argon2"],
            "[$]argon2(?:id|i|d)[$]v=[0-9]{1,3}[$]m=[0-9]{1,9},t=[0-9]{1,6},p=[0-9]{1,4}[$][A-Za-z0-9+/]{8,}[$][A-Za-z0-9+/]{16,}",
            "hashes of passwords: argon2",
            &["$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "pbkdf2-hash",
            "hash.password_hash",
            "[REDACTED-PBKDF2-HASH]",
            &["pbkdf2_sha", "$pbkdf2"],
            r#"(?:pbkdf2_sha(?:1|256|512)[$][0-9]{1,8}[$][A-Za-z0-9]{6,40}[$][A-Za-z0-9+/=]{24,}|[$]pbkdf2(?:-sha(?:256|512))?[$][^\s:\"']{40,})"#,
            "hashes of passwords: pbkdf2",
            &["pbkdf2_sha256$260000$<22>$<43>="],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "phpass-hash",
            "hash.password_hash",
            "[REDACTED-PHPASS-HASH]",
            &["$p$", "$h$"],
            "[$][PH][$][./A-Za-z0-9]{31}",
            "hashes of passwords: phpass",
            &["$P$B<30>"],
        )
    },
    Detector {
        source: "https://man7.org/linux/man-pages/man5/crypt.5.html",
        before: Edge::Any,
        after: Edge::Alphanumeric,
        ..token(
            "ldap-hash",
            "hash.password_hash",
            "[REDACTED-LDAP-HASH]",
            &["{ssha}", "{sha}", "{smd5}", "{ssha256}", "{ssha512}"],
            "[{]S(?:SHA(?:256|512)?|HA|MD5)[}][A-Za-z0-9+/]{24,}={0,2}",
            "hashes of passwords: ldap",
            &["{SSHA}<38>=="],
        )
    },
];
