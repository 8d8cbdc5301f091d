//! Tokens of places where code is kept, built and planned.
use super::{BETTERLEAKS, CREDSWEEPER, Detector, Edge, KINGFISHER, TRUFFLEHOG, token};
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
        check: |token, _| {
            let body = token.get(4..).unwrap_or_default();
            let digit = body.iter().any(u8::is_ascii_digit);
            match body.len() {
                30.. => Some(Grade::Certain),
                _ if digit => Some(Grade::Likely),
                _ => None,
            }
        },
        counter_examples: &["ghp_token", "xghp_<36>", "ghp_"],
        ..token(
            "github-token",
            "secret.github",
            "[REDACTED-GITHUB-TOKEN]",
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
            r"gh[pousr]_[A-Za-z0-9]{8,}",
            "GitHub tokens: personal, OAuth, user, server, refresh; short ones as well",
            &["ghp_<36>", "Using token ghp_abcd1234...", "ghs_<36>", "gho_<36>"],
        )
    },
    Detector {
        source: "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
        ..token(
            "github-fine-grained-token",
            "secret.github",
            "[REDACTED-GITHUB-TOKEN]",
            &["github_pat_"],
            "github_pat_[A-Za-z0-9_]{22,}",
            "GitHub fine-grained personal tokens",
            &["github_pat_<22>_<59>"],
        )
    },
    Detector {
        source: "https://docs.gitlab.com/security/tokens/",
        ..token(
            "gitlab-token",
            "secret.gitlab",
            "[REDACTED-GITLAB-TOKEN]",
            &[
                "glpat-", "gldt-", "glptt-", "glrt-", "glcbt-", "glft-", "glimt-", "glagent-",
                "gloas-", "glsoat-", "glffct-",
            ],
            r"gl(?:(?:pat|dt|rt|ft|soat|ffct)-[A-Za-z0-9_-]{20}|(?:pat|rt)-[A-Za-z0-9_-]{22,300}\.[0-9a-z]{2}\.?[0-9a-z]{7,9}|ptt-[0-9a-f]{40}|cbt-[A-Za-z0-9]{1,5}_[A-Za-z0-9_-]{20}|imt-[A-Za-z0-9_-]{25}|agent-[A-Za-z0-9_-]{50}|oas-[A-Za-z0-9_-]{64})",
            "GitLab tokens: personal, deploy, trigger, runner, job, feed, agent, OAuth",
            &["glpat-<20>", "glrt-<20>"],
        )
    },
    Detector {
        source: "https://docs.gitlab.com/security/tokens/",
        ..token(
            "gitlab-runner-registration",
            "secret.gitlab",
            "[REDACTED-GITLAB-TOKEN]",
            &["gr1348941"],
            "GR1348941[A-Za-z0-9_-]{20}",
            "GitLab runner registration tokens",
            &["GR1348941<20>"],
        )
    },
    Detector {
        source: "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/",
        ..token(
            "npm-token",
            "secret.npm",
            "[REDACTED-NPM-TOKEN]",
            &["npm_"],
            "npm_[A-Za-z0-9]{36}",
            "npm access tokens",
            &["npm_<36>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "pypi-token",
            "secret.pypi",
            "[REDACTED-PYPI-TOKEN]",
            &["pypi-ageichlwas5vcmc"],
            "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{32,}",
            "PyPI upload tokens",
            &["pypi-AgEIcHlwaS5vcmc<50>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "rubygems-token",
            "secret.rubygems",
            "[REDACTED-RUBYGEMS-TOKEN]",
            &["rubygems_"],
            "rubygems_[a-f0-9]{48}",
            "RubyGems API keys",
            &["rubygems_<48x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "clojars-token",
            "secret.clojars",
            "[REDACTED-CLOJARS-TOKEN]",
            &["clojars_"],
            "CLOJARS_[A-Za-z0-9]{60}",
            "Clojars deploy tokens",
            &["CLOJARS_<60a>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "sourcegraph-token",
            "secret.sourcegraph",
            "[REDACTED-SOURCEGRAPH-TOKEN]",
            &["sgp_"],
            "sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}",
            "Sourcegraph access tokens",
            &["sgp_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "buildkite-token",
            "secret.buildkite",
            "[REDACTED-BUILDKITE-TOKEN]",
            &["bkua_"],
            "bkua_[A-Za-z0-9]{40}",
            "Buildkite user tokens",
            &["bkua_<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "artifactory-key",
            "secret.artifactory",
            "[REDACTED-ARTIFACTORY-KEY]",
            &["akcp"],
            "AKCp[A-Za-z0-9]{69}",
            "Artifactory API keys",
            &["AKCp<69>"],
        )
    },
    Detector {
        source: CREDSWEEPER,
        ..token(
            "artifactory-reference-token",
            "secret.artifactory",
            "[REDACTED-ARTIFACTORY-TOKEN]",
            &["cmvmdgtu"],
            "cmVmdGtu[A-Za-z0-9]{56}",
            "Artifactory reference tokens",
            &["cmVmdGtu<56>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "postman-key",
            "secret.postman",
            "[REDACTED-POSTMAN-KEY]",
            &["pmak-"],
            "PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}",
            "Postman API keys",
            &["PMAK-<24x>-<34x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "readme-key",
            "secret.readme",
            "[REDACTED-README-KEY]",
            &["rdme_"],
            "rdme_[A-Za-z0-9]{70}",
            "ReadMe API keys",
            &["rdme_<70a>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "snyk-token",
            "secret.snyk",
            "[REDACTED-SNYK-TOKEN]",
            &["snyk_"],
            r"snyk_(?:uat|sat)\.[a-z0-9]{8}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
            "Snyk tokens of the new form",
            &["snyk_uat.<8x>.<40>.<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "sonar-token",
            "secret.sonar",
            "[REDACTED-SONAR-TOKEN]",
            &["squ_", "sqp_", "sqa_"],
            "sq[upa]_[A-Za-z0-9]{40}",
            "SonarQube tokens",
            &["squ_<40x>"],
        )
    },
    Detector {
        source: KINGFISHER,
        ..token(
            "infracost-key",
            "secret.infracost",
            "[REDACTED-INFRACOST-KEY]",
            &["ico-"],
            "ico-[A-Za-z0-9]{32}",
            "Infracost API keys",
            &["ico-<32>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "linear-key",
            "secret.linear",
            "[REDACTED-LINEAR-KEY]",
            &["lin_api_"],
            "lin_api_[A-Za-z0-9]{40}",
            "Linear API keys",
            &["lin_api_<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "figma-token",
            "secret.figma",
            "[REDACTED-FIGMA-TOKEN]",
            &["figd_", "figu_"],
            "fig[du]_[A-Za-z0-9_-]{40,}",
            "Figma personal tokens",
            &["figd_<40>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        after: Edge::Word,
        ..token(
            "notion-token",
            "secret.notion",
            "[REDACTED-NOTION-TOKEN]",
            &["ntn_"],
            "ntn_[0-9]{11}[A-Za-z0-9]{35}",
            "Notion integration tokens",
            &["ntn_<11d><35>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        longest: 2048,
        ..token(
            "atlassian-token",
            "secret.atlassian",
            "[REDACTED-ATLASSIAN-TOKEN]",
            &["atatt3", "atctt3", "atbb"],
            "(?:AT[AC]TT3[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9]{32})",
            "Atlassian API tokens and Bitbucket app passwords",
            &["ATATT3xFfGF0<170>=<8A>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "jfrog-token",
            "secret.jfrog",
            "[REDACTED-JFROG-TOKEN]",
            &["akcb"],
            "AKCb[A-Za-z0-9]{60,75}",
            "JFrog API keys",
            &["AKCb<69>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        shared: true,
        ..token(
            "harness-token",
            "secret.harness",
            "[REDACTED-HARNESS-TOKEN]",
            &["pat.", "sat."],
            r"[ps]at\.[A-Za-z0-9_-]{22}\.[a-z0-9]{24}\.[A-Za-z0-9]{20}",
            "Harness access tokens",
            &["pat.<22>.<24x>.<20>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "pulumi-token",
            "secret.pulumi",
            "[REDACTED-PULUMI-TOKEN]",
            &["pul-"],
            "pul-[a-f0-9]{40}",
            "Pulumi access tokens",
            &["pul-<40x>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "prefect-key",
            "secret.prefect",
            "[REDACTED-PREFECT-KEY]",
            &["pnu_"],
            "pnu_[a-z0-9]{36}",
            "Prefect API keys",
            &["pnu_<36a>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "doppler-token",
            "secret.doppler",
            "[REDACTED-DOPPLER-TOKEN]",
            &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
            r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}",
            "Doppler tokens",
            &["dp.pt.<43>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "typeform-token",
            "secret.typeform",
            "[REDACTED-TYPEFORM-TOKEN]",
            &["tfp_"],
            "tfp_[A-Za-z0-9_.=-]{44,}",
            "Typeform personal tokens",
            &["tfp_<59>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "circleci-token",
            "secret.circleci",
            "[REDACTED-CIRCLECI-TOKEN]",
            &["ccipat_", "ccipra_"],
            "CCIP(?:AT|RA)_[A-Za-z0-9]{20,}_[a-z0-9]{40}",
            "CircleCI tokens: personal and project",
            &["CCIPAT_<22>_<40x>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "dockerhub-token",
            "secret.dockerhub",
            "[REDACTED-DOCKERHUB-TOKEN]",
            &["dckr_pat_", "dckr_oat_"],
            "dckr_[po]at_[A-Za-z0-9_-]{27,32}",
            "Docker Hub access tokens",
            &["dckr_pat_<27>"],
        )
    },
    Detector {
        source: "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
        longest: 2048,
        ..token(
            "github-app-jwt-token",
            "secret.github",
            "[REDACTED-GITHUB-TOKEN]",
            &["ghs_"],
            r"ghs_[0-9]{1,12}_eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
            "GitHub App tokens that carry a JSON Web Token",
            &["ghs_12345_eyJ<20>.<40>.<40>"],
        )
    },
    Detector {
        source: TRUFFLEHOG,
        ..token(
            "nuget-key",
            "secret.nuget",
            "[REDACTED-NUGET-KEY]",
            &["oy2"],
            "oy2[a-z0-9]{43}",
            "NuGet API keys",
            &["oy2<43a>"],
        )
    },
    Detector {
        source: BETTERLEAKS,
        ..token(
            "dependency-track-key",
            "secret.dtrack",
            "[REDACTED-DEPENDENCY-TRACK-KEY]",
            &["odt_"],
            "odt_[A-Za-z0-9]{32}",
            "Dependency-Track API keys",
            &["odt_<32>"],
        )
    },
];
