//! Everything a worker needs to know of the notifications it has claimed, loaded for a whole batch at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::absences;
use super::facts::{self, Journey, Member};
use super::ledger::Claimed;
use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::calendar::instant;
use crate::domain::digest::{Seen, Totals};
use crate::domain::facts::{Contact, Person, Workspace};
use crate::domain::meanwhile::Meanwhile;
use crate::domain::routing::Desk;
use crate::domain::values::{Kind, Mode};

/// The facts of one notification.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Its workspace.
    pub workspace: Arc<Workspace>,
    /// Its recipient, when that is a user.
    pub person: Option<Person>,
    /// Its recipient, when that is a contact.
    pub contact: Option<Contact>,
    /// The CSM of its onboarding (nudges and customer reminders).
    pub csm: Option<Person>,
    /// Name of the workspace's escalation user.
    pub escalation: Option<String>,
    /// Its onboardings, with what the last digest showed of them.
    pub items: Vec<(Journey, Option<Seen>)>,
    /// What else the recipient has.
    pub totals: Totals,
    /// What a first digest after an absence tells of it.
    pub meanwhile: Option<Meanwhile>,
    /// Everybody who may have a part in it, and in the others of its batch.
    people: Arc<HashMap<String, Member>>,
}

impl Brief {
    /// The desk of an active user.
    #[must_use]
    pub fn desk(&self, id: &str) -> Option<Desk<'_>> {
        facts::desk(&self.people, id)
    }

    /// The desk at which an onboarding of this brief lies.
    #[must_use]
    pub fn desk_of(&self, journey: &Journey) -> Option<Desk<'_>> {
        self.desk(journey.recipient_id.as_deref()?)
    }
}

/// Loads the briefs of `claimed`, by notification. A notification whose workspace is gone has none.
pub async fn load(conn: &mut Conn, claimed: &[Claimed]) -> Result<HashMap<String, Brief>, DbError> {
    let ids: Vec<String> = claimed.iter().map(|n| n.id.clone()).collect();
    let mut lines = facts::lines(conn, &ids).await?;
    let workspaces = distinct(claimed.iter().map(|n| n.workspace_id.clone()));
    let workspaces: HashMap<String, Arc<Workspace>> = facts::workspaces(conn, &workspaces)
        .await?
        .into_iter()
        .map(|(id, workspace)| (id, Arc::new(workspace)))
        .collect();
    let subjects: HashMap<&str, Journey> = claimed
        .iter()
        .filter(|n| n.kind != Kind::Digest)
        .filter_map(|n| {
            let mut journeys = lines.get(&n.id)?.iter().map(|(journey, _)| journey);
            let subject = journeys.find(|j| Some(&j.onboarding.id) == n.subject_id.as_ref())?;
            Some((n.id.as_str(), subject.clone()))
        })
        .collect();
    let people = distinct(
        claimed
            .iter()
            .map(|n| n.recipient_id.clone())
            .chain(lines.values().flatten().filter_map(|(j, _)| j.recipient_id.clone()))
            .chain(subjects.values().filter_map(|j| j.onboarding.csm_id.clone()))
            .chain(workspaces.values().filter_map(|w| w.escalation_user_id.clone())),
    );
    let people = Arc::new(facts::people_and_backups(conn, &people).await?);
    let customers = distinct(
        claimed
            .iter()
            .filter(|n| n.kind == Kind::CustomerReminder)
            .filter_map(|n| subjects.get(n.id.as_str()))
            .map(|j| j.onboarding.customer_id.clone()),
    );
    let contacts = if customers.is_empty() {
        HashMap::new()
    } else {
        facts::primary_contacts(conn, &customers).await?
    };
    let totals = totals(conn, claimed, &people, &lines).await?;
    let mut meanwhile = absences::meanwhile(conn, claimed, &people, &workspaces).await?;

    Ok(claimed
        .iter()
        .filter_map(|n| {
            let workspace = workspaces.get(&n.workspace_id)?;
            let items = lines.remove(&n.id).unwrap_or_default();
            let subject = subjects.get(n.id.as_str());
            let person = |id: &String| people.get(id).map(|member| member.person.clone());
            let brief = Brief {
                workspace: Arc::clone(workspace),
                person: person(&n.recipient_id),
                contact: subject
                    .and_then(|j| contacts.get(&j.onboarding.customer_id))
                    .filter(|contact| contact.id == n.recipient_id)
                    .cloned(),
                csm: subject.and_then(|j| j.onboarding.csm_id.as_ref()).and_then(person),
                escalation: workspace
                    .escalation_user_id
                    .as_ref()
                    .and_then(person)
                    .filter(|p| p.active)
                    .map(|p| p.name),
                totals: totals.get(&n.id).copied().unwrap_or_default(),
                meanwhile: meanwhile.remove(&n.id),
                items,
                people: Arc::clone(&people),
            };
            Some((n.id.clone(), brief))
        })
        .collect())
}

