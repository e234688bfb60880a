//! Loads what a decision needs to know: rows in, values of [`crate::domain::facts`] out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use sqlx::types::Json;

use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::calendar::{Calendar, DaySpan, Weekdays, hm, parse_time};
use crate::domain::digest::Seen;
use crate::domain::facts::{
    Contact, Hold, Onboarding, Person, PhaseSettings, Provenance, Workspace,
};
use crate::domain::routing::Desk;
use crate::domain::values::{Channel, CustomerStatus, Mode, Phase, State};
use crate::fetch_by_ids;

/// Reads a zone name; an unknown one (a zone that was removed, a row written by hand) falls back to UTC, aloud.
#[must_use]
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or_else(|_| {
        tracing::warn!(zone = name, "unknown time zone in the database, using UTC");
        Tz::UTC
    })
}

fn time_or(text: Option<&str>, default: NaiveTime) -> NaiveTime {
    text.and_then(parse_time).unwrap_or(default)
}

// --- workspaces ------------------------------------------------------------------------------------------------------------------

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    id: String,
    name: String,
    time_zone: String,
    working_days: String,
    digest_time: String,
    waiting_steps: String,
    owner_user_id: Option<String>,
    escalation_user_id: Option<String>,
    customer_reminders: bool,
    mail_from: Option<String>,
    mail_name: Option<String>,
    reply_to: Option<String>,
    footer_address: Option<String>,
    names_in_subjects: bool,
    locale: String,
    templates_revision: i64,
    holidays: Json<Vec<NaiveDate>>,
    phases: Json<Vec<(Phase, String, i64, i64)>>,
}

/// Reads `3,5,10,15`; anything unreadable in it is left out.
#[must_use]
pub fn parse_steps(text: &str) -> Vec<u32> {
    text.split(',').filter_map(|step| step.trim().parse().ok()).collect()
}

/// The workspaces of the given ids, with their calendars and phases.
pub async fn workspaces(
    conn: &mut Conn,
    ids: &[String],
) -> Result<HashMap<String, Workspace>, DbError> {
    const COLUMNS: &str = "id, name, time_zone, working_days, digest_time, waiting_steps, owner_user_id, escalation_user_id, customer_reminders,
         mail_from, mail_name, reply_to, footer_address, names_in_subjects, locale, templates_revision";
    const POSTGRES: &str = const_str::concat!(
        "SELECT ",
        COLUMNS,
        ", (SELECT COALESCE(json_agg(date), '[]') FROM holidays h WHERE h.workspace_id = w.id) AS holidays,
         (SELECT COALESCE(json_agg(json_build_array(key, label, position, target_days)), '[]') FROM phases p WHERE p.workspace_id = w.id) AS phases
         FROM workspaces w WHERE id = ANY($1)"
    );
    const SQLITE: &str = const_str::concat!(
        "SELECT ",
        COLUMNS,
        ", (SELECT json_group_array(date) FROM holidays h WHERE h.workspace_id = w.id) AS holidays,
         (SELECT json_group_array(json_array(key, label, position, target_days)) FROM phases p WHERE p.workspace_id = w.id) AS phases
         FROM workspaces w WHERE id IN (SELECT value FROM json_each($1))"
    );
    let rows: Vec<WorkspaceRow> = match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_as(POSTGRES).bind(ids).fetch_all(c).await?,
        Dialect::Sqlite(c) => sqlx::query_as(SQLITE).bind(json_list(ids)).fetch_all(c).await?,
    };
    let phase =
        |(key, label, position, target_days)| (key, PhaseSettings { label, position, target_days });
    Ok(rows
        .into_iter()
        .map(|row| {
            let workspace = Workspace {
                zone: zone(&row.time_zone),
                calendar: Calendar {
                    working_days: Weekdays::parse(&row.working_days)
                        .unwrap_or(Weekdays::MON_TO_FRI),
                    holidays: row.holidays.0.into_iter().collect(),
                },
                digest_time: time_or(Some(&row.digest_time), hm(7, 0)),
                waiting_steps: parse_steps(&row.waiting_steps),
                phases: row.phases.0.into_iter().map(phase).collect(),
                id: row.id,
                name: row.name,
                owner_user_id: row.owner_user_id,
                escalation_user_id: row.escalation_user_id,
                customer_reminders: row.customer_reminders,
                mail_from: row.mail_from,
                mail_name: row.mail_name,
                reply_to: row.reply_to,
                footer_address: row.footer_address,
                names_in_subjects: row.names_in_subjects,
                locale: row.locale.parse().unwrap_or_default(),
                templates_revision: row.templates_revision,
            };
            (workspace.id.clone(), workspace)
        })
        .collect())
}

