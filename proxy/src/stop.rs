//! How a walk ends early.
use tollgate_rules::{Call, Code};

use crate::record::Found;
use crate::refuse::Refusal;

/// The end of a walk before its answer.
#[derive(Debug)]
pub enum Stop {
    /// We said no; recorded and answered.
    Refused(Box<Refused>),
    /// We could not, after the intent was recorded; answered, and told in the outcome.
    Failed(Refusal),
    /// The client went away; there is nobody to answer.
    Gone,
}

/// A refusal with what was known when it was made.
#[derive(Debug)]
pub struct Refused {
    /// Code, rule and sentence.
    pub refusal: Refusal,
    /// The call, if it was understood.
    pub call: Option<Call>,
    /// What inspection had found.
    pub found: Vec<Found>,
}

impl Stop {
    /// Refuses a call that was not understood yet.
    pub fn refuse(code: Code, sentence: impl Into<String>) -> Self {
        Self::refused(Refusal::new(code, sentence), None, Vec::new())
    }

    /// Refuses with all that is known. What the call says is let go: a refusal waits for the record.
    pub fn refused(refusal: Refusal, call: Option<&Call>, found: Vec<Found>) -> Self {
        let call = call.cloned().map(Call::without_words);
        Self::Refused(Box::new(Refused { refusal, call, found }))
    }
}
