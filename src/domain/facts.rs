//! What a decision needs to know, as plain values. `store::facts` loads them; the rules only read them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, DaySpan, Weekdays, local_date};
use super::values::{Channel, CustomerStatus, Kind, Locale, Mode, Phase, State};

/// A workspace and the settings that rules depend on.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// `ws_…`
    pub id: String,
    /// Name as shown to people.
    pub name: String,
    /// Zone in which phase entries and waiting are counted, and default of its users.
    pub zone: Tz,
    /// Working days and holidays.
    pub calendar: Calendar,
    /// Local time of the digest, unless a person chose another.
    pub digest_time: NaiveTime,
    /// Business days of waiting after which somebody is told, ascending.
    pub waiting_steps: Vec<u32>,
    /// Who hears of onboardings without an active CSM.
    pub owner_user_id: Option<String>,
    /// Who else hears of the last waiting step.
    pub escalation_user_id: Option<String>,
    /// Whether customers get reminders at all.
    pub customer_reminders: bool,
    /// Sender's address for mail of this workspace, if not the installation's.
    pub mail_from: Option<String>,
    /// Sender's name of mails to staff, if not made from the workspace's.
    pub mail_name: Option<String>,
    /// Where answers of staff go, if not to the sender.
    pub reply_to: Option<String>,
    /// Postal address under mails, if not the installation's.
    pub footer_address: Option<String>,
    /// Whether customers' names may stand in subject lines.
    pub names_in_subjects: bool,
    /// Language of messages and pages.
    pub locale: Locale,
    /// Counts what it saved of its own templates; 0 = it has none.
    pub templates_revision: i64,
    /// Label and target of every phase.
    pub phases: BTreeMap<Phase, PhaseSettings>,
}

/// Label and target of one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseSettings {
    /// Label as shown to people.
    pub label: String,
    /// Position in the journey, from 0.
    pub position: i64,
    /// Days an onboarding should at most spend in it.
    pub target_days: i64,
}

impl Workspace {
    /// The label of `phase`.
    #[must_use]
    pub fn label(&self, phase: Phase) -> &str {
        self.phases.get(&phase).map_or(phase.default_label(), |settings| settings.label.as_str())
    }

    /// The target of `phase`, in days.
    #[must_use]
    pub fn target_days(&self, phase: Phase) -> i64 {
        self.phases.get(&phase).map_or(7, |settings| settings.target_days)
    }
}

/// A user of the workspace, as somebody to tell.
#[derive(Clone, Debug)]
pub struct Person {
    /// `user_…`
    pub id: String,
    /// Name as typed.
    pub name: String,
    /// Mail address, lower case.
    pub email: String,
    /// Set while a permanent refusal by the mail provider stands.
    pub email_flagged: bool,
    /// Slack user id; without one Slack cannot reach them.
    pub slack_user_id: Option<String>,
    /// Set while a permanent refusal by Slack stands.
    pub slack_flagged: bool,
    /// Their own zone, else the workspace's.
    pub zone: Tz,
    /// Deactivated people are told nothing.
    pub active: bool,
    /// Whether they want digests at all.
    pub digest_enabled: bool,
    /// The channel they prefer.
    pub digest_channel: Channel,
    /// Their own time of the digest.
    pub digest_time: Option<NaiveTime>,
    /// Their own days of the digest.
    pub digest_days: Option<Weekdays>,
    /// When nudges may arrive.
    pub working_hours: DaySpan,
    /// When nothing may arrive.
    pub quiet_hours: Option<DaySpan>,
    /// First day back.
    pub out_of_office_until: Option<NaiveDate>,
    /// Who stands in meanwhile.
    pub backup_user_id: Option<String>,
    /// Kinds they switched off.
    pub muted_kinds: Vec<Kind>,
}

/// A span of time in which an onboarding was waiting or paused, within its present phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Start of the hold.
    pub from: DateTime<Utc>,
    /// End of the hold.
    pub until: DateTime<Utc>,
}

