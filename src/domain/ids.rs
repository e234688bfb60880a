//! Identifiers: opaque, prefixed by type, ordered by time of creation.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
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
    /// `whi_`
    Whisper,
    /// `alert_`
    Alert,
    /// `bulk_`
    BulkOperation,
    /// `tpl_`
    Template,
    /// `op_`
    Operator,
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
            Self::Whisper => "whi_",
            Self::Alert => "alert_",
            Self::BulkOperation => "bulk_",
            Self::Template => "tpl_",
            Self::Operator => "op_",
        }
    }

    /// A new id: prefix, 48 bits of time, 80 random bits, in lower-case base 32.
    #[must_use]
    pub fn fresh(self, now: DateTime<Utc>) -> String {
        self.at(now, rand::random::<u128>())
    }

    /// When the thing of this id was made; `None` for what is no such id.
    #[must_use]
    pub fn made_at(self, id: &str) -> Option<DateTime<Utc>> {
        let ulid = Ulid::from_string(&id.strip_prefix(self.prefix())?.to_uppercase()).ok()?;
        DateTime::from_timestamp_millis(i64::try_from(ulid.timestamp_ms()).ok()?)
    }

    /// The least id of an instant: whatever was made then or later does not come before it.
    #[must_use]
    pub fn first(self, at: DateTime<Utc>) -> String {
        self.at(at, 0)
    }

    fn at(self, at: DateTime<Utc>, rest: u128) -> String {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let ulid = Ulid::from_parts(millis, rest);
        format!("{}{}", self.prefix(), ulid.to_string().to_lowercase())
    }
}

impl IdKind {
    /// The least id that stands at `at` or behind it in a list that is paged by [`fine_instant`].
    #[must_use]
    pub fn bound(self, at: DateTime<Utc>) -> String {
        format!("{}{}", self.prefix(), bound(at).to_string().to_lowercase())
    }
}

/// Nanoseconds in a millisecond.
const FINE: u128 = 1_000_000;

/// An instant that tells the rows of one millisecond apart, in the order of their ids: below the millisecond stand the first random bits of
/// the id. Lists whose rows are written many at a time are paged by it, as a page may then end between any two.
#[must_use]
pub fn fine_instant(id: &str, created_at: DateTime<Utc>) -> DateTime<Utc> {
    let random = ulid(id).map_or(0, |ulid| ulid.random() >> 60);
    let nanos = i64::try_from((random * FINE) >> 20).unwrap_or_default();
    created_at + TimeDelta::nanoseconds(nanos)
}

/// The least id, without prefix, whose [`fine_instant`] is not before `at`.
#[must_use]
pub fn bound(at: DateTime<Utc>) -> Ulid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    let nanos = u128::from(at.timestamp_subsec_nanos()) % FINE;
    Ulid::from_parts(millis, ((nanos << 20).div_ceil(FINE)) << 60)
}

/// When the thing of this id was made, if the id says so.
#[must_use]
pub fn made_at(id: &str) -> Option<DateTime<Utc>> {
    let millis = ulid(id)?.timestamp_ms();
    DateTime::from_timestamp_millis(i64::try_from(millis).ok()?)
}

fn ulid(id: &str) -> Option<Ulid> {
    let (_, rest) = id.rsplit_once('_').unwrap_or(("", id));
    Ulid::from_string(&rest.to_uppercase()).ok()
}

/// How somebody names a thing: by its id, or by its display id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ref {
    /// `onb_…`
    Id(String),
    /// The small number that people use.
    Number(i64),
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl Ref {
    /// Reads a reference: digits alone are a display id, anything else an id. `None` for what can be neither, and so names nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Number);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain.then(|| Self::Id(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A page ends behind a row exactly if the next begins before it.
        #[test]
        fn a_cursor_divides_ids_as_their_places_do(one in any::<u128>(), two in any::<u128>()) {
            let at = DateTime::from_timestamp_millis(1_800_000_000_500).unwrap();
            let (one, two) = (IdKind::Notification.at(at, one), IdKind::Notification.at(at, two));
            let cursor = fine_instant(&two, at);
            prop_assert_eq!(fine_instant(&one, at) < cursor, one < IdKind::Notification.bound(cursor));
            prop_assert_eq!(made_at(&one), Some(at));
        }
    }

    #[test]
    fn digits_alone_are_a_display_id_and_anything_else_an_id() {
        assert_eq!(Ref::parse("42"), Some(Ref::Number(42)));
        assert_eq!(Ref::parse("007"), Some(Ref::Number(7)));
        assert_eq!(Ref::parse("onb_1a"), Some(Ref::Id("onb_1a".to_owned())));
        for nothing in ["", "9223372036854775808", "acme-corp", "a\0b", "٣", "%00", &"a".repeat(65)]
        {
            assert_eq!(Ref::parse(nothing), None, "{nothing:?}");
        }
    }
}
