//! Links without login: who opens them, and what their readers choose about their own messages.
//!
//! Opening one never changes anything, for scanners open every link. Acting is a second step, and every act is audited with the reader
//! as its actor. What is done about an onboarding is in [`super::acts`].

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::acts::Outcome;
use crate::db::{Conn, DbError};
use crate::domain::calendar::{Weekdays, local_date};
use crate::domain::digest::{Line, line};
use crate::domain::facts::{Channels, Workspace};
use crate::domain::ids::Ref;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::values::{Channel, Kind, Mode, RecipientType};
use crate::render::pages as words;
use crate::store::audit::Author;
use crate::store::contacts;
use crate::store::facts::{self, Member};
use crate::store::ledger::UNTIL_DECIDED;
use crate::store::sent::{self, Sent};
use crate::store::users::{self, User};
use crate::store::worlds::{self, About};

/// Name under which the secret that was made is kept.
pub const SECRET: &str = "link_secret";

/// A link that does what it says.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it says.
    pub link: Link,
    /// The message that it stood in.
    pub message: Sent,
    /// Whom the message was for, and so who acts.
    pub reader: Reader,
}

/// Whom a message was for.
#[derive(Clone, Debug)]
pub enum Reader {
    /// One of the vendor's people.
    User(Box<Member>),
    /// A customer's contact.
    Contact(Box<contacts::Contact>),
}

/// Why a link does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not made by us, or changed since.
    Unreadable,
    /// Its time is over.
    Expired,
    /// Its message is not in the ledger: a preview, or long forgotten.
    Unknown,
    /// Its message was caused by a test key and reached nobody.
    Test,
    /// Its reader is gone.
    Nobody,
}

impl Refusal {
    /// What a reader is told.
    #[must_use]
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => (
                "This link is not complete.",
                "It may have been cut or changed on its way. Open it from the message again.",
            ),
            Self::Expired => (
                "This link is too old.",
                "Links work for thirty days. The newest message has new ones.",
            ),
            Self::Unknown => (
                "This link belongs to no message that was sent.",
                "Links in previews show where they will be, and lead nowhere.",
            ),
            Self::Test => {
                ("This message was not sent.", "A test key caused it, so its links act on nothing.")
            }
            Self::Nobody => {
                ("This link is not yours any more.", "The message was for somebody who has left.")
            }
        }
    }
}

