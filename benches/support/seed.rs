//! Onboardings by the thousand, written past the service and yet as the service itself would have written them.
//!
//! One workspace in UTC, reached by mail only. A third of the onboardings waits for the customer since ten days before the slot, the
//! rest entered their phase then; the rungs reached since are dealt with. [`check`] holds the computed columns against those that the
//! service computes.

use anyhow::ensure;
use chrono::{DateTime, Days, TimeDelta, Utc};
use pivotal_reminders::clock::Clock;
use pivotal_reminders::db::sqlite_time;
use pivotal_reminders::domain::values::Phase;
use pivotal_reminders::store::hints::{self, Touched};

use super::{Database, Engine};

/// The workspace's id.
pub(crate) const WORKSPACE: &str = "ws_01k0bench0000000000000000a";

/// First part of the ids, so that they are as long as real ones; a number of nine digits follows.
const ID: &str = "01k0bench00000000";

/// Added to every running number, so that it has nine digits.
const BASE: u32 = 100_000_000;

/// What to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many CSMs.
    pub(crate) csms: u32,
    /// How many onboardings each of them has.
    pub(crate) each: u32,
    /// Of these, how many are due in the slot; must divide `each`.
    pub(crate) due: u32,
    /// 1: every CSM has the slot. 5: a fifth of them has it, the next fifth has theirs a day later, and so on.
    pub(crate) groups: u32,
    /// The slot. With [`Plan::groups`] or [`Plan::nudges`] a Monday, 07:00 UTC.
    pub(crate) slot: DateTime<Utc>,
    /// Whether nudges lie ahead; without, every ladder has come to its end and every day is a working day.
    pub(crate) nudges: bool,
}

impl Plan {
    /// 25,000 due onboardings of 5,000 CSMs.
    pub(crate) const fn full_morning(slot: DateTime<Utc>) -> Self {
        Self { csms: 5_000, each: 5, due: 5, groups: 1, slot, nudges: true }
    }

    /// Onboardings of which an eighth of a fifth is due on the day of the slot: 25,000 of 1,000,000.
    pub(crate) const fn ordinary_morning(onboardings: u32, slot: DateTime<Utc>) -> Self {
        Self { csms: onboardings / 40, each: 40, due: 5, groups: 5, slot, nudges: true }
    }

    /// How many people have the slot.
    pub(crate) const fn recipients(&self) -> u32 {
        self.csms / self.groups
    }
}

/// A Monday, 07:00 UTC.
pub(crate) fn monday() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_297_200, 0).unwrap_or_default()
}

/// The id of the `n`-th onboarding, from 0.
pub(crate) fn onboarding_id(n: u32) -> String {
    format!("onb_{ID}{}", BASE + n)
}

/// The id of the `n`-th CSM, from 0.
pub(crate) fn user_id(n: u32) -> String {
    format!("user_{ID}{}", BASE + n)
}

/// The id of the `n`-th customer, from 0: the one of the `n`-th onboarding.
pub(crate) fn customer_id(n: u32) -> String {
    format!("cust_{ID}{}", BASE + n)
}

/// Literals of one dialect.
struct Words(Engine);

impl Words {
    fn at(&self, at: DateTime<Utc>) -> String {
        let text = sqlite_time(at);
        match self.0 {
            Engine::Postgres => format!("'{text}'::timestamptz"),
            Engine::Sqlite => format!("'{text}'"),
        }
    }

    /// The date `days` after the group's slot; `g` is the group's column.
    fn day(&self, slot: DateTime<Utc>, days: i64) -> String {
        let date = slot.date_naive();
        match self.0 {
            Engine::Postgres => format!("('{date}'::date + {days} + g)"),
            Engine::Sqlite => format!("date('{date}', ({days} + g) || ' days')"),
        }
    }

    fn slot_of_group(&self, slot: DateTime<Utc>) -> String {
        match self.0 {
            Engine::Postgres => {
                format!("('{}'::timestamptz + g * interval '1 day')", sqlite_time(slot))
            }
            Engine::Sqlite => format!(
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', '{}', g || ' days')",
                slot.format("%Y-%m-%d %H:%M:%S")
            ),
        }
    }

    fn json(&self, text: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("({text})::jsonb"),
            Engine::Sqlite => format!("({text})"),
        }
    }
}

/// Writes it all and brings the database to rest.
pub(crate) async fn fill(database: &Database, plan: Plan) -> anyhow::Result<()> {
    let mut raw = database.raw().await?;
    for statement in statements(database.engine, plan) {
        raw.run(statement).await?;
    }
    drop(raw);
    database.settle().await
}

