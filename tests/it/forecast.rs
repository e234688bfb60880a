//! Forecast = reality: a simulated clock runs the real scheduler and the real worker, and what they sent is what the forecast said.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use pivotal_reminders::app::App;
use pivotal_reminders::clock::Clock;
use pivotal_reminders::config::Config;
use pivotal_reminders::db::Conn;
use pivotal_reminders::domain::facts::Channels;
use pivotal_reminders::domain::ids::Ref;
use pivotal_reminders::domain::values::{CustomerStatus, NotificationState, Phase, Reason, State};
use pivotal_reminders::operate::forecast::{Question, forecast};
use pivotal_reminders::scheduler;
use pivotal_reminders::store::audit::Author;
use pivotal_reminders::store::onboardings::{self, NewOnboarding, Patch};
use pivotal_reminders::store::users::{self, NewUser};
use pivotal_reminders::store::worlds::About;
use pivotal_reminders::store::{customers, facts, hints, ledger, workspaces};
use pivotal_reminders::{domain::transition::Wish, on};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rstest::rstest;

use super::support::db::{Backend, TestDb};

/// One workspace with people in many zones and onboardings that are edited at random, under a clock that the test moves.
struct Simulation {
    db: TestDb,
    app: App,
    rng: StdRng,
    workspace: String,
    users: Vec<String>,
    onboardings: Vec<String>,
}

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/New_York",
];

impl Simulation {
    async fn new(backend: Backend, seed: u64, start: DateTime<Utc>) -> Self {
        let db = TestDb::new(backend).await;
        let config = Config::load(&[("database.url", db.url.clone())]).unwrap();
        let app = App::over(config, Clock::manual(start), db.db.clone());
        let mut simulation = Self {
            db,
            app,
            rng: StdRng::seed_from_u64(seed),
            workspace: String::new(),
            users: Vec::new(),
            onboardings: Vec::new(),
        };
        simulation.populate(start).await;
        simulation
    }

