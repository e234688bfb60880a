//! Our tables, one file per noun. Every function takes a [`crate::db::Conn`], so that the caller says what belongs into one transaction.

pub mod facts;
pub mod hints;
