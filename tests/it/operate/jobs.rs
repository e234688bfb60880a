//! Jobs, and what is done to what they stand for.

use pivotal_reminders::domain::values::{JobStatus, Kind};
use pivotal_reminders::operate::ActionError;
use pivotal_reminders::operate::jobs::{self, Act, Filter, Job};
use pivotal_reminders::operate::notifications::Because;
use pivotal_reminders::store::audit::Author;
use rstest::rstest;
use serde_json::json;

use super::{deeds, only};
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

async fn all(stage: &Stage, filter: Filter<'_>) -> Vec<Job> {
    let mut conn = stage.app.db().read().await.unwrap();
    let workspace = Some(stage.app.workspace.id.as_str());
    jobs::list(&mut conn, workspace, &filter, None, 100).await.unwrap().jobs
}

async fn act(stage: &Stage, id: &str, act: Act) -> Result<usize, String> {
    let author = Author::operator("op_1", "Ada");
    let because = Because { author: &author, reason: "a customer asked" };
    let mut conn = stage.app.db().begin().await.unwrap();
    let (workspace, now) = (&stage.app.workspace.id, stage.app.now());
    match jobs::act(&mut conn, because, workspace, id, act, now).await {
        Ok(done) => {
            conn.commit().await.unwrap();
            Ok(done)
        }
        Err(ActionError::Db(error)) => panic!("{error}"),
        Err(refusal) => Err(refusal.to_string()),
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_job_is_found_by_what_is_in_it_and_retried_through_the_ledger(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Dot, Do::reply("451 4.3.0 try again later")));
    stage.pass("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-02T07:00:10Z");
    let found = all(&stage, Filter { notification_id: Some(&digest), ..Filter::default() }).await;
    assert!(!found.is_empty());
    let job = found.last().unwrap();
    assert_eq!(job.kind, Some(Kind::Digest));
    // A drain that is over may leave a job that nobody has acknowledged; the ledger is what counts.
    let is_done = job.status == JobStatus::Done;
    assert_eq!(job.finished_at.is_some(), is_done);
    assert_eq!(job.notification_id.as_deref(), Some(digest.as_str()));
    for (filter, expected) in [
        (Filter { queue: Some("slack"), ..Filter::default() }, false),
        (Filter { queue: Some("email"), status: Some(job.status), ..Filter::default() }, true),
        (Filter { status: Some(JobStatus::Killed), ..Filter::default() }, false),
        (Filter { kind: Some(Kind::StalledPhase), ..Filter::default() }, false),
        (Filter { notification_id: Some("ntf_nobody"), ..Filter::default() }, false),
        (Filter { until: Some(job.created_at), ..Filter::default() }, false),
        (Filter { since: Some(job.created_at), ..Filter::default() }, true),
    ] {
        assert_eq!(!all(&stage, filter).await.is_empty(), expected, "{filter:?}");
    }
    // It waits for its next try; a click makes it the next.
    stage.relay.set_script(Script::new());
    assert_eq!(act(&stage, &job.id, Act::RunNow).await, Ok(1));
    stage.drain("2026-06-02T07:00:10Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    assert_eq!(
        act(&stage, &job.id, Act::Retry).await,
        Err("it was sent; re-send it instead".to_owned())
    );
    assert_eq!(
        act(&stage, &job.id, Act::Cancel).await,
        Err("it has ended already, as sent".to_owned())
    );
    assert_eq!(
        act(&stage, "job_nobody", Act::Cancel).await,
        Err("there is no such job".to_owned())
    );
    let deeds = deeds(&stage).await;
    assert!(deeds.contains("job job_run_now by Ada: a customer asked"), "{deeds}");
    assert!(deeds.contains("notification notification_run_now by Ada"), "{deeds}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn jobs_are_paged_and_those_of_other_workspaces_are_not_there(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.scan("2026-06-03T07:00:00Z").await;
    let mut conn = stage.app.db().read().await.unwrap();
    let workspace = Some(stage.app.workspace.id.as_str());
    let filter = Filter::default();
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = jobs::list(&mut conn, workspace, &filter, after.as_deref(), 1).await.unwrap();
        seen.extend(page.jobs.into_iter().map(|job| job.id));
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let whole: Vec<String> = all(&stage, filter).await.into_iter().map(|job| job.id).collect();
    assert_eq!(seen, whole);
    assert_eq!(seen.len(), 4);
    let others = jobs::list(&mut conn, Some("ws_other"), &filter, None, 10).await.unwrap();
    assert!(others.jobs.is_empty() && others.next.is_none());
    let shown = jobs::show(&mut conn, Some("ws_other"), &whole[0]).await.unwrap();
    assert!(shown.is_none());
}
