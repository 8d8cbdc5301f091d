//! Secrets that belong to no one provider: keys, passwords in commands and in SQL.
use crate::detectors::{Detector, Edge, chosen, mixed, stated, token};
use crate::finding::Grade;

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki",
        ..token(
            "extended-private-key",
            "secret.crypto_key",
            "[REDACTED-EXTENDED-PRIVATE-KEY]",
            &["xprv9", "yprv", "zprv", "tprv8", "xprva"],
            "[xyzt]prv[A-HJ-NP-Za-km-z1-9]{100,112}",
            "BIP 32 extended private keys",
            &[
                "xprv9s21ZrQH143Kq7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm1Ycq7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm1Ycq7Xw2Rb9Kd4Ts6Vn1Zh8Gj3Lp5Fm1Ycq",
            ],
        )
    },
    Detector {
        source: "https://github.com/paseto-standard/paseto-spec",
        longest: 4096,
        ..token(
            "paseto",
            "secret.paseto",
            "[REDACTED-PASETO]",
            &[
                "v1.local.",
                "v2.local.",
                "v3.local.",
                "v4.local.",
                "v1.public.",
                "v2.public.",
                "v3.public.",
                "v4.public.",
            ],
            r"v[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{32,}(?:\.[A-Za-z0-9_-]+)?",
            "PASETO tokens",
            &["v4.local.<80>"],
        )
    },
    Detector {
        source: "https://github.com/paseto-standard/paserk",
        longest: 4096,
        ..token(
            "paserk",
            "secret.paseto",
            "[REDACTED-PASERK]",
            &[
                "k1.local",
                "k2.local",
                "k3.local",
                "k4.local",
                "k1.secret",
                "k2.secret",
                "k3.secret",
                "k4.secret",
            ],
            r"k[1-4]\.(?:local|secret)(?:-pw|-wrap\.pie)?\.[A-Za-z0-9_-]{32,}",
            "PASERK keys",
            &["k4.secret.<86>"],
        )
    },
    Detector {
        source: "https://the.earth.li/~sgtatham/putty/0.81/htmldoc/AppendixC.html",
        lead: r"(?i:private-lines):[ ]?[0-9]{1,4}\r?\n",
        longest: 4096,
        ..token(
            "putty-key",
            "secret.private_key",
            "[REDACTED-PUTTY-KEY]",
            &["private-lines:"],
            r"[A-Za-z0-9+/=\r\n]{60,}",
            "the private part of a PuTTY key",
            &["Private-Lines: 14\n<64>\n<64>\n"],
        )
    },
    Detector {
        source: "https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key",
        longest: 4096,
        ..token(
            "openssh-key-body",
            "secret.private_key",
            "[REDACTED-OPENSSH-KEY-BODY]",
            &["b3blbnnzac1rzxktdje"],
            r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=\r\n]{40,}",
            "the body of an OpenSSH private key",
            &["b3BlbnNzaC1rZXktdjE<120>"],
        )
    },
    Detector {
        source: "https://www.rfc-editor.org/rfc/rfc5958",
        longest: 4096,
        ..token(
            "der-private-key",
            "secret.private_key",
            "[REDACTED-DER-PRIVATE-KEY]",
            &["miib", "miic", "miie", "miig", "miij", "mhcc", "migh"],
            r"(?:MII[A-Za-z0-9+/]{3}IBA[ADJ]|MHcCAQEEI|MIGHAgEAMB)[A-Za-z0-9+/\r\n \\]{60,}={0,2}",
            "private keys in base64 without their first line",
            &["MIIEpAIBAAK<120>", "MIIEvQIBADAN<120>"],
        )
    },
    Detector {
        source: "https://dev.mysql.com/doc/refman/8.4/en/create-user.html",
        lead: r#"(?i:identified (?:with ['\"`]?[a-z0-9_]{1,40}['\"`]? )?(?:by|as)(?: password)?)[ ]{1,4}\\?['\"`]?"#,
        longest: 128,
        check: stated,
        grade: Grade::Likely,
        ..token(
            "sql-password",
            "secret.sql_password",
            "[REDACTED-SQL-PASSWORD]",
            &["identified"],
            r#"[^\s'\"`;,()\\]{4,}"#,
            "passwords in SQL",
            &[
                "CREATE USER 'a'@'%' IDENTIFIED BY 'SqLpa5s';",
                "ALTER USER x IDENTIFIED WITH mysql_native_password BY 'SqLpa5s'",
            ],
        )
    },
    Detector {
        source: "https://www.postgresql.org/docs/current/sql-createrole.html",
        lead: r#"(?i:(?:login|with|encrypted|superuser|user) password)[ ]{1,4}\\?['\"`]?"#,
        longest: 128,
        check: stated,
        grade: Grade::Likely,
        ..token(
            "sql-role-password",
            "secret.sql_password",
            "[REDACTED-SQL-ROLE-PASSWORD]",
            &[
                "login password",
                "with password",
                "encrypted password",
                "superuser password",
                "user password",
            ],
            r#"[^\s'\"`;,()\\]{4,}"#,
            "passwords of SQL roles",
            &[
                "CREATE ROLE a WITH LOGIN PASSWORD 'SqLpa5s'",
                "ALTER ROLE a WITH ENCRYPTED PASSWORD 'SqLpa5s';",
            ],
        )
    },
    Detector {
        source: "https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html",
        lead: r"(?:machine\s{1,4}[A-Za-z0-9._-]{1,80}|default)\s{1,8}login\s{1,4}[^\s]{1,80}\s{1,8}password\s{1,4}",
        longest: 128,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "netrc-password",
            "secret.netrc",
            "[REDACTED-NETRC-PASSWORD]",
            &["machine ", "default login "],
            r"[^\s]{3,}",
            "passwords in a netrc file",
            &["machine example.com login me password S3cretPw"],
        )
    },
    Detector {
        source: "https://linux.die.net/man/1/sshpass",
        lead: r#"sshpass -p[ ]?\\?['\"]?"#,
        longest: 128,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "sshpass-password",
            "secret.password",
            "[REDACTED-SSHPASS-PASSWORD]",
            &["sshpass -p"],
            r#"[^\s'\"]{3,}"#,
            "passwords of commands",
            &["sshpass -p 'S3cretPw' ssh me@host"],
        )
    },
    Detector {
        source: "https://dev.mysql.com/doc/refman/8.4/en/command-line-options.html",
        lead: r#"mysql(?:dump)?(?: -[uh] ?[A-Za-z0-9._-]{1,60}){1,2} -p['\"]?"#,
        longest: 128,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "mysql-password",
            "secret.password",
            "[REDACTED-MYSQL-PASSWORD]",
            &["mysql -u", "mysqldump -u", "mysql -h"],
            r#"[^\s'\"]{4,}"#,
            "passwords of the MySQL commands",
            &["mysql -u root -pS3cretPw db"],
        )
    },
    Detector {
        source: "https://learn.microsoft.com/en-us/sysinternals/downloads/psexec",
        lead: r#"(?i:psexec(?:64)?(?:\.exe)?)(?:[^ \r\n]| +[^ \r\n-]| +-[^p\r\n])* +-p ['\"]?"#,
        longest: 128,
        before: Edge::Word,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "psexec-password",
            "secret.password",
            "[REDACTED-PSEXEC-PASSWORD]",
            &["psexec"],
            r#"[^\s'\"\\]{4,}"#,
            "passwords of PsExec",
            &["psexec \\\\10.0.0.5 -u admin -p S3cretPw cmd"],
        )
    },
    Detector {
        source: "https://curl.se/libcurl/c/CURLOPT_USERPWD.html",
        lead: r#"(?i:curlopt_(?:(?:proxy)?(?:password|userpwd)|keypasswd|xoauth2_bearer))\s{0,4},\s{0,4}\\?[\"']"#,
        longest: 256,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "curl-option-password",
            "secret.password",
            "[REDACTED-CURL-OPTION-PASSWORD]",
            &[
                "curlopt_password",
                "curlopt_userpwd",
                "curlopt_proxypassword",
                "curlopt_proxyuserpwd",
                "curlopt_keypasswd",
                "curlopt_xoauth2_bearer",
            ],
            r#"[^\s\"']{4,}"#,
            "passwords set through libcurl",
            &["setopt(c, CURLOPT_USERPWD, \"root:dkb82Vd\")"],
        )
    },
    Detector {
        source: "https://www.rfc-editor.org/rfc/rfc7518#section-6",
        lead: r#""d"[ ]?:\s{0,4}""#,
        longest: 1024,
        before: Edge::Any,
        after: Edge::Word,
        check: mixed,
        ..token(
            "jwk-private-member",
            "secret.private_key",
            "[REDACTED-JWK-PRIVATE-MEMBER]",
            &["\"d\":", "\"d\" :"],
            "[A-Za-z0-9_-]{43,}",
            "the private member of a JSON Web Key",
            &["{\"kty\":\"EC\",\"d\":\"<43>\"}"],
        )
    },
    Detector {
        source: "https://kubernetes.io/docs/concepts/configuration/secret/",
        lead: r#"(?i:kind:[ ]*['\"]?secret['\"]?)[^{}]*\sdata:\s+[A-Za-z0-9._-]+:[ ]*(?:[|>][-+]?\s+)?['\"]?"#,
        longest: 4096,
        grade: Grade::Likely,
        ..token(
            "kubernetes-secret-data",
            "secret.kubernetes",
            "[REDACTED-KUBERNETES-SECRET-DATA]",
            &["kind: secret", "kind: 'secret", "kind: \"secret", "kind:secret"],
            "[A-Za-z0-9+/]{8,}={0,2}",
            "the first value of a Kubernetes secret",
            &["kind: Secret\nmetadata:\n  name: a\ndata:\n  password: c2VjcmV0LXdvcmQ=\n"],
        )
    },
    Detector {
        source: "https://learn.microsoft.com/en-us/dotnet/api/system.net.networkcredential",
        lead: r#"(?i:networkcredential(?:\]::new)?|basicauth|usernamepasswordcredentials|passwordauthentication|directoryentry|mysqli?_p?connect|new (?:mysqli|pdo)|oci_connect|getconnection|dbi(?:->|\.)connect|\.login)\(\s{0,16}\\?[\"'][^\"'\r\n]*[\"']\s{0,16},\s{0,16}(?:\\?[\"'][^\"'\r\n]*[\"']\s{0,16},\s{0,16})?\\?[\"']"#,
        longest: 128,
        before: Edge::Any,
        check: chosen,
        grade: Grade::Likely,
        ..token(
            "call-credentials",
            "secret.password",
            "[REDACTED-CALL-CREDENTIALS]",
            &[
                "networkcredential(",
                "basicauth(",
                "usernamepasswordcredentials(",
                "passwordauthentication(",
                "directoryentry(",
                "networkcredential]::new(",
                "mysql_connect(",
                "mysql_pconnect(",
                "mysqli_connect(",
                "new mysqli(",
                "new pdo(",
                "oci_connect(",
                "getconnection(",
                "dbi->connect(",
                "dbi.connect(",
                ".login(",
            ],
            r#"[^\"'\r\n\\]{4,}"#,
            "passwords given to a call",
            &[
                "new NetworkCredential(\"me@example.com\", \"vzihlaqu\")",
                "conn.login('me@example.com', 'vzihlaqu1', f)",
                "new mysqli(\"db\", \"root\", \"vzihlaqu1\", \"shop\")",
                "DBI->connect(\"dbi:mysql:shop\", \"root\", \"vzihlaqu1\")",
            ],
        )
    },
];
