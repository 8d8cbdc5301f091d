//! Tokens of clouds, builds and what watches them, whose makers publish no shape.
use crate::detectors::{Detector, Edge, always, listed, lively, made, mixed, short};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        whole: true,
        ..listed(
            "adafruit-key",
            "secret.adafruit",
            "[REDACTED-ADAFRUIT-KEY]",
            &["aio_"],
            "aio_[A-Za-z]{4}[0-9]{2}[A-Za-z0-9]{22}",
            "Adafruit IO keys",
            &["aio_qXwR27<22>"],
        )
    },
    Detector {
        whole: true,
        ..listed(
            "axiom-token",
            "secret.axiom",
            "[REDACTED-AXIOM-TOKEN]",
            &["xaat-", "xapt-"],
            "xa(?:at|pt)-{uuid}",
            "Axiom tokens, of an organisation and personal",
            &["xaat-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        check: lively,
        ..short(
            "builderio-key",
            "secret.builderio",
            "[REDACTED-BUILDERIO-KEY]",
            &["bpk-"],
            "bpk-[a-f0-9]{32}",
            "Builder.io private keys",
            &["bpk-<32x>"],
        )
    },
    Detector {
        check: mixed,
        ..short(
            "calcom-key",
            "secret.calcom",
            "[REDACTED-CALCOM-KEY]",
            &["cal_"],
            "cal_(?:live_)?[A-Za-z0-9]{32}",
            "Cal.com keys",
            &["cal_live_<32>"],
        )
    },
    Detector {
        before: Edge::Word,
        check: made,
        whole: true,
        ..listed(
            "cfx-key",
            "secret.cfx",
            "[REDACTED-CFX-KEY]",
            &["cfxk_"],
            "cfxk_[A-Za-z0-9_-]{20,100}",
            "Cfx.re server keys",
            &["cfxk_<27>"],
        )
    },
    Detector {
        before: Edge::Word,
        after: Edge::Any,
        ..short(
            "confluent-secret",
            "secret.confluent",
            "[REDACTED-CONFLUENT-SECRET]",
            &["cflt"],
            "cflt[A-Za-z0-9+/]{60}",
            "Confluent API secrets",
            &["cflt<60>"],
        )
    },
    Detector {
        longest: 2048,
        before: Edge::Word,
        whole: true,
        ..listed(
            "convex-key",
            "secret.convex",
            "[REDACTED-CONVEX-KEY]",
            &["prod:", "dev:", "preview:", "project:"],
            r"(?:prod|dev|preview|project):[a-z0-9:-]{3,80}\|ey[A-Za-z0-9+/_=-]{16,}",
            "Convex deploy keys",
            &["prod:happy-otter-123|ey<40>"],
        )
    },
    short(
        "crates-io-token",
        "secret.crates",
        "[REDACTED-CRATES-IO-TOKEN]",
        &["cio"],
        "cio[A-Za-z0-9]{32}",
        "crates.io tokens",
        &["cio<32>"],
    ),
    short(
        "databento-key",
        "secret.databento",
        "[REDACTED-DATABENTO-KEY]",
        &["db-"],
        "db-[A-Za-z0-9]{29}",
        "Databento keys",
        &["db-<29>"],
    ),
    listed(
        "dryrun-key",
        "secret.dryrun",
        "[REDACTED-DRYRUN-KEY]",
        &["dryrunsec_"],
        "dryrunsec_[A-Za-z0-9]{32}",
        "DryRun Security keys",
        &["dryrunsec_<32>"],
    ),
    short(
        "dub-key",
        "secret.dub",
        "[REDACTED-DUB-KEY]",
        &["dub_"],
        "dub_[A-Za-z0-9]{24}",
        "Dub keys",
        &["dub_<24>"],
    ),
    Detector {
        longest: 2048,
        check: made,
        ..listed(
            "duplocloud-token",
            "secret.duplocloud",
            "[REDACTED-DUPLOCLOUD-TOKEN]",
            &["aqaaancmnd8bfderjho"],
            "AQAAANCMnd8BFdERjHo[A-Za-z0-9_-]{200,}",
            "DuploCloud tokens, and whatever else DPAPI has sealed",
            &["AQAAANCMnd8BFdERjHo<210>"],
        )
    },
    Detector {
        before: Edge::Word,
        check: made,
        ..listed(
            "firebase-token",
            "secret.firebase",
            "[REDACTED-FIREBASE-TOKEN]",
            &["apa91b"],
            "APA91b[A-Za-z0-9_-]{120,}",
            "Firebase messaging keys and registrations, from the mark on",
            &["APA91b<134>"],
        )
    },
    listed(
        "fleetbase-key",
        "secret.fleetbase",
        "[REDACTED-FLEETBASE-KEY]",
        &["flb_live_", "flb_test_"],
        "flb_(?:live|test)_[A-Za-z0-9]{20,64}",
        "Fleetbase keys",
        &["flb_live_<32>"],
    ),
    Detector {
        check: made,
        ..listed(
            "appsweep-key",
            "secret.guardsquare",
            "[REDACTED-APPSWEEP-KEY]",
            &["gs_appsweep_"],
            "gs_appsweep_[A-Za-z0-9_-]{24,48}",
            "Guardsquare AppSweep keys",
            &["gs_appsweep_<32>"],
        )
    },
    Detector {
        whole: true,
        ..listed(
            "hex-token",
            "secret.hex",
            "[REDACTED-HEX-TOKEN]",
            &["hxtp_", "hxtw_"],
            "hxt[pw]_[0-9a-f]{96}",
            "Hex Technologies tokens",
            &["hxtp_<96x>"],
        )
    },
    Detector {
        after: Edge::Any,
        ..short(
            "hop-token",
            "secret.hop",
            "[REDACTED-HOP-TOKEN]",
            &["ptk_", "hop_pat_"],
            "(?:ptk_[A-Za-z0-9_-]{40,80}|hop_pat_[A-Za-z0-9_-]{20,50})",
            "Hop tokens, of a project and personal",
            &["ptk_<44>"],
        )
    },
    Detector {
        check: made,
        ..listed(
            "inngest-key",
            "secret.inngest",
            "[REDACTED-INNGEST-KEY]",
            &["signkey-"],
            "signkey-[a-z0-9_-]{1,32}-[a-f0-9]{64}",
            "Inngest signing keys",
            &["signkey-prod-<64x>"],
        )
    },
    Detector {
        after: Edge::Name,
        whole: true,
        ..listed(
            "iterative-token",
            "secret.iterative",
            "[REDACTED-ITERATIVE-TOKEN]",
            &["isat_"],
            "isat_{uuid}",
            "DVC Studio tokens",
            &["isat_<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        check: mixed,
        ..short(
            "localstack-key",
            "secret.localstack",
            "[REDACTED-LOCALSTACK-KEY]",
            &["lkia", "lsia"],
            "L[KS]IA[A-Z0-9]{16,}",
            "access keys of LocalStack",
            &["LKIA<16A>"],
        )
    },
    listed(
        "openvsx-token",
        "secret.openvsx",
        "[REDACTED-OPENVSX-TOKEN]",
        &["ovsxat_", "ovsxp_"],
        "ovsx(?:at|p)_{uuid}",
        "Open VSX tokens",
        &["ovsxat_<8x>-<4x>-<4x>-<4x>-<12x>"],
    ),
    Detector {
        check: lively,
        ..short(
            "sourcegraph-gateway-key",
            "secret.sourcegraph",
            "[REDACTED-SOURCEGRAPH-GATEWAY-KEY]",
            &["slk_"],
            "slk_[a-f0-9]{64}",
            "Sourcegraph gateway keys",
            &["slk_<64x>"],
        )
    },
    listed(
        "testkube-key",
        "secret.testkube",
        "[REDACTED-TESTKUBE-KEY]",
        &["tkcapi_"],
        "tkcapi_[A-Za-z0-9]{30,64}",
        "Testkube keys",
        &["tkcapi_<32>"],
    ),
    Detector {
        before: Edge::Name,
        whole: true,
        ..listed(
            "tigris-secret",
            "secret.tigris",
            "[REDACTED-TIGRIS-SECRET]",
            &["tsec_"],
            "tsec_[A-Za-z0-9_+-]{70}",
            "Tigris secret keys",
            &["tsec_<70>"],
        )
    },
    Detector {
        longest: 2048,
        before: Edge::Name,
        check: made,
        ..listed(
            "tinybird-token",
            "secret.tinybird",
            "[REDACTED-TINYBIRD-TOKEN]",
            &["p.eyj1i"],
            r"p\.eyJ1I[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{43}",
            "Tinybird tokens",
            &["p.eyJ1I<90>.<43>"],
        )
    },
    listed(
        "tolgee-key",
        "secret.tolgee",
        "[REDACTED-TOLGEE-KEY]",
        &["tgpak_", "tgpat_"],
        "tgpa[kt]_[a-z0-9]{45,64}",
        "Tolgee keys, of a project and personal",
        &["tgpak_<52a>"],
    ),
    Detector {
        after: Edge::Name,
        ..listed(
            "triggerdev-key",
            "secret.triggerdev",
            "[REDACTED-TRIGGERDEV-KEY]",
            &["tr_dev_", "tr_prod_", "tr_stg_", "tr_preview_", "tr_pat_"],
            "tr_(?:dev|prod|stg|preview|pat)_[A-Za-z0-9]{20,40}",
            "Trigger.dev keys, of an environment and personal",
            &["tr_prod_<20>"],
        )
    },
    Detector {
        check: lively,
        ..short(
            "warpstream-key",
            "secret.warpstream",
            "[REDACTED-WARPSTREAM-KEY]",
            &["aks_"],
            "aks_[a-f0-9]{64}",
            "WarpStream keys",
            &["aks_<64x>"],
        )
    },
    Detector {
        lead: r"(?i:azurewebsites\.net/api/)[A-Za-z0-9_/-]{1,128}\?(?:[A-Za-z0-9_%.-]{1,32}=[A-Za-z0-9_%.-]{0,64}&){0,4}code=",
        after: Edge::Name,
        check: always,
        yields: true,
        ..listed(
            "azure-function-address",
            "secret.azure",
            "[REDACTED-AZURE-FUNCTION-ADDRESS]",
            &["azurewebsites.net/api/"],
            "[A-Za-z0-9_/+=-]{20,100}",
            "keys in addresses of Azure functions",
            &["https://a.azurewebsites.net/api/run?code=<40>=="],
        )
    },
];
