//! The composition root: the only place that constructs things, for every verb and for the tests.

mod serve;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::ExposeSecret;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::console::Console;
use crate::console::links::LinkPages;
use crate::console::slack::SlackRequests;
use crate::db::{Db, DbOptions, SchemaState};
use crate::deliver::Outside;
use crate::domain::facts::Channels;
use crate::domain::ids::IdKind;
use crate::domain::link::LinkKey;
use crate::domain::message::{Email, Envelope, Message, Verdict};
use crate::domain::timetable::{Cron, Timetable};
use crate::domain::values::{Channel, Mode, Schedule};
use crate::operate::preview::{Studio, TestCopy, Tester};
use crate::render::{Links, OwnPages, Renderer};
use crate::scheduler::{self, Summary};
use crate::store::clock_guard::{self, ClockGuard};
use crate::store::ledger::{Backlog, Packer};
use crate::store::presence::Identity;
use crate::store::retention::Retention;
use crate::store::{schedules, settings};
use crate::telemetry;
use crate::worker::brakes::Brakes;
use crate::worker::courier::Courier;
use crate::worker::held::Held;
use crate::worker::loader::Loader;
use crate::worker::own_texts::OwnTexts;
use crate::worker::refusals::Refusals;
use crate::worker::tally::Tally;
use crate::worker::writer::Writer;
use crate::{api, console, operate, worker};
pub use serve::{listen, stop_on_signal};
pub use ways::Ways;

/// A part of the service that a process may play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Answers HTTP.
    Api,
    /// Runs passes.
    Scheduler,
    /// Delivers.
    Worker,
}

impl Role {
    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
        }
    }
}

/// An opened service: settings, time and databases. Everything else is made from it when a verb needs it.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database, for whoever asks for something.
    pub db: Db,
    /// The same for passes and deliveries, once they need it.
    pipeline: OnceCell<Db>,
    /// Who this process is among the others.
    pub identity: Arc<Identity>,
}

