//! Loads what a forecast needs: one workspace, or the part of it that a question is about.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{facts, ledger};
use crate::db::{Conn, DbError};
use crate::domain::calendar::local_date;
use crate::domain::facts::Channels;
use crate::domain::forecast::{Reader, Tracked, World};
use crate::on;

/// Which onboardings a forecast is about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// All of the workspace.
    Everything,
    /// Those that this user hears of, for themselves or for somebody who is away.
    Recipient(&'a str),
    /// This one.
    Onboarding(&'a str),
    /// Those of this customer.
    Customer(&'a str),
}

/// Most onboardings per statement.
const CHUNK: usize = 1000;

/// The world of a workspace as it existed at `at`; `None` when there is no such workspace.
pub async fn load(
    conn: &mut Conn,
    workspace_id: &str,
    about: About<'_>,
    channels: Channels,
    at: DateTime<Utc>,
) -> Result<Option<World>, DbError> {
    let Some(workspace) =
        facts::workspaces(conn, &[workspace_id.to_owned()]).await?.remove(workspace_id)
    else {
        return Ok(None);
    };
    let ids = ids(conn, workspace_id, about, at).await?;
    let today = local_date(workspace.zone, at);
    let mut onboardings = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut journeys = facts::onboardings(conn, chunk).await?;
        ledger::forget_later(conn, &mut journeys, |_| Some(&workspace), today, at).await?;
        onboardings.extend(journeys.into_iter().map(|journey| Tracked {
            recipient_id: journey.recipient_id,
            next_nudge_at: journey.next_nudge_at,
            onboarding: journey.onboarding,
        }));
    }
    let people: HashSet<&String> = onboardings
        .iter()
        .filter_map(|t| t.recipient_id.as_ref())
        .chain(&workspace.escalation_user_id)
        .collect();
    let people: Vec<String> = people.into_iter().cloned().collect();
    let readers = facts::people_and_backups(conn, &people)
        .await?
        .into_iter()
        .map(|(id, member)| {
            (id, Reader { person: member.person, next_slot_at: member.next_slot_at })
        })
        .collect();
    let mut contacts = HashMap::new();
    if workspace.customer_reminders {
        let customers: HashSet<&String> =
            onboardings.iter().map(|t| &t.onboarding.customer_id).collect();
        let customers: Vec<String> = customers.into_iter().cloned().collect();
        for chunk in customers.chunks(CHUNK) {
            contacts.extend(facts::primary_contacts(conn, chunk).await?);
        }
    }
    Ok(Some(World { workspace, readers, onboardings, contacts, channels }))
}

async fn ids(
    conn: &mut Conn,
    workspace_id: &str,
    about: About<'_>,
    at: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    const ALL: &str = "SELECT o.id FROM onboardings o JOIN reminder_state r ON r.onboarding_id = o.id
         WHERE o.workspace_id = $1 AND o.created_at <= $2 AND o.deleted_at IS NULL AND (r.next_due_on IS NOT NULL OR o.next_nudge_at IS NOT NULL) ORDER BY o.id";
    const THEIRS: &str = "SELECT o.id FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id
         WHERE o.workspace_id = $1 AND o.created_at <= $2 AND o.deleted_at IS NULL AND (r.recipient_id = $3
           OR r.recipient_id IN (SELECT id FROM users WHERE backup_user_id = $3 AND out_of_office_until IS NOT NULL)) ORDER BY o.id";
    const ONE: &str =
        "SELECT id FROM onboardings WHERE workspace_id = $1 AND created_at <= $2 AND id = $3";
    const OF_CUSTOMER: &str = "SELECT id FROM onboardings WHERE workspace_id = $1 AND created_at <= $2 AND deleted_at IS NULL AND customer_id = $3 ORDER BY id";
    let rows: Vec<(String,)> = match about {
        About::Everything => {
            on!(conn, |c| sqlx::query_as(ALL).bind(workspace_id).bind(at).fetch_all(c).await?)
        }
        About::Recipient(id) => some(conn, THEIRS, workspace_id, at, id).await?,
        About::Onboarding(id) => some(conn, ONE, workspace_id, at, id).await?,
        About::Customer(id) => some(conn, OF_CUSTOMER, workspace_id, at, id).await?,
    };
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn some(
    conn: &mut Conn,
    sql: &'static str,
    workspace_id: &str,
    at: DateTime<Utc>,
    id: &str,
) -> Result<Vec<(String,)>, DbError> {
    on!(conn, |c| sqlx::query_as(sql).bind(workspace_id).bind(at).bind(id).fetch_all(c).await)
}
