//! Two databases, one body of SQL.
//!
//! [`Db`] is a handle to either; [`Conn`] is one connection or transaction of either. A statement is written once, with `$1`
//! parameters, and run through `on!`, which type-checks it natively against both drivers. Only what truly differs (bulk
//! statements, row locks) is a named pair, chosen with [`Conn::dialect`].
//!
//! Errors: every function here and in `store` answers with [`DbError`]; a conflict is told from an outage by [`is_conflict`].

pub mod checkpoint;
mod migrate;

use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection,
    SqlitePool, Transaction,
};

use crate::telemetry::metrics;
pub use migrate::SchemaState;
pub use sqlx::Error as DbError;

/// How long a connection that worked is taken to be alive without asking it.
const PROVEN: Duration = Duration::from_secs(1);

/// The longest that anybody waits for the lock of an SQLite file: whoever asks over HTTP must hear in time that it is taken.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// See [`DbOptions::steady_plans`].
const STEADY_PLANS: [(&str, &str); 2] =
    [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];

/// A database that is ready for use.
#[derive(Clone, Debug)]
pub enum Db {
    /// The database to grow with: any number of processes.
    Postgres(PgPool),
    /// The embedded database: one writer connection, because SQLite has one writer, and a pool of readers.
    Sqlite {
        /// The only connection that writes.
        write: SqlitePool,
        /// Connections that read, beside the writer.
        read: SqlitePool,
    },
}

/// One connection, inside a transaction or not, of either database.
#[derive(Debug)]
pub enum Conn {
    /// A PostgreSQL connection out of its pool.
    PostgresIdle(PoolConnection<Postgres>),
    /// A PostgreSQL transaction.
    PostgresTx(Transaction<'static, Postgres>),
    /// An SQLite reader out of its pool.
    SqliteIdle(PoolConnection<Sqlite>),
    /// An SQLite write transaction.
    SqliteTx(Transaction<'static, Sqlite>),
}

/// The native connection inside a [`Conn`].
#[derive(Debug)]
pub enum Dialect<'a> {
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
}

/// Runs one expression against whichever database the connection belongs to: `on!(conn, |c| sqlx::query(SQL).execute(c).await)`.
#[macro_export]
macro_rules! on {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn.dialect() {
            $crate::db::Dialect::Postgres($c) => $body,
            $crate::db::Dialect::Sqlite($c) => $body,
        }
    };
}

/// Fetches the rows whose column is in a list of ids: `head` ends with the column, `$2`… follow in `tail`. The list is an array for
/// PostgreSQL and JSON for SQLite, the one way to pass it in a single parameter to each.
#[macro_export]
macro_rules! fetch_by_ids {
    ($conn:expr, $row:ty, $head:expr, $ids:expr, $tail:literal $(, $bind:expr)*) => {
        match $conn.dialect() {
            $crate::db::Dialect::Postgres(c) => {
                sqlx::query_as::<_, $row>(concat!($head, " = ANY($1)", $tail))
                    .bind($ids)$(.bind($bind))*.fetch_all(c).await
            }
            $crate::db::Dialect::Sqlite(c) => {
                sqlx::query_as::<_, $row>(concat!($head, " IN (SELECT value FROM json_each($1))", $tail))
                    .bind($crate::db::json_list($ids))$(.bind($bind))*.fetch_all(c).await
            }
        }
    };
}

/// A list of ids as the JSON array that SQLite's `json_each` reads.
#[must_use]
pub fn json_list<S: AsRef<str>>(ids: &[S]) -> String {
    ids.iter().map(AsRef::as_ref).collect::<serde_json::Value>().to_string()
}

impl Conn {
    /// The native connection, for a statement that differs between the two.
    pub fn dialect(&mut self) -> Dialect<'_> {
        match self {
            Self::PostgresIdle(conn) => Dialect::Postgres(conn),
            Self::PostgresTx(tx) => Dialect::Postgres(tx),
            Self::SqliteIdle(conn) => Dialect::Sqlite(conn),
            Self::SqliteTx(tx) => Dialect::Sqlite(tx),
        }
    }

    /// Commits a transaction; a plain connection has nothing to commit.
    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::PostgresTx(tx) => tx.commit().await,
            Self::SqliteTx(tx) => tx.commit().await,
            Self::PostgresIdle(_) | Self::SqliteIdle(_) => Ok(()),
        }
    }
}

