//! The journeys that must not stall.

mod list;
mod snooze;
mod wait;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use sqlx::types::Json;

pub use self::list::{Filter, list};
pub use self::snooze::{snooze, snoozed_until};
pub use self::wait::{Wait, resume_wait};
use super::audit::{self, Author, Diff, Entry};
use super::hints::{self, Touched};
use super::{counters, finders, notices, slack_replies, traces};
use crate::db::{Conn, DbError};
use crate::domain::facts::Hold;
use crate::domain::ids::IdKind;
use crate::domain::transition::{Course, Wish};
use crate::domain::values::{Mode, Phase, State};
use crate::on;

/// An onboarding as stored, without its computed columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Onboarding {
    /// `onb_…`
    pub id: String,
    /// The vendor.
    #[serde(skip)]
    pub workspace_id: String,
    /// Whose it is.
    pub customer_id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub phase: Phase,
    /// How it goes.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// The same as `created_at`.
    #[serde(serialize_with = "audit::instant")]
    pub started_at: DateTime<Utc>,
    /// When it entered `completed`, while it is there.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub completed_at: Option<DateTime<Utc>>,
    /// Its UTC date is the launch date.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub target_launch_date: Option<DateTime<Utc>>,
    /// Who owns it.
    pub csm_id: Option<String>,
    /// Solutions engineer.
    pub se_id: Option<String>,
    /// Designer.
    pub designer_id: Option<String>,
    /// Product operations.
    pub product_ops_id: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Whether the customer owes the next step.
    pub waiting_on_customer: bool,
    /// Since when.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub waiting_on_customer_since: Option<DateTime<Utc>>,
    /// Stays empty until there is a wizard.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub wizard_completed_at: Option<DateTime<Utc>>,
    /// Whether mail may carry its reminders.
    pub reminder_email: bool,
    /// Whether Slack may.
    pub reminder_slack: bool,
    /// Days between two reminders.
    pub reminder_frequency_days: i64,
    /// When it entered its phase.
    #[serde(serialize_with = "audit::instant")]
    pub phase_entered_at: DateTime<Utc>,
    /// When it entered its state.
    #[serde(serialize_with = "audit::instant")]
    pub state_entered_at: DateTime<Utc>,
    /// Start of the open hold.
    #[serde(skip)]
    pub held_since: Option<DateTime<Utc>>,
    /// Closed holds of this phase entry.
    #[serde(skip)]
    pub holds: Json<Vec<Hold>>,
    /// Mode of the key that created it.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// Mode of the last writer of `csm_id`.
    #[sqlx(try_from = "String")]
    pub csm_mode: Mode,
    /// … of the reminder flags or the frequency.
    #[sqlx(try_from = "String")]
    pub reminders_mode: Mode,
    /// … of the phase.
    #[sqlx(try_from = "String")]
    pub phase_mode: Mode,
    /// … of the waiting flag.
    #[sqlx(try_from = "String")]
    pub waiting_mode: Mode,
    /// Highest stalled step dealt with in this phase entry.
    #[serde(skip)]
    pub stalled_step: i64,
    /// Highest waiting step dealt with in this episode.
    #[serde(skip)]
    pub waiting_step: i64,
    /// Local date on which the newest waiting episode began.
    #[serde(skip)]
    pub waiting_began_on: Option<NaiveDate>,
    /// When it was created.
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    #[serde(serialize_with = "audit::instant")]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// An onboarding to create; people are given by id.
#[derive(Clone, Debug)]
pub struct NewOnboarding {
    /// Whose it is.
    pub customer_id: String,
    /// Where it stands.
    pub phase: Phase,
    /// How it goes.
    pub state: State,
    /// Its UTC date is the launch date.
    pub target_launch_date: Option<DateTime<Utc>>,
    /// Who owns it.
    pub csm_id: Option<String>,
    /// Solutions engineer.
    pub se_id: Option<String>,
    /// Designer.
    pub designer_id: Option<String>,
    /// Product operations.
    pub product_ops_id: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Whether mail may carry its reminders.
    pub reminder_email: bool,
    /// Whether Slack may.
    pub reminder_slack: bool,
    /// Days between two reminders, 1 to 30.
    pub reminder_frequency_days: i64,
}

/// What to change; what is `None` was not sent.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// Phase, state and waiting flag.
    pub wish: Wish,
    /// Its UTC date is the launch date.
    pub target_launch_date: Option<Option<DateTime<Utc>>>,
    /// Who owns it.
    pub csm_id: Option<Option<String>>,
    /// Solutions engineer.
    pub se_id: Option<Option<String>>,
    /// Designer.
    pub designer_id: Option<Option<String>>,
    /// Product operations.
    pub product_ops_id: Option<Option<String>>,
    /// Free text.
    pub notes: Option<Option<String>>,
    /// Whether mail may carry its reminders.
    pub reminder_email: Option<bool>,
    /// Whether Slack may.
    pub reminder_slack: Option<bool>,
    /// Days between two reminders, 1 to 30.
    pub reminder_frequency_days: Option<i64>,
}

