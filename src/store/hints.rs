//! The computed columns that make the scan cheap: who hears of an onboarding, when its next line is due, when its next nudge may go
//! out, when a person's next slot is.
//!
//! They are hints, computed whenever something they depend on is written, and may be early but never late: the rules decide anew
//! over whatever the scan finds with them.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::facts::{self, Journey, Member};
use crate::db::{Conn, Db, DbError, Dialect, sqlite_time};
use crate::domain::calendar::local_date;
use crate::domain::decide::{due_on, next_nudge_at};
use crate::domain::facts::Workspace;
use crate::domain::ids::IdKind;
use crate::domain::slots::Slots;
use crate::domain::values::{Mode, State};
use crate::{fetch_by_ids, on};

/// What was written.
#[derive(Clone, Copy, Debug)]
pub enum Touched<'a> {
    /// These onboardings, which the caller has locked.
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

/// Onboardings of a workspace that are recomputed at once when a setting changes. Those of a larger one would keep whoever changes it
/// waiting: the next pass computes them before it looks at anything ([`catch_up`]).
const LARGE: i64 = 2000;

/// Recomputes what depends on the write, inside the caller's transaction.
pub async fn refresh(
    conn: &mut Conn,
    touched: Touched<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut ids: Vec<String> = match touched {
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
                "SELECT onboarding_id FROM reminder_state WHERE recipient_id = $1
                 UNION SELECT id FROM onboardings WHERE csm_id = $1
                 UNION SELECT o.id FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id JOIN workspaces w ON w.id = o.workspace_id
                 WHERE w.owner_user_id = $1 AND r.recipient_id = ''
                 UNION SELECT r.onboarding_id FROM users u JOIN reminder_state r ON r.recipient_id = u.id
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
            let ids = scalars(on!(conn, |c| {
                sqlx::query_as(
                "SELECT id FROM onboardings WHERE workspace_id = $1 AND deleted_at IS NULL LIMIT $2"
            )
            .bind(id)
            .bind(LARGE + 1)
            .fetch_all(c)
            .await?
            }));
            if i64::try_from(ids.len()).is_ok_and(|count| count > LARGE) {
                return mark(conn, id, now).await;
            }
            ids
        }
    };
    ids.sort_unstable();
    for chunk in ids.chunks(CHUNK) {
        if !matches!(touched, Touched::Onboardings(_)) {
            hold(conn, chunk).await?;
        }
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

async fn mark(conn: &mut Conn, workspace_id: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    // A mark of its own for every change: whoever catches up with one must not take another one off.
    const SQL: &str = "UPDATE workspaces SET hints_mark = $2 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL)
        .bind(workspace_id)
        .bind(IdKind::Pass.fresh(now))
        .execute(c)
        .await
        .map(|_| ()))
}

/// Computes the hints of large workspaces whose settings have changed, as of that change. A pass does this first, so that nothing is late.
pub async fn catch_up(db: &Db) -> Result<(), DbError> {
    const MARKED: &str = "SELECT id, hints_mark FROM workspaces WHERE hints_mark IS NOT NULL";
    const DONE: &str = "UPDATE workspaces SET hints_mark = NULL WHERE id = $1 AND hints_mark = $2";
    let mut read = db.read().await?;
    let marked: Vec<(String, String)> = on!(read, |c| sqlx::query_as(MARKED).fetch_all(c).await?);
    drop(read);
    for (id, mark) in marked {
        let changed_at = IdKind::Pass.made_at(&mark).unwrap_or_default();
        let mut after = String::new();
        while let Some(last) = refresh_some(db, Some(&id), &after, changed_at).await? {
            after = last;
        }
        let mut conn = db.begin().await?;
        on!(conn, |c| sqlx::query(DONE).bind(&id).bind(&mark).execute(c).await?.rows_affected());
        conn.commit().await?;
    }
    Ok(())
}

