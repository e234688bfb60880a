//! A believable workspace, dated around the latest working morning, written through the public API at the instants at which it
//! would have happened.

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{App, Clock, demo};
use crate::domain::calendar::{Calendar, add_days, hm, instant, local_date};
use crate::domain::decide::step_reached;
use crate::domain::slots::Slots;
use crate::domain::values::{Kind, Mode, OperatorRole, Tier};
use crate::on;
use crate::operate::keys::{self, DEFAULT_SCOPES, NewKey};
use crate::operate::notifications::Because;
use crate::operate::operators::{self, NewAccount, Password};
use crate::store::audit::Author;
use crate::store::hints::{self, Touched};
use crate::store::users::NewUser;
use crate::store::{facts, settings, users, workspaces};

/// Names under which the demo remembers what opens it. Only the demo keeps such things: they open nothing but invented data.
pub(super) const LIVE_KEY: &str = "demo_live_key";
pub(super) const TEST_KEY: &str = "demo_test_key";
pub(super) const PASSWORD: &str = "demo_operator_password";

/// With which the demo's operator signs in.
pub(super) const OPERATOR: &str = "demo@tallybrook.test";

/// Where the demo's CSMs live.
pub(super) const ZONES: [Tz; 3] = [Tz::Asia__Tokyo, Tz::Europe__Copenhagen, Tz::America__New_York];

/// The keys of the demo, and its operator's password.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) live: String,
    pub(super) test: String,
    pub(super) password: String,
}

/// What the demo holds.
pub(super) struct Counts {
    pub(super) customers: i64,
    pub(super) onboardings: i64,
    pub(super) messages: i64,
    pub(super) suppressed: i64,
}

pub(super) async fn counts(app: &App) -> anyhow::Result<Counts> {
    const SQL: &str = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM onboardings), (SELECT count(*) FROM messages),
         (SELECT count(*) FROM notifications WHERE state = 'suppressed')";
    let mut conn = app.db.read().await?;
    let (customers, onboardings, messages, suppressed) =
        on!(conn, |c| sqlx::query_as(SQL).fetch_one(c).await?);
    Ok(Counts { customers, onboardings, messages, suppressed })
}

