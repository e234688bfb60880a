//! What the installation remembers about itself, by name.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError};
use crate::on;

/// The value of a name, if it has one.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> =
        on!(conn, |c| sqlx::query_as("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(c)
            .await?);
    Ok(row.map(|(value,)| value))
}

/// Gives a name a value.
pub async fn set(
    conn: &mut Conn,
    name: &str,
    value: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
    on!(conn, |c| sqlx::query(SQL)
        .bind(name)
        .bind(value)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The value of a name, which is `value` if it has had none: whoever comes first decides, whichever process it is.
pub async fn get_or_keep(
    conn: &mut Conn,
    name: &str,
    value: &str,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    const SQL: &str = "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
    on!(conn, |c| sqlx::query(SQL).bind(name).bind(value).bind(now).execute(c).await.map(|_| ()))?;
    Ok(get(conn, name).await?.unwrap_or_else(|| value.to_owned()))
}
