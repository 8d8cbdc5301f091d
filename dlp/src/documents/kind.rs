//! What kind of document bytes are: by their media type, or by how they begin.

/// A media type with its parameters, read strictly (RFC 9110 section 8.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaType {
    /// `type/subtype` in lower case.
    pub essence: String,
    /// Names in lower case, and values.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads one; `None` when it can be read in no way or in two.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(|part| part.trim_matches([' ', '\t']));
        let essence = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.to_ascii_lowercase(), unquote(value)?);
            if !is_token(&name) || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value.to_owned()));
        }
        Some(Self { essence, parameters })
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The `charset` parameter in lower case.
    pub fn charset(&self) -> Option<String> {
        self.parameter("charset").map(str::to_ascii_lowercase)
    }

    /// Text in UTF-8, by its own word or by saying nothing.
    pub fn is_utf8(&self) -> bool {
        matches!(self.charset().as_deref(), None | Some("utf-8" | "utf8" | "us-ascii"))
    }
}

/// A parameter's value; quoted strings without escapes and without `;` only, since the split above
/// would cut them and parsers differ on them.
fn unquote(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => is_token(value).then_some(value),
    }
}

/// RFC 9110 section 5.6.2.
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// How bytes are to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Whatever their beginning says: files, and what has no type of its own.
    Any,
    /// Server-sent events (WHATWG HTML section 9.2).
    Events,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Messages of protobuf behind a length each, and how they are compressed.
    Grpc(Option<String>),
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Lines,
    /// Parts between boundaries (RFC 2046 section 5.1).
    Multipart(String),
    /// One message of protobuf.
    Protobuf,
    /// Text in another encoding than UTF-8.
    Strange,
    /// Text in UTF-8.
    Text,
    /// XML 1.0.
    Xml,
}

impl Kind {
    /// By the media type.
    pub fn of(media: &MediaType) -> Self {
        let kind = Self::by_essence(media);
        match kind {
            Self::Any | Self::Grpc(_) | Self::Multipart(_) | Self::Protobuf => kind,
            _ if !media.is_utf8() => Self::Strange,
            _ => kind,
        }
    }

    fn by_essence(media: &MediaType) -> Self {
        match media.essence.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "application/graphql"
            | "application/javascript"
            | "application/ld+json-seq"
            | "application/sql"
            | "application/toml"
            | "application/x-sh"
            | "application/x-yaml"
            | "application/yaml" => Self::Text,
            "application/jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/x-ndjson"
            | "application/ndjson" => Self::Lines,
            "application/grpc" | "application/grpc+proto" => Self::Grpc(None),
            "application/grpc-web" | "application/grpc-web+proto" => Self::Grpc(None),
            "application/protobuf"
            | "application/vnd.google.protobuf"
            | "application/x-protobuf" => Self::Protobuf,
            "application/xml" | "text/xml" => Self::Xml,
            "text/event-stream" => Self::Events,
            multipart if multipart.starts_with("multipart/") => {
                Self::Multipart(media.parameter("boundary").unwrap_or_default().to_owned())
            }
            // `application/jsonx`, `application/json-rpc` and their kin are read as JSON by servers.
            json if json.ends_with("/json")
                || json.ends_with("+json")
                || (json.starts_with("application/json") && !json.ends_with("-seq")) =>
            {
                Self::Json
            }
            xml if xml.ends_with("+xml") => Self::Xml,
            text if text.starts_with("text/") => Self::Text,
            _ => Self::Any,
        }
    }
}

/// What the beginning of bytes says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Magic {
    Gzip,
    Tar,
    Unknown,
    Xml,
    Zip,
}

impl Magic {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match bytes {
            // The first file, or the end of an archive without any.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if bytes.get(257..262) == Some(b"ustar") => Self::Tar,
            _ if text.starts_with(b"<?xml") => Self::Xml,
            _ => Self::Unknown,
        }
    }
}
