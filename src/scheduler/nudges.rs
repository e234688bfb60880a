//! Onboardings whose next step has come, and who is nudged about them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Summary, write};
use crate::db::{Conn, Db, DbError, Dialect, sqlite_time};
use crate::domain::calendar::local_date;
use crate::domain::decide::{
    Hold, Step, customer_reminder, eligible, next_nudge_at, next_working_hour, nudge,
    nudge_deadline, step_due,
};
use crate::domain::facts::{Channels, Contact, Onboarding, Person, Workspace};
use crate::domain::ids::IdKind;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::store::facts::{self, Journey, Member, OnboardingRow};
use crate::store::ledger::{NewNotification, RecipientType};

/// Claims up to `limit` onboardings whose next step may be sent at `at`, and writes the nudges.
pub(super) async fn batch(
    db: &Db,
    at: DateTime<Utc>,
    channels: Channels,
    limit: i64,
) -> Result<Summary, DbError> {
    let mut conn = db.begin().await?;
    let journeys = claim(&mut conn, at, limit).await?;
    if journeys.is_empty() {
        return Ok(Summary::default());
    }
    let workspaces =
        facts::workspaces(&mut conn, &distinct(journeys.iter().map(|j| &j.workspace_id))).await?;
    let people = distinct(
        journeys
            .iter()
            .filter_map(|j| j.recipient_id.as_ref())
            .chain(workspaces.values().filter_map(|w| w.escalation_user_id.as_ref())),
    );
    let people = facts::people(&mut conn, &people).await?;
    let reminding = distinct(
        journeys
            .iter()
            .filter(|j| workspaces.get(&j.workspace_id).is_some_and(|w| w.customer_reminders))
            .map(|j| &j.onboarding.customer_id),
    );
    let contacts = facts::primary_contacts(&mut conn, &reminding).await?;

    let mut rows = Vec::new();
    let mut moved = Vec::new();
    for journey in &journeys {
        let Some(workspace) = workspaces.get(&journey.workspace_id) else { continue };
        let pass = Pass { workspace, people: &people, contacts: &contacts, channels, at };
        moved.push(pass.decide(journey, &mut rows));
    }
    let (mut summary, _) = write(&mut conn, &rows, at).await?;
    advance(&mut conn, &moved).await?;
    conn.commit().await?;
    summary.nudges = i64::try_from(journeys.len()).unwrap_or(i64::MAX);
    Ok(summary)
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().cloned().collect()
}

async fn claim(conn: &mut Conn, at: DateTime<Utc>, limit: i64) -> Result<Vec<Journey>, DbError> {
    const HEAD: &str = concat!(
        facts::select_onboardings!(),
        " WHERE o.next_nudge_at <= $1 AND o.created_at <= $1 ORDER BY o.next_nudge_at LIMIT $2"
    );
    const POSTGRES: &str = const_str::concat!(HEAD, " FOR UPDATE OF o SKIP LOCKED");
    let rows: Vec<OnboardingRow> = match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_as(POSTGRES).bind(at).bind(limit).fetch_all(c).await?,
        Dialect::Sqlite(c) => sqlx::query_as(HEAD).bind(at).bind(limit).fetch_all(c).await?,
    };
    Ok(rows.into_iter().map(Journey::from).collect())
}

/// Where an onboarding stands on its ladders after the pass.
struct Moved {
    id: String,
    stalled_step: i64,
    waiting_step: i64,
    next_nudge_at: Option<DateTime<Utc>>,
}

struct Pass<'a> {
    workspace: &'a Workspace,
    people: &'a HashMap<String, Member>,
    contacts: &'a HashMap<String, Contact>,
    channels: Channels,
    at: DateTime<Utc>,
}

