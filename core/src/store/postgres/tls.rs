//! TLS to the server: which certificates count, and what the password's proof is bound to.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::login_guard::LoginGuard;
use super::url::{PostgresUrl, SslMode};
use crate::error::{Error as EngineError, Failure};

/// The settings for one login. The files of the URL are read each time: a renewed certificate is used from the next
/// connection on. Reads files, so it belongs on a thread that may block.
///
/// # Errors
/// `validation_error` for a file that cannot be used, by the name of its parameter.
pub(super) fn read_settings(url: &PostgresUrl, mode: SslMode) -> Result<Arc<ClientConfig>, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::internal("TLS cannot be set up").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(read_verifier(url, mode, provider)?);
    let settings = match &url.ssl_cert {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = read_certificates("sslcert", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("sslkey", error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| unusable("sslcert and sslkey", error))?
        }
    };
    Ok(Arc::new(settings))
}

fn read_verifier(
    url: &PostgresUrl,
    mode: SslMode,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    // As libpq: `require` checks the certificate all the same where the URL names roots.
    let checks = match (mode, &url.ssl_root_cert) {
        (SslMode::Disable | SslMode::Require, None) => Checks::Nothing,
        (SslMode::VerifyFull, _) => Checks::Name,
        (SslMode::Disable | SslMode::Require | SslMode::VerifyCa, _) => Checks::Root,
    };
    if checks == Checks::Nothing {
        return Ok(Arc::new(Verifier { checks, inner: None, provider }));
    }
    let mut roots = RootCertStore::empty();
    match &url.ssl_root_cert {
        Some(path) => {
            for certificate in read_certificates("sslrootcert", path)? {
                roots.add(certificate).map_err(|error| unusable("sslrootcert", error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let inner = inner.map_err(|error| {
        unusable("sslrootcert (needed here: this machine has no roots of its own to trust)", error)
    })?;
    Ok(Arc::new(Verifier { checks, inner: Some(inner), provider }))
}

fn read_certificates(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(unusable(parameter, io::Error::other("the file holds no certificate in PEM form")))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(parameter, error)),
    }
}

fn unusable(parameter: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Failure {
    let problem =
        format_args!("the PostgreSQL URL has a {parameter} that cannot be used: {cause}").to_string();
    let error = EngineError::validation("database", problem);
    Failure::new(error.code(), error.detail()).caused_by(cause)
}

/// What of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checks {
    Nothing,
    Root,
    Name,
}

/// Judges a certificate by as much as the mode asks for. The server's possession of the key is always checked.
#[derive(Debug)]
struct Verifier {
    checks: Checks,
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at last: all else was good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.checks == Checks::Root => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Turns a socket into an encrypted one, for the driver.
pub(super) struct Connector {
    pub settings: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Connector {
    type Stream = EncryptedStream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<EncryptedStream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = TlsConnector::from(self.settings).connect(self.name, stream);
        Box::pin(async move {
            let stream = connecting.await?;
            Ok(EncryptedStream(LoginGuard::new(stream, true)))
        })
    }
}

/// An encrypted connection that the driver logs in over.
pub(super) struct EncryptedStream<S>(LoginGuard<TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for EncryptedStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref().get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        match certificate.and_then(|certificate| hash_certificate(certificate)) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for EncryptedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EncryptedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The hash that stands for a certificate in channel binding (RFC 5929, section 4.1): by the hash function of the
/// certificate's own signature, SHA-256 in place of MD5 and SHA-1. Nothing where the signature has no such function.
fn hash_certificate(certificate: &[u8]) -> Option<Vec<u8>> {
    // The last byte of the object identifiers 1.2.840.113549.1.1.x (RSA) and 1.2.840.10045.4.x (ECDSA).
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    let algorithm = signature_algorithm(certificate)?;
    let rsa = algorithm.strip_prefix(RSA);
    let ecdsa = algorithm.strip_prefix(ECDSA);
    match (rsa, ecdsa) {
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => Some(Sha256::digest(certificate).to_vec()),
        (Some([12]), _) | (_, Some([3, 3])) => Some(Sha384::digest(certificate).to_vec()),
        (Some([13]), _) | (_, Some([3, 4])) => Some(Sha512::digest(certificate).to_vec()),
        _ => None, // Ed25519 and RSA-PSS: no hash function of their own, or one among parameters
    }
}

/// The object identifier of the algorithm by which a certificate (RFC 5280, section 4.1) is signed.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (whole, _) = der_value(certificate, SEQUENCE)?;
    let (_, after_contents) = der_value(whole, SEQUENCE)?;
    let (algorithm, _) = der_value(after_contents, SEQUENCE)?;
    Some(der_value(algorithm, OBJECT_IDENTIFIER)?.0)
}

/// The contents of the first value, which must bear this tag, and what follows it.
fn der_value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match usize::from(first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            let add = |sum: usize, digit: &u8| Some(sum.checked_mul(256)? + usize::from(*digit));
            (digits.iter().try_fold(0, add)?, rest)
        }
    };
    rest.split_at_checked(length)
}
