//! Descriptions of APIs in YAML. The URLs of their `servers` are written anew where they stand and
//! nothing else is touched: a document that was written again whole would lose its comments and its
//! shape. What cannot be told for sure is left as it is.
use tollgate_dlp::documents::MediaType;

use super::{Lead, Led, Links, servers};

/// Whether a media type is one of YAML's: the registered ones, and those in use before.
pub(in crate::answer) fn is_yaml(media: &MediaType) -> bool {
    let essence = media.essence.as_str();
    essence.ends_with("+yaml")
        || matches!(
            essence,
            "application/yaml"
                | "application/x-yaml"
                | "application/vnd.oai.openapi"
                | "text/yaml"
                | "text/x-yaml"
                | "text/vnd.yaml"
        )
}

impl Links {
    /// A description with its servers' URLs rewritten; nothing when there is nothing to rewrite.
    pub(in crate::answer) fn yaml(&self, text: &str, led: &mut Led) -> Option<String> {
        let (written, rewritten) = servers::rewrite(text, |url| match self.lead(url) {
            // What is a template is filled in by whoever reads it.
            Some(Lead::Here(here)) if here != url && !url.contains('{') => Some(here),
            _ => None,
        })?;
        led.rewritten += rewritten;
        Some(written)
    }
}
