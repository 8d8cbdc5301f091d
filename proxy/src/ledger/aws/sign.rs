//! Signature Version 4, by AWS's own crate.
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4::SigningParams;
use hyper::Request;
use hyper::body::Bytes;

use super::AwsError;

/// Who signs, for what, and when.
pub(crate) struct Signer<'a> {
    /// The service's name as it is signed.
    pub(crate) service: &'a str,
    /// The region as it is signed.
    pub(crate) region: &'a str,
    /// The keys.
    pub(crate) credentials: Credentials,
    /// The signature's time.
    pub(crate) time: SystemTime,
}

/// Signs a request whose target is a path, to a scheme and authority. Every header that it has is
/// signed; the signature's own are put beside them.
pub(crate) fn sign(
    signer: Signer<'_>,
    base: &str,
    request: &mut Request<Bytes>,
) -> Result<(), AwsError> {
    let identity = signer.credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(signer.region)
        .name(signer.service)
        .time(signer.time)
        .settings(settings(signer.service))
        .build()
        .map_err(|_| AwsError::Unsignable)?;
    let url = format!("{base}{}", request.uri());
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), url, headers, body)
        .map_err(|_| AwsError::Unsignable)?;
    let signed = aws_sigv4::http_request::sign(signable, &params.into())
        .map_err(|_| AwsError::Unsignable)?;
    signed.into_parts().0.apply_to_request_http1x(request);
    Ok(())
}

fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        // An object's key is a path as it is, and its body's hash stands in a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}
