//! The rules of the product (who hears what, when), one sentence a test, and what must hold whatever the values.

mod civil;
mod ladders;
mod lines;
mod model;
mod order;
mod routing;
mod sentences;
mod slots;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use pivotal_reminders::domain::calendar::{Calendar, DaySpan, hm};
use pivotal_reminders::domain::facts::{Onboarding, Person, PhaseSettings, Provenance, Workspace};
use pivotal_reminders::domain::values::{Channel, CustomerStatus, Locale, Mode, Phase, State};

/// `2026-06-01`
fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// `2026-06-01T07:00:00Z`
fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// `07:00`
fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

/// `22:00-06:00`
fn span(text: &str) -> DaySpan {
    let (from, until) = text.split_once('-').unwrap();
    DaySpan { from: time(from), until: time(until) }
}

/// Defaults: UTC, Monday to Friday, 07:00, targets of 7 days.
fn workspace() -> Workspace {
    let settings = |phase: &Phase| PhaseSettings {
        label: phase.default_label().to_owned(),
        position: 0,
        target_days: 7,
    };
    let phases: BTreeMap<_, _> = Phase::ALL.iter().map(|phase| (*phase, settings(phase))).collect();
    Workspace {
        id: "ws_1".to_owned(),
        name: "Tallybrook".to_owned(),
        zone: Tz::UTC,
        calendar: Calendar::default(),
        digest_time: hm(7, 0),
        waiting_steps: vec![3, 5, 10, 15],
        owner_user_id: None,
        escalation_user_id: None,
        customer_reminders: false,
        mail_from: None,
        mail_name: None,
        reply_to: None,
        footer_address: None,
        names_in_subjects: false,
        locale: Locale::En,
        templates_revision: 0,
        phases,
    }
}

/// Somebody who can be reached both ways and prefers mail.
fn person() -> Person {
    Person {
        id: "user_1".to_owned(),
        name: "Maren Holt".to_owned(),
        email: "maren@tally.test".to_owned(),
        email_flagged: false,
        slack_user_id: Some("U0MAREN".to_owned()),
        slack_flagged: false,
        zone: Tz::UTC,
        active: true,
        digest_enabled: true,
        digest_channel: Channel::Email,
        digest_time: None,
        digest_days: None,
        working_hours: DaySpan::OFFICE,
        quiet_hours: None,
        out_of_office_until: None,
        backup_user_id: None,
        muted_kinds: Vec::new(),
    }
}

const LIVE: Provenance = Provenance {
    onboarding: Mode::Live,
    customer: Mode::Live,
    csm: Mode::Live,
    reminders: Mode::Live,
    phase: Mode::Live,
    waiting: Mode::Live,
};

/// Created on Monday, 1 June 2026, at noon, and nothing happened since.
fn onboarding() -> Onboarding {
    let created = at("2026-06-01T12:00:00Z");
    Onboarding {
        id: "onb_1".to_owned(),
        display_id: 1,
        customer_id: "cust_1".to_owned(),
        customer_name: "Halden Freight".to_owned(),
        customer_status: CustomerStatus::Onboarding,
        customer_deleted: false,
        phase: Phase::Review,
        state: State::Active,
        phase_entered_at: created,
        state_entered_at: created,
        waiting_on_customer: false,
        waiting_since: None,
        holds: Vec::new(),
        held_since: None,
        launch_date: None,
        csm_id: Some("user_1".to_owned()),
        reminder_email: true,
        reminder_slack: true,
        frequency_days: 1,
        last_reminded_on: None,
        snoozed_until: None,
        stalled_step: 0,
        waiting_step: 0,
        created_at: created,
        deleted: false,
        provenance: LIVE,
    }
}

/// The same, waiting on the customer since `since`.
fn waiting(since: &str) -> Onboarding {
    let since = at(since);
    Onboarding {
        state: State::Waiting,
        waiting_on_customer: true,
        waiting_since: Some(since),
        held_since: Some(since),
        ..onboarding()
    }
}
