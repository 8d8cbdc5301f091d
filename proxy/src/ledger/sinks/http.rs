//! Batches of JSON lines by POST; any 2xx acknowledges.
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use tollgate_config::settings::{HttpFormat, HttpSink, SecretRef};

use super::super::peer::Peer;
use super::super::secret;
use super::DeliveryError;
use super::feed::Batch;
use super::format::in_format;
use super::refusals::Portion;
use super::signed::BatchSigner;
use crate::egress::Onward;

/// A collector that is spoken to by one request at a time.
pub(super) struct HttpOutlet {
    peer: Peer,
    token: Option<SecretRef>,
    signer: Option<BatchSigner>,
    gzip: bool,
    format: HttpFormat,
    portion: Portion,
}

impl HttpOutlet {
    pub(super) fn new(setting: &HttpSink, onward: &Onward) -> Result<Self, String> {
        Ok(Self {
            peer: Peer::new(&setting.url, setting.ca.as_deref(), None)?.reached(onward),
            token: setting.token.clone(),
            signer: setting.signature.as_ref().map(BatchSigner::new).transpose()?,
            gzip: setting.gzip,
            format: setting.format,
            portion: Portion::of(setting.batch_events),
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.portion.events()
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let request = self.request(batch)?;
        let status = self.peer.send_for_status(request).await?;
        if !status.is_success() {
            return Err(self.portion.judge(status, batch));
        }
        self.portion.taken();
        Ok(())
    }

    fn request(&self, batch: &Batch) -> Result<Request<Full<Bytes>>, DeliveryError> {
        let lines = in_format(self.format, &batch.lines)?;
        let body = match self.gzip {
            true => compressed(&lines)?,
            false => lines,
        };
        let mut request = Request::post(self.peer.path())
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header("tollgate-first-seq", batch.first_seq)
            .header("tollgate-last-seq", batch.last_seq)
            .header("tollgate-last-hash", batch.last_hash.as_str())
            .body(Full::new(body.clone()))
            .map_err(|_| DeliveryError::Status(StatusCode::BAD_REQUEST.as_u16()))?;
        if self.gzip {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(signer) = &self.signer {
            let now = jiff::Timestamp::now();
            signer.sign(self.peer.authority(), &mut request, &body, now)?;
        }
        if let Some(token) = &self.token {
            // Not signed: whoever can check the signature need not know it.
            let token = secret::header("Bearer ", token).map_err(DeliveryError::Secret)?;
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        Ok(request)
    }
}

pub(super) fn compressed(bytes: &[u8]) -> Result<Bytes, DeliveryError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(Bytes::from(encoder.finish()?))
}
