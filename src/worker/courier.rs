//! One delivery, from wake-up to outcome: session → claim → load → decide again → render → send → finish.
//!
//! The session comes first: while a relay is down nothing is claimed and no attempt is used up. A test row's session never connects
//! (`deliver`); everything else about it is the same.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tracing::{Instrument, Span};

use super::brakes::Brakes;
use super::compose::{self, Composer};
use super::held::Held;
use super::loader::Loader;
use super::outcome::{self, Next};
use super::own_texts::{self, OwnTexts};
use super::recheck::{Still, recheck, silence};
use super::refusals::Refusals;
use super::running::Running;
use super::slack_replies;
use super::tally::Tally;
use super::writer::Writer;
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::deliver::{Deliverers, Session};
use crate::domain::digest::Seen;
use crate::domain::facts::Channels;
use crate::domain::ids::IdKind;
use crate::domain::message::{Report, Verdict};
use crate::domain::plan::Planned;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::render::{Links, Renderer};
use crate::store::clock_guard::ClockGuard;
use crate::store::ledger::{self, Claimed, NewNotification, POISON_AFTER, Packer, Waiting};
use crate::store::presence::{BEAT, Heart, Identity};
use crate::store::{processes, traces};
use crate::telemetry;

/// What deliveries need, made once per process.
pub struct Courier {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Who we are.
    pub identity: Arc<Identity>,
    /// Claims and outcomes.
    pub writer: Writer,
    /// Facts.
    pub loader: Loader,
    /// Messages.
    pub renderer: Arc<Renderer>,
    /// Templates of workspaces' own.
    pub own_texts: OwnTexts,
    /// Messages in the form in which they are stored.
    pub packer: Packer,
    /// Providers.
    pub deliverers: Deliverers,
    /// Which channels exist here.
    pub channels: Channels,
    /// Links in messages.
    pub links: Links,
    /// Postal address under mails of workspaces that have none of their own.
    pub footer_address: Option<String>,
    /// How long a lease lasts without a heartbeat.
    pub lease: Duration,
    /// When staff mail of unknown outcome is sent once more.
    pub resend_after: TimeDelta,
    /// Deliveries at once.
    pub in_flight: Arc<Semaphore>,
    /// How many that is.
    pub in_flight_limit: u32,
    /// What is not to be delivered at the moment.
    pub brakes: Brakes,
    /// What providers refuse of late.
    pub refusals: Refusals,
    /// Notifications under way here.
    pub held: Held,
    /// What came to its end here.
    pub tally: Tally,
    /// Whether the clock can be believed.
    pub guard: ClockGuard,
}

impl Courier {
    /// The heartbeat under which this process holds its leases.
    #[must_use]
    pub fn heart(&self, roles: String) -> Heart {
        Heart {
            db: self.db.clone(),
            clock: self.clock.clone(),
            identity: Arc::clone(&self.identity),
            roles,
            every: (self.lease / 6).min(BEAT),
        }
    }

