//! Tokens of payment, shops and finance.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, mixed, token, varied,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://developer.paddle.com/api-reference/about/authentication",
        ..token(
            "paddle-key",
            "secret.paddle",
            "[REDACTED-PADDLE-KEY]",
            &["pdl_live_", "pdl_sdbx_"],
            "pdl_(?:live|sdbx)_(?:apikey|ntfset)_[a-z0-9]{26}_[A-Za-z0-9]{22,32}_[A-Za-z0-9]{3}",
            "Paddle API keys",
            &["pdl_live_apikey_<26a>_<22>_<3>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "polar-token",
            "secret.polar",
            "[REDACTED-POLAR-TOKEN]",
            &["polar_at_", "polar_oat_", "polar_pat_"],
            "polar_(?:at|oat|pat)_[A-Za-z0-9_-]{20,100}",
            "Polar tokens",
            &["polar_oat_<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "mercury-token",
            "secret.mercury",
            "[REDACTED-MERCURY-TOKEN]",
            &["mercury_production_"],
            "mercury_production_[a-z]{2,6}_[A-Za-z0-9]{40,50}_yrucrem",
            "Mercury bank tokens",
            &["mercury_production_wma_<44>_yrucrem"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "xendit-key",
            "secret.xendit",
            "[REDACTED-XENDIT-KEY]",
            &["xnd_production_", "xnd_development_", "xnd_public_"],
            "xnd_(?:production|development|public)_[A-Za-z0-9_]{40,}",
            "Xendit keys",
            &["xnd_production_<60>"],
        )
    },
    Detector {
        source: "https://razorpay.com/docs/api/authentication/",
        ..token(
            "razorpay-key",
            "secret.razorpay",
            "[REDACTED-RAZORPAY-KEY]",
            &["rzp_live_", "rzp_test_"],
            "rzp_(?:live|test)_[A-Za-z0-9]{14}",
            "Razorpay key ids",
            &["rzp_live_<14>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "midtrans-key",
            "secret.midtrans",
            "[REDACTED-MIDTRANS-KEY]",
            &["mid-server-"],
            "Mid-server-[A-Za-z0-9_-]{16,}",
            "Midtrans server keys",
            &["Mid-server-<24>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        after: Edge::Name,
        check: varied,
        shared: true,
        ..token(
            "mollie-token",
            "secret.mollie",
            "[REDACTED-MOLLIE-TOKEN]",
            &["access_"],
            "access_[A-Za-z0-9]{30,40}",
            "Mollie organisation tokens",
            &["access_<30>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "braintree-token",
            "secret.braintree",
            "[REDACTED-BRAINTREE-TOKEN]",
            &["access_token$"],
            "access_token[$](?:production|sandbox)[$][0-9a-z]{16}[$][0-9a-z]{32}",
            "Braintree access tokens",
            &["access_token$production$<16a>$<32x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "paypal-token",
            "secret.paypal",
            "[REDACTED-PAYPAL-TOKEN]",
            &["a21aa"],
            "A21AA[A-Za-z0-9_-]{80,}",
            "PayPal access tokens",
            &["A21AA<92>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "plaid-access-token",
            "secret.plaid",
            "[REDACTED-PLAID-ACCESS-TOKEN]",
            &["access-sandbox-", "access-development-", "access-production-", "public-production-"],
            "(?:access|public)-(?:sandbox|development|production)-{uuid}",
            "Plaid access tokens",
            &["access-production-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Word,
        ..token(
            "asaas-token",
            "secret.asaas",
            "[REDACTED-ASAAS-TOKEN]",
            &["$aact_"],
            "[$]aact_(?:prod|hmlg)_[A-Za-z0-9_:=-]{20,}",
            "Asaas API keys",
            &["$aact_prod_<60>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "pagarme-key",
            "secret.pagarme",
            "[REDACTED-PAGARME-KEY]",
            &["ak_live_", "ak_test_", "ek_live_", "ek_test_"],
            "[ae]k_(?:live|test)_[A-Za-z0-9]{30}",
            "Pagar.me keys",
            &["ak_live_<30>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "mercadopago-token",
            "secret.mercadopago",
            "[REDACTED-MERCADOPAGO-TOKEN]",
            &["app_usr-"],
            "APP_USR-[0-9]{10,18}-[0-9]{6}-[a-f0-9]{32}-[0-9]{6,12}",
            "Mercado Pago access tokens",
            &["APP_USR-<16d>-<6d>-<32x>-<9d>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        shared: true,
        ..token(
            "checkout-key",
            "secret.checkout",
            "[REDACTED-CHECKOUT-KEY]",
            &[
                "sk_0", "sk_1", "sk_2", "sk_3", "sk_4", "sk_5", "sk_6", "sk_7", "sk_8", "sk_9",
                "sk_a", "sk_b", "sk_c", "sk_d", "sk_e", "sk_f", "sk_test_", "sk_sbox_",
            ],
            "sk_(?:test_|sbox_)?{uuid}",
            "Checkout.com secret keys",
            &["sk_<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "circle-key",
            "secret.circle",
            "[REDACTED-CIRCLE-KEY]",
            &["live_api_key:", "test_api_key:"],
            "(?:LIVE|TEST)_API_KEY:[a-f0-9]{32}:[a-f0-9]{32}",
            "Circle API keys",
            &["LIVE_API_KEY:<32x>:<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "ramp-secret",
            "secret.ramp",
            "[REDACTED-RAMP-SECRET]",
            &["ramp_sec_"],
            "ramp_sec_[A-Za-z0-9]{48}",
            "Ramp client secrets",
            &["ramp_sec_<48>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "persona-key",
            "secret.persona",
            "[REDACTED-PERSONA-KEY]",
            &["persona_production_"],
            "persona_production_[A-Za-z0-9_-]{20,80}",
            "Persona API keys",
            &["persona_production_<36>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "onfido-token",
            "secret.onfido",
            "[REDACTED-ONFIDO-TOKEN]",
            &["api_live.", "api_live_us.", "api_live_ca.", "api_sandbox."],
            r"api_(?:live|sandbox)(?:_us|_ca)?\.[A-Za-z0-9_-]{20,80}",
            "Onfido tokens",
            &["api_live_us.<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        ..token(
            "woocommerce-key",
            "secret.woocommerce",
            "[REDACTED-WOOCOMMERCE-KEY]",
            &[
                "cs_0", "cs_1", "cs_2", "cs_3", "cs_4", "cs_5", "cs_6", "cs_7", "cs_8", "cs_9",
                "cs_a", "cs_b", "cs_c", "cs_d", "cs_e", "cs_f", "ck_0", "ck_1", "ck_2", "ck_3",
                "ck_4", "ck_5", "ck_6", "ck_7", "ck_8", "ck_9", "ck_a", "ck_b", "ck_c", "ck_d",
                "ck_e", "ck_f",
            ],
            "c[ks]_[a-f0-9]{40}",
            "WooCommerce keys and secrets",
            &["cs_<40x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "shopify-other-token",
            "secret.shopify",
            "[REDACTED-SHOPIFY-OTHER-TOKEN]",
            &["shptka_", "shpua_"],
            "shp(?:tka|ua)_[a-fA-F0-9]{32}",
            "Shopify theme and user tokens",
            &["shptka_<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "proof-key",
            "secret.proof",
            "[REDACTED-PROOF-KEY]",
            &["prf_"],
            "prf_(?:cli_)?[A-Za-z0-9_-]{20,80}",
            "Proof API keys",
            &["prf_<32>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        shared: true,
        ..token(
            "wepay-token",
            "secret.wepay",
            "[REDACTED-WEPAY-TOKEN]",
            &["production_", "stage_"],
            "(?:PRODUCTION|STAGE)_[a-f0-9]{60,68}",
            "WePay access tokens",
            &["PRODUCTION_<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        before: Edge::Any,
        ..token(
            "ebay-client-id",
            "secret.ebay",
            "[REDACTED-EBAY-CLIENT-ID]",
            &["-prd-"],
            "-PRD-[a-f0-9]{8,12}-[a-f0-9]{8,12}",
            "eBay client ids, from their mark on",
            &["MyShop-MyApp-PRD-<9x>-<8x>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "alchemy-key",
            "secret.alchemy",
            "[REDACTED-ALCHEMY-KEY]",
            &["alcht_", "alcp_"],
            "alc(?:ht|p)_[A-Za-z0-9]{30,}",
            "Alchemy tokens",
            &["alcht_<30>"],
        )
    },
];
