//! Operators are told when something asks for them, and when it is over: by mail, on Slack, grouped, never flooding. And somebody outside
//! is told that all is well, for the day on which nobody here can tell anything.
//!
//! Any number of processes look; a row in the database gives one of them the turn. What it tells goes out through [`crate::deliver`] like
//! any message, but past the queues: a queue that stands still is what it has to tell of. It never goes through the channel that is down.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::deliver::{Deliverers, Outside};
use crate::domain::ids::IdKind;
use crate::domain::message::{Envelope, Message, Verdict};
use crate::domain::values::{Channel, Mode};
use crate::operate::vitals::{Severity, Vitals, Warning, gravest, vitals};
use crate::render::alert::{Matter, News};
use crate::store::alerts::{self as store, Alert, Current, Turn};
use crate::store::presence::Identity;

/// How often somebody looks.
const EVERY: TimeDelta = TimeDelta::seconds(15);

/// What lasts shorter than this is not worth a message.
const HICCUP: TimeDelta = TimeDelta::minutes(1);

/// The least time between two messages.
const QUIET: TimeDelta = TimeDelta::minutes(15);

/// When a message that could not be sent is tried again.
const AGAIN: TimeDelta = TimeDelta::minutes(3);

/// The least time between two pings.
const PING_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Who is told, and how.
pub struct Alerts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// This process, which knows whether what it writes reaches the database.
    pub identity: Arc<Identity>,
    /// The ways out.
    pub deliverers: Deliverers,
    /// Mail address of the operators.
    pub email: Option<String>,
    /// Slack id of an operator.
    pub slack: Option<String>,
    /// Address that is asked for after each healthy minute, by a process that runs passes.
    pub ping: Option<Ping>,
    /// Where to look.
    pub page: String,
}

/// An address that somebody outside watches: when it is not asked for any more, they raise the alarm.
pub struct Ping {
    /// The address; it may hold a secret.
    pub url: String,
    /// The way there.
    pub way: Outside,
}

impl Ping {
    async fn send(&self) {
        let trouble = match self.way.get(&self.url).await {
            Ok(status) if status.is_success() => return,
            Ok(status) => format!("HTTP {status}"),
            Err(error) => error,
        };
        tracing::warn!(trouble, "the address in alerts.ping_url was asked for in vain");
    }
}

impl Alerts {
    /// Looks, tells and pings until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut failed = false;
        let mut pinged: Option<DateTime<Utc>> = None;
        loop {
            match self.turn(&mut pinged).await {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    failed = true;
                    tracing::warn!(%error, "cannot look whether anything asks for an operator");
                }
                Err(_) => {}
            }
            let pause = EVERY.to_std().unwrap_or_default();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks once, if it is this process's turn, and does what follows. `pinged` is when it pinged last.
    pub async fn turn(&self, pinged: &mut Option<DateTime<Utc>>) -> Result<(), DbError> {
        let now = self.clock.now();
        let ping = self.ping.as_ref().filter(|_| pinged.is_none_or(|at| now - at >= PING_EVERY));
        let tells = (self.email.is_some() || self.slack.is_some())
            && self.take(Turn::Look, now + EVERY / 2).await?;
        if ping.is_none() && !tells {
            return Ok(());
        }
        let mut conn = self.db.read().await?;
        let found = vitals(&mut conn, None, now).await?;
        drop(conn);
        if let Some(ping) = ping.filter(|_| self.identity.can_write() && is_healthy(&found)) {
            *pinged = Some(now);
            ping.send().await;
        }
        if tells { self.tell(&found, now).await } else { Ok(()) }
    }

    async fn take(&self, turn: Turn, until: DateTime<Utc>) -> Result<bool, DbError> {
        let mut conn = self.db.begin().await?;
        let mine = store::take_turn(&mut conn, turn, until, self.clock.now()).await?;
        conn.commit().await?;
        Ok(mine)
    }

    async fn tell(&self, found: &Vitals, now: DateTime<Utc>) -> Result<(), DbError> {
        let grave: Vec<Current<'_>> = found
            .warnings
            .iter()
            .filter(|warning| warning.severity >= Severity::Warning)
            .map(current)
            .collect();
        let mut conn = self.db.begin().await?;
        let alerts = store::take_over(&mut conn, &grave, now).await?;
        conn.commit().await?;
        let news: Vec<Alert> = alerts
            .into_iter()
            .filter(|a| match (a.told_at, a.ended_at) {
                (None, None) => now - a.began_at >= HICCUP,
                (Some(_), ended) => ended.is_some(),
                (None, Some(_)) => false,
            })
            .collect();
        if news.is_empty() || !self.take(Turn::Tell, now + AGAIN).await? {
            return Ok(());
        }
        if !self.send(&told_of(&news), found, now).await {
            return Ok(());
        }
        let mut conn = self.db.begin().await?;
        store::told(&mut conn, &news, now).await?;
        store::keep_turn(&mut conn, Turn::Tell, now + QUIET, now).await?;
        conn.commit().await
    }

    /// Tells on every way that is set and works; answers whether anybody heard.
    async fn send(&self, news: &News, found: &Vitals, now: DateTime<Utc>) -> bool {
        let works =
            |channel| !found.queues.iter().any(|q| q.channel == channel && q.down.is_some());
        let email = self
            .email
            .as_ref()
            .map(|to| (Channel::Email, to, Message::Email(news.email(&self.page))));
        let slack = self
            .slack
            .as_ref()
            .map(|to| (Channel::Slack, to, Message::Slack(news.slack(&self.page))));
        let mut heard = false;
        for (channel, to, message) in
            [email, slack].into_iter().flatten().filter(|way| works(way.0))
        {
            let envelope = Envelope {
                notification_id: IdKind::Alert.fresh(now),
                address: to.clone(),
                name: String::new(),
                from_address: None,
                date: now,
                thread: None,
            };
            let report = match self.deliverers.session(Mode::Live, channel).await {
                Ok(session) => session.send(&envelope, &message).await,
                Err(report) => report,
            };
            match report.verdict {
                // What may have arrived is not said twice.
                Verdict::Accepted { .. } | Verdict::Captured | Verdict::Ambiguous => heard = true,
                _ => {
                    tracing::warn!(%channel, reply = report.reply, "operators could not be told by {channel}: {}", news.headline());
                }
            }
        }
        if heard {
            tracing::info!("operators were told: {}", news.headline());
        }
        heard
    }
}

/// Whether somebody outside may believe that all is well.
fn is_healthy(found: &Vitals) -> bool {
    gravest(&found.warnings) != Some(Severity::Critical)
}

fn current(warning: &Warning) -> Current<'_> {
    Current {
        code: &warning.code,
        title: &warning.title,
        severity: warning.severity.as_str(),
        text: &warning.text,
        advice: &warning.advice,
    }
}

fn told_of(alerts: &[Alert]) -> News {
    let mut news = News::default();
    for alert in alerts {
        let lasted = alert.ended_at.map(|ended| {
            format!("{} to {} UTC", alert.began_at.format("%H:%M"), ended.format("%H:%M"))
        });
        let over = lasted.is_some();
        let matter = Matter {
            title: alert.title.clone(),
            severity: alert.severity.clone(),
            text: alert.text.clone(),
            advice: alert.advice.clone(),
            lasted,
        };
        if over { news.over.push(matter) } else { news.begun.push(matter) }
    }
    news
}
