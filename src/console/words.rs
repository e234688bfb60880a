//! What the console calls things.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::findings::ended;
use crate::domain::values::{Channel, JobStatus, Kind, NotificationState, Reason};
use crate::render::english as words;

/// An instant, for machines and for people.
#[derive(Clone, Debug, Serialize)]
pub(super) struct When {
    /// RFC 3339, in the workspace's zone.
    pub(super) iso: String,
    /// `09:12:06` today, else `Fri 4 Dec, 09:12`; with the year when it is another.
    pub(super) text: String,
    /// To the millisecond: `09:12:06.118`.
    pub(super) exact: String,
    /// Only the day: `Fri 4 Dec`.
    pub(super) day: String,
}

impl When {
    pub(super) fn new(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> Self {
        let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
        let day = at.format(if at.year() == now.year() { "%a %-d %b" } else { "%a %-d %b %Y" });
        let text = if at.date_naive() == now.date_naive() {
            at.format("%H:%M:%S").to_string()
        } else {
            format!("{day}, {}", at.format("%H:%M"))
        };
        Self {
            iso: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            text,
            exact: at.format("%H:%M:%S%.3f").to_string(),
            day: day.to_string(),
        }
    }
}

/// What a kind of notification is called at the head of a line.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Digest => "Digest",
        Kind::StalledPhase => "Stalled phase",
        Kind::WaitingOnCustomer => "Waiting on customer",
        Kind::CustomerReminder => "Customer reminder",
    }
}

/// What a channel is called at the head of a line.
pub(super) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "E-mail",
        Channel::Slack => "Slack",
    }
}

/// What a state is called at the head of a line.
pub(super) const fn state(state: NotificationState) -> &'static str {
    match state {
        NotificationState::Scheduled => "Scheduled",
        NotificationState::Deferred => "Deferred",
        NotificationState::Sending => "Sending",
        NotificationState::Ambiguous => "Ambiguous",
        NotificationState::Sent => "Sent",
        NotificationState::Suppressed => "Suppressed",
        NotificationState::Skipped => "Skipped",
        NotificationState::Failed => "Failed",
        NotificationState::Cancelled => "Cancelled",
    }
}

/// What the standing of a job is called.
pub(super) const fn job(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Pending => "Waiting",
        JobStatus::Queued => "Taken",
        JobStatus::Running => "Running",
        JobStatus::Done => "Done",
        JobStatus::Failed => "Failed",
        JobStatus::Killed => "Ended",
    }
}

/// What a reason says.
pub(super) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TestMode => "Test mode: a test key caused it",
        Reason::StateChanged => "Changed before sending",
        Reason::MissedSlot => "The service was down at its slot",
        Reason::Expired => "Its time was over",
        Reason::Superseded => "A higher step was told instead",
        Reason::Snoozed => "Snoozed",
        Reason::Paused => "The onboarding is paused",
        Reason::Completed => "The onboarding is completed",
        Reason::Deleted => "The onboarding or its recipient was deleted",
        Reason::CustomerInactive => "The customer is not in business with us any more",
        Reason::ChannelOff => "No channel is on",
        Reason::OptedOut => "Opted out",
        Reason::NoRecipient => "Nobody to tell: no active CSM, no active owner",
        Reason::AddressRefused => "The address was refused",
        Reason::QuietHours => "Quiet hours",
        Reason::OutsideWorkingHours => "Outside working hours",
        Reason::ChannelDown => "The channel is down",
        Reason::MessageRefused => "The message was refused",
        Reason::AttemptsExhausted => "Every try came to nothing",
        Reason::Undecodable => "Its row cannot be read",
        Reason::OutcomeUnknown => "The connection was lost after the text was sent",
        Reason::CancelledByOperator => "Cancelled by an operator",
    }
}

/// A sentence of its own: capital letter, full stop.
pub(super) fn sentence(text: &str) -> String {
    ended(&words::capital(text))
}
