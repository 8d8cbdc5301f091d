//! Tokens of who lets people in, keeps secrets and looks for holes, whose makers publish no shape.
use crate::detectors::{Detector, Edge, listed, lively, made, mixed, short, varied};

pub(crate) const TOKENS: &[Detector] = &[
    listed(
        "arcjet-key",
        "secret.arcjet",
        "[REDACTED-ARCJET-KEY]",
        &["ajkey_"],
        "ajkey_[a-z0-9]{26}",
        "Arcjet keys",
        &["ajkey_<26a>"],
    ),
    Detector {
        check: lively,
        ..short(
            "hcaptcha-secret",
            "secret.hcaptcha",
            "[REDACTED-HCAPTCHA-SECRET]",
            &["es_"],
            "ES_[a-f0-9]{32}",
            "hCaptcha secrets",
            &["ES_<32x>"],
        )
    },
    short(
        "nightfall-key",
        "secret.nightfall",
        "[REDACTED-NIGHTFALL-KEY]",
        &["nf-"],
        "NF-[A-Za-z0-9]{32}",
        "Nightfall keys",
        &["NF-<32>"],
    ),
    Detector {
        check: varied,
        ..listed(
            "ory-token",
            "secret.ory",
            "[REDACTED-ORY-TOKEN]",
            &["ory_pat_", "ory_apikey_", "ory_wak_", "ory_st_", "ory_at_", "ory_rt_", "ory_ac_"],
            "ory_(?:pat|apikey|wak|st|at|rt|ac)_[A-Za-z0-9_.-]{24,200}",
            "Ory keys, sessions and OAuth tokens",
            &["ory_pat_<32>"],
        )
    },
    Detector {
        check: mixed,
        ..short(
            "pangea-token",
            "secret.pangea",
            "[REDACTED-PANGEA-TOKEN]",
            &["pts_", "pti_", "ptu_"],
            "p[t][siu]_[a-z0-9]{30,36}",
            "Pangea tokens",
            &["pts_<32a>"],
        )
    },
    listed(
        "permit-key",
        "secret.permitio",
        "[REDACTED-PERMIT-KEY]",
        &["permit_key_"],
        "permit_key_[A-Za-z0-9]{80,90}",
        "Permit.io keys",
        &["permit_key_<85>"],
    ),
    Detector {
        check: made,
        ..listed(
            "stytch-secret",
            "secret.stytch",
            "[REDACTED-STYTCH-SECRET]",
            &["secret-test-", "secret-live-"],
            "secret-(?:test|live)-[A-Za-z0-9_-]{35}=?",
            "Stytch secrets of a project",
            &["secret-live-<35>="],
        )
    },
    Detector {
        before: Edge::Word,
        check: lively,
        ..short(
            "trendmicro-key",
            "secret.trendmicro",
            "[REDACTED-TRENDMICRO-KEY]",
            &["tmc1"],
            "tmc1[A-Za-z0-9]{26,32}:[A-Za-z0-9]{60,70}",
            "Trend Micro Cloud One keys",
            &["tmc1<28>:<64>"],
        )
    },
    Detector {
        check: lively,
        ..short(
            "sqreen-token",
            "secret.sqreen",
            "[REDACTED-SQREEN-TOKEN]",
            &["org_"],
            "org_[0-9a-f]{56,64}",
            "Sqreen tokens",
            &["org_<60x>"],
        )
    },
    Detector {
        check: made,
        ..short(
            "stackhawk-key",
            "secret.stackhawk",
            "[REDACTED-STACKHAWK-KEY]",
            &["hawk."],
            r"hawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}",
            "StackHawk keys",
            &["hawk.<20>.<20>"],
        )
    },
    Detector {
        check: made,
        ..short(
            "infisical-token",
            "secret.infisical",
            "[REDACTED-INFISICAL-TOKEN]",
            &["st."],
            r"st\.[A-Za-z0-9_-]{3,48}\.[A-Za-z0-9_-]{3,64}\.[a-f0-9]{16,64}",
            "Infisical service tokens",
            &["st.<24x>.<32x>.<32x>"],
        )
    },
];
