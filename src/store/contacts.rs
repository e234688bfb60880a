//! People at a customer. Exactly one of them is primary, as long as there is one.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;

use super::audit::{self, Author, Diff, Entry};
use super::{counters, fetch_locked, finders, notices};
use crate::db::{Conn, DbError};
use crate::domain::ids::{IdKind, Ref};
use crate::domain::values::Mode;
use crate::on;

/// A contact as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Contact {
    /// `cont_…`
    pub id: String,
    /// The vendor.
    #[serde(skip)]
    pub workspace_id: String,
    /// Where they work.
    pub customer_id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// As typed.
    pub name: String,
    /// Lower case, unique among the customer's contacts that are not deleted.
    pub email: String,
    /// What they are.
    pub title: Option<String>,
    /// Whether reminders to the customer go to them.
    pub is_primary: bool,
    /// Free-form.
    pub labels: Json<Vec<String>>,
    /// Mode of the key that created it.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// Mode of the last writer of the address.
    #[sqlx(try_from = "String")]
    pub email_mode: Mode,
    /// Mode of the last writer of `is_primary`.
    #[sqlx(try_from = "String")]
    pub primary_mode: Mode,
    /// Set while a permanent refusal by the mail provider stands.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub email_flagged_at: Option<DateTime<Utc>>,
    /// When they unsubscribed.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub opted_out_at: Option<DateTime<Utc>>,
    /// When it was created.
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    #[serde(serialize_with = "audit::instant")]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A contact to add.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// As typed.
    pub name: String,
    /// Lower case.
    pub email: String,
    /// What they are.
    pub title: Option<String>,
    /// Whether the star moves to them; the first contact has it anyway.
    pub is_primary: bool,
    /// Free-form.
    pub labels: Vec<String>,
}

/// What to change; what is `None` was not sent.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// As typed.
    pub name: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    /// What they are.
    pub title: Option<Option<String>>,
    /// The star; it can be taken, but only given away by giving it to another.
    pub is_primary: Option<bool>,
    /// Free-form.
    pub labels: Option<Vec<String>>,
}

finders!(Contact, "SELECT * FROM contacts");

/// The contacts of a customer created before `cursor`, newest first.
pub async fn list(
    conn: &mut Conn,
    customer_id: &str,
    cursor: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Contact>, DbError> {
    on!(conn, |c| {
        sqlx::query_as(
        "SELECT * FROM contacts WHERE customer_id = $1 AND deleted_at IS NULL AND created_at < $2 ORDER BY created_at DESC LIMIT $3"
    )
    .bind(customer_id)
    .bind(cursor)
    .bind(limit)
    .fetch_all(c)
    .await
    })
}

/// Locks the customer of a contact, so that two changes of who is primary cannot meet.
pub async fn lock_customer_of(
    conn: &mut Conn,
    workspace_id: &str,
    reference: &Ref,
) -> Result<(), DbError> {
    if let Some(contact) = find(conn, workspace_id, reference).await? {
        let id = &contact.customer_id;
        fetch_locked!(conn, (String,), "SELECT id FROM customers WHERE id = $1", id)?;
    }
    Ok(())
}

/// Whether another contact of the customer has the address.
pub async fn email_taken(
    conn: &mut Conn,
    customer_id: &str,
    email: &str,
    except: &str,
) -> Result<bool, DbError> {
    let found: Option<(String,)> = on!(conn, |c| {
        sqlx::query_as(
        "SELECT id FROM contacts WHERE customer_id = $1 AND email = $2 AND deleted_at IS NULL AND id <> $3"
    )
    .bind(customer_id)
    .bind(email)
    .bind(except)
    .fetch_optional(c)
    .await?
    });
    Ok(found.is_some())
}

/// Adds a contact to a customer that the caller has locked, and moves the star if it was asked for or nobody has it.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    customer_id: &str,
    new: &NewContact,
    now: DateTime<Utc>,
) -> Result<Contact, DbError> {
    let (display_id, created_at) = counters::next(conn, workspace_id, "contact", now).await?;
    let primary = lock_primary(conn, customer_id).await?;
    let is_primary = new.is_primary || primary.is_none();
    if let Some(primary) = primary.filter(|_| is_primary) {
        set_primary(conn, author, primary, false, now).await?;
    }
    let contact: Contact = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO contacts (id, workspace_id, customer_id, display_id, name, email, title, is_primary, labels, mode, email_mode, primary_mode,
            created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10, $11, $11) RETURNING *"
    )
    .bind(IdKind::Contact.fresh(created_at))
    .bind(workspace_id)
    .bind(customer_id)
    .bind(display_id)
    .bind(&new.name)
    .bind(&new.email)
    .bind(&new.title)
    .bind(is_primary)
    .bind(Json(&new.labels))
    .bind(author.mode.as_str())
    .bind(created_at)
    .fetch_one(c)
    .await?
    });
    log(conn, author, "contact_created", &contact, Diff::created(&contact), now).await?;
    Ok(contact)
}