fn statements(engine: Engine, plan: Plan) -> Vec<String> {
    let Plan { csms, each, due, groups, slot, nudges } = plan;
    let words = Words(engine);
    let onboardings = csms * each;
    let midnight = slot.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let created = words.at(midnight - Days::new(40));
    let began = words.at(midnight - Days::new(10) + TimeDelta::hours(12));
    let working_days = if nudges { "mon,tue,wed,thu,fri" } else { "mon,tue,wed,thu,fri,sat,sun" };
    let hour = slot.format("%H:%M");
    // Rungs dealt with: one of the phase's (8 days) and two of waiting (3 and 5 working days); or all there are.
    let (stalled_step, waiting_step) = if nudges { (1, 2) } else { (6, 4) };
    let next_nudge = if nudges {
        // The 10th working day of waiting is the Friday, the 15th day in the phase a Saturday: both from nine o'clock.
        let friday = words.at(midnight + TimeDelta::days(4) + TimeDelta::hours(9));
        let monday = words.at(midnight + TimeDelta::days(7) + TimeDelta::hours(9));
        format!("CASE WHEN waits THEN {friday} ELSE {monday} END")
    } else {
        "NULL".to_owned()
    };
    let days_of_group = if groups == 1 {
        "NULL".to_owned()
    } else {
        "CASE g WHEN 0 THEN 'mon' WHEN 1 THEN 'tue' WHEN 2 THEN 'wed' WHEN 3 THEN 'thu' ELSE 'fri' END".to_owned()
    };
    let phases: Vec<String> = Phase::ALL
        .iter()
        .enumerate()
        .map(|(at, phase)| {
            format!("('{WORKSPACE}', '{}', '{}', {at}, 7)", phase.as_str(), phase.default_label())
        })
        .collect();
    let numbers = |count: u32, columns: &str| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}), x AS (SELECT n.i, {columns} FROM n)"
        )
    };
    // The CSM of an onboarding: in another order in each round, so that those of one CSM lie scattered.
    let csm = format!("(i % {csms}) * 7919 % {csms}");
    let before = words.day(slot, if groups == 1 { -3 } else { -7 });
    let next_due = format!(
        "CASE WHEN is_due THEN {} ELSE {} END",
        words.day(slot, if groups == 1 { -2 } else { 0 }),
        words.day(slot, if groups == 1 { 25 } else { 21 })
    );
    let often = if groups == 1 { 1 } else { 7 };
    let rows = format!(
        "{}, y AS (SELECT i, csm, csm % {groups} AS g, (i / {csms}) % {stride} = (csm / {groups}) % {stride} AS is_due, i % 3 = 0 AS waits,
           CASE i % 6 WHEN 0 THEN 'before_getting_started' WHEN 1 THEN 'program_design' WHEN 2 THEN 'review' WHEN 3 THEN 'program_buildout'
             WHEN 4 THEN 'internal_qa' ELSE 'launch' END AS phase FROM x)",
        numbers(onboardings, &format!("{csm} AS csm")),
        stride = each / due,
    );
    let holds = words.json("'[]'");
    let slot_at = words.slot_of_group(slot);
    vec![
        format!(
            "INSERT INTO workspaces (id, slug, name, time_zone, working_days, digest_time, waiting_steps, owner_user_id, customer_reminders, names_in_subjects, created_at, updated_at)
             VALUES ('{WORKSPACE}', 'tally', 'Tallybrook', 'UTC', '{working_days}', '{hour}', '3,5,10,15', 'user_{ID}{BASE}', false, false, {created}, {created})"
        ),
        format!("INSERT INTO phases (workspace_id, key, label, position, target_days) VALUES {}", phases.join(", ")),
        format!(
            "INSERT INTO counters (workspace_id, name, value, last_created_at) VALUES ('{WORKSPACE}', 'user', {csms}, {created}),
             ('{WORKSPACE}', 'customer', {onboardings}, {created}), ('{WORKSPACE}', 'onboarding', {onboardings}, {created})"
        ),
        format!(
            "INSERT INTO users (id, workspace_id, display_id, name, email, active, digest_enabled, digest_channel, digest_days, working_from, working_until,
               muted_kinds, preferences_at, next_slot_at, created_at, updated_at)
             {} SELECT 'user_{ID}' || (i + {BASE}), '{WORKSPACE}', i + 1, 'Csm ' || i, 'csm' || i || '@example.test', true, true, 'email', {days_of_group}, '09:00', '18:00',
               '', {created}, {slot_at}, {created}, {created} FROM x",
            numbers(csms, &format!("i % {groups} AS g"))
        ),
        format!(
            "INSERT INTO customers (id, workspace_id, display_id, name, slug, status, metadata, mode, created_at, updated_at)
             {} SELECT 'cust_{ID}' || (i + {BASE}), '{WORKSPACE}', i + 1, 'Customer ' || i, 'customer-' || i, 'onboarding', '{{}}', 'live', {created}, {created} FROM x",
            numbers(onboardings, "1 AS one")
        ),
        format!(
            "INSERT INTO onboardings (id, workspace_id, customer_id, display_id, phase, state, started_at, csm_id, waiting_on_customer, waiting_on_customer_since,
               reminder_email, reminder_slack, reminder_frequency_days, phase_entered_at, state_entered_at, held_since, holds, mode, csm_mode, reminders_mode,
               phase_mode, waiting_mode, stalled_step, waiting_step, waiting_began_on, next_nudge_at, created_at, updated_at)
             {rows} SELECT 'onb_{ID}' || (i + {BASE}), '{WORKSPACE}', 'cust_{ID}' || (i + {BASE}), i + 1, phase, CASE WHEN waits THEN 'waiting' ELSE 'active' END, {created},
               'user_{ID}' || (csm + {BASE}), waits, CASE WHEN waits THEN {began} END,
               true, true, CASE WHEN is_due THEN {often} ELSE 28 END, {began}, {began}, CASE WHEN waits THEN {began} END, {holds}, 'live', 'live', 'live',
               'live', 'live', CASE WHEN waits THEN 0 ELSE {stalled_step} END, CASE WHEN waits THEN {waiting_step} ELSE 0 END,
               CASE WHEN waits THEN {began_on} END, {next_nudge}, {created}, {created} FROM y",
            began_on = match engine {
                Engine::Postgres => format!("'{}'::date", (midnight - Days::new(10)).date_naive()),
                Engine::Sqlite => format!("'{}'", (midnight - Days::new(10)).date_naive()),
            },
        ),
        format!(
            "INSERT INTO reminder_state (onboarding_id, recipient_id, next_due_on, frequency_days, last_reminded_on, last_seen)
             {rows} SELECT 'onb_{ID}' || (i + {BASE}), 'user_{ID}' || (csm + {BASE}), {next_due}, CASE WHEN is_due THEN {often} ELSE 28 END, {before},
               {before} || CASE WHEN waits THEN ' waiting 5 ' ELSE ' on_track 7 ' END || phase FROM y"
        ),
    ]
}

