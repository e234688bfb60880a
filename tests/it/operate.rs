//! What operators do, through `operate` as every surface calls it, and on the command line.

mod addresses;
mod bulk;
mod jobs;
mod notifications;
mod queues;
mod schedules;
mod seek;
mod vitals;

use pivotal_reminders::domain::values::Mode;
use pivotal_reminders::operate::ActionError;
use pivotal_reminders::operate::notifications::{
    Because, Notification, cancel, delivered, resend, retry,
};
use pivotal_reminders::store::audit::Author;

use super::support::stage::Stage;

/// What is done to a notification.
#[derive(Clone, Copy, Debug)]
enum Act {
    Retry,
    Cancel,
    Resend,
    Delivered,
}

/// Does it as an operator of the workspace, at the stage's time; answers with the row or the refusal in words.
async fn act(stage: &Stage, act: Act, id: &str) -> Result<Notification, String> {
    act_as(stage, &Author::operator("op_1", "Ada"), act, id).await
}

async fn act_as(
    stage: &Stage,
    author: &Author,
    act: Act,
    id: &str,
) -> Result<Notification, String> {
    let because = Because { author, reason: "a customer asked" };
    let (workspace, now) = (&stage.app.workspace.id, stage.app.now());
    let mut conn = stage.app.db().begin().await.unwrap();
    let done = match act {
        Act::Retry => retry(&mut conn, because, workspace, id, now).await,
        Act::Cancel => cancel(&mut conn, because, workspace, id, now).await,
        Act::Resend => resend(&mut conn, because, workspace, id, now).await,
        Act::Delivered => delivered(&mut conn, because, workspace, id, now).await,
    };
    match done {
        Ok(row) => {
            conn.commit().await.unwrap();
            Ok(row)
        }
        Err(ActionError::Db(error)) => panic!("{error}"),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// A test key as author.
fn test_key() -> Author {
    Author::api_key("key_1", "Sandbox", Mode::Test, "req_1")
}

/// The only notification.
async fn only(stage: &Stage) -> String {
    let rows = stage.service.db.rows("SELECT id FROM notifications").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0]["id"].as_str().unwrap().to_owned()
}

/// What operators did, as the audit log has it.
async fn deeds(stage: &Stage) -> String {
    let rows = stage.service.db.rows("SELECT event, actor_name, reason, object, diff FROM audit_log WHERE actor_name = 'Ada' ORDER BY created_at, id").await;
    let mut text = String::new();
    for row in rows {
        let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!(
            "{} {} by {}: {}\n",
            word("object"),
            word("event"),
            word("actor_name"),
            word("reason")
        ));
    }
    text
}
