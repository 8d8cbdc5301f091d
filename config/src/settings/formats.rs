//! What a text must look like. Each word here is a `format` in the JSON Schema, so that editors,
//! the reference and the reader of a file speak of one thing.
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! formats {
    ($($(#[doc = $doc:literal])* $name:ident $word:literal $example:literal;)*) => {$(
        $(#[doc = $doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $word, "examples": [$example] })
            }
        }
    )*};
}

formats! {
    /// The id of an agent.
    AgentName "agent-id" "spiffe://example.org/agents/coder";
    /// A range of IP addresses, or a single one.
    AddressRange "ip-range" "10.20.0.0/16";
    /// A class of findings, a family of them, or all.
    DlpClass "dlp-class" "secret.*";
    /// The name of a built-in detector.
    DlpDetectorName "dlp-detector" "email";
    /// A DNS server's address, with or without a port.
    DnsServer "dns-server" "192.0.2.53";
    /// Permissions of a file.
    FileMode "file-mode" "0660";
    /// A host without port.
    HostName "host" "tools.example.org";
    /// A host, or everything below a name.
    HostPattern "host-pattern" "*.example.org";
    /// A host with a path prefix of whole segments, or without.
    HostPath "host-path" "tools.example.org/mcp";
    /// A name that is safe in file names, metrics and logs.
    Name "name" "tools";
    /// A file or directory.
    FilePath "path" "/etc/tollgate/file.pem";
    /// A path prefix of whole segments.
    Prefix "path-prefix" "/tools";
    /// A pattern over names: `*` within a segment between slashes, `**` over them.
    Pattern "pattern" "*.example.org";
    /// An address and a port.
    Socket "socket-address" "127.0.0.1:8080";
    /// The name of a SPIFFE trust domain.
    TrustDomainName "trust-domain" "example.org";
    /// An `http` or `https` URL without userinfo, query and fragment.
    Url "http-url" "https://tools.example.org/v1";
    /// A check of a value.
    Validator "dlp-validator" "luhn";
    /// The name of an environment variable.
    Variable "variable" "TOLLGATE_TOKEN";
    /// A name in SQL that needs no quotes.
    SqlName "sql-name" "audit_events";
    /// Any other word.
    Word "word" "example";
}
