//! Links without login: who opens them, and what their readers choose about their own messages.
//!
//! Opening one never changes anything, for scanners open every link. Acting is a second step, and every act is audited with the reader
//! as its actor. What is done about an onboarding is in [`super::acts`].

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::acts::{Outcome, nothing};
use crate::db::{Conn, DbError};
use crate::domain::calendar::{Weekdays, local_date};
use crate::domain::digest::{Line, line};
use crate::domain::facts::{Channels, Workspace};
use crate::domain::ids::Ref;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::values::{Kind, Locale, Mode, RecipientType, State};
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
    /// Whose message it was.
    pub workspace: Workspace,
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
    pub(crate) const fn sentences(self, t: Locale) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => (t.link_incomplete(), t.link_incomplete_why()),
            Self::Expired => (t.link_too_old(), t.link_too_old_why()),
            Self::Unknown => (t.link_of_nothing(), t.link_of_nothing_why()),
            Self::Test => (t.link_of_test(), t.link_of_test_why()),
            Self::Nobody => (t.link_of_nobody(), t.link_of_nobody_why()),
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
    let id = &message.workspace_id;
    let workspace = facts::workspaces(conn, std::slice::from_ref(id)).await?.remove(id);
    // A customer's contact may only stop the mail.
    Ok(match reader.zip(workspace) {
        Some((Reader::Contact(_), _)) if link.purpose != Purpose::Unsubscribe => {
            Err(Refusal::Unreadable)
        }
        Some((reader, workspace)) => Ok(Opened { link, message, reader, workspace }),
        None => Err(Refusal::Nobody),
    })
}

impl Opened {
    /// The language of the page.
    #[must_use]
    pub const fn t(&self) -> Locale {
        self.workspace.locale
    }

    /// The reader's name.
    #[must_use]
    pub fn reader_name(&self) -> String {
        self.t().name(match &self.reader {
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
        let t = self.t();
        match &self.reader {
            Reader::Contact(contact) => {
                let id = Ref::Id(contact.id.clone());
                let Some(contact) = contacts::lock(conn, &contact.workspace_id, &id).await? else {
                    return Ok(Outcome::Nothing(t.no_more_mail().to_owned()));
                };
                let author = Author::contact(&contact.id, &contact.name);
                contacts::opt_out(conn, &author, &contact, now).await?;
                Ok(Outcome::Done(t.no_more_of_these().to_owned()))
            }
            Reader::User(_) => {
                let kind = self.message.kind;
                self.change(conn, now, |user| switch(user, kind, false)).await?;
                Ok(Outcome::Done(t.no_more_kinds(t.kinds(kind))))
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
        let said = self.t().digest_comes_at(&time);
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
        let t = self.t();
        let said: Vec<&str> = STAFF_KINDS
            .iter()
            .filter(|kind| wanted.contains(kind))
            .map(|kind| t.kinds(*kind))
            .collect();
        Ok(Outcome::Done(match said.as_slice() {
            [] => t.none_of_these().to_owned(),
            some => t.you_get(&some.join("; ")),
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
        let t = self.t();
        let today = local_date(member.person.zone, now);
        if until.is_some_and(|until| until <= today) {
            return Ok(nothing(t, t.choose_day_to_come()));
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
                    Some(other) => Some(t.name(&other.person.name)),
                    None => return Ok(nothing(t, t.choose_colleague())),
                }
            }
        };
        self.change(conn, now, |user| {
            user.out_of_office_until = until;
            user.backup_user_id = backup;
        })
        .await?;
        Ok(Outcome::Done(match (until, name) {
            (None, _) => t.you_are_here().to_owned(),
            (Some(until), name) => {
                let meanwhile = name.map_or_else(
                    || t.mine_rest_meanwhile().to_owned(),
                    |name| t.meanwhile_gets(&name),
                );
                format!("{} {meanwhile}", t.out_until(&words::day(t, until, today)))
            }
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
    let t = world.workspace.locale;
    let in_business = world.onboardings.iter().map(|tracked| &tracked.onboarding).filter(|o| {
        !o.phase.is_terminal() && !o.customer_deleted && o.customer_status.in_business()
    });
    let mut mine: Vec<Mine> = in_business
        .map(|o| Mine {
            line: line(&world.workspace, o, today, None, None),
            rests: match o.snoozed_until.filter(|until| *until > today) {
                Some(until) => Some(t.snoozed_until(&words::day(t, until, today))),
                None => (o.state == State::Paused).then(|| t.paused_sentence().to_owned()),
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