    /// Delivers those of `ids` that are ready. Every fault ends in the ledger or is left to the sweeper; the job itself always succeeds.
    pub async fn deliver(self: &Arc<Self>, ids: &[String]) {
        if !self.guard.may_send() {
            return;
        }
        let now = self.clock.now();
        let waiting = match self.waiting(ids, now).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "cannot look up {} notifications, the sweeper will bring them back", ids.len());
                return;
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        for row in waiting {
            if self.brakes.hold(&row, now) {
                continue;
            }
            // Closed: this process is ending. What has begun still comes to its end.
            let Ok(permit) = Arc::clone(&self.in_flight).acquire_owned().await else { break };
            let courier = Arc::clone(self);
            tasks.spawn(async move {
                let _permit = permit;
                courier.deliver_one(&row).await;
            });
        }
        while let Some(result) = tasks.join_next().await {
            if let Err(error) = result {
                tracing::error!(%error, "a delivery broke off, its lease will bring it back");
            }
        }
    }

    async fn waiting(&self, ids: &[String], now: DateTime<Utc>) -> Result<Vec<Waiting>, DbError> {
        let mut conn = self.db.read().await?;
        ledger::waiting(&mut conn, ids, now).await
    }

    async fn deliver_one(&self, row: &Waiting) {
        let session = match self.deliverers.session(row.mode, row.channel).await {
            Ok(session) => session,
            Err(report) => return self.rest(row.channel, &report).await,
        };
        // Getting here may have taken a while.
        if self.in_flight.is_closed() || self.brakes.hold(row, self.clock.now()) {
            return;
        }
        let claimed = match self.writer.claim(&row.id).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(notification = row.id, %error, "cannot claim");
                return;
            }
        };
        let _held = self.held.hold(&claimed.id);
        let attempt = Running::new(self, &claimed);
        if claimed.channel != row.channel {
            // It goes another way since it was looked up, and this session leads the old one.
            let next = Next { counts: false, ..Next::later(self.clock.now(), None) };
            return attempt.end(next).await;
        }
        let delivery = async {
            // A panic is one notification's trouble: it ends as an attempt like any other.
            if AssertUnwindSafe(self.attempt(&attempt, session)).catch_unwind().await.is_err() {
                attempt.panicked().await;
            }
        };
        match self.span(&claimed).await {
            Some(span) => delivery.instrument(span).await,
            None => delivery.await,
        }
    }

    /// The delivery's place in the trace that began with a request and went on with a pass; `None` where nobody wants to know.
    async fn span(&self, claimed: &Claimed) -> Option<Span> {
        if !telemetry::traces::on() {
            return None;
        }
        let span = tracing::info_span!(
            "deliver",
            notification = claimed.id,
            kind = %claimed.kind,
            channel = %claimed.channel,
            mode = %claimed.mode,
            attempt = claimed.claim_count,
            outcome = tracing::field::Empty,
        );
        let origin = async {
            let mut conn = self.db.read().await?;
            traces::origin(&mut conn, &claimed.id).await
        };
        // A trace is not worth a delivery.
        let origin = origin.await.unwrap_or_default();
        if let Some(pass) = &origin.pass {
            telemetry::traces::continue_from(&span, pass);
        }
        for request in &origin.requests {
            telemetry::traces::link(&span, request);
        }
        Some(span)
    }

    async fn attempt(&self, attempt: &Running<'_>, session: Session) {
        let claimed = attempt.claimed;
        let unsent = |state, reason| attempt.end(outcome::unsent(claimed, state, reason));
        if claimed.delivery_count > POISON_AFTER {
            return unsent(NotificationState::Failed, Reason::AttemptsExhausted).await;
        }
        if self.clock.now() >= claimed.deadline {
            return unsent(NotificationState::Skipped, Reason::Expired).await;
        }
        let brief = match self.loader.load(claimed).await {
            Ok(Some(brief)) => brief,
            Ok(None) => return unsent(NotificationState::Skipped, Reason::Deleted).await,
            Err(error) => return attempt.release(&error.to_string()).await,
        };
        let at = self.clock.now();
        let custom = match self.own_texts.of(&self.db, &brief.workspace).await {
            Ok(custom) => custom,
            Err(error) => return attempt.release(&error.to_string()).await,
        };
        let composer = Composer {
            renderer: &self.renderer,
            links: &self.links,
            footer_address: self.footer_address.as_deref(),
            custom: custom.as_ref(),
        };
        let still = recheck(claimed, &brief, self.channels, at);
        if matches!(still, Still::Digest { .. } | Still::Nudge(_))
            && let Some((end, reason)) = silence(claimed, &brief, at)
        {
            return attempt.end(outcome::wait(claimed, end, reason)).await;
        }
        let message = match still {
            Still::Nothing(reason) => return unsent(NotificationState::Skipped, reason).await,
            Still::Rests { until, deadline } => {
                if let Err(error) = self.rests(claimed, until, deadline, at).await {
                    return attempt.release(&error.to_string()).await;
                }
                return;
            }
            Still::OtherWay(channel) => {
                if let Err(error) = self.other_way(claimed, channel, at).await {
                    return attempt.release(&error.to_string()).await;
                }
                return;
            }
            Still::HandOn(plan) => {
                if let Err(error) = self.hand_on(claimed, *plan, at).await {
                    return attempt.release(&error.to_string()).await;
                }
                return unsent(NotificationState::Skipped, Reason::StateChanged).await;
            }
            Still::Digest { keep, drop } => {
                if !drop.is_empty()
                    && let Err(error) = self.drop_items(&claimed.id, &drop, at).await
                {
                    return attempt.release(&error.to_string()).await;
                }
                composer.digest(claimed, &brief, &keep, at)
            }
            Still::Nudge(onboarding) => composer.nudge(claimed, &brief, &onboarding, at),
        };
        if let Some(custom) = &custom {
            own_texts::report(&self.db, &brief.workspace, custom, at).await;
        }
        let message = match message {
            Ok(message) => message,
            Err(error) => return attempt.broken(&error).await,
        };
        let Some(mut envelope) = compose::envelope(claimed, &brief) else {
            return unsent(NotificationState::Skipped, Reason::NoRecipient).await;
        };
        if claimed.channel == Channel::Slack && claimed.mode == Mode::Live {
            match self.thread(claimed).await {
                Ok(thread) => envelope.thread = thread,
                Err(error) => return attempt.release(&error.to_string()).await,
            }
        }
        // What is never repeated by itself is marked before the provider can have it.
        let once = claimed.kind == Kind::CustomerReminder || claimed.channel == Channel::Slack;
        if once && claimed.mode == Mode::Live {
            match self.mark_body(claimed).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return attempt.release(&error.to_string()).await,
            }
        }
        if !self.identity.is_trusted(self.lease) {
            return attempt.release("the heartbeat is late, the lease may be gone").await;
        }
        attempt.sending.store(true, Ordering::Relaxed);
        let sending = session.send(&envelope, &message);
        let report = if telemetry::traces::on() {
            sending.instrument(tracing::info_span!("send", channel = %claimed.channel)).await
        } else {
            sending.await
        };
        if let Verdict::Channel { .. } = report.verdict {
            self.rest(claimed.channel, &report).await;
        } else if claimed.mode == Mode::Live && self.brakes.was_down(claimed.channel) {
            self.resume(claimed.channel).await;
        }
        self.watch_refusals(claimed, &report);
        if report.verdict == (Verdict::Permanent { reason: Reason::AddressRefused }) {
            self.flag_address(claimed).await;
        }
        attempt.reported(report, Some(&message)).await;
    }

    /// Writes the row that takes this one's place. Should this one come here again, the key says that it is there already.
    async fn hand_on(&self, n: &Claimed, plan: Planned, at: DateTime<Utc>) -> Result<(), DbError> {
        let id = IdKind::Notification.fresh(at);
        let before = vec![None; plan.onboarding_ids.len()];
        let row = NewNotification { id, workspace_id: n.workspace_id.clone(), plan, before };
        let mut conn = self.db.begin().await?;
        ledger::insert(&mut conn, &[row], at).await?;
        conn.commit().await
    }

    async fn rests(
        &self,
        n: &Claimed,
        until: DateTime<Utc>,
        deadline: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let mut conn = self.db.begin().await?;
        ledger::rest(&mut conn, n, until, deadline, at).await?;
        conn.commit().await
    }

    async fn other_way(
        &self,
        n: &Claimed,
        channel: Channel,
        at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let mut conn = self.db.begin().await?;
        ledger::other_way(&mut conn, n, channel, at).await?;
        conn.commit().await
    }

    async fn drop_items(
        &self,
        id: &str,
        items: &[(String, Option<Seen>)],
        at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let mut conn = self.db.begin().await?;
        ledger::drop_items(&mut conn, id, items, at).await?;
        conn.commit().await
    }

    async fn thread(&self, claimed: &Claimed) -> Result<Option<String>, DbError> {
        let mut conn = self.db.read().await?;
        slack_replies::thread(&mut conn, claimed).await
    }

    async fn mark_body(&self, n: &Claimed) -> Result<bool, DbError> {
        let mut conn = self.db.begin().await?;
        let marked = ledger::mark_body(&mut conn, &n.id, &n.lease_token).await?;
        conn.commit().await?;
        Ok(marked)
    }

    /// Asks a channel that is down whether it still is. Deliveries do so when its rest is over; where none waits, nobody would.
    pub async fn probe(&self, channel: Channel) {
        match self.deliverers.probe(channel).await {
            Ok(()) => self.resume(channel).await,
            Err(report) => self.rest(channel, &report).await,
        }
    }

    /// The channel is down: nobody's attempt, everybody waits, one alert.
    async fn rest(&self, channel: Channel, report: &Report) {
        let asked = match report.verdict {
            Verdict::Channel { after } => after.and_then(|after| TimeDelta::from_std(after).ok()),
            _ => None,
        };
        let paused = async {
            let mut conn = self.db.begin().await?;
            let paused =
                processes::pause(&mut conn, channel, &report.reply, asked, self.clock.now())
                    .await?;
            let pauses = processes::pauses(&mut conn).await?;
            conn.commit().await?;
            Ok::<_, DbError>((paused, pauses))
        };
        match paused.await {
            Ok(((pause, new), pauses)) => {
                self.brakes.set_down(&pauses);
                if new {
                    tracing::error!(%channel, reason = report.reply, until = %pause.until, "the channel {channel} is down, its messages wait");
                }
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "the channel is down and the database does not answer");
            }
        }
    }

    async fn resume(&self, channel: Channel) {
        let resumed = async {
            let mut conn = self.db.begin().await?;
            let resumed = processes::resume(&mut conn, channel).await?;
            let pauses = processes::pauses(&mut conn).await?;
            conn.commit().await?;
            Ok::<_, DbError>((resumed, pauses))
        };
        if let Ok((resumed, pauses)) = resumed.await {
            self.brakes.set_down(&pauses);
            if resumed {
                tracing::info!(%channel, "the channel {channel} is up again");
            }
        }
    }

    /// Says aloud when a provider refuses many messages for what they say: it takes them for spam, or we make them wrong.
    fn watch_refusals(&self, n: &Claimed, report: &Report) {
        let refused = match report.verdict {
            Verdict::Accepted { .. } => false,
            Verdict::Permanent { reason: Reason::MessageRefused } => true,
            _ => return,
        };
        let noted = self.refusals.note(n.channel, refused, Instant::now());
        if let Some((refused, all)) = noted {
            tracing::error!(channel = %n.channel, refused, all, reply = report.reply, "{refused} of the last {all} messages were refused for what they say; the channel {} may take us for spam", n.channel);
        }
    }

    async fn flag_address(&self, n: &Claimed) {
        let flagged = async {
            let mut conn = self.db.begin().await?;
            crate::store::addresses::flag(&mut conn, n, self.clock.now()).await?;
            conn.commit().await
        };
        if let Err(error) = flagged.await {
            tracing::warn!(notification = n.id, %error, "cannot flag the refused address");
        }
    }
}