/// What became of an onboarding after its creation; days before the morning.
#[derive(Clone, Copy)]
enum Event {
    /// Moved to a phase so many civil days ago.
    Phase(&'static str, i64),
    /// Waiting on the customer since so many business days.
    Waiting(u32),
    /// Marked at risk so many civil days ago.
    AtRisk(i64),
    /// Paused so many civil days ago.
    Paused(i64),
}
use Event::{AtRisk, Paused, Phase, Waiting};

/// One onboarding: customer, CSM (index into [`ZONES`]), age in days, launch date in days from the morning, what happened, and whether a
/// test key made it.
type Journey = (&'static str, usize, i64, Option<i64>, &'static [Event], bool);

#[rustfmt::skip]
const JOURNEYS: [Journey; 40] = [
    // Maren Holt, Copenhagen
    ("Halden Freight", 1, 48, Some(17), &[Phase("program_design", 40), Phase("review", 30), Waiting(15)], false),
    ("Osterby Clinics", 1, 33, Some(31), &[Phase("program_design", 21), Waiting(10)], false),
    ("Quillby Books", 1, 9, None, &[Waiting(1)], false),
    ("Brannoch Energy", 1, 52, Some(10), &[Phase("program_buildout", 20), Phase("internal_qa", 6), AtRisk(5)], false),
    ("Fennel & Rye", 1, 41, Some(24), &[Phase("program_design", 30), Phase("program_buildout", 15)], false),
    ("Linden Street Laboratories", 1, 66, Some(-4), &[Phase("review", 30), Phase("internal_qa", 6)], false),
    ("Sable Point Hotels", 1, 58, Some(3), &[Phase("internal_qa", 10), Phase("launch", 1)], false),
    ("Corvale Housing", 1, 5, Some(28), &[], false),
    ("Merrow & Finch", 1, 37, Some(40), &[Phase("program_design", 20), Paused(12)], false),
    ("Tarn Valley Water", 1, 90, Some(-30), &[Phase("launch", 40), Phase("completed", 12)], false),
    ("Ostrow Mills", 1, 27, Some(6), &[Phase("launch", 4)], false),
    ("Pellworth Optics", 1, 19, Some(45), &[Phase("program_design", 4)], false),
    ("Saltmarsh Ferries", 1, 24, Some(35), &[Phase("review", 8), Waiting(5)], false),
    ("Greywater Analytics", 1, 12, None, &[Phase("program_design", 2)], false),
    ("Testbed Copenhagen", 1, 14, Some(20), &[Phase("review", 9)], true),
    // Jonas Reyl, New York
    ("Harbor & Pine Outfitters", 2, 44, Some(12), &[Phase("review", 18), Waiting(10)], false),
    ("Kestrel Robotics", 2, 30, Some(2), &[Phase("internal_qa", 9), Phase("launch", 2)], false),
    ("Bluestem Credit Union", 2, 61, Some(-7), &[Phase("program_buildout", 25), AtRisk(9)], false),
    ("Wexford Dental Group", 2, 15, Some(33), &[Phase("program_design", 8)], false),
    ("Orchard Lane Schools", 2, 22, None, &[Phase("program_design", 12), Waiting(3)], false),
    ("Copperline Transit", 2, 35, Some(21), &[Phase("program_buildout", 22)], false),
    ("Juniper Home Health", 2, 8, Some(50), &[], false),
    ("Atlas Produce", 2, 71, Some(-15), &[Phase("launch", 20), Phase("completed", 3)], false),
    ("Northgate Insurance", 2, 26, Some(30), &[Phase("review", 7), Paused(4)], false),
    ("Silver Birch Studios", 2, 18, Some(7), &[Phase("internal_qa", 3)], false),
    ("Meridian Couriers", 2, 11, None, &[Waiting(3)], false),
    ("Redwood Parking", 2, 39, Some(19), &[Phase("review", 29)], false),
    ("Testbed New York", 2, 10, Some(15), &[Waiting(5)], true),
    // Aiko Tanabe, Tokyo: reads her digest on Slack
    ("Hoshino Logistics", 0, 36, Some(14), &[Phase("review", 24), Waiting(15)], false),
    ("Kumo Payments", 0, 29, Some(9), &[Phase("program_buildout", 15)], false),
    ("Sakura Foods", 0, 7, None, &[], false),
    ("Tsubame Rail Parts", 0, 55, Some(-2), &[Phase("internal_qa", 5)], false),
    ("Aoba Care", 0, 20, Some(26), &[Phase("program_design", 13), AtRisk(2)], false),
    ("Minato Ferry Lines", 0, 47, Some(38), &[Phase("program_buildout", 5)], false),
    ("Yamabuki Retail", 0, 16, Some(22), &[Phase("program_design", 10), Waiting(2)], false),
    ("Kaede Instruments", 0, 23, Some(5), &[Phase("launch", 5)], false),
    ("Fuji Paper", 0, 62, None, &[Phase("program_buildout", 31), Paused(20)], false),
    ("Nagi Wind", 0, 13, Some(41), &[Phase("review", 1)], false),
    ("Tanuki Games", 0, 80, Some(-25), &[Phase("launch", 30), Phase("completed", 8)], false),
    ("Testbed Tokyo", 0, 12, None, &[Phase("program_design", 10)], true),
];

/// Writes the workspace and sets the stage for its first pass.
pub(super) async fn write(app: &App, now: DateTime<Utc>) -> anyhow::Result<Keys> {
    let begin = now - TimeDelta::days(120);
    let (workspace, csms, keys) = people(app, begin).await?;
    let clock = Clock::manual(begin);
    let stage = App::over(app.config.clone(), clock.clone(), app.db.clone());
    let api = stage.router(stage.api(), false, CancellationToken::new()).await?;
    let mut journeys = JOURNEYS;
    // Creation instants only ever grow, as they would have.
    journeys.sort_by_key(|journey| -journey.2);
    for (name, csm, age, launch, events, test) in journeys {
        let zone = ZONES[csm];
        let today = demo::morning(zone, now).0;
        // People work on working days: what fell on a weekend happened on the Friday before.
        let at = |days: i64, hour| {
            instant(zone, working_day_before(add_days(today, -days)), hm(hour, 20))
        };
        let key = if test { &keys.test } else { &keys.live };
        let mut call = Caller { api: &api, clock: &clock, key };
        let customer = call
            .at(at(age, 10), "POST", "/customers", &json!({ "name": name, "status": "onboarding" }))
            .await?;
        let launch = launch.map(|days| {
            format!("{}T09:00:00Z", Calendar::default().roll_forward(add_days(today, days)))
        });
        let mut body = json!({ "customer_id": customer["id"], "csm_id": csms[csm] });
        if let Some(launch) = launch {
            body["target_launch_date"] = launch.into();
        }
        let onboarding = call.at(at(age, 11), "POST", "/onboardings", &body).await?;
        let path = format!(
            "/onboardings/{}",
            onboarding["id"].as_str().context("an onboarding without an id")?
        );
        for event in events {
            let (when, patch) = match *event {
                Phase(phase, days) => (at(days, 14), json!({ "phase": phase })),
                Waiting(days) => {
                    (at(business_days_ago(today, days), 15), json!({ "state": "waiting" }))
                }
                AtRisk(days) => (at(days, 16), json!({ "state": "at_risk" })),
                Paused(days) => (at(days, 16), json!({ "state": "paused" })),
            };
            call.at(when, "PATCH", &path, &patch).await?;
        }
    }
    set_stage(app, &workspace, &csms, now).await?;
    Ok(keys)
}

fn working_day_before(date: NaiveDate) -> NaiveDate {
    let calendar = Calendar::default();
    (0..7)
        .map(|days| add_days(date, -days))
        .find(|day| calendar.is_working_day(*day))
        .unwrap_or(date)
}

/// Civil days before `today` on which a wait of `days` business days began.
fn business_days_ago(today: NaiveDate, days: u32) -> i64 {
    let calendar = Calendar::default();
    (1..100)
        .rev()
        .find(|ago| calendar.business_days_between(add_days(today, -ago), today) == i64::from(days))
        .unwrap_or_default()
}

/// The workspace, its people and its keys. Index of a CSM = index of their zone.
async fn people(app: &App, at: DateTime<Utc>) -> anyhow::Result<(String, Vec<String>, Keys)> {
    let author = Author::system();
    let mut conn = app.db.begin().await?;
    let workspace =
        workspaces::create(&mut conn, &author, "tallybrook", "Tallybrook", "Europe/Copenhagen", at)
            .await?;
    let mut ids = Vec::new();
    for (name, email, zone, slack) in [
        ("Aiko Tanabe", "aiko.tanabe@tallybrook.test", "Asia/Tokyo", "U0AIKO"),
        ("Maren Holt", "maren.holt@tallybrook.test", "Europe/Copenhagen", "U0MAREN"),
        ("Jonas Reyl", "jonas.reyl@tallybrook.test", "America/New_York", "U0JONAS"),
        ("Tomas Vale", "tomas.vale@tallybrook.test", "Europe/Copenhagen", "U0TOMAS"),
    ] {
        let new = NewUser {
            workspace_id: &workspace.id,
            name,
            email,
            time_zone: Some(zone),
            slack_user_id: Some(slack),
        };
        ids.push(users::create(&mut conn, &author, new, at).await?.id);
    }
    let configure = "UPDATE workspaces SET digest_time = '09:00', escalation_user_id = $2, owner_user_id = $2, footer_address = '4 Millrace Lane, 2100 Northby' WHERE id = $1";
    on!(conn, |c| sqlx::query(configure)
        .bind(&workspace.id)
        .bind(&ids[3])
        .execute(c)
        .await?
        .rows_affected());
    on!(conn, |c| sqlx::query("UPDATE users SET digest_channel = 'slack' WHERE id = $1")
        .bind(&ids[0])
        .execute(c)
        .await?
        .rows_affected());
    let mut made = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        let name = if mode == Mode::Live { "CRM sync" } else { "Sandbox" };
        let new = NewKey {
            workspace_id: &workspace.id,
            name,
            mode,
            tier: Tier::Unlimited,
            scopes: DEFAULT_SCOPES,
        };
        let (_, key) = keys::create(&mut conn, &author, new, at).await?;
        made.push(key.expose_secret().to_owned());
    }
    let password: String = rand::rng().sample_iter(Alphanumeric).take(16).map(char::from).collect();
    let secret = Password::new(&password).map_err(anyhow::Error::msg)?;
    let role = OperatorRole::Admin;
    let new = NewAccount { email: OPERATOR, name: Some("Noor Adeyi"), role };
    let because = Because { author: &author, reason: "" };
    operators::create(&mut conn, because, &new, &secret, at).await?;
    conn.commit().await?;
    let test = made.pop().unwrap_or_default();
    let live = made.pop().unwrap_or_default();
    Ok((workspace.id, ids, Keys { live, test, password }))
}