    async fn populate(&mut self, now: DateTime<Utc>) {
        let author = Author::system();
        let mut tx = self.db.db.begin().await.unwrap();
        let workspace =
            workspaces::create(&mut tx, &author, "sim", "Sim", "Europe/Berlin", now).await.unwrap();
        self.workspace = workspace.id;
        for (n, zone) in ZONES.iter().enumerate() {
            let (name, email) = (format!("User {n}"), format!("user{n}@sim.test"));
            let slack = (n % 3 != 0).then_some("U0SIM");
            let new = NewUser {
                workspace_id: &self.workspace,
                name: &name,
                email: &email,
                time_zone: Some(zone),
                slack_user_id: slack,
            };
            self.users.push(users::create(&mut tx, &author, new, now).await.unwrap().id);
        }
        on!(tx, |c| {
            sqlx::query("UPDATE users SET digest_channel = 'slack', quiet_from = '06:30', quiet_until = '08:00' WHERE display_id = 2").execute(c).await.unwrap().rows_affected()
        });
        on!(tx, |c| {
            sqlx::query("UPDATE users SET digest_time = '15:30', digest_days = 'mon,wed,sat' WHERE display_id = 3").execute(c).await.unwrap().rows_affected()
        });
        on!(tx, |c| sqlx::query("UPDATE workspaces SET escalation_user_id = $1")
            .bind(&self.users[5])
            .execute(c)
            .await
            .unwrap()
            .rows_affected());
        hints::refresh(&mut tx, hints::Touched::Workspace(&self.workspace), now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Adds an onboarding, or changes one, as somebody would.
    async fn edit(&mut self) {
        let now = self.app.clock.now();
        let author = Author::system();
        let zone = facts::zone("Europe/Berlin");
        let mut tx = self.db.db.begin().await.unwrap();
        if self.rng.random_bool(0.1) {
            self.go_away(&mut tx).await;
        } else if self.onboardings.len() < 30 && self.rng.random_bool(0.5) {
            let n = self.onboardings.len();
            let fields = customers::Fields {
                name: format!("Customer {n}"),
                slug: format!("customer-{n}"),
                domain: None,
                status: CustomerStatus::Active,
                plan: None,
                mrr: None,
                monthly_orders: None,
                hubspot_company_id: None,
                hubspot_deal_id: None,
                stripe_customer_id: None,
                intercom_company_id: None,
                slack_channel_id: None,
                metadata: "{}".to_owned(),
            };
            let customer = customers::create(
                &mut tx,
                &author,
                &self.workspace,
                fields,
                customers::Slug::Derived,
                now,
            )
            .await
            .unwrap();
            let new = NewOnboarding {
                customer_id: customer.id,
                phase: Phase::BeforeGettingStarted,
                state: State::Active,
                target_launch_date: None,
                csm_id: self.users.choose(&mut self.rng).cloned(),
                se_id: None,
                designer_id: None,
                product_ops_id: None,
                notes: None,
                reminder_email: self.rng.random_bool(0.9),
                reminder_slack: self.rng.random_bool(0.9),
                reminder_frequency_days: self.rng.random_range(1..=5),
            };
            let made = onboardings::create(&mut tx, &author, &self.workspace, new, zone, None, now)
                .await
                .unwrap();
            self.onboardings.push(made.id);
        } else if let Some(id) = self.onboardings.choose(&mut self.rng).cloned() {
            let found =
                onboardings::lock(&mut tx, &self.workspace, &Ref::Id(id)).await.unwrap().unwrap();
            let rng = &mut self.rng;
            if rng.random_bool(0.1) {
                let until: NaiveDate = now.date_naive() + TimeDelta::days(rng.random_range(1..20));
                onboardings::snooze(&mut tx, &author, &found, Some(until), None, now)
                    .await
                    .unwrap();
            } else {
                let patch = Patch {
                    wish: Wish {
                        phase: rng.random_bool(0.4).then(|| *Phase::ALL.choose(rng).unwrap()),
                        state: rng.random_bool(0.4).then(|| *State::ALL.choose(rng).unwrap()),
                        waiting_on_customer: rng.random_bool(0.2).then(|| rng.random_bool(0.5)),
                    },
                    csm_id: rng.random_bool(0.2).then(|| self.users.choose(rng).cloned()),
                    reminder_frequency_days: rng.random_bool(0.2).then(|| rng.random_range(1..=9)),
                    ..Patch::default()
                };
                onboardings::update(&mut tx, &author, found, patch, zone, None, now).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
    }

    /// Somebody goes on leave, has been, or comes back early; with a backup, more often than not.
    async fn go_away(&mut self, tx: &mut Conn) {
        let now = self.app.clock.now();
        let id = self.users.choose(&mut self.rng).cloned().unwrap();
        let before = users::lock(tx, &self.workspace, &Ref::Id(id)).await.unwrap().unwrap();
        let away = self.rng.random_bool(0.8).then(|| self.rng.random_range(-2..12));
        let backup = self.users.choose(&mut self.rng).filter(|backup| **backup != before.id);
        let after = users::User {
            out_of_office_until: away.map(|days| now.date_naive() + TimeDelta::days(days)),
            backup_user_id: backup.cloned(),
            ..before.clone()
        };
        users::update(tx, &Author::system(), before, after, now).await.unwrap();
    }

    /// One pass and the deliveries that it leads to, at the clock's time.
    async fn turn(&self) {
        let summary = scheduler::pass(
            &self.db.db,
            self.app.clock.now(),
            TimeDelta::zero(),
            Channels::ALL,
            |_| (),
        )
        .await
        .unwrap();
        assert_eq!(summary.unaccounted(), 0);
        // What was deferred becomes ready by itself.
        let mut conn = self.db.db.read().await.unwrap();
        let backlog = ledger::backlog(&mut conn, self.app.clock.now()).await.unwrap();
        drop(conn);
        if backlog.ready + backlog.held > 0 {
            self.app.drain(|_| ()).await.unwrap();
        }
    }

    fn go_to(&self, at: DateTime<Utc>) {
        self.app.clock.advance(at - self.app.clock.now());
    }
}

async fn reality_is_the_forecast(
    backend: Backend,
    seed: u64,
    edited_days: i64,
    foreseen_days: i64,
) {
    let start: DateTime<Utc> = "2026-03-02T10:00:00Z".parse().unwrap();
    let mut simulation = Simulation::new(backend, seed, start).await;
    // A past of random edits, lived through hour by hour.
    for hour in 0..edited_days * 24 {
        simulation.go_to(start + TimeDelta::hours(hour));
        if simulation.rng.random_bool(0.3) {
            simulation.edit().await;
        }
        simulation.turn().await;
    }
    let now = simulation.app.clock.now();
    let question = Question {
        workspace_id: &simulation.workspace,
        about: About::Everything,
        days: foreseen_days,
        as_if: None,
        channels: Channels::ALL,
    };
    let foreseen = forecast(&simulation.db.db, question, now, |_, _| ()).await.unwrap();
    let mut expected: Vec<(String, String)> = foreseen
        .iter()
        .map(|item| {
            let sent = item.plan.state != NotificationState::Skipped;
            let reason = item.plan.reason.map_or("", Reason::as_str);
            (
                item.plan.dedupe_key.clone(),
                if sent { "sent".to_owned() } else { format!("skipped: {reason}") },
            )
        })
        .collect();
    assert!(expected.len() > 10, "there is something to foresee: {}", expected.len());
    // At least one absence lies ahead, or has just ended.
    let absences = "SELECT id FROM users WHERE out_of_office_until IS NOT NULL";
    assert!(!simulation.db.rows(absences).await.is_empty(), "nobody is away");

    // The future, lived through at every instant that the forecast names; deferred ones come later than their pass.
    let mut instants: Vec<DateTime<Utc>> = foreseen.iter().map(|item| item.at).collect();
    instants.extend((1..=foreseen_days * 24).map(|hour| now + TimeDelta::hours(hour)));
    instants.extend(
        (1..=foreseen_days * 24).map(|hour| now + TimeDelta::hours(hour) - TimeDelta::minutes(30)),
    );
    instants.sort_unstable();
    instants.dedup();
    let until = now + TimeDelta::days(foreseen_days);
    for at in instants.into_iter().filter(|at| *at <= until) {
        simulation.go_to(at);
        simulation.turn().await;
    }
    simulation.app.drain(|_| ()).await.unwrap();

    let sql = format!(
        "SELECT dedupe_key, state, reason FROM notifications WHERE created_at > '{}' ORDER BY dedupe_key",
        match backend {
            Backend::Sqlite => pivotal_reminders::db::sqlite_time(now),
            Backend::Postgres => now.to_rfc3339(),
        }
    );
    let mut happened: Vec<(String, String)> = simulation
        .db
        .rows(&sql)
        .await
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let sent = text("state") == "sent";
            let state =
                if sent { text("state") } else { format!("{}: {}", text("state"), text("reason")) };
            (text("dedupe_key"), state)
        })
        .collect();
    // What is deferred beyond the horizon has not happened yet, and is in no forecast up to it.
    happened.retain(|(_, state)| !state.starts_with("deferred") && !state.starts_with("scheduled"));
    expected.sort();
    happened.sort();
    let missing: Vec<_> = expected.iter().filter(|row| !happened.contains(row)).collect();
    let unforeseen: Vec<_> = happened.iter().filter(|row| !expected.contains(row)).collect();
    assert!(
        missing.is_empty() && unforeseen.is_empty(),
        "seed {seed}: missing {missing:#?}, unforeseen {unforeseen:#?}"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_sent_is_what_the_forecast_said(#[case] backend: Backend) {
    let long = std::env::var("LONG_TESTS").is_ok();
    let (seeds, edited, foreseen) = if long { (1..=2, 30, 90) } else { (1..=1, 6, 8) };
    for seed in seeds {
        reality_is_the_forecast(backend, seed, edited, foreseen).await;
    }
}
