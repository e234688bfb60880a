//! The objects of the API, as programs see them: the keys of each in the contract's order, and their schemas. Whoever answers a program
//! shows these, so that what the command line prints with `--json` is what the API answers.

mod audit;
mod bulk;
mod keys;
mod notifications;
mod people;
mod queues;
mod reminders;
mod status;

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

pub use audit::AuditEntry;
pub use bulk::BulkOperation;
pub use keys::ApiKey;
pub use notifications::{MessagePreview, Notification, NotificationDetails};
pub use people::{FlaggedAddress, OptOut, User};
pub use queues::{Job, Queue, Schedule};
pub use reminders::{
    ForecastItem, OnboardingReminders, PlannedNotification, RemindersExplanation,
    UnroutableOnboarding,
};
pub use status::Status;

/// An instant, with exactly three fraction digits and `Z`; only a cursor between rows of one instant has more.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub DateTime<Utc>);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0.timestamp_subsec_nanos().is_multiple_of(1_000_000);
        let digits = if whole { SecondsFormat::Millis } else { SecondsFormat::Nanos };
        serializer.serialize_str(&self.0.to_rfc3339_opts(digits, true))
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
