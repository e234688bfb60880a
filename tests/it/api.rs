//! The public API, through HTTP, on both databases.

mod contacts;
mod contract;
mod customers;
mod deletes;
mod edge;
mod hostile;
mod idempotency;
mod isolation;
mod keys;
mod lists;
mod onboardings;
mod operators;
mod pages;
mod processes;
mod promises;
mod reference;
mod reminders;
mod secrets;
mod settings;
