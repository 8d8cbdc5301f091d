//! One message an event in a JetStream stream that holds this chain alone.
//!
//! The broker is asked to refuse what does not follow: each message names the stream's last number
//! (`Nats-Expected-Last-Sequence`) and, behind one of ours, the last event's hash
//! (`Nats-Expected-Last-Msg-Id`). So all messages of a batch can be on their way at once: when one
//! is refused, so are those after it. `Nats-Msg-Id` is the event's hash, and what comes twice
//! within the stream's window is acknowledged and not stored.
//!
//! The window is finite, and a broker that was started again has forgotten the last hash when the
//! window is over. Therefore every new connection first reads the stream's last message, which says
//! what of the batch is there, whatever was acknowledged.
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::context::{ContextBuilder, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use async_nats::jetstream::{Context, stream};
use rustls::ClientConfig;
use tollgate_audit::Entry;
use tollgate_config::settings::{NatsAuth, NatsSink};

use super::super::secret;
use super::super::tls::server_config;
use super::DeliveryError;
use super::end::{End, Lies};
use super::feed::Batch;

/// Name resolution, TCP, TLS and the greeting together.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long one acknowledgement may take.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// Messages that may wait for their acknowledgement; as many as a batch has at most.
const UNACKNOWLEDGED_MAX: usize = 10_000;

/// Deleted messages at a stream's end that are walked over.
const DELETED_MAX: usize = 1_000;

/// A stream at a broker.
pub(super) struct NatsOutlet {
    url: String,
    stream: String,
    subject: String,
    auth: Option<NatsAuth>,
    tls: Option<ClientConfig>,
    batch_events: usize,
    link: Option<Link>,
}

/// A connection, and what the stream is known to end with.
struct Link {
    context: Context,
    stream: stream::Stream<()>,
    /// The number that the stream gave last, its own and not an event's.
    number: u64,
    last: Option<Last>,
    /// Whether the last message was sent over this connection.
    ours: bool,
}

/// The last event in the stream, and the number that it has there.
struct Last {
    number: u64,
    end: End,
}

impl NatsOutlet {
    pub(super) fn new(setting: &NatsSink) -> Result<Self, String> {
        let tls = setting.tls.as_ref().map(server_config).transpose()?;
        let scheme = if tls.is_some() { "tls" } else { "nats" };
        Ok(Self {
            url: format!("{scheme}://{}:{}", setting.host, setting.port),
            stream: setting.stream.clone(),
            subject: setting.subject.clone(),
            auth: setting.auth.clone(),
            tls,
            batch_events: setting.batch_events.max(1),
            link: None,
        })
    }

    pub(super) fn events_at_once(&self) -> usize {
        self.batch_events
    }

    pub(super) async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        // Taken out, so that one that fails or is given up is not used again.
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        self.publish(&mut link, batch).await?;
        self.link = Some(link);
        Ok(())
    }

    async fn connect(&self) -> Result<Link, DeliveryError> {
        let connecting = self.options()?.connect(self.url.as_str());
        let client = tokio::time::timeout(CONNECT_WAIT, connecting)
            .await
            .map_err(|_| DeliveryError::Late)?
            .map_err(broker)?;
        let context = ContextBuilder::new()
            .timeout(ACK_WAIT)
            .max_ack_inflight(UNACKNOWLEDGED_MAX)
            .build(client);
        let found = context.get_stream(&self.stream).await.map_err(broker)?;
        let info = found.cached_info();
        if info.config.subjects != [self.subject.as_str()] {
            return Err(DeliveryError::Broker(format!(
                "the stream `{}` is for other subjects than `{}`; it needs to be for that one alone",
                self.stream, self.subject
            )));
        }
        let stream = context.get_stream_no_info(&self.stream).await.map_err(broker)?;
        let last = self.last(&stream, &info.state).await?;
        Ok(Link { context, stream, number: info.state.last_sequence, last, ours: false })
    }

    fn options(&self) -> Result<ConnectOptions, DeliveryError> {
        let options = match &self.auth {
            None => ConnectOptions::new(),
            Some(NatsAuth::Token(token)) => ConnectOptions::with_token(
                secret::read(token).map_err(DeliveryError::Secret)?.to_string(),
            ),
            Some(NatsAuth::Nkey(seed)) => ConnectOptions::with_nkey(
                secret::read(seed).map_err(DeliveryError::Secret)?.to_string(),
            ),
            Some(NatsAuth::Credentials(text)) => ConnectOptions::with_credentials(
                &secret::read(text).map_err(DeliveryError::Secret)?,
            )
            .map_err(|_| DeliveryError::Broker("the credentials are none".to_owned()))?,
        };
        // A connection that breaks is made anew by the next try, which asks for the stream's end.
        let options = options
            .name("tollgate")
            .max_reconnects(1)
            .ignore_discovered_servers()
            .connection_timeout(CONNECT_WAIT)
            .request_timeout(Some(ACK_WAIT));
        Ok(match &self.tls {
            Some(config) => options.require_tls(true).tls_client_config(config.clone()),
            None => options,
        })
    }

    /// The last event in the stream; none when it holds no message. Numbers that were deleted are
    /// walked over, since nats-server 2.9 forgets a subject's last message with a deletion.
    async fn last(
        &self,
        stream: &stream::Stream<()>,
        state: &stream::State,
    ) -> Result<Option<Last>, DeliveryError> {
        if state.messages == 0 {
            return Ok(None);
        }
        let numbers = (state.first_sequence..=state.last_sequence).rev();
        for number in numbers.take(DELETED_MAX) {
            match stream.get_raw_message(number).await {
                Ok(message) => return Ok(Some(Last { number, end: self.read(&message.payload)? })),
                Err(e) if e.kind() == RawMessageErrorKind::NoMessageFound => {}
                Err(e) => return Err(broker(e)),
            }
        }
        Err(DeliveryError::Broker(format!(
            "the last {DELETED_MAX} messages of `{}` were deleted",
            self.stream
        )))
    }

    fn read(&self, payload: &[u8]) -> Result<End, DeliveryError> {
        let entry = Entry::parse(payload).map_err(|_| {
            DeliveryError::Broker(format!(
                "the stream `{}` ends with a message that is no event of a gate",
                self.stream
            ))
        })?;
        Ok(End { seq: entry.seq(), hash: entry.hash().to_string() })
    }

    async fn publish(&self, link: &mut Link, batch: &Batch) -> Result<(), DeliveryError> {
        let there = match &link.last {
            None => {
                if batch.first_seq > 0 {
                    let (stream, seq) = (&self.stream, batch.first_seq);
                    tracing::warn!(stream, seq, "the stream holds no event; it goes on with this");
                }
                None
            }
            Some(last) => match last.end.lies(batch)? {
                Lies::Behind => None,
                Lies::Across(seq) => Some(seq),
                Lies::Before => return self.look_up(link, last, batch).await,
            },
        };
        let mut waiting = Vec::new();
        for line in batch.lines.split_inclusive(|b| *b == b'\n') {
            let entry = Entry::parse(line).map_err(|_| DeliveryError::Spool)?;
            let hash = entry.hash().to_string();
            if there.is_some_and(|seq| entry.seq() <= seq) {
                let same = link.last.as_ref().is_some_and(|last| last.end.hash == hash);
                if there == Some(entry.seq()) && !same {
                    return Err(DeliveryError::Forked(entry.seq()));
                }
                continue;
            }
            let message = self.message(link, &entry, &hash, batch.lines.slice_ref(line));
            let sent = link.context.send_publish(self.subject.clone(), message).await;
            link.number += 1;
            link.ours = true;
            let end = End { seq: entry.seq(), hash };
            link.last = Some(Last { number: link.number, end });
            waiting.push((link.number, sent.map_err(refusal)?));
        }
        for (number, acknowledgement) in waiting {
            let acknowledged = acknowledgement.await.map_err(refusal)?;
            if acknowledged.stream != self.stream || acknowledged.sequence != number {
                return Err(DeliveryError::Broker(format!(
                    "message {number} was taken as {} of `{}`",
                    acknowledged.sequence, acknowledged.stream
                )));
            }
        }
        Ok(())
    }

    fn message(
        &self,
        link: &Link,
        entry: &Entry,
        hash: &str,
        line: bytes::Bytes,
    ) -> PublishMessage {
        let line = line.slice(..line.len().saturating_sub(1));
        let message = PublishMessage::build()
            .payload(line)
            .message_id(hash)
            .expected_stream(&self.stream)
            .expected_last_sequence(link.number);
        match entry.prev_hash() {
            Some(prev) if link.ours => message.expected_last_message_id(prev.to_string()),
            _ => message,
        }
    }

    /// Whether the batch's last event is the one that the stream has under its number. Then all
    /// before it are, too, since each was only taken behind the one before.
    async fn look_up(&self, link: &Link, last: &Last, batch: &Batch) -> Result<(), DeliveryError> {
        let number = last.number.checked_sub(last.end.seq.saturating_sub(batch.last_seq));
        let number = number.filter(|number| *number > 0);
        let untold = || DeliveryError::Untold(batch.last_seq);
        let message = link.stream.get_raw_message(number.ok_or_else(untold)?).await;
        let message = message.map_err(|e| match e.kind() {
            RawMessageErrorKind::NoMessageFound => untold(),
            _ => broker(e),
        })?;
        let found = self.read(&message.payload)?;
        match found.seq == batch.last_seq {
            false => Err(untold()),
            true if found.hash == batch.last_hash => Ok(()),
            true => Err(DeliveryError::Forked(found.seq)),
        }
    }
}

fn refusal(error: PublishError) -> DeliveryError {
    match error.kind() {
        PublishErrorKind::TimedOut => DeliveryError::Late,
        _ => broker(error),
    }
}

fn broker(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::Broker(error.to_string())
}
