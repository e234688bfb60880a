//! What people do to the system, once for all surfaces, each audited.

pub mod acts;
pub mod clicks;
pub mod explain;
pub mod forecast;
pub mod keys;
pub mod links;
pub mod snooze;
