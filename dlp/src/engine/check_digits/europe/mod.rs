//! Check digits of identifiers of Europe, by country.
mod austria_to_france;
mod britain_to_ukraine;

pub(crate) use austria_to_france::*;
pub(crate) use britain_to_ukraine::*;
