//! Tokens, by what they open.
pub(crate) mod agents;
pub(crate) mod builds;
pub(crate) mod commands;
pub(crate) mod customers;
pub(crate) mod guards;
pub(crate) mod hashes;
pub(crate) mod ids;
pub(crate) mod money;
pub(crate) mod plain;
pub(crate) mod platforms;
pub(crate) mod products;
pub(crate) mod shops;
pub(crate) mod stacks;
pub(crate) mod studios;
pub(crate) mod talk;
pub(crate) mod watchers;
