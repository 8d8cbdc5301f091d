//! Tokens of customers' data, social networks and webhooks.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, mixed, token,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: BETTERLEAKS,
        before: Edge::Name,
        ..token(
            "salesforce-session",
            "secret.salesforce",
            "[REDACTED-SALESFORCE-SESSION]",
            &["00d"],
            "00D[A-Za-z0-9]{8,15}![A-Za-z0-9._-]{30,}",
            "Salesforce sessions",
            &["00D<12>!<90>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "salesforce-consumer-key",
            "secret.salesforce",
            "[REDACTED-SALESFORCE-CONSUMER-KEY]",
            &["3mvg9"],
            "3MVG9[A-Za-z0-9_.]{60,}",
            "Salesforce consumer keys",
            &["3MVG9<80>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "salesforce-refresh-token",
            "secret.salesforce",
            "[REDACTED-SALESFORCE-REFRESH-TOKEN]",
            &["5aep861"],
            "5Aep861[A-Za-z0-9_.]{50,}",
            "Salesforce refresh tokens",
            &["5Aep861<80>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        ..token(
            "segment-token",
            "secret.segment",
            "[REDACTED-SEGMENT-TOKEN]",
            &["sgp_"],
            "sgp_[A-Za-z0-9]{64}",
            "Segment public API tokens",
            &["sgp_<64>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "pinterest-token",
            "secret.pinterest",
            "[REDACTED-PINTEREST-TOKEN]",
            &["pina_"],
            "pina_[A-Za-z0-9_-]{20,200}",
            "Pinterest tokens",
            &["pina_<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "onesignal-key",
            "secret.onesignal",
            "[REDACTED-ONESIGNAL-KEY]",
            &["os_v2_app_", "os_v2_org_"],
            "os_v2_(?:app|org)_[a-z2-7]{100,103}",
            "OneSignal keys",
            &[
                "os_v2_app_q7xw2rb4kd4ts6vn2zh7gj3lp5fm5ycq7xw2rb4kd4ts6vn2zh7q7xw2rb4kd4ts6vn2zh7gj3lp5fm5ycq7xw2rb4kd4ts6vn2zh7",
            ],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "instagram-token",
            "secret.instagram",
            "[REDACTED-INSTAGRAM-TOKEN]",
            &["igqv"],
            "IGQV[A-Za-z0-9_=-]{50,}",
            "Instagram tokens",
            &["IGQVJ<160>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        longest: 2048,
        ..token(
            "facebook-other-token",
            "secret.facebook",
            "[REDACTED-FACEBOOK-OTHER-TOKEN]",
            &[
                "eaaa", "eaab", "eaad", "eaae", "eaaf", "eaag", "eaah", "eaai", "eaaj", "eaak",
                "eaal", "eaan", "eaao", "eaap", "eaaq", "eaar", "eaas", "eaat", "eaau", "eaav",
                "eaaw", "eaax", "eaay", "eaaz",
            ],
            "EAA[A-Za-z0-9]{90,}",
            "Facebook tokens of other apps",
            &["EAAB<160>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        before: Edge::Word,
        check: mixed,
        ..token(
            "twitter-bearer",
            "secret.twitter",
            "[REDACTED-TWITTER-BEARER]",
            &["aaaaaaaaaaaaaaaaaaaaa"],
            "A{20,22}[A-Za-z0-9%]{40,46}(?:%3D|=)?[A-Za-z0-9%]{40,}",
            "X bearer tokens",
            &["AAAAAAAAAAAAAAAAAAAAA<42>%3D<50>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "pubnub-key",
            "secret.pubnub",
            "[REDACTED-PUBNUB-KEY]",
            &["pub-c-", "sub-c-", "sec-c-"],
            "(?:(?:pub|sub)-c-[0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12}|sec-c-[A-Za-z0-9]{40,})",
            "PubNub keys",
            &["pub-c-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        before: Edge::Word,
        after: Edge::Word,
        ..token(
            "zoho-token",
            "secret.zoho",
            "[REDACTED-ZOHO-TOKEN]",
            &["1000."],
            r"1000\.[a-z0-9]{30,32}\.[a-z0-9]{30,32}",
            "Zoho tokens",
            &["1000.<32x>.<32x>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "ubidots-token",
            "secret.ubidots",
            "[REDACTED-UBIDOTS-TOKEN]",
            &["bbff-", "bbus-"],
            "BB(?:FF|US)-[A-Za-z0-9]{30}",
            "Ubidots tokens",
            &["BBFF-<30>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "contentful-token",
            "secret.contentful",
            "[REDACTED-CONTENTFUL-TOKEN]",
            &["cfpat-"],
            "CFPAT-[A-Za-z0-9_-]{43,}",
            "Contentful management tokens",
            &["CFPAT-<43>"],
        )
    },
    Detector {
        source: KINGFISHER,
        lead: r"thingsboard\.cloud/api/v1/",
        before: Edge::Any,
        after: Edge::Word,
        check: mixed,
        ..token(
            "thingsboard-address",
            "secret.thingsboard",
            "[REDACTED-THINGSBOARD-ADDRESS]",
            &["thingsboard.cloud/api/v1/"],
            "[A-Za-z0-9]{20}",
            "ThingsBoard device tokens in addresses",
            &["https://thingsboard.cloud/api/v1/<20a>/telemetry"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "zapier-webhook",
            "secret.zapier",
            "[REDACTED-ZAPIER-WEBHOOK]",
            &["hooks.zapier.com/hooks/catch/"],
            r"hooks\.zapier\.com/hooks/catch/[0-9]{4,10}/[A-Za-z0-9]{5,20}",
            "Zapier webhook addresses",
            &["https://hooks.zapier.com/hooks/catch/<8d>/<7a>/"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "ifttt-webhook",
            "secret.ifttt",
            "[REDACTED-IFTTT-WEBHOOK]",
            &["maker.ifttt.com/trigger/"],
            r"maker\.ifttt\.com/trigger/[A-Za-z0-9_-]{1,60}(?:/json)?/with/key/[A-Za-z0-9_-]{20,60}",
            "IFTTT webhook addresses",
            &["https://maker.ifttt.com/trigger/a/with/key/<43>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "make-webhook",
            "secret.make",
            "[REDACTED-MAKE-WEBHOOK]",
            &[".make.com/", "hook.eu1.", "hook.us1."],
            r"hook\.[a-z]{2}[0-9]\.make\.com/[a-z0-9]{32}",
            "Make webhook addresses",
            &["https://hook.eu1.make.com/<32a>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "google-chat-webhook",
            "secret.google_chat",
            "[REDACTED-GOOGLE-CHAT-WEBHOOK]",
            &["chat.googleapis.com/v1/spaces/"],
            r"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]{6,20}/messages\?key=[A-Za-z0-9_-]{20,60}&token=[A-Za-z0-9_%=-]{20,60}",
            "Google Chat webhook addresses",
            &["https://chat.googleapis.com/v1/spaces/<11>/messages?key=<39>&token=<43>"],
        )
    },
    Detector {
        source: KINGFISHER,
        before: Edge::Any,
        ..token(
            "feishu-webhook",
            "secret.lark",
            "[REDACTED-FEISHU-WEBHOOK]",
            &["/open-apis/bot/v2/hook/"],
            "/open-apis/bot/v2/hook/{uuid}",
            "Feishu and Lark webhook addresses",
            &["https://open.feishu.cn/open-apis/bot/v2/hook/<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        lead: "access_token=",
        after: Edge::Word,
        yields: true,
        ..token(
            "dingtalk-webhook",
            "secret.dingtalk",
            "[REDACTED-DINGTALK-WEBHOOK]",
            &["access_token="],
            "[a-f0-9]{64}",
            "DingTalk webhook tokens",
            &["https://oapi.dingtalk.com/robot/send?access_token=<64x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        before: Edge::Any,
        ..token(
            "wecom-webhook",
            "secret.wecom",
            "[REDACTED-WECOM-WEBHOOK]",
            &["/cgi-bin/webhook/send?key="],
            r"/cgi-bin/webhook/send\?key={uuid}",
            "WeCom webhook addresses",
            &["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
];
