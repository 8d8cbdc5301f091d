//! What is read at the start and by no reload. Whoever changes it must be told, or waits for ever for
//! what a reload seems to have done.
use tollgate_config::Settings;
use tollgate_config::settings::{Audit, Listener, Signer};

/// These settings as they were at the start: each key with what it said.
#[derive(Debug)]
pub(crate) struct AtStart(Vec<(&'static str, String)>);

impl AtStart {
    /// Those of a start with these settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        // The signer is looked at in every reload.
        let audit = Audit { signer: Signer::default(), ..settings.audit.clone() };
        let listeners = settings.listeners.iter().map(of_listener).collect::<Vec<_>>();
        let bounds = &settings.bounds;
        let dns = settings.dns.as_ref();
        Self(vec![
            ("listeners", listeners.join("\n")),
            ("dns.listen", said(&dns.map(|dns| dns.listen))),
            ("dns.remember", said(&dns.map(|dns| dns.remember))),
            ("resolver", said(&settings.resolver)),
            ("workload_api", said(&settings.workload_api)),
            ("admin.bind", said(&settings.admin.bind)),
            ("audit", serde_json::to_string(&audit).unwrap_or_default()),
            ("bounds.connections", said(&bounds.connections)),
            ("bounds.held_bytes_total", said(&bounds.held_bytes_total)),
            ("bounds.inspected_bytes_total", said(&bounds.inspected_bytes_total)),
            ("deadlines.keep_alive_ms of HTTP/2", said(&settings.deadlines.keep_alive_ms)),
            ("log", said(&settings.log)),
        ])
    }

    /// What says something else by now, in words; none when nothing does.
    pub(crate) fn changed(&self, now: &Settings) -> Option<String> {
        let Self(now) = Self::of(now);
        let both = self.0.iter().zip(&now);
        let keys = both.filter(|(then, now)| then != now).map(|((key, _), _)| *key);
        let keys = keys.collect::<Vec<_>>().join(", ");
        (!keys.is_empty()).then(|| format!("takes effect at the next start only: {keys}"))
    }
}

fn said(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

/// What of a listener is only read at the start.
fn of_listener(listener: &Listener) -> String {
    match listener {
        Listener::Unix(unix) => {
            format!("{} {} {} {:?}", unix.name, unix.path.display(), unix.mode, unix.group)
        }
        other => format!("{} {:?} {:?}", other.name(), other.bind(), other.proxy_protocol()),
    }
}
