//! What keeps the gate going between calls: counting, health, reload.
use std::net::SocketAddr;
use std::sync::Arc;

use http::StatusCode;
use tollgate_audit::{EventType, Facts, keys};
use tollgate_config::settings::Listener;
use tollgate_rules::Code;

use crate::clear::{Outgoing, Permit};
use crate::credentials::is_placeholder;
use crate::egress::{Failure, Upstream};
use crate::flight::Flight;
use crate::gate::Gate;
use crate::identity::workload::Material;
use crate::listen::ServerTls;
use crate::outcome::Ending;
use crate::record::{Found, action_word, source};
use crate::refuse::Refusal;
use crate::snapshot::{Snapshot, Source};
use crate::socket::Closed;
use crate::watch::Metrics;
use crate::words;

/// How well the gate is.
#[derive(Debug)]
pub struct Health {
    /// Why it is not ready; empty when it is.
    pub reasons: Vec<String>,
    /// What is dangerous but configured.
    pub warnings: Vec<String>,
    /// The revision in force.
    pub revision: String,
    /// How many rules are in force.
    pub rules: usize,
    /// How many agents are known.
    pub agents: usize,
    /// How many events the ledger has.
    pub ledger_size: u64,
}

/// A call counted as in flight until this is dropped.
pub(crate) struct Flying<'g>(&'g Metrics);

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.0.calls_in_flight.dec();
    }
}

impl Gate {
    /// The snapshot in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Where the configuration comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether no call is in flight.
    pub fn is_idle(&self) -> bool {
        self.metrics.calls_in_flight.get() == 0
    }

