//! Carrying a tunnel: bytes as they are, in both directions.
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio_util::io::InspectReader;
use tollgate_config::settings::Settings;
use tollgate_rules::Code;

use super::connect::{Egress, Failure, Found, Spot};
use super::race::race;
use super::secured::Near;
use crate::clear::Permit;
use crate::listen::Io;
use crate::tunnel::{Passage, stands_still};

impl Egress {
    /// Connects to the place that the permit names and carries bytes until both sides are done, or
    /// none has moved for the idle deadline of streams. `seen` was read from the client already.
    /// Gives the address.
    pub async fn carry<S: Io>(
        &self,
        permit: &Permit,
        client: &mut S,
        seen: Bytes,
        settings: &Settings,
        passage: &Passage,
    ) -> Result<Option<SocketAddr>, Failure> {
        let mut found = self.find(permit.destination(), permit).await?;
        let mut place = self.enter(permit, &found.addresses, &settings.upstreams).await?;
        place.sort(&mut found.addresses);
        let (mut upstream, address) = match open(&found, permit, settings).await {
            Ok(open) => open,
            Err(failure) => {
                place.judge(&failure);
                return Err(failure);
            }
        };
        place.well();
        place.reached(address);
        let sent = upstream.write_all(&seen).await;
        sent.map_err(|_| Failure::new(Code::UpstreamProtocol, "the tunnel closed"))?;
        passage.out.fetch_add(seen.len() as u64, Ordering::Relaxed);
        let mut near = InspectReader::new(client, |bytes: &[u8]| {
            passage.out.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        let mut far = InspectReader::new(upstream, |bytes: &[u8]| {
            passage.back.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        let idle = Duration::from_millis(settings.deadlines.stream_idle_ms);
        tokio::select! {
            // Whoever breaks a tunnel off has ended it.
            _ = copy_bidirectional(&mut near, &mut far) => {}
            () = stands_still(|| passage.moved(), idle) => {}
        }
        Ok(Some(address))
    }
}

async fn open(
    found: &Found,
    permit: &Permit,
    settings: &Settings,
) -> Result<(Near, SocketAddr), Failure> {
    let patience = Duration::from_millis(settings.deadlines.connect_ms);
    let connect = async |spot: Spot| {
        let connected = tokio::time::timeout(patience, spot.connect()).await;
        let stream = connected.unwrap_or_else(|_| Err(Found::silent()))?;
        Ok((stream, spot.address))
    };
    let stagger = Duration::from_millis(settings.upstreams.stagger_ms);
    let is_final = |failure: &Failure| failure.code != Code::UpstreamConnect;
    race(found.spots(permit.destination()), stagger, connect, is_final)
        .await
        .map_err(|last| last.unwrap_or_else(Found::silent))
}
