//! What a gate saw, as values. Operators and the API read it in English, which stands here; whoever gets messages reads it in their
//! language (`render::locale`), which has a wording for every value or does not compile.

use std::fmt::{Display, Formatter, Result};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::values::{Channel, CustomerStatus, Kind, Mode, Reason, State};

/// How far a step of a ladder has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is to be told.
    Now,
    /// Its message is written and not sent yet.
    OnItsWay,
    /// It was told.
    Told,
    /// It was not told, and will not be: its message came to another end, or there is none any more.
    Over,
}

/// What a gate saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The onboarding did not exist at the instant that was asked about.
    NotYet,
    /// The onboarding.
    Onboarding {
        /// Whether it was deleted.
        deleted: bool,
    },
    /// The customer was deleted.
    CustomerDeleted {
        /// Their name.
        customer: String,
    },
    /// How the customer stands.
    CustomerStatus {
        /// Their name.
        customer: String,
        /// Their status.
        status: CustomerStatus,
    },
    /// The phase.
    Phase {
        /// Whether it is the last one.
        completed: bool,
    },
    /// The state.
    State(State),
    /// The day on which reminders resume, if it is snoozed.
    Snoozed(Option<NaiveDate>),
    /// The recipient's account.
    Account {
        /// Their name.
        person: String,
        /// Whether it is active.
        active: bool,
    },
    /// The recipient's choice of messages.
    Wanted {
        /// Their name.
        person: String,
        /// Which messages.
        kind: Kind,
        /// Whether they come.
        on: bool,
    },
    /// How it goes out.
    Channel(Channel),
    /// There is no way for a digest's line.
    NoChannel {
        /// The recipient's name.
        person: String,
        /// By e-mail.
        email: Way,
        /// By Slack.
        slack: Way,
    },
    /// There is no way for a nudge.
    NoNudgeChannel {
        /// The recipient's name.
        person: String,
        /// Whether the onboarding's Slack reminders are on.
        slack: bool,
        /// Whether its e-mail reminders are on.
        email: bool,
    },
    /// When it is due.
    Due {
        /// Its frequency in days.
        every: i64,
        /// What the frequency counts from.
        since: Since,
        /// The first day on which it is due.
        from: NaiveDate,
        /// The day that was asked about.
        asked: NaiveDate,
    },
    /// The workspace's reminders to customers.
    CustomerReminders {
        /// The workspace's name.
        workspace: String,
        /// Whether they are on.
        on: bool,
    },
    /// The contact's choice.
    Unsubscribed {
        /// Their name.
        contact: String,
        /// Whether they unsubscribed.
        yes: bool,
    },
    /// To whom a customer's reminder goes.
    Contact {
        /// Their name.
        contact: String,
    },
    /// There is nobody to tell.
    Nobody,
    /// When the recipient's digest comes.
    Slot {
        /// Their name.
        person: String,
        /// The day that was asked about.
        date: NaiveDate,
        /// Their time of day.
        time: NaiveTime,
        /// Their zone.
        zone: Tz,
    },
    /// The recipient gets no digest on that day.
    NoSlot {
        /// Their name.
        person: String,
        /// The day that was asked about.
        date: NaiveDate,
        /// The next day with one, if there is one within a year.
        next: Option<NaiveDate>,
    },
    /// Quiet hours last longer than the digest is worth anything; until when.
    TooQuiet(NaiveTime),
    /// Quiet hours put it off; until when.
    QuietUntil(NaiveTime),
    /// It is outside of quiet hours.
    NotQuiet,
    /// There are no quiet hours.
    NoQuietHours {
        /// Whose.
        person: String,
    },
    /// Whose key wrote last what it depends on.
    Mode(Mode),
    /// At whose desk it lies.
    Desk {
        /// Their name.
        owner: String,
        /// Whether they are the CSM; else they own the workspace.
        csm: bool,
        /// Who was asked about.
        asked: Asked,
    },
    /// They are there.
    InOffice {
        /// Their name.
        owner: String,
    },
    /// They are not.
    Away {
        /// Their name.
        owner: String,
        /// The day on which they are back.
        until: NaiveDate,
        /// What happens meanwhile.
        meanwhile: Meanwhile,
    },
    /// A step of the ladder is reached.
    Step {
        /// Which ladder.
        kind: Kind,
        /// The rung, from 1.
        number: i64,
        /// What the rung counts.
        days: i64,
        /// Whether its turn has come.
        turn: Turn,
    },
    /// How the nudge goes out.
    NudgeChannel(Channel),
    /// Why the nudge does not go out; `None`: it is not due.
    NudgeHeld(Option<Reason>),
    /// The instant is within working hours.
    WorkingHours {
        /// Whose.
        person: String,
    },
    /// When the next nudge may go out.
    NextNudge {
        /// The recipient's date.
        date: NaiveDate,
        /// Their time of day.
        time: NaiveTime,
        /// Their zone.
        zone: Tz,
    },
    /// There is no further nudge.
    NoNudge,
    /// An operator has stopped the queue in which it waits.
    QueuePaused {
        /// The queue's name.
        queue: &'static str,
        /// Who stopped it.
        by: String,
        /// Why.
        reason: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// What the queue leads to does not work.
    ChannelDown {
        /// The channel.
        channel: Channel,
        /// What its provider answered last.
        reason: String,
        /// Since when.
        since: DateTime<Utc>,
        /// The next try.
        next: DateTime<Utc>,
    },
}