// --- people ----------------------------------------------------------------------------------------------------------------------

/// A user as stored, with the zone of the workspace.
#[derive(sqlx::FromRow)]
pub struct PersonRow {
    id: String,
    workspace_id: String,
    name: String,
    email: String,
    time_zone: Option<String>,
    workspace_zone: String,
    slack_user_id: Option<String>,
    active: bool,
    email_flagged_at: Option<DateTime<Utc>>,
    slack_flagged_at: Option<DateTime<Utc>>,
    digest_enabled: bool,
    #[sqlx(try_from = "String")]
    digest_channel: Channel,
    digest_time: Option<String>,
    digest_days: Option<String>,
    working_from: String,
    working_until: String,
    quiet_from: Option<String>,
    quiet_until: Option<String>,
    out_of_office_until: Option<NaiveDate>,
    backup_user_id: Option<String>,
    muted_kinds: String,
    next_slot_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// A person, where they belong and when their next slot is.
#[derive(Clone, Debug)]
pub struct Member {
    /// Their workspace.
    pub workspace_id: String,
    /// The computed next slot.
    pub next_slot_at: Option<DateTime<Utc>>,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// The person.
    pub person: Person,
}

impl From<PersonRow> for Member {
    fn from(row: PersonRow) -> Self {
        let quiet = row
            .quiet_from
            .as_deref()
            .and_then(parse_time)
            .zip(row.quiet_until.as_deref().and_then(parse_time));
        Self {
            person: Person {
                zone: zone(row.time_zone.as_deref().unwrap_or(&row.workspace_zone)),
                email_flagged: row.email_flagged_at.is_some(),
                slack_flagged: row.slack_flagged_at.is_some(),
                digest_time: row.digest_time.as_deref().and_then(parse_time),
                digest_days: row.digest_days.as_deref().and_then(Weekdays::parse),
                working_hours: DaySpan {
                    from: time_or(Some(&row.working_from), hm(9, 0)),
                    until: time_or(Some(&row.working_until), hm(18, 0)),
                },
                quiet_hours: quiet.map(|(from, until)| DaySpan { from, until }),
                muted_kinds: row
                    .muted_kinds
                    .split(',')
                    .filter_map(|kind| kind.parse().ok())
                    .collect(),
                id: row.id,
                name: row.name,
                email: row.email,
                slack_user_id: row.slack_user_id,
                active: row.active,
                digest_enabled: row.digest_enabled,
                digest_channel: row.digest_channel,
                out_of_office_until: row.out_of_office_until,
                backup_user_id: row.backup_user_id,
            },
            workspace_id: row.workspace_id,
            next_slot_at: row.next_slot_at,
            created_at: row.created_at,
        }
    }
}

/// The users of the given ids.
pub async fn people(conn: &mut Conn, ids: &[String]) -> Result<HashMap<String, Member>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        PersonRow,
        "SELECT u.*, w.time_zone AS workspace_zone FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE u.id",
        ids,
        ""
    )?;
    Ok(rows
        .into_iter()
        .map(Member::from)
        .map(|member| (member.person.id.clone(), member))
        .collect())
}

/// The users of the given ids, and those who stand in for them.
pub async fn people_and_backups(
    conn: &mut Conn,
    ids: &[String],
) -> Result<HashMap<String, Member>, DbError> {
    let mut members = people(conn, ids).await?;
    let backups: Vec<String> = members
        .values()
        .filter(|member| member.person.out_of_office_until.is_some())
        .filter_map(|member| member.person.backup_user_id.clone())
        .filter(|id| !members.contains_key(id))
        .collect();
    if !backups.is_empty() {
        members.extend(people(conn, &backups).await?);
    }
    Ok(members)
}

/// The desk of an active user, among `members`.
#[must_use]
pub fn desk<'a>(members: &'a HashMap<String, Member>, id: &str) -> Option<Desk<'a>> {
    let person = |id: &str| members.get(id).map(|member| &member.person);
    Some(Desk::of(person(id).filter(|person| person.active)?, person))
}

