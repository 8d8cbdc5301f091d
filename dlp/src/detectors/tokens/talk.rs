//! Tokens of mail, chat, customers and webhooks.
use crate::detectors::{BETTERLEAKS, Detector, Edge, KINGFISHER, TRUFFLEHOG, token};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://github.com/caronc/apprise/wiki/Notify_telegram",
        lead: "tgram://",
        before: Edge::Any,
        ..token(
            "telegram-address",
            "secret.telegram",
            "[REDACTED-TELEGRAM-ADDRESS]",
            &["tgram://"],
            "[0-9]{5,16}:[A-Za-z0-9_-]{30,}",
            "Telegram addresses of Apprise",
            &["tgram://<9d>:<35>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "mailersend-token",
            "secret.mailersend",
            "[REDACTED-MAILERSEND-TOKEN]",
            &["mlsn."],
            r"mlsn\.[A-Za-z0-9]{30,100}",
            "MailerSend tokens",
            &["mlsn.<64>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "resend-key",
            "secret.resend",
            "[REDACTED-RESEND-KEY]",
            &["re_"],
            "re_[1-9A-HJ-NP-Za-km-z]{8}_[1-9A-HJ-NP-Za-km-z]{24}",
            "Resend keys",
            &["re_q7Xw2Rb9_q7Xw2Rb9Kd4Ts6Vn1Zh8Gj3L"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "nylas-key",
            "secret.nylas",
            "[REDACTED-NYLAS-KEY]",
            &["nyk_v0_", "nyk_"],
            "nyk_(?:v0_)?[A-Za-z0-9_-]{60,67}",
            "Nylas keys",
            &["nyk_v0_<64>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "intercom-token",
            "secret.intercom",
            "[REDACTED-INTERCOM-TOKEN]",
            &["dg9rojp", "dg9ro"],
            "dG9rO[A-Za-z0-9+/_]{50,}={0,2}",
            "Intercom access tokens",
            &["dG9rO<56>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "hubspot-token",
            "secret.hubspot",
            "[REDACTED-HUBSPOT-TOKEN]",
            &["pat-na1-", "pat-na2-", "pat-na3-", "pat-eu1-", "pat-ap1-"],
            "pat-(?:na[1-3]|eu1|ap1)-{uuid}",
            "HubSpot private app tokens",
            &["pat-na1-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
];
