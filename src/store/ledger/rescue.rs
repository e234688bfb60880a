//! Rows in the hands of the dead, each freed by what may have happened to it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attempt, Finish, POISON_AFTER, UNTIL_DECIDED, finish};
use crate::db::{Conn, DbError};
use crate::domain::values::{AttemptOutcome, Channel, Kind, Mode, NotificationState, Reason};
use crate::on;

#[derive(sqlx::FromRow)]
struct Orphan {
    id: String,
    #[sqlx(try_from = "String")]
    kind: Kind,
    #[sqlx(try_from = "String")]
    channel: Channel,
    #[sqlx(try_from = "String")]
    mode: Mode,
    stage: Option<String>,
    resent: bool,
    delivery_count: i64,
    claim_count: i64,
    lease_token: String,
    updated_at: DateTime<Utc>,
}

/// Frees the rows in the hands of `owner` that were claimed before `claimed_before` and are not in `held`, each by what may have
/// happened to it. Answers with the state that each came to.
pub async fn rescue(
    conn: &mut Conn,
    owner: &str,
    held: &[String],
    claimed_before: DateTime<Utc>,
    resend_after: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Vec<NotificationState>, DbError> {
    const SQL: &str = "SELECT id, kind, channel, mode, stage, resent, delivery_count, claim_count, lease_token, updated_at FROM notifications
         WHERE finished_at IS NULL AND state = 'sending' AND lease_owner = $1 AND updated_at <= $2";
    let mut orphans: Vec<Orphan> =
        on!(conn, |c| sqlx::query_as(SQL).bind(owner).bind(claimed_before).fetch_all(c).await?);
    orphans.retain(|orphan| !held.contains(&orphan.id));
    if orphans.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Finish, i64)> = orphans
        .iter()
        .map(|o| (after_death(o, owner, resend_after, now), o.delivery_count))
        .collect();
    let finishes: Vec<Finish> = rows.iter().map(|(finish, _)| finish.clone()).collect();
    finish(conn, &finishes, now).await?;
    // A finish says "this row behaved"; a death says the opposite.
    for (finish, deliveries) in rows.iter().filter(|(finish, _)| finish.state.is_open()) {
        on!(conn, |c| sqlx::query("UPDATE notifications SET delivery_count = $2 WHERE id = $1")
            .bind(&finish.id)
            .bind(deliveries)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(finishes.iter().map(|finish| finish.state).collect())
}

fn after_death(o: &Orphan, owner: &str, resend_after: TimeDelta, now: DateTime<Utc>) -> Finish {
    // What is never repeated by itself is marked before its body goes out, so without the mark nothing went out.
    let repeatable = o.channel == Channel::Email && o.kind != Kind::CustomerReminder;
    let untouched = o.mode == Mode::Test || (!repeatable && o.stage.as_deref() != Some("body"));
    let (state, reason, not_before) = if untouched && o.delivery_count >= POISON_AFTER {
        (NotificationState::Failed, Some(Reason::AttemptsExhausted), None)
    } else if untouched {
        (NotificationState::Scheduled, None, Some(now))
    } else if !repeatable {
        (NotificationState::Ambiguous, Some(Reason::OutcomeUnknown), Some(UNTIL_DECIDED))
    } else if o.resent {
        (NotificationState::Failed, Some(Reason::OutcomeUnknown), None)
    } else {
        (NotificationState::Ambiguous, Some(Reason::OutcomeUnknown), Some(now + resend_after))
    };
    Finish {
        id: o.id.clone(),
        token: o.lease_token.clone(),
        kind: o.kind,
        state,
        reason,
        not_before,
        counts: !untouched,
        attempt: Some(Attempt {
            number: o.claim_count,
            at: o.updated_at,
            worker: owner.to_owned(),
            stage: if untouched { "claimed" } else { "body" },
            outcome: if untouched { AttemptOutcome::Lost } else { AttemptOutcome::Ambiguous },
            reply: "the worker stopped answering".to_owned(),
            duration_ms: (now - o.updated_at).num_milliseconds().max(0),
        }),
        message: None,
        provider_ref: None,
    }
}
