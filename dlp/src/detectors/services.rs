//! Tokens of services: payment, mail, chat and the rest.
use super::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, lively, mixed, token,
};
use crate::engine::checks;
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://api.slack.com/authentication/token-types",
        check: slack,
        counter_examples: &["xoxb-your-token-here", "xoxo-indieweb-1"],
        ..token(
            "slack-token",
            "secret.slack",
            "[REDACTED-SLACK-TOKEN]",
            &[
                "xoxa-", "xoxb-", "xoxc-", "xoxd-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-",
                "xoxs-",
            ],
            r"xox(?:d-[A-Za-z0-9%/+\\=-]{20,}|[abceoprs](?:\.xox[bp])?-[A-Za-z0-9%/+-]{10,})",
            "Slack tokens",
            &["xoxb-<12d>-<13d>-<24>"],
        )
    },
    Detector {
        source: "https://api.slack.com/authentication/token-types",
        ..token(
            "slack-app-token",
            "secret.slack",
            "[REDACTED-SLACK-TOKEN]",
            &["xapp-"],
            "xapp-[0-9]{1,14}-[A-Za-z0-9/+-]{20,}",
            "Slack app-level tokens",
            &["xapp-1-A<10A>-<13d>-<64x>"],
        )
    },
    Detector {
        source: "https://api.slack.com/authentication/token-types",
        ..token(
            "slack-webhook",
            "secret.slack",
            "[REDACTED-SLACK-WEBHOOK]",
            &["hooks.slack.com/"],
            r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{38,80}",
            "Slack webhook addresses",
            &["https://hooks.slack.com/services/T<8A>/B<10A>/<24>"],
        )
    },
    Detector {
        source: "https://discord.com/developers/docs/resources/webhook",
        before: Edge::Any,
        ..token(
            "discord-webhook",
            "secret.discord",
            "[REDACTED-DISCORD-WEBHOOK]",
            &["/api/webhooks/"],
            "/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}",
            "Discord webhook addresses",
            &["https://discord.com/api/webhooks/<18d>/<68>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "teams-webhook",
            "secret.msteams",
            "[REDACTED-TEAMS-WEBHOOK]",
            &["/incomingwebhook/"],
            "/IncomingWebhook/[a-z0-9]{32}/[a-z0-9-]{36}(?:/[A-Za-z0-9_-]{20,})?",
            "Microsoft Teams webhook addresses, from their mark on",
            &[
                "https://a.webhook.office.com/webhookb2/x/IncomingWebhook/<32x>/<8x>-<4x>-<4x>-<4x>-<12x>",
            ],
        )
    },
    Detector {
        source: "https://core.telegram.org/bots/api#authorizing-your-bot",
        lead: ":",
        before: Edge::Any,
        after: Edge::Name,
        ..token(
            "telegram-bot-token",
            "secret.telegram",
            "[REDACTED-TELEGRAM-TOKEN]",
            &[":aa"],
            "AA[A-Za-z0-9_-]{32,36}",
            "Telegram bot tokens, behind the bot's number",
            &["<10d>:AA<33>"],
        )
    },
    Detector {
        source: "https://docs.stripe.com/keys",
        check: lively,
        ..token(
            "stripe-key",
            "secret.stripe",
            "[REDACTED-STRIPE-KEY]",
            &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"],
            "[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
            "Stripe secret and restricted keys",
            &["sk_live_<24>", "rk_test_<24>"],
        )
    },
    Detector {
        source: "https://docs.stripe.com/keys",
        ..token(
            "stripe-webhook-secret",
            "secret.stripe",
            "[REDACTED-STRIPE-SECRET]",
            &["whsec_"],
            "whsec_[A-Za-z0-9+/=]{24,}",
            "Stripe webhook signing secrets",
            &["whsec_<32>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "square-token",
            "secret.square",
            "[REDACTED-SQUARE-TOKEN]",
            &["sq0atp-", "sq0csp-", "eaaa"],
            "(?:sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43}|EAAA[A-Za-z0-9_-]{56,})",
            "Square access tokens and secrets",
            &["sq0atp-<22>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "shopify-token",
            "secret.shopify",
            "[REDACTED-SHOPIFY-TOKEN]",
            &["shpat_", "shpca_", "shppa_", "shpss_"],
            "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
            "Shopify tokens and secrets",
            &["shpat_<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "flutterwave-key",
            "secret.flutterwave",
            "[REDACTED-FLUTTERWAVE-KEY]",
            &["flwseck", "flwpubk"],
            "FLW(?:SEC|PUB)K(?:_TEST)?-[a-z0-9]{12,32}(?:-X)?",
            "Flutterwave keys",
            &["FLWSECK_TEST-<32x>-X"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "shippo-token",
            "secret.shippo",
            "[REDACTED-SHIPPO-TOKEN]",
            &["shippo_live_", "shippo_test_"],
            "shippo_(?:live|test)_[a-fA-F0-9]{40}",
            "Shippo tokens",
            &["shippo_live_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "duffel-token",
            "secret.duffel",
            "[REDACTED-DUFFEL-TOKEN]",
            &["duffel_test_", "duffel_live_"],
            "duffel_(?:test|live)_[A-Za-z0-9_=-]{43}",
            "Duffel tokens",
            &["duffel_live_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "easypost-key",
            "secret.easypost",
            "[REDACTED-EASYPOST-KEY]",
            &["ezak", "eztk"],
            "EZ[AT]K[A-Za-z0-9]{54}",
            "EasyPost keys",
            &["EZAK<54>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "sendgrid-key",
            "secret.sendgrid",
            "[REDACTED-SENDGRID-KEY]",
            &["sg."],
            r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
            "SendGrid API keys",
            &["SG.<22>.<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "sendinblue-key",
            "secret.sendinblue",
            "[REDACTED-BREVO-KEY]",
            &["xkeysib-"],
            "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}",
            "Brevo API keys",
            &["xkeysib-<64x>-<16>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "mailgun-key",
            "secret.mailgun",
            "[REDACTED-MAILGUN-KEY]",
            &["key-", "pubkey-"],
            "(?:pub)?key-[a-f0-9]{32}",
            "Mailgun keys",
            &["key-<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        before: Edge::Word,
        ..token(
            "twilio-key",
            "secret.twilio",
            "[REDACTED-TWILIO-KEY]",
            &[
                "sk0", "sk1", "sk2", "sk3", "sk4", "sk5", "sk6", "sk7", "sk8", "sk9", "ska", "skb",
                "skc", "skd", "ske", "skf",
            ],
            r"SK[0-9a-fA-F]{32}",
            "Twilio API keys",
            &["SK<32x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "facebook-token",
            "secret.facebook",
            "[REDACTED-FACEBOOK-TOKEN]",
            &["eaac", "eaam"],
            "EAA[MC][A-Za-z0-9]{60,}",
            "Facebook page and user tokens",
            &["EAAC<120>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "mapbox-token",
            "secret.mapbox",
            "[REDACTED-MAPBOX-TOKEN]",
            &["sk.eyj", "pk.eyj"],
            r"[sp]k\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
            "Mapbox tokens",
            &["sk.eyJ<60>.<22>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "adobe-secret",
            "secret.adobe",
            "[REDACTED-ADOBE-SECRET]",
            &["p8e-"],
            "p8e-[A-Za-z0-9_-]{32}",
            "Adobe client secrets",
            &["p8e-<32>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "onepassword-token",
            "secret.onepassword",
            "[REDACTED-1PASSWORD-TOKEN]",
            &["ops_eyj"],
            "ops_eyJ[A-Za-z0-9+/_-]{100,}={0,3}",
            "1Password service account tokens",
            &["ops_eyJ<300>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "frameio-token",
            "secret.frameio",
            "[REDACTED-FRAMEIO-TOKEN]",
            &["fio-u-"],
            "fio-u-[A-Za-z0-9_=-]{60,64}",
            "Frame.io tokens",
            &["fio-u-<64>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "intra42-secret",
            "secret.intra42",
            "[REDACTED-INTRA42-SECRET]",
            &["s-s4t2ud-", "s-s4t2af-"],
            "s-s4t2(?:ud|af)-[a-f0-9]{64}",
            "Intra42 client secrets",
            &["s-s4t2ud-<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        after: Edge::Word,
        ..token(
            "octopus-key",
            "secret.octopus",
            "[REDACTED-OCTOPUS-KEY]",
            &["api-"],
            "API-[A-Z0-9]{26}",
            "Octopus Deploy keys",
            &["API-<26A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "settlemint-token",
            "secret.settlemint",
            "[REDACTED-SETTLEMINT-TOKEN]",
            &["sm_aat_", "sm_pat_", "sm_sat_"],
            "sm_[aps]at_[A-Za-z0-9]{16}",
            "SettleMint tokens",
            &["sm_pat_<16>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "authress-key",
            "secret.authress",
            "[REDACTED-AUTHRESS-KEY]",
            &[".acc_", ".acc-"],
            r"\.acc[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}",
            "Authress service keys, from their mark on",
            &["sc_<10a>.<4a>.acc_<10a>.<70a>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        check: lively,
        ..token(
            "waka-key",
            "secret.wakatime",
            "[REDACTED-WAKATIME-KEY]",
            &["waka_"],
            "waka_[A-Za-z0-9-]{36,}",
            "WakaTime keys",
            &["waka_<42a>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "square-app-secret",
            "secret.square",
            "[REDACTED-SQUARE-SECRET]",
            &["sq0idp-", "sq0idk-"],
            "sq0id[pk]-[A-Za-z0-9_-]{20,}",
            "Square application ids and keys",
            &["sq0idp-<22>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        longest: 2048,
        ..token(
            "dropbox-token",
            "secret.dropbox",
            "[REDACTED-DROPBOX-TOKEN]",
            &["sl."],
            r"sl\.(?:u\.)?[A-Za-z0-9_-]{120,}",
            "Dropbox short-lived tokens",
            &["sl.B<140>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "google-refresh-token",
            "secret.google",
            "[REDACTED-GOOGLE-TOKEN]",
            &["1//0"],
            "1//0[A-Za-z0-9_-]{40,}",
            "Google OAuth refresh tokens",
            &["1//0<90>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "twilio-account",
            "secret.twilio",
            "[REDACTED-TWILIO-ACCOUNT]",
            &[
                "ac0", "ac1", "ac2", "ac3", "ac4", "ac5", "ac6", "ac7", "ac8", "ac9", "aca", "acb",
                "acc", "acd", "ace", "acf",
            ],
            "AC[0-9a-f]{32}",
            "Twilio account ids",
            &["AC<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "twitch-stream-key",
            "secret.twitch",
            "[REDACTED-TWITCH-KEY]",
            &["live_"],
            "live_[0-9]{7,12}_[A-Za-z0-9]{28,32}",
            "Twitch stream keys",
            &["live_<9d>_<30>"],
        )
    },
];

/// Numbers alone, or a word behind the prefix, are no token: `xoxo-indieweb-1`.
fn slack(token: &[u8], grade: Grade) -> Option<Grade> {
    const SHORTEST: usize = 16;
    const CHANGES: f64 = 2.3;
    let real = token.len() >= SHORTEST && checks::entropy(token) >= CHANGES;
    real.then(|| mixed(token.get(5..)?, grade)).flatten()
}
