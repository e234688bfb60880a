//! A post to Slack whose answer was lost is never repeated. But Slack can be asked whether it has it, where the token may look
//! (`im:write` and `im:history`): every post carries its notification's id in its metadata.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use crate::db::DbError;
use crate::domain::message::Verdict;
use crate::store::doubts;

/// How often Slack is asked.
const EVERY: Duration = Duration::from_secs(30);

/// How long nobody asks after Slack has said that it cannot be asked, or not now.
const REST: Duration = Duration::from_mins(10);

/// Asks again and again until told to stop.
pub async fn run(courier: Arc<Courier>, stop: CancellationToken) {
    let mut rests_until = Instant::now();
    loop {
        if Instant::now() >= rests_until {
            match ask(&courier).await {
                Ok(true) => {}
                Ok(false) => rests_until = Instant::now() + REST,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for posts that are in doubt, trying again");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Asks Slack for every post that is in doubt; answers whether it may be asked.
pub async fn ask(courier: &Courier) -> Result<bool, DbError> {
    let mut read = courier.db.read().await?;
    let open = doubts::open(&mut read, courier.clock.now()).await?;
    drop(read);
    for doubt in open {
        let found =
            courier.deliverers.find_on_slack(&doubt.slack_user_id, &doubt.id, doubt.since).await;
        match found {
            Ok(Some(provider_ref)) => {
                let now = courier.clock.now();
                let mut conn = courier.db.begin().await?;
                let over = doubts::found(&mut conn, &doubt, &provider_ref, now).await?;
                conn.commit().await?;
                if over {
                    tracing::info!(notification = doubt.id, "it had arrived: Slack has it");
                }
            }
            Ok(None) => {}
            Err(report) => {
                tracing::info!(
                    notification = doubt.id,
                    reply = report.reply,
                    "Slack does not say whether it has it"
                );
                if matches!(report.verdict, Verdict::Channel { .. }) {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}
