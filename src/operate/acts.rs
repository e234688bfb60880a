//! What a reader does about an onboarding through a message: end the wait, let reminders rest, take either back. The same for links
//! and for Slack's buttons, each once per message, and never by somebody whose it is not any more.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use crate::db::{Conn, DbError};
use crate::domain::calendar::{add_days, local_date};
use crate::domain::facts::{Onboarding, Workspace};
use crate::domain::ids::Ref;
use crate::domain::transition::Wish;
use crate::domain::values::Locale;
use crate::render::pages as words;
use crate::store::audit::{self, Author};
use crate::store::facts::{self, Member};
use crate::store::message_actions::{self, Action, Done, Undo};
use crate::store::onboardings::{self, Patch, Wait};
use crate::store::sent::Sent;

/// Furthest day until which reminders may rest.
pub const LONGEST_SNOOZE_DAYS: i64 = 366;

/// The onboarding that somebody acts on, as it is now.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its workspace.
    pub workspace: Workspace,
    /// Its row, locked when the connection is in a transaction.
    pub row: onboardings::Onboarding,
    /// What the rules see of it.
    pub facts: Onboarding,
    /// Its CSM.
    pub csm: Option<Member>,
    /// Who hears of it.
    pub recipient: Option<Member>,
}

impl Subject {
    /// "Halden Freight #1042"
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} #{}", self.t().name(&self.facts.customer_name), self.facts.display_id)
    }

    /// The language of its workspace.
    #[must_use]
    pub const fn t(&self) -> Locale {
        self.workspace.locale
    }

    /// Whether nothing can be done about it any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.facts.deleted || self.facts.customer_deleted || self.facts.phase.is_terminal()
    }

    /// Whether the user may act on it: its CSM, whoever hears of it instead, their backup, the workspace's owner.
    #[must_use]
    pub fn is_of(&self, user_id: &str) -> bool {
        let backup =
            self.recipient.as_ref().and_then(|member| member.person.backup_user_id.as_deref());
        let recipient = self.recipient.as_ref().map(|member| member.person.id.as_str());
        [self.facts.csm_id.as_deref(), recipient, backup, self.workspace.owner_user_id.as_deref()]
            .contains(&Some(user_id))
    }
}

/// Loads an onboarding, locked if it is `to_change` in the transaction of `conn`. `None` if the workspace has no such one.
pub async fn subject(
    conn: &mut Conn,
    workspace_id: &str,
    onboarding: &Ref,
    to_change: bool,
) -> Result<Option<Subject>, DbError> {
    let row = if to_change {
        onboardings::lock(conn, workspace_id, onboarding).await?
    } else {
        onboardings::find(conn, workspace_id, onboarding).await?
    };
    let Some(row) = row else { return Ok(None) };
    let id = std::slice::from_ref(&row.id);
    let journey = facts::onboardings(conn, id).await?.into_iter().next();
    let workspace = facts::workspaces(conn, &[workspace_id.to_owned()]).await?.remove(workspace_id);
    let Some((journey, workspace)) = journey.zip(workspace) else { return Ok(None) };
    let ids: Vec<String> =
        journey.onboarding.csm_id.iter().chain(&journey.recipient_id).cloned().collect();
    let people = facts::people(conn, &ids).await?;
    let member = |id: &Option<String>| id.as_ref().and_then(|id| people.get(id)).cloned();
    Ok(Some(Subject {
        csm: member(&journey.onboarding.csm_id),
        recipient: member(&journey.recipient_id),
        facts: journey.onboarding,
        workspace,
        row,
    }))
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something has changed: what, in a sentence.
    Done(String),
    /// Nothing has: why, in a sentence.
    Nothing(String),
}

impl Outcome {
    /// The sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Self::Done(sentence) | Self::Nothing(sentence) => sentence,
        }
    }
}

/// Nothing has changed: why, and that it has not.
#[must_use]
pub fn nothing(t: Locale, sentence: &str) -> Outcome {
    Outcome::Nothing(unchanged(t, sentence))
}

fn unchanged(t: Locale, sentence: &str) -> String {
    format!("{sentence} {}", t.nothing_was_changed())
}