impl Pass<'_> {
    /// Decides who hears what about one onboarding, and when to look at it again.
    fn decide(&self, journey: &Journey, rows: &mut Vec<NewNotification>) -> Moved {
        let mut o = journey.onboarding.clone();
        let person =
            journey.recipient_id.as_ref().and_then(|id| self.people.get(id)).map(|m| &m.person);
        let Some(person) = person else { return moved(&o, None) };
        // Rows are written when they may go out; outside working hours the onboarding is only looked at later.
        let opens = next_working_hour(self.workspace, person, self.at);
        if opens != Some(self.at) {
            return moved(&o, opens);
        }
        let today = local_date(self.workspace.zone, self.at);
        let date = local_date(person.zone, self.at);
        if let Some(step) = step_due(self.workspace, &o, today)
            && eligible(&o, date, &mut ()).is_ok()
        {
            self.steps(&o, person, step, rows);
            if step.kind == Kind::WaitingOnCustomer {
                o.waiting_step = step.number;
            } else {
                o.stalled_step = step.number;
            }
        }
        let next = next_nudge_at(self.workspace, person, &o, self.at);
        // A step that could not be taken now must not be found again by this very pass.
        let later = self.at + chrono::TimeDelta::hours(1);
        moved(&o, next.map(|next| if next > self.at { next } else { later }))
    }

    fn steps(&self, o: &Onboarding, person: &Person, step: Step, rows: &mut Vec<NewNotification>) {
        let done =
            if step.kind == Kind::WaitingOnCustomer { o.waiting_step } else { o.stalled_step };
        for number in done + 1..step.number {
            let passed = Step { number, last: false, ..step };
            rows.push(NewNotification {
                state: NotificationState::Skipped,
                reason: Some(Reason::Superseded),
                detail: Some(format!("step {} was reached first", step.number)),
                ..self.nudge_row(o, person, passed, false)
            });
        }
        rows.push(self.nudge_row(o, person, step, false));
        if step.kind != Kind::WaitingOnCustomer {
            return;
        }
        if step.last
            && let Some(id) = &self.workspace.escalation_user_id
            && *id != person.id
            && let Some(member) = self.people.get(id).filter(|m| m.person.active)
        {
            rows.push(self.nudge_row(o, &member.person, step, true));
        }
        if let Some(contact) = self.contacts.get(&o.customer_id) {
            rows.extend(self.customer_row(o, contact, step));
        }
    }

    fn nudge_row(
        &self,
        o: &Onboarding,
        person: &Person,
        step: Step,
        escalation: bool,
    ) -> NewNotification {
        let date = local_date(person.zone, self.at);
        let mode = o.provenance.mode(step.kind);
        let episode = match step.kind {
            // Several toggles a day are one episode.
            Kind::WaitingOnCustomer => {
                local_date(self.workspace.zone, o.waiting_since.unwrap_or(self.at)).to_string()
            }
            _ => o.phase_entered_at.timestamp_millis().to_string(),
        };
        let not_before = next_working_hour(self.workspace, person, self.at).unwrap_or(self.at);
        let decided = nudge(person, o, step.kind, date, self.channels, &mut ());
        let (channel, state, reason) = match decided {
            Ok(channel) if not_before > self.at => {
                (channel, NotificationState::Deferred, Some(Reason::OutsideWorkingHours))
            }
            Ok(channel) => (channel, NotificationState::Scheduled, None),
            Err(Hold::Because(reason)) => {
                (Channel::Slack, NotificationState::Skipped, Some(reason))
            }
            Err(Hold::NotDue) => {
                (Channel::Slack, NotificationState::Skipped, Some(Reason::StateChanged))
            }
        };
        NewNotification {
            id: IdKind::Notification.fresh(self.at),
            workspace_id: self.workspace.id.clone(),
            kind: step.kind,
            channel,
            mode,
            recipient_type: RecipientType::User,
            recipient_id: person.id.clone(),
            subject_id: Some(o.id.clone()),
            slot_date: date,
            step: Some((step.number, step.days)),
            escalation,
            dedupe_key: format!(
                "{}:{}:{episode}:{}:{}:{mode}",
                step.kind, o.id, step.number, person.id
            ),
            state,
            reason,
            detail: None,
            not_before,
            deadline: nudge_deadline(self.workspace, person, not_before),
            items: vec![(o.id.clone(), None)],
        }
    }

    fn customer_row(
        &self,
        o: &Onboarding,
        contact: &Contact,
        step: Step,
    ) -> Option<NewNotification> {
        let date = local_date(self.workspace.zone, self.at);
        let mode = match (o.provenance.mode(Kind::CustomerReminder), contact.mode) {
            (Mode::Live, Mode::Live) => Mode::Live,
            _ => Mode::Test,
        };
        let (state, reason) =
            match customer_reminder(self.workspace, contact, o, date, self.channels, &mut ()) {
                Ok(_) => (NotificationState::Scheduled, None),
                Err(Hold::Because(reason)) => (NotificationState::Skipped, Some(reason)),
                Err(Hold::NotDue) => return None,
            };
        Some(NewNotification {
            id: IdKind::Notification.fresh(self.at),
            workspace_id: self.workspace.id.clone(),
            kind: Kind::CustomerReminder,
            channel: Channel::Email,
            mode,
            recipient_type: RecipientType::Contact,
            recipient_id: contact.id.clone(),
            subject_id: Some(o.id.clone()),
            slot_date: date,
            step: Some((step.number, step.days)),
            escalation: false,
            dedupe_key: format!("{}:{}:{date}:{mode}", Kind::CustomerReminder, contact.id),
            state,
            reason,
            detail: None,
            not_before: self.at,
            deadline: self.at + chrono::TimeDelta::hours(24),
            items: vec![(o.id.clone(), None)],
        })
    }
}

fn moved(o: &Onboarding, next_nudge_at: Option<DateTime<Utc>>) -> Moved {
    Moved {
        id: o.id.clone(),
        stalled_step: o.stalled_step,
        waiting_step: o.waiting_step,
        next_nudge_at,
    }
}

async fn advance(conn: &mut Conn, moved: &[Moved]) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "UPDATE onboardings SET stalled_step = m.stalled, waiting_step = m.waiting, next_nudge_at = m.next
                 FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS m (id, stalled, waiting, next) WHERE onboardings.id = m.id",
            )
            .bind(moved.iter().map(|m| m.id.as_str()).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.stalled_step).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.waiting_step).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.next_nudge_at).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = moved
                .iter()
                .map(|m| (&m.id, m.stalled_step, m.waiting_step, m.next_nudge_at.map(sqlite_time)))
                .collect();
            sqlx::query(
                "UPDATE onboardings SET stalled_step = m.value ->> 1, waiting_step = m.value ->> 2, next_nudge_at = m.value ->> 3
                 FROM json_each($1) AS m WHERE onboardings.id = m.value ->> 0",
            )
            .bind(serde_json::json!(rows).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
