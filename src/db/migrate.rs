//! Migrations: ours, and those of apalis, under one lock.

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, Row};

use super::{Db, DbError};
use crate::on;

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// Advisory lock under which PostgreSQL is migrated; any number, as long as it is always the same.
const MIGRATION_LOCK: i64 = 0x5049_564f_5441_4c00;

/// How the schema of a database relates to this binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// They fit.
    Current,
    /// Migrations are missing; holds the schema's version.
    Behind(i64),
    /// A newer binary has migrated it; holds the schema's version.
    Ahead(i64),
}

impl Db {
    /// Brings the schema up to date. Safe to call from several processes at once; a schema newer than this binary is left alone
    /// and answered with an error.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        if let SchemaState::Ahead(version) = self.schema_state().await? {
            return Err(MigrateError::VersionNotPresent(version));
        }
        match self {
            Self::Postgres(pool) => {
                let mut conn = pool.acquire().await?;
                sqlx::query("SET statement_timeout = 0").execute(&mut *conn).await?;
                sqlx::query("SET lock_timeout = 0").execute(&mut *conn).await?;
                sqlx::query("SELECT pg_advisory_lock($1)")
                    .bind(MIGRATION_LOCK)
                    .execute(&mut *conn)
                    .await?;
                let result = async {
                    PostgresStorage::<()>::migrations().run(&mut *conn).await?;
                    POSTGRES.run(&mut *conn).await
                }
                .await;
                // A connection with a lock or other timeouts must not go back to the pool.
                conn.detach().close().await?;
                result
            }
            Self::Sqlite { write, .. } => {
                let mut conn = write.acquire().await?;
                let mut apalis = SqliteStorage::<()>::migrations();
                apalis.dangerous_set_table_name("_apalis_migrations");
                retry_when_locked(async || apalis.run(&mut *conn).await).await?;
                retry_when_locked(async || SQLITE.run(&mut *conn).await).await?;
                // Measured: with this index SQLite acknowledges in time quadratic to the finished jobs (engineering.md §3).
                sqlx::query("DROP INDEX IF EXISTS LIdx").execute(&mut *conn).await?;
                Ok(())
            }
        }
    }

    /// Compares the schema with the migrations in this binary.
    pub async fn schema_state(&self) -> Result<SchemaState, DbError> {
        let newest = self.migrator().iter().map(|m| m.version).max().unwrap_or_default();
        let exists = match self {
            Self::Postgres(_) => {
                "SELECT count(*) FROM information_schema.tables WHERE table_name = '_sqlx_migrations' AND table_schema = current_schema()"
            }
            Self::Sqlite { .. } => {
                "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'"
            }
        };
        let mut conn = self.read().await?;
        let tables: i64 = on!(conn, |c| sqlx::query(exists).fetch_one(c).await?.get(0));
        if tables == 0 {
            return Ok(SchemaState::Behind(0));
        }
        let applied: Option<i64> =
            on!(conn, |c| sqlx::query("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(c)
                .await?
                .get(0));
        let applied = applied.unwrap_or_default();
        Ok(match applied.cmp(&newest) {
            std::cmp::Ordering::Equal => SchemaState::Current,
            std::cmp::Ordering::Less => SchemaState::Behind(applied),
            std::cmp::Ordering::Greater => SchemaState::Ahead(applied),
        })
    }

    const fn migrator(&self) -> &'static Migrator {
        match self {
            Self::Postgres(_) => &POSTGRES,
            Self::Sqlite { .. } => &SQLITE,
        }
    }
}

/// SQLite has no advisory lock: two processes that migrate an empty file at once may meet a busy database, or find a table that
/// the other has just made. Both pass when tried again.
async fn retry_when_locked(
    mut run: impl AsyncFnMut() -> Result<(), MigrateError>,
) -> Result<(), MigrateError> {
    for _ in 0..50 {
        match run().await {
            Ok(()) => return Ok(()),
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) => {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            Err(other) => return Err(other),
        }
    }
    run().await
}
