//! Pivotal reminders: makes sure that no customer onboarding stalls because somebody forgot.

pub mod api;
pub mod clock;
pub mod db;
pub mod deliver;
pub mod domain;
pub mod operate;
pub mod render;
pub mod store;