/// Those for whom the given users stand in, who were away after `date`.
pub async fn stood_in_for(
    conn: &mut Conn,
    backups: &[String],
    date: NaiveDate,
) -> Result<Vec<Member>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        PersonRow,
        "SELECT u.*, w.time_zone AS workspace_zone FROM users u JOIN workspaces w ON w.id = u.workspace_id
         WHERE u.active AND u.out_of_office_until > $2 AND u.backup_user_id",
        backups,
        "",
        date
    )?;
    Ok(rows.into_iter().map(Member::from).collect())
}

// --- onboardings -----------------------------------------------------------------------------------------------------------------

/// What an [`OnboardingRow`] is read from. Named one by one: most of the other columns are the API's, and notes may be long.
macro_rules! select_onboardings {
    () => {
        "SELECT o.id, o.workspace_id, o.customer_id, o.display_id, o.phase, o.state, o.target_launch_date, o.csm_id, o.waiting_on_customer,
           o.waiting_on_customer_since, o.reminder_email, o.reminder_slack, o.reminder_frequency_days, o.phase_entered_at, o.state_entered_at,
           o.held_since, o.holds, o.snoozed_until, o.mode, o.csm_mode, o.reminders_mode, o.phase_mode, o.waiting_mode, o.stalled_step,
           o.waiting_step, o.next_nudge_at, o.created_at, o.deleted_at, r.last_reminded_on, r.last_seen, NULLIF(r.recipient_id, '') AS recipient_id,
           c.name AS customer_name, c.status AS customer_status, c.deleted_at AS customer_deleted_at, c.mode AS customer_mode
         FROM onboardings o JOIN customers c ON c.id = o.customer_id JOIN reminder_state r ON r.onboarding_id = o.id"
    };
}
pub(crate) use select_onboardings;

/// An onboarding as stored, with what is needed of its customer.
#[derive(sqlx::FromRow)]
pub struct OnboardingRow {
    id: String,
    workspace_id: String,
    customer_id: String,
    display_id: i64,
    #[sqlx(try_from = "String")]
    phase: Phase,
    #[sqlx(try_from = "String")]
    state: State,
    target_launch_date: Option<DateTime<Utc>>,
    csm_id: Option<String>,
    waiting_on_customer: bool,
    waiting_on_customer_since: Option<DateTime<Utc>>,
    reminder_email: bool,
    reminder_slack: bool,
    reminder_frequency_days: i64,
    phase_entered_at: DateTime<Utc>,
    state_entered_at: DateTime<Utc>,
    held_since: Option<DateTime<Utc>>,
    holds: Json<Vec<Hold>>,
    snoozed_until: Option<NaiveDate>,
    #[sqlx(try_from = "String")]
    mode: Mode,
    #[sqlx(try_from = "String")]
    csm_mode: Mode,
    #[sqlx(try_from = "String")]
    reminders_mode: Mode,
    #[sqlx(try_from = "String")]
    phase_mode: Mode,
    #[sqlx(try_from = "String")]
    waiting_mode: Mode,
    stalled_step: i64,
    waiting_step: i64,
    last_reminded_on: Option<NaiveDate>,
    last_seen: Option<String>,
    recipient_id: Option<String>,
    next_nudge_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    customer_name: String,
    #[sqlx(try_from = "String")]
    customer_status: CustomerStatus,
    customer_deleted_at: Option<DateTime<Utc>>,
    #[sqlx(try_from = "String")]
    customer_mode: Mode,
}

/// An onboarding, where it belongs and the computed columns of its row.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Its workspace.
    pub workspace_id: String,
    /// Who hears of it: the active CSM, else the active owner.
    pub recipient_id: Option<String>,
    /// What the last digest showed of it.
    pub last_seen: Option<Seen>,
    /// When its next nudge may go out, as computed last.
    pub next_nudge_at: Option<DateTime<Utc>>,
    /// The onboarding.
    pub onboarding: Onboarding,
}

