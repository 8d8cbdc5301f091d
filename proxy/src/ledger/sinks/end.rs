//! Where a collector's copy of the chain ends, for those that can be asked.
use super::DeliveryError;
use super::feed::Batch;

/// The last event that a collector has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct End {
    pub(super) seq: u64,
    pub(super) hash: String,
}

/// How a batch lies to the end of what the collector has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lies {
    /// It follows.
    Behind,
    /// Its first events are there: up to this number.
    Across(u64),
    /// The collector has more than the batch.
    Before,
}

impl End {
    /// A batch that can neither follow nor be there is refused: to send it would make a gap or a
    /// fork of what the collector has.
    pub(super) fn lies(&self, batch: &Batch) -> Result<Lies, DeliveryError> {
        if self.seq > batch.last_seq {
            return Ok(Lies::Before);
        }
        if self.seq >= batch.first_seq {
            return Ok(Lies::Across(self.seq));
        }
        if self.seq + 1 < batch.first_seq {
            return Err(DeliveryError::Lacking { has: self.seq, next: batch.first_seq });
        }
        match batch.prev_hash.as_deref() == Some(self.hash.as_str()) {
            true => Ok(Lies::Behind),
            false => Err(DeliveryError::Forked(self.seq)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_follows_lies_across_or_is_refused() {
        let batch = Batch::of_numbers(10, 19, "i");
        let end = |seq: u64, hash: &str| End { seq, hash: hash.to_owned() }.lies(&batch);
        assert_eq!(end(9, "i").unwrap(), Lies::Behind);
        assert_eq!(end(10, "x").unwrap(), Lies::Across(10));
        assert_eq!(end(19, "x").unwrap(), Lies::Across(19));
        assert_eq!(end(20, "x").unwrap(), Lies::Before);
        assert!(matches!(end(9, "other"), Err(DeliveryError::Forked(9))));
        assert!(matches!(end(8, "i"), Err(DeliveryError::Lacking { has: 8, next: 10 })));
    }
}
