//! Jobs become deliveries: apalis brings wake-ups, the ledger decides what they are worth.
//!
//! One apalis worker per queue and process, restarted with a pause whenever it ends; its names are new at every start, because apalis
//! takes a name for an identity. A handler always succeeds: what became of a notification is in the ledger.

pub mod brakes;
pub mod compose;
pub mod courier;
pub mod doubts;
pub mod held;
pub mod loader;
pub mod outcome;
pub mod own_texts;
pub mod recheck;
pub mod refusals;
mod running;
pub mod slack_replies;
pub mod sweeper;
pub mod tally;
pub mod writer;

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::db::{Db, DbError};
use crate::domain::ids::IdKind;
use crate::queue::{self, PAYLOAD_VERSION, Payload, Queue, Verbatim};
use crate::store::ledger::{self, Backlog};
use crate::store::processes::{self, Watch};
use courier::Courier;

/// Jobs that apalis fetches at a time, and runs at once; with up to 25 ids each. Measured in `docs/decisions.md`.
const JOBS_AT_ONCE: usize = 16;

/// How often an idle queue is looked at.
const POLL: Duration = Duration::from_millis(200);

/// How long a job of a newer version of this service is put off.
const FOREIGN_JOB: Duration = Duration::from_mins(1);

/// Runs the workers of every queue, the heartbeat and the sweeper until `stop`; then waits up to `grace` for what is on its way.
pub async fn run(courier: Arc<Courier>, roles: String, grace: Duration, stop: CancellationToken) {
    let heart = CancellationToken::new();
    let heartbeat = tokio::spawn(courier.heart(roles).run(heart.clone()));
    // Nothing is taken before it is known what has to wait.
    while !stop.is_cancelled() && sweeper::look(&courier).await.is_err() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let sweeper = tokio::spawn(sweeper::run(Arc::clone(&courier), stop.clone()));
    let replies = tokio::spawn(slack_replies::run(Arc::clone(&courier), stop.clone()));
    let doubts = tokio::spawn(doubts::run(Arc::clone(&courier), stop.clone()));
    let queues: Vec<_> = Queue::ALL
        .into_iter()
        .map(|queue| tokio::spawn(supervise(Arc::clone(&courier), queue, stop.clone())))
        .collect();
    stop.cancelled().await;
    finish(&courier, queues, grace).await;
    // The heart stops last: leases must hold while deliveries come to an end.
    heart.cancel();
    let _ = sweeper.await;
    let _ = replies.await;
    let _ = doubts.await;
    let _ = heartbeat.await;
    if let Err(error) = sweeper::leave(&courier).await {
        tracing::warn!(%error, "could not give back leases, others will take them over");
    }
}

