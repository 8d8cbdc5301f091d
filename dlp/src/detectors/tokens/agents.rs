//! Tokens of models, agents and their tools.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, lively, mixed, token, varied,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: KINGFISHER,
        after: Edge::Name,
        check: varied,
        ..token(
            "fireworks-key",
            "secret.fireworks",
            "[REDACTED-FIREWORKS-KEY]",
            &["fw_"],
            "fw_[A-Za-z0-9]{22,}",
            "Fireworks keys",
            &["fw_<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "together-key",
            "secret.together",
            "[REDACTED-TOGETHER-KEY]",
            &["tgp_v1_"],
            "tgp_v1_[A-Za-z0-9_-]{43}",
            "Together AI keys",
            &["tgp_v1_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "nvidia-key",
            "secret.nvidia",
            "[REDACTED-NVIDIA-KEY]",
            &["nvapi-"],
            "nvapi-[A-Za-z0-9_-]{60,70}",
            "NVIDIA API keys",
            &["nvapi-<64>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "llama-cloud-key",
            "secret.llama",
            "[REDACTED-LLAMA-CLOUD-KEY]",
            &["llx-"],
            "llx-[A-Za-z0-9_-]{44,52}",
            "LlamaCloud keys",
            &["llx-<48>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Name,
        after: Edge::Name,
        check: varied,
        ..token(
            "voyage-key",
            "secret.voyageai",
            "[REDACTED-VOYAGE-KEY]",
            &["pa-", "al-"],
            "(?:pa|al)-[A-Za-z0-9_-]{43}",
            "Voyage AI keys",
            &["pa-<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "langfuse-key",
            "secret.langfuse",
            "[REDACTED-LANGFUSE-KEY]",
            &["sk-lf-", "pk-lf-"],
            "[sp]k-lf-{uuid}",
            "Langfuse keys",
            &["sk-lf-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "cartesia-key",
            "secret.cartesia",
            "[REDACTED-CARTESIA-KEY]",
            &["sk_car_"],
            "sk_car_[A-Za-z0-9_]{20,}",
            "Cartesia keys",
            &["sk_car_<22>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        check: mixed,
        ..token(
            "composio-key",
            "secret.composio",
            "[REDACTED-COMPOSIO-KEY]",
            &["oak_", "uak_"],
            "[ou]ak_[A-Za-z0-9_-]{16,80}",
            "Composio keys",
            &["uak_<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "devin-service-token",
            "secret.devin",
            "[REDACTED-DEVIN-SERVICE-TOKEN]",
            &["cog_"],
            "cog_[a-z2-7]{52}",
            "Devin service user tokens",
            &["cog_q7xw2rb4kd4ts6vn2zh7gj3lp5fm5ycq7xw2rb4kd4ts6vn2zh7g"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Word,
        after: Edge::Word,
        shared: true,
        check: lively,
        ..token(
            "cursor-key",
            "secret.cursor",
            "[REDACTED-CURSOR-KEY]",
            &["key_"],
            "key_[0-9a-f]{64}",
            "Cursor API keys",
            &["key_<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "labelbox-key",
            "secret.labelbox",
            "[REDACTED-LABELBOX-KEY]",
            &["lbx_", "rma_"],
            "(?:lbx|rma)_[A-Za-z0-9_-]{43}",
            "Labelbox keys",
            &["lbx_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "wandb-key",
            "secret.wandb",
            "[REDACTED-WANDB-KEY]",
            &["wandb_v1_"],
            "wandb_v1_[A-Za-z0-9_]{77}",
            "Weights & Biases keys",
            &["wandb_v1_<77>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "anyscale-key",
            "secret.anyscale",
            "[REDACTED-ANYSCALE-KEY]",
            &["esecret_"],
            "esecret_[a-z0-9]{26,}",
            "Anyscale keys",
            &["esecret_<26a>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "helicone-key",
            "secret.helicone",
            "[REDACTED-HELICONE-KEY]",
            &["sk-helicone-", "pk-helicone-"],
            "[sp]k-helicone-[a-z0-9-]{28,}",
            "Helicone keys",
            &["sk-helicone-<7a>-<7a>-<7a>-<7a>"],
        )
    },
    Detector {
        source: KINGFISHER,
        before: Edge::Name,
        after: Edge::Word,
        ..token(
            "firecrawl-key",
            "secret.firecrawl",
            "[REDACTED-FIRECRAWL-KEY]",
            &["fc-"],
            "fc-[a-f0-9]{32}",
            "Firecrawl keys",
            &["fc-<32x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "browserbase-key",
            "secret.browserbase",
            "[REDACTED-BROWSERBASE-KEY]",
            &["bb_live_", "bb_test_"],
            "bb_(?:live|test)_[A-Za-z0-9_-]{20,}",
            "Browserbase keys",
            &["bb_live_<27>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "e2b-key",
            "secret.e2b",
            "[REDACTED-E2B-KEY]",
            &["e2b_"],
            "e2b_[a-f0-9]{40}",
            "E2B keys",
            &["e2b_<40x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "jina-key",
            "secret.jina",
            "[REDACTED-JINA-KEY]",
            &["jina_"],
            "jina_(?:[A-Za-z0-9]{60}|[a-f0-9]{32}[A-Za-z0-9_-]{20,})",
            "Jina keys",
            &["jina_<32x><28>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "friendli-token",
            "secret.friendli",
            "[REDACTED-FRIENDLI-TOKEN]",
            &["flp_"],
            "flp_[A-Za-z0-9]{46}",
            "Friendli tokens",
            &["flp_<46>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "langsmith-old-key",
            "secret.langsmith",
            "[REDACTED-LANGSMITH-OLD-KEY]",
            &["ls__"],
            "ls__[a-f0-9]{32}",
            "LangSmith keys of the old form",
            &["ls__<32x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "openai-session",
            "secret.openai",
            "[REDACTED-OPENAI-SESSION]",
            &["sess-"],
            "sess-[A-Za-z0-9]{40}",
            "OpenAI session keys",
            &["sess-<40>"],
        )
    },
    Detector {
        source: KINGFISHER,
        before: Edge::Name,
        check: mixed,
        ..token(
            "zhipu-key",
            "secret.zai",
            "[REDACTED-ZHIPU-KEY]",
            &["zai-"],
            "zai-[A-Za-z0-9_-]{32,}",
            "Z.ai keys with a prefix",
            &["zai-<40>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "braintrust-token",
            "secret.braintrust",
            "[REDACTED-BRAINTRUST-TOKEN]",
            &["bt-st-"],
            "bt-st-[A-Za-z0-9]{40,}",
            "Braintrust service tokens",
            &["bt-st-<48>"],
        )
    },
    Detector {
        source: KINGFISHER,
        before: Edge::Name,
        after: Edge::Name,
        check: mixed,
        ..token(
            "modal-token",
            "secret.modal",
            "[REDACTED-MODAL-TOKEN]",
            &["wk-"],
            "wk-[A-Za-z0-9]{22}",
            "Modal proxy tokens",
            &["wk-<22>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "runpod-key",
            "secret.runpod",
            "[REDACTED-RUNPOD-KEY]",
            &["rpa_"],
            "rpa_[A-Z0-9]{40}[A-Za-z0-9]{6}",
            "RunPod keys",
            &["rpa_<40A><6>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "redirect-pizza-token",
            "secret.redirect",
            "[REDACTED-REDIRECT-PIZZA-TOKEN]",
            &["rpa_"],
            "rpa_[A-Za-z0-9]{30}",
            "redirect.pizza tokens",
            &["rpa_<30>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        after: Edge::Name,
        ..token(
            "posthog-other-key",
            "secret.posthog",
            "[REDACTED-POSTHOG-OTHER-KEY]",
            &["pha_", "phc_", "phr_", "phs_"],
            "ph[acrs]_[A-Za-z0-9]{40,60}",
            "PostHog project, OAuth and secure keys",
            &["phs_<43>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "mixedbread-key",
            "secret.mixedbread",
            "[REDACTED-MIXEDBREAD-KEY]",
            &["mxb_"],
            "mxb_[A-Za-z0-9]{28,}",
            "Mixedbread keys",
            &["mxb_<40>"],
        )
    },
];
