//! `serve`: the parts that a process plays, side by side until it is told to stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{App, Role, Ways, some};
use crate::db::checkpoint;
use crate::deliver::Outside;
use crate::domain::values::{AttemptOutcome, Channel, NotificationState};
use crate::store::clock_guard::{self, ClockGuard};
use crate::store::presence::{BEAT, Heart};
use crate::store::retention;
use crate::telemetry::metrics;
use crate::{alerts, api, operate, scheduler, worker};

impl App {
    /// Whoever tells operators, if anybody is to be told.
    fn alerts(&self, roles: &BTreeSet<Role>) -> anyhow::Result<Option<alerts::Alerts>> {
        let settings = &self.config.alerts;
        let url = settings.ping_url.expose_secret();
        // Only who runs passes can say that they come to an end.
        let ping = if url.is_empty() || !roles.contains(&Role::Scheduler) {
            None
        } else {
            let way = Outside::new(url, &Ways::extra_roots(&self.config)?)?;
            Some(alerts::Ping { url: url.to_owned(), way })
        };
        let (email, slack) = (some(&settings.email), some(&settings.slack));
        if ping.is_none() && email.is_none() && slack.is_none() {
            return Ok(None);
        }
        Ok(Some(alerts::Alerts {
            db: self.db.clone(),
            clock: self.clock.clone(),
            identity: Arc::clone(&self.identity),
            deliverers: self.ways()?.deliverers,
            email,
            slack,
            ping,
            page: format!("{}/admin", self.config.public_url()),
        }))
    }

    /// Plays the given roles until `stop`, then lets what runs come to its end.
    pub async fn serve(
        &self,
        roles: &BTreeSet<Role>,
        listener: Option<TcpListener>,
        open_outbox: bool,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        metrics::start(&metric_words());
        let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        let mut parts = Parts::default();
        let timetable = self.timetable()?;
        self.enter(&timetable).await?;
        let guard = if self.clock.is_real() { ClockGuard::shut() } else { ClockGuard::open() };
        if self.clock.is_real()
            && (roles.contains(&Role::Scheduler) || roles.contains(&Role::Worker))
        {
            let watch = clock_guard::watch(
                self.db.clone(),
                self.clock.clone(),
                guard.clone(),
                stop.clone(),
            );
            parts.run(watch);
        }
        if roles.contains(&Role::Scheduler) {
            let channels = self.ways()?.channels;
            let pass = scheduler::run(
                self.pipeline().await?,
                self.clock.clone(),
                channels,
                timetable.clone(),
                guard.clone(),
                Arc::clone(&self.identity),
                stop.clone(),
            );
            parts.run(pass);
        }
        if roles.contains(&Role::Worker) {
            let courier = self.courier(guard.clone()).await?;
            let grace = Duration::from_secs(self.config.worker.grace_seconds);
            let work = worker::run(courier, names.join(","), grace, stop.clone());
            parts.run(work);
            let bulk = operate::bulk::run(self.db.clone(), self.clock.clone(), stop.clone());
            parts.run(bulk);
        } else {
            let lease = Duration::from_secs(self.config.worker.lease_seconds);
            let heart = Heart {
                db: self.db.clone(),
                clock: self.clock.clone(),
                identity: Arc::clone(&self.identity),
                roles: names.join(","),
                every: (lease / 6).min(BEAT),
            };
            let beat = heart.run_and_leave(stop.clone());
            parts.run(beat);
        }
        let tidy = retention::keep(
            self.db.clone(),
            self.clock.clone(),
            self.retention(),
            timetable,
            stop.clone(),
        );
        parts.run(tidy);
        let log = checkpoint::keep(self.db.clone(), stop.clone());
        parts.run(log);
        parts.run(tidy_metrics(stop.clone()));
        if let Some(alerts) = self.alerts(roles)? {
            let run = alerts.run(stop.clone());
            parts.run(run);
        }
        if !self.config.metrics.listen.is_empty() {
            let listener = listen(&self.config.metrics.listen, "metrics.listen").await?;
            tracing::info!("metrics at {}", listener.local_addr()?);
            let (router, stop) = (api::metrics_router(self.api()), stop.clone());
            parts.0.spawn(async move {
                api::serve(listener, router, &[], stop).await.context("the server of metrics ended")
            });
        }
        if let Some(listener) = listener {
            let api = self.api();
            let router = self.router(api.clone(), open_outbox, stop.clone()).await?;
            let usage = api::keep_usage(api.usage, api.db, stop.clone());
            parts.run(usage);
            let (proxies, stop) = (self.config.http.trusted_proxies.clone(), stop.clone());
            parts.0.spawn(async move {
                api::serve(listener, router, &proxies, stop).await.context("the HTTP server ended")
            });
        }
        parts.until(stop).await
    }
}

/// What runs in this process, each as a task of its own.
#[derive(Default)]
struct Parts(JoinSet<anyhow::Result<()>>);

impl Parts {
    fn run(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(async move {
            part.await;
            Ok(())
        });
    }

    /// Waits for all of them. One that ends by itself takes the others with it: a process that answers but does not work helps nobody.
    async fn until(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut result = Ok(());
        while let Some(ended) = self.0.join_next().await {
            let ended = ended.unwrap_or_else(|error| Err(anyhow::Error::new(error)));
            if !stop.is_cancelled() {
                stop.cancel();
                result = ended.and_then(|()| bail!("a part of the service ended by itself"));
            } else if result.is_ok() {
                result = ended;
            }
        }
        result
    }
}

fn metric_words() -> metrics::Words {
    metrics::Words {
        channels: Channel::ALL.iter().map(|channel| channel.as_str()).collect(),
        attempts: AttemptOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        outcomes: NotificationState::ALL
            .iter()
            .filter(|state| !state.is_open())
            .map(|state| state.as_str())
            .collect(),
    }
}

/// Sums up what was observed, so that a process that nobody scrapes stays small.
async fn tidy_metrics(stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(5)) => metrics::tidy(),
        }
    }
}

/// Binds an HTTP listener; a port in use gives one line that names the setting and says what to do.
pub async fn listen(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use by another program; stop it, or choose another address with {setting}, for example {setting}=127.0.0.1:8081"
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; choose another address with {setting}"),
    })
}

/// Cancels `stop` at the first SIGTERM or Ctrl-C; ends the process at the second. From the return on: whoever says afterwards that it runs
/// can be told to stop at once.
pub fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut told = async || {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        told().await;
        tracing::info!("stopping: what runs may finish; a second signal ends it at once");
        stop.cancel();
        told().await;
        tracing::warn!("stopped at once");
        std::process::exit(1);
    });
    Ok(())
}
