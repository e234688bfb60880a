//! Three months of notifications, written past the service as the service would have left them, for an operator to look through.

use chrono::{DateTime, TimeDelta, Utc};
use pivotal_reminders::db::sqlite_time;
use pivotal_reminders::domain::ids::IdKind;

use super::seed::{Plan, WORKSPACE, onboarding_id, user_id};
use super::{Database, Engine};

/// How far back they go: within what retention keeps.
const DAYS: i64 = 90;

/// Rows per statement.
const CHUNK: u32 = 100_000;

/// Lines of the audit log per notification: most are written by passes that skip something.
const AUDITED: u32 = 4;

/// The ids of a table of this history: those of one instant, told apart by a running number, so that they order as the rows do.
fn ids(kind: IdKind, now: DateTime<Utc>) -> String {
    let first = kind.first(now - TimeDelta::days(DAYS));
    // Nine digits of a number of the same width stand at the end.
    first[..first.len() - 9].to_owned()
}

const BASE: u32 = 100_000_000;

/// The id of the `n`-th notification, from 0, the oldest.
pub(crate) fn notification_id(now: DateTime<Utc>, n: u32) -> String {
    format!("{}{}", ids(IdKind::Notification, now), BASE + n)
}

/// Writes `count` notifications about the onboardings of `plan`, the newest at `now`; with their lines, attempts and audit entries.
pub(crate) async fn fill(
    database: &Database,
    plan: Plan,
    count: u32,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut raw = database.raw().await?;
    for from in (0..count).step_by(CHUNK as usize) {
        let until = (from + CHUNK).min(count);
        for statement in statements(database.engine, plan, count, now, from..until) {
            raw.run(statement).await?;
        }
    }
    drop(raw);
    database.settle().await
}

fn statements(
    engine: Engine,
    plan: Plan,
    count: u32,
    now: DateTime<Utc>,
    range: std::ops::Range<u32>,
) -> [String; 4] {
    let onboardings = plan.csms * plan.each;
    let step = TimeDelta::days(DAYS).num_milliseconds() / i64::from(count);
    let at = |offset: &str| match engine {
        Engine::Postgres => format!(
            "('{}'::timestamptz - ({count} - i) * interval '{step} ms' {offset})",
            sqlite_time(now)
        ),
        Engine::Sqlite => {
            let offset = if offset.is_empty() { "" } else { ", '+2 seconds'" };
            format!(
                "strftime('%Y-%m-%dT%H:%M:%f+00:00', '{}', ((i - {count}) * {step} / 1000.0) || ' seconds'{offset})",
                now.format("%Y-%m-%d %H:%M:%S%.3f")
            )
        }
    };
    let (created, finished) = (at(""), at("+ interval '2 seconds'"));
    let date = match engine {
        Engine::Postgres => format!("({created})::date"),
        Engine::Sqlite => format!("date({created})"),
    };
    let deadline = match engine {
        Engine::Postgres => format!("{created} + interval '11 hours'"),
        Engine::Sqlite => format!(
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', {}, '+11 hours')",
            created.replace("+00:00'", "'")
        ),
    };
    let json = |text: &str| match engine {
        Engine::Postgres => format!("({text})::jsonb"),
        Engine::Sqlite => format!("({text})"),
    };
    let ntf = ids(IdKind::Notification, now);
    let audit = ids(IdKind::AuditEntry, now);
    let (user, onboarding) = (user_id(0), onboarding_id(0));
    // Without its nine digits.
    let (user, onboarding) = (&user[..user.len() - 9], &onboarding[..onboarding.len() - 9]);
    let about = format!("'{onboarding}' || ({BASE} + i * 7919 % {onboardings})");
    // A few are open, one in a thousand has failed; of the rest most were sent.
    let open = format!("i >= {count} - 200");
    let state = format!(
        "CASE WHEN {open} THEN 'scheduled' WHEN i % 1000 = 0 THEN 'failed' WHEN i % 20 = 1 THEN 'skipped' WHEN i % 50 = 2 THEN 'suppressed' ELSE 'sent' END"
    );
    let reason = format!(
        "CASE WHEN {open} THEN NULL WHEN i % 1000 = 0 THEN 'message_refused' WHEN i % 20 = 1 THEN 'state_changed' WHEN i % 50 = 2 THEN 'test_mode' END"
    );
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT CAST({} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {})",
        range.start, range.end
    );
    [
        format!(
            "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days, escalation,
               dedupe_key, state, reason, not_before, deadline, attempt_count, delivery_count, claim_count, resent, pushed_at, subject, created_at, updated_at,
               finished_at, sent_at)
             {numbers} SELECT '{ntf}' || ({BASE} + i), '{WORKSPACE}', CASE WHEN i % 10 < 7 THEN 'digest' WHEN i % 10 = 7 THEN 'stalled_phase' ELSE 'waiting_on_customer' END,
               CASE WHEN i % 4 = 0 THEN 'slack' ELSE 'email' END, CASE WHEN i % 50 = 2 THEN 'test' ELSE 'live' END, 'user', '{user}' || ({BASE} + i * 7919 % {csms}),
               CASE WHEN i % 10 < 7 THEN NULL ELSE {about} END, {date}, CASE WHEN i % 10 < 7 THEN NULL ELSE 1 END, CASE WHEN i % 10 < 7 THEN NULL ELSE 8 END, false,
               'bench:' || i, {state}, {reason}, {created}, {deadline}, CASE WHEN i % 20 = 1 THEN 0 ELSE 1 END, 0, 1, false, {created},
               'Customer ' || (i * 7919 % {onboardings}) || ' and 4 more need you', {created}, {finished}, CASE WHEN {open} THEN NULL ELSE {finished} END,
               CASE WHEN ({state}) = 'sent' THEN {finished} END FROM n",
            csms = plan.csms,
        ),
        format!(
            "INSERT INTO notification_items (notification_id, onboarding_id) {numbers} SELECT '{ntf}' || ({BASE} + i), {about} FROM n
             UNION ALL SELECT '{ntf}' || ({BASE} + i), '{onboarding}' || ({BASE} + (i * 7919 + 1) % {onboardings}) FROM n WHERE i % 10 < 7"
        ),
        format!(
            "INSERT INTO attempts (notification_id, number, at, worker, stage, outcome, reply, duration_ms)
             {numbers} SELECT '{ntf}' || ({BASE} + i), 1, {finished}, 'proc_01k0bench', 'dot', CASE WHEN i % 1000 = 0 THEN 'permanent' ELSE 'accepted' END,
               CASE WHEN i % 1000 = 0 THEN '554 5.7.1 looks like spam' ELSE '250 2.0.0 Ok: queued' END, 12 FROM n WHERE i % 20 <> 1 AND NOT ({open})"
        ),
        format!(
            "INSERT INTO audit_log (id, workspace_id, event, actor_type, actor_name, object, object_id, diff, reason, created_at)
             {numbers} SELECT '{audit}' || ({BASE} + i), '{WORKSPACE}', CASE WHEN i % 3 = 0 THEN 'onboarding_updated' ELSE 'notification_skipped' END,
               CASE WHEN i % 3 = 0 THEN 'api_key' ELSE 'system' END, CASE WHEN i % 3 = 0 THEN 'API: CRM sync' ELSE 'system' END, 'onboarding', {about},
               {}, 'state_changed', {created} FROM n WHERE i % {AUDITED} = 0",
            json("'{\"state\":[\"active\",\"waiting\"]}'"),
        ),
    ]
}