impl From<OnboardingRow> for Journey {
    fn from(row: OnboardingRow) -> Self {
        Self {
            workspace_id: row.workspace_id,
            recipient_id: row.recipient_id,
            last_seen: row.last_seen.as_deref().and_then(Seen::read),
            next_nudge_at: row.next_nudge_at,
            onboarding: Onboarding {
                launch_date: row.target_launch_date.map(|at| at.date_naive()),
                customer_deleted: row.customer_deleted_at.is_some(),
                deleted: row.deleted_at.is_some(),
                provenance: Provenance {
                    onboarding: row.mode,
                    customer: row.customer_mode,
                    csm: row.csm_mode,
                    reminders: row.reminders_mode,
                    phase: row.phase_mode,
                    waiting: row.waiting_mode,
                },
                id: row.id,
                display_id: row.display_id,
                customer_id: row.customer_id,
                customer_name: row.customer_name,
                customer_status: row.customer_status,
                phase: row.phase,
                state: row.state,
                phase_entered_at: row.phase_entered_at,
                state_entered_at: row.state_entered_at,
                waiting_on_customer: row.waiting_on_customer,
                waiting_since: row.waiting_on_customer_since,
                holds: row.holds.0,
                held_since: row.held_since,
                csm_id: row.csm_id,
                reminder_email: row.reminder_email,
                reminder_slack: row.reminder_slack,
                frequency_days: row.reminder_frequency_days,
                last_reminded_on: row.last_reminded_on,
                snoozed_until: row.snoozed_until,
                stalled_step: row.stalled_step,
                waiting_step: row.waiting_step,
                created_at: row.created_at,
            },
        }
    }
}

/// The onboardings of the given ids.
pub async fn onboardings(conn: &mut Conn, ids: &[String]) -> Result<Vec<Journey>, DbError> {
    let rows =
        fetch_by_ids!(conn, OnboardingRow, concat!(select_onboardings!(), " WHERE o.id"), ids, "")?;
    Ok(rows.into_iter().map(Journey::from).collect())
}

/// The onboardings that the given notifications are about, by notification, each with what the last digest had shown of it.
pub async fn lines(
    conn: &mut Conn,
    notifications: &[String],
) -> Result<HashMap<String, Vec<(Journey, Option<Seen>)>>, DbError> {
    // Two statements, not a join: right after a pass PostgreSQL knows nothing of the new items yet and would read all onboardings.
    let items: Vec<(String, String, Option<String>)> = fetch_by_ids!(
        conn,
        (String, String, Option<String>),
        "SELECT notification_id, onboarding_id, before FROM notification_items WHERE notification_id",
        notifications,
        ""
    )?;
    let ids: Vec<String> = items.iter().map(|item| item.1.clone()).collect();
    let found: HashMap<String, Journey> = onboardings(conn, &ids)
        .await?
        .into_iter()
        .map(|journey| (journey.onboarding.id.clone(), journey))
        .collect();
    let mut lines: HashMap<String, Vec<(Journey, Option<Seen>)>> = HashMap::new();
    for (notification, onboarding, before) in items {
        if let Some(journey) = found.get(&onboarding) {
            let line = (journey.clone(), before.as_deref().and_then(Seen::read));
            lines.entry(notification).or_default().push(line);
        }
    }
    Ok(lines)
}

/// The onboardings whose computed due date has come by `date`, of the given recipients, as they existed at `at`.
pub async fn due_onboardings(
    conn: &mut Conn,
    recipients: &[String],
    date: NaiveDate,
    at: DateTime<Utc>,
) -> Result<Vec<Journey>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        OnboardingRow,
        concat!(select_onboardings!(), " WHERE r.recipient_id"),
        recipients,
        " AND r.next_due_on <= $2 AND o.created_at <= $3",
        date,
        at
    )?;
    Ok(rows.into_iter().map(Journey::from).collect())
}

// --- contacts --------------------------------------------------------------------------------------------------------------------

#[derive(sqlx::FromRow)]
struct ContactRow {
    id: String,
    customer_id: String,
    name: String,
    email: String,
    email_flagged_at: Option<DateTime<Utc>>,
    opted_out_at: Option<DateTime<Utc>>,
    #[sqlx(try_from = "String")]
    mode: Mode,
    #[sqlx(try_from = "String")]
    email_mode: Mode,
    #[sqlx(try_from = "String")]
    primary_mode: Mode,
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        let modes = [row.mode, row.email_mode, row.primary_mode];
        Self {
            email_flagged: row.email_flagged_at.is_some(),
            opted_out: row.opted_out_at.is_some(),
            mode: if modes.contains(&Mode::Test) { Mode::Test } else { Mode::Live },
            id: row.id,
            name: row.name,
            email: row.email,
        }
    }
}

/// The primary contacts of the given customers, by customer.
pub async fn primary_contacts(
    conn: &mut Conn,
    customers: &[String],
) -> Result<HashMap<String, Contact>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        ContactRow,
        "SELECT id, customer_id, name, email, email_flagged_at, opted_out_at, mode, email_mode, primary_mode FROM contacts WHERE customer_id",
        customers,
        " AND is_primary AND deleted_at IS NULL"
    )?;
    Ok(rows.into_iter().map(|row| (row.customer_id.clone(), row.into())).collect())
}