async fn finish(courier: &Courier, queues: Vec<tokio::task::JoinHandle<()>>, grace: Duration) {
    // From here on nothing is claimed any more; what is claimed already may come to its end.
    courier.in_flight.close();
    let all_idle = async {
        for queue in queues {
            let _ = queue.await;
        }
        let all = usize::try_from(courier.in_flight_limit).unwrap_or(usize::MAX);
        while courier.in_flight.available_permits() < all {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(grace, all_idle).await.is_err() {
        tracing::warn!("deliveries were still running after {grace:?}");
    }
}

/// Delivers everything that is ready at the courier's time, and waits for what others hold; never for later retries. Answers with what
/// is left, which is more than nothing only when a channel is down or a queue is paused.
///
/// At another time than the real one (`--now`) it leaves behind no pause of a channel: workers would wait for an instant that is not theirs.
pub async fn drain(
    courier: &Arc<Courier>,
    progress: impl FnMut(&Backlog),
) -> Result<Backlog, DbError> {
    if courier.clock.is_real() {
        return drain_now(courier, progress).await;
    }
    let mut read = courier.db.read().await?;
    let pauses = processes::pauses(&mut read).await?;
    drop(read);
    let result = drain_now(courier, progress).await;
    let mut conn = courier.db.begin().await?;
    processes::restore(&mut conn, &pauses).await?;
    conn.commit().await?;
    result
}

async fn drain_now(
    courier: &Arc<Courier>,
    mut progress: impl FnMut(&Backlog),
) -> Result<Backlog, DbError> {
    sweeper::look(courier).await?;
    let stop = CancellationToken::new();
    let heartbeat = tokio::spawn(courier.heart("drain".to_owned()).run(stop.clone()));
    let queues: Vec<_> = Queue::ALL
        .into_iter()
        .map(|queue| tokio::spawn(supervise(Arc::clone(courier), queue, stop.clone())))
        .collect();
    let result = drain_until_empty(courier, &mut progress).await;
    stop.cancel();
    for task in queues {
        let _ = task.await;
    }
    let _ = heartbeat.await;
    sweeper::leave(courier).await?;
    result
}

async fn drain_until_empty(
    courier: &Arc<Courier>,
    progress: &mut impl FnMut(&Backlog),
) -> Result<Backlog, DbError> {
    let mut watch = Watch::default();
    for turn in 0_u64.. {
        // A job may have been lost, and this clock may stand still: push everything that is ready, now and then again.
        if turn % 50 == 0 {
            let everything = courier.clock.now() + TimeDelta::milliseconds(1);
            while sweeper::sweep(courier, everything).await? == sweeper::LIMIT {}
        }
        if turn % 10 == 0 {
            sweeper::look(courier).await?;
            sweeper::rescue(courier, &mut watch).await?;
        }
        let mut conn = courier.db.read().await?;
        let backlog = ledger::backlog(&mut conn, courier.clock.now()).await?;
        drop(conn);
        progress(&backlog);
        if backlog.ready == 0 && backlog.leased == 0 {
            // What these deliveries, or anybody since, made untrue on Slack.
            while slack_replies::catch_up(courier).await? > 0 {}
            doubts::ask(courier).await?;
            return Ok(backlog);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(Backlog::default())
}

/// Runs one queue's worker again and again until told to stop.
async fn supervise(courier: Arc<Courier>, queue: Queue, stop: CancellationToken) {
    let mut pause = Duration::from_millis(100);
    let mut ends = 0;
    while !stop.is_cancelled() {
        let started = std::time::Instant::now();
        let name = format!("{}-{}", queue.name(), IdKind::Process.fresh(courier.clock.now()));
        let mut worker = start(Arc::clone(&courier), queue, name.clone());
        let result = tokio::select! {
            result = &mut worker => result,
            () = stop.cancelled() => {
                // Not by apalis' own shutdown: while handlers run, that leaves a half-done fetch unpolled, with the only connection or
                // the write lock of SQLite in its hands, and the handlers wait for just these. They are tasks of their own and go on.
                worker.abort();
                let _ = worker.await;
                if let Err(error) = release(&courier, &name).await {
                    tracing::warn!(%error, "cannot give jobs back, the sweeper will push them again");
                }
                return;
            }
        };
        let error = match result {
            Ok(Ok(())) => "it stopped by itself".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        if started.elapsed() > Duration::from_mins(1) {
            (pause, ends) = (Duration::from_millis(100), 0);
        }
        ends += 1;
        // A database that is away ends it every few seconds; once is enough to say so.
        if ends == 1 {
            tracing::warn!(
                queue = queue.name(),
                error,
                "the worker of a queue ended, starting it again until it stays"
            );
        } else {
            tracing::debug!(queue = queue.name(), error, "the worker of a queue ended again");
        }
        if let Err(error) = make_readable(&courier, queue, ends).await {
            tracing::debug!(queue = queue.name(), %error, "cannot look for jobs that nobody can read");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// How often a worker may end in a row before all that waits in its queue is thrown away.
const ENDS_FOR_A_REASON: u32 = 5;

/// Jobs that apalis cannot read end its worker, at every start: they are put aside. If that was not it, all that waits in the queue goes: it is but a
/// hint, and the sweeper pushes it again.
async fn make_readable(courier: &Courier, queue: Queue, ends: u32) -> Result<(), DbError> {
    let mut read = courier.db.read().await?;
    let unreadable = queue::unreadable(&mut read, queue).await?;
    drop(read);
    if !unreadable.is_empty() {
        let mut conn = courier.db.begin().await?;
        queue::set_aside(&mut conn, &unreadable).await?;
        conn.commit().await?;
        tracing::error!(queue = queue.name(), jobs = ?unreadable, "nobody can read these jobs; they were killed");
    } else if ends.is_multiple_of(ENDS_FOR_A_REASON) {
        let mut conn = courier.db.begin().await?;
        let jobs = queue::empty(&mut conn, queue).await?;
        conn.commit().await?;
        tracing::error!(
            queue = queue.name(),
            "the jobs of a queue cannot be fetched; {jobs} were thrown away, and what is ready is pushed again"
        );
    }
    Ok(())
}

/// What a handler gets besides the payload.
#[derive(Clone)]
struct Errand {
    courier: Arc<Courier>,
    queue: Queue,
}

/// The two databases' workers differ in the type of their storage and in nothing else.
macro_rules! run_worker {
    ($storage:expr, $config:ident, $courier:expr, $queue:expr, $name:expr) => {{
        let config = $config::Config::default()
            .queue($queue.name())
            .batch_size(JOBS_AT_ONCE)
            .lock_tasks(false)
            .persist_results(true)
            .heartbeat_interval(Duration::from_secs(5))
            .missed_heartbeats(12);
        let backend = $storage.with_config(config).with_codec(Verbatim).poll_with_interval(POLL);
        let worker = WorkerBuilder::new($name)
            .backend(backend)
            .data(Errand { courier: $courier, queue: $queue })
            .catch_panic()
            .concurrency(JOBS_AT_ONCE)
            .parallelize(tokio::spawn)
            .build(handle);
        tokio::spawn(worker.run())
    }};
}

/// Starts a worker. Spawned here and not awaited inside another future: the compiler cannot see that such a future may be sent.
fn start(
    courier: Arc<Courier>,
    queue: Queue,
    name: String,
) -> tokio::task::JoinHandle<Result<(), WorkerError>> {
    match courier.db.clone() {
        Db::Postgres(pool) => {
            run_worker!(
                PostgresStorage::<Vec<u8>>::new(&pool),
                apalis_postgres,
                courier,
                queue,
                name
            )
        }
        Db::Sqlite { write, .. } => {
            run_worker!(SqliteStorage::<Vec<u8>>::new(&write), apalis_sqlite, courier, queue, name)
        }
    }
}

/// One job. Always `Ok`: apalis would run an `Err` again at once, and again.
async fn handle(bytes: Vec<u8>, errand: Data<Errand>) -> Result<(), BoxDynError> {
    let courier = &errand.courier;
    match serde_json::from_slice::<Payload>(&bytes) {
        Ok(payload) if payload.v == PAYLOAD_VERSION => courier.deliver(&payload.ids).await,
        Ok(payload) if payload.v > PAYLOAD_VERSION => {
            // Written by a newer binary during a rolling deploy: its own kind will understand it.
            if let Err(error) = put_off(courier, errand.queue, bytes).await {
                tracing::warn!(%error, "cannot put off a job of a newer version");
            }
        }
        Ok(payload) => tracing::error!(version = payload.v, "dropped a job of an unknown version"),
        Err(error) => {
            tracing::error!(%error, "dropped a job that cannot be read; the sweeper brings back what was in it");
        }
    }
    Ok(())
}

async fn release(courier: &Courier, worker: &str) -> Result<(), DbError> {
    let mut conn = courier.db.begin().await?;
    queue::release(&mut conn, worker).await?;
    conn.commit().await
}

async fn put_off(courier: &Courier, queue: Queue, bytes: Vec<u8>) -> Result<(), DbError> {
    let mut conn = courier.db.begin().await?;
    queue::put_off(&mut conn, queue, bytes, FOREIGN_JOB).await?;
    conn.commit().await
}
