//! Whether a connection that was redirected here was going to an address that goes with its name.
//!
//! The gate never connects to that address; it resolves the name itself. But whoever pairs a name
//! with another's address means something else than it says.
use tollgate_config::settings::Binding;
use tollgate_rules::{Code, Host};

use crate::flight::Flight;
use crate::gate::Gate;
use crate::stop::Stop;
use crate::words;

impl Gate {
    /// Refuses a call or a tunnel to `host` whose connection was going elsewhere, as far as the gate
    /// is the agent's DNS server and can know.
    pub(crate) fn check_given(&self, flight: &Flight, host: &Host) -> Result<(), Stop> {
        let Some(dns) = &flight.snapshot.settings.dns else { return Ok(()) };
        let Some(original) = flight.conn.original else { return Ok(()) };
        // What others were told binds nobody.
        if flight.agent.as_ref().is_none_or(|agent| agent.id.as_str() != dns.agent) {
            return Ok(());
        }
        let to = original.ip().to_canonical();
        let fits = match (dns.binding, host.address()) {
            (Binding::None, _) => true,
            // A host that is an address says itself where it is.
            (_, Some(written)) => written.to_canonical() == to,
            (Binding::Known, None) => self.given.may_be(host, to),
            (Binding::Given, None) => self.given.was(host, to),
        };
        match fits {
            true => Ok(()),
            false => Err(Stop::refuse(Code::AddressNotGiven, words::NOT_GIVEN)),
        }
    }
}
