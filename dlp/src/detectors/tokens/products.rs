//! Tokens of switches, products and games.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, lively, mixed, token,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: KINGFISHER,
        after: Edge::Name,
        check: mixed,
        shared: true,
        ..token(
            "statsig-key",
            "secret.statsig",
            "[REDACTED-STATSIG-KEY]",
            &["secret-"],
            "secret-[A-Za-z0-9]{43}",
            "Statsig server keys",
            &["secret-<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "configcat-key",
            "secret.configcat",
            "[REDACTED-CONFIGCAT-KEY]",
            &["configcat-sdk-1/"],
            "configcat-sdk-1/[A-Za-z0-9_-]{22}/[A-Za-z0-9_-]{22}",
            "ConfigCat SDK keys",
            &["configcat-sdk-1/<22>/<22>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: lively,
        ..token(
            "mergify-key",
            "secret.mergify",
            "[REDACTED-MERGIFY-KEY]",
            &["mergify_application_key_"],
            "mergify_application_key_[A-Za-z0-9_-]{40,}",
            "Mergify application keys",
            &["mergify_application_key_<60>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "unkey-key",
            "secret.unkey",
            "[REDACTED-UNKEY-KEY]",
            &["unkey_"],
            "unkey_[A-Za-z0-9]{20,32}",
            "Unkey root keys",
            &["unkey_<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "valtown-token",
            "secret.valtown",
            "[REDACTED-VALTOWN-TOKEN]",
            &["vtwn_"],
            "vtwn_[A-Za-z0-9_-]{20,80}",
            "Val Town tokens",
            &["vtwn_<30>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "expo-token",
            "secret.expo",
            "[REDACTED-EXPO-TOKEN]",
            &["expo_"],
            "expo_[A-Za-z0-9_-]{40}",
            "Expo access tokens",
            &["expo_<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "ionic-token",
            "secret.ionic",
            "[REDACTED-IONIC-TOKEN]",
            &["ion_"],
            "ion_[A-Za-z0-9]{42}",
            "Ionic personal tokens",
            &["ion_<42>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "thunderstore-token",
            "secret.thunderstore",
            "[REDACTED-THUNDERSTORE-TOKEN]",
            &["tss_"],
            "tss_[A-Za-z0-9_-]{20,80}",
            "Thunderstore tokens",
            &["tss_<30>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "lichess-token",
            "secret.lichess",
            "[REDACTED-LICHESS-TOKEN]",
            &["lip_", "lio_"],
            "li[op]_[A-Za-z0-9_]{16,60}",
            "Lichess tokens",
            &["lip_<20>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "riot-key",
            "secret.riot",
            "[REDACTED-RIOT-KEY]",
            &["rgapi-"],
            "RGAPI-{uuid}",
            "Riot Games keys",
            &["RGAPI-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "samsara-token",
            "secret.samsara",
            "[REDACTED-SAMSARA-TOKEN]",
            &["samsara_api_"],
            "samsara_api_[A-Za-z0-9]{26,32}",
            "Samsara tokens",
            &["samsara_api_<30>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "canva-secret",
            "secret.canva",
            "[REDACTED-CANVA-SECRET]",
            &["cnvca"],
            "cnvca[A-Za-z0-9_-]{51}",
            "Canva client secrets",
            &["cnvca<51>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "miro-token",
            "secret.miro",
            "[REDACTED-MIRO-TOKEN]",
            &["eyjtaxjv"],
            "eyJtaXJv[A-Za-z0-9-]{10,64}_[A-Za-z0-9_-]{20,64}",
            "Miro access tokens",
            &["eyJtaXJv<30>_<28>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "cds-notify-key",
            "secret.cds",
            "[REDACTED-CDS-NOTIFY-KEY]",
            &["gcntfy-"],
            "gcntfy-[A-Za-z0-9_]{1,60}-{uuid}-{uuid}",
            "Canadian Digital Service notification keys",
            &["gcntfy-test-<8x>-<4x>-<4x>-<4x>-<12x>-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
];
