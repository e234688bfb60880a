//! A migrated database of its own for every test, on either backend.

use std::time::Duration;

use pivotal_reminders::db::{Db, DbOptions};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

/// Which database a test runs on; every test of the database runs on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A temporary file.
    Sqlite,
    /// A database of the server at `TEST_DATABASE_URL`.
    Postgres,
}

/// A migrated database that is gone when the test is over.
pub(crate) struct TestDb {
    /// The database, ready for use.
    pub db: Db,
    /// Its `DATABASE_URL`, for processes that a test starts.
    pub url: String,
    _garbage: Garbage,
}

/// What is thrown away at the end of a test.
enum Garbage {
    Folder(#[expect(dead_code, reason = "held for its Drop")] tempfile::TempDir),
    Database { server: String, name: String },
}

impl TestDb {
    /// A fresh database.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with_connections(backend, 5).await
    }

    /// A database that nobody has migrated.
    pub(crate) async fn empty(backend: Backend) -> Self {
        let (url, garbage) = match backend {
            Backend::Sqlite => file(),
            Backend::Postgres => bare().await,
        };
        Self { db: open(&url, 2).await, url, _garbage: garbage }
    }

    /// A fresh database with a pool of the given size.
    pub(crate) async fn with_connections(backend: Backend, connections: u32) -> Self {
        let (url, garbage) = match backend {
            Backend::Sqlite => file(),
            Backend::Postgres => postgres().await,
        };
        let db = open(&url, connections).await;
        if backend == Backend::Sqlite {
            db.migrate().await.unwrap();
        }
        Self { db, url, _garbage: garbage }
    }
}

/// Opens a database as the service does.
pub(crate) async fn open(url: &str, connections: u32) -> Db {
    let options = DbOptions {
        url: url.to_owned(),
        connections,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        steady_plans: false,
        create: true,
    };
    Db::open(&options).await.unwrap()
}

/// Any number, as long as it is always the same.
const TEMPLATE_LOCK: i64 = 0x5445_4d50_4c41_5445;

fn file() -> (String, Garbage) {
    let folder = tempfile::tempdir().unwrap();
    (format!("sqlite://{}", folder.path().join("test.db").display()), Garbage::Folder(folder))
}

fn server() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("TEST_DATABASE_URL is not set; run the tests with scripts/with-postgres, which starts a throw-away PostgreSQL")
    })
}

fn fresh_name() -> String {
    format!("pivotal_test_{:032x}", rand::random::<u128>())
}

async fn bare() -> (String, Garbage) {
    let (server, name) = (server(), fresh_name());
    let mut admin = connect(&server).await;
    run(&mut admin, format!("CREATE DATABASE {name}")).await;
    admin.close().await.unwrap();
    (url_of(&server, &name), Garbage::Database { server, name })
}

/// Clones a database from the migrated template, which whoever comes first makes: nextest runs every test in a process of its own.
async fn postgres() -> (String, Garbage) {
    let server = server();
    let mut admin = connect(&server).await;
    let template = format!("pivotal_template_{}", fingerprint());
    let name = fresh_name();
    admin.execute(sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK)).await.unwrap();
    let (exists,): (bool,) =
        sqlx::query_as("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(&template)
            .fetch_one(&mut admin)
            .await
            .unwrap();
    if !exists {
        // Under another name until it is complete, so that a crash leaves no half template.
        let draft = format!("{template}_draft");
        run(&mut admin, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
        run(&mut admin, format!("CREATE DATABASE {draft}")).await;
        let db = open(&url_of(&server, &draft), 2).await;
        db.migrate().await.unwrap();
        db.close().await;
        run(&mut admin, format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
    }
    // Cloning needs the template to itself, so it stays under the lock.
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    admin.close().await.unwrap();
    (url_of(&server, &name), Garbage::Database { server, name })
}

async fn connect(url: &str) -> PgConnection {
    match PgConnection::connect(url).await {
        Ok(conn) => conn,
        Err(error) => panic!("no PostgreSQL at TEST_DATABASE_URL: {error}"),
    }
}

async fn run(conn: &mut PgConnection, statement: String) {
    conn.execute(AssertSqlSafe(statement)).await.unwrap();
}

/// The URL of another database of the same server.
fn url_of(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, None), |(b, q)| (b, Some(q)));
    let host = base
        .rfind('/')
        .filter(|slash| *slash > "postgres://".len())
        .map_or(base, |slash| &base[..slash]);
    match query {
        Some(query) => format!("{host}/{name}?{query}"),
        None => format!("{host}/{name}"),
    }
}

/// Tells migrations apart, so that a template of older ones is never cloned.
fn fingerprint() -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(std::fs::read(file).unwrap());
    }
    format!("{:016x}", u64::from_be_bytes(hash.finalize()[..8].try_into().unwrap()))
}

impl Drop for Garbage {
    fn drop(&mut self) {
        let Self::Database { server, name } = self else { return };
        let (server, name) = (server.clone(), name.clone());
        // Drop is not async, and the test's own runtime may be ending.
        let cleaner = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut admin = connect(&server).await;
                run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        let _ = cleaner.join();
    }
}

impl TestDb {
    /// The rows of a query as JSON objects, whatever the backend: how a test reads what no surface shows.
    pub async fn rows(&self, sql: &str) -> Vec<serde_json::Value> {
        match &self.db {
            Db::Postgres(pool) => {
                let sql = format!("SELECT to_jsonb(t) FROM ({sql}) t");
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
            }
            Db::Sqlite { read, .. } => {
                let rows =
                    sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(read).await.unwrap();
                rows.iter().map(json_row).collect()
            }
        }
    }

    /// Writes what no surface can: yesterday's state, a setting without a screen.
    pub async fn execute(&self, sql: &str) {
        let mut conn = self.db.begin().await.unwrap();
        let sql = AssertSqlSafe(sql.to_owned());
        pivotal_reminders::on!(conn, |c| {
            sqlx::query(sql).execute(c).await.map(drop).unwrap();
        });
        conn.commit().await.unwrap();
    }

    /// One more CSM in the only workspace, without the price of a process.
    pub async fn user(&self, email: &str) -> String {
        use pivotal_reminders::store::audit::Author;
        use pivotal_reminders::store::directory;
        use pivotal_reminders::store::users::{self, NewUser};
        let mut conn = self.db.begin().await.unwrap();
        let workspace = directory::workspaces(&mut conn).await.unwrap().remove(0);
        let new = NewUser {
            workspace_id: &workspace.id,
            name: email,
            email,
            time_zone: None,
            slack_user_id: None,
        };
        let user = users::create(
            &mut conn,
            &Author::system(),
            new,
            pivotal_reminders::clock::Clock::System.now(),
        )
        .await
        .unwrap();
        conn.commit().await.unwrap();
        user.id
    }
}

fn json_row(row: &sqlx::sqlite::SqliteRow) -> serde_json::Value {
    use sqlx::{Column, Row, TypeInfo, ValueRef};
    let mut object = serde_json::Map::new();
    for column in row.columns() {
        let name = column.name();
        let raw = row.try_get_raw(name).unwrap();
        let value = match raw.type_info().name() {
            _ if raw.is_null() => serde_json::Value::Null,
            "INTEGER" | "BOOLEAN" => row.get::<i64, _>(name).into(),
            "REAL" => row.get::<f64, _>(name).into(),
            _ => row.get::<String, _>(name).into(),
        };
        object.insert(name.to_owned(), value);
    }
    object.into()
}
