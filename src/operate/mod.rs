//! What people do to the system, once for all surfaces, each audited.

pub mod acts;
pub mod addresses;
pub mod audit_log;
pub mod bulk;
pub mod clicks;
pub mod csv_file;
pub mod explain;
pub mod forecast;
pub mod gates;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod notifications;
pub mod objects;
pub mod operators;
pub mod opt_outs;
pub mod people;
pub mod preview;
pub mod queues;
pub mod schedules;
pub mod seek;
pub mod silence;
pub mod snooze;
pub mod templates;
pub mod vitals;

use crate::db::DbError;

/// Why an action was not taken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The workspace has no such thing; names its type.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It would have no effect, or another than its name says; says why, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}
