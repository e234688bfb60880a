//! A database that is silent, locked, full, read-only, killed or not there.

use std::time::{Duration, Instant};

use pivotal_reminders::db::{Db, SchemaState};
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};

use super::checker::{check, is_well};
use crate::support::crowd::{count, due_now, mail_service, wait_for};
use crate::support::db::{Backend, TestDb, open};
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::proxy::freezable;
use crate::support::service::{PATIENCE, Running, Service};
use crate::support::{eventually, eventually_so};

/// The longest that a caller may wait for the answer that the database does not.
const IN_TIME: Duration = Duration::from_secs(11);

/// Tries to create a customer; answers with status and `Retry-After`.
async fn create(address: std::net::SocketAddr, key: &str, name: &str) -> (u16, bool, Duration) {
    let asked = Instant::now();
    let answer = reqwest::Client::new()
        .post(format!("http://{address}/api/v1/customers"))
        .bearer_auth(key)
        .json(&json!({ "name": name }))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.headers().contains_key("retry-after"), asked.elapsed())
}

async fn readyz(address: std::net::SocketAddr) -> u16 {
    reqwest::get(format!("http://{address}/readyz")).await.unwrap().status().as_u16()
}

/// `serve` with a key: the process, its address, the key.
async fn serve(service: &Service) -> (Running, std::net::SocketAddr, String) {
    let key = service.key("live").await;
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    (process, address, key)
}

#[tokio::test]
async fn fault_18_workers_behind_a_silent_network_go_on_when_it_speaks_again() {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_DATABASE__STATEMENT_TIMEOUT_SECONDS", "3");
    due_now(&service, 40).await;
    let (through, freeze) = freezable(&service.db.url).await;
    service.set("DATABASE_URL", &through);
    let slow = Do::Delay(Duration::from_millis(50), Box::new(Do::reply("250 2.0.0 ok")));
    relay.set_script(Script::new().on(At::Dot, slow));
    service.set("PIVOTAL_WORKER__IN_FLIGHT", "2");
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    eventually(PATIENCE, || relay.accepted().len() >= 5).await;
    freeze.send(true).unwrap();
    let asked = Instant::now();
    assert_eq!(readyz(address).await, 503);
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    // It has noticed by itself that nobody answers.
    eventually(PATIENCE, || process.log().contains("heartbeat failed")).await;
    freeze.send(false).unwrap();
    wait_for(&service, "state = 'sent'", 40).await;
    is_well(&process);
    check(&service, Some(&relay), None).await;
}

#[rstest]
#[case::four_seconds(4)]
#[case::twenty_seconds(20)]
#[tokio::test]
async fn fault_20_a_locked_file_makes_writers_wait_and_callers_come_back(#[case] seconds: u64) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Sqlite, &relay).await;
    due_now(&service, 30).await;
    let (process, address, key) = serve(&service).await;
    eventually(PATIENCE, || !relay.accepted().is_empty()).await;
    let Db::Sqlite { write, .. } = &service.db.db else { panic!("an SQLite test") };
    let mut locker = write.acquire().await.unwrap();
    locker.execute("BEGIN EXCLUSIVE").await.unwrap();
    let locked = Instant::now();
    let mut told = false;
    while locked.elapsed() < Duration::from_secs(seconds) {
        let (status, retry, took) = create(address, &key, "Osterby").await;
        assert!(took < Duration::from_secs(7), "{took:?}");
        if status == 503 {
            assert!(retry, "it says when to come back");
        } else {
            assert_eq!(status, 201, "the lock had just gone");
        }
        if seconds == 4 {
            break;
        }
        told |= readyz(address).await == 503;
    }
    assert!(told || seconds == 4, "reading works, but nothing else does");
    locker.execute("ROLLBACK").await.unwrap();
    drop(locker);
    let mut answer = (503, false, Duration::ZERO);
    while answer.0 == 503 {
        answer = create(address, &key, "Quillby").await;
    }
    assert_eq!(answer.0, 201);
    wait_for(&service, "state = 'sent'", 30).await;
    is_well(&process);
    assert_eq!(check(&service, Some(&relay), None).await, 30, "each once");
}

