//! Ids that name an account and open nothing by themselves.
use crate::detectors::{BETTERLEAKS, Detector, Edge, mixed, token};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "mongodb-atlas-id",
            "identifier.mongodb",
            "[REDACTED-MONGODB-ATLAS-ID]",
            &["mdb_sa_id_"],
            "mdb_sa_id_[a-f0-9]{24}",
            "ids of MongoDB Atlas service accounts",
            &["mdb_sa_id_<24x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "ramp-client-id",
            "identifier.ramp",
            "[REDACTED-RAMP-CLIENT-ID]",
            &["ramp_id_"],
            "ramp_id_[A-Za-z0-9]{40}",
            "Ramp client ids",
            &["ramp_id_<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        check: mixed,
        ..token(
            "lark-app-id",
            "identifier.lark",
            "[REDACTED-LARK-APP-ID]",
            &["cli_"],
            "cli_[A-Za-z0-9]{16}",
            "Lark app ids",
            &["cli_<16>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "alibaba-sts-id",
            "identifier.alibaba",
            "[REDACTED-ALIBABA-STS-ID]",
            &["sts.nt"],
            r"STS\.NT[A-Za-z0-9]{14,62}",
            "temporary Alibaba Cloud key ids",
            &["STS.NT<22>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "google-client-id",
            "identifier.google",
            "[REDACTED-GOOGLE-CLIENT-ID]",
            &[".apps.googleusercontent.com"],
            r"\.apps\.googleusercontent\.com",
            "Google OAuth client ids, from their mark on",
            &["<12d>-<32a>.apps.googleusercontent.com"],
        )
    },
];
