//! What the gate itself has to ask before a call can leave: a token, of a server that is reached as
//! every upstream is.
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use pingora_http::RequestHeader;
use tollgate_config::settings::Settings;
use tollgate_rules::Code;

use super::Destination;
use super::connect::{Egress, Failure, Found};
use super::exchange::sort;
use super::forward::is_failing;
use super::places::Place;
use crate::clear::Permit;

/// How long one may take: less than whoever waits for it waits, so that a server that hangs is known
/// to.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A POST whose answer is read whole.
pub struct Errand<'a> {
    /// Where to.
    pub to: &'a Destination,
    /// The headers beside the framing.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How many bytes an answer may have.
    pub answer_bytes_max: usize,
}

impl Egress {
    /// Runs an errand for a permitted call: without the permit there is nothing to ask. It takes a
    /// place, and whoever it asks has a circuit, as every upstream.
    pub async fn run(
        &self,
        errand: Errand<'_>,
        permit: &Permit,
        settings: &Settings,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let mut found = self.find(errand.to, permit).await?;
        let mut place =
            self.places().enter(errand.to, &found.addresses, &settings.upstreams).await?;
        place.sort(&mut found.addresses);
        let asking = self.ask_errand(errand, &found, &mut place, permit, settings);
        let late = || Failure::new(Code::UpstreamTimeout, "no answer within the deadline");
        let asked = tokio::time::timeout(ANSWER_WAIT, asking).await.unwrap_or_else(|_| Err(late()));
        match &asked {
            Ok((status, _)) if is_failing(*status) => place.failed(),
            Ok(_) => place.well(),
            Err(failure) => place.judge(failure),
        }
        asked
    }

    async fn ask_errand(
        &self,
        errand: Errand<'_>,
        found: &Found,
        place: &mut Place,
        permit: &Permit,
        settings: &Settings,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let mut upstream = self.open(errand.to, found, permit.agent(), settings).await?;
        place.reached(upstream.address);
        let head = head(&errand).map_err(|error| sort(&error))?;
        upstream.post(head, errand.body).await?;
        let mut whole = BytesMut::new();
        upstream.set_idle(Duration::from_millis(settings.deadlines.idle_ms));
        while let Some(piece) = upstream.next().await? {
            if whole.len().saturating_add(piece.len()) > errand.answer_bytes_max {
                upstream.cancel().await;
                return Err(Failure::new(Code::UpstreamProtocol, "its answer is too long"));
            }
            whole.extend_from_slice(&piece);
        }
        let status = upstream.head().map_or(StatusCode::BAD_GATEWAY, |head| head.status);
        upstream.release().await;
        Ok((status, whole.freeze()))
    }
}

fn head(errand: &Errand<'_>) -> pingora_core::Result<RequestHeader> {
    let path = match errand.to.base_path.as_str() {
        "" => "/",
        path => path,
    };
    let mut head =
        RequestHeader::build_no_case("POST", path.as_bytes(), Some(errand.headers.len() + 4))?;
    for (name, value) in &errand.headers {
        head.append_header(name.clone(), value.clone())?;
    }
    head.insert_header(header::HOST, errand.to.authority())?;
    head.insert_header(header::ACCEPT, "application/json")?;
    head.insert_header(header::ACCEPT_ENCODING, "identity")?;
    head.insert_header(header::CONTENT_LENGTH, errand.body.len().to_string())?;
    Ok(head)
}