/// Who acts, through which message, when.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// The message.
    pub message: &'a Sent,
    /// Its reader.
    pub reader: &'a Member,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Act<'_> {
    fn author(&self) -> Author {
        Author::user(&self.reader.person.id, &self.reader.person.name)
    }

    /// The reader's date.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        local_date(self.reader.person.zone, self.now)
    }

    fn clock(&self, t: Locale, at: DateTime<Utc>) -> String {
        words::when(t, at.with_timezone(&self.reader.person.zone).naive_local(), self.today())
    }

    /// Why the reader may not act on it at all, if so.
    fn bar(&self, subject: &Subject) -> Option<String> {
        let person = &self.reader.person;
        let t = subject.t();
        let bar = if subject.is_closed() {
            t.closed_name(&subject.name())
        } else if person.active && subject.is_of(&person.id) {
            return None;
        } else {
            match subject.csm.as_ref() {
                Some(csm) => t.moved_to(&subject.name(), &t.name(&csm.person.name)),
                None => t.not_yours(&subject.name()),
            }
        };
        Some(unchanged(t, &bar))
    }

    /// Why the action cannot be done, if so: not the reader's to do, or done already.
    pub async fn refusal(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        action: Action,
    ) -> Result<Option<String>, DbError> {
        if let Some(bar) = self.bar(subject) {
            return Ok(Some(bar));
        }
        match action {
            Action::Replied => self.no_wait(conn, subject).await,
            Action::Snoozed => self.snoozed(conn, subject).await,
        }
    }

    async fn no_wait(&self, conn: &mut Conn, subject: &Subject) -> Result<Option<String>, DbError> {
        let (t, name) = (subject.t(), subject.name());
        if subject.facts.waiting_on_customer {
            let another = subject.facts.waiting_since > Some(self.message.created_at);
            return Ok(another.then(|| unchanged(t, &t.new_wait(&name))));
        }
        let ended =
            audit::latest(conn, &subject.row.id, self.message.created_at, audit::ends_wait).await?;
        Ok(Some(match ended {
            Some(line) => t.ended_the_wait(&line.actor_name, &self.clock(t, line.created_at)),
            None => unchanged(t, &t.not_waited_on(&name)),
        }))
    }

    async fn snoozed(&self, conn: &mut Conn, subject: &Subject) -> Result<Option<String>, DbError> {
        let done =
            message_actions::find(conn, &self.message.id, &subject.row.id, Action::Snoozed).await?;
        let (t, today) = (subject.t(), self.today());
        Ok(done.map(|Done { actor_name, done_at, .. }| {
            let rest = match subject.facts.snoozed_until.filter(|until| *until > today) {
                Some(until) => t.it_rests_until(&words::day(t, until, today)),
                None => t.resumed_since().to_owned(),
            };
            t.snoozed_already(&actor_name, &subject.name(), &self.clock(t, done_at), &rest)
        }))
    }

    /// Ends the wait for the customer.
    pub async fn replied(&self, conn: &mut Conn, subject: Subject) -> Result<Outcome, DbError> {
        if let Some(refusal) = self.refusal(conn, &subject, Action::Replied).await? {
            return Ok(Outcome::Nothing(refusal));
        }
        let said = subject.t().wait_has_ended(&subject.name());
        let undo = Undo::Waiting(Wait::from(&subject.row));
        self.note(conn, &subject, Action::Replied, undo).await?;
        let wish = Wish { waiting_on_customer: Some(false), ..Wish::default() };
        let patch = Patch { wish, ..Patch::default() };
        let zone = subject.workspace.zone;
        let reason = Some("the customer replied");
        onboardings::update(conn, &self.author(), subject.row, patch, zone, reason, self.now)
            .await?;
        Ok(Outcome::Done(said))
    }

    /// Lets reminders rest until `until`.
    pub async fn snooze(
        &self,
        conn: &mut Conn,
        subject: Subject,
        until: NaiveDate,
    ) -> Result<Outcome, DbError> {
        if let Some(refusal) = self.refusal(conn, &subject, Action::Snoozed).await? {
            return Ok(Outcome::Nothing(refusal));
        }
        let (t, today) = (subject.t(), self.today());
        if until <= today || until > add_days(today, LONGEST_SNOOZE_DAYS) {
            return Ok(nothing(t, t.choose_snooze_day()));
        }
        let undo = Undo::Snoozed { until: subject.facts.snoozed_until };
        self.note(conn, &subject, Action::Snoozed, undo).await?;
        onboardings::snooze(conn, &self.author(), &subject.row, Some(until), None, self.now)
            .await?;
        let day = words::day(t, until, today);
        Ok(Outcome::Done(t.snoozed_until_then(&subject.name(), &day)))
    }

    /// Takes back what was done through the message, within ten minutes, as long as nothing else has happened since.
    pub async fn undo(
        &self,
        conn: &mut Conn,
        subject: Subject,
        action: Action,
    ) -> Result<Outcome, DbError> {
        if let Some(bar) = self.bar(&subject) {
            return Ok(Outcome::Nothing(bar));
        }
        let t = subject.t();
        let Some(done) =
            message_actions::find(conn, &self.message.id, &subject.row.id, action).await?
        else {
            return Ok(nothing(t, t.taken_back_already()));
        };
        if !done.can_be_undone(self.now) {
            return Ok(nothing(t, t.ten_minutes_only()));
        }
        let changed = || nothing(t, &t.changed_since(&subject.name()));
        match done.undo.0 {
            Undo::Waiting(wait) => {
                if subject.facts.waiting_on_customer || subject.row.state_entered_at > done.done_at
                {
                    return Ok(changed());
                }
                onboardings::resume_wait(conn, &self.author(), subject.row.clone(), wait, self.now)
                    .await?;
            }
            Undo::Snoozed { until } => {
                onboardings::snooze(
                    conn,
                    &self.author(),
                    &subject.row,
                    until,
                    Some("undo"),
                    self.now,
                )
                .await?;
            }
        }
        message_actions::take_back(conn, &self.message.id, &subject.row.id, action, self.now)
            .await?;
        Ok(Outcome::Done(t.as_it_was(&subject.name())))
    }

    async fn note(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        action: Action,
        undo: Undo,
    ) -> Result<(), DbError> {
        let done = Done {
            actor_name: self.reader.person.name.clone(),
            undo: Json(undo),
            done_at: self.now,
        };
        message_actions::note(conn, &self.message.id, &subject.row.id, action, &done).await
    }
}
