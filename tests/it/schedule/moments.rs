//! Two who write at the same moment: whatever the order, an onboarding is never looked at too late.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use pivotal_reminders::db::{Conn, Db};
use pivotal_reminders::domain::facts::Channels;
use pivotal_reminders::domain::ids::Ref;
use pivotal_reminders::scheduler;
use pivotal_reminders::store::audit::Author;
use pivotal_reminders::store::hints::{self, Touched};
use pivotal_reminders::store::onboardings::{self, Patch};
use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::service::PATIENCE;
use crate::support::stage::{Stage, instant};

/// Carl's onboarding that is due on Friday, 5 June, and rests for weeks after it.
async fn due_on_friday(stage: &Stage) -> String {
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 28 })).await;
    stage
        .sql(
            "UPDATE reminder_state SET next_due_on = '2026-06-05', last_reminded_on = '2026-05-08'",
        )
        .await;
    path.rsplit('/').next().unwrap().to_owned()
}

/// An edit that has been made and not been committed yet: a reminder every day from now on.
async fn daily(stage: &Stage, id: &str) -> Conn {
    let mut conn = stage.app.db().begin().await.unwrap();
    let workspace = &stage.app.workspace.id;
    let found = onboardings::lock(&mut conn, workspace, &Ref::Id(id.to_owned())).await.unwrap();
    let patch = Patch { reminder_frequency_days: Some(1), ..Patch::default() };
    let (author, zone) = (Author::system(), chrono_tz::Tz::UTC);
    onboardings::update(&mut conn, &author, found.unwrap(), patch, zone, None, stage.app.now())
        .await
        .unwrap();
    conn
}

/// Until somebody waits for a lock. On SQLite whoever writes next waits for the only connection, and need not have come to it yet.
async fn somebody_waits(stage: &Stage) {
    const WAITING: &str = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    if matches!(stage.app.db(), Db::Postgres(_)) {
        let waits = async || stage.service.db.rows(WAITING).await[0]["n"] != 0;
        eventually_so(PATIENCE, waits).await;
    }
}

async fn next_due_on(stage: &Stage) -> NaiveDate {
    let rows = stage.service.db.rows("SELECT next_due_on FROM reminder_state").await;
    rows[0]["next_due_on"].as_str().unwrap().parse().unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_edit_that_meets_a_pass_is_not_overwritten_with_a_date_that_is_too_late(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    let id = due_on_friday(&stage).await;
    let friday: DateTime<Utc> = instant("2026-06-05T07:00:00Z");
    stage.sql("UPDATE users SET next_slot_at = '2026-06-05T07:00:00+00:00' WHERE next_slot_at IS NOT NULL").await;
    let edit = daily(&stage, &id).await;
    let db = stage.app.db().clone();
    let pass = tokio::spawn(async move {
        scheduler::pass(&db, friday, TimeDelta::zero(), Channels::ALL, |_| ()).await
    });
    somebody_waits(&stage).await;
    edit.commit().await.unwrap();
    assert_eq!(pass.await.unwrap().unwrap().written, 1);
    assert!(next_due_on(&stage).await <= "2026-06-06".parse().unwrap(), "a day later, not 28");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_edit_that_meets_a_change_of_settings_is_not_overwritten_with_a_date_that_is_too_late(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    let id = due_on_friday(&stage).await;
    let edit = daily(&stage, &id).await;
    let (db, csm, now) = (stage.app.db().clone(), stage.app.csm.id.clone(), stage.app.now());
    let settings = tokio::spawn(async move {
        let mut conn = db.begin().await?;
        hints::refresh(&mut conn, Touched::User(&csm), now).await?;
        conn.commit().await
    });
    somebody_waits(&stage).await;
    edit.commit().await.unwrap();
    settings.await.unwrap().unwrap();
    assert!(next_due_on(&stage).await <= "2026-05-09".parse().unwrap(), "a day after the last");
}