/// An onboarding with what is needed of its customer.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// `onb_…`
    pub id: String,
    /// The small number people use.
    pub display_id: i64,
    /// `cust_…`
    pub customer_id: String,
    /// The customer's name as typed.
    pub customer_name: String,
    /// The customer's status.
    pub customer_status: CustomerStatus,
    /// Whether the customer was deleted.
    pub customer_deleted: bool,
    /// Where it stands.
    pub phase: Phase,
    /// How it goes.
    pub state: State,
    /// When it entered its phase.
    pub phase_entered_at: DateTime<Utc>,
    /// When it entered its state.
    pub state_entered_at: DateTime<Utc>,
    /// Whether the customer owes the next step.
    pub waiting_on_customer: bool,
    /// Since when.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Closed holds of the present phase that are long enough to cover a whole date.
    pub holds: Vec<Hold>,
    /// Start of the hold that is open now.
    pub held_since: Option<DateTime<Utc>>,
    /// The launch date (a UTC calendar date).
    pub launch_date: Option<NaiveDate>,
    /// The CSM, as assigned.
    pub csm_id: Option<String>,
    /// Whether mail may carry its reminders.
    pub reminder_email: bool,
    /// Whether Slack may.
    pub reminder_slack: bool,
    /// Days between two reminders.
    pub frequency_days: i64,
    /// Slot date of its last reminder.
    pub last_reminded_on: Option<NaiveDate>,
    /// Reminders resume on this date.
    pub snoozed_until: Option<NaiveDate>,
    /// Highest step of the stalled ladder dealt with in this phase entry.
    pub stalled_step: i64,
    /// Highest step of the waiting ladder dealt with in this waiting episode.
    pub waiting_step: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Who wrote what last.
    pub provenance: Provenance,
}

/// The modes of the keys that last wrote the fields which can cause a message (`product.md` §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Creator of the onboarding.
    pub onboarding: Mode,
    /// Creator of the customer.
    pub customer: Mode,
    /// Last writer of the CSM.
    pub csm: Mode,
    /// Last writer of the reminder settings.
    pub reminders: Mode,
    /// Last writer of the phase.
    pub phase: Mode,
    /// Last writer of the waiting flag.
    pub waiting: Mode,
}

impl Provenance {
    /// The mode of a message of this `kind` about the onboarding: *test* as soon as one field that causes it was written by a test key.
    #[must_use]
    pub fn mode(self, kind: Kind) -> Mode {
        let trigger = match kind {
            Kind::Digest => Mode::Live,
            Kind::StalledPhase => self.phase,
            Kind::WaitingOnCustomer | Kind::CustomerReminder => self.waiting,
        };
        let causes = [self.onboarding, self.customer, self.csm, self.reminders, trigger];
        if causes.contains(&Mode::Test) { Mode::Test } else { Mode::Live }
    }
}

impl Onboarding {
    /// Whether the ladders stand still: waiting or paused.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.waiting_on_customer || self.state == State::Paused
    }

    /// Days in the present phase on `today`: civil dates in `zone` since entry, less dates spent wholly on hold.
    #[must_use]
    pub fn days_in_phase(&self, zone: Tz, today: NaiveDate) -> i64 {
        let entered = local_date(zone, self.phase_entered_at);
        let held: i64 = self
            .holds
            .iter()
            .map(|hold| whole_dates(zone, hold.from, Some(hold.until), entered, today))
            .sum();
        let open =
            self.held_since.map_or(0, |since| whole_dates(zone, since, None, entered, today));
        ((today - entered).num_days() - held - open).max(0)
    }
}

/// Dates in `(entered, today]` that lie wholly inside the hold; one without an end covers `today` too.
fn whole_dates(
    zone: Tz,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    entered: NaiveDate,
    today: NaiveDate,
) -> i64 {
    let start_of = |date| super::calendar::instant(zone, date, NaiveTime::MIN);
    let mut first = local_date(zone, from);
    if start_of(first) < from {
        first = super::calendar::next_day(first);
    }
    first = first.max(super::calendar::next_day(entered));
    // The date on which the hold ends is not wholly inside it.
    let last = until.map_or(today, |end| super::calendar::add_days(local_date(zone, end), -1));
    ((last.min(today) - first).num_days() + 1).max(0)
}

/// The customer's primary contact, as somebody to remind.
#[derive(Clone, Debug)]
pub struct Contact {
    /// `cont_…`
    pub id: String,
    /// Name as typed.
    pub name: String,
    /// Mail address, lower case.
    pub email: String,
    /// Set while a permanent refusal stands.
    pub email_flagged: bool,
    /// Whether they unsubscribed.
    pub opted_out: bool,
    /// Modes of creator and of the last writers of address and star, combined.
    pub mode: Mode,
}

/// Which channels are configured in this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Mail can be sent (or is captured).
    pub email: bool,
    /// Slack messages can be sent (or are captured).
    pub slack: bool,
}

impl Channels {
    /// Both.
    pub const ALL: Self = Self { email: true, slack: true };
}
