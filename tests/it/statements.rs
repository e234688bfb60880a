//! Every SQL statement of the sources is prepared against both migrated databases, so that a typo fails here and not at night.

use std::fmt::Write;

use pivotal_reminders::db::Db;
use rstest::rstest;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use super::architecture::{rust_files, sources};
use super::support::db::{Backend, TestDb};
use super::support::sql::{Macros, Statement, statements};
use super::support::stage::Stage;

/// Where SQL may stand.
const PLACES: [&str; 5] = ["store", "scheduler", "queue", "db", "cli"];

fn everything(places: &[&str]) -> Vec<Statement> {
    let mut macros = Macros::default();
    for file in rust_files(&sources()) {
        macros.read(&std::fs::read_to_string(file).unwrap());
    }
    let mut found = Vec::new();
    for file in rust_files(&sources()) {
        let inside = file.strip_prefix(sources()).unwrap().display().to_string();
        if places.is_empty() || places.iter().any(|place| inside.starts_with(place)) {
            let source = std::fs::read_to_string(&file).unwrap();
            found.extend(statements(&inside, &source, &macros));
        }
    }
    found
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_statement_fits_the_schema(#[case] backend: Backend) {
    let db = TestDb::new(backend).await;
    let mut faults = String::new();
    let mut count = 0;
    for statement in everything(&PLACES) {
        let sql = AssertSqlSafe(statement.sql.clone()).into_sql_str();
        let result = match &db.db {
            Db::Postgres(pool) if statement.is_for_postgres() => {
                pool.acquire().await.unwrap().prepare(sql).await.map(drop)
            }
            Db::Sqlite { read, .. } if statement.is_for_sqlite() => {
                read.acquire().await.unwrap().prepare(sql).await.map(drop)
            }
            _ => continue,
        };
        count += 1;
        if let Err(error) = result
            && !lacks_only_types(&error)
        {
            writeln!(faults, "{}: {error}\n    {}", statement.file, statement.sql).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(count > 100, "only {count} statements were found");
}

/// PostgreSQL has understood all names and misses the type of a parameter, which the real call sends along.
fn lacks_only_types(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|e| e.message().starts_with("could not determine data type of parameter"))
}

#[test]
fn sql_stands_only_where_this_test_looks() {
    let elsewhere: Vec<Statement> = everything(&[])
        .into_iter()
        .filter(|statement| !PLACES.iter().any(|place| statement.file.starts_with(place)))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn every_way_to_write_a_statement_is_found() {
    let source = r#"
        /// SELECT this is prose
        const WHAT: &str = "id, name";
        const ALL: &str = const_str::concat!("SELECT ", WHAT, " FROM users");
        macro_rules! finders { ($row:ty, $select:literal) => { concat!($select, " WHERE id = $1"); }; }
        macro_rules! all { () => { "SELECT name FROM users" }; }
        finders!(User, "SELECT * FROM users");
        fn f() {
            const SQL: &str = "DELETE FROM users \
                WHERE id = $1";
            on!(conn, |c| sqlx::query("UPDATE users SET name = 'a'").execute(c).await?);
            fetch_by_ids!(conn, (i64,), "SELECT count(*) FROM users WHERE id", ids, " AND active = $2", true)?;
            fetch_locked!(conn, User, "SELECT 1 FROM users", id)?;
            fetch_by_ids!(conn, User, concat!(all!(), " WHERE id"), ids, "")?;
            bail!("UPDATE");
        }
    "#;
    let mut macros = Macros::default();
    macros.read(source);
    let found = statements("x.rs", source, &macros);
    let found: Vec<&str> = found.iter().map(|statement| statement.sql.as_str()).collect();
    insta::assert_debug_snapshot!(found, @r#"
    [
        "SELECT id, name FROM users",
        "SELECT * FROM users WHERE id = $1",
        "SELECT * FROM users WHERE id = $1 FOR UPDATE",
        "DELETE FROM users WHERE id = $1",
        "UPDATE users SET name = 'a'",
        "SELECT count(*) FROM users WHERE id = ANY($1) AND active = $2",
        "SELECT count(*) FROM users WHERE id IN (SELECT value FROM json_each($1)) AND active = $2",
        "SELECT 1 FROM users FOR UPDATE",
        "SELECT 1 FROM users",
        "SELECT name FROM users WHERE id = ANY($1)",
        "SELECT name FROM users WHERE id IN (SELECT value FROM json_each($1))",
    ]
    "#);
}

/// Tables that grow for as long as the service runs, by the names that statements give them.
const GROWING: [&str; 5] =
    ["notifications", "notification_items", "attempts", "messages", "audit_log"];

/// SQLite counts no rows before it chooses a plan, so it chooses the same for a million.
#[tokio::test]
async fn no_statement_reads_a_growing_table_as_a_whole_on_sqlite() {
    let db = TestDb::new(Backend::Sqlite).await;
    let Db::Sqlite { read, .. } = &db.db else { panic!("an SQLite test") };
    let mut whole = String::new();
    for statement in everything(&PLACES).into_iter().filter(Statement::is_for_sqlite) {
        // What a demo counts is its own.
        if statement.file == "cli/demo_data.rs" {
            continue;
        }
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.sql)).into_sql_str();
        let plan: Result<Vec<(i64, i64, i64, String)>, _> =
            sqlx::query_as(sql).fetch_all(read).await;
        for (_, _, _, step) in plan.unwrap_or_default() {
            // The index of what is open holds little, however much has ended.
            let Some(table) = step.strip_prefix("SCAN ").filter(|s| !s.ends_with("_open")) else {
                continue;
            };
            let name = table.split(' ').next().unwrap_or_default();
            let grows = GROWING.iter().any(|growing| {
                name == *growing || statement.sql.contains(&format!("{growing} {name} "))
            });
            if grows {
                writeln!(whole, "{}: {step}\n    {}", statement.file, statement.sql).unwrap();
            }
        }
    }
    assert!(whole.is_empty(), "{whole}");
}

/// How often a table has been read as a whole so far; without those that have a row for each process, queue or workspace.
async fn read_as_a_whole(stage: &Stage) -> Vec<(String, i64)> {
    let Db::Postgres(pool) = stage.app.db() else { panic!("PostgreSQL counts them") };
    sqlx::query_as("SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'public'
           AND relname NOT IN ('channel_pauses', 'queue_pauses', 'processes', 'workspaces') ORDER BY relname")
        .fetch_all(pool)
        .await
        .unwrap()
}

/// A plan made while the tables are small is kept when they have grown.
#[tokio::test]
async fn passes_and_deliveries_find_their_rows_by_index_however_small_the_tables_are() {
    let stage = Stage::mail_only(Backend::Postgres).await;
    for customer in ["Halden Freight", "Osterby Clinics", "Brannoch Energy"] {
        stage.onboard(customer, json!({})).await;
    }
    let before = read_as_a_whole(&stage).await;
    stage.scan("2026-06-04T07:00:00Z").await;
    stage.drain("2026-06-04T07:00:10Z").await;
    assert_eq!(stage.relay.accepted_count(), 1);
    let after = read_as_a_whole(&stage).await;
    let whole: Vec<_> =
        before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(whole.is_empty(), "read as a whole: {whole:?}");
}
