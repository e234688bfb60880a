//! Pages for people: server-rendered, without script, without anything from elsewhere.

pub mod blocks;
mod edge;
pub mod links;
pub mod outbox;
pub mod slack;
