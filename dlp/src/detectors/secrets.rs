//! Secrets that belong to no one provider.
use super::{
    Detector, Edge, GENERIC, PRIVATE_KEY, ShapeEntry, TOKEN, URL_CREDENTIALS, always, chosen,
    mixed, varied,
};
use crate::engine::{assign, checks, neighbour, pem, url, written};
use crate::finding::Grade;

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: pem::DETECTOR,
        class: PRIVATE_KEY,
        about: "private key blocks: RSA, EC, DSA, OPENSSH, ENCRYPTED, PKCS #8, PGP",
        source: "RFC 7468, RFC 9580 section 6.2",
        examples: &[
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE<40>\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\nMIIE<40>",
            "\"-----BEGIN EC PRIVATE KEY-----\\n\" +\n  \"MHcC<40>\\n\"",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n<60>\n",
        ],
        counter_examples: &[
            "-----BEGIN CERTIFICATE-----\nMIIE<40>\n",
            "-----BEGIN PUBLIC KEY-----\nMIIE<40>\n",
            "it starts with -----BEGIN PRIVATE KEY----- and then",
        ],
    },
    ShapeEntry {
        name: url::DETECTOR,
        class: URL_CREDENTIALS,
        about: "user information in URLs",
        source: "RFC 3986 section 3.2.1",
        examples: &[
            "https://user:pass@example.com",
            "postgres://app:S3cretPw@db:5432/x",
            "https://x-token@example.com/repo",
        ],
        counter_examples: &[
            "https://example.com/@scope/name",
            "ssh://git@github.com/owner/name",
            "https://$USER@example.com",
        ],
    },
    ShapeEntry {
        name: neighbour::DETECTOR,
        class: "secret.adafruit",
        about: "values beside the name of one of 1,000 providers; the class names the provider",
        source: super::TRUFFLEHOG,
        examples: &["ADAFRUIT_IO = '<32a>'", "{\"adafruit\": \"<32a>\"}"],
        counter_examples: &["adafruit: three boards", "adafruit_version = <20x>"],
    },
    ShapeEntry {
        name: assign::DETECTOR,
        class: GENERIC,
        about: "values behind telling names: password, secret, token, api_key and their kin",
        source: "the names that gitleaks, detect-secrets and trufflehog look for",
        examples: &[
            "password=hunter2hunter2",
            "pwd: 'Sup3rSecret'",
            "{\"password\": \"supersecretword\"}",
            "{\\\"api_key\\\": \\\"<24>\\\"}",
            "export API_KEY=<20>",
            "my_service_token := \"<32a>\"",
            "<botToken>\n  <32>\n</botToken>",
            "set(\"SERVICE_TOKEN\", \"<32>\")",
        ],
        counter_examples: &[
            "password=${DB_PASSWORD}",
            "token = self.token",
            "secret: getSecret()",
            "max_tokens=4096",
            "author: somebody1234567",
            "\"password\": \"string\"",
            "token_type: bearer12345678",
            "password: [REDACTED]",
            // A word among others, a member's value, the end of a text.
            "[\"username\", \"password\", \"client_id\"]",
            "{\"format\":\"password\",\"minLength\":12}",
            "title: \"Password:\", next: \"Remember1\"",
            // Names and types of source code.
            "connect(host, username=ssh_user, password=ssh_pwd)",
            "fn load(&mut self, private_key: pkcs8::PrivateKeyInfo<'_>)",
            "CHANGE_TOKEN = \"change-token\"",
            "$password = Read-Host -AsSecureString",
            // Places, versions, prints, and tokens that open nothing.
            "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod-a1b2c3",
            "secure-password: \"npm:^1.0.0\"",
            "auth-token:1.29.16=compileClasspath",
            "\"key\": \"logs/2024/05/app-3f2a9c8e71b0.gz\"",
            "{\"nextPageToken\":\"EAAaBlBUOkNBVQ1w4zXk8s7dFq\"}",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
    },
];

