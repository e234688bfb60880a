//! The vendor's customers.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry};
use super::hints::{self, Touched};
use super::{counters, finders, notices};
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::{CustomerStatus, Mode};
use crate::on;

/// A customer as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Customer {
    /// `cust_…`
    pub id: String,
    /// The vendor.
    #[serde(skip)]
    pub workspace_id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// What can be set.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub fields: Fields,
    /// Mode of the key that created it.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
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

/// What can be set of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Fields {
    /// As typed.
    pub name: String,
    /// URL-safe handle, unique among the workspace's customers that are not deleted.
    pub slug: String,
    /// Host without scheme.
    pub domain: Option<String>,
    /// Commercial status.
    #[sqlx(try_from = "String")]
    pub status: CustomerStatus,
    /// Free-form label.
    pub plan: Option<String>,
    /// Monthly recurring revenue, in the vendor's unit.
    pub mrr: Option<i64>,
    /// Orders a month.
    pub monthly_orders: Option<i64>,
    /// Foreign id.
    pub hubspot_company_id: Option<String>,
    /// Foreign id.
    pub hubspot_deal_id: Option<String>,
    /// Foreign id.
    pub stripe_customer_id: Option<String>,
    /// Foreign id.
    pub intercom_company_id: Option<String>,
    /// Foreign id.
    pub slack_channel_id: Option<String>,
    /// A JSON object, as it was sent.
    pub metadata: String,
}

finders!(Customer, "SELECT * FROM customers");

/// Which customers to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Only older ones.
    pub cursor: DateTime<Utc>,
    /// Only of this status.
    pub status: Option<CustomerStatus>,
    /// Only the one of this slug.
    pub slug: Option<&'a str>,
    /// At most so many.
    pub limit: i64,
}

/// The customers of a workspace, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
) -> Result<Vec<Customer>, DbError> {
    on!(conn, |c| sqlx::query_as(
        "SELECT * FROM customers WHERE workspace_id = $1 AND deleted_at IS NULL AND created_at < $2
           AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR slug = $4)
         ORDER BY created_at DESC LIMIT $5"
    )
    .bind(workspace_id)
    .bind(filter.cursor)
    .bind(filter.status.map(CustomerStatus::as_str))
    .bind(filter.slug)
    .bind(filter.limit)
    .fetch_all(c)
    .await)
}

/// Keeps slugs from being given away until the transaction ends; for a customer that is to get another one.
pub async fn hold_slugs(conn: &mut Conn, workspace_id: &str) -> Result<(), DbError> {
    counters::hold(conn, workspace_id, "customer").await
}

/// Whether another customer of the workspace has the slug.
pub async fn slug_taken(
    conn: &mut Conn,
    workspace_id: &str,
    slug: &str,
    except: &str,
) -> Result<bool, DbError> {
    let found: Option<(String,)> = on!(conn, |c| {
        sqlx::query_as(
        "SELECT id FROM customers WHERE workspace_id = $1 AND substr(slug, 1, 200) = substr($2, 1, 200) AND slug = $2 AND deleted_at IS NULL
           AND id <> $3"
    )
    .bind(workspace_id)
    .bind(slug)
    .bind(except)
    .fetch_optional(c)
    .await?
    });
    Ok(found.is_some())
}

/// The wished slug, or with `-2`, `-3` … the first that is free.
async fn free_slug(conn: &mut Conn, workspace_id: &str, wish: &str) -> Result<String, DbError> {
    if !slug_taken(conn, workspace_id, wish, "").await? {
        return Ok(wish.to_owned());
    }
    let taken: Vec<(String,)> = on!(conn, |c| {
        sqlx::query_as(
        "SELECT slug FROM customers WHERE workspace_id = $1 AND substr(slug, 1, 200) >= $2 AND substr(slug, 1, 200) < $3 AND deleted_at IS NULL"
    )
    .bind(workspace_id)
    .bind(format!("{wish}-"))
    .bind(format!("{wish}."))
    .fetch_all(c)
    .await?
    });
    let taken: std::collections::HashSet<&str> =
        taken.iter().map(|(slug,)| slug.as_str()).collect();
    // Among one more than are taken, one is free.
    let mut numbered = (2..=taken.len() + 2).map(|n| format!("{wish}-{n}"));
    Ok(numbered.find(|slug| !taken.contains(slug.as_str())).unwrap_or_else(|| wish.to_owned()))
}

