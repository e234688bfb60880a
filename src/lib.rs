//! Pivotal reminders: makes sure that no customer onboarding stalls because somebody forgot.

pub mod clock;
pub mod db;
pub mod deliver;
pub mod domain;
pub mod render;
pub mod store;
