//! Pivotal reminders: makes sure that no customer onboarding stalls because somebody forgot.
//!
//! The flow is the architecture; each arrow is one module and one type:
//!
//! ```text
//! onboarding row → due reminder → notification (+ job, same transaction) → message → SMTP / Slack → attempt → outcome
//!   store, domain     scheduler        store::ledger, queue                  render      deliver        worker
//! ```
//!
//! A pass of the [`scheduler`] finds whose slot has come and writes notifications into the ledger, each with a job in the [`queue`].
//! The [`worker`] claims a notification, decides once more from fresh facts, lets [`render`] make the message and [`deliver`] hand it
//! to a provider, and records what became of it. The rules themselves are pure functions in [`domain`]; time is a [`clock`] that
//! everybody is given. [`operate`] is what people do to the system, [`alerts`] what it tells its operators; [`api`], [`console`] and [`cli`] are the surfaces over it; [`app`]
//! is the one place where things are made. `tests/it/architecture.rs` holds these arrows.

pub mod alerts;
pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod db;
pub mod deliver;
pub mod domain;
pub mod operate;
pub mod queue;
pub mod render;
pub mod scheduler;
pub mod store;
pub mod telemetry;
pub mod worker;