impl App {
    /// Opens the database that there is.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let db = Db::open(&config.database()).await?;
        Ok(Self::over(config, clock, db))
    }

    /// The same over a database that is open already.
    #[must_use]
    pub fn over(config: Config, clock: Clock, db: Db) -> Self {
        let identity = Arc::new(Identity::new(clock.now()));
        Self { config, clock, db, pipeline: OnceCell::new(), identity }
    }

    /// Opens the database, or makes an empty one, for whoever migrates it next.
    pub async fn create(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let options = DbOptions { create: true, ..config.database() };
        let db = Db::open(&options).await?;
        Ok(Self::over(config, clock, db))
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        if let SchemaState::Ahead(version) = self.db.schema_state().await? {
            bail!(
                "the database has schema {version}, which is newer than this binary; run the binary that migrated it, or a newer one"
            );
        }
        let timetable = self.timetable()?;
        self.db.migrate().await.context("the database cannot be migrated")?;
        self.enter(&timetable).await
    }

    /// Makes known when schedules run.
    async fn enter(&self, timetable: &Timetable) -> anyhow::Result<()> {
        let mut conn = self.db.begin().await?;
        schedules::enter(&mut conn, timetable, self.clock.now()).await?;
        Ok(conn.commit().await?)
    }

    /// Refuses to work on a schema that does not fit.
    pub async fn require_schema(&self) -> anyhow::Result<()> {
        match self.db.schema_state().await? {
            SchemaState::Current => Ok(()),
            SchemaState::Behind(version) => {
                bail!(
                    "the database has schema {version}, older than this binary needs; run `pivotal-reminders migrate`"
                )
            }
            SchemaState::Ahead(version) => {
                bail!(
                    "the database has schema {version}, newer than this binary knows; use the binary that migrated it, or a newer one"
                )
            }
        }
    }

    /// The providers.
    pub fn ways(&self) -> anyhow::Result<Ways> {
        Ways::of(&self.config)
    }

    /// The database for passes and deliveries: on PostgreSQL a pool of their own.
    async fn pipeline(&self) -> anyhow::Result<Db> {
        let open = || async {
            match &self.db {
                Db::Postgres(_) => Db::open(&self.config.pipeline_database()).await,
                sqlite @ Db::Sqlite { .. } => Ok(sqlite.clone()),
            }
        };
        Ok(self.pipeline.get_or_try_init(open).await?.clone())
    }

    /// Everything deliveries need.
    pub async fn courier(&self, guard: ClockGuard) -> anyhow::Result<Arc<Courier>> {
        let db = self.pipeline().await?;
        let Ways { deliverers, channels, .. } = self.ways()?;
        let settings = &self.config.worker;
        let renderer = Renderer::new().context("a template is broken")?;
        let packer = self.packer(&renderer).await?;
        Ok(Arc::new(Courier {
            writer: Writer::start(&db, &self.clock, &self.identity),
            loader: Loader::start(db.clone()),
            renderer: Arc::new(renderer),
            own_texts: OwnTexts::default(),
            packer,
            links: self.links().await?,
            footer_address: some(&self.config.mail.footer_address),
            lease: Duration::from_secs(settings.lease_seconds),
            resend_after: TimeDelta::seconds(settings.resend_after_seconds),
            in_flight: Arc::new(Semaphore::new(settings.in_flight as usize)),
            in_flight_limit: settings.in_flight,
            brakes: Brakes::default(),
            refusals: Refusals::default(),
            held: Held::default(),
            tally: Tally::default(),
            guard,
            clock: self.clock.clone(),
            identity: Arc::clone(&self.identity),
            deliverers,
            channels,
            db,
        }))
    }

    /// When what runs by the clock is due.
    pub fn timetable(&self) -> anyhow::Result<Timetable> {
        let now = self.clock.now();
        let mut crons = Vec::new();
        for (name, text) in self.config.schedules.by_name() {
            let cron = Cron::parse(text, now)
                .map_err(|fault| anyhow::anyhow!("schedules.{name}: {text:?} {fault}"))?;
            crons.push((name.parse::<Schedule>()?, cron));
        }
        Ok(Timetable::new(crons))
    }

    async fn packer(&self, renderer: &Renderer) -> anyhow::Result<Packer> {
        let examples = renderer.examples().context("a template is broken")?;
        let mut conn = self.db.begin().await?;
        let packer = Packer::open(&mut conn, &examples, self.clock.now()).await?;
        conn.commit().await?;
        Ok(packer)
    }

    fn retention(&self) -> Retention {
        let days = &self.config.retention;
        Retention {
            messages: TimeDelta::days(days.messages_days.into()),
            notifications: TimeDelta::days(days.notifications_days.into()),
            jobs: TimeDelta::days(days.jobs_days.into()),
        }
    }

    /// The key that signs links: made from the setting, else from a secret that was made once and is kept in the database.
    async fn link_key(&self) -> anyhow::Result<LinkKey> {
        let secret = self.config.links.secret.expose_secret();
        if !secret.is_empty() {
            return Ok(LinkKey::new(secret));
        }
        let fresh: String =
            rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect();
        let mut conn = self.db.begin().await?;
        let secret =
            settings::get_or_keep(&mut conn, operate::links::SECRET, &fresh, self.clock.now())
                .await?;
        conn.commit().await?;
        Ok(LinkKey::new(&secret))
    }

    async fn own_pages(&self) -> anyhow::Result<OwnPages> {
        Ok(OwnPages { base: self.config.public_url(), key: self.link_key().await? })
    }

    /// Links as messages carry them.
    pub async fn links(&self) -> anyhow::Result<Links> {
        Ok(Links {
            onboarding_url: some(&self.config.links.onboarding_url),
            own: Some(self.own_pages().await?),
            slack_buttons: !self.config.slack.signing_secret.expose_secret().is_empty(),
        })
    }

    /// One pass as of the clock's time.
    pub async fn scan(&self, progress: impl FnMut(&Summary)) -> anyhow::Result<Summary> {
        let channels = self.ways()?.channels;
        let db = self.pipeline().await?;
        Ok(scheduler::pass(&db, self.clock.now(), TimeDelta::zero(), channels, progress).await?)
    }

    /// Delivers what is ready at the clock's time; answers with what this came to, by final state, and what had to be left.
    pub async fn drain(
        &self,
        progress: impl FnMut(&Backlog),
    ) -> anyhow::Result<(BTreeMap<&'static str, i64>, Backlog)> {
        let courier = self.courier(ClockGuard::open()).await?;
        let left = worker::drain(&courier, progress).await?;
        Ok((courier.tally.counts(), left))
    }

    /// How test copies of mails go out.
    #[must_use]
    pub fn tester(&self) -> Tester {
        let (config, clock) = (Arc::new(self.config.clone()), self.clock.clone());
        Tester::new(move |address, email| {
            let (config, now) = (Arc::clone(&config), clock.now());
            Box::pin(async move {
                let sent = send_test(&config, address, email, now).await;
                sent.unwrap_or_else(|error| TestCopy::NotSent(error.to_string()))
            })
        })
    }

    /// Says that the clock is right, whatever was noted before.
    pub async fn accept_clock(&self) -> anyhow::Result<()> {
        let mut conn = self.db.begin().await?;
        clock_guard::accept(&mut conn, self.clock.now()).await?;
        Ok(conn.commit().await?)
    }

    /// What the API's requests need.
    #[must_use]
    pub fn api(&self) -> api::Api {
        let mut api = api::Api::new(self.db.clone(), self.clock.clone())
            .capturing(Ways::captured(&self.config))
            .beating(Arc::clone(&self.identity))
            .with_metrics_elsewhere(!self.config.metrics.listen.is_empty());
        // A setting that is wrong has its own error where it is used; until then everything counts as reachable.
        api.channels = self.ways().map_or(Channels::ALL, |ways| ways.channels);
        api
    }

    /// Of what previews are made.
    pub async fn studio(&self) -> anyhow::Result<Studio> {
        let footer_address = some(&self.config.mail.footer_address);
        Ok(Studio { links: self.links().await?, footer_address })
    }

    /// The routes of API and console; what streams ends with `stop`.
    pub async fn router(
        &self,
        api: api::Api,
        open_outbox: bool,
        stop: CancellationToken,
    ) -> anyhow::Result<axum::Router> {
        let studio = self.studio().await?;
        let pages = console::links::router(LinkPages {
            db: self.db.clone(),
            clock: self.clock.clone(),
            key: self.link_key().await?,
            channels: api.channels,
            onboarding_url: some(&self.config.links.onboarding_url),
        });
        let secret = &self.config.slack.signing_secret;
        let pages = if secret.expose_secret().is_empty() {
            pages
        } else {
            pages.merge(console::slack::router(SlackRequests {
                db: self.db.clone(),
                clock: self.clock.clone(),
                secret: secret.clone(),
                pages: self.own_pages().await?,
            }))
        };
        let pages = pages.merge(console::router(Console {
            db: self.db.clone(),
            clock: self.clock.clone(),
            public_url: self.config.public_url(),
            channels: api.channels,
            captured: Ways::captured(&self.config),
            open_outbox,
            studio: studio.clone(),
            tester: self.tester(),
            stop,
        }));
        Ok(pages.fallback_service(api::router(api.showing(studio))))
    }
}

