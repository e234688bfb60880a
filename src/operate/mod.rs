//! What people do to the system, once for all surfaces, each audited.

pub mod explain;
pub mod forecast;
pub mod keys;
pub mod snooze;
