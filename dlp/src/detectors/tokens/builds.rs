//! Tokens of what builds, tests, keeps and ships code.
use crate::detectors::{
    BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, mixed, token, varied,
};
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: CREDSWEEPER,
        ..token(
            "gitlab-other-token",
            "secret.gitlab",
            "[REDACTED-GITLAB-OTHER-TOKEN]",
            &["glrtr-", "glwt-", "gldt-", "glimt-", "_gitlab_session="],
            "(?:gl(?:rtr|wt)-[A-Za-z0-9_-]{20,64}|_gitlab_session=[0-9a-z]{32})",
            "GitLab runner and workspace tokens, session cookies",
            &["glrtr-<20>", "_gitlab_session=<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        check: buildkite,
        ..token(
            "buildkite-service-token",
            "secret.buildkite",
            "[REDACTED-BUILDKITE-SERVICE-TOKEN]",
            &["bkaa_", "bkaj_", "bkar_", "bkct_", "bkpt_", "bkpat_", "bkps_"],
            "bk(?:a[ajr]|ct|pt|pat|ps)_[A-Za-z0-9_-]{32,}",
            "Buildkite agent, job, cluster and portal tokens",
            &["bkct_<73>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "circleci-project-token",
            "secret.circleci",
            "[REDACTED-CIRCLECI-PROJECT-TOKEN]",
            &["cciprj_"],
            "CCIPRJ_[A-Za-z0-9]{20,}_[a-f0-9]{40}",
            "CircleCI project tokens",
            &["CCIPRJ_<22>_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "bitbucket-data-center-token",
            "secret.bitbucket",
            "[REDACTED-BITBUCKET-DATA-CENTER-TOKEN]",
            &["bbdc-"],
            "BBDC-[A-Za-z0-9+/=_-]{32,}",
            "Bitbucket Data Center tokens",
            &["BBDC-<44>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "trello-token",
            "secret.trello",
            "[REDACTED-TRELLO-TOKEN]",
            &["atta"],
            "ATTA[a-f0-9]{64}",
            "Trello tokens",
            &["ATTA<64x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        shared: true,
        ..token(
            "clickup-token",
            "secret.clickup",
            "[REDACTED-CLICKUP-TOKEN]",
            &["pk_1", "pk_2", "pk_3", "pk_4", "pk_5", "pk_6", "pk_7", "pk_8", "pk_9"],
            "pk_[0-9]{5,9}_[A-Z0-9]{32}",
            "ClickUp personal tokens",
            &["pk_<8d>_<32A>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "linear-oauth-token",
            "secret.linear",
            "[REDACTED-LINEAR-OAUTH-TOKEN]",
            &["lin_oauth_"],
            "lin_oauth_[A-Za-z0-9]{40,}",
            "Linear OAuth tokens",
            &["lin_oauth_<64x>"],
        )
    },
    Detector {
        source: "https://www.jetbrains.com/help/teamcity/configuring-your-user-profile.html",
        ..token(
            "teamcity-token",
            "secret.teamcity",
            "[REDACTED-TEAMCITY-TOKEN]",
            &["eyj0exaioiaivenwmij9."],
            r"eyJ0eXAiOiAiVENWMiJ9\.[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{30,}",
            "TeamCity tokens",
            &["eyJ0eXAiOiAiVENWMiJ9.<40>.<48>"],
        )
    },
    Detector {
        source: "https://www.jetbrains.com/help/youtrack/server/manage-permanent-token.html",
        check: mixed,
        shared: true,
        ..token(
            "youtrack-token",
            "secret.youtrack",
            "[REDACTED-YOUTRACK-TOKEN]",
            &["perm:", "perm-"],
            r"perm[:-][A-Za-z0-9=]{8,}\.[A-Za-z0-9=-]{4,}\.[A-Za-z0-9]{30,}",
            "JetBrains permanent tokens",
            &["perm:<12>.<8>.<30>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "postman-collection-key",
            "secret.postman",
            "[REDACTED-POSTMAN-COLLECTION-KEY]",
            &["pmat-"],
            "PMAT-[A-Za-z0-9]{26}",
            "Postman collection access keys",
            &["PMAT-<26A>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "endorlabs-key",
            "secret.endorlabs",
            "[REDACTED-ENDORLABS-KEY]",
            &["endr+"],
            r"endr\+[A-Za-z0-9-]{16}",
            "Endor Labs keys and secrets",
            &["endr+<16>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "aikido-key",
            "secret.aikido",
            "[REDACTED-AIKIDO-KEY]",
            &["aik_ci_", "aik_secret_"],
            "AIK_(?:CI_[A-Za-z0-9]{20,44}|SECRET_[A-Za-z0-9]{64})",
            "Aikido tokens and secrets",
            &["AIK_CI_<32>", "AIK_SECRET_<64>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "socket-token",
            "secret.socket",
            "[REDACTED-SOCKET-TOKEN]",
            &["sktsec_"],
            "sktsec_[A-Za-z0-9_-]{30,}",
            "Socket security tokens",
            &["sktsec_<44>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Name,
        ..token(
            "apify-token",
            "secret.apify",
            "[REDACTED-APIFY-TOKEN]",
            &["apify_api_"],
            "apify_api_[A-Za-z0-9]{34,38}",
            "Apify API tokens",
            &["apify_api_<36>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "workato-token",
            "secret.workato",
            "[REDACTED-WORKATO-TOKEN]",
            &["wrka"],
            r"wrka[a-z]{0,2}-eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{64,}",
            "Workato developer tokens",
            &["wrkaeu-eyJ<20>.<40>.<80>"],
        )
    },
    Detector {
        source: KINGFISHER,
        check: mixed,
        ..token(
            "dbt-token",
            "secret.dbt",
            "[REDACTED-DBT-TOKEN]",
            &["dbtc_", "dbtu_", "dbts_"],
            "dbt[cus]_[A-Za-z0-9_=-]{30,}",
            "dbt Cloud tokens",
            &["dbtc_<44>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "databricks-other-token",
            "secret.databricks",
            "[REDACTED-DATABRICKS-OTHER-TOKEN]",
            &["dkea", "dose"],
            "(?:dkea|dose)[a-f0-9]{32}",
            "Databricks account and OAuth secrets",
            &["dose<32x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "prefect-service-key",
            "secret.prefect",
            "[REDACTED-PREFECT-SERVICE-KEY]",
            &["pnu_", "pnb_"],
            "pn[ub]_[A-Za-z0-9]{36}",
            "Prefect user and service keys",
            &["pnb_<36>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        check: mixed,
        ..token(
            "onepassword-secret-key",
            "secret.onepassword",
            "[REDACTED-ONEPASSWORD-SECRET-KEY]",
            &["a3-"],
            "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
            "1Password secret keys",
            &["A3-<6A>-<6A>-<5A>-<5A>-<5A>-<5A>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        after: Edge::Word,
        ..token(
            "duo-integration-key",
            "secret.duo",
            "[REDACTED-DUO-INTEGRATION-KEY]",
            &["di0", "di1", "di2", "di3", "di4", "di5", "di6", "di7", "di8", "di9"],
            "DI[A-Z0-9]{18}",
            "Duo integration keys",
            &["DI7<17A>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        before: Edge::Name,
        after: Edge::Name,
        shared: true,
        ..token(
            "launchdarkly-key",
            "secret.launchdarkly",
            "[REDACTED-LAUNCHDARKLY-KEY]",
            &["sdk-", "mob-", "api-"],
            "(?:sdk|mob|api)-{uuid}",
            "LaunchDarkly SDK, mobile and API keys",
            &["sdk-<8x>-<4x>-<4x>-<4x>-<12x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "devcycle-key",
            "secret.devcycle",
            "[REDACTED-DEVCYCLE-KEY]",
            &["dvc_client_", "dvc_mobile_", "dvc_server_"],
            "dvc_(?:client|mobile|server)_[A-Za-z0-9]{8,32}",
            "DevCycle SDK keys",
            &["dvc_server_<24>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        lead: r#"(?i:bundle_(?:enterprise|gems)__contribsys__com)["']?[ ]{0,2}[:=]{1,3}[ ]{0,2}["']?"#,
        after: Edge::Word,
        ..token(
            "sidekiq-credentials",
            "secret.sidekiq",
            "[REDACTED-SIDEKIQ-CREDENTIALS]",
            &["bundle_enterprise__contribsys__com", "bundle_gems__contribsys__com"],
            "[a-f0-9]{8}:[a-f0-9]{8}",
            "Sidekiq Enterprise credentials",
            &["BUNDLE_GEMS__CONTRIBSYS__COM: \"<8x>:<8x>\""],
        )
    },
];

/// Agent, job, cluster and portal tokens each have a length of their own.
fn buildkite(token: &[u8], grade: Grade) -> Option<Grade> {
    const LENGTHS: [usize; 6] = [60, 69, 78, 80, 204, 338];
    match token.len() {
        length if LENGTHS.contains(&length) => Some(grade),
        ..60 => varied(token, Grade::Likely),
        _ => None,
    }
}
