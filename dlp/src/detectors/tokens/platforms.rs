//! Tokens of platforms: clouds, their databases and what watches over them.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, lively, mixed, token,
};

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: CREDSWEEPER,
        ..token(
            "aws-appsync-key",
            "secret.aws_appsync",
            "[REDACTED-AWS-APPSYNC-KEY]",
            &["da2-"],
            "da2-[a-z0-9]{26}",
            "AWS AppSync API keys",
            &["da2-<26a>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "aws-mws-key",
            "secret.aws_mws",
            "[REDACTED-AWS-MWS-KEY]",
            &["amzn.mws."],
            r"amzn\.mws\.[0-9a-z]{8}(?:-[0-9a-z]{4}){3}-[0-9a-z]{12}",
            "Amazon Marketplace Web Service tokens",
            &["amzn.mws.<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        after: Edge::Word,
        ..token(
            "aws-principal-id",
            "secret.aws",
            "[REDACTED-AWS-PRINCIPAL-ID]",
            &["agpa", "aida", "aipa", "anpa", "anva", "aroa", "apka", "asca"],
            "A(?:GPA|IDA|IPA|NPA|NVA|ROA|PKA|SCA)[A-Z0-9]{16}",
            "unique ids of AWS users, roles, groups and keys",
            &["AROA<16A>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        longest: 2048,
        ..token(
            "aws-bedrock-short-key",
            "secret.aws_bedrock_key",
            "[REDACTED-AWS-BEDROCK-SHORT-KEY]",
            &["bedrock-api-key-"],
            "bedrock-api-key-[A-Za-z0-9+/]{28,}={0,2}",
            "Amazon Bedrock short-term keys",
            &["bedrock-api-key-<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "google-gemini-key",
            "secret.google",
            "[REDACTED-GOOGLE-GEMINI-KEY]",
            &["aq.ab8r"],
            r"AQ\.Ab8R[A-Za-z0-9_-]{46}",
            "Gemini API keys bound to an account",
            &["AQ.Ab8RN6<44>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        before: Edge::Any,
        ..token(
            "azure-storage-mark",
            "secret.azure",
            "[REDACTED-AZURE-STORAGE-MARK]",
            &["jqqj9"],
            "JQQJ9[9DH][A-Za-z0-9]{26}(?:[A-Za-z0-9=]{4})?",
            "Azure keys that carry a mark, from the mark on",
            &["<52>JQQJ99<26>"],
        )
    },
    Detector {
        source: "https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas",
        lead: "sig=",
        before: Edge::Word,
        after: Edge::Word,
        check: mixed,
        yields: true,
        ..token(
            "azure-sas-signature",
            "secret.azure",
            "[REDACTED-AZURE-SAS-SIGNATURE]",
            &["sig="],
            "[A-Za-z0-9%+/]{40,}={0,2}",
            "signatures of Azure shared access addresses",
            &["https://a.blob.core.windows.net/c?sv=2021&sig=<43>%3D"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "cloudflare-token",
            "secret.cloudflare",
            "[REDACTED-CLOUDFLARE-TOKEN]",
            &["cfat_", "cfut_", "cfk_"],
            "cf(?:at|ut|k)_[A-Za-z0-9]{40,64}",
            "Cloudflare account, user and global tokens",
            &["cfat_<40><8x>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "supabase-versioned-token",
            "secret.supabase",
            "[REDACTED-SUPABASE-VERSIONED-TOKEN]",
            &["sbp_v0_"],
            "sbp_v0_[a-f0-9]{40}",
            "Supabase tokens of the versioned form",
            &["sbp_v0_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "cloudsmith-key",
            "secret.cloudsmith",
            "[REDACTED-CLOUDSMITH-KEY]",
            &["csa_"],
            "csa_[a-f0-9]{30}[A-Za-z0-9]{6}",
            "Cloudsmith API keys",
            &["csa_<30x><6>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "deno-token",
            "secret.deno",
            "[REDACTED-DENO-TOKEN]",
            &["ddp_", "ddo_"],
            "dd[po]_[A-Za-z0-9]{36}",
            "Deno Deploy tokens",
            &["ddp_<36>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "render-key",
            "secret.render",
            "[REDACTED-RENDER-KEY]",
            &["rnd_"],
            "rnd_[A-Za-z0-9]{28}",
            "Render API keys",
            &["rnd_<28>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        check: lively,
        ..token(
            "neon-key",
            "secret.neon",
            "[REDACTED-NEON-KEY]",
            &["napi_"],
            "napi_[A-Za-z0-9]{64}",
            "Neon API keys",
            &["napi_<64>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "upcloud-token",
            "secret.upcloud",
            "[REDACTED-UPCLOUD-TOKEN]",
            &["ucat_"],
            "ucat_[A-Za-z0-9]{24,32}",
            "UpCloud API tokens",
            &["ucat_<26>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        check: mixed,
        ..token(
            "exoscale-key",
            "secret.exoscale",
            "[REDACTED-EXOSCALE-KEY]",
            &["exo"],
            "EXO[A-Za-z0-9]{24,30}",
            "Exoscale API keys",
            &["EXO<26>"],
        )
    },
    Detector {
        source: KINGFISHER,
        after: Edge::Name,
        check: mixed,
        ..token(
            "scaleway-access-key",
            "secret.scaleway",
            "[REDACTED-SCALEWAY-ACCESS-KEY]",
            &["scw"],
            "SCW[A-Z0-9]{17}",
            "Scaleway access key ids",
            &["SCW<17A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "datastax-token",
            "secret.datastax",
            "[REDACTED-DATASTAX-TOKEN]",
            &["astracs:"],
            "AstraCS:[A-Za-z0-9]{20,}(?::[a-f0-9]{64})?",
            "DataStax Astra tokens",
            &["AstraCS:<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        check: mixed,
        ..token(
            "clickhouse-secret",
            "secret.clickhouse",
            "[REDACTED-CLICKHOUSE-SECRET]",
            &["4b1d"],
            "4b1d[A-Za-z0-9]{38}",
            "ClickHouse Cloud API secrets",
            &["4b1d<38>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "mongodb-atlas-secret",
            "secret.mongodb",
            "[REDACTED-MONGODB-ATLAS-SECRET]",
            &["mdb_sa_sk_"],
            "mdb_sa_sk_[A-Za-z0-9_-]{40}",
            "MongoDB Atlas service account secrets",
            &["mdb_sa_sk_<40>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "honeycomb-ingest-key",
            "secret.honeycomb",
            "[REDACTED-HONEYCOMB-INGEST-KEY]",
            &["hcaik_", "hcxik_", "hcbik_", "hccik_"],
            "hc[a-z]ik_[a-z0-9]{58}",
            "Honeycomb ingest keys",
            &["hcaik_<58a>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "newrelic-browser-key",
            "secret.newrelic",
            "[REDACTED-NEWRELIC-BROWSER-KEY]",
            &["nrbr-"],
            "NRBR-[a-f0-9]{19,20}",
            "New Relic browser keys",
            &["NRBR-<19x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "elastic-cloud-key",
            "secret.elastic",
            "[REDACTED-ELASTIC-CLOUD-KEY]",
            &["essu_"],
            "essu_[A-Za-z0-9+/_-]{60,}={0,2}",
            "Elastic Cloud API keys",
            &["essu_<80>"],
        )
    },
];
