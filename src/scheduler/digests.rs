//! People whose slot has come, and the digests they get.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use super::{Summary, digest_key, write};
use crate::db::{Conn, Db, DbError, Dialect};
use crate::domain::decide::{Slots, digest_line, quiet_until};
use crate::domain::digest::{Seen, seen};
use crate::domain::facts::{Channels, Person, Workspace};
use crate::domain::ids::IdKind;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::store::facts::{self, Journey, Member, PersonRow};
use crate::store::hints;
use crate::store::ledger::{NewNotification, RecipientType};

/// Claims up to `limit` people whose slot has come by `at`, and writes their digests.
pub(super) async fn batch(
    db: &Db,
    at: DateTime<Utc>,
    channels: Channels,
    limit: i64,
) -> Result<Summary, DbError> {
    let mut conn = db.begin().await?;
    let members = claim(&mut conn, at, limit).await?;
    if members.is_empty() {
        return Ok(Summary::default());
    }
    let recipients: Vec<String> = members.iter().map(|m| m.person.id.clone()).collect();
    let workspaces: HashSet<&String> = members.iter().map(|m| &m.workspace_id).collect();
    let workspaces: Vec<String> = workspaces.into_iter().cloned().collect();
    let workspaces = facts::workspaces(&mut conn, &workspaces).await?;
    let last_date = members
        .iter()
        .map(|m| crate::domain::calendar::local_date(m.person.zone, at))
        .max()
        .unwrap_or_default();
    let mut due: HashMap<String, Vec<Journey>> = HashMap::new();
    for journey in facts::due_onboardings(&mut conn, &recipients, last_date, at).await? {
        if let Some(recipient) = journey.recipient_id.clone() {
            due.entry(recipient).or_default().push(journey);
        }
    }

    let mut rows = Vec::new();
    let mut slots = Vec::new();
    for member in &members {
        let Some(workspace) = workspaces.get(&member.workspace_id) else { continue };
        let journeys = due.get(&member.person.id).map_or(&[][..], Vec::as_slice);
        decide(workspace, member, journeys, at, channels, &mut rows);
        let next = Slots::of(workspace, &member.person).next(at).map(|(_, next)| next);
        slots.push((member.person.id.clone(), next));
    }
    let (mut summary, new) = write(&mut conn, &rows, at).await?;
    let by_id: HashMap<&str, (&Journey, &Workspace)> = due
        .values()
        .flatten()
        .filter_map(|j| Some((j.onboarding.id.as_str(), (j, workspaces.get(&j.workspace_id)?))))
        .collect();
    let reminded: Vec<(&str, NaiveDate, Seen)> = new
        .iter()
        .filter(|row| row.state.counts_as_reminded())
        .flat_map(|row| row.items.iter().map(|(id, _)| (id.as_str(), row.slot_date)))
        .filter_map(|(id, date)| {
            let (journey, workspace) = by_id.get(id)?;
            Some((id, date, seen(workspace, &journey.onboarding, date)))
        })
        .collect();
    advance(&mut conn, &reminded).await?;
    hints::write_slots(&mut conn, &slots).await?;
    conn.commit().await?;
    summary.recipients = i64::try_from(members.len()).unwrap_or(i64::MAX);
    Ok(summary)
}

async fn claim(conn: &mut Conn, at: DateTime<Utc>, limit: i64) -> Result<Vec<Member>, DbError> {
    const POSTGRES: &str = "SELECT u.*, w.time_zone AS workspace_zone FROM users u JOIN workspaces w ON w.id = u.workspace_id
         WHERE u.next_slot_at <= $1 AND u.created_at <= $1 ORDER BY u.next_slot_at LIMIT $2 FOR UPDATE OF u SKIP LOCKED";
    const SQLITE: &str = "SELECT u.*, w.time_zone AS workspace_zone FROM users u JOIN workspaces w ON w.id = u.workspace_id
         WHERE u.next_slot_at <= $1 AND u.created_at <= $1 ORDER BY u.next_slot_at LIMIT $2";
    let rows: Vec<PersonRow> = match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_as(POSTGRES).bind(at).bind(limit).fetch_all(c).await?,
        Dialect::Sqlite(c) => sqlx::query_as(SQLITE).bind(at).bind(limit).fetch_all(c).await?,
    };
    Ok(rows.into_iter().map(Member::from).collect())
}