#[tokio::test]
async fn fault_21_a_full_disk_is_a_503_and_work_goes_on_when_there_is_room() {
    // A small file system in a name space of its own; the ballast in it is what an operator deletes.
    const SCRIPT: &str = r#"set -e
        mount -t tmpfs -o size=6m none "$1"
        "$2" migrate >/dev/null
        "$2" workspaces create --slug tally --name Tallybrook >/dev/null
        echo "KEY $("$2" keys create --workspace tally --name k --mode live --tier unlimited | tail -n 1)"
        exec "$2" serve"#;
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", SCRIPT, "sh"])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_pivotal-reminders"))
        .env("DATABASE_URL", format!("sqlite://{}/test.db", folder.path().display()))
        .env("LISTEN", "127.0.0.1:0");
    let process = Running::start(command);
    eventually(PATIENCE, || {
        process.log().contains("http://") || process.log().contains("unshare:")
    })
    .await;
    assert!(
        !process.log().contains("unshare:"),
        "this test needs user name spaces: {}",
        process.log()
    );
    let address = process.address().await;
    let key =
        process.log().lines().find_map(|l| l.strip_prefix("KEY ").map(str::to_owned)).unwrap();
    let inside = format!("/proc/{}/root{}", process.child.id().unwrap(), folder.path().display());
    let mut made = 0;
    assert_eq!(create(address, &key, "First").await.0, 201, "{}", process.log());
    // Everything that is free, and then what the log already had.
    let ballast = format!("{inside}/ballast");
    let fill = tokio::process::Command::new("sh")
        .args(["-c", "head -c 10m /dev/zero > $0", &ballast])
        .output();
    fill.await.unwrap();
    let mut refused = (201, false, Duration::ZERO);
    while refused.0 == 201 {
        refused = create(address, &key, &format!("Customer {made}")).await;
        made += 1;
        assert!(made < 10_000, "the disk is not full");
    }
    assert_eq!((refused.0, refused.1), (503, true));
    eventually_so(PATIENCE, async || readyz(address).await == 503).await;
    std::fs::remove_file(&ballast).unwrap();
    let mut answer = (503, false, Duration::ZERO);
    while answer.0 == 503 {
        answer = create(address, &key, "After").await;
    }
    assert_eq!(answer.0, 201, "{}", process.log());
    eventually_so(PATIENCE, async || readyz(address).await == 200).await;
    is_well(&process);
    // What was acknowledged is there, and the file is whole.
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(format!("{inside}/{name}"), folder.path().join(name)).unwrap();
    }
    let copy = open(&format!("sqlite://{}/test.db", folder.path().display()), 2).await;
    let Db::Sqlite { read, .. } = &copy else { panic!("an SQLite test") };
    let (whole,): (String,) =
        sqlx::query_as("PRAGMA integrity_check").fetch_one(read).await.unwrap();
    assert_eq!(whole, "ok");
    let (customers,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM customers").fetch_one(read).await.unwrap();
    assert_eq!(customers, 1 + (made - 1) + 1);
}

