//! The notification ledger: one row per message, from `scheduled` to a final state (`product.md` §4).
//!
//! A row changes hands by compare-and-set: [`claim()`] puts a fresh token into it, and every later write names that token. Whoever lost
//! the row finds nothing to write to. Each file is one thing that happens to a row; callers see one module.

mod by_hand;
mod claim;
mod finish;
mod message;
mod reminded;
mod rescue;
mod sweep;
mod write;

use chrono::{DateTime, Utc};

pub use by_hand::{Before, ByHand, lock, open_resend, reopen, resend, restore, rows, settle};
pub use claim::{Claimed, Waiting, claim, mark_body, other_way, rest, waiting};
pub use finish::{Attempt, Finish, finish};
pub use message::{Packed, Packer, message};
pub use reminded::{drop_items, forget_later, give_back, remind};
pub use rescue::rescue;
pub use sweep::{Backlog, Ready, backlog, end_undecodable, end_waiting, pushed, ready};
pub use write::{NewNotification, insert, known_keys};

/// `not_before` of a row that only an operator's decision moves on.
pub const UNTIL_DECIDED: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(at) => at,
    None => DateTime::<Utc>::MAX_UTC,
};

/// Deliveries in a row without an outcome after which a row is given up: it takes the worker down each time, or nobody can read it.
pub const POISON_AFTER: i64 = 3;
