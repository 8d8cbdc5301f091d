//! Tokens of models, agents and what is built around them, whose makers publish no shape.
use crate::detectors::{Detector, Edge, listed, lively, made, short};

pub(crate) const TOKENS: &[Detector] = &[
    listed(
        "ai71-key",
        "secret.ai71",
        "[REDACTED-AI71-KEY]",
        &["ai71-api-"],
        "ai71-api-{uuid}",
        "AI71 keys",
        &["ai71-api-<8x>-<4x>-<4x>-<4x>-<12x>"],
    ),
    short(
        "brave-search-key",
        "secret.brave",
        "[REDACTED-BRAVE-SEARCH-KEY]",
        &["bsa"],
        "BSA[A-Za-z0-9_-]{24,40}",
        "Brave Search keys",
        &["BSA<27>"],
    ),
    short(
        "browser-use-key",
        "secret.browser_use",
        "[REDACTED-BROWSER-USE-KEY]",
        &["bu_"],
        "bu_[A-Za-z0-9_-]{42,46}",
        "Browser Use keys",
        &["bu_<43>"],
    ),
    Detector {
        check: lively,
        ..short(
            "coderabbit-key",
            "secret.coderabbit",
            "[REDACTED-CODERABBIT-KEY]",
            &["cr-"],
            "cr-[a-f0-9]{58}",
            "CodeRabbit keys",
            &["cr-<58x>"],
        )
    },
    Detector {
        shared: true,
        ..short(
            "composio-project-key",
            "secret.composio",
            "[REDACTED-COMPOSIO-PROJECT-KEY]",
            &["ak_", "ck_"],
            "[ac]k_[A-Za-z0-9_-]{20}",
            "Composio keys of projects and consumers",
            &["ak_<20>"],
        )
    },
    Detector {
        check: made,
        ..listed(
            "gamma-key",
            "secret.gamma",
            "[REDACTED-GAMMA-KEY]",
            &["sk-gamma-"],
            "sk-gamma-[A-Za-z0-9_-]{32,64}",
            "Gamma keys",
            &["sk-gamma-<40>"],
        )
    },
    listed(
        "hackclub-key",
        "secret.hackclub",
        "[REDACTED-HACKCLUB-KEY]",
        &["sk-hc-v1-"],
        "sk-hc-v1-[a-f0-9]{64}",
        "Hack Club AI keys",
        &["sk-hc-v1-<64x>"],
    ),
    Detector {
        after: Edge::Name,
        check: made,
        shared: true,
        ..listed(
            "liveblocks-key",
            "secret.liveblocks",
            "[REDACTED-LIVEBLOCKS-KEY]",
            &["sk_prod_", "sk_dev_"],
            "sk_(?:prod|dev)_[A-Za-z0-9_-]{64}",
            "Liveblocks secret keys",
            &["sk_dev_<64>"],
        )
    },
    short(
        "mastra-key",
        "secret.mastra",
        "[REDACTED-MASTRA-KEY]",
        &["msk_"],
        "msk_[A-Za-z0-9]{32}(?:[A-Za-z0-9]{16}){0,2}",
        "Mastra memory gateway keys",
        &["msk_<32>"],
    ),
    short(
        "mem0-key",
        "secret.mem0",
        "[REDACTED-MEM0-KEY]",
        &["m0-"],
        "m0-[A-Za-z0-9]{24,44}",
        "Mem0 keys",
        &["m0-<40>"],
    ),
    Detector {
        after: Edge::Name,
        ..listed(
            "minimax-key",
            "secret.minimax",
            "[REDACTED-MINIMAX-KEY]",
            &["minimax-"],
            "MINIMAX-[A-Z0-9]{8}(?:-[A-Z0-9]{8}){3}",
            "MiniMax keys",
            &["MINIMAX-<8A>-<8A>-<8A>-<8A>"],
        )
    },
    short(
        "mintlify-key",
        "secret.mintlify",
        "[REDACTED-MINTLIFY-KEY]",
        &["mint_"],
        "mint_(?:dsc_)?[A-Za-z0-9]{24,44}",
        "Mintlify keys",
        &["mint_<28>"],
    ),
    Detector {
        check: lively,
        shared: true,
        ..short(
            "retell-key",
            "secret.retell",
            "[REDACTED-RETELL-KEY]",
            &["key_"],
            "key_[0-9a-f]{28}",
            "Retell AI keys",
            &["key_<28x>"],
        )
    },
    Detector {
        check: lively,
        shared: true,
        ..short(
            "runway-key",
            "secret.runway",
            "[REDACTED-RUNWAY-KEY]",
            &["key_"],
            "key_[0-9A-Fa-f]{128}",
            "Runway keys",
            &["key_<128x>"],
        )
    },
    listed(
        "pyx-key",
        "secret.pyx",
        "[REDACTED-PYX-KEY]",
        &["sk-pyx-"],
        "sk-pyx-[A-Za-z0-9]{64}",
        "pyx keys",
        &["sk-pyx-<64>"],
    ),
    listed(
        "saladcloud-key",
        "secret.saladcloud",
        "[REDACTED-SALADCLOUD-KEY]",
        &["salad_cloud_user_"],
        "salad_cloud_user_[A-Za-z0-9]{49}",
        "SaladCloud keys of a user",
        &["salad_cloud_user_<49>"],
    ),
    Detector {
        check: lively,
        shared: true,
        ..short(
            "scale-key",
            "secret.scale",
            "[REDACTED-SCALE-KEY]",
            &["live_"],
            "live_(?:auth_)?[0-9a-f]{32}",
            "Scale keys, and those it calls back with",
            &["live_<32x>"],
        )
    },
    Detector {
        after: Edge::Name,
        ..listed(
            "voiceflow-key",
            "secret.voiceflow",
            "[REDACTED-VOICEFLOW-KEY]",
            &["vf.dm."],
            r"VF\.DM\.[0-9a-f]{24}\.[A-Za-z0-9]{16}",
            "Voiceflow keys",
            &["VF.DM.<24x>.<16>"],
        )
    },
];
