//! Addresses that a provider refused for good: which they are, and how one is tried again.

use chrono::{DateTime, Utc};

use super::ActionError;
use super::notifications::Because;
use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, Mode, RecipientType};
use crate::store::audit::{self, Diff, Entry};
use crate::store::{addresses, contacts, users};

pub use crate::store::addresses::Flagged;

/// The flagged addresses of a workspace, those refused last first.
pub async fn list(conn: &mut Conn, workspace_id: &str) -> Result<Vec<Flagged>, DbError> {
    addresses::flagged(conn, workspace_id).await
}

/// Whether a user or contact of the workspace has this id.
pub async fn is_somebody(conn: &mut Conn, workspace_id: &str, id: &str) -> Result<bool, DbError> {
    let named = Ref::Id(id.to_owned());
    Ok(users::find(conn, workspace_id, &named).await?.is_some()
        || contacts::find(conn, workspace_id, &named).await?.is_some())
}

/// Takes the flag off an address of the user or contact `id`: the next message goes there again. Answers with the address.
pub async fn clear(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<Flagged, ActionError> {
    if because.author.mode == Mode::Test {
        return Err(ActionError::Refused(
            "a test key cannot have live messages sent to an address".to_owned(),
        ));
    }
    let flagged = addresses::flagged(conn, workspace_id).await?;
    let found = flagged.into_iter().find(|flagged| flagged.id == id && flagged.channel == channel);
    let Some(found) = found else {
        return Err(if is_somebody(conn, workspace_id, id).await? {
            ActionError::Refused(format!("their address on {channel} is not refused"))
        } else {
            ActionError::NotFound("user or contact")
        });
    };
    // Whoever was faster has said why.
    let Some(column) = addresses::clear(conn, &found, now).await? else {
        return Err(ActionError::Refused(format!("their address on {channel} is not refused")));
    };
    let object = match found.owner {
        RecipientType::User => "user",
        RecipientType::Contact => "contact",
    };
    let entry = Entry {
        workspace_id,
        event: "address_cleared",
        object,
        object_id: id,
        diff: Diff::field(column, audit::shown(found.flagged_at), serde_json::Value::Null),
        reason: Some(because.reason),
    };
    audit::append(conn, because.author, entry, now).await?;
    Ok(found)
}
