//! Mail over SMTP: [`SmtpConfig`] says where, `build` makes the bytes, `wire` speaks lines, `session` knows the phases,
//! `classify` says what an answer means, and `pool` keeps a few sessions open.

mod address;
mod build;
mod classify;
mod config;
mod pool;
mod reply;
mod session;
mod wire;

pub use address::refusal as address_refusal;
pub use build::mail_bytes;
pub use config::{Security, SmtpConfig, SmtpTimeouts};
pub(super) use pool::{Pool, SmtpSession};
