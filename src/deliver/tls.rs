//! One TLS client for both providers: ring, the system's certificates, plus those of the configuration.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::DeliverError;

/// A client configuration that names its crypto provider, so that nothing depends on a process-wide default.
///
/// # Errors
/// When no certificate can be trusted at all, or an extra one cannot be read.
pub(super) fn client_config(
    extra: &[CertificateDer<'static>],
) -> Result<Arc<ClientConfig>, DeliverError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    for certificate in extra {
        roots.add(certificate.clone()).map_err(|error| DeliverError::Tls(error.to_string()))?;
    }
    if roots.is_empty() {
        let cause = native.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(DeliverError::Tls(format!(
            "this machine has no trusted certificates; install ca-certificates{cause}"
        )));
    }
    configured(roots)
}

/// Reads the certificates in a PEM file.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, DeliverError> {
    let wrong = |why: String| DeliverError::Roots(format!("{}: {why}", path.display()));
    let roots: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    Ok(roots)
}

/// A configuration that trusts nobody, for clients that must be given one but only speak plain HTTP.
pub(super) fn no_roots() -> Result<Arc<ClientConfig>, DeliverError> {
    configured(RootCertStore::empty())
}

fn configured(roots: RootCertStore) -> Result<Arc<ClientConfig>, DeliverError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DeliverError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