fn distinct(ids: impl Iterator<Item = String>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().collect()
}

#[derive(sqlx::FromRow)]
struct TotalsRow {
    id: String,
    open: i64,
    snoozed: i64,
    paused: i64,
    closed: i64,
}

/// What each digest's reader has in all, and how many of theirs were completed since their last digest. What a test key caused counts
/// only where nobody reads it; the customers that are gone count nowhere, those who left count as paused.
async fn totals(
    conn: &mut Conn,
    claimed: &[Claimed],
    people: &HashMap<String, Member>,
    items: &HashMap<String, Vec<(Journey, Option<Seen>)>>,
) -> Result<HashMap<String, Totals>, DbError> {
    let wanted: Vec<(&str, &str, NaiveDate, DateTime<Utc>, Mode)> = claimed
        .iter()
        .filter(|n| n.kind == Kind::Digest)
        .map(|n| {
            let zone =
                people.get(&n.recipient_id).map_or(chrono_tz::Tz::UTC, |member| member.person.zone);
            let since = items
                .get(&n.id)
                .into_iter()
                .flatten()
                .filter_map(|(_, seen)| Some(seen.as_ref()?.on))
                .max();
            let since = instant(zone, since.unwrap_or(n.slot_date), NaiveTime::MIN);
            (n.id.as_str(), n.recipient_id.as_str(), n.slot_date, since, n.mode)
        })
        .collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<TotalsRow> = match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(
                "SELECT w.id, count(*) FILTER (WHERE o.phase <> 'completed') AS open,
                   count(*) FILTER (WHERE o.phase <> 'completed' AND o.snoozed_until > w.date) AS snoozed,
                   count(*) FILTER (WHERE o.phase <> 'completed' AND (o.state = 'paused' OR c.status IN ('churned', 'archived'))
                     AND COALESCE(o.snoozed_until <= w.date, true)) AS paused,
                   count(*) FILTER (WHERE o.completed_at >= w.since) AS closed
                 FROM UNNEST($1::text[], $2::text[], $3::date[], $4::timestamptz[], $5::text[]) AS w (id, recipient, date, since, mode)
                 JOIN reminder_state r ON r.recipient_id = w.recipient
                 JOIN onboardings o ON o.id = r.onboarding_id AND o.deleted_at IS NULL
                 JOIN customers c ON c.id = o.customer_id AND c.deleted_at IS NULL
                 WHERE w.mode = 'test' OR 'test' NOT IN (o.mode, c.mode, o.csm_mode, o.reminders_mode) GROUP BY w.id",
            )
            .bind(wanted.iter().map(|w| w.0).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.1).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.2).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.3).collect::<Vec<_>>())
            .bind(wanted.iter().map(|w| w.4.as_str()).collect::<Vec<_>>())
            .fetch_all(c)
            .await?
        }
        Dialect::Sqlite(c) => {
            let json: Vec<_> = wanted.iter().map(|w| (w.0, w.1, w.2, sqlite_time(w.3), w.4.as_str())).collect();
            sqlx::query_as(
                "SELECT w.value ->> 0 AS id, count(*) FILTER (WHERE o.phase <> 'completed') AS open,
                   count(*) FILTER (WHERE o.phase <> 'completed' AND o.snoozed_until > w.value ->> 2) AS snoozed,
                   count(*) FILTER (WHERE o.phase <> 'completed' AND (o.state = 'paused' OR c.status IN ('churned', 'archived'))
                     AND COALESCE(o.snoozed_until <= w.value ->> 2, 1)) AS paused,
                   count(*) FILTER (WHERE o.completed_at >= w.value ->> 3) AS closed
                 FROM json_each($1) AS w JOIN reminder_state r ON r.recipient_id = w.value ->> 1
                 JOIN onboardings o ON o.id = r.onboarding_id AND o.deleted_at IS NULL
                 JOIN customers c ON c.id = o.customer_id AND c.deleted_at IS NULL
                 WHERE w.value ->> 4 = 'test' OR 'test' NOT IN (o.mode, c.mode, o.csm_mode, o.reminders_mode) GROUP BY w.value ->> 0",
            )
            .bind(serde_json::json!(json).to_string())
            .fetch_all(c)
            .await?
        }
    };
    let totals = |row: &TotalsRow| Totals {
        open: row.open,
        snoozed: row.snoozed,
        paused: row.paused,
        closed: row.closed,
    };
    Ok(rows.iter().map(|row| (row.id.clone(), totals(row))).collect())
}
