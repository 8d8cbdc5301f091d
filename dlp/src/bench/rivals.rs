//! What other tools reach on both halves of the samples, run as shipped, and what is aimed at.
//! Shares are in per cent.

/// A tool that looks for secrets: its name, then how many of the structured, contextual, generic
/// and all samples it finds, and how many harmless documents it flags.
pub(super) const SECRETS: [(&str, [&str; 5]); 9] = [
    ("gitleaks (HEAD)", ["83.2", "71.9", "25.4", "68.5", "0.3"]),
    ("betterleaks (HEAD, decoding)", ["83.7", "68.2", "23.3", "66.1", "0.3"]),
    ("kingfisher rules", ["51.9", "61.1", "14.7", "53.3", "0.4"]),
    ("trufflehog 3.60", ["29.6", "50.4", "2.3", "39.7", "0.6"]),
    ("detect-secrets 1.5", ["50.9", "40.7", "47.0", "44.9", "16.8"]),
    ("noseyparker 0.25", ["45.8", "17.2", "25.1", "25.6", "0.1"]),
    ("pipelock text DLP", ["40.8", "6.4", "19.6", "17.7", "1.2"]),
    ("AGT credential redactor", ["44.2", "46.1", "31.7", "44.4", "4.4"]),
    ("aim", ["≥ 97", "≥ 90", "≥ 60", "", "≤ 0.3"]),
];

/// An entity, then Presidio (every recogniser at 0.4 and above), pipelock, the aim, and the aim for
/// twins with a wrong check digit or format.
pub(super) const PERSONAL: [(&str, [&str; 4]); 10] = [
    ("pci.pan", ["78", "62", "≥ 98", "≤ 1"]),
    ("financial.iban", ["92", "53", "≥ 98", "≤ 1"]),
    ("gov_id.us_ssn", ["88", "79", "≥ 98", "≤ 1"]),
    ("gov_id.in_aadhaar", ["", "", "≥ 98", "≤ 1"]),
    ("health.uk_nhs", ["", "", "≥ 98", "≤ 1"]),
    ("gov_id.ca_sin", ["", "", "≥ 98", "≤ 1"]),
    ("contact.phone", ["68", "0", "≥ 85", "≤ 10"]),
    ("contact.email", ["", "", "", ""]),
    ("network.ip", ["97", "0", "", ""]),
    ("financial.crypto_address", ["62", "0", "", ""]),
];

/// A way of writing and its names in samples, then gitleaks with decoding, betterleaks with
/// decoding and pipelock. The aim is 95 in each.
pub(super) type Written = (&'static str, &'static [&'static str], [&'static str; 3]);

pub(super) const EVASIONS: [Written; 18] = [
    (
        "percent-encoding",
        &["form_urlencoded", "url_query_encoded", "url_percent_all", "url_double_encoded"],
        ["98", "99", "100"],
    ),
    (
        "JSON `\\u` escapes",
        &["json_ascii_escaped", "json_unicode_escape", "json_unicode_escape_head"],
        ["100", "100", "17"],
    ),
    (
        "base64",
        &["base64", "base64url_nopad", "base64_mime_lines", "base64_twice", "data_uri"],
        ["100", "100", "0"],
    ),
    ("base64 of the secret alone", &["base64_secret_only"], ["97", "96", "29"]),
    ("hex", &["hex"], ["100", "100", "0"]),
    ("base32", &["base32"], ["0", "0", "0–15"]),
    ("HTML entities", &["html_entities"], ["0", "0", "0–15"]),
    (
        "zero-width, full-width, homoglyph",
        &["zero_width", "soft_hyphen_wj", "full_width", "homoglyph"],
        ["0", "0", "100"],
    ),
    ("gzip and base64", &["gzip_base64"], ["0", "0", "0"]),
    ("split over two fields", &["split_two_fields"], ["2", "5", "27"]),
    ("split in an array", &["split_array"], ["0", "0", "5"]),
    ("concatenation in code", &["string_concat"], ["0", "0", "12"]),
    ("hex in DNS labels", &["dns_label_hex"], ["0", "0", "0"]),
    ("SSE deltas", &["sse_delta_split"], ["0", "0", "0"]),
    ("tool-call deltas", &["sse_tool_input_json_delta"], ["0", "0", "2"]),
    ("header, nested JSON", &["http_header", "nested_json_string"], ["", "", ""]),
    ("spaced, broken over lines", &["space_separated", "newline_split"], ["", "", ""]),
    ("reversed", &["reversed"], ["", "", ""]),
];