/// Recomputes up to a chunk of onboardings whose ids follow `after`, of one workspace or of all, in a transaction of its own; answers with
/// the last of them.
async fn refresh_some(
    db: &Db,
    workspace_id: Option<&str>,
    after: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    const SQL: &str = "SELECT id FROM onboardings WHERE id > $1 AND ($2 IS NULL OR workspace_id = $2) AND deleted_at IS NULL
         ORDER BY id LIMIT $3";
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let mut conn = db.begin().await?;
    let ids = scalars(on!(conn, |c| sqlx::query_as(SQL)
        .bind(after)
        .bind(workspace_id)
        .bind(limit)
        .fetch_all(c)
        .await?));
    hold(&mut conn, &ids).await?;
    refresh_onboardings(&mut conn, &ids, now).await?;
    conn.commit().await?;
    Ok(ids.last().cloned())
}

/// Computes all hints as of `at`, an instant before that of a former pass: whose newest slot has no digest yet is looked at, and so is what
/// may be reminded of. A chunk at a time, each in a transaction of its own: hints may be early.
pub async fn rewind(db: &Db, at: DateTime<Utc>) -> Result<(), DbError> {
    const USERS: &str =
        "SELECT id FROM users WHERE id > $1 AND created_at <= $2 ORDER BY id LIMIT $3";
    let mut after = String::new();
    loop {
        let mut conn = db.begin().await?;
        let ids = scalars(on!(conn, |c| sqlx::query_as(USERS)
            .bind(&after)
            .bind(at)
            .bind(i64::try_from(CHUNK).unwrap_or(i64::MAX))
            .fetch_all(c)
            .await?));
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        rewind_slots(&mut conn, &ids, at).await?;
        conn.commit().await?;
    }
    let mut after = String::new();
    while let Some(last) = refresh_some(db, None, &after, at).await? {
        after = last;
    }
    Ok(())
}

async fn rewind_slots(conn: &mut Conn, users: &[String], at: DateTime<Utc>) -> Result<(), DbError> {
    let members = facts::people(conn, users).await?;
    let workspaces =
        facts::workspaces(conn, &distinct(members.values().map(|m| &m.workspace_id))).await?;
    let digests: HashSet<(String, NaiveDate)> = fetch_by_ids!(
        conn,
        (String, NaiveDate),
        "SELECT DISTINCT recipient_id, slot_date FROM notifications WHERE kind = 'digest' AND subject_id IS NULL AND recipient_id",
        users,
        ""
    )?
    .into_iter()
    .collect();
    let slots: Vec<(String, Option<DateTime<Utc>>)> = members
        .into_iter()
        .filter_map(|(id, mut member)| {
            let workspace = workspaces.get(&member.workspace_id)?;
            let newest = Slots::of(workspace, &member.person).newest(at);
            let open = newest.filter(|(date, slot)| {
                *slot > member.created_at && !digests.contains(&(id.clone(), *date))
            });
            if let Some((_, slot)) = open {
                let pending = member.next_slot_at.filter(|pending| *pending < slot);
                member.next_slot_at = pending.or(Some(slot));
            }
            let next = next_slot_at(workspace, &member, at);
            Some((id, next))
        })
        .collect();
    write_slots(conn, &slots).await
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
    let due = desk.filter(|_| open).map(|desk| {
        let today = local_date(desk.person.zone, now);
        // A reminder of a day to come (`scan --now`) has not happened yet; which one was the last is asked when its slot comes.
        let happened = o.last_reminded_on.is_none_or(|last| last <= today);
        let due = if happened { due_on(o, desk.person.zone) } else { today };
        due.max(o.snoozed_until.unwrap_or(NaiveDate::MIN))
    });
    Hints {
        id: o.id.clone(),
        recipient_id: desk.map(|desk| desk.person.id.clone()),
        next_due_on: due,
        next_nudge_at: next_nudge_at(workspace, desk, o, now),
    }
}

