//! Reminders of an onboarding, past and to come.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Instant, Notification};
use crate::domain::decide::Gate;
use crate::domain::forecast::Forecasted;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason, RecipientType};
use crate::operate::explain::Explanation;
use crate::operate::silence::Silence;
use crate::store::hints::Unroutable;

/// What an onboarding's reminders are, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnboardingReminders<'a> {
    #[schemars(extend("enum" = ["onboarding_reminders"]))]
    object: &'static str,
    onboarding_id: &'a str,
    next: Vec<Next<'a>>,
    last: Vec<Notification<'a>>,
    snoozed_until: Option<NaiveDate>,
    #[schemars(extend("enum" = ["send", "hold"]))]
    verdict: &'static str,
    reason: Option<Reason>,
    gates: &'a [Gate],
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Next<'a> {
    at: Instant,
    kind: Kind,
    channel: Channel,
    recipient: Recipient<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Recipient<'a> {
    #[serde(rename = "type")]
    #[schemars(with = "RecipientType")]
    kind: &'a str,
    id: &'a str,
}

impl<'a> From<&'a Forecasted> for Recipient<'a> {
    fn from(item: &'a Forecasted) -> Self {
        Self { kind: item.plan.recipient_type.as_str(), id: &item.plan.recipient_id }
    }
}

impl<'a> From<&'a Explanation> for OnboardingReminders<'a> {
    fn from(explanation: &'a Explanation) -> Self {
        Self {
            object: "onboarding_reminders",
            onboarding_id: &explanation.onboarding_id,
            next: explanation
                .next
                .iter()
                .map(|item| Next {
                    at: Instant(item.at),
                    kind: item.plan.kind,
                    channel: item.plan.channel,
                    recipient: Recipient::from(item),
                })
                .collect(),
            last: explanation.last.iter().map(Notification::from).collect(),
            snoozed_until: explanation.snoozed_until,
            verdict: if explanation.sends { "send" } else { "hold" },
            reason: explanation.reason,
            gates: &explanation.gates,
        }
    }
}

/// What somebody got on a day, or what went out about an onboarding; and whether a line was due.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemindersExplanation<'a> {
    #[schemars(extend("enum" = ["reminders_explanation"]))]
    object: &'static str,
    /// Who was meant; null where an onboarding was.
    user_id: Option<&'a str>,
    on: NaiveDate,
    /// The answer in a sentence.
    summary: &'a str,
    notifications: Vec<Notification<'a>>,
    onboardings: Vec<Line<'a>>,
    /// There are more onboardings than were tried.
    has_more: bool,
}

/// Whether a line about one onboarding was due.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Line<'a> {
    onboarding_id: &'a str,
    display_id: i64,
    customer_name: &'a str,
    #[schemars(extend("enum" = ["send", "hold"]))]
    verdict: &'static str,
    /// The first gate that is shut, in words.
    detail: &'a str,
}

impl<'a> RemindersExplanation<'a> {
    /// About a person, or about an onboarding.
    #[must_use]
    pub fn new(user_id: Option<&'a str>, found: &'a Silence) -> Self {
        Self {
            object: "reminders_explanation",
            user_id,
            on: found.on,
            summary: &found.sentence,
            notifications: found.messages.iter().map(Notification::from).collect(),
            onboardings: found
                .verdicts
                .iter()
                .map(|one| Line {
                    onboarding_id: &one.onboarding_id,
                    display_id: one.display_id,
                    customer_name: &one.customer_name,
                    verdict: if one.sends { "send" } else { "hold" },
                    detail: &one.why,
                })
                .collect(),
            has_more: found.more,
        }
    }
}

/// A notification to come, if nothing changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ForecastItem<'a> {
    #[schemars(extend("enum" = ["forecast_item"]))]
    object: &'static str,
    at: Instant,
    kind: Kind,
    channel: Channel,
    mode: Mode,
    recipient: Recipient<'a>,
    onboarding_ids: &'a [String],
    step: Option<i64>,
}

impl<'a> From<&'a Forecasted> for ForecastItem<'a> {
    fn from(item: &'a Forecasted) -> Self {
        Self {
            object: "forecast_item",
            at: Instant(item.at),
            kind: item.plan.kind,
            channel: item.plan.channel,
            mode: item.plan.mode,
            recipient: Recipient::from(item),
            onboarding_ids: &item.plan.onboarding_ids,
            step: item.plan.step.map(|(number, _)| number),
        }
    }
}

/// What a pass of the hours to come would write: also what it would only note as skipped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedNotification<'a> {
    #[schemars(extend("enum" = ["planned_notification"]))]
    object: &'static str,
    at: Instant,
    kind: Kind,
    channel: Channel,
    mode: Mode,
    state: NotificationState,
    reason: Option<Reason>,
    recipient: Recipient<'a>,
    onboarding_ids: &'a [String],
    step: Option<i64>,
}

impl<'a> From<&'a Forecasted> for PlannedNotification<'a> {
    fn from(item: &'a Forecasted) -> Self {
        Self {
            object: "planned_notification",
            at: Instant(item.at),
            kind: item.plan.kind,
            channel: item.plan.channel,
            mode: item.plan.mode,
            state: item.plan.state,
            reason: item.plan.reason,
            recipient: Recipient::from(item),
            onboarding_ids: &item.plan.onboarding_ids,
            step: item.plan.step.map(|(number, _)| number),
        }
    }
}

/// An onboarding that nobody hears of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnroutableOnboarding<'a> {
    #[schemars(extend("enum" = ["unroutable_onboarding"]))]
    object: &'static str,
    onboarding_id: &'a str,
    display_id: i64,
    customer_name: &'a str,
    /// The CSM, who is deactivated; null where none is assigned.
    csm_name: Option<&'a str>,
    /// Handle of its workspace.
    workspace: &'a str,
    /// test: a test key made it so, and nobody is told.
    mode: Mode,
}

impl<'a> From<&'a Unroutable> for UnroutableOnboarding<'a> {
    fn from(found: &'a Unroutable) -> Self {
        Self {
            object: "unroutable_onboarding",
            onboarding_id: &found.id,
            display_id: found.display_id,
            customer_name: &found.customer,
            csm_name: found.csm.as_deref(),
            workspace: &found.workspace,
            mode: found.mode,
        }
    }
}