/// A channel as a way to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Whether the onboarding's reminders go that way.
    pub on: bool,
    /// Whether it reaches the person.
    pub reaches: bool,
}

/// What a frequency counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The last reminder.
    Reminder(NaiveDate),
    /// Without one, the creation.
    Creation(NaiveDate),
}

/// About whom is asked, seen from the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whose desk it is.
    Owner,
    /// Their backup.
    Backup(String),
    /// Somebody else.
    Stranger(String),
}

/// What happens while somebody is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// Somebody stands in.
    StandsIn(String),
    /// There is no backup.
    NoBackup,
    /// The backup is away too.
    BackupAway(String),
    /// The backup is deactivated.
    BackupGone(String),
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NotYet => f.write_str("The onboarding did not exist at that time."),
            Self::Onboarding { deleted: true } => f.write_str("The onboarding was deleted."),
            Self::Onboarding { deleted: false } => f.write_str("The onboarding exists."),
            Self::CustomerDeleted { customer } => write!(f, "{customer} was deleted."),
            Self::CustomerStatus { customer, status } => {
                write!(f, "{customer}'s status is \"{}\".", status.as_str().replace('_', " "))
            }
            Self::Phase { completed: true } => f.write_str("The onboarding is completed."),
            Self::Phase { completed: false } => f.write_str("The onboarding is not completed."),
            Self::State(state) => {
                write!(f, "The onboarding's state is \"{}\".", state.as_str().replace('_', " "))
            }
            Self::Snoozed(None) => f.write_str("It is not snoozed."),
            Self::Snoozed(Some(until)) => {
                write!(f, "It is snoozed; reminders resume on {}.", day(*until))
            }
            Self::Account { person, active: true } => write!(f, "{person} is active."),
            Self::Account { person, active: false } => write!(f, "{person} is deactivated."),
            Self::Wanted { person, kind, on } => {
                let messages = match kind {
                    Kind::Digest => "digests",
                    _ => "nudges of this kind",
                };
                write!(f, "{person} has {messages} switched {}.", on_off(*on))
            }
            Self::Channel(channel) => write!(f, "It goes out by {}.", channel.in_words()),
            Self::NoChannel { person, email, slack } => write!(
                f,
                "E-mail reminders are {}, Slack reminders are {}; {person} {} by e-mail and {} by Slack.",
                on_off(email.on),
                on_off(slack.on),
                can(email.reaches),
                can(slack.reaches),
            ),
            Self::NoNudgeChannel { person, slack, email } => write!(
                f,
                "Slack reminders are {}, e-mail reminders are {}; no channel can reach {person}.",
                on_off(*slack),
                on_off(*email),
            ),
            Self::Due { every, since, from, asked } => {
                let often = match every {
                    ..=1 => "every day".to_owned(),
                    n => format!("every {n} days"),
                };
                let since = match since {
                    Since::Reminder(date) => format!("the last reminder was on {}", day(*date)),
                    Since::Creation(date) => format!("it was created on {}", day(*date)),
                };
                let (from, asked) = (day(*from), day(*asked));
                write!(
                    f,
                    "It is reminded of {often}, and {since}: due from {from}; asked about {asked}."
                )
            }
            Self::CustomerReminders { workspace, on } => {
                write!(f, "Customer reminders are {} in {workspace}.", on_off(*on))
            }
            Self::Unsubscribed { contact, yes: true } => write!(f, "{contact} unsubscribed."),
            Self::Unsubscribed { contact, yes: false } => {
                write!(f, "{contact} has not unsubscribed.")
            }
            Self::Contact { contact } => {
                write!(f, "Reminders of customers go out by e-mail, to {contact}.")
            }
            Self::Nobody => f.write_str(
                "There is no active CSM and no active workspace owner, so nobody is told.",
            ),
            Self::Slot { person, date, time, zone } => {
                let (date, time) = (day(*date), clock(*time));
                write!(f, "{person}'s digest of {date} comes at {time} ({zone}).")
            }
            Self::NoSlot { person, date, next: Some(next) } => {
                let (date, next) = (day(*date), day(*next));
                write!(f, "{person} gets no digest on {date}; the next one is on {next}.")
            }
            Self::NoSlot { person, next: None, .. } => {
                write!(f, "{person} gets no digest within a year.")
            }
            Self::TooQuiet(end) => write!(
                f,
                "Quiet hours last until {}, after the digest is given up; its lines join the next one.",
                clock(*end)
            ),
            Self::QuietUntil(end) => write!(f, "Quiet hours put it off until {}.", clock(*end)),
            Self::NotQuiet => f.write_str("It does not fall into quiet hours."),
            Self::NoQuietHours { person } => write!(f, "{person} has no quiet hours."),
            Self::Mode(Mode::Live) => f.write_str(
                "No test key created it or wrote its CSM or reminder settings last.",
            ),
            Self::Mode(Mode::Test) => f.write_str(
                "A test key created it or wrote its CSM or reminder settings last: the digest is made and kept, never sent. A live key that writes them lifts it.",
            ),
            Self::Desk { owner, csm, asked } => {
                if *csm {
                    write!(f, "{owner} is the CSM.")?;
                } else {
                    write!(f, "{owner} owns the workspace, and there is no active CSM.")?;
                }
                match asked {
                    Asked::Owner => Ok(()),
                    Asked::Backup(name) => write!(f, " {name} is their backup."),
                    Asked::Stranger(name) => {
                        write!(f, " {name} does not hear of this onboarding.")
                    }
                }
            }
            Self::InOffice { owner } => write!(f, "{owner} is not out of office."),
            Self::Away { owner, until, meanwhile } => {
                write!(f, "{owner} is out of office until {}, and ", day(*until))?;
                match meanwhile {
                    Meanwhile::StandsIn(name) => write!(f, "{name} stands in."),
                    Meanwhile::NoBackup => {
                        f.write_str("has no backup: reminders rest until then.")
                    }
                    Meanwhile::BackupAway(name) => write!(
                        f,
                        "{name} is away too: reminders rest until one of them is back."
                    ),
                    Meanwhile::BackupGone(name) => {
                        write!(f, "{name} is deactivated: reminders rest until then.")
                    }
                }
            }
            Self::Step { kind, number, days, turn } => {
                let counts = match kind {
                    Kind::WaitingOnCustomer => "business days of waiting on the customer",
                    _ => "days in the phase",
                };
                let turn = match turn {
                    Turn::Now => "is reached and not told yet",
                    Turn::OnItsWay => "is on its way",
                    Turn::Told => "was told already",
                    Turn::Over => "has had its turn",
                };
                write!(f, "Step {number}, {days} {counts}, {turn}.")
            }
            Self::NudgeChannel(channel) => {
                write!(f, "The nudge goes out by {}.", channel.in_words())
            }
            Self::NudgeHeld(Some(reason)) => {
                write!(f, "The nudge is not sent: {}.", reason.as_str().replace('_', " "))
            }
            Self::NudgeHeld(None) => f.write_str("The nudge is not due."),
            Self::WorkingHours { person } => write!(f, "It is within {person}'s working hours."),
            Self::NextNudge { date, time, zone } => write!(
                f,
                "The next nudge may go out on {} at {} ({zone}), within working hours.",
                day(*date),
                clock(*time)
            ),
            Self::NoNudge => f.write_str("There is no further nudge."),
            Self::QueuePaused { queue, by, reason, since } => write!(
                f,
                "It waits: {by} has paused the queue {queue} since {}, because: {}",
                minute(*since),
                ended(reason)
            ),
            Self::ChannelDown { channel, reason, since, next } => write!(
                f,
                "It waits: {} has been down since {}, the next try is at {}; the last answer: {}",
                channel.in_words(),
                minute(*since),
                next.format("%H:%M:%S UTC"),
                ended(reason)
            ),
        }
    }
}

/// An instant as people write it: "Tue 2 Jun 2026 at 07:00 UTC".
fn minute(at: DateTime<Utc>) -> impl Display {
    at.format("%a %-d %b %Y at %H:%M UTC")
}

/// Somebody's own words as the end of a sentence.
pub(crate) fn ended(words: &str) -> String {
    let words = words.trim_end();
    if words.ends_with(['.', '!', '?']) { words.to_owned() } else { format!("{words}.") }
}

/// A date as people write it: "Tue 2 Jun 2026".
fn day(date: NaiveDate) -> impl Display {
    date.format("%a %-d %b %Y")
}

fn clock(time: NaiveTime) -> impl Display {
    time.format("%H:%M")
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

const fn can(reaches: bool) -> &'static str {
    if reaches { "can be reached" } else { "cannot be reached" }
}