/// Opens a link. Changes nothing.
pub async fn open(
    conn: &mut Conn,
    key: &LinkKey,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Result<Opened, Refusal>, DbError> {
    let Some(link) = key.read(token) else { return Ok(Err(Refusal::Unreadable)) };
    if now >= link.expires_at() {
        return Ok(Err(Refusal::Expired));
    }
    let Some(message) = sent::find(conn, &link.notification_id()).await? else {
        return Ok(Err(Refusal::Unknown));
    };
    if message.mode == Mode::Test {
        return Ok(Err(Refusal::Test));
    }
    let reader = match message.recipient_type {
        RecipientType::User => {
            let id = &message.recipient_id;
            let member = facts::people(conn, std::slice::from_ref(id)).await?.remove(id);
            member
                .filter(|member| member.person.active)
                .map(|member| Reader::User(Box::new(member)))
        }
        RecipientType::Contact => {
            let id = Ref::Id(message.recipient_id.clone());
            let contact = contacts::find(conn, &message.workspace_id, &id).await?;
            contact.map(|contact| Reader::Contact(Box::new(contact)))
        }
    };
    // A customer's contact may only stop the mail.
    Ok(match reader {
        Some(Reader::Contact(_)) if link.purpose != Purpose::Unsubscribe => {
            Err(Refusal::Unreadable)
        }
        Some(reader) => Ok(Opened { link, message, reader }),
        None => Err(Refusal::Nobody),
    })
}

impl Opened {
    /// The reader's name.
    #[must_use]
    pub fn reader_name(&self) -> String {
        words::name(match &self.reader {
            Reader::User(member) => &member.person.name,
            Reader::Contact(contact) => &contact.name,
        })
    }

    /// The token of another purpose for the same reader, for a link on a page.
    #[must_use]
    pub fn token(
        &self,
        key: &LinkKey,
        purpose: Purpose,
        onboarding: Option<i64>,
    ) -> Option<String> {
        Some(key.token(&Link::of(&self.message.id, purpose, onboarding)?))
    }

    /// Stops messages like this one: at once, and by every path, for the rules ask before each message.
    pub async fn unsubscribe(
        &self,
        conn: &mut Conn,
        now: DateTime<Utc>,
    ) -> Result<Outcome, DbError> {
        match &self.reader {
            Reader::Contact(contact) => {
                let id = Ref::Id(contact.id.clone());
                let Some(contact) = contacts::lock(conn, &contact.workspace_id, &id).await? else {
                    return Ok(Outcome::Nothing("No more mail will come.".to_owned()));
                };
                let author = Author::contact(&contact.id, &contact.name);
                contacts::opt_out(conn, &author, &contact, now).await?;
                Ok(Outcome::Done("You get no more of these notes.".to_owned()))
            }
            Reader::User(_) => {
                let kind = self.message.kind;
                self.change(conn, now, |user| switch(user, kind, false)).await?;
                Ok(Outcome::Done(format!("You get no more {}.", plural(kind))))
            }
        }
    }

    /// Sets when the reader's digest comes.
    pub async fn set_rhythm(
        &self,
        conn: &mut Conn,
        time: NaiveTime,
        days: Weekdays,
        now: DateTime<Utc>,
    ) -> Result<Outcome, DbError> {
        let time = time.format("%H:%M").to_string();
        let said = format!("Your digest comes at {time} from the next one on.");
        self.change(conn, now, |user| {
            user.digest_time = Some(time);
            user.digest_days = Some(days.to_string());
        })
        .await?;
        Ok(Outcome::Done(said))
    }

    /// Sets which kinds of messages the reader wants.
    pub async fn set_kinds(
        &self,
        conn: &mut Conn,
        wanted: &[Kind],
        now: DateTime<Utc>,
    ) -> Result<Outcome, DbError> {
        self.change(conn, now, |user| {
            for kind in STAFF_KINDS {
                switch(user, kind, wanted.contains(&kind));
            }
        })
        .await?;
        let said: Vec<&str> = STAFF_KINDS
            .iter()
            .filter(|kind| wanted.contains(kind))
            .map(|kind| plural(*kind))
            .collect();
        Ok(Outcome::Done(match said.as_slice() {
            [] => "You get none of these messages any more.".to_owned(),
            some => format!("You get: {}.", some.join("; ")),
        }))
    }

    /// Tells that the reader is out of office until a date, on which they are back; `None`: they are here.
    pub async fn set_away(
        &self,
        conn: &mut Conn,
        until: Option<NaiveDate>,
        backup: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Outcome, DbError> {
        let Reader::User(member) = &self.reader else { return Ok(Outcome::Nothing(String::new())) };
        let today = local_date(member.person.zone, now);
        if until.is_some_and(|until| until <= today) {
            return Ok(Outcome::Nothing(
                "Choose a day to come, on which you are back. Nothing was changed.".to_owned(),
            ));
        }
        let name = match &backup {
            None => None,
            Some(id) => {
                let found = facts::people(conn, std::slice::from_ref(id)).await?.remove(id);
                let fits = |other: &Member| {
                    other.person.active
                        && other.workspace_id == member.workspace_id
                        && other.person.id != member.person.id
                };
                match found.filter(fits) {
                    Some(other) => Some(words::name(&other.person.name)),
                    None => {
                        return Ok(Outcome::Nothing(
                            "Choose a colleague who is here. Nothing was changed.".to_owned(),
                        ));
                    }
                }
            }
        };
        self.change(conn, now, |user| {
            user.out_of_office_until = until;
            user.backup_user_id = backup;
        })
        .await?;
        Ok(Outcome::Done(match (until, name) {
            (None, _) => "You are here: your messages come to you.".to_owned(),
            (Some(until), Some(name)) => format!(
                "You are out of office until {}. Meanwhile {name} gets your messages.",
                words::day(until, today)
            ),
            (Some(until), None) => format!(
                "You are out of office until {}. Your messages rest meanwhile.",
                words::day(until, today)
            ),
        }))
    }

    async fn change(
        &self,
        conn: &mut Conn,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut User),
    ) -> Result<(), DbError> {
        let Reader::User(member) = &self.reader else { return Ok(()) };
        let id = Ref::Id(member.person.id.clone());
        let Some(before) = users::lock(conn, &member.workspace_id, &id).await? else {
            return Ok(());
        };
        let mut after = before.clone();
        change(&mut after);
        let author = Author::user(&before.id, &before.name);
        users::update(conn, &author, before, after, now).await?;
        Ok(())
    }
}

/// Kinds of messages that staff get.
pub const STAFF_KINDS: [Kind; 3] = [Kind::Digest, Kind::StalledPhase, Kind::WaitingOnCustomer];

fn switch(user: &mut User, kind: Kind, wanted: bool) {
    if kind == Kind::Digest {
        user.digest_enabled = wanted;
    }
    let mut muted: Vec<&str> = user
        .muted_kinds
        .split(',')
        .filter(|word| !word.is_empty() && *word != kind.as_str())
        .collect();
    // The digest has a switch of its own.
    if !wanted && kind != Kind::Digest {
        muted.push(kind.as_str());
    }
    let muted: Vec<&str> =
        Kind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| muted.contains(kind)).collect();
    user.muted_kinds = muted.join(",");
}

