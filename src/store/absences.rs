//! What a digest needs to tell of its reader's absence.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use super::facts::{self, Member};
use super::ledger::Claimed;
use crate::db::{Conn, DbError};
use crate::domain::facts::{Provenance, Workspace};
use crate::domain::meanwhile::{Changes, Edit, Meanwhile, TELLS_WITHIN, sum_up};
use crate::domain::slots::Slots;
use crate::domain::values::{Kind, Mode};
use crate::on;

/// The summaries of the absences that end with one of these digests, by notification.
pub async fn meanwhile(
    conn: &mut Conn,
    claimed: &[Claimed],
    people: &HashMap<String, Member>,
    workspaces: &HashMap<String, Arc<Workspace>>,
) -> Result<HashMap<String, Meanwhile>, DbError> {
    let mut found = HashMap::new();
    for n in claimed.iter().filter(|n| n.kind == Kind::Digest) {
        let Some(reader) = people.get(&n.recipient_id).map(|member| &member.person) else {
            continue;
        };
        let Some(back) = reader
            .out_of_office_until
            .filter(|back| (0..=TELLS_WITHIN).contains(&(n.slot_date - *back).num_days()))
        else {
            continue;
        };
        let Some(workspace) = workspaces.get(&n.workspace_id) else { continue };
        let Some(since) = last_digest_before(conn, n, back).await? else { continue };
        let stand_in = reader.backup_user_id.as_ref().and_then(|id| people.get(id));
        let stand_in = stand_in.filter(|member| member.person.active);
        let from = Slots::of(workspace, reader).at(since);
        let mut edits = edits(conn, n, from).await?;
        let journeys = journeys(conn, n, edits.keys().cloned().collect()).await?;
        let mine: Vec<_> = journeys
            .iter()
            .map(|journey| &journey.onboarding)
            // A live digest tells of nothing that a test key has caused.
            .filter(|o| n.mode == Mode::Test || is_live(o.provenance))
            .map(|o| (o, edits.remove(&o.id).unwrap_or_default()))
            .collect();
        let summary = sum_up(
            workspace,
            since,
            n.slot_date,
            stand_in.map(|member| member.person.name.clone()),
            mine.iter().map(|(o, edits)| (*o, edits.as_slice())),
        );
        found.insert(n.id.clone(), summary);
    }
    Ok(found)
}

fn is_live(provenance: Provenance) -> bool {
    let all = [Kind::Digest, Kind::StalledPhase, Kind::WaitingOnCustomer];
    all.into_iter().all(|kind| provenance.mode(kind) == Mode::Live)
}

/// The date of the reader's last digest before the day `back`; `None` when they had none, or when `n` is not the first one since.
async fn last_digest_before(
    conn: &mut Conn,
    n: &Claimed,
    back: NaiveDate,
) -> Result<Option<NaiveDate>, DbError> {
    const BEFORE: &str = "SELECT slot_date FROM notifications WHERE recipient_id = $1 AND kind = 'digest' AND mode = $2 AND slot_date < $3
           AND state IN ('sent', 'suppressed') ORDER BY slot_date DESC LIMIT 1";
    const FIRST: &str = "SELECT id FROM notifications WHERE recipient_id = $1 AND kind = 'digest' AND mode = $2 AND slot_date >= $3
           AND state IN ('scheduled', 'deferred', 'sending', 'ambiguous', 'sent', 'suppressed') ORDER BY slot_date, id LIMIT 1";
    let first: Option<(String,)> = on!(conn, |c| sqlx::query_as(FIRST)
        .bind(&n.recipient_id)
        .bind(n.mode.as_str())
        .bind(back)
        .fetch_optional(c)
        .await?);
    if first.is_some_and(|(first,)| first != n.id) {
        return Ok(None);
    }
    let before: Option<(NaiveDate,)> = on!(conn, |c| sqlx::query_as(BEFORE)
        .bind(&n.recipient_id)
        .bind(n.mode.as_str())
        .bind(back)
        .fetch_optional(c)
        .await?);
    Ok(before.map(|(date,)| date))
}

#[derive(sqlx::FromRow)]
struct EditRow {
    object_id: String,
    actor_name: String,
    diff: Json<Changes>,
    created_at: DateTime<Utc>,
}

/// What people and live keys wrote to the reader's onboardings since `from`, oldest first, by onboarding.
async fn edits(
    conn: &mut Conn,
    n: &Claimed,
    from: DateTime<Utc>,
) -> Result<HashMap<String, Vec<Edit>>, DbError> {
    const SQL: &str = "SELECT a.object_id, a.actor_name, a.diff, a.created_at FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id
           JOIN audit_log a ON a.object_id = o.id AND a.event = 'onboarding_updated' AND a.created_at >= $2
           LEFT JOIN api_keys k ON k.id = a.actor_id
         WHERE r.recipient_id = $1 AND o.deleted_at IS NULL AND COALESCE(k.mode, 'live') = 'live' ORDER BY a.created_at, a.id";
    let rows: Vec<EditRow> =
        on!(conn, |c| sqlx::query_as(SQL).bind(&n.recipient_id).bind(from).fetch_all(c).await?);
    let mut edits: HashMap<String, Vec<Edit>> = HashMap::new();
    for row in rows {
        let edit = Edit { by: row.actor_name, at: row.created_at, changes: row.diff.0 };
        edits.entry(row.object_id).or_default().push(edit);
    }
    Ok(edits)
}

/// The reader's onboardings that were written, or on which they wait.
async fn journeys(
    conn: &mut Conn,
    n: &Claimed,
    mut ids: Vec<String>,
) -> Result<Vec<facts::Journey>, DbError> {
    const WAITING: &str =
        "SELECT o.id FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id
         WHERE r.recipient_id = $1 AND o.deleted_at IS NULL AND o.waiting_on_customer";
    let waiting: Vec<(String,)> =
        on!(conn, |c| sqlx::query_as(WAITING).bind(&n.recipient_id).fetch_all(c).await?);
    ids.extend(waiting.into_iter().map(|(id,)| id));
    facts::onboardings(conn, &ids).await
}