/// Changes a contact that the caller has locked.
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    before: Contact,
    patch: Patch,
    now: DateTime<Utc>,
) -> Result<Contact, DbError> {
    let mut after = before.clone();
    if let Some(name) = patch.name {
        after.name = name;
    }
    if let Some(email) = patch.email {
        after.email_mode = author.mode;
        if email != before.email {
            // The refusal was of the old address.
            after.email_flagged_at = None;
            after.email = email;
        }
    }
    if let Some(title) = patch.title {
        after.title = title;
    }
    if let Some(labels) = patch.labels {
        after.labels = Json(labels);
    }
    if let Some(is_primary) = patch.is_primary {
        after.primary_mode = author.mode;
        if is_primary && !before.is_primary {
            if let Some(primary) = lock_primary(conn, &before.customer_id).await? {
                set_primary(conn, author, primary, false, now).await?;
            }
            after.is_primary = true;
        }
    }
    if after == before {
        return Ok(before);
    }
    let diff = Diff::between(&before, &after);
    if is_visible(&before, &after) {
        after.updated_at = now.max(before.updated_at);
    }
    write(conn, &after).await?;
    log(conn, author, "contact_updated", &after, diff, now).await?;
    Ok(after)
}

/// Stops all mail to a contact that the caller has locked. Repeating it changes nothing.
pub async fn opt_out(
    conn: &mut Conn,
    author: &Author,
    before: &Contact,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if before.opted_out_at.is_some() {
        return Ok(());
    }
    on!(conn, |c| sqlx::query("UPDATE contacts SET opted_out_at = $2 WHERE id = $1")
        .bind(&before.id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    let after = Contact { opted_out_at: Some(now), ..before.clone() };
    log(conn, author, "contact_unsubscribed", &after, Diff::between(before, &after), now).await
}

/// Lets mail go again to a contact that the caller has locked and that asked for it.
pub async fn opt_in(
    conn: &mut Conn,
    author: &Author,
    before: &Contact,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| sqlx::query("UPDATE contacts SET opted_out_at = NULL WHERE id = $1")
        .bind(&before.id)
        .execute(c)
        .await
        .map(|_| ()))?;
    let after = Contact { opted_out_at: None, ..before.clone() };
    let entry = Entry {
        workspace_id: &before.workspace_id,
        event: "contact_resubscribed",
        object: "contact",
        object_id: &before.id,
        diff: Diff::between(before, &after),
        reason: Some(reason),
    };
    audit::append(conn, author, entry, now).await
}

/// Deletes a contact that the caller has locked; the oldest remaining one becomes primary in its place.
pub async fn delete(
    conn: &mut Conn,
    author: &Author,
    contact: &Contact,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if contact.deleted_at.is_some() {
        return Ok(());
    }
    on!(conn, |c| sqlx::query(
        "UPDATE contacts SET deleted_at = $2, is_primary = $3 WHERE id = $1"
    )
    .bind(&contact.id)
    .bind(now)
    .bind(false)
    .execute(c)
    .await
    .map(|_| ()))?;
    let diff = Diff::field("deleted", false, true);
    log(conn, author, "contact_deleted", contact, diff, now).await?;
    if contact.is_primary {
        let oldest = fetch_locked!(
            conn,
            Contact,
            "SELECT * FROM contacts WHERE customer_id = $1 AND deleted_at IS NULL ORDER BY created_at LIMIT 1",
            &contact.customer_id
        )?;
        if let Some(oldest) = oldest {
            set_primary(conn, author, oldest, true, now).await?;
        }
    }
    notices::cancel_to_contact(conn, &contact.id, now).await
}

async fn lock_primary(conn: &mut Conn, customer_id: &str) -> Result<Option<Contact>, DbError> {
    fetch_locked!(
        conn,
        Contact,
        "SELECT * FROM contacts WHERE customer_id = $1 AND is_primary AND deleted_at IS NULL",
        customer_id
    )
}

async fn set_primary(
    conn: &mut Conn,
    author: &Author,
    before: Contact,
    is_primary: bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let after = Contact {
        is_primary,
        primary_mode: author.mode,
        updated_at: now.max(before.updated_at),
        ..before.clone()
    };
    write(conn, &after).await?;
    log(conn, author, "contact_updated", &after, Diff::between(&before, &after), now).await
}

async fn write(conn: &mut Conn, contact: &Contact) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE contacts SET name = $2, email = $3, title = $4, is_primary = $5, labels = $6, email_mode = $7, primary_mode = $8,
            email_flagged_at = $9, updated_at = $10 WHERE id = $1"
    )
    .bind(&contact.id)
    .bind(&contact.name)
    .bind(&contact.email)
    .bind(&contact.title)
    .bind(contact.is_primary)
    .bind(&contact.labels)
    .bind(contact.email_mode.as_str())
    .bind(contact.primary_mode.as_str())
    .bind(contact.email_flagged_at)
    .bind(contact.updated_at)
    .execute(c)
    .await
    .map(|_| ())
    })
}

/// Whether a reader of the API can see the difference; the modes of last writers are our own business.
fn is_visible(before: &Contact, after: &Contact) -> bool {
    let blind = Contact {
        email_mode: before.email_mode,
        primary_mode: before.primary_mode,
        ..after.clone()
    };
    blind != *before
}

async fn log(
    conn: &mut Conn,
    author: &Author,
    event: &str,
    contact: &Contact,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &contact.workspace_id,
        event,
        object: "contact",
        object_id: &contact.id,
        diff,
        reason: None,
    };
    audit::append(conn, author, entry, now).await
}