async fn send_test(
    config: &Config,
    address: String,
    email: Email,
    now: DateTime<Utc>,
) -> anyhow::Result<TestCopy> {
    let envelope = Envelope {
        notification_id: IdKind::Notification.fresh(now),
        address,
        name: String::new(),
        from_address: None,
        date: now,
        thread: None,
    };
    let deliverers = Ways::of(config)?.deliverers;
    let report = match deliverers.session(Mode::Live, Channel::Email).await {
        Ok(session) => session.send(&envelope, &Message::Email(email)).await,
        Err(report) => report,
    };
    Ok(match report.verdict {
        Verdict::Accepted { .. } => TestCopy::Sent,
        Verdict::Captured => TestCopy::Captured,
        _ => TestCopy::NotSent(report.reply),
    })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Starts logs, and traces where an endpoint is set.
pub fn start_telemetry(config: &Config) -> anyhow::Result<()> {
    let endpoint = &config.traces.endpoint;
    let collector = if endpoint.is_empty() {
        None
    } else {
        let way = Outside::new(endpoint, &Ways::extra_roots(config)?)?;
        let tracer = telemetry::traces::start(endpoint, way).map_err(|error| {
            anyhow::anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT (traces.endpoint): {error}")
        })?;
        Some(tracer)
    };
    telemetry::start(&config.log, collector);
    Ok(())
}