/// Keeps others from changing these onboardings until the transaction ends: hints computed from what stood before their change, and written
/// after it, might be late. First the onboarding, then its `reminder_state`, and both in the order of ids: so two who need the same rows wait
/// for each other instead of one of them failing.
pub(super) async fn hold(conn: &mut Conn, ids: &[String]) -> Result<(), DbError> {
    const SQL: &str = "SELECT 1 FROM onboardings WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
    match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query(SQL).bind(ids).execute(c).await.map(|_| ()),
        // The transaction is the only one that writes.
        Dialect::Sqlite(_) => Ok(()),
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
    let mut hints: Vec<Hints> = journeys
        .iter()
        .filter_map(|j| Some(compute(workspaces.get(&j.workspace_id)?, j, &members, now)))
        .collect();
    hints.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    write(conn, &hints).await
}

/// Writes the hints of many onboardings in two statements.
pub async fn write(conn: &mut Conn, hints: &[Hints]) -> Result<(), DbError> {
    if hints.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            let ids: Vec<_> = hints.iter().map(|h| h.id.as_str()).collect();
            sqlx::query(
                "UPDATE reminder_state SET recipient_id = h.recipient, next_due_on = h.due
                 FROM UNNEST($1::text[], $2::text[], $3::date[]) AS h (id, recipient, due) WHERE onboarding_id = h.id",
            )
            .bind(&ids)
            .bind(hints.iter().map(recipient).collect::<Vec<_>>())
            .bind(hints.iter().map(|h| h.next_due_on).collect::<Vec<_>>())
            .execute(&mut *c)
            .await?;
            sqlx::query(
                "UPDATE onboardings SET next_nudge_at = h.nudge FROM UNNEST($1::text[], $2::timestamptz[]) AS h (id, nudge)
                 WHERE onboardings.id = h.id AND next_nudge_at IS DISTINCT FROM h.nudge",
            )
            .bind(&ids)
            .bind(hints.iter().map(|h| h.next_nudge_at).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = hints
                .iter()
                .map(|h| (&h.id, recipient(h), h.next_due_on, h.next_nudge_at.map(sqlite_time)))
                .collect();
            let rows = serde_json::json!(rows).to_string();
            sqlx::query(
                "UPDATE reminder_state SET recipient_id = h.value ->> 1, next_due_on = h.value ->> 2
                 FROM json_each($1) AS h WHERE onboarding_id = h.value ->> 0",
            )
            .bind(&rows)
            .execute(&mut *c)
            .await?;
            sqlx::query(
                "UPDATE onboardings SET next_nudge_at = h.value ->> 3 FROM json_each($1) AS h
                 WHERE onboardings.id = h.value ->> 0 AND next_nudge_at IS NOT h.value ->> 3",
            )
            .bind(&rows)
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// The recipient as stored: nobody is empty, because the rows of SQLite lie by recipient, and what they lie by is never null.
fn recipient(hints: &Hints) -> &str {
    hints.recipient_id.as_deref().unwrap_or_default()
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
    /// `test` where a test key made it so.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
}

/// Open onboardings that nobody hears of, as they have no active CSM and their workspace no active owner: of one workspace or of all.
pub async fn unroutable(
    conn: &mut Conn,
    workspace_id: Option<&str>,
) -> Result<Vec<Unroutable>, DbError> {
    const SQL: &str = "SELECT o.id, w.slug AS workspace, o.display_id, c.name AS customer, u.name AS csm,
           CASE WHEN o.mode = 'live' AND o.csm_mode = 'live' AND c.mode = 'live' THEN 'live' ELSE 'test' END AS mode
         FROM onboardings o JOIN reminder_state r ON r.onboarding_id = o.id
           JOIN workspaces w ON w.id = o.workspace_id JOIN customers c ON c.id = o.customer_id LEFT JOIN users u ON u.id = o.csm_id
         WHERE r.recipient_id = '' AND o.deleted_at IS NULL AND c.deleted_at IS NULL AND o.phase <> 'completed' AND o.state <> 'paused'
           AND c.status NOT IN ('churned', 'archived') AND ($1 IS NULL OR o.workspace_id = $1) ORDER BY w.slug, o.display_id";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}