pub(crate) const TOKENS: &[Detector] = &[
    Detector {
        source: "https://www.rfc-editor.org/rfc/rfc7519",
        name: "jwt",
        class: "secret.jwt",
        about: "JSON Web Tokens: the first part decodes to a header with `alg`",
        tag: "[REDACTED-JWT]",
        literals: &["eyj"],
        body: r"eyJ[A-Za-z0-9_-]{6,}(?:\.eyJ[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?|\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*)(?:\.[A-Za-z0-9_-]+){0,2}",
        longest: 7168,
        before: Edge::Name,
        check: |token, grade| Some(if checks::jwt_header(token) { grade } else { Grade::Possible }),
        examples: &["t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln t"],
        counter_examples: &["eyJhbGciOiJIUzI1NiJ9", "eyJxxxxxxxxx.xxxxxxx.xxxxxxx"],
        ..TOKEN
    },
    Detector {
        source: "https://www.rfc-editor.org/rfc/rfc6750",
        name: "bearer",
        class: "secret.bearer",
        about: "credentials behind `Bearer` (RFC 6750)",
        literals: &["bearer"],
        lead: r#"(?i:bearer)(?:[ \t+]|%20){1,4}\\?["']?"#,
        body: r"[A-Za-z0-9._~+/=-]{8,}",
        longest: 7168,
        after: Edge::Word,
        grade: Grade::Likely,
        check: |body, grade| {
            let sure = mixed(body, grade).is_some() || checks::entropy(body) >= 3.5;
            let telling = body.iter().any(|b| b"+/=".contains(b));
            // `"Bearer "+token.AccessToken`
            let code = written::is_expression(body, false, false);
            if (sure || telling) && !code { Some(grade) } else { None }
        },
        yields: true,
        examples: &["Authorization: Bearer ab+cd/ef==gh", "bearer <40>"],
        counter_examples: &["the bearer certificate", "Bearer [REDACTED]", "Bearer ${TOKEN}"],
        ..TOKEN
    },
    Detector {
        source: "https://www.rfc-editor.org/rfc/rfc7617",
        name: "basic",
        class: "secret.basic",
        about: "user and password behind `Basic` (RFC 7617)",
        literals: &["basic"],
        lead: r"(?i:basic)[ \t]{1,4}",
        body: r"[A-Za-z0-9+/_-]{6,}={0,2}",
        longest: 1024,
        grade: Grade::Certain,
        check: basic,
        yields: true,
        examples: &["Authorization: Basic dXNlcjpwYXNzd29yZDEyMzQ1Njc4OTA="],
        counter_examples: &["basic education", "Basic information1"],
        ..TOKEN
    },
    Detector {
        source: "https://curl.se/docs/manpage.html",
        name: "command-user",
        class: "secret.basic",
        about: "user and password of a command: `curl -u user:password`",
        literals: &["--user", "-u "],
        lead: r#"(?:--user|-u)[ =]{1,2}[\\]{0,2}["']?"#,
        body: r#"[A-Za-z0-9._@%+!-]{0,64}:[^\s"'\\$`]*"#,
        longest: 256,
        before: Edge::Name,
        grade: Grade::Likely,
        check: user_and_password,
        yields: true,
        examples: &["curl -u elastic:P4ssw0rd1 https://localhost", "--user 'api:d2LkV78z'"],
        counter_examples: &[
            "docker run -u 1000:1000",
            "chown -u www:group",
            "curl --user neo4j:[PASSWORD] http://a",
        ],
        ..TOKEN
    },
    Detector {
        source: "https://github.com/C2SP/C2SP/blob/main/age.md",
        name: "age-key",
        class: "secret.age",
        about: "secret keys of age",
        tag: "[REDACTED-AGE-KEY]",
        literals: &["age-secret-key-1", "age-secret-key-pq-1"],
        body: r"AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,}",
        examples: &["AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"],
        check: always,
        ..TOKEN
    },
];

/// `-u 1000:1000` names ids, `user:group` names; `key:` gives a key as the user.
fn user_and_password(body: &[u8], grade: Grade) -> Option<Grade> {
    let colon = memchr::memchr(b':', body)?;
    let (user, password) = (body.get(..colon)?, body.get(colon + 1..)?);
    if password.is_empty() {
        return (user.len() >= 10 && varied(user, grade).is_some()).then_some(grade);
    }
    chosen(password, grade)?;
    let any = |is: fn(&u8) -> bool| password.iter().any(is);
    let cases = any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase);
    let mixed = any(u8::is_ascii_alphabetic) && password.iter().any(|b| !b.is_ascii_alphabetic());
    (password.len() >= 4 && (mixed || (cases && password.len() >= 8))).then_some(grade)
}

/// `Basic` and base64 that decodes to a text with a colon in it.
fn basic(body: &[u8], grade: Grade) -> Option<Grade> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let bare: &[u8] = body.strip_suffix(b"==").or(body.strip_suffix(b"=")).unwrap_or(body);
    let plain = STANDARD_NO_PAD.decode(bare).ok()?;
    plain.contains(&b':').then_some(grade)
}