/// The columns that the scan goes by, as text.
const COMPUTED: [&str; 2] = [
    "SELECT id || ' ' || COALESCE(CAST(next_slot_at AS TEXT), '-') FROM users ORDER BY id",
    "SELECT o.id || ' ' || COALESCE(r.recipient_id, '-') || ' ' || COALESCE(CAST(r.next_due_on AS TEXT), '-') || ' ' || COALESCE(CAST(o.next_nudge_at AS TEXT), '-')
     FROM onboardings o JOIN reminder_state r ON r.onboarding_id = o.id ORDER BY o.id",
];

/// Makes sure that the service would have computed the same columns, on a small database of the same plan.
pub(crate) async fn check(engine: Engine, plan: Plan) -> anyhow::Result<()> {
    let database = Database::new(engine).await?;
    fill(&database, Plan { csms: 50, ..plan }).await?;
    let app = database.app(Clock::Fixed(plan.slot - TimeDelta::hours(1))).await?;
    let mut tx = app.db.begin().await?;
    let mut columns: Vec<Vec<(String,)>> = Vec::new();
    for refreshed in [false, true] {
        if refreshed {
            hints::refresh(&mut tx, Touched::Workspace(WORKSPACE), app.clock.now()).await?;
        }
        for sql in COMPUTED {
            columns.push(pivotal_reminders::on!(tx, |c| sqlx::query_as(sql).fetch_all(c).await?));
        }
    }
    drop(tx);
    app.db.close().await;
    for (seeded, computed) in columns[..2].iter().zip(&columns[2..]) {
        for (seeded, computed) in seeded.iter().zip(computed) {
            ensure!(seeded == computed, "seeded {seeded:?}, but the service computes {computed:?}");
        }
    }
    database.drop_now().await
}