/// Where the slug of a new customer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slug {
    /// It was asked for: if it is taken, that is a conflict.
    Asked,
    /// It was derived: if it is taken, the first free one with a number is as good.
    Derived,
}

/// Creates a customer. A slug that was asked for and is taken is a conflict.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    mut fields: Fields,
    slug: Slug,
    now: DateTime<Utc>,
) -> Result<Customer, DbError> {
    let (display_id, created_at) = counters::next(conn, workspace_id, "customer", now).await?;
    if slug == Slug::Derived {
        // Only now, under the counter's lock: nobody else can take it any more.
        fields.slug = free_slug(conn, workspace_id, &fields.slug).await?;
    }
    let customer: Customer = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO customers (name, slug, domain, status, plan, mrr, monthly_orders, hubspot_company_id, hubspot_deal_id,
            stripe_customer_id, intercom_company_id, slack_channel_id, metadata, id, workspace_id, display_id, mode, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18) RETURNING *"
    )
    .bind(&fields.name)
    .bind(&fields.slug)
    .bind(&fields.domain)
    .bind(fields.status.as_str())
    .bind(&fields.plan)
    .bind(fields.mrr)
    .bind(fields.monthly_orders)
    .bind(&fields.hubspot_company_id)
    .bind(&fields.hubspot_deal_id)
    .bind(&fields.stripe_customer_id)
    .bind(&fields.intercom_company_id)
    .bind(&fields.slack_channel_id)
    .bind(&fields.metadata)
    .bind(IdKind::Customer.fresh(created_at))
    .bind(workspace_id)
    .bind(display_id)
    .bind(author.mode.as_str())
    .bind(created_at)
    .fetch_one(c)
    .await?
    });
    log(conn, author, "customer_created", &customer, Diff::created(&customer), now).await?;
    Ok(customer)
}

/// Writes the fields of a customer that the caller has locked.
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    before: Customer,
    fields: Fields,
    now: DateTime<Utc>,
) -> Result<Customer, DbError> {
    let diff = Diff::between(&before.fields, &fields);
    if diff.is_empty() {
        return Ok(before);
    }
    let after: Customer = on!(conn, |c| {
        sqlx::query_as(
        "UPDATE customers SET name = $1, slug = $2, domain = $3, status = $4, plan = $5, mrr = $6, monthly_orders = $7, hubspot_company_id = $8,
            hubspot_deal_id = $9, stripe_customer_id = $10, intercom_company_id = $11, slack_channel_id = $12, metadata = $13, updated_at = $14
         WHERE id = $15 RETURNING *"
    )
    .bind(&fields.name)
    .bind(&fields.slug)
    .bind(&fields.domain)
    .bind(fields.status.as_str())
    .bind(&fields.plan)
    .bind(fields.mrr)
    .bind(fields.monthly_orders)
    .bind(&fields.hubspot_company_id)
    .bind(&fields.hubspot_deal_id)
    .bind(&fields.stripe_customer_id)
    .bind(&fields.intercom_company_id)
    .bind(&fields.slack_channel_id)
    .bind(&fields.metadata)
    .bind(now.max(before.updated_at))
    .bind(&before.id)
    .fetch_one(c)
    .await?
    });
    let status_changed = diff.get("status").is_some();
    log(conn, author, "customer_updated", &after, diff, now).await?;
    if status_changed {
        hints::refresh(conn, Touched::Customer(&after.id), now).await?;
    }
    Ok(after)
}

/// Deletes a customer that the caller has locked. Its contacts and onboardings leave every list and every notification.
pub async fn delete(
    conn: &mut Conn,
    author: &Author,
    customer: &Customer,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if customer.deleted_at.is_some() {
        return Ok(());
    }
    on!(conn, |c| sqlx::query("UPDATE customers SET deleted_at = $2 WHERE id = $1")
        .bind(&customer.id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    let diff = Diff::field("deleted", false, true);
    log(conn, author, "customer_deleted", customer, diff, now).await?;
    hints::refresh(conn, Touched::Customer(&customer.id), now).await?;
    notices::cancel_of_customer(conn, &customer.id, now).await
}

async fn log(
    conn: &mut Conn,
    author: &Author,
    event: &str,
    customer: &Customer,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &customer.workspace_id,
        event,
        object: "customer",
        object_id: &customer.id,
        diff,
        reason: None,
    };
    audit::append(conn, author, entry, now).await
}