#[tokio::test]
async fn fault_22_what_was_acknowledged_survives_a_kill_and_is_on_the_disk() {
    let service = Service::new(Backend::Sqlite).await;
    service.workspace("Europe/Copenhagen").await;
    let (process, address, key) = serve(&service).await;
    let (sender, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (key, sender) = (key.clone(), sender.clone());
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                for n in 0.. {
                    let request = client
                        .post(format!("http://{address}/api/v1/customers"))
                        .bearer_auth(&key)
                        .json(&json!({ "name": format!("Customer {writer} {n}") }));
                    let Ok(answer) = request.send().await else { return };
                    let Ok(made) = answer.json::<Value>().await else { return };
                    let _ = sender.send(made["id"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    drop(sender);
    let mut ids = Vec::new();
    while ids.len() < 200 {
        ids.push(acknowledged.recv().await.unwrap());
    }
    process.kill().await;
    for writer in writers {
        writer.await.unwrap();
    }
    while let Some(id) = acknowledged.recv().await {
        ids.push(id);
    }
    // What a machine would find that lost its power: the files alone, opened by nobody who knew them before.
    let path = service.db.url.trim_start_matches("sqlite://");
    let folder = tempfile::tempdir().unwrap();
    for end in ["", "-wal"] {
        std::fs::copy(format!("{path}{end}"), folder.path().join(format!("test.db{end}"))).unwrap();
    }
    let copy = open(&format!("sqlite://{}/test.db", folder.path().display()), 2).await;
    let Db::Sqlite { read, write } = &copy else { panic!("an SQLite test") };
    let (whole,): (String,) =
        sqlx::query_as("PRAGMA integrity_check").fetch_one(read).await.unwrap();
    assert_eq!(whole, "ok");
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM customers").fetch_all(read).await.unwrap();
    for id in ids {
        assert!(rows.iter().any(|(found,)| *found == id), "{id} was answered with 201 and is gone");
    }
    // Every commit waits for the disk, on every connection that writes.
    let (synchronous,): (i64,) =
        sqlx::query_as("PRAGMA synchronous").fetch_one(write).await.unwrap();
    assert_eq!(synchronous, 2, "FULL");
}

/// A few pages of the log, which no commit would move by itself.
#[tokio::test]
async fn what_was_written_is_soon_in_the_database_file_itself_and_no_commit_had_to_move_it() {
    let service = Service::new(Backend::Sqlite).await;
    service.workspace("Europe/Copenhagen").await;
    let (_process, address, key) = serve(&service).await;
    assert_eq!(create(address, &key, "Halden Freight").await.0, 201);

    let path = service.db.url.trim_start_matches("sqlite://");
    eventually_so(PATIENCE, async || {
        let folder = tempfile::tempdir().unwrap();
        let alone = folder.path().join("alone.db");
        std::fs::copy(path, &alone).unwrap();
        let copy = open(&format!("sqlite://{}", alone.display()), 2).await;
        let Db::Sqlite { read, .. } = &copy else { panic!("an SQLite test") };
        // A copy taken while the log was moved may be torn.
        let found: Result<(i64,), _> =
            sqlx::query_as("SELECT count(*) FROM customers WHERE name = 'Halden Freight'")
                .fetch_one(read)
                .await;
        found.is_ok_and(|(customers,)| customers == 1)
    })
    .await;
}

#[tokio::test]
async fn fault_23_a_database_that_cannot_be_used_ends_the_start_with_one_line() {
    let mut service = Service::new(Backend::Postgres).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").unwrap();
    let not_a_database = folder.path().join("not-a.db");
    std::fs::write(&not_a_database, "x".repeat(5_000)).unwrap();
    let server = service.db.url.clone();
    let wrong_user = server.replace("postgres@", "nobody:hunter2@");
    let missing = format!("{}_missing", server.replace("postgres@", "postgres:hunter2@"));
    for url in [
        format!("sqlite://{}/test.db", file.display()),
        format!("sqlite://{}", not_a_database.display()),
        wrong_user,
        missing,
        "postgres://u:hunter2@127.0.0.1:9/x".to_owned(),
        "postgres://u:hunter2@nowhere.invalid/x".to_owned(),
    ] {
        service.set("DATABASE_URL", &url);
        let started = Instant::now();
        let said = service.run(&["serve"]).await;
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert_eq!((said.code, lines.len()), (1, 1), "{url}: {}", said.stderr);
        assert!(started.elapsed() < Duration::from_secs(7), "{url}: {:?}", started.elapsed());
        assert!(lines[0].contains("data") && !lines[0].contains("hunter2"), "{}", lines[0]);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_24_six_processes_migrate_an_empty_database_at_once(#[case] backend: Backend) {
    let db = TestDb::empty(backend).await;
    let service = Service::over(std::sync::Arc::new(db));
    let said = futures_util::future::join_all((0..6).map(|_| service.run(&["migrate"]))).await;
    for said in said {
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    assert_eq!(service.db.db.schema_state().await.unwrap(), SchemaState::Current);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_25_two_hundred_calls_on_a_small_pool_starve_no_heartbeat(#[case] backend: Backend) {
    let slow = Do::Delay(Duration::from_millis(20), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("PIVOTAL_DATABASE__CONNECTIONS", "2");
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    due_now(&service, 200).await;
    let (process, address, key) = serve(&service).await;
    eventually(PATIENCE, || relay.accepted().len() >= 5).await;
    let calls = (0..200).map(|n| {
        let key = key.clone();
        async move { create(address, &key, &format!("Customer {n}")).await }
    });
    for (status, retry, took) in futures_util::future::join_all(calls).await {
        assert!(status == 201 || (status == 503 && retry), "{status}");
        assert!(took < IN_TIME * 2, "{took:?}");
    }
    wait_for(&service, "state = 'sent'", 200).await;
    is_well(&process);
    let log = process.log();
    assert!(!log.contains("heartbeat failed") && !log.contains("declared dead"), "{log}");
    assert_eq!(check(&service, Some(&relay), None).await, 200, "each once");
}

#[tokio::test]
async fn fault_26_a_database_that_has_become_read_only_is_waited_for() {
    let slow = Do::Delay(Duration::from_millis(50), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__IN_FLIGHT", "2");
    due_now(&service, 60).await;
    let (process, address, key) = serve(&service).await;
    eventually(PATIENCE, || relay.accepted().len() >= 5).await;
    read_only(&service, "on").await;
    let refused = create(address, &key, "Osterby").await;
    assert_eq!((refused.0, refused.1), (503, true));
    // A worker cannot take what it cannot write down.
    eventually(PATIENCE, || {
        process.log().contains("cannot claim") || process.log().contains("sweep failed")
    })
    .await;
    assert!(relay.accepted().len() < 60, "there was more to send");
    eventually_so(PATIENCE, async || readyz(address).await == 503).await;
    read_only(&service, "off").await;
    let mut answer = (503, false, Duration::ZERO);
    while answer.0 == 503 {
        answer = create(address, &key, "Osterby").await;
    }
    assert_eq!(answer.0, 201);
    eventually_so(PATIENCE, async || readyz(address).await == 200).await;
    wait_for(&service, "state = 'sent'", 60).await;
    is_well(&process);
    assert_eq!(check(&service, Some(&relay), None).await, 60, "each once");
}

/// Fails over to a database that takes no writes, or back: connections end, and new ones find it so.
async fn read_only(service: &Service, how: &str) {
    let Db::Postgres(pool) = &service.db.db else { panic!("a PostgreSQL test") };
    let mut conn = pool.acquire().await.unwrap();
    conn.execute("SET default_transaction_read_only = off").await.unwrap();
    let (name,): (String,) =
        sqlx::query_as("SELECT current_database()::text").fetch_one(&mut *conn).await.unwrap();
    let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {how}");
    conn.execute(AssertSqlSafe(sql)).await.unwrap();
    terminate(service).await;
}

/// Ends every connection to the test's database but the test's own.
pub(super) async fn terminate(service: &Service) {
    let Db::Postgres(pool) = &service.db.db else { panic!("a PostgreSQL test") };
    let mut own = vec![pool.acquire().await.unwrap()];
    own.extend(std::iter::from_fn(|| pool.try_acquire()));
    let mut pids = Vec::new();
    for conn in &mut own {
        let (pid,): (i32,) =
            sqlx::query_as("SELECT pg_backend_pid()").fetch_one(&mut **conn).await.unwrap();
        pids.push(pid);
    }
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL($1)";
    sqlx::query(sql).bind(pids).execute(&mut *own[0]).await.unwrap();
}

#[tokio::test]
async fn a_storm_of_killed_connections_loses_and_doubles_nothing() {
    let slow = Do::Delay(Duration::from_millis(10), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__IN_FLIGHT", "8");
    due_now(&service, 600).await;
    let processes = [service.spawn(&["serve"]), service.spawn(&["serve", "--role", "worker"])];
    for storm in 1..=6 {
        eventually(PATIENCE, || relay.accepted().len() >= storm * 60).await;
        terminate(&service).await;
    }
    eventually_so(PATIENCE, async || count(&service, "state = 'sent'").await == 600).await;
    processes.iter().for_each(is_well);
    assert_eq!(check(&service, Some(&relay), None).await, 600, "each once: no outcome was lost");
}