finders!(Onboarding, "SELECT * FROM onboardings");

/// Creates an onboarding of a customer that the caller has locked.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    new: NewOnboarding,
    zone: Tz,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Onboarding, DbError> {
    let (display_id, created_at) = counters::next(conn, workspace_id, "onboarding", now).await?;
    let course = Course::begin(new.phase, new.state, zone, author.mode, created_at);
    let onboarding: Onboarding = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO onboardings (id, workspace_id, customer_id, display_id, phase, state, started_at, completed_at, target_launch_date, csm_id,
            se_id, designer_id, product_ops_id, notes, waiting_on_customer, waiting_on_customer_since, reminder_email, reminder_slack,
            reminder_frequency_days, phase_entered_at, state_entered_at, held_since, holds, mode, csm_mode, reminders_mode, phase_mode,
            waiting_mode, stalled_step, waiting_step, waiting_began_on, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $7, $7, $20, $21, $22, $22, $22, $22,
            $22, 0, 0, $23, $7, $7) RETURNING *"
    )
    .bind(IdKind::Onboarding.fresh(created_at))
    .bind(workspace_id)
    .bind(&new.customer_id)
    .bind(display_id)
    .bind(course.phase.as_str())
    .bind(course.state.as_str())
    .bind(created_at)
    .bind(course.completed_at)
    .bind(new.target_launch_date)
    .bind(&new.csm_id)
    .bind(&new.se_id)
    .bind(&new.designer_id)
    .bind(&new.product_ops_id)
    .bind(&new.notes)
    .bind(course.waiting_on_customer)
    .bind(course.waiting_since)
    .bind(new.reminder_email)
    .bind(new.reminder_slack)
    .bind(new.reminder_frequency_days)
    .bind(course.held_since)
    .bind(Json(&course.holds))
    .bind(author.mode.as_str())
    .bind(course.waiting_began_on)
    .fetch_one(c)
    .await?
    });
    on!(conn, |c| {
        sqlx::query(
        "INSERT INTO reminder_state (onboarding_id, recipient_id, frequency_days) VALUES ($1, '', $2)"
    )
    .bind(&onboarding.id)
    .bind(onboarding.reminder_frequency_days)
    .execute(c)
    .await
    .map(|_| ())
    })?;
    let diff = Diff::created(&onboarding);
    log(conn, author, "onboarding_created", &onboarding, diff, reason, now).await?;
    traces::keep_with_onboarding(conn, &onboarding.id).await?;
    hints::refresh(conn, Touched::Onboardings(std::slice::from_ref(&onboarding.id)), now).await?;
    Ok(onboarding)
}

/// Changes an onboarding that the caller has locked, with everything that entails (`domain::transition`).
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    before: Onboarding,
    patch: Patch,
    zone: Tz,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Onboarding, DbError> {
    let mut after = before.clone();
    if patch.wish != Wish::default() {
        after.follow(before.course().apply(patch.wish, zone, author.mode, now));
    }
    let touches_reminders = patch.reminder_email.is_some()
        || patch.reminder_slack.is_some()
        || patch.reminder_frequency_days.is_some();
    if touches_reminders {
        after.reminders_mode = author.mode;
    }
    if patch.csm_id.is_some() {
        after.csm_mode = author.mode;
    }
    replace(&mut after.target_launch_date, patch.target_launch_date);
    replace(&mut after.csm_id, patch.csm_id);
    replace(&mut after.se_id, patch.se_id);
    replace(&mut after.designer_id, patch.designer_id);
    replace(&mut after.product_ops_id, patch.product_ops_id);
    replace(&mut after.notes, patch.notes);
    replace(&mut after.reminder_email, patch.reminder_email);
    replace(&mut after.reminder_slack, patch.reminder_slack);
    replace(&mut after.reminder_frequency_days, patch.reminder_frequency_days);
    if after == before {
        return Ok(before);
    }
    let diff = Diff::between(&before, &after);
    if after.is_visibly_other(&before) {
        after.updated_at = now.max(before.updated_at);
    }
    write(conn, &after).await?;
    if after.reminder_frequency_days != before.reminder_frequency_days {
        on!(conn, |c| sqlx::query(
            "UPDATE reminder_state SET frequency_days = $2 WHERE onboarding_id = $1"
        )
        .bind(&after.id)
        .bind(after.reminder_frequency_days)
        .execute(c)
        .await
        .map(|_| ()))?;
    }
    log(conn, author, "onboarding_updated", &after, diff, reason, now).await?;
    traces::keep_with_onboarding(conn, &after.id).await?;
    if after.phase != before.phase {
        let entry = Entry {
            workspace_id: &after.workspace_id,
            event: "onboarding_phase_changed",
            object: "customer",
            object_id: &after.customer_id,
            diff: Diff::field("phase", before.phase.as_str(), after.phase.as_str()),
            reason,
        };
        audit::append(conn, author, entry, now).await?;
    }
    if after.moves_hints(&before) {
        touched(conn, &after.id, now).await?;
    }
    Ok(after)
}

