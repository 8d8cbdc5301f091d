//! Tokens of shops, customers and their records, whose makers publish no shape.
use crate::detectors::{Detector, Edge, listed, lively, made, mixed, short};

pub(crate) const TOKENS: &[Detector] = &[
    listed(
        "blockprotocol-key",
        "secret.blockprotocol",
        "[REDACTED-BLOCKPROTOCOL-KEY]",
        &["b10ck5."],
        r"b10ck5\.[A-Za-z0-9]{32}\.[A-Za-z0-9-]{36}",
        "Block Protocol keys",
        &["b10ck5.<32>.<36>"],
    ),
    Detector {
        check: mixed,
        whole: false,
        ..short(
            "branch-key",
            "secret.branch",
            "[REDACTED-BRANCH-KEY]",
            &["key_live_", "key_test_"],
            "key_(?:live|test)_[A-Za-z0-9]{16,40}",
            "Branch keys",
            &["key_live_<32>"],
        )
    },
    Detector {
        shared: true,
        ..listed(
            "crossmint-key",
            "secret.crossmint",
            "[REDACTED-CROSSMINT-KEY]",
            &["ck_staging_", "ck_production_", "sk_staging_", "sk_production_"],
            "[cs]k_(?:staging|production)_[A-Za-z0-9]{24,}",
            "Crossmint keys, of clients and servers",
            &["sk_production_<40>"],
        )
    },
    Detector {
        check: lively,
        ..short(
            "ebay-secret",
            "secret.ebay",
            "[REDACTED-EBAY-SECRET]",
            &["prd-", "sbx-"],
            "(?:PRD|SBX)-[a-f0-9]{8,12}(?:-[a-f0-9]{4}){3}-[a-f0-9]{4,12}",
            "eBay secrets",
            &["PRD-<8x>-<4x>-<4x>-<4x>-<4x>"],
        )
    },
    listed(
        "heartland-key",
        "secret.heartland",
        "[REDACTED-HEARTLAND-KEY]",
        &["skapi_cert_", "skapi_prod_"],
        "skapi_(?:cert|prod)_[A-Za-z0-9]{34,42}",
        "Heartland Portico keys",
        &["skapi_cert_<38>"],
    ),
    short(
        "mappedin-key",
        "secret.mappedin",
        "[REDACTED-MAPPEDIN-KEY]",
        &["mik_", "mis_"],
        "(?:mik_[A-Za-z0-9]{25}|mis_[A-Za-z0-9]{51})",
        "Mappedin keys and secrets",
        &["mik_<25>"],
    ),
    Detector {
        after: Edge::Name,
        ..listed(
            "mercadopago-other-token",
            "secret.mercadopago",
            "[REDACTED-MERCADOPAGO-OTHER-TOKEN]",
            &["app_usr-"],
            "APP_USR-[A-Za-z0-9]{6,20}(?:-[A-Za-z0-9]{4,64}){2,4}",
            "Mercado Pago keys and tokens of other forms",
            &["APP_USR-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    listed(
        "mercury-sandbox-token",
        "secret.mercury",
        "[REDACTED-MERCURY-SANDBOX-TOKEN]",
        &["mercury_sandbox_"],
        "mercury_sandbox_[a-z]{2,6}_[A-Za-z0-9]{40,50}_yrucrem",
        "Mercury tokens for trying",
        &["mercury_sandbox_rmu_<44>_yrucrem"],
    ),
    Detector {
        check: made,
        ..listed(
            "midtrans-sandbox-key",
            "secret.midtrans",
            "[REDACTED-MIDTRANS-SANDBOX-KEY]",
            &["sb-mid-"],
            "SB-Mid-(?:server|client)-[A-Za-z0-9_-]{10,24}",
            "Midtrans keys for trying",
            &["SB-Mid-server-<16>"],
        )
    },
    Detector {
        check: mixed,
        ..short(
            "moneywave-key",
            "secret.moneywave",
            "[REDACTED-MONEYWAVE-KEY]",
            &["ts_"],
            "ts_[A-Z0-9]{28,34}",
            "Moneywave keys",
            &["ts_<32A>"],
        )
    },
    Detector {
        check: made,
        ..listed(
            "persona-sandbox-key",
            "secret.persona",
            "[REDACTED-PERSONA-SANDBOX-KEY]",
            &["persona_sandbox_"],
            "persona_sandbox_[A-Za-z0-9_-]{20,80}",
            "Persona keys for trying",
            &["persona_sandbox_<36>"],
        )
    },
    Detector {
        check: mixed,
        whole: true,
        ..listed(
            "pinterest-refresh-token",
            "secret.pinterest",
            "[REDACTED-PINTEREST-REFRESH-TOKEN]",
            &["pinr_"],
            "pinr_[A-Za-z0-9._-]{20,300}",
            "Pinterest refresh tokens",
            &["pinr_<64>"],
        )
    },
    Detector {
        check: made,
        ..listed(
            "polar-refresh-token",
            "secret.polar",
            "[REDACTED-POLAR-REFRESH-TOKEN]",
            &["polar_rt_", "polar_ci_", "polar_cs_"],
            "polar_(?:rt|ci|cs)_[A-Za-z0-9_-]{20,100}",
            "Polar refresh tokens and secrets of clients",
            &["polar_rt_<43>"],
        )
    },
    Detector {
        after: Edge::Name,
        ..listed(
            "rainforest-key",
            "secret.rainforest",
            "[REDACTED-RAINFOREST-KEY]",
            &["apikey_"],
            "apikey_[a-f0-9]{64}",
            "Rainforest Pay keys",
            &["sbx_apikey_<64x>"],
        )
    },
    listed(
        "ramp-business-token",
        "secret.ramp",
        "[REDACTED-RAMP-BUSINESS-TOKEN]",
        &["ramp_business_tok_"],
        "ramp_business_tok_[A-Za-z0-9]{42}",
        "Ramp sign-up tokens",
        &["ramp_business_tok_<42>"],
    ),
    listed(
        "robinhood-key",
        "secret.robinhood",
        "[REDACTED-ROBINHOOD-KEY]",
        &["rh-api-"],
        "rh-api-{uuid}",
        "Robinhood keys",
        &["rh-api-<8x>-<4x>-<4x>-<4x>-<12x>"],
    ),
    Detector {
        check: mixed,
        ..listed(
            "seam-key",
            "secret.seam",
            "[REDACTED-SEAM-KEY]",
            &["seam_live", "seam_test"],
            "seam_(?:live|test2?)[A-Za-z0-9]{0,8}_[1-9A-HJ-NP-Za-km-z]{20,40}",
            "Seam keys",
            &["seam_live4Kd_<32>"],
        )
    },
    Detector {
        before: Edge::Alphanumeric,
        shared: true,
        ..short(
            "segment-public-token",
            "secret.segment",
            "[REDACTED-SEGMENT-PUBLIC-TOKEN]",
            &["sgp_"],
            "sgp_[A-Za-z0-9_-]{60,70}",
            "Segment tokens of the public API",
            &["sgp_<64>"],
        )
    },
    Detector {
        check: made,
        whole: true,
        ..listed(
            "shortcut-token",
            "secret.shortcut",
            "[REDACTED-SHORTCUT-TOKEN]",
            &["sct_r", "sct_w"],
            "sct_(?:r(?:s|wa)?|w)_[a-z0-9-]{1,60}_[A-Za-z0-9_-]{100,160}",
            "Shortcut tokens",
            &["sct_rs_acme_<142>"],
        )
    },
    Detector {
        longest: 2048,
        check: made,
        ..listed(
            "vk-token",
            "secret.vk",
            "[REDACTED-VK-TOKEN]",
            &["vk1.a."],
            r"vk1\.a\.[A-Za-z0-9_-]{80,}",
            "VK tokens",
            &["vk1.a.<120>"],
        )
    },
    Detector {
        after: Edge::Any,
        check: made,
        ..short(
            "yahoo-client-id",
            "secret.yahoo",
            "[REDACTED-YAHOO-CLIENT-ID]",
            &["dj0y"],
            "dj0y[A-Za-z0-9_-]{60,100}(?:--)?",
            "Yahoo client ids",
            &["dj0y<90>--"],
        )
    },
];
