//! Jobs that are doubled, lost, foreign or unreadable; and the ones that nobody needs any more.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use pivotal_reminders::db::Db;
use pivotal_reminders::domain::ids::IdKind;
use pivotal_reminders::queue::{self, Queue};
use rstest::rstest;
use serde_json::{Value, json};

use super::checker::check;
use crate::support::crowd::{count, due_now, mail_service, now, wait_for};
use crate::support::db::Backend;
use crate::support::fake_smtp::{FakeSmtp, Script};
use crate::support::service::{PATIENCE, Service};
use crate::support::{eventually, eventually_so};

/// The table of jobs.
fn jobs(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "Jobs",
        Backend::Postgres => "apalis.jobs",
    }
}

async fn number(service: &Service, sql: &str) -> i64 {
    service.db.rows(sql).await[0]["n"].as_i64().unwrap()
}

/// The ids of all notifications.
async fn ids(service: &Service) -> Vec<String> {
    let rows = service.db.rows("SELECT id FROM notifications ORDER BY id").await;
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_11_a_hundred_jobs_for_one_message_send_it_once(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 2).await;
    service.ok(&["scan"]).await;
    let ids = ids(&service).await;
    let mut conn = service.db.db.begin().await.unwrap();
    for _ in 0..100 {
        queue::push(&mut conn, Queue::Email, &ids).await.unwrap();
    }
    conn.commit().await.unwrap();
    let _workers = [
        service.spawn(&["serve", "--role", "worker"]),
        service.spawn(&["serve", "--role", "worker"]),
    ];
    wait_for(&service, "state = 'sent'", 2).await;
    let done = format!("SELECT count(*) AS n FROM {} WHERE status = 'Done'", jobs(backend));
    eventually_so(PATIENCE, async || number(&service, &done).await >= 101).await;
    assert_eq!(check(&service, Some(&relay), None).await, 2, "each once");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_12_jobs_that_were_deleted_are_made_again_by_the_sweeper(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 20).await;
    service.ok(&["scan"]).await;
    service.db.execute(&format!("DELETE FROM {}", jobs(backend))).await;
    // Half a minute later, without waiting for it.
    let then = (now() - TimeDelta::seconds(31)).to_rfc3339();
    service.db.execute(&format!("UPDATE notifications SET pushed_at = '{then}'")).await;
    let _worker = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 20).await;
    assert_eq!(check(&service, Some(&relay), None).await, 20);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_14_a_pass_that_is_killed_leaves_no_row_without_its_job(#[case] backend: Backend) {
    let service = Service::new(backend).await;
    due_now(&service, 2_000).await;
    let pass = service.spawn(&["scan"]);
    // At any moment of it: a pass is several transactions.
    eventually_so(PATIENCE, async || count(&service, "true").await > 0).await;
    pass.kill().await;
    let waiting: Vec<Value> =
        service.db.rows("SELECT id FROM notifications WHERE state = 'scheduled'").await;
    let jobs = match backend {
        Backend::Sqlite => "SELECT CAST(job AS TEXT) AS job FROM Jobs",
        Backend::Postgres => "SELECT convert_from(job, 'UTF8') AS job FROM apalis.jobs",
    };
    let mut hinted: BTreeMap<String, usize> = BTreeMap::new();
    for job in service.db.rows(jobs).await {
        let payload: Value = serde_json::from_str(job["job"].as_str().unwrap()).unwrap();
        for id in payload["ids"].as_array().unwrap() {
            *hinted.entry(id.as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(hinted.len(), waiting.len());
    for row in &waiting {
        assert_eq!(hinted.get(row["id"].as_str().unwrap()), Some(&1), "{row}");
    }
    // Whoever comes next finishes what it had not begun.
    service.ok(&["scan"]).await;
    assert_eq!(count(&service, "kind = 'digest' AND state = 'scheduled'").await, 2_000);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_15_what_is_too_old_goes_in_chunks_and_what_is_not_stays(#[case] backend: Backend) {
    let mut service = Service::new(backend).await;
    service.workspace("Europe/Copenhagen").await;
    service.set("PIVOTAL_LOG__LEVEL", "debug");
    let age = |days: i64| now() - TimeDelta::days(days);
    seed_old(&service, backend, age(8), 2_500).await;
    seed_old(&service, backend, age(6), 10).await;
    for (days, how_many) in [(401, 1_200), (399, 5), (91, 5), (89, 5)] {
        seed_notifications(&service, age(days), how_many).await;
    }
    for (days, how_many) in [(401, 1_100), (399, 3)] {
        seed_passes(&service, age(days), how_many).await;
    }
    let old_open = IdKind::Notification.fresh(age(500));
    seed_row(&service, &old_open, age(500), "ambiguous", false).await;
    let (process, address) = service.api().await;
    let probe = async || {
        let asked = std::time::Instant::now();
        let answer = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
        (answer.status().as_u16(), asked.elapsed())
    };
    let mut slowest = Duration::ZERO;
    eventually_so(PATIENCE, async || {
        let (status, took) = probe().await;
        assert_eq!(status, 200);
        slowest = slowest.max(took);
        process.log().contains("workers that are gone")
    })
    .await;
    assert!(slowest < Duration::from_secs(1), "the API waited {slowest:?}");
    let table = jobs(backend);
    assert_eq!(number(&service, &format!("SELECT count(*) AS n FROM {table}")).await, 10);
    assert_eq!(count(&service, "true").await, 16, "399, 91 and 89 days, and what is open");
    for (sql, left) in [
        ("SELECT count(*) AS n FROM messages", 5),
        ("SELECT count(*) AS n FROM attempts", 15),
        ("SELECT count(*) AS n FROM notification_items", 15),
        ("SELECT count(*) AS n FROM passes", 3),
        ("SELECT count(*) AS n FROM cohorts", 3),
    ] {
        assert_eq!(number(&service, sql).await, left, "{sql}");
    }
    let workers = match backend {
        Backend::Sqlite => "SELECT count(*) AS n FROM Workers WHERE id LIKE 'gone%'",
        Backend::Postgres => "SELECT count(*) AS n FROM apalis.workers WHERE id LIKE 'gone%'",
    };
    assert_eq!(number(&service, workers).await, 1, "the one whose jobs are kept");
    eventually(PATIENCE, || process.log().contains("forgot 1200 notifications")).await;
}

/// The time that 99 of 100 requests do not exceed, while `go_on` says so.
async fn p99(
    address: std::net::SocketAddr,
    key: &str,
    mut go_on: impl FnMut(usize) -> bool,
) -> Duration {
    let client = reqwest::Client::new();
    let mut took = Vec::new();
    while go_on(took.len()) {
        let asked = std::time::Instant::now();
        let request = client.get(format!("http://{address}/api/v1/customers")).bearer_auth(key);
        assert_eq!(request.send().await.unwrap().status(), 200);
        took.push(asked.elapsed());
    }
    took.sort();
    took[took.len() * 99 / 100]
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_15_callers_hardly_notice_while_300_000_jobs_are_forgotten(#[case] backend: Backend) {
    let long = std::env::var_os("LONG_TESTS").is_some();
    let jobs_done: i64 = if long { 300_000 } else { 20_000 };
    let mut service = Service::new(backend).await;
    service.workspace("Europe/Copenhagen").await;
    service.set("PIVOTAL_LOG__LEVEL", "debug");
    // By its own schedule it would begin at some minute of the hour.
    service.set("PIVOTAL_SCHEDULES__PRUNE_JOBS", "* * * * * *");
    let key = service.key("live").await;
    let (process, address) = service.api().await;
    eventually(PATIENCE, || process.log().contains("serving")).await;
    let idle = p99(address, &key, |asked| asked < 500).await;
    process.kill().await;

    seed_old(&service, backend, now() - TimeDelta::days(8), jobs_done).await;
    let (process, address) = service.api().await;
    let end = std::time::Instant::now() + PATIENCE * 5;
    let over = || process.log().contains("workers that are gone");
    let busy = p99(address, &key, |asked| {
        assert!(std::time::Instant::now() < end, "still at it");
        asked < 100 || !over()
    })
    .await;
    let left = format!("SELECT count(*) AS n FROM {}", jobs(backend));
    assert_eq!(number(&service, &left).await, 0);
    // Twice as long, and what a busy machine takes for itself.
    assert!(busy <= idle * 2 + Duration::from_millis(50), "p99 {idle:?} idle, {busy:?} meanwhile");
}

/// Finished jobs, and the worker that had them.
async fn seed_old(service: &Service, backend: Backend, at: chrono::DateTime<Utc>, how_many: i64) {
    let worker = format!("gone-{}", at.timestamp());
    let (workers, done, payload) = match backend {
        Backend::Sqlite => ("Workers", at.timestamp().to_string(), "'{}'"),
        Backend::Postgres => {
            ("apalis.workers", format!("'{}'::timestamptz", at.to_rfc3339()), "'{}'::bytea")
        }
    };
    let table = jobs(backend);
    let seq = format!(
        "WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {how_many})"
    );
    service.db.execute(&format!("INSERT INTO {workers} (id, worker_type, storage_name, layers, last_seen) VALUES ('{worker}', 'email', 'x', '', {done})")).await;
    service.db.execute(&format!("INSERT INTO {table} (job, id, job_type, status, attempts, max_attempts, run_at, lock_by, done_at) {seq} SELECT {payload}, 'job' || '{}' || n, 'email', 'Done', 1, 1, {done}, '{worker}', {done} FROM seq", at.timestamp())).await;
}

/// Passes of an instant, and what they counted.
async fn seed_passes(service: &Service, at: chrono::DateTime<Utc>, how_many: i64) {
    let id = IdKind::Pass.fresh(at);
    let at = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, false);
    let seq = format!(
        "WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {how_many})"
    );
    for row in [
        format!(
            "passes (id, at, recipients, expected, accounted, written, duration_ms, rewound, created_at) {seq} SELECT '{id}' || n, '{at}', 1, 1, 1, 1, 1, false, '{at}' FROM seq"
        ),
        format!(
            "cohorts (id, kind, slot_date, expected, accounted, created_at) {seq} SELECT '{id}' || n, 'digest', '2026-01-01', 1, 1, '{at}' FROM seq"
        ),
    ] {
        service.db.execute(&format!("INSERT INTO {row}")).await;
    }
}

/// Sent notifications of an instant, each with an item, an attempt and a message.
async fn seed_notifications(service: &Service, at: chrono::DateTime<Utc>, how_many: usize) {
    for _ in 0..how_many {
        seed_row(service, &IdKind::Notification.fresh(at), at, "sent", true).await;
    }
}

async fn seed_row(
    service: &Service,
    id: &str,
    at: chrono::DateTime<Utc>,
    state: &str,
    ended: bool,
) {
    let at = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, false);
    let finished = if ended { format!("'{at}'") } else { "NULL".to_owned() };
    let mut conn = service.db.db.begin().await.unwrap();
    let message = if ended {
        "INSERT INTO messages (notification_id, body, rendered_at) VALUES ('$id', '', '$at')"
    } else {
        "SELECT 1"
    };
    let message = match &service.db.db {
        Db::Sqlite { .. } => message.replace("''", "x''"),
        Db::Postgres(_) => message.to_owned(),
    };
    let rest = if ended {
        [
            "INSERT INTO notification_items (notification_id, onboarding_id) VALUES ('$id', 'onb_1')",
            "INSERT INTO attempts (notification_id, number, at, worker, stage, outcome, reply, duration_ms) VALUES ('$id', 1, '$at', 'w', 'accepted', 'accepted', '', 1)",
        ]
    } else {
        ["SELECT 1", "SELECT 1"]
    };
    let row = format!("INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, slot_date, escalation, dedupe_key, state, not_before, deadline, attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at, finished_at)
        VALUES ('$id', 'ws', 'digest', 'email', 'live', 'user', 'user_1', '2026-01-01', false, '$id', '{state}', '9999-01-01 00:00:00+00:00', '$at', 0, 0, 0, false, '$at', '$at', '$at', {finished})");
    for sql in [row.as_str(), &message, rest[0], rest[1]] {
        let sql = sqlx::AssertSqlSafe(sql.replace("$id", id).replace("$at", &at));
        pivotal_reminders::on!(conn, |c| sqlx::query(sql).execute(c).await.map(drop).unwrap());
    }
    conn.commit().await.unwrap();
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_16_a_job_of_a_newer_version_waits_untouched_and_an_unreadable_one_costs_nothing(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 5).await;
    service.ok(&["scan"]).await;
    let newer = json!({ "v": 2, "ids": ["ntf_x"], "and": "more" }).to_string();
    let mut conn = service.db.db.begin().await.unwrap();
    for bytes in [
        newer.as_bytes(),
        b"{",
        b"\xff\xfe",
        b"{\"v\":1,\"ids\":7}",
        b"{\"v\":0}",
        b"{\"v\":1,\"ids\":[\"ntf_gone\"]}",
    ] {
        queue::put_off(&mut conn, Queue::Email, bytes.to_vec(), Duration::ZERO).await.unwrap();
    }
    conn.commit().await.unwrap();
    let process = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 5).await;
    let text = match backend {
        Backend::Sqlite => "CAST(job AS TEXT)",
        Backend::Postgres => "convert_from(job, 'UTF8')",
    };
    // Both orders of events end the same way: the foreign job is back in the queue, byte for byte, for a minute later.
    let condition = match backend {
        Backend::Sqlite => "run_at > unixepoch('now') + 30",
        Backend::Postgres => "run_at > now() + interval '30 seconds'",
    };
    let waiting = format!(
        "SELECT {text} AS job FROM {} WHERE status = 'Pending' AND {condition}",
        jobs(backend)
    );
    eventually_so(PATIENCE, async || service.db.rows(&waiting).await == [json!({ "job": newer })])
        .await;
    eventually(PATIENCE, || process.log().matches("dropped a job").count() == 4).await;
    assert!(!process.log().contains("starting it again"), "the worker went on: {}", process.log());
    assert_eq!(check(&service, Some(&relay), None).await, 5);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_16_a_row_of_unknown_words_fails_after_three_deliveries_and_delays_nobody(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 10).await;
    service.ok(&["scan"]).await;
    let ids = ids(&service).await;
    service
        .db
        .execute(&format!("UPDATE notifications SET kind = 'fanfare' WHERE id = '{}'", ids[0]))
        .await;
    service
        .db
        .execute(&format!("UPDATE notifications SET channel = 'pigeon' WHERE id = '{}'", ids[1]))
        .await;
    let process = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 8).await;
    // Its deliveries lie half a minute apart; time is moved instead of waited for.
    let then = (now() - TimeDelta::seconds(31)).to_rfc3339();
    eventually_so(PATIENCE, async || {
        let sql = format!("UPDATE notifications SET pushed_at = '{then}' WHERE kind = 'fanfare' OR channel = 'pigeon'");
        service.db.execute(&sql).await;
        count(&service, "state = 'failed' AND reason = 'undecodable' AND delivery_count = 3").await == 2
    })
    .await;
    eventually(PATIENCE, || process.log().contains("nobody can read this notification")).await;
    assert_eq!(check(&service, Some(&relay), None).await, 8);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_16_a_job_that_cannot_even_be_fetched_is_put_aside_and_delays_nobody(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 5).await;
    service.ok(&["scan"]).await;
    let table = jobs(backend);
    let insert = format!(
        "INSERT INTO {table} (job, id, job_type, status, attempts, max_attempts, run_at, priority) SELECT job, 'notaulid', job_type, status, attempts, max_attempts, run_at, 9 FROM {table} LIMIT 1"
    );
    service.db.execute(&insert).await;
    let process = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 5).await;
    eventually(PATIENCE, || process.log().contains("nobody can read these jobs")).await;
    let aside = format!("SELECT id FROM {table} WHERE status = 'Killed'");
    assert_eq!(service.db.rows(&aside).await, [json!({ "id": "notaulid" })]);
    assert_eq!(check(&service, Some(&relay), None).await, 5);
}

/// Hosts of a fleet do not agree about the time, and a job is due by the database's.
#[tokio::test]
async fn fault_16_a_job_is_due_at_once_whatever_this_machines_clock_says() {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    due_now(&service, 1).await;
    service.ok(&["scan"]).await;
    let late =
        "SELECT id FROM apalis.jobs WHERE run_at > now() OR run_at < now() - interval '1 hour'";
    assert!(service.db.rows(late).await.is_empty());
    let mut conn = service.db.db.begin().await.unwrap();
    // As if this statement ran on a database whose clock is an hour behind ours: `now()` is what every schema on the path says it is.
    for sql in [
        "CREATE SCHEMA behind",
        "CREATE FUNCTION behind.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.now() - interval '1 hour' $$",
        "SET LOCAL search_path = behind, pg_catalog, public, apalis",
    ] {
        pivotal_reminders::on!(conn, |c| sqlx::query(sql).execute(c).await.map(drop).unwrap());
    }
    queue::push(&mut conn, Queue::Email, &["ntf_x".to_owned()]).await.unwrap();
    conn.commit().await.unwrap();
    let hour_ago = "SELECT id FROM apalis.jobs WHERE run_at < now() - interval '59 minutes'";
    assert_eq!(service.db.rows(hour_ago).await.len(), 1);
}

#[tokio::test]
async fn fault_19_a_message_that_becomes_ready_is_sent_within_seconds_without_any_notification_of_the_database()
 {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    due_now(&service, 5).await;
    let _worker = service.spawn(&["serve", "--role", "worker"]);
    // Whatever PostgreSQL might say about new jobs is not said.
    service.db.execute("ALTER TABLE apalis.jobs DISABLE TRIGGER USER").await;
    service.ok(&["scan"]).await;
    let ready = std::time::Instant::now();
    wait_for(&service, "state = 'sent'", 5).await;
    assert!(ready.elapsed() < Duration::from_secs(5), "{:?}", ready.elapsed());
}
