//! Tokens of networks, gateways and what watches over them.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, lively, mixed, token,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: BETTERLEAKS,
        ..token(
            "rootly-key",
            "secret.rootly",
            "[REDACTED-ROOTLY-KEY]",
            &["rootly_"],
            "rootly_[a-f0-9]{64}",
            "Rootly API keys",
            &["rootly_<64x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        after: Edge::Word,
        check: mixed,
        ..token(
            "nats-seed",
            "secret.nats",
            "[REDACTED-NATS-SEED]",
            &[
                "suaa", "suab", "suac", "suad", "suae", "suaf", "suag", "suah", "suai", "suaj",
                "suak", "sual", "suam", "suan", "suao", "suap", "saaa", "saab", "saac", "saad",
                "saae", "saaf", "saag", "saah", "saai", "saaj", "saak", "saal", "saam", "saan",
                "saao", "saap", "snaa", "snab", "snac", "snad", "snae", "snaf", "snag", "snah",
                "snai", "snaj", "snak", "snal", "snam", "snan", "snao", "snap", "scaa", "soaa",
                "sxaa", "soab", "soac", "soad", "soae", "soaf", "soag", "soah", "soai", "soaj",
                "soak", "soal", "soam", "soan", "soao", "soap",
            ],
            "S[ACNOUX]A[A-P][A-Z2-7]{54}",
            "NATS NKey seeds",
            &["SUAM<24A>Q2B7C3D4E5F6G7H2I3J4K5L6M7N2O3"],
        )
    },
    Detector {
        source: "https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp",
        longest: 2048,
        ..token(
            "ntlm-message",
            "secret.ntlm",
            "[REDACTED-NTLM-MESSAGE]",
            &["tlrmtvntuaa"],
            "TlRMTVNTUAA[BCD]AAAA[A-Za-z0-9+/]{28,}={0,2}",
            "NTLM messages",
            &["TlRMTVNTUAADAAAA<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "defined-networking-key",
            "secret.defined",
            "[REDACTED-DEFINED-NETWORKING-KEY]",
            &["dnkey-"],
            "dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}",
            "Defined Networking API keys",
            &["dnkey-<26A>-<52A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "docker-swarm-token",
            "secret.docker",
            "[REDACTED-DOCKER-SWARM-TOKEN]",
            &["swmtkn-1-", "swmkey-1-"],
            "(?:SWMTKN-1-[a-z0-9]{50,60}-[a-z0-9]{24,30}|SWMKEY-1-[A-Za-z0-9+/]{40,50})",
            "Docker Swarm join tokens and unlock keys",
            &["SWMTKN-1-<50a>-<25a>", "SWMKEY-1-<43>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "akamai-token",
            "secret.akamai",
            "[REDACTED-AKAMAI-TOKEN]",
            &["akab-"],
            "akab-[a-z0-9]{16}-[a-z0-9]{16}",
            "Akamai EdgeGrid tokens",
            &["akab-<16a>-<16a>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        check: mixed,
        ..token(
            "volcengine-key",
            "secret.volcengine",
            "[REDACTED-VOLCENGINE-KEY]",
            &["aklt"],
            "AKLT[A-Za-z0-9_-]{40,60}",
            "Volcengine access keys",
            &["AKLT<44>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "baidu-key",
            "secret.baidu",
            "[REDACTED-BAIDU-KEY]",
            &["bce-v3/altak-"],
            "bce-v3/ALTAK-[A-Za-z0-9]{21}/[a-f0-9]{40}",
            "Baidu Cloud API keys",
            &["bce-v3/ALTAK-<21>/<40x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        shared: true,
        ..token(
            "rancher-token",
            "secret.rancher",
            "[REDACTED-RANCHER-TOKEN]",
            &["token-"],
            "token-[a-z0-9]{5}:[a-z0-9]{54}",
            "Rancher API tokens",
            &["token-<5a>:<54a>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "portainer-token",
            "secret.portainer",
            "[REDACTED-PORTAINER-TOKEN]",
            &["ptr_"],
            "ptr_[A-Za-z0-9+/_=-]{32,}",
            "Portainer access tokens",
            &["ptr_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: lively,
        ..token(
            "zuplo-key",
            "secret.zuplo",
            "[REDACTED-ZUPLO-KEY]",
            &["zpka_"],
            "zpka_[A-Za-z0-9]{32}_[0-9a-f]{8}",
            "Zuplo consumer keys",
            &["zpka_<32a>_<8x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "wundergraph-key",
            "secret.wundergraph",
            "[REDACTED-WUNDERGRAPH-KEY]",
            &["cosmo_"],
            "cosmo_[0-9a-f]{32}",
            "WunderGraph Cosmo keys",
            &["cosmo_<32x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "kong-token",
            "secret.kong",
            "[REDACTED-KONG-TOKEN]",
            &["kpat_", "spat_"],
            "[ks]pat_[A-Za-z0-9]{40,}",
            "Kong Konnect tokens",
            &["kpat_<48>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "vault-recovery-token",
            "secret.hashicorp",
            "[REDACTED-VAULT-RECOVERY-TOKEN]",
            &["hvr."],
            r"hvr\.(?:[A-Za-z0-9]{24}|[A-Za-z0-9_-]{80,})",
            "HashiCorp Vault recovery tokens",
            &["hvr.<90>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "dynatrace-other-token",
            "secret.dynatrace",
            "[REDACTED-DYNATRACE-OTHER-TOKEN]",
            &["dt0"],
            r"dt0[a-z][0-9]{2}\.[A-Za-z0-9-]{8,128}\.[A-Za-z0-9]{64}",
            "Dynatrace platform and OAuth tokens",
            &["dt0s01.<24A>.<64A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "packagist-token",
            "secret.packagist",
            "[REDACTED-PACKAGIST-TOKEN]",
            &[
                "packagist_ort_",
                "packagist_uut_",
                "packagist_cut_",
                "packagist_out_",
                "packagist_acs_",
                "packagist_ack_",
            ],
            "packagist_(?:ort|out|uut|cut|acs|ack)_[0-9a-f]{28,96}",
            "Private Packagist tokens",
            &["packagist_ort_<68x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        longest: 2048,
        ..token(
            "grafana-plain-token",
            "secret.grafana",
            "[REDACTED-GRAFANA-PLAIN-TOKEN]",
            &["glc_eyj"],
            "glc_eyJ[A-Za-z0-9_-]{60,}",
            "Grafana Cloud tokens in URL alphabet",
            &["glc_eyJ<80>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "xata-key",
            "secret.xata",
            "[REDACTED-XATA-KEY]",
            &["xau_"],
            "xau_[A-Za-z0-9]{24,}",
            "Xata API keys",
            &["xau_<36>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "turso-token",
            "secret.turso",
            "[REDACTED-TURSO-TOKEN]",
            &["libsql://"],
            r"libsql://[a-z0-9.-]{4,80}\?authToken=eyJ[A-Za-z0-9_.-]{40,}",
            "Turso addresses with a token",
            &["libsql://db-me.turso.io?authToken=eyJ<80>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "aiven-password",
            "secret.aiven_token",
            "[REDACTED-AIVEN-PASSWORD]",
            &["avns_"],
            "AVNS_[A-Za-z0-9_-]{17,}",
            "passwords of Aiven services",
            &["AVNS_<19>"],
        )
    },
];
