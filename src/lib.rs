//! Pivotal reminders: makes sure that no customer onboarding stalls because somebody forgot.

pub mod clock;
pub mod config;
pub mod db;
pub mod deliver;
pub mod domain;
pub mod queue;
pub mod render;
pub mod scheduler;
pub mod store;
pub mod worker;
