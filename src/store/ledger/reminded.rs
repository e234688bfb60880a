//! Which digest counts as the last reminder of an onboarding: one that is open, sent or suppressed. Digests that end otherwise give the
//! reminder back.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError, Dialect};
use crate::domain::digest::{Seen, seen};
use crate::domain::facts::Workspace;
use crate::store::facts::{self, Journey};
use crate::store::hints::{self, Touched};
use crate::{fetch_by_ids, on};

/// Notes that onboardings were reminded of by a digest of this date, which shows this of them. The next date is computed from what stands
/// in the row itself, as it is now and not as it was read: an edit that came in between must not be overwritten with a date that is too
/// late. That is why the row has its own copy of what the date depends on.
pub async fn remind(conn: &mut Conn, reminded: &[(&str, NaiveDate, Seen)]) -> Result<(), DbError> {
    if reminded.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "UPDATE reminder_state SET last_seen = CASE WHEN last_reminded_on > r.date THEN last_seen ELSE r.seen END,
                   last_reminded_on = GREATEST(last_reminded_on, r.date),
                   next_due_on = GREATEST(r.date + frequency_days::int, rests_until)
                 FROM UNNEST($1::text[], $2::date[], $3::text[]) AS r (id, date, seen) WHERE onboarding_id = r.id",
            )
            .bind(reminded.iter().map(|r| r.0).collect::<Vec<_>>())
            .bind(reminded.iter().map(|r| r.1).collect::<Vec<_>>())
            .bind(reminded.iter().map(|r| r.2.to_string()).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = reminded.iter().map(|r| (r.0, r.1, r.2.to_string())).collect();
            sqlx::query(
                "UPDATE reminder_state SET last_seen = CASE WHEN last_reminded_on > r.value ->> 1 THEN last_seen ELSE r.value ->> 2 END,
                   last_reminded_on = max(COALESCE(last_reminded_on, ''), r.value ->> 1),
                   next_due_on = max(date(r.value ->> 1, '+' || frequency_days || ' days'), COALESCE(rests_until, ''))
                 FROM json_each($1) AS r WHERE onboarding_id = r.value ->> 0",
            )
            .bind(serde_json::json!(rows).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// As of `at`, digests that were written later (`scan --now`) do not exist: of onboardings that were reminded of after `today`, the last
/// reminder is the newest digest that counts and existed then.
pub async fn forget_later<'a>(
    conn: &mut Conn,
    journeys: &mut [Journey],
    workspace: impl Fn(&str) -> Option<&'a Workspace>,
    today: NaiveDate,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let later = |journey: &Journey| journey.onboarding.last_reminded_on > Some(today);
    let ids: Vec<String> =
        journeys.iter().filter(|j| later(j)).map(|j| j.onboarding.id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let last = last_reminders(conn, &ids, at).await?;
    for journey in journeys.iter_mut().filter(|j| later(j)) {
        let o = &mut journey.onboarding;
        o.last_reminded_on = last.get(&o.id).copied();
        // What it showed then is known only of the newest digest; as it is now, nothing will be called new.
        journey.last_seen = o
            .last_reminded_on
            .zip(workspace(&journey.workspace_id))
            .map(|(date, workspace)| seen(workspace, o, date));
    }
    Ok(())
}

async fn last_reminders(
    conn: &mut Conn,
    onboardings: &[String],
    at: DateTime<Utc>,
) -> Result<HashMap<String, NaiveDate>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        (String, NaiveDate),
        "SELECT i.onboarding_id, max(n.slot_date) FROM notification_items i JOIN notifications n ON n.id = i.notification_id
         WHERE n.kind = 'digest' AND n.created_at <= $2
           AND n.state IN ('scheduled', 'deferred', 'sending', 'ambiguous', 'sent', 'suppressed') AND i.onboarding_id",
        onboardings,
        " GROUP BY i.onboarding_id",
        at
    )?;
    Ok(rows.into_iter().collect())
}

/// A digest of `date` that had given its reminder back, or a repeat of one, counts again for those of its onboardings that no later one
/// has reminded of.
pub(super) async fn take_back(
    conn: &mut Conn,
    digest: &str,
    date: NaiveDate,
) -> Result<(), DbError> {
    let lines = facts::lines(conn, &[digest.to_owned()]).await?.remove(digest).unwrap_or_default();
    let workspaces: HashSet<&String> = lines.iter().map(|(j, _)| &j.workspace_id).collect();
    let workspaces: Vec<String> = workspaces.into_iter().cloned().collect();
    let workspaces = facts::workspaces(conn, &workspaces).await?;
    let reminded: Vec<(&str, NaiveDate, Seen)> = lines
        .iter()
        .filter(|(journey, _)| journey.onboarding.last_reminded_on.is_none_or(|last| last < date))
        .filter_map(|(journey, _)| {
            let workspace = workspaces.get(&journey.workspace_id)?;
            let o = &journey.onboarding;
            Some((o.id.as_str(), date, seen(workspace, o, date)))
        })
        .collect();
    remind(conn, &reminded).await
}

/// Gives the reminder back to the onboardings of digests that ended without counting: their last reminder becomes the newest one that
/// does count, and their next line is computed anew.
pub async fn give_back(
    conn: &mut Conn,
    digests: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let items = fetch_by_ids!(
        conn,
        (String, Option<String>),
        "SELECT onboarding_id, before FROM notification_items WHERE notification_id",
        digests,
        ""
    )?;
    give_back_items(conn, &items, now).await
}

/// Takes lines out of a digest that is about to be sent without them, and gives their reminder back.
pub async fn drop_items(
    conn: &mut Conn,
    notification_id: &str,
    onboardings: &[(String, Option<Seen>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for (id, _) in onboardings {
        on!(conn, |c| sqlx::query(
            "DELETE FROM notification_items WHERE notification_id = $1 AND onboarding_id = $2"
        )
        .bind(notification_id)
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    }
    let items: Vec<_> = onboardings
        .iter()
        .map(|(id, seen)| (id.clone(), seen.as_ref().map(Seen::to_string)))
        .collect();
    give_back_items(conn, &items, now).await
}

async fn give_back_items(
    conn: &mut Conn,
    items: &[(String, Option<String>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    // Another digest of the same date may still count, where an operator had one sent anew; then nothing changes.
    const SQL: &str = "UPDATE reminder_state SET last_seen = CASE WHEN last_reminded_on = counts.newest THEN last_seen ELSE $2 END,
           last_reminded_on = counts.newest
         FROM (SELECT max(n.slot_date) AS newest FROM notification_items i JOIN notifications n ON n.id = i.notification_id
           WHERE i.onboarding_id = $1 AND n.kind = 'digest'
             AND n.state IN ('scheduled', 'deferred', 'sending', 'ambiguous', 'sent', 'suppressed')) AS counts
         WHERE onboarding_id = $1";
    let ids: Vec<String> = items.iter().map(|(id, _)| id.clone()).collect();
    hints::hold(conn, &ids).await?;
    for (id, before) in items {
        on!(conn, |c| sqlx::query(SQL)
            .bind(id)
            .bind(before.as_ref())
            .execute(c)
            .await?
            .rows_affected());
    }
    hints::refresh(conn, Touched::Onboardings(&ids), now).await
}
