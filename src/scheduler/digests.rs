//! People whose slot has come, and the digests they get.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::{Summary, write};
use crate::db::{Conn, Db, DbError, Dialect};
use crate::domain::calendar::{add_days, local_date};
use crate::domain::digest::{Seen, seen};
use crate::domain::facts::Channels;
use crate::domain::ids::IdKind;
use crate::domain::plan::{self, Filed};
use crate::domain::routing::Desk;
use crate::domain::slots::Slots;
use crate::store::facts::{self, Journey, Member, PersonRow};
use crate::store::hints;
use crate::store::ledger::{self, NewNotification};

/// Days for which somebody may be back while a slot of their absence still waits to be scanned.
const ABSENT: i64 = 14;

/// Days by which the dates of two zones may differ. The hint of an onboarding was computed where its CSM is, and whoever stands in may be
/// elsewhere.
const ZONES_APART: i64 = 2;

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
    let mut recipients: Vec<String> = members.iter().map(|m| m.person.id.clone()).collect();
    let workspaces: HashSet<&String> = members.iter().map(|m| &m.workspace_id).collect();
    let workspaces: Vec<String> = workspaces.into_iter().cloned().collect();
    let workspaces = facts::workspaces(&mut conn, &workspaces).await?;
    let dates = || members.iter().map(|m| local_date(m.person.zone, at));
    let (today, mut last_date) =
        (dates().min().unwrap_or_default(), dates().max().unwrap_or_default());
    let absent = facts::stood_in_for(&mut conn, &recipients, add_days(last_date, -ABSENT)).await?;
    if !absent.is_empty() {
        recipients.extend(absent.iter().map(|m| m.person.id.clone()));
        last_date = add_days(last_date, ZONES_APART);
    }
    let mut due: HashMap<String, Vec<Journey>> = HashMap::new();
    let mut journeys = facts::due_onboardings(&mut conn, &recipients, last_date, at).await?;
    ledger::forget_later(&mut conn, &mut journeys, |id| workspaces.get(id), today, at).await?;
    for journey in journeys {
        if let Some(recipient) = journey.recipient_id.clone() {
            due.entry(recipient).or_default().push(journey);
        }
    }

    let by_id: HashMap<&str, &Journey> =
        due.values().flatten().map(|journey| (journey.onboarding.id.as_str(), journey)).collect();
    let mut rows = Vec::new();
    let mut slots = Vec::new();
    for member in &members {
        let person = &member.person;
        let Some((workspace, pending)) =
            workspaces.get(&member.workspace_id).zip(member.next_slot_at)
        else {
            continue;
        };
        let own = std::iter::once(Desk { person, backup: None });
        let others = absent
            .iter()
            .filter(|other| other.person.backup_user_id.as_ref() == Some(&person.id))
            .map(|other| Desk { person: &other.person, backup: Some(person) });
        let filed: Vec<Filed<'_>> = own
            .chain(others)
            .flat_map(|desk| due.get(&desk.person.id).into_iter().flatten().map(move |j| (j, desk)))
            .map(|(journey, desk)| (&journey.onboarding, desk))
            .collect();
        for plan in plan::digests(workspace, person, pending, &filed, at, channels) {
            let seen =
                |id: &String| by_id.get(id.as_str()).and_then(|journey| journey.last_seen.clone());
            let before = plan.onboarding_ids.iter().map(seen).collect();
            let id = IdKind::Notification.fresh(at);
            rows.push(NewNotification { id, workspace_id: workspace.id.clone(), plan, before });
        }
        slots
            .push((person.id.clone(), Slots::of(workspace, person).next(at).map(|(_, next)| next)));
    }
    let (mut summary, new) = write(&mut conn, &rows, at).await?;
    let mut reminded: Vec<(&str, NaiveDate, Seen)> = new
        .iter()
        .filter(|row| row.plan.state.counts_as_reminded())
        .flat_map(|row| row.plan.onboarding_ids.iter().map(|id| (id.as_str(), row.plan.slot_date)))
        .filter_map(|(id, date)| {
            let journey = by_id.get(id)?;
            let workspace = workspaces.get(&journey.workspace_id)?;
            Some((id, date, seen(workspace, &journey.onboarding, date)))
        })
        .collect();
    // In the order in which others lock these rows.
    reminded.sort_unstable_by_key(|(id, ..)| *id);
    ledger::remind(&mut conn, &reminded).await?;
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
