//! What keeps the ledger moving whatever happens to jobs and processes: the sweep and the rescue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use crate::db::{Conn, DbError};
use crate::domain::values::{NotificationState, Reason};
use crate::queue::{self, Queue};
use crate::store::ledger::{self, UNTIL_DECIDED};
use crate::store::processes::{self, Watch};
use crate::store::queues;

/// A row whose job was pushed this long ago and that still waits has lost its job.
pub const REPUSH_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Most rows looked at per sweep.
pub const LIMIT: i64 = 5_000;

/// Frees whatever this process still holds and takes it out of the table, at the end of an orderly shutdown.
pub async fn leave(courier: &Courier) -> Result<(), DbError> {
    let mut conn = courier.db.begin().await?;
    free(courier, &mut conn, &courier.identity.id(), &[], UNTIL_DECIDED).await?;
    processes::leave(&mut conn, &courier.identity.id()).await?;
    conn.commit().await
}

/// How long after its rest a channel is asked without a message, as no delivery has asked it.
const UNASKED: TimeDelta = TimeDelta::seconds(10);

/// Sweeps every second until told to stop.
pub async fn run(courier: Arc<Courier>, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut failed = false;
    let mut probe: Option<JoinHandle<()>> = None;
    for turn in 0_u64.. {
        let now = courier.clock.now();
        let result = async {
            rescue(&courier, &mut watch).await?;
            if turn % 10 == 9 {
                rescue_own(&courier).await?;
                end_undecodable(&courier).await?;
            }
            // What was held back has jobs that came to nothing: push it again, however much it is.
            let released = look(&courier).await?;
            let pushed_before = if released { now } else { now - REPUSH_AFTER };
            while sweep(&courier, pushed_before).await? == LIMIT && released {}
            // A provider may take its time, and the sweep has none.
            if probe.as_ref().is_none_or(JoinHandle::is_finished)
                && let Some(channel) = courier.brakes.unasked(now - UNASKED)
            {
                let courier = Arc::clone(&courier);
                probe = Some(tokio::spawn(async move { courier.probe(channel).await }));
            }
            Ok::<_, DbError>(())
        };
        match result.await {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "sweep failed, trying again every second");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Looks which channels are down and which queues are paused; answers whether something that was held back may go now.
pub async fn look(courier: &Courier) -> Result<bool, DbError> {
    let mut read = courier.db.read().await?;
    let down = processes::pauses(&mut read).await?;
    let paused = queues::pauses(&mut read).await?;
    Ok(courier.brakes.look(&down, paused, courier.clock.now()))
}

/// Pushes jobs for what is ready and was last pushed before `pushed_before`, and ends what has passed its deadline. Answers with the
/// number of rows that it dealt with.
pub async fn sweep(courier: &Courier, pushed_before: DateTime<Utc>) -> Result<i64, DbError> {
    let now = courier.clock.now();
    let mut read = courier.db.read().await?;
    let ready = ledger::ready(&mut read, now, pushed_before, LIMIT).await?;
    drop(read);
    if ready.is_empty() {
        return Ok(0);
    }
    let found = i64::try_from(ready.len()).unwrap_or(i64::MAX);
    let (expired, ready): (Vec<_>, Vec<_>) = ready.into_iter().partition(|row| row.deadline <= now);
    let mut conn = courier.db.begin().await?;
    let mut ended = Vec::new();
    for (ambiguous, quiet) in [(true, false), (false, true), (false, false)] {
        let ids: Vec<String> = expired
            .iter()
            .filter(|row| (row.state == NotificationState::Ambiguous) == ambiguous)
            .filter(|row| {
                ambiguous || (row.reason.as_deref() == Some(Reason::QuietHours.as_str())) == quiet
            })
            .map(|row| row.id.clone())
            .collect();
        let (state, reason) = match (ambiguous, quiet) {
            (true, _) => (NotificationState::Failed, Reason::OutcomeUnknown),
            (_, true) => (NotificationState::Skipped, Reason::QuietHours),
            _ => (NotificationState::Skipped, Reason::Expired),
        };
        if !ids.is_empty() {
            ended.push((state, ledger::end_waiting(&mut conn, &ids, state, reason, now).await?));
        }
    }
    let mut pushed = Vec::new();
    for queue in Queue::ALL {
        let ids: Vec<String> = ready
            .iter()
            .filter(|row| Queue::of(row.kind, row.channel) == queue)
            .map(|row| row.id.clone())
            .collect();
        queue::push(&mut conn, queue, &ids).await?;
        pushed.extend(ids);
    }
    ledger::pushed(&mut conn, &pushed, now).await?;
    conn.commit().await?;
    for (state, ids) in ended {
        courier.tally.add(state, ids.len());
    }
    Ok(found)
}

/// Looks at the others' heartbeats and frees the rows of those that have stopped.
pub async fn rescue(courier: &Courier, watch: &mut Watch) -> Result<(), DbError> {
    let mut read = courier.db.read().await?;
    let beats = processes::beats(&mut read).await?;
    drop(read);
    for dead in watch.observe(&beats, courier.lease, Instant::now()) {
        if *dead == *courier.identity.id() {
            continue;
        }
        let mut freed = Vec::new();
        let mut conn = courier.db.begin().await?;
        // Only one observer gets to bury it.
        if processes::leave(&mut conn, &dead).await? {
            let rows = free(courier, &mut conn, &dead, &[], UNTIL_DECIDED).await?;
            freed.extend(rows.iter().copied());
            let rows = rows.len();
            tracing::warn!(
                process = dead,
                rows,
                "a process stopped answering; its {rows} deliveries were freed"
            );
        }
        conn.commit().await?;
        for state in freed {
            courier.tally.add(state, 1);
        }
    }
    Ok(())
}

/// Frees rows that are leased to this process and that none of its tasks works on: their task was lost, or gave up on a database that
/// did not answer.
pub async fn rescue_own(courier: &Courier) -> Result<(), DbError> {
    let lease = TimeDelta::from_std(courier.lease).unwrap_or(TimeDelta::MAX);
    let long_ago = courier.clock.now() - lease;
    let (id, held) = (courier.identity.id(), courier.held.ids());
    let mut conn = courier.db.begin().await?;
    let freed = free(courier, &mut conn, &id, &held, long_ago).await?;
    conn.commit().await?;
    for state in &freed {
        courier.tally.add(*state, 1);
    }
    let rows = freed.len();
    if rows > 0 {
        tracing::warn!(
            rows,
            "{rows} deliveries of this process had lost their task and were freed"
        );
    }
    Ok(())
}

/// Ends what nobody can read, whoever wrote it.
pub async fn end_undecodable(courier: &Courier) -> Result<(), DbError> {
    let now = courier.clock.now();
    let mut conn = courier.db.begin().await?;
    let ended = ledger::end_undecodable(&mut conn, now, now - REPUSH_AFTER).await?;
    conn.commit().await?;
    courier.tally.add(NotificationState::Failed, ended.len());
    for id in ended {
        tracing::error!(notification = id, "nobody can read this notification; it has failed");
    }
    Ok(())
}

async fn free(
    courier: &Courier,
    conn: &mut Conn,
    owner: &str,
    held: &[String],
    claimed_before: DateTime<Utc>,
) -> Result<Vec<NotificationState>, DbError> {
    ledger::rescue(conn, owner, held, claimed_before, courier.resend_after, courier.clock.now())
        .await
}