/// How a database is opened. Not `Debug`: the URL may hold a password.
#[derive(Clone)]
pub struct DbOptions {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// Connections of the pool (PostgreSQL), readers (SQLite).
    pub connections: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run (PostgreSQL), or wait for another process's lock (SQLite).
    pub statement_timeout: Duration,
    /// Plan a statement once, for any values, and by its index (PostgreSQL): for what runs the same few statements all day. Left to itself
    /// PostgreSQL plans lists of ids anew each time, which costs a quarter of its work; and a plan that is kept must not be one that was made
    /// when the tables were small enough to be read as a whole.
    pub steady_plans: bool,
    /// Make an SQLite file, and its folder, where there is none. Whoever only looks must not: a mistyped path would become an empty database.
    pub create: bool,
}

/// Why a database cannot be used, in one line that says what to do. Never contains a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not one of ours.
    #[error("DATABASE_URL: {0}")]
    Url(String),
    /// There is no SQLite file.
    #[error("DATABASE_URL: there is no database at {0}; `pivotal-reminders migrate` makes one")]
    Missing(String),
    /// The database did not answer.
    #[error("DATABASE_URL: cannot open the database {target}: {cause}")]
    Unreachable {
        /// Host and database, or path.
        target: String,
        /// What the driver said.
        cause: String,
    },
}

