//! Our tables, one file per noun. Every function takes a [`crate::db::Conn`], so that the caller says what belongs into one transaction.

pub mod addresses;
pub mod briefs;
pub mod facts;
pub mod hints;
pub mod ledger;
pub mod outbox;
pub mod processes;
pub mod settings;
