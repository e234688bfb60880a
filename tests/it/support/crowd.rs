//! Many people whose digest is due now, on the real clock, and what became of it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};

use super::db::Backend;
use super::eventually_so;
use super::fake_smtp::FakeSmtp;
use super::service::{Client, PATIENCE, Service};

#[expect(clippy::disallowed_methods, reason = "these processes run on the real clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A service with mail to `relay` and a zone in which it is now between eleven and twelve in the morning.
pub(crate) async fn mail_service(backend: Backend, relay: &FakeSmtp) -> Service {
    let mut service = Service::new(backend).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "reminders@tally.test");
    service
}

/// The IANA name of that zone, and how far it is ahead. The sign in the name is the wrong way round, by POSIX.
fn zone_of_this_morning() -> (String, TimeDelta) {
    let ahead = 11 - i64::from(now().hour());
    let zone = match -ahead {
        0 => "Etc/GMT".to_owned(),
        behind => format!("Etc/GMT{behind:+}"),
    };
    (zone, TimeDelta::hours(ahead))
}

/// So many CSMs with one onboarding each, all of whose slot came a minute ago.
pub(crate) async fn due_now(service: &Service, csms: usize) {
    let (zone, ahead) = zone_of_this_morning();
    let csm = service.workspace(&zone).await;
    let key = service.key("live").await;
    let (api, address) = service.api().await;
    let made = Client::new(address, &key).onboarding("Halden Freight", &csm).await;
    api.kill().await;
    let onboarding = made["id"].as_str().expect("an id").to_owned();

    let db = &service.db;
    let slot = (now() - TimeDelta::minutes(1)).with_second(0).and_then(|at| at.with_nanosecond(0));
    // One instant says all of it: a minute may end at any time here.
    let slot = slot.expect("a full minute");
    let local = slot + ahead;
    let slot = slot.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    let time = local.format("%H:%M");
    let (today, week_ago) = (local.date_naive(), local - TimeDelta::days(7));
    let week_ago = week_ago.to_rfc3339_opts(SecondsFormat::Millis, false);
    let week = "mon,tue,wed,thu,fri,sat,sun";
    db.execute(&format!("UPDATE workspaces SET working_days = '{week}'")).await;
    db.execute(&format!("UPDATE users SET digest_time = '{time}', next_slot_at = '{slot}'")).await;
    db.execute(&format!("UPDATE onboardings SET created_at = '{week_ago}'")).await;
    db.execute(&format!("UPDATE reminder_state SET next_due_on = '{today}'")).await;
    let copies = csms - 1;
    copy(
        service,
        "users",
        ("id", &csm),
        copies,
        &[
            ("id", "'user_copy' || n"),
            ("display_id", "1000 + n"),
            ("email", "'csm' || n || '@tally.test'"),
            ("slack_user_id", "NULL"),
        ],
    )
    .await;
    copy(
        service,
        "onboardings",
        ("id", &onboarding),
        copies,
        &[("id", "'onb_copy' || n"), ("display_id", "1000 + n"), ("csm_id", "'user_copy' || n")],
    )
    .await;
    copy(
        service,
        "reminder_state",
        ("onboarding_id", &onboarding),
        copies,
        &[("onboarding_id", "'onb_copy' || n"), ("recipient_id", "'user_copy' || n")],
    )
    .await;
}

/// Copies a row so many times; `n` counts from 1.
pub(crate) async fn copy(
    service: &Service,
    table: &str,
    (key, id): (&str, &str),
    times: usize,
    columns: &[(&str, &str)],
) {
    let row =
        service.db.rows(&format!("SELECT * FROM {table} WHERE {key} = '{id}'")).await.remove(0);
    let names: Vec<&str> = row.as_object().expect("a row").keys().map(String::as_str).collect();
    let values: Vec<String> = names
        .iter()
        .map(|name| {
            let own = columns.iter().find(|(column, _)| column == name);
            own.map_or_else(|| format!("t.{name}"), |(_, value)| (*value).to_owned())
        })
        .collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let sql = format!(
        "INSERT INTO {table} ({names}) WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {times})
         SELECT {values} FROM {table} t, seq WHERE t.{key} = '{id}' AND {times} > 0"
    );
    service.db.execute(&sql).await;
}

pub(crate) async fn count(service: &Service, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM notifications WHERE {condition}");
    service.db.rows(&sql).await[0]["n"].as_i64().expect("a number")
}

/// Waits until the ledger fits.
pub(crate) async fn wait_for(service: &Service, condition: &str, expected: i64) {
    eventually_so(PATIENCE, async || count(service, condition).await == expected).await;
}

/// How often each notification was accepted.
pub(crate) fn copies(relay: &FakeSmtp) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    for mail in relay.accepted() {
        *copies.entry(mail.notification_id).or_default() += 1;
    }
    copies
}