/// What a kind is called when there are many.
#[must_use]
pub const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Digest => "digests",
        Kind::StalledPhase => "nudges about phases that stall",
        Kind::WaitingOnCustomer => "nudges about customers we wait on",
        Kind::CustomerReminder => "notes about your onboarding",
    }
}

/// What one of a kind is called.
#[must_use]
pub const fn singular(kind: Kind) -> &'static str {
    match kind {
        Kind::Digest => "digest",
        Kind::StalledPhase => "nudge about a phase that stalls",
        Kind::WaitingOnCustomer => "nudge about a customer we wait on",
        Kind::CustomerReminder => "note to the customer",
    }
}

/// One of the reader's onboardings, for a page.
#[derive(Clone, Debug)]
pub struct Mine {
    /// What a digest would say of it.
    pub line: Line,
    /// Why it rests, if it does.
    pub rests: Option<String>,
}

/// Everything the reader hears of, in the order of a digest, the resting ones last; with the reader's date.
pub async fn mine(
    conn: &mut Conn,
    member: &Member,
    now: DateTime<Utc>,
) -> Result<(NaiveDate, Vec<Mine>), DbError> {
    let today = local_date(member.person.zone, now);
    let about = About::Recipient(&member.person.id);
    let Some(world) = worlds::load(conn, &member.workspace_id, about, Channels::ALL, now).await?
    else {
        return Ok((today, Vec::new()));
    };
    let in_business = world.onboardings.iter().map(|tracked| &tracked.onboarding).filter(|o| {
        !o.phase.is_terminal() && !o.customer_deleted && o.customer_status.in_business()
    });
    let mut mine: Vec<Mine> = in_business
        .map(|o| Mine {
            line: line(&world.workspace, o, today, None, None),
            rests: match o.snoozed_until.filter(|until| *until > today) {
                Some(until) => Some(format!("Snoozed until {}.", words::day(until, today))),
                None => {
                    (o.state == crate::domain::values::State::Paused).then(|| "Paused.".to_owned())
                }
            },
        })
        .collect();
    mine.sort_by_key(|mine| {
        (mine.rests.is_some(), mine.line.group, -mine.line.age.calendar, mine.line.display_id)
    });
    Ok((today, mine))
}

/// Colleagues who can stand in for somebody.
pub async fn colleagues(conn: &mut Conn, member: &Member) -> Result<Vec<User>, DbError> {
    let users = users::list(conn, &member.workspace_id, UNTIL_DECIDED, 500).await?;
    Ok(users.into_iter().filter(|user| user.active && user.id != member.person.id).collect())
}

/// The workspace of a reader.
pub async fn workspace(conn: &mut Conn, id: &str) -> Result<Option<Workspace>, DbError> {
    Ok(facts::workspaces(conn, &[id.to_owned()]).await?.remove(id))
}

/// How a channel is called on pages.
#[must_use]
pub const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "e-mail",
        Channel::Slack => "Slack",
    }
}
