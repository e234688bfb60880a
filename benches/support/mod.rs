//! What the benchmarks share: throw-away databases, a load that looks like the service's own writing, figures about a process.

pub(crate) mod history;
pub(crate) mod options;
pub(crate) mod seed;

use std::path::PathBuf;

use anyhow::{Context, bail};
use pivotal_reminders::app::App;
use pivotal_reminders::clock::Clock;
use pivotal_reminders::config::Config;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};

/// Which database a measurement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// A database of its own, gone after [`Database::drop_now`].
pub(crate) struct Database {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    name: String,
    folder: Option<tempfile::TempDir>,
}

/// A connection that seeds: no timeouts, no checks that the service would make.
pub(crate) enum Raw {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Raw {
    /// Runs one or more statements.
    pub(crate) async fn run(&mut self, sql: String) -> anyhow::Result<()> {
        let head: String = sql.chars().take(60).collect();
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Postgres(c) => sql.execute(c).await.map(|_| ()),
            Self::Sqlite(c) => sql.execute(c).await.map(|_| ()),
        }
        .with_context(|| head)
    }
}

/// The server on which databases are made; set by `scripts/bench`.
fn server() -> anyhow::Result<String> {
    std::env::var("TEST_DATABASE_URL").context(
        "TEST_DATABASE_URL is not set; run scripts/bench, which starts a PostgreSQL for it",
    )
}

impl Database {
    /// An empty database without any table.
    pub(crate) async fn empty(engine: Engine) -> anyhow::Result<Self> {
        let name = format!("bench_{:08x}", rand::random::<u32>());
        match engine {
            Engine::Postgres => {
                let server = server()?;
                let mut admin = PgConnection::connect(&server).await?;
                sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .execute(&mut admin)
                    .await?;
                let mut url = url::Url::parse(&server)?;
                url.set_path(&name);
                Ok(Self { engine, url: url.into(), name, folder: None })
            }
            Engine::Sqlite => {
                let folder = tempfile::tempdir()?;
                let url = format!("sqlite://{}", folder.path().join("pivotal.db").display());
                Ok(Self { engine, url, name, folder: Some(folder) })
            }
        }
    }

    /// A migrated database.
    pub(crate) async fn new(engine: Engine) -> anyhow::Result<Self> {
        let database = Self::empty(engine).await?;
        let app = database.app(Clock::System).await?;
        app.migrate().await?;
        app.db.close().await;
        Ok(database)
    }

    /// The service on this database, set up as a user would: by environment and flags.
    pub(crate) async fn app(&self, clock: Clock) -> anyhow::Result<App> {
        open(&self.url, clock).await
    }

    /// A connection past the service.
    pub(crate) async fn raw(&self) -> anyhow::Result<Raw> {
        Ok(match self.engine {
            Engine::Postgres => {
                let mut c = PgConnection::connect(&self.url).await?;
                // Seeding keeps the foreign keys by construction.
                sqlx::raw_sql(
                    "SET synchronous_commit = off; SET session_replication_role = replica",
                )
                .execute(&mut c)
                .await?;
                Raw::Postgres(c)
            }
            Engine::Sqlite => {
                let path = self.url.trim_start_matches("sqlite://");
                let mut c =
                    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await?;
                sqlx::raw_sql("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")
                    .execute(&mut c)
                    .await?;
                Raw::Sqlite(c)
            }
        })
    }

    /// Brings the database to rest: what was written before is on disk and known to the planner.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let statements: &[&str] = match self.engine {
            Engine::Postgres => &["VACUUM ANALYZE", "CHECKPOINT"],
            Engine::Sqlite => &["PRAGMA wal_checkpoint(TRUNCATE)"],
        };
        let mut raw = self.raw().await?;
        for statement in statements {
            raw.run((*statement).to_owned()).await?;
        }
        Ok(())
    }

    /// Removes it.
    pub(crate) async fn drop_now(self) -> anyhow::Result<()> {
        if self.engine == Engine::Postgres {
            let mut admin = PgConnection::connect(&server()?).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name)))
                .execute(&mut admin)
                .await?;
        }
        if let Some(folder) = self.folder {
            folder.close()?;
        }
        Ok(())
    }
}

/// The service on the database at `url`; every other setting comes from the environment.
pub(crate) async fn open(url: &str, clock: Clock) -> anyhow::Result<App> {
    App::create(Config::load(&[("database.url", url.to_owned())])?, clock).await
}

/// Figures that the kernel keeps about a process.
pub(crate) struct Process(PathBuf);

/// Ticks of the CPU times in `/proc`: the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

impl Process {
    pub(crate) fn this() -> Self {
        Self(PathBuf::from("/proc/self"))
    }

    pub(crate) fn of(id: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{id}")))
    }

    /// CPU seconds so far, user and system.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(self.0.join("stat"))?;
        // The name of the program stands in parentheses and may hold anything; fields are counted behind it.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else {
            bail!("cannot read CPU times")
        };
        Ok((user + system) / TICKS_PER_SECOND)
    }

    /// Resident memory in MB: `VmRSS` now, `VmHWM` at its peak.
    pub(crate) fn memory_mb(&self, field: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(self.0.join("status"))?;
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .with_context(|| format!("no {field} in the process's status"))?;
        Ok(kilobytes / 1000.0)
    }
}

/// CPU seconds so far of the PostgreSQL processes on this machine that serve a database.
pub(crate) fn server_cpu(database: &str) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let title = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let title = String::from_utf8_lossy(&title);
        if title.starts_with("postgres: ") && title.contains(database) {
            // One that has ended meanwhile is not counted.
            sum += Process::of(id).cpu_seconds().unwrap_or_default();
        }
    }
    Ok(sum)
}

/// The middle value; of two in the middle, their mean.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Whole numbers for people: 12,345.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