/// What depends on an onboarding's course follows it: its computed columns, and what its nudges on Slack say.
async fn touched(conn: &mut Conn, id: &String, now: DateTime<Utc>) -> Result<(), DbError> {
    hints::refresh(conn, Touched::Onboardings(std::slice::from_ref(id)), now).await?;
    slack_replies::look_again(conn, id, now).await
}

/// Deletes an onboarding that the caller has locked.
pub async fn delete(
    conn: &mut Conn,
    author: &Author,
    onboarding: &Onboarding,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if onboarding.deleted_at.is_some() {
        return Ok(());
    }
    on!(conn, |c| sqlx::query("UPDATE onboardings SET deleted_at = $2 WHERE id = $1")
        .bind(&onboarding.id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    let diff = Diff::field("deleted", false, true);
    log(conn, author, "onboarding_deleted", onboarding, diff, None, now).await?;
    touched(conn, &onboarding.id, now).await?;
    notices::cancel_of_onboardings(conn, std::slice::from_ref(&onboarding.id), now).await
}

impl Onboarding {
    fn course(&self) -> Course {
        Course {
            phase: self.phase,
            state: self.state,
            waiting_on_customer: self.waiting_on_customer,
            waiting_since: self.waiting_on_customer_since,
            waiting_began_on: self.waiting_began_on,
            completed_at: self.completed_at,
            phase_entered_at: self.phase_entered_at,
            state_entered_at: self.state_entered_at,
            held_since: self.held_since,
            holds: self.holds.0.clone(),
            stalled_step: self.stalled_step,
            waiting_step: self.waiting_step,
            phase_mode: self.phase_mode,
            waiting_mode: self.waiting_mode,
        }
    }

    fn follow(&mut self, course: Course) {
        self.phase = course.phase;
        self.state = course.state;
        self.waiting_on_customer = course.waiting_on_customer;
        self.waiting_on_customer_since = course.waiting_since;
        self.waiting_began_on = course.waiting_began_on;
        self.completed_at = course.completed_at;
        self.phase_entered_at = course.phase_entered_at;
        self.state_entered_at = course.state_entered_at;
        self.held_since = course.held_since;
        self.holds = Json(course.holds);
        self.stalled_step = course.stalled_step;
        self.waiting_step = course.waiting_step;
        self.phase_mode = course.phase_mode;
        self.waiting_mode = course.waiting_mode;
    }

    /// Whether a reader of the API can see the difference; the modes of last writers are our own business.
    fn is_visibly_other(&self, before: &Self) -> bool {
        let blind = Self {
            csm_mode: before.csm_mode,
            reminders_mode: before.reminders_mode,
            phase_mode: before.phase_mode,
            waiting_mode: before.waiting_mode,
            ..self.clone()
        };
        blind != *before
    }

    /// Whether what the hints are computed from differs.
    fn moves_hints(&self, before: &Self) -> bool {
        self.course() != before.course()
            || self.csm_id != before.csm_id
            || self.reminder_frequency_days != before.reminder_frequency_days
    }
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

async fn write(conn: &mut Conn, o: &Onboarding) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE onboardings SET phase = $2, state = $3, completed_at = $4, target_launch_date = $5, csm_id = $6, se_id = $7, designer_id = $8,
            product_ops_id = $9, notes = $10, waiting_on_customer = $11, waiting_on_customer_since = $12, reminder_email = $13,
            reminder_slack = $14, reminder_frequency_days = $15, phase_entered_at = $16, state_entered_at = $17, held_since = $18, holds = $19,
            csm_mode = $20, reminders_mode = $21, phase_mode = $22, waiting_mode = $23, stalled_step = $24, waiting_step = $25,
            waiting_began_on = $26, updated_at = $27
         WHERE id = $1"
    )
    .bind(&o.id)
    .bind(o.phase.as_str())
    .bind(o.state.as_str())
    .bind(o.completed_at)
    .bind(o.target_launch_date)
    .bind(&o.csm_id)
    .bind(&o.se_id)
    .bind(&o.designer_id)
    .bind(&o.product_ops_id)
    .bind(&o.notes)
    .bind(o.waiting_on_customer)
    .bind(o.waiting_on_customer_since)
    .bind(o.reminder_email)
    .bind(o.reminder_slack)
    .bind(o.reminder_frequency_days)
    .bind(o.phase_entered_at)
    .bind(o.state_entered_at)
    .bind(o.held_since)
    .bind(&o.holds)
    .bind(o.csm_mode.as_str())
    .bind(o.reminders_mode.as_str())
    .bind(o.phase_mode.as_str())
    .bind(o.waiting_mode.as_str())
    .bind(o.stalled_step)
    .bind(o.waiting_step)
    .bind(o.waiting_began_on)
    .bind(o.updated_at)
    .execute(c)
    .await
    .map(|_| ())
    })
}

async fn log(
    conn: &mut Conn,
    author: &Author,
    event: &str,
    onboarding: &Onboarding,
    diff: Diff,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &onboarding.workspace_id,
        event,
        object: "onboarding",
        object_id: &onboarding.id,
        diff,
        reason,
    };
    audit::append(conn, author, entry, now).await
}
