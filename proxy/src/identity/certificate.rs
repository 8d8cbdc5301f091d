//! The names in a client certificate.
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

/// The names of a verified client certificate that can mean an agent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerNames {
    /// URI subject alternative names; a SPIFFE SVID has exactly one (X509-SVID section 2).
    pub uris: Vec<String>,
    /// DNS subject alternative names.
    pub dns: Vec<String>,
    /// The subject's common names.
    pub common_names: Vec<String>,
}

impl PeerNames {
    /// Reads the names. A certificate that cannot be read has none, and is refused as such.
    pub fn read(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
            return Self::default();
        };
        let mut names = Self::default();
        for extension in parsed.extensions() {
            let x509_parser::extensions::ParsedExtension::SubjectAlternativeName(san) =
                extension.parsed_extension()
            else {
                continue;
            };
            for name in &san.general_names {
                match name {
                    GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
                    GeneralName::DNSName(dns) => names.dns.push(dns.to_ascii_lowercase()),
                    _ => {}
                }
            }
        }
        names.common_names = parsed
            .subject()
            .iter_common_name()
            .filter_map(|name| name.as_str().ok().map(str::to_owned))
            .collect();
        names
    }
}
