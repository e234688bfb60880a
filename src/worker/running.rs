//! What becomes of a claimed row: every way to let go of it, and the outcome in the ledger.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::Span;

use super::courier::Courier;
use super::outcome::{self, Next};
use crate::domain::message::{Message, Report, Stage, Verdict};
use crate::domain::values::{AttemptOutcome, NotificationState, Reason};
use crate::store::ledger::{Attempt, Claimed, Finish, Packed};
use crate::telemetry::metrics;

/// A claimed row on its way to an outcome.
pub(super) struct Running<'a> {
    courier: &'a Courier,
    pub(super) claimed: &'a Claimed,
    at: DateTime<Utc>,
    started: Instant,
    /// Whether the provider may have heard of it.
    pub(super) sending: AtomicBool,
}

impl<'a> Running<'a> {
    pub(super) fn new(courier: &'a Courier, claimed: &'a Claimed) -> Self {
        Self {
            courier,
            claimed,
            at: courier.clock.now(),
            started: Instant::now(),
            sending: AtomicBool::new(false),
        }
    }

    /// Our own fault, and a surprise: tried again later unless it may have arrived.
    pub(super) async fn panicked(&self) {
        tracing::error!(notification = self.claimed.id, "a delivery panicked");
        let (verdict, stage) = if self.sending.load(Ordering::Relaxed) {
            (Verdict::Ambiguous, Stage::Body)
        } else {
            (Verdict::Transient { after: None }, Stage::Claimed)
        };
        self.reported(Report { verdict, stage, reply: "the delivery panicked".to_owned() }, None)
            .await;
    }

    /// Ends without an attempt.
    pub(super) async fn end(&self, next: Next) {
        self.finish(next, None, None, None).await;
    }

    /// Gives the row back untouched; it is tried again soon.
    pub(super) async fn release(&self, why: &str) {
        tracing::warn!(notification = self.claimed.id, why, "released");
        let soon = self.courier.clock.now() + TimeDelta::seconds(5);
        self.finish(Next { counts: false, ..Next::later(soon, None) }, None, None, None).await;
    }

    /// Our own fault: the message cannot be made. Visible, never sent half.
    pub(super) async fn broken(&self, error: &str) {
        tracing::error!(notification = self.claimed.id, error, "cannot render");
        let attempt = self.attempt(
            Stage::Claimed.as_str(),
            AttemptOutcome::Permanent,
            format!("cannot render: {error}"),
        );
        let next = Next::end(NotificationState::Failed, Some(Reason::MessageRefused));
        self.finish(next, Some(attempt), None, None).await;
    }

    pub(super) async fn reported(&self, report: Report, message: Option<&Message>) {
        let courier = self.courier;
        let now = courier.clock.now();
        let next = outcome::after(&report, self.claimed, courier.resend_after, now, rand::random());
        Span::current().record("outcome", report.verdict.outcome().as_str());
        metrics::attempt(
            self.claimed.channel.as_str(),
            report.verdict.outcome().as_str(),
            self.started.elapsed(),
        );
        let attempt = self.attempt(report.stage.as_str(), report.verdict.outcome(), report.reply);
        let provider_ref = match report.verdict {
            Verdict::Accepted { provider_ref } => provider_ref,
            Verdict::Captured => Some("captured".to_owned()),
            _ => None,
        };
        let stored = message.and_then(|message| {
            let packed = courier.packer.pack(message);
            packed.inspect_err(|error| tracing::error!(%error, "cannot store the message")).ok()
        });
        self.finish(next, Some(attempt), stored, provider_ref).await;
    }

    fn attempt(&self, stage: &'static str, outcome: AttemptOutcome, reply: String) -> Attempt {
        Attempt {
            number: self.claimed.claim_count,
            at: self.at,
            worker: self.courier.identity.id().to_string(),
            stage,
            outcome,
            reply,
            duration_ms: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The outcome is in the ledger.
    fn written(&self, row: &Finish) {
        let channel = self.claimed.channel.as_str();
        tracing::debug!(
            notification = row.id,
            kind = %row.kind,
            channel,
            state = %row.state,
            reason = row.reason.map(Reason::as_str),
            outcome = row.attempt.as_ref().map(|attempt| attempt.outcome.as_str()),
            reply = row.attempt.as_ref().map(|attempt| attempt.reply.as_str()),
            "{}",
            row.state
        );
        if row.state.is_open() {
            return;
        }
        self.courier.tally.add(row.state, 1);
        let sent = row.state == NotificationState::Sent;
        let late = self.claimed.due_at.filter(|_| sent).map(|due| self.courier.clock.now() - due);
        let late = late.and_then(|late| late.to_std().ok().map(|late| late.as_secs_f64()));
        metrics::finished(channel, row.state.as_str(), late.or(sent.then_some(0.0)));
    }

    async fn finish(
        &self,
        next: Next,
        attempt: Option<Attempt>,
        message: Option<Packed>,
        provider_ref: Option<String>,
    ) {
        let row = Finish {
            id: self.claimed.id.clone(),
            token: self.claimed.lease_token.clone(),
            kind: self.claimed.kind,
            state: next.state,
            reason: next.reason,
            not_before: next.not_before,
            counts: next.counts && attempt.is_some(),
            attempt,
            message,
            provider_ref,
        };
        // An outcome is worth waiting for the database; only a lost lease makes it worthless.
        let mut pause = Duration::from_millis(100);
        loop {
            match self.courier.writer.finish(row.clone()).await {
                Ok(true) => return self.written(&row),
                Ok(false) => {
                    tracing::warn!(
                        notification = row.id,
                        "the lease was lost before the outcome could be written"
                    );
                    return;
                }
                Err(error) => {
                    if self.started.elapsed() > self.courier.lease * 10 {
                        tracing::error!(notification = row.id, %error, "gave up writing an outcome");
                        return;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }
}
