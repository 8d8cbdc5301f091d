//! What a collector refuses for what it is: fewer events at once, until the one that is refused
//! stands alone; and that one is put aside when it was refused again and again.
use http::StatusCode;

use super::DeliveryError;
use super::feed::Batch;

/// An event that was refused so often is refused for good.
const REFUSALS_MAX: u32 = 5;

/// How many events a collector is given at once.
pub(super) struct Portion {
    most: usize,
    /// Smaller than the setting after a collector refused a batch for what it is.
    fitting: usize,
    /// The event that was refused alone, and how often.
    refused: (u64, u32),
}

impl Portion {
    pub(super) fn of(batch_events: usize) -> Self {
        let most = batch_events.max(1);
        Self { most, fitting: most, refused: (0, 0) }
    }

    pub(super) fn events(&self) -> usize {
        self.fitting
    }

    /// A batch was taken, so the next one may be larger.
    pub(super) fn taken(&mut self) {
        self.fitting = self.most.min(self.fitting.saturating_mul(2));
    }

    /// What a status says that is no success.
    pub(super) fn judge(&mut self, status: StatusCode, batch: &Batch) -> DeliveryError {
        match is_about_the_batch(status) {
            true => self.refused(status.as_u16(), batch),
            false => DeliveryError::Status(status.as_u16()),
        }
    }

    /// The batch itself was refused: halves what is sent at once until the event that is refused
    /// stands alone.
    pub(super) fn refused(&mut self, status: u16, batch: &Batch) -> DeliveryError {
        let events = batch.last_seq.saturating_sub(batch.first_seq) + 1;
        if events > 1 {
            self.fitting = usize::try_from(events / 2).unwrap_or(1);
            return DeliveryError::Parted(status);
        }
        self.refused = match self.refused {
            (seq, times) if seq == batch.first_seq => (seq, times + 1),
            _ => (batch.first_seq, 1),
        };
        match self.refused.1 {
            REFUSALS_MAX.. => {
                self.refused.1 = 0;
                DeliveryError::Dead(status)
            }
            _ => DeliveryError::Status(status),
        }
    }
}

/// Whether a status says something of the batch itself, and not of the address, the token, the
/// time or the collector: then another try with the same events ends the same.
fn is_about_the_batch(status: StatusCode) -> bool {
    let elsewhere = [401, 402, 403, 404, 405, 407, 408, 410, 421, 423, 425, 426, 429];
    status.is_client_error() && !elsewhere.contains(&status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_that_was_refused_alone_again_and_again_is_dead() {
        let mut portion = Portion::of(8);
        let refuse = |portion: &mut Portion, first, last| {
            portion.judge(StatusCode::UNPROCESSABLE_ENTITY, &Batch::of_numbers(first, last, "h"))
        };
        for fitting in [4, 2, 1] {
            let last = u64::try_from(portion.events()).unwrap() - 1;
            assert!(matches!(refuse(&mut portion, 0, last), DeliveryError::Parted(422)));
            assert_eq!(portion.events(), fitting);
        }
        for _ in 1..REFUSALS_MAX {
            assert!(matches!(refuse(&mut portion, 0, 0), DeliveryError::Status(422)));
        }
        assert!(matches!(refuse(&mut portion, 0, 0), DeliveryError::Dead(422)));
        // Another event begins anew, and what is about something else never counts.
        assert!(matches!(refuse(&mut portion, 1, 1), DeliveryError::Status(422)));
        let batch = Batch::of_numbers(1, 1, "h");
        for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE] {
            assert!(matches!(portion.judge(status, &batch), DeliveryError::Status(_)));
        }
        for fitting in [2, 4, 8, 8] {
            portion.taken();
            assert_eq!(portion.events(), fitting);
        }
    }
}