impl Db {
    /// Opens the database.
    pub async fn open(options: &DbOptions) -> Result<Self, OpenError> {
        let url = options.url.as_str();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(options).await
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(options, path).await
        } else {
            let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
            Err(OpenError::Url(format!(
                "{scheme:?} is no database this service knows; use sqlite://path or postgres://user:password@host/name"
            )))
        }
    }

    async fn open_postgres(options: &DbOptions) -> Result<Self, OpenError> {
        let connect = PgConnectOptions::from_str(&options.url)
            .map_err(|_| {
                OpenError::Url(
                    "cannot be read; write postgres://user:password@host:5432/name".to_owned(),
                )
            })?
            .application_name("pivotal-reminders")
            .options([
                ("statement_timeout", millis(options.statement_timeout)),
                ("lock_timeout", millis(options.statement_timeout / 2)),
                ("idle_in_transaction_session_timeout", millis(options.statement_timeout * 2)),
                ("tcp_keepalives_idle", "30".to_owned()),
                ("tcp_keepalives_interval", "5".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
                ("TimeZone", "UTC".to_owned()),
                // Our statements are short; compiling one costs more than running it, and fresh tables look expensive to the planner.
                ("jit", "off".to_owned()),
            ])
            .options(STEADY_PLANS.iter().copied().filter(|_| options.steady_plans))
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(2));
        let target = format!(
            "{}:{}/{}",
            connect.get_host(),
            connect.get_port(),
            connect.get_database().unwrap_or("")
        );
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.acquire_timeout)
            // Asking every connection whether it lives would add a round trip to each transaction; one that was used a moment ago does.
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if meta.idle_for >= PROVEN {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(connect)
            .await
            .map_err(|error| unreachable_because(target, &error))?;
        Ok(Self::Postgres(pool))
    }

    async fn open_sqlite(options: &DbOptions, path: &str) -> Result<Self, OpenError> {
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        if path.is_empty() || path.contains(":memory:") {
            return Err(OpenError::Url(
                "an SQLite database needs a file; write sqlite://data/pivotal.db".to_owned(),
            ));
        }
        let cannot = |error: &dyn std::fmt::Display| OpenError::Unreachable {
            target: path.to_owned(),
            cause: format!("{error}; check that the folder exists and may be written"),
        };
        if !options.create {
            if !std::path::Path::new(path).exists() {
                return Err(OpenError::Missing(path.to_owned()));
            }
        } else if let Some(folder) = std::path::Path::new(path).parent()
            && !folder.as_os_str().is_empty()
        {
            std::fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
        }
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(options.create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.statement_timeout.min(LOCK_PATIENCE))
            .pragma("temp_store", "memory")
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", checkpoint::AT_LAST)
            .statement_cache_capacity(256)
            // A reader that has to wait for whoever asked, row by row, is awakened row by row.
            .row_buffer_size(1024)
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(2));
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(1)
                .acquire_timeout(options.acquire_timeout)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                // On a full disk SQLite rolls back by itself, after which the driver takes the connection for one within a transaction,
                // for ever. Such a one is closed, and the next is new.
                .after_release(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
        };
        // What the writer has read stays true, as nobody else writes. A reader's pages are forgotten at every commit of the writer: room for
        // more of them than one statement reads would only be memory.
        let writer = connect.clone().pragma("cache_size", "-4096");
        let write = pool(1).connect_with(writer).await.map_err(|error| cannot(&error))?;
        let read = pool(options.connections.max(2))
            .connect_with(connect.pragma("cache_size", "-512"))
            .await
            .map_err(|error| cannot(&error))?;
        Ok(Self::Sqlite { write, read })
    }

    /// A connection to read with.
    pub async fn read(&self) -> Result<Conn, DbError> {
        let asked = Instant::now();
        let conn = match self {
            Self::Postgres(pool) => pool.acquire().await.map(Conn::PostgresIdle),
            Self::Sqlite { read, .. } => read.acquire().await.map(Conn::SqliteIdle),
        };
        metrics::acquired("read", asked.elapsed());
        conn
    }

    /// A connection that sees everything as of one moment. On SQLite a transaction, within which no page is read twice, whoever writes
    /// meanwhile; on PostgreSQL an ordinary connection, as beginning and ending would be two more round trips.
    pub async fn snapshot(&self) -> Result<Conn, DbError> {
        match self {
            Self::Postgres(_) => self.read().await,
            Self::Sqlite { read, .. } => read.begin().await.map(Conn::SqliteTx),
        }
    }

    /// A transaction that may write. On SQLite it takes the write lock at once, so that reading first cannot end in a dead lock.
    pub async fn begin(&self) -> Result<Conn, DbError> {
        let asked = Instant::now();
        let conn = match self {
            Self::Postgres(pool) => pool.begin().await.map(Conn::PostgresTx),
            Self::Sqlite { write, .. } => {
                write.begin_with("BEGIN IMMEDIATE").await.map(Conn::SqliteTx)
            }
        };
        metrics::acquired("write", asked.elapsed());
        conn
    }

    /// A connection for one writing statement. On PostgreSQL the statement is its own transaction and is committed when it returns, which
    /// saves two round trips; on SQLite it is an ordinary transaction, because the one writer is locked by beginning.
    pub async fn statement(&self) -> Result<Conn, DbError> {
        match self {
            Self::Postgres(_) => self.read().await,
            Self::Sqlite { .. } => self.begin().await,
        }
    }

    /// How many connections are open, and how many of them nobody uses.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let open = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
        match self {
            Self::Postgres(pool) => (open(pool.size()), pool.num_idle()),
            Self::Sqlite { write, read } => {
                (open(write.size()) + open(read.size()), write.num_idle() + read.num_idle())
            }
        }
    }

    /// Name of the dialect, as in `migrations/`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Sqlite { .. } => "sqlite",
        }
    }

    /// Closes every connection; used at the end of a process.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// One line about a failed connect: the driver's words, without the connection string.
fn unreachable_because(target: String, error: &DbError) -> OpenError {
    let cause = match error {
        DbError::PoolTimedOut => "no answer in time; is the server running there?".to_owned(),
        DbError::Database(error) => error.message().to_owned(),
        DbError::Io(error) => format!("{error}; is the server running there?"),
        other => other.to_string(),
    };
    OpenError::Unreachable { target, cause: cause.lines().collect::<Vec<_>>().join(" ") }
}

/// Whether a statement failed on a unique key.
#[must_use]
pub fn is_conflict(error: &DbError) -> bool {
    matches!(error, DbError::Database(error) if error.is_unique_violation())
}

/// An instant as sqlx writes it into an SQLite text column, for bulk statements that pass rows as JSON.
#[must_use]
pub fn sqlite_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
