//! People who run the installation, their sessions at the console, and passwords that were wrong.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::audit;
use crate::db::{Conn, DbError, Dialect};
use crate::domain::ids::IdKind;
use crate::domain::values::OperatorRole;
use crate::on;

/// An operator as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Operator {
    /// `op_…`
    pub id: String,
    /// With which they sign in; lower case.
    pub email: String,
    /// As the audit log names them.
    pub name: String,
    /// What they may do.
    #[sqlx(try_from = "String")]
    pub role: OperatorRole,
    /// In PHC's notation.
    #[serde(skip)]
    pub password_hash: String,
    /// When they were made.
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// From this instant on they cannot sign in.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub disabled_at: Option<DateTime<Utc>>,
}

/// An operator to store.
#[derive(Clone, Debug)]
pub struct NewOperator<'a> {
    /// Lower case.
    pub email: &'a str,
    /// As the audit log names them.
    pub name: &'a str,
    /// What they may do.
    pub role: OperatorRole,
    /// In PHC's notation.
    pub password_hash: &'a str,
}

/// Stores an operator. An address that is taken is a conflict.
pub async fn create(
    conn: &mut Conn,
    new: NewOperator<'_>,
    now: DateTime<Utc>,
) -> Result<Operator, DbError> {
    const SQL: &str = "INSERT INTO operators (id, email, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *";
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(IdKind::Operator.fresh(now))
        .bind(new.email)
        .bind(new.name)
        .bind(new.role.as_str())
        .bind(new.password_hash)
        .bind(now)
        .fetch_one(c)
        .await)
}

/// Every operator, by address.
pub async fn list(conn: &mut Conn) -> Result<Vec<Operator>, DbError> {
    const SQL: &str = "SELECT * FROM operators ORDER BY email";
    on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await)
}

/// Every operator, unchanged by others until the transaction ends.
pub async fn lock(conn: &mut Conn) -> Result<Vec<Operator>, DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            const SQL: &str = "SELECT * FROM operators ORDER BY email FOR UPDATE";
            sqlx::query_as(SQL).fetch_all(c).await
        }
        // Whoever writes is alone.
        Dialect::Sqlite(_) => list(conn).await,
    }
}

/// The operator of an address in lower case.
pub async fn find(conn: &mut Conn, email: &str) -> Result<Option<Operator>, DbError> {
    const SQL: &str = "SELECT * FROM operators WHERE email = $1";
    on!(conn, |c| sqlx::query_as(SQL).bind(email).fetch_optional(c).await)
}

/// Shuts an operator out, or lets them in again.
pub async fn set_disabled_at(
    conn: &mut Conn,
    id: &str,
    at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE operators SET disabled_at = $2 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await.map(|_| ()))
}

/// Lets an operator do more or less.
pub async fn set_role(conn: &mut Conn, id: &str, role: OperatorRole) -> Result<(), DbError> {
    const SQL: &str = "UPDATE operators SET role = $2 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(role.as_str()).execute(c).await.map(|_| ()))
}

/// Gives an operator another password.
pub async fn set_password(conn: &mut Conn, id: &str, hash: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE operators SET password_hash = $2 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(hash).execute(c).await.map(|_| ()))
}

/// A session, by the hash of its token, with whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    /// Whose.
    #[sqlx(flatten)]
    pub operator: Operator,
    /// When it was used last, to within a minute.
    pub seen_at: DateTime<Utc>,
    /// When it ends, whatever happens.
    pub expires_at: DateTime<Utc>,
}

/// Begins a session.
pub async fn begin_session(
    conn: &mut Conn,
    hash: &str,
    operator_id: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO operator_sessions (hash, operator_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)";
    on!(conn, |c| sqlx::query(SQL)
        .bind(hash)
        .bind(operator_id)
        .bind(now)
        .bind(expires_at)
        .execute(c)
        .await
        .map(|_| ()))
}

/// The session of a hash, over or not.
pub async fn session(conn: &mut Conn, hash: &str) -> Result<Option<Session>, DbError> {
    const SQL: &str = "SELECT o.*, s.seen_at, s.expires_at FROM operator_sessions s JOIN operators o ON o.id = s.operator_id WHERE s.hash = $1";
    on!(conn, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await)
}

/// Notes that a session was used.
pub async fn note_seen(conn: &mut Conn, hash: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE operator_sessions SET seen_at = $2 WHERE hash = $1";
    on!(conn, |c| sqlx::query(SQL).bind(hash).bind(now).execute(c).await.map(|_| ()))
}

/// Ends a session.
pub async fn end_session(conn: &mut Conn, hash: &str) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM operator_sessions WHERE hash = $1";
    on!(conn, |c| sqlx::query(SQL).bind(hash).execute(c).await.map(|_| ()))
}

/// Ends every session of an operator.
pub async fn end_sessions(conn: &mut Conn, operator_id: &str) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM operator_sessions WHERE operator_id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(operator_id).execute(c).await.map(|_| ()))
}

/// Counts a try to sign in against a subject, in windows that begin with the first; answers with the tries in this one and its start.
/// Counted before the password is looked at, so that many tries at a time are as few as one after another.
pub async fn count_try(
    conn: &mut Conn,
    subject: &str,
    window_began_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(i64, DateTime<Utc>), DbError> {
    const SQL: &str = "INSERT INTO sign_in_failures (subject, count, since) VALUES ($1, 1, $2)
         ON CONFLICT (subject) DO UPDATE SET count = CASE WHEN sign_in_failures.since > $3 THEN sign_in_failures.count + 1 ELSE 1 END,
           since = CASE WHEN sign_in_failures.since > $3 THEN sign_in_failures.since ELSE excluded.since END
         RETURNING count, since";
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(subject)
        .bind(now)
        .bind(window_began_after)
        .fetch_one(c)
        .await)
}

/// Takes back a try that was none: the password was right.
pub async fn forgive_try(conn: &mut Conn, subject: &str) -> Result<(), DbError> {
    const SQL: &str =
        "UPDATE sign_in_failures SET count = count - 1 WHERE subject = $1 AND count > 0";
    on!(conn, |c| sqlx::query(SQL).bind(subject).execute(c).await.map(|_| ()))
}

/// Forgets what was counted against a subject.
pub async fn forget_tries(conn: &mut Conn, subject: &str) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM sign_in_failures WHERE subject = $1";
    on!(conn, |c| sqlx::query(SQL).bind(subject).execute(c).await.map(|_| ()))
}

/// Notes that a form was sent; `false` if it was before.
pub async fn note_form(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    const SQL: &str =
        "INSERT INTO operator_forms (id, sent_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    let written =
        on!(conn, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(written == 1)
}

/// Throws away sessions that are over, and forms and tries from before an instant; answers with how many.
pub async fn prune(
    conn: &mut Conn,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    const SESSIONS: &str = "DELETE FROM operator_sessions WHERE hash IN (SELECT hash FROM operator_sessions WHERE expires_at <= $1 LIMIT 1000)";
    const FORMS: &str = "DELETE FROM operator_forms WHERE id IN (SELECT id FROM operator_forms WHERE sent_at <= $1 LIMIT 1000)";
    const TRIES: &str = "DELETE FROM sign_in_failures WHERE subject IN (SELECT subject FROM sign_in_failures WHERE since <= $1 LIMIT 1000)";
    let mut gone = 0;
    for (sql, at) in [(SESSIONS, now), (FORMS, before), (TRIES, before)] {
        gone += on!(conn, |c| sqlx::query(sql).bind(at).execute(c).await?.rows_affected());
    }
    Ok(gone)
}
