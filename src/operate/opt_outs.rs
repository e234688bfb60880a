//! Who wants no messages of a kind, and how a customer's contact who asks for them again gets them.

use chrono::{DateTime, Utc};

use super::ActionError;
use super::notifications::Because;
use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::domain::values::{Kind, Mode, RecipientType};
use crate::store::contacts;

pub use crate::store::opt_outs::{OptOut, list};

/// All of a workspace.
pub async fn all(conn: &mut Conn, workspace_id: &str) -> Result<Vec<OptOut>, DbError> {
    list(conn, workspace_id, None, i64::MAX).await
}

/// Lifts the opt-out of a contact who asked for it; answers with what it was. Users choose for themselves.
pub async fn lift(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    contact: &Ref,
    now: DateTime<Utc>,
) -> Result<OptOut, ActionError> {
    if because.author.mode == Mode::Test {
        return Err(ActionError::Refused(
            "a test key cannot have live messages sent to a customer".to_owned(),
        ));
    }
    let found = contacts::lock(conn, workspace_id, contact).await?;
    let found = found.filter(|contact| contact.deleted_at.is_none());
    let found = found.ok_or(ActionError::NotFound("contact"))?;
    if found.opted_out_at.is_none() {
        return Err(ActionError::Refused(format!("{} has not unsubscribed", found.name)));
    }
    contacts::opt_in(conn, because.author, &found, because.reason, now).await?;
    Ok(OptOut {
        owner: RecipientType::Contact,
        since: found.opted_out_at,
        id: found.id,
        customer_id: Some(found.customer_id),
        name: found.name,
        address: found.email,
        kinds: vec![Kind::CustomerReminder],
    })
}