    pub(crate) fn count_flight(&self) -> Flying<'_> {
        self.metrics.calls_in_flight.inc();
        Flying(&self.metrics)
    }

    pub(crate) fn count_findings(&self, found: &[Found], direction: &str) {
        for found in found {
            let labels =
                [direction, found.acted.finding.class.as_str(), action_word(found.acted.action)];
            self.metrics.findings.with_label_values(&labels).inc();
            self.alarm(found, direction);
        }
    }

    /// A canary stands where nobody has any business: whoever sends it, or is sent it, was there.
    fn alarm(&self, found: &Found, direction: &str) {
        let finding = &found.acted.finding;
        if finding.class.as_str() == "known.canary" {
            self.metrics.canaries.with_label_values(&[direction]).inc();
            tracing::error!(canary = finding.detector.as_str(), direction, "a canary was seen");
        }
    }

    /// What of a call about to leave may not leave for there: the refusal, and what was found. A
    /// placeholder on its way to another host is an alarm: somebody was made to send it there.
    pub(crate) fn leaking(
        &self,
        flight: &Flight,
        outgoing: &Outgoing,
    ) -> Option<(Refusal, Vec<Found>)> {
        let found = flight.snapshot.credentials.leaks(outgoing);
        let first = found.first()?;
        let placeholder = found.iter().find(|found| is_placeholder(&found.acted.finding));
        let credential = placeholder.unwrap_or(first).acted.finding.detector.as_str();
        let refusal = match placeholder {
            Some(_) => Refusal::new(Code::CanaryHit, words::PLACEHOLDER),
            None => Refusal::new(Code::DlpBlocked, words::CREDENTIAL),
        };
        let event = if placeholder.is_some() { "placeholder" } else { "blocked" };
        self.metrics.credentials.with_label_values(&[credential, event]).inc();
        tracing::error!(
            credential,
            event,
            agent = flight.actor(),
            host = %outgoing.to.host,
            "what stands for a credential was about to leave for another host"
        );
        self.count_findings(&found, "request");
        Some((refusal, found))
    }

    /// Counts what became of the credential of a call that left, or could not.
    pub(crate) fn count_credential(
        &self,
        permit: &Permit,
        forwarded: &Result<Upstream<'_>, Failure>,
    ) {
        let Some(granted) = permit.granted() else { return };
        let event = match forwarded {
            Err(failure)
                if matches!(
                    failure.code,
                    Code::CredentialUnavailable | Code::DelegationDepthExceeded
                ) =>
            {
                "failed"
            }
            Err(_) => return,
            Ok(upstream) => {
                if upstream.head().is_some_and(|head| head.status == StatusCode::UNAUTHORIZED) {
                    granted.refused();
                }
                "given"
            }
        };
        self.metrics.credentials.with_label_values(&[granted.id(), event]).inc();
    }

    pub(crate) fn count_answer(&self, route: &str, ending: &Ending, unread: bool, found: &[Found]) {
        let effect = match ending {
            Ending::Answered => "allow",
            Ending::Abandoned => "abandon",
            Ending::Refused(_) | Ending::Cut(_) | Ending::CutInWords(_) => "cut",
        };
        self.metrics.calls.with_label_values(&[route, effect]).inc();
        self.count_findings(found, "answer");
        if unread {
            self.metrics.unread.with_label_values(&[route]).inc();
        }
    }

    /// Counts a WebSocket that has ended; what was found in it was counted as it came.
    pub(crate) fn count_socket(&self, route: &str, closed: &Closed) {
        let code = closed.end.code();
        let effect = if code.is_some() { "cut" } else { "allow" };
        self.metrics.calls.with_label_values(&[route, effect]).inc();
        self.metrics.websocket_ends.with_label_values(&[route, closed.end.why()]).inc();
        if let Some(code) = code {
            self.metrics.refusals.with_label_values(&[code.as_str()]).inc();
        }
        if closed.tally.unread > 0 {
            self.metrics.unread.with_label_values(&[route]).inc();
        }
    }

    /// Counts and logs what cannot happen and did.
    pub(crate) fn bug(&self, what: &'static str) {
        self.metrics.bugs.inc();
        tracing::error!(what, "a fault of the gate's own");
    }

    /// Records a client that failed to prove who it is.
    pub(crate) async fn handshake_refused(
        &self,
        listener: &str,
        peer: SocketAddr,
        code: Code,
        why: &str,
    ) {
        self.metrics.handshakes_refused.inc();
        self.connection_refused(listener, peer, code, why).await;
    }

    /// Records a connection that was closed before anything could be answered on it.
    pub(crate) async fn connection_refused(
        &self,
        listener: &str,
        peer: SocketAddr,
        code: Code,
        why: &str,
    ) {
        self.metrics.refusals.with_label_values(&[code.as_str()]).inc();
        if !self.strangers.is_told(listener, code) {
            return;
        }
        let facts =
            Facts::new(EventType::CallRefused, "unidentified").revision(&self.snapshot().revision);
        let facts = source(facts, peer.ip(), &self.print_key)
            .text("listener", listener)
            .text(keys::EFFECT, "deny")
            .text(keys::CODE, code.as_str())
            .text("detail", why);
        if self.ledger.append(facts).await.is_err() {
            tracing::error!("a refused connection could not be recorded");
        }
    }

    /// How well the gate is.
    pub fn health(&self) -> Health {
        let snapshot = self.snapshot();
        let ledger = self.ledger.health();
        let mut reasons = Vec::new();
        if ledger.unsigned {
            reasons
                .push("the record cannot be signed: the key service gives no signature".to_owned());
        } else if !ledger.writable {
            reasons.push("the ledger cannot be written".to_owned());
        }
        if ledger.lost > 0 {
            reasons.push(format!("{} outcomes could not be recorded", ledger.lost));
        }
        if snapshot.rulebook.expires_at() <= crate::clock::timestamp() {
            reasons.push("the policy has expired".to_owned());
        }
        if self.cut.is_cancelled() {
            reasons.push("the gate is stopping".to_owned());
        }
        let mut warnings = snapshot.settings.warnings();
        let now = crate::clock::timestamp().as_second();
        let listeners = snapshot.tls_listeners();
        for listener in &snapshot.settings.listeners {
            if matches!(listener, Listener::Tls(_))
                && listeners.get(listener.name()).is_none_or(ServerTls::is_expired)
            {
                let name = listener.name();
                reasons.push(format!("listener `{name}` has no SVID that is good now"));
            }
        }
        for (listener, tls) in listeners.iter() {
            if tls.trust().lists_expire().is_some_and(|expires| expires <= now) {
                warnings.push(format!(
                    "a revocation list of listener `{listener}` is out of date: whom it is about is refused"
                ));
            }
        }
        warnings.extend(self.at_start.changed(&snapshot.settings));
        warnings.extend(near_cap(ledger.spool_bytes, ledger.spool_bytes_max));
        Health {
            reasons,
            warnings,
            revision: snapshot.revision.to_string(),
            rules: snapshot.rulebook.rules_count(),
            agents: snapshot.registry.len(),
            ledger_size: ledger.size,
        }
    }

    /// Brings gauges up to date, when they are asked for.
    pub fn refresh_gauges(&self) {
        let ledger = self.ledger.health();
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.held_bytes.set(signed(self.held.bytes() + self.held_answers.bytes()));
        let waiting = i64::try_from(self.desks.waiting()).unwrap_or(i64::MAX);
        self.metrics.large_bodies_waiting.set(waiting);
        self.metrics.spool_bytes.set(signed(ledger.spool_bytes));
        self.metrics.spool_bytes_max.set(signed(ledger.spool_bytes_max));
        self.metrics.ledger_events.set(signed(ledger.size));
        self.metrics.ledger_writable.set(i64::from(ledger.writable));
        self.metrics.ledger_signable.set(i64::from(!ledger.unsigned));
        self.metrics.signer_expires.set(ledger.signer_until.map_or(0, signed));
        self.metrics.ledger_lost_events.set(signed(ledger.lost));
        self.metrics.holds.set(i64::try_from(self.ledger.holds().len()).unwrap_or(i64::MAX));
        self.metrics.ready.set(i64::from(self.health().reasons.is_empty()));
        self.metrics.policy_expires.set(self.snapshot().rulebook.expires_at().as_second());
        // Upstreams are forgotten, and their routes with them.
        self.metrics.upstream_flying.reset();
        self.metrics.upstream_open.reset();
        self.metrics.upstream_unwell.reset();
        for (route, standing) in self.egress.standing() {
            self.metrics.upstream_flying.with_label_values(&[&route]).set(standing.flying);
            self.metrics.upstream_open.with_label_values(&[&route]).set(standing.open);
            self.metrics.upstream_unwell.with_label_values(&[&route]).set(standing.unwell);
        }
        self.metrics.lists_expire.reset();
        let material = self.snapshot().material();
        self.metrics.svid_expires.set(material.map_or(0, |material| material.expires()));
        for (listener, tls) in self.snapshot().tls_listeners().iter() {
            if let Some(expires) = tls.trust().lists_expire() {
                self.metrics.lists_expire.with_label_values(&[listener]).set(expires);
            }
        }
        for sink in &ledger.sinks {
            self.metrics.sink_lag.with_label_values(&[&sink.name]).set(signed(sink.lag));
            let failures = self.metrics.sink_failures.with_label_values(&[&sink.name]);
            failures.inc_by(sink.failures.saturating_sub(failures.get()));
            self.metrics.sink_missed.with_label_values(&[&sink.name]).set(signed(sink.missed));
            self.metrics.sink_dead.with_label_values(&[&sink.name]).set(signed(sink.dead));
            if let Some(holds) = sink.holds {
                let pending = self.metrics.archive_holds_pending.with_label_values(&[&sink.name]);
                pending.set(i64::from(holds.pending));
                let failures = self.metrics.archive_hold_failures.with_label_values(&[&sink.name]);
                failures.inc_by(holds.failures.saturating_sub(failures.get()));
            }
        }
    }

    /// Builds a new snapshot and swaps it in, or keeps the old one; says so in log, metric and
    /// event.
    /// Tells whether it was applied.
    pub async fn reload(&self) -> bool {
        let _alone = self.changing.lock().await;
        let before = self.snapshot();
        let built = {
            let source = self.source.clone();
            let before = Arc::clone(&before);
            tokio::task::spawn_blocking(move || Snapshot::build(&source, Some(&before), false))
                .await
        };
        let fault = match built {
            Ok(Ok(after)) => {
                let after = Arc::new(after);
                self.record_revalidation(&before, &after).await;
                self.reconsider_signer(&after).await;
                self.record_reload(&before, &after.revision, "applied", &after).await;
                self.publish_authority(&after);
                self.snapshot.store(Arc::clone(&after));
                self.onward.set(after.routes.parent().cloned());
                self.reloaded.send_replace(());
                // Only now: whoever reads the counter may rely on the new rules being in force.
                self.metrics.reload_success.inc();
                tracing::info!(revision = %after.revision, before = %before.revision, "reloaded");
                if let Some(changed) = self.at_start.changed(&after.settings) {
                    tracing::warn!("{changed}");
                }
                return true;
            }
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "the snapshot could not be built".to_owned(),
        };
        // A rotation that was asked for does not wait for a good file.
        self.reconsider_signer(&before).await;
        self.metrics.reload_failure.inc();
        tracing::error!(revision = %before.revision, %fault, "reload refused; the old revision stays in force");
        self.record_reload(&before, "", "refused", &before).await;
        false
    }

    /// Takes what the Workload API gives, unless it is what is there already.
    pub(crate) async fn adopt(&self, material: Option<Arc<Material>>) {
        let _alone = self.changing.lock().await;
        let snapshot = self.snapshot();
        let before = snapshot.material();
        let same = match (&before, &material) {
            (Some(before), Some(material)) => material.is(before),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        let id = material.as_ref().map(|material| material.id().to_owned());
        let expires = material.as_ref().map(|material| material.expires());
        let client = material.as_ref().map(|material| Arc::clone(material.client()));
        let adopted = tokio::task::spawn_blocking(move || snapshot.adopt(material)).await;
        match adopted {
            Ok(Ok(())) => {
                self.egress.identify_by(client);
                self.metrics.svid_rotations.inc();
                tracing::info!(id, expires, "another SVID or bundle is in force");
            }
            Ok(Err(fault)) => {
                self.metrics.workload_api_failures.inc();
                tracing::error!(%fault, "what the Workload API gives cannot be used; the last stays");
            }
            Err(_) => self.bug("an SVID could not be taken"),
        }
    }

    /// Writes what clients of interception must trust, when that is another than before.
    fn publish_authority(&self, after: &Snapshot) {
        if let Some(authority) = after.routes.authority()
            && let Err(error) = authority.publish()
        {
            tracing::error!(%error, "the certificate of `forward_proxy.intercept` cannot be written");
        }
    }

    /// Tells that the rulebook was looked at again, and whether it is another.
    async fn record_revalidation(&self, before: &Snapshot, after: &Snapshot) {
        let (old, new) = (before.rulebook.hash(), after.rulebook.hash());
        let facts = Facts::new(EventType::PolicyRevalidation, "gate")
            .revision(&after.revision)
            .text("policy_hash_before", old)
            .text("policy_hash_after", new)
            .flag("changed", old != new)
            .number("rules", after.rulebook.rules_count() as u64);
        if self.ledger.append(facts).await.is_err() {
            tracing::error!("a revalidation could not be recorded");
        }
    }

    async fn reconsider_signer(&self, snapshot: &Snapshot) {
        let setting = snapshot.settings.audit.signer.clone();
        if let Err(error) = self.ledger.reconsider(setting).await {
            self.metrics.signer_change_failure.inc();
            tracing::error!(%error, "the record's signer is not changed");
        }
    }

    async fn record_reload(&self, before: &Snapshot, after: &str, outcome: &str, book: &Snapshot) {
        let facts = Facts::new(EventType::PolicyReload, "gate")
            .revision(&before.revision)
            .text("outcome", outcome)
            .text("revision_before", &before.revision)
            .text("revision_after", after)
            .text("policy_hash_before", before.rulebook.hash())
            .text("policy_hash_after", book.rulebook.hash());
        if self.ledger.append(facts).await.is_err() {
            tracing::error!("a reload could not be recorded");
        }
    }
}

/// A word of warning before the spool is full, at seven and at nine tenths of its cap.
fn near_cap(bytes: u64, bytes_max: u64) -> Option<String> {
    let percent = bytes.saturating_mul(100) / bytes_max.max(1);
    let urgent = match percent {
        ..70 => return None,
        70..90 => "",
        _ => "; calls will be refused soon",
    };
    Some(format!("the spool is at {percent} % of `audit.spool_bytes_max`{urgent}"))
}
