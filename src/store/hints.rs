//! The computed columns that make the scan cheap: who hears of an onboarding, when its next line is due, when its next nudge may go
//! out, when a person's next slot is.
//!
//! They are hints, computed whenever something they depend on is written, and may be early but never late: the rules decide anew
//! over whatever the scan finds with them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::facts::{self, Journey, Member};
use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::decide::{due_on, next_nudge_at};
use crate::domain::facts::Workspace;
use crate::domain::slots::Slots;
use crate::domain::values::State;
use crate::on;

/// What was written.
#[derive(Clone, Copy, Debug)]
pub enum Touched<'a> {
    /// These onboardings.
    Onboardings(&'a [String]),
    /// A customer's status, or its deletion.
    Customer(&'a str),
    /// A user or their preferences; also a new user.
    User(&'a str),
    /// A workspace's settings, holidays, phases or owner.
    Workspace(&'a str),
}

/// How many onboardings are recomputed at a time.
const CHUNK: usize = 1000;

/// Recomputes what depends on the write, inside the caller's transaction.
pub async fn refresh(
    conn: &mut Conn,
    touched: Touched<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<String> = match touched {
        Touched::Onboardings(ids) => ids.to_vec(),
        Touched::Customer(id) => scalars(on!(conn, |c| sqlx::query_as(
            "SELECT id FROM onboardings WHERE customer_id = $1"
        )
        .bind(id)
        .fetch_all(c)
        .await?)),
        Touched::User(id) => {
            refresh_slots(conn, &[id.to_owned()], now).await?;
            // A user who is the owner hears of everything without an active CSM, and whoever stands in hears for the absent, so a
            // change of theirs may move all of these.
            scalars(on!(conn, |c| {
                sqlx::query_as(
                "SELECT id FROM onboardings WHERE recipient_id = $1
                 UNION SELECT id FROM onboardings WHERE csm_id = $1 AND (recipient_id IS NULL OR csm_id <> recipient_id)
                 UNION SELECT o.id FROM onboardings o JOIN workspaces w ON w.id = o.workspace_id
                 WHERE w.owner_user_id = $1 AND o.recipient_id IS NULL
                 UNION SELECT o.id FROM onboardings o JOIN users u ON u.id = o.recipient_id
                 WHERE u.backup_user_id = $1 AND u.out_of_office_until IS NOT NULL"
            )
            .bind(id)
            .fetch_all(c)
            .await?
            }))
        }
        Touched::Workspace(id) => {
            let users = scalars(on!(conn, |c| sqlx::query_as(
                "SELECT id FROM users WHERE workspace_id = $1"
            )
            .bind(id)
            .fetch_all(c)
            .await?));
            refresh_slots(conn, &users, now).await?;
            scalars(on!(conn, |c| sqlx::query_as(
                "SELECT id FROM onboardings WHERE workspace_id = $1 AND deleted_at IS NULL"
            )
            .bind(id)
            .fetch_all(c)
            .await?))
        }
    };
    for chunk in ids.chunks(CHUNK) {
        refresh_onboardings(conn, chunk, now).await?;
    }
    Ok(())
}

fn scalars(rows: Vec<(String,)>) -> Vec<String> {
    rows.into_iter().map(|(id,)| id).collect()
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

async fn refresh_slots(
    conn: &mut Conn,
    users: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let members = facts::people(conn, users).await?;
    let workspaces =
        facts::workspaces(conn, &distinct(members.values().map(|m| &m.workspace_id))).await?;
    let slots: Vec<(String, Option<DateTime<Utc>>)> = members
        .values()
        .filter_map(|member| {
            let workspace = workspaces.get(&member.workspace_id)?;
            Some((member.person.id.clone(), next_slot_at(workspace, member, now)))
        })
        .collect();
    write_slots(conn, &slots).await
}

/// When a person's next slot is; `None` for somebody who gets no digest.
#[must_use]
pub fn next_slot_at(
    workspace: &Workspace,
    member: &Member,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let person = &member.person;
    let wants = person.active && person.digest_enabled;
    // A slot that has come but was not scanned yet must not be lost by a change of preferences that leaves it where it was.
    let pending = member.next_slot_at.filter(|at| *at <= now);
    let slots = Slots::of(workspace, person);
    wants
        .then(|| match pending {
            Some(at) if slots.newest(now).is_some_and(|(_, newest)| newest >= at) => Some(at),
            _ => slots.next(now).map(|(_, at)| at),
        })
        .flatten()
}

/// Writes the next slots of many users in one statement.
pub async fn write_slots(
    conn: &mut Conn,
    slots: &[(String, Option<DateTime<Utc>>)],
) -> Result<(), DbError> {
    if slots.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            let (ids, at): (Vec<_>, Vec<_>) = slots.iter().cloned().unzip();
            sqlx::query(
                "UPDATE users SET next_slot_at = s.at FROM UNNEST($1::text[], $2::timestamptz[]) AS s (id, at) WHERE users.id = s.id",
            )
            .bind(ids)
            .bind(at)
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = slots.iter().map(|(id, at)| (id, at.map(sqlite_time))).collect();
            sqlx::query(
                "UPDATE users SET next_slot_at = s.value ->> 1 FROM json_each($1) AS s WHERE users.id = s.value ->> 0",
            )
            .bind(serde_json::json!(rows).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// The computed columns of one onboarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// Its id.
    pub id: String,
    /// Who hears of it.
    pub recipient_id: Option<String>,
    /// First slot date of its next digest line.
    pub next_due_on: Option<NaiveDate>,
    /// When its next nudge may go out.
    pub next_nudge_at: Option<DateTime<Utc>>,
}

/// Computes the hints of one onboarding from fresh facts.
#[must_use]
pub fn compute(
    workspace: &Workspace,
    journey: &Journey,
    members: &HashMap<String, Member>,
    now: DateTime<Utc>,
) -> Hints {
    let o = &journey.onboarding;
    let desk = [&o.csm_id, &workspace.owner_user_id]
        .into_iter()
        .flatten()
        .filter(|id| members.get(*id).is_some_and(|member| member.workspace_id == workspace.id))
        .find_map(|id| facts::desk(members, id));
    let open = !o.deleted
        && !o.customer_deleted
        && o.customer_status.in_business()
        && !o.phase.is_terminal()
        && o.state != State::Paused;
    let due = desk
        .filter(|_| open)
        .map(|desk| due_on(o, desk.person.zone).max(o.snoozed_until.unwrap_or(NaiveDate::MIN)));
    Hints {
        id: o.id.clone(),
        recipient_id: desk.map(|desk| desk.person.id.clone()),
        next_due_on: due,
        next_nudge_at: next_nudge_at(workspace, desk, o, now),
    }
}

async fn refresh_onboardings(
    conn: &mut Conn,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let journeys = facts::onboardings(conn, ids).await?;
    let workspaces =
        facts::workspaces(conn, &distinct(journeys.iter().map(|j| &j.workspace_id))).await?;
    let people = distinct(
        journeys
            .iter()
            .filter_map(|j| j.onboarding.csm_id.as_ref())
            .chain(workspaces.values().filter_map(|w| w.owner_user_id.as_ref())),
    );
    let members = facts::people_and_backups(conn, &people).await?;
    let hints: Vec<Hints> = journeys
        .iter()
        .filter_map(|j| Some(compute(workspaces.get(&j.workspace_id)?, j, &members, now)))
        .collect();
    write(conn, &hints).await
}

/// Writes the hints of many onboardings in one statement.
pub async fn write(conn: &mut Conn, hints: &[Hints]) -> Result<(), DbError> {
    if hints.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            let ids: Vec<_> = hints.iter().map(|h| h.id.as_str()).collect();
            let recipients: Vec<_> = hints.iter().map(|h| h.recipient_id.as_deref()).collect();
            let due: Vec<_> = hints.iter().map(|h| h.next_due_on).collect();
            let nudge: Vec<_> = hints.iter().map(|h| h.next_nudge_at).collect();
            sqlx::query(
                "UPDATE onboardings SET recipient_id = h.recipient, next_due_on = h.due, next_nudge_at = h.nudge
                 FROM UNNEST($1::text[], $2::text[], $3::date[], $4::timestamptz[]) AS h (id, recipient, due, nudge)
                 WHERE onboardings.id = h.id",
            )
            .bind(ids)
            .bind(recipients)
            .bind(due)
            .bind(nudge)
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = hints
                .iter()
                .map(|h| (&h.id, &h.recipient_id, h.next_due_on, h.next_nudge_at.map(sqlite_time)))
                .collect();
            sqlx::query(
                "UPDATE onboardings SET recipient_id = h.value ->> 1, next_due_on = h.value ->> 2, next_nudge_at = h.value ->> 3
                 FROM json_each($1) AS h WHERE onboardings.id = h.value ->> 0",
            )
            .bind(serde_json::json!(rows).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// An onboarding that nobody hears of.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unroutable {
    /// `onb_…`
    pub id: String,
    /// Handle of its workspace.
    pub workspace: String,
    /// The small number people use.
    pub display_id: i64,
    /// The customer's name.
    pub customer: String,
    /// The CSM who was deactivated; none was ever assigned otherwise.
    pub csm: Option<String>,
}

/// Open onboardings that nobody hears of, as they have no active CSM and their workspace no active owner: of one workspace or of all.
pub async fn unroutable(
    conn: &mut Conn,
    workspace_id: Option<&str>,
) -> Result<Vec<Unroutable>, DbError> {
    const SQL: &str = "SELECT o.id, w.slug AS workspace, o.display_id, c.name AS customer, u.name AS csm FROM onboardings o
           JOIN workspaces w ON w.id = o.workspace_id JOIN customers c ON c.id = o.customer_id LEFT JOIN users u ON u.id = o.csm_id
         WHERE o.recipient_id IS NULL AND o.deleted_at IS NULL AND c.deleted_at IS NULL AND o.phase <> 'completed' AND o.state <> 'paused'
           AND c.status NOT IN ('churned', 'archived') AND ($1 IS NULL OR o.workspace_id = $1) ORDER BY w.slug, o.display_id";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}