/// Keeps what opens it, which says that the demo is complete.
pub(super) async fn remember(app: &App, keys: &Keys, at: DateTime<Utc>) -> anyhow::Result<()> {
    let mut conn = app.db.begin().await?;
    settings::set(&mut conn, LIVE_KEY, &keys.live, at).await?;
    settings::set(&mut conn, TEST_KEY, &keys.test, at).await?;
    settings::set(&mut conn, PASSWORD, &keys.password, at).await?;
    conn.commit().await?;
    Ok(())
}

/// Makes the history count as told: every step reached before the morning is dealt with, and the next slot is the morning's.
async fn set_stage(
    app: &App,
    workspace_id: &str,
    csms: &[String],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut conn = app.db.begin().await?;
    let all: Vec<(String,)> =
        on!(conn, |c| sqlx::query_as("SELECT id FROM onboardings").fetch_all(c).await?);
    let all: Vec<String> = all.into_iter().map(|(id,)| id).collect();
    let workspaces = facts::workspaces(&mut conn, &[workspace_id.to_owned()]).await?;
    let workspace = workspaces.get(workspace_id).context("the demo's workspace is gone")?;
    for journey in facts::onboardings(&mut conn, &all).await? {
        let csm = csms
            .iter()
            .position(|id| Some(id) == journey.onboarding.csm_id.as_ref())
            .unwrap_or_default();
        let today = local_date(workspace.zone, demo::morning(ZONES[csm % ZONES.len()], now).1);
        let Some(step) = step_reached(workspace, &journey.onboarding, add_days(today, -1)) else {
            continue;
        };
        let sql = match step.kind {
            Kind::WaitingOnCustomer => "UPDATE onboardings SET waiting_step = $2 WHERE id = $1",
            _ => "UPDATE onboardings SET stalled_step = $2 WHERE id = $1",
        };
        on!(conn, |c| sqlx::query(sql)
            .bind(&journey.onboarding.id)
            .bind(step.number)
            .execute(c)
            .await?
            .rows_affected());
    }
    let earliest = ZONES.iter().map(|zone| demo::morning(*zone, now).1).min().unwrap_or(now);
    hints::refresh(&mut conn, Touched::Onboardings(&all), earliest - TimeDelta::hours(1)).await?;
    let members = facts::people(&mut conn, csms).await?;
    let slots: Vec<_> = members
        .values()
        .map(|member| {
            let morning = demo::morning(member.person.zone, now).1;
            let next = Slots::of(workspace, &member.person).next(morning - TimeDelta::hours(1));
            (member.person.id.clone(), next.map(|(_, at)| at))
        })
        .collect();
    hints::write_slots(&mut conn, &slots).await?;
    Ok(conn.commit().await?)
}

/// A client of the public API inside this very process.
struct Caller<'a> {
    api: &'a Router,
    clock: &'a Clock,
    key: &'a str,
}

impl Caller<'_> {
    async fn at(
        &mut self,
        at: DateTime<Utc>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        self.clock.advance(at - self.clock.now());
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))?;
        let answer = self.api.clone().oneshot(request).await?;
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if !status.is_success() {
            bail!("the demo's {method} {path} was answered with {status}: {value}");
        }
        Ok(value)
    }
}