/// What one person gets: the digests of the newest slot if its deadline has not passed, and one row for the slots that were missed.
fn decide(
    workspace: &Workspace,
    member: &Member,
    journeys: &[Journey],
    at: DateTime<Utc>,
    channels: Channels,
    rows: &mut Vec<NewNotification>,
) {
    let person = &member.person;
    let slots = Slots::of(workspace, person);
    let Some((pending, (date, slot))) = member.next_slot_at.zip(slots.newest(at)) else { return };
    if slot < pending {
        return;
    }
    let mut missed = slots.count(pending, slot);
    let expired = at >= slots.deadline(date);
    let missed_date = if expired {
        missed += 1;
        Some(date)
    } else if missed > 0 {
        slots.newest(slot - chrono::TimeDelta::milliseconds(1)).map(|(date, _)| date)
    } else {
        None
    };
    if let Some(missed_date) = missed_date {
        let lines = lines(person, journeys, missed_date, channels);
        // One row per person, whatever the number of slots and channels; live lines speak for it if there are any.
        if let Some(((mode, channel), items)) = lines.into_iter().next() {
            rows.push(NewNotification {
                state: NotificationState::Skipped,
                reason: Some(Reason::MissedSlot),
                detail: Some(if missed == 1 {
                    "1 slot missed".to_owned()
                } else {
                    format!("{missed} slots missed")
                }),
                ..digest(workspace, person, &slots, missed_date, (mode, channel), items, at)
            });
        }
    }
    if expired {
        return;
    }
    for (way, items) in lines(person, journeys, date, channels) {
        let mut row = digest(workspace, person, &slots, date, way, items, at);
        if let Some(end) = quiet_until(person, at) {
            row.reason = Some(Reason::QuietHours);
            if end < row.deadline {
                row.state = NotificationState::Deferred;
                row.not_before = end;
            } else {
                row.state = NotificationState::Skipped;
            }
        }
        rows.push(row);
    }
}

/// The lines due on `date`, apart by mode and channel; live before test.
fn lines<'a>(
    person: &Person,
    journeys: &'a [Journey],
    date: NaiveDate,
    channels: Channels,
) -> BTreeMap<(Mode, Channel), Vec<&'a Journey>> {
    let mut lines: BTreeMap<_, Vec<&Journey>> = BTreeMap::new();
    for journey in journeys {
        if let Ok(channel) = digest_line(person, &journey.onboarding, date, channels, &mut ()) {
            let mode = journey.onboarding.provenance.mode(Kind::Digest);
            lines.entry((mode, channel)).or_default().push(journey);
        }
    }
    lines
}

fn digest(
    workspace: &Workspace,
    person: &Person,
    slots: &Slots<'_>,
    date: NaiveDate,
    (mode, channel): (Mode, Channel),
    items: Vec<&Journey>,
    at: DateTime<Utc>,
) -> NewNotification {
    NewNotification {
        id: IdKind::Notification.fresh(at),
        workspace_id: workspace.id.clone(),
        kind: Kind::Digest,
        channel,
        mode,
        recipient_type: RecipientType::User,
        recipient_id: person.id.clone(),
        subject_id: None,
        slot_date: date,
        step: None,
        escalation: false,
        dedupe_key: digest_key(&person.id, channel.as_str(), mode.as_str(), date),
        state: NotificationState::Scheduled,
        reason: None,
        detail: None,
        not_before: at,
        deadline: slots.deadline(date),
        items: items.into_iter().map(|j| (j.onboarding.id.clone(), j.last_seen.clone())).collect(),
    }
}

/// Moves the reminded onboardings on. The next date is computed from the row as it is now, not as it was read: an edit that came
/// in between must not be overwritten with a date that is too late.
async fn advance(conn: &mut Conn, reminded: &[(&str, NaiveDate, Seen)]) -> Result<(), DbError> {
    if reminded.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "UPDATE onboardings SET last_reminded_on = r.date, last_seen = r.seen,
                   next_due_on = GREATEST(r.date + onboardings.reminder_frequency_days::int, onboardings.snoozed_until)
                 FROM UNNEST($1::text[], $2::date[], $3::jsonb[]) AS r (id, date, seen) WHERE onboardings.id = r.id",
            )
            .bind(reminded.iter().map(|r| r.0).collect::<Vec<_>>())
            .bind(reminded.iter().map(|r| r.1).collect::<Vec<_>>())
            .bind(reminded.iter().map(|r| Json(&r.2)).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query(
                "UPDATE onboardings SET last_reminded_on = r.value ->> 1, last_seen = r.value ->> 2,
                   next_due_on = max(date(r.value ->> 1, '+' || reminder_frequency_days || ' days'), COALESCE(snoozed_until, ''))
                 FROM json_each($1) AS r WHERE onboardings.id = r.value ->> 0",
            )
            .bind(serde_json::json!(reminded).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
