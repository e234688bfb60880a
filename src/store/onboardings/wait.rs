//! The wait for a customer: its end can be taken back.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{Onboarding, log, touched, write};
use crate::db::{Conn, DbError};
use crate::domain::facts::Hold;
use crate::domain::values::State;
use crate::store::audit::{Author, Diff};

/// A wait for a customer as it stood, so that its end can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    state: State,
    state_entered_at: DateTime<Utc>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    began_on: Option<NaiveDate>,
    step: i64,
    held_since: Option<DateTime<Utc>>,
    holds: Vec<Hold>,
}

impl From<&Onboarding> for Wait {
    fn from(o: &Onboarding) -> Self {
        Self {
            state: o.state,
            state_entered_at: o.state_entered_at,
            since: o.waiting_on_customer_since,
            began_on: o.waiting_began_on,
            step: o.waiting_step,
            held_since: o.held_since,
            holds: o.holds.0.clone(),
        }
    }
}

/// Puts an ended wait back, with everything that counts from its beginning, on an onboarding that the caller has locked.
pub async fn resume_wait(
    conn: &mut Conn,
    author: &Author,
    before: Onboarding,
    wait: Wait,
    now: DateTime<Utc>,
) -> Result<Onboarding, DbError> {
    let after = Onboarding {
        state: wait.state,
        state_entered_at: wait.state_entered_at,
        waiting_on_customer: true,
        waiting_on_customer_since: wait.since,
        waiting_began_on: wait.began_on,
        waiting_step: wait.step,
        held_since: wait.held_since,
        holds: Json(wait.holds),
        waiting_mode: author.mode,
        updated_at: now.max(before.updated_at),
        ..before.clone()
    };
    write(conn, &after).await?;
    let diff = Diff::between(&before, &after);
    log(conn, author, "onboarding_updated", &after, diff, Some("undo"), now).await?;
    touched(conn, &after.id, now).await?;
    Ok(after)
}
