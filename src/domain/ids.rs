//! Identifiers: opaque, prefixed by type, ordered by time of creation.

use chrono::{DateTime, Utc};
use ulid::Ulid;

/// The type of thing an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// `ws_`
    Workspace,
    /// `user_`
    User,
    /// `key_`
    ApiKey,
    /// `cust_`
    Customer,
    /// `cont_`
    Contact,
    /// `onb_`
    Onboarding,
    /// `ntf_`
    Notification,
    /// `aud_`
    AuditEntry,
    /// `proc_`
    Process,
    /// `pass_`
    Pass,
}

impl IdKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "ws_",
            Self::User => "user_",
            Self::ApiKey => "key_",
            Self::Customer => "cust_",
            Self::Contact => "cont_",
            Self::Onboarding => "onb_",
            Self::Notification => "ntf_",
            Self::AuditEntry => "aud_",
            Self::Process => "proc_",
            Self::Pass => "pass_",
        }
    }

    /// A new id: prefix, 48 bits of time, 80 random bits, in lower-case base 32.
    #[must_use]
    pub fn fresh(self, now: DateTime<Utc>) -> String {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let ulid = Ulid::from_parts(millis, rand::random::<u128>());
        format!("{}{}", self.prefix(), ulid.to_string().to_lowercase())
    }
}
