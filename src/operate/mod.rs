//! What people do to the system, once for all surfaces, each audited.

pub mod keys;
