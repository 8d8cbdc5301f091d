//! TLS towards collectors and key services. Their name is verified always.
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsConnector;
use tollgate_config::settings::ServerTls;

use crate::file;

/// What such settings say.
pub(crate) fn server_config(setting: &ServerTls) -> Result<ClientConfig, String> {
    let client = match (&setting.client_certificate, &setting.client_key) {
        (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
        (None, None) => None,
        _ => return Err("`client_certificate` and `client_key` come together".to_owned()),
    };
    Ok(connector(setting.ca.as_deref(), client)?.config().as_ref().clone())
}

/// A connector that trusts these authorities, or the system's, and shows this certificate with
/// its key where it is asked for one. A mistake in a file is told with the file's setting.
pub(crate) fn connector(
    ca: Option<&Path>,
    client: Option<(&Path, &Path)>,
) -> Result<TlsConnector, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots(ca)?);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("client_certificate", certificate)?;
            let key = file::private_key(key)
                .map_err(|e| format!("`client_key`: `{}`: {e}", key.display()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| format!("`client_certificate` and `client_key`: {e}"))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates("ca", path)? {
                roots.add(certificate).map_err(|e| format!("`ca`: `{}`: {e}", path.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("no authority to trust: set `ca`".to_owned());
    }
    Ok(roots)
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    file::certificates(path).map_err(|e| format!("`{setting}`: `{}`: {e}", path.display()))
}
