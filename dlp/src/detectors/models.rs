//! Tokens of models and of what is built around them.
use super::{BETTERLEAKS, Detector, Edge, KINGFISHER, token};
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: BETTERLEAKS,
        shared: true,
        check: |token, grade| {
            let body = token.get(3..).unwrap_or_default();
            if memchr::memmem::find(body, b"T3BlbkFJ").is_some() {
                return Some(grade);
            }
            // Class names in style sheets begin so as well: `sk-fading-circle`.
            let digit = body.iter().any(u8::is_ascii_digit);
            let run = body.split(|byte| *byte == b'-' || *byte == b'_').map(<[u8]>::len).max();
            (digit && run.is_some_and(|run| run >= 20)).then_some(Grade::Likely)
        },
        before: Edge::Name,
        counter_examples: &["sk-abc123", "sk-fading-circle-animation-12", "task-<30>"],
        ..token(
            "openai-key",
            "secret.openai",
            "[REDACTED-OPENAI-KEY]",
            &["sk-"],
            r"sk-[A-Za-z0-9_-]{20,}",
            "OpenAI keys, and those of services that copy their form",
            &["key sk-abcdefghij0123456789XYZ", "sk-proj-<20>T3BlbkFJ<20>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "anthropic-key",
            "secret.anthropic",
            "[REDACTED-ANTHROPIC-KEY]",
            &["sk-ant-"],
            "sk-ant-[A-Za-z0-9_-]{8,}",
            "Anthropic keys",
            &["sk-ant-api03-<93>AA"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "openrouter-key",
            "secret.openrouter",
            "[REDACTED-OPENROUTER-KEY]",
            &["sk-or-v1-"],
            "sk-or-v1-[a-f0-9]{64}",
            "OpenRouter keys",
            &["sk-or-v1-<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        ..token(
            "huggingface-token",
            "secret.huggingface",
            "[REDACTED-HUGGINGFACE-TOKEN]",
            &["hf_", "api_org_"],
            "(?:hf_|api_org_)[A-Za-z0-9]{34}",
            "Hugging Face tokens",
            &["hf_<34>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "groq-key",
            "secret.groq",
            "[REDACTED-GROQ-KEY]",
            &["gsk_"],
            "gsk_[A-Za-z0-9]{40,}",
            "Groq keys",
            &["gsk_<52>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "xai-key",
            "secret.xai",
            "[REDACTED-XAI-KEY]",
            &["xai-"],
            "xai-[A-Za-z0-9_-]{60,}",
            "xAI keys",
            &["xai-<80>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "perplexity-key",
            "secret.perplexity",
            "[REDACTED-PERPLEXITY-KEY]",
            &["pplx-"],
            "pplx-[A-Za-z0-9]{40,}",
            "Perplexity keys",
            &["pplx-<48>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "replicate-token",
            "secret.replicate",
            "[REDACTED-REPLICATE-TOKEN]",
            &["r8_"],
            "r8_[A-Za-z0-9_-]{37}",
            "Replicate tokens",
            &["r8_<37>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "elevenlabs-key",
            "secret.elevenlabs",
            "[REDACTED-ELEVENLABS-KEY]",
            &["sk_"],
            "sk_[a-f0-9]{48}",
            "ElevenLabs keys",
            &["sk_<48x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "cerebras-key",
            "secret.cerebras",
            "[REDACTED-CEREBRAS-KEY]",
            &["csk-"],
            "csk-[A-Za-z0-9]{48}",
            "Cerebras keys",
            &["csk-<48a>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "langsmith-key",
            "secret.langsmith",
            "[REDACTED-LANGSMITH-KEY]",
            &["lsv2_"],
            "lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}",
            "LangSmith keys",
            &["lsv2_pt_<32x>_<10x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "tavily-key",
            "secret.tavily",
            "[REDACTED-TAVILY-KEY]",
            &["tvly-"],
            "tvly-(?:dev-|prod-)?[A-Za-z0-9_-]{28,}",
            "Tavily keys",
            &["tvly-dev-<32>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "pinecone-key",
            "secret.pinecone",
            "[REDACTED-PINECONE-KEY]",
            &["pcsk_"],
            "pcsk_[A-Za-z0-9_]{50,}",
            "Pinecone keys",
            &["pcsk_<70>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "devin-key",
            "secret.devin",
            "[REDACTED-DEVIN-KEY]",
            &["apk_"],
            "apk_(?:user_)?[A-Za-z0-9+/]{60,}={0,2}",
            "Devin API keys",
            &["apk_<80>"],
        )
    },
];
