//! Counters with bounded labels: a label's values come from config or from a fixed list, never
//! from what an agent sent.
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use crate::egress::Counters;

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Calls by route and effect (`allow`, `refuse`, `fail`).
    pub calls: IntCounterVec,
    /// Refusals by code.
    pub refusals: IntCounterVec,
    /// Findings by direction, class and action.
    pub findings: IntCounterVec,
    /// Beginnings of secrets that were forgotten before their time.
    pub dlp_forgotten: IntCounter,
    /// Canaries that were seen, by direction.
    pub canaries: IntCounterVec,
    /// What became of credentials, by credential and event (`given`, `failed`, `placeholder`,
    /// `blocked`).
    pub credentials: IntCounterVec,
    /// Seconds from a call's head to the end of its answer.
    pub call_seconds: Histogram,
    /// Seconds the gate itself took before it forwarded.
    pub added_seconds: Histogram,
    /// Client connections now open.
    pub connections: IntGauge,
    /// Connections that were cut before a call could be read.
    pub connections_cut: IntCounter,
    /// 1 while the Workload API is listened to.
    pub workload_api_up: IntGauge,
    /// Times that the Workload API was lost, or gave what cannot be used.
    pub workload_api_failures: IntCounter,
    /// When the gate's own SVID expires.
    pub svid_expires: IntGauge,
    /// Times that another SVID or bundle took effect.
    pub svid_rotations: IntCounter,
    /// When the first revocation list of a listener is out of date.
    pub lists_expire: prometheus::IntGaugeVec,
    /// Connections to a listener for load balancers that were closed, by why.
    pub proxy_headers_refused: IntCounterVec,
    /// Client handshakes that failed.
    pub handshakes_refused: IntCounter,
    /// Tunnels by what became of them (`intercepted`, `cleartext`, `passed`, `refused`,
    /// `handshake_failed`).
    pub tunnels: IntCounterVec,
    /// Queries to the DNS server by what became of them (`answered`, `empty`, `refused`, `failed`,
    /// `malformed`, `limited`).
    pub names: IntCounterVec,
    /// Changes of upstreams' circuits, and calls that did not leave for them.
    pub upstreams: Counters,
    /// Calls in flight at upstreams, by route.
    pub upstream_flying: prometheus::IntGaugeVec,
    /// Upstreams that do not pass their checks, by route.
    pub upstream_unwell: prometheus::IntGaugeVec,
    /// Upstreams whose circuit is not closed, by route.
    pub upstream_open: prometheus::IntGaugeVec,
    /// WebSockets now open.
    pub websockets: IntGauge,
    /// Messages of WebSockets that went on, by direction (`request`, `answer`).
    pub websocket_messages: IntCounterVec,
    /// WebSockets that ended, by route and why.
    pub websocket_ends: IntCounterVec,
    /// Calls in flight.
    pub calls_in_flight: IntGauge,
    /// Body bytes held now.
    pub held_bytes: IntGauge,
    /// Large bodies that wait for their turn to be looked at.
    pub large_bodies_waiting: IntGauge,
    /// Answers that passed unread, by route.
    pub unread: IntCounterVec,
    /// Reloads that took effect.
    pub reload_success: IntCounter,
    /// Reloads that were refused and kept the old snapshot.
    pub reload_failure: IntCounter,
    /// Things that cannot happen and did.
    pub bugs: IntCounter,
    /// Bytes in the spool.
    pub spool_bytes: IntGauge,
    /// The spool's cap.
    pub spool_bytes_max: IntGauge,
    /// Events in the ledger.
    pub ledger_events: IntGauge,
    /// 1 while an intent would be recorded.
    pub ledger_writable: IntGauge,
    /// 1 while events can be signed.
    pub ledger_signable: IntGauge,
    /// When the session key's time is over, in seconds since 1970; 0 without one.
    pub signer_expires: IntGauge,
    /// Changes of the record's signer that failed.
    pub signer_change_failure: IntCounter,
    /// Outcomes that could not be recorded since the start.
    pub ledger_lost_events: IntGauge,
    /// 1 while the gate is ready.
    pub ready: IntGauge,
    /// When the policy's time is over, in seconds since 1970.
    pub policy_expires: IntGauge,
    /// Events a sink has not acknowledged, by sink.
    pub sink_lag: prometheus::IntGaugeVec,
    /// Deliveries of a sink that failed, by sink.
    pub sink_failures: prometheus::IntCounterVec,
    /// Events that a sink's collector refused for good, by sink.
    pub sink_dead: prometheus::IntGaugeVec,
    /// Events that were deleted at the cap before a sink had them, by sink.
    pub sink_missed: prometheus::IntGaugeVec,
    /// Whether a sink's archive lacks legal holds that are in force, by sink.
    pub archive_holds_pending: prometheus::IntGaugeVec,
    /// How often legal holds could not be set or cleared in a sink's archive, by sink.
    pub archive_hold_failures: prometheus::IntCounterVec,
    /// Legal holds in force.
    pub holds: IntGauge,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Only when two metrics share a name, which the test below excludes.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let shelf = Shelf(&registry);
        // From a tenth of a millisecond to half an hour: a call may be a stream.
        let buckets = vec![
            0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
            2.5, 5.0, 10.0, 60.0, 600.0, 1800.0,
        ];
        Ok(Self {
            calls: shelf.counters(
                "tollgate_calls_total",
                "Calls by route and effect",
                &["route", "effect"],
            )?,
            refusals: shelf.counters("tollgate_refusals_total", "Refusals by code", &["code"])?,
            findings: shelf.counters(
                "tollgate_findings_total",
                "Findings by direction, class and action",
                &["direction", "class", "action"],
            )?,
            dlp_forgotten: shelf.counter(
                "tollgate_dlp_forgotten_total",
                "Beginnings of secrets that were forgotten before their time",
            )?,
            canaries: shelf.counters(
                "tollgate_canaries_seen_total",
                "Canaries that were seen, by direction",
                &["direction"],
            )?,
            credentials: shelf.counters(
                "tollgate_credentials_total",
                "What became of credentials, by credential and event",
                &["credential", "event"],
            )?,
            call_seconds: shelf.histogram(
                "tollgate_call_seconds",
                "From a call's head to the end of its answer",
                buckets.clone(),
            )?,
            added_seconds: shelf.histogram(
                "tollgate_added_seconds",
                "What the gate itself took before it forwarded",
                buckets,
            )?,
            connections: shelf.gauge("tollgate_connections", "Client connections now open")?,
            connections_cut: shelf.counter(
                "tollgate_connections_cut_total",
                "Connections cut before a call could be read",
            )?,
            workload_api_up: shelf
                .gauge("tollgate_workload_api_up", "1 while the Workload API is listened to")?,
            workload_api_failures: shelf.counter(
                "tollgate_workload_api_failures_total",
                "Times that the Workload API was lost, or gave what cannot be used",
            )?,
            svid_expires: shelf.gauge(
                "tollgate_svid_expires_timestamp_seconds",
                "When the gate's own SVID expires; 0 without one",
            )?,
            svid_rotations: shelf.counter(
                "tollgate_svid_rotations_total",
                "Times that another SVID or bundle took effect",
            )?,
            lists_expire: shelf.gauges(
                "tollgate_revocation_expires_timestamp_seconds",
                "When the first revocation list of a listener is out of date",
                &["listener"],
            )?,
            proxy_headers_refused: shelf.counters(
                "tollgate_proxy_headers_refused_total",
                "Connections without a good PROXY header, by why",
                &["why"],
            )?,
            handshakes_refused: shelf.counter(
                "tollgate_handshakes_refused_total",
                "Client TLS handshakes that failed",
            )?,
            tunnels: shelf.counters(
                "tollgate_tunnels_total",
                "Tunnels (CONNECT) by what became of them",
                &["how"],
            )?,
            names: shelf.counters(
                "tollgate_names_total",
                "Queries to the DNS server by what became of them",
                &["effect"],
            )?,
            upstreams: Counters {
                changes: shelf.counters(
                    "tollgate_upstream_circuit_changes_total",
                    "Changes of upstreams' circuits",
                    &["route", "state"],
                )?,
                refusals: shelf.counters(
                    "tollgate_upstream_refusals_total",
                    "Calls that did not leave for the sake of their upstream",
                    &["route", "why"],
                )?,
                retries: shelf.counters(
                    "tollgate_upstream_retries_total",
                    "Calls that were sent again",
                    &["route", "why"],
                )?,
                checks: shelf.counters(
                    "tollgate_upstream_checks_total",
                    "Checks of upstreams between calls",
                    &["route", "outcome"],
                )?,
            },
            upstream_flying: shelf.gauges(
                "tollgate_upstream_calls_in_flight",
                "Calls in flight at upstreams",
                &["route"],
            )?,
            upstream_unwell: shelf.gauges(
                "tollgate_upstreams_unwell",
                "Upstreams that do not pass their checks",
                &["route"],
            )?,
            upstream_open: shelf.gauges(
                "tollgate_upstream_circuits_open",
                "Upstreams whose circuit is not closed",
                &["route"],
            )?,
            websockets: shelf.gauge("tollgate_websockets", "WebSockets now open")?,
            websocket_messages: shelf.counters(
                "tollgate_websocket_messages_total",
                "Messages of WebSockets that went on",
                &["direction"],
            )?,
            websocket_ends: shelf.counters(
                "tollgate_websocket_ends_total",
                "WebSockets that ended, by why",
                &["route", "why"],
            )?,
            calls_in_flight: shelf.gauge("tollgate_calls_in_flight", "Calls in flight")?,
            held_bytes: shelf.gauge("tollgate_held_bytes", "Body bytes held now")?,
            large_bodies_waiting: shelf.gauge(
                "tollgate_large_bodies_waiting",
                "Large bodies that wait for their turn to be looked at",
            )?,
            unread: shelf.counters(
                "tollgate_unread_total",
                "Answers that passed unread",
                &["route"],
            )?,
            reload_success: shelf
                .counter("policy_reload_success_total", "Reloads that took effect")?,
            reload_failure: shelf
                .counter("policy_reload_failure_total", "Reloads that were refused")?,
            bugs: shelf.counter("tollgate_bugs_total", "Things that cannot happen and did")?,
            spool_bytes: shelf.gauge("tollgate_spool_bytes", "Bytes in the spool")?,
            spool_bytes_max: shelf.gauge("tollgate_spool_bytes_max", "The spool's cap")?,
            ledger_events: shelf.gauge("tollgate_ledger_events", "Events in the ledger")?,
            ledger_writable: shelf
                .gauge("tollgate_ledger_writable", "1 while an intent would be recorded")?,
            ledger_signable: shelf
                .gauge("tollgate_ledger_signable", "1 while events can be signed")?,
            signer_expires: shelf.gauge(
                "tollgate_signer_session_expires_timestamp_seconds",
                "When the session key's time is over; 0 without one",
            )?,
            signer_change_failure: shelf.counter(
                "tollgate_signer_change_failure_total",
                "Rotations and revocations that were asked for and not done",
            )?,
            ledger_lost_events: shelf.gauge(
                "tollgate_ledger_lost_events",
                "Outcomes that could not be recorded since the start",
            )?,
            ready: shelf.gauge("tollgate_ready", "1 while the gate is ready")?,
            policy_expires: shelf.gauge(
                "tollgate_policy_expires_timestamp_seconds",
                "When the policy's time is over",
            )?,
            sink_lag: shelf.gauges(
                "tollgate_sink_lag_events",
                "Events a sink has not acknowledged",
                &["sink"],
            )?,
            sink_failures: shelf.counters(
                "tollgate_sink_failures_total",
                "Deliveries of a sink that failed and are tried again",
                &["sink"],
            )?,
            sink_dead: shelf.gauges(
                "tollgate_sink_dead_events",
                "Events that a sink's collector refused for good",
                &["sink"],
            )?,
            sink_missed: shelf.gauges(
                "tollgate_sink_missed_events",
                "Events deleted at the cap before a sink had them, since the start",
                &["sink"],
            )?,
            archive_holds_pending: shelf.gauges(
                "tollgate_archive_holds_pending",
                "Whether an archive does not yet have the legal holds in force (1) or has (0)",
                &["sink"],
            )?,
            archive_hold_failures: shelf.counters(
                "tollgate_archive_hold_failures_total",
                "Legal holds could not be set or cleared in an archive and are tried again",
                &["sink"],
            )?,
            holds: shelf.gauge("tollgate_legal_holds", "Legal holds in force")?,
            registry,
        })
    }

    /// The text exposition format.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

struct Shelf<'r>(&'r Registry);

impl Shelf<'_> {
    fn put<M: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: M,
    ) -> Result<M, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.put(IntCounter::new(name, help)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.put(IntGauge::new(name, help)?)
    }

    fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<prometheus::IntGaugeVec, prometheus::Error> {
        self.put(prometheus::IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        self.put(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: Vec<f64>,
    ) -> Result<Histogram, prometheus::Error> {
        self.put(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_registers() {
        let metrics = Metrics::new().unwrap();
        metrics.bugs.inc();
        assert!(metrics.render().contains("tollgate_bugs_total 1"));
    }
}
