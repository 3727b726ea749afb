//! TLS to what is not reached over HTTP: certificates of the machine's own authorities, or of one that is
//! named.

use std::sync::Arc;

use kernel::Failure;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// What TLS is made with. `ca` are certificates as PEM; those of the machine count if there are none.
///
/// # Errors
/// [`Failure::Invalid`] for certificates that are none.
pub(crate) fn config(ca: Option<&str>) -> kernel::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(Failure::internal)?;
    let Some(ca) = ca else {
        let verified = builder.with_platform_verifier().map_err(Failure::internal)?;
        return Ok(verified.with_no_client_auth());
    };
    Ok(builder.with_root_certificates(roots(ca)?).with_no_client_auth())
}

/// Chooses the cryptography of this process, unless that is done: there are two in it, and a library that asks
/// for "the" one panics.
pub(crate) fn choose() {
    // Whoever chose before has chosen well enough.
    let _ = default_provider().install_default();
}

fn roots(ca: &str) -> kernel::Result<RootCertStore> {
    let wrong = || Failure::invalid("target.ca", "one or more certificates as PEM");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.map_err(|_| wrong())?).map_err(|_| wrong())?;
    }
    if roots.is_empty() { Err(wrong()) } else { Ok(roots) }
}
