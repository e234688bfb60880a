//! What people do on Slack: the buttons of nudges, and `/reminders`.
//!
//! What a click may do is decided from the message's row, never from what the click carries. A click that changes something is answered
//! by the message itself, which a worker edits; any other by a sentence that only the clicker sees.

use chrono::{DateTime, Utc};

use super::acts::{self, Act, Outcome, Subject};
use super::links;
use crate::db::{Conn, DbError};
use crate::domain::calendar::{add_days, local_date};
use crate::domain::ids::Ref;
use crate::domain::link::{Link, Purpose};
use crate::domain::message::Click;
use crate::domain::values::{Kind, Mode};
use crate::render::OwnPages;
use crate::render::pages as words;
use crate::store::audit::Author;
use crate::store::facts::{self, Member};
use crate::store::message_actions::Action;
use crate::store::{onboardings, sent, slack_replies, users};

/// Days for which the button of a nudge snoozes.
const SNOOZE_DAYS: i64 = 3;

/// Onboardings that `/reminders` lists; the rest is on a page.
const LISTED: usize = 15;

/// A click on a button of one of our messages.
#[derive(Clone, Copy, Debug)]
pub struct Clicked<'a> {
    /// Who clicked, by Slack's name for them.
    pub slack_user_id: &'a str,
    /// The conversation in which they did.
    pub channel: &'a str,
    /// What the button asks for.
    pub click: Click,
    /// The notification that the button names.
    pub notification_id: &'a str,
}

/// Obeys a click, in the caller's transaction.
pub async fn click(
    conn: &mut Conn,
    clicked: Clicked<'_>,
    pages: &OwnPages,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let answer = obey(conn, clicked, pages, now).await?;
    if let Some(answer) = answer {
        slack_replies::whisper(conn, clicked.channel, clicked.slack_user_id, &answer, now).await?;
    }
    Ok(())
}

/// The answer for the clicker alone, as mrkdwn; `None` when the message itself answers.
async fn obey(
    conn: &mut Conn,
    clicked: Clicked<'_>,
    pages: &OwnPages,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let no = |sentence: &str| Ok(Some(words::mrkdwn(sentence)));
    let message = sent::find(conn, clicked.notification_id).await?;
    let Some(message) = message.filter(|message| message.mode == Mode::Live) else {
        return no("This message is not known here any more. Nothing was changed.");
    };
    let id = std::slice::from_ref(&message.recipient_id);
    let reader = facts::people(conn, id).await?.remove(&message.recipient_id);
    let theirs = |member: &Member| {
        member.person.active
            && member.person.slack_user_id.as_deref() == Some(clicked.slack_user_id)
    };
    let Some(reader) = reader.filter(theirs) else {
        return no("This message was for somebody else. Nothing was changed.");
    };
    let Some(subject_id) = message.subject_id.clone().map(Ref::Id) else {
        return no("There is nothing to do in a digest. Nothing was changed.");
    };
    let to_change = clicked.click != Click::Why;
    let Some(subject) = acts::subject(conn, &message.workspace_id, &subject_id, to_change).await?
    else {
        return no("The onboarding is gone. Nothing was changed.");
    };
    let act = Act { message: &message, reader: &reader, now };
    let outcome = match clicked.click {
        Click::Replied => act.replied(conn, subject).await?,
        Click::Snooze => {
            let until = add_days(act.today(), SNOOZE_DAYS);
            act.snooze(conn, subject, until).await?
        }
        Click::UndoReplied => act.undo(conn, subject, Action::Replied).await?,
        Click::UndoSnooze => act.undo(conn, subject, Action::Snoozed).await?,
        Click::Why => {
            let number = Some(subject.facts.display_id);
            let link = Link::of(&message.id, Purpose::Why, number).map(|link| pages.url(&link));
            let why = why(&subject, &reader, Some(message.kind), now);
            let all = link.map(|url| format!(" <{url}|All gates>")).unwrap_or_default();
            return Ok(Some(format!("{}{all}", words::mrkdwn(&why))));
        }
    };
    Ok(match outcome {
        Outcome::Done(_) => None,
        Outcome::Nothing(sentence) => Some(words::mrkdwn(&sentence)),
    })
}

/// Why somebody hears of an onboarding, in a few lines.
fn why(subject: &Subject, reader: &Member, kind: Option<Kind>, now: DateTime<Utc>) -> String {
    let (o, workspace) = (&subject.facts, &subject.workspace);
    let today = local_date(workspace.zone, now);
    let name = subject.name();
    let role = if o.csm_id.as_deref() == Some(&reader.person.id) {
        format!("you are the CSM of {name}")
    } else if workspace.escalation_user_id.as_deref() == Some(&reader.person.id) {
        format!("you hear of the last step of every long wait, and {name} has reached it")
    } else {
        format!("you stand in for the CSM of {name}")
    };
    let state = match o.waiting_since.filter(|_| o.waiting_on_customer) {
        Some(since) => {
            let local = since.with_timezone(&workspace.zone);
            let since = words::day(local.date_naive(), today);
            let days = workspace.calendar.business_days_between(local.date_naive(), today);
            let steps: Vec<String> =
                workspace.waiting_steps.iter().map(ToString::to_string).collect();
            format!(
                "It has been waiting on the customer since {since}, {}: {} so far. The steps are {} business days.",
                local.format("%H:%M"),
                words::count(days, "business day"),
                steps.join(", ")
            )
        }
        None => format!(
            "It has been in {} for {}; the target is {}.",
            words::name(workspace.label(o.phase)),
            words::count(o.days_in_phase(workspace.zone, today), "day"),
            workspace.target_days(o.phase)
        ),
    };
    let snoozed = match o.snoozed_until.filter(|until| *until > today) {
        Some(until) => format!("it is snoozed until {}", words::day(until, today)),
        None => "nothing is snoozed".to_owned(),
    };
    let slack = if o.reminder_slack { "on" } else { "off" };
    let lead = if kind.is_some() { "You get this because" } else { "You hear of it because" };
    format!("{lead} {role}.\n{state}\nSlack reminders are {slack}, {snoozed}.")
}

/// What `/reminders` understands.
const HELP: &str = "Write `/reminders` for your onboardings, `/reminders snooze 1042 3` to let reminders of #1042 rest for 3 days, or `/reminders why 1042`.";

/// Obeys `/reminders` and answers, as mrkdwn.
pub async fn command(
    conn: &mut Conn,
    slack_user_id: &str,
    text: &str,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    let Some(user) = users::of_slack(conn, slack_user_id).await?.into_iter().next() else {
        return Ok(
            "Nobody here has your Slack id. Ask whoever runs the reminders to add it to your user."
                .to_owned(),
        );
    };
    let Some(member) = facts::people(conn, std::slice::from_ref(&user.id)).await?.remove(&user.id)
    else {
        return Ok(HELP.to_owned());
    };
    let asked: Vec<&str> = text.split_whitespace().collect();
    match asked.as_slice() {
        [] | ["mine"] => mine(conn, &member, now).await,
        [word @ ("snooze" | "why"), number, rest @ ..] => {
            let number = number.trim_start_matches('#').parse().map(Ref::Number);
            let subject = match number {
                Ok(number) => {
                    acts::subject(conn, &member.workspace_id, &number, *word == "snooze").await?
                }
                Err(_) => return Ok(HELP.to_owned()),
            };
            let theirs =
                subject.filter(|subject| subject.is_of(&member.person.id) && !subject.is_closed());
            let Some(subject) = theirs else {
                return Ok("None of your open onboardings has this number. Nothing was changed."
                    .to_owned());
            };
            if *word == "why" {
                return Ok(words::mrkdwn(&why(&subject, &member, None, now)));
            }
            match rest.first().map_or(Ok(SNOOZE_DAYS), |days| days.parse()) {
                Ok(days @ 1..=acts::LONGEST_SNOOZE_DAYS) => {
                    snooze(conn, &member, &subject, days, now).await
                }
                _ => Ok(HELP.to_owned()),
            }
        }
        _ => Ok(HELP.to_owned()),
    }
}

async fn mine(conn: &mut Conn, member: &Member, now: DateTime<Utc>) -> Result<String, DbError> {
    let (today, mine) = links::mine(conn, member, now).await?;
    let (resting, open): (Vec<_>, Vec<_>) = mine.into_iter().partition(|mine| mine.rests.is_some());
    if open.is_empty() {
        return Ok(format!("Nothing of yours is open. {} resting.", resting.len()));
    }
    let mut lines: Vec<String> = open
        .iter()
        .take(LISTED)
        .map(|mine| {
            let (figure, _) = words::in_words(&mine.line, today);
            let name = words::name(&mine.line.customer);
            words::mrkdwn(&format!(
                "{}: {name} #{}, {figure}",
                words::group(mine.line.group),
                mine.line.display_id
            ))
        })
        .collect();
    if open.len() > LISTED {
        lines.push(format!("and {} more", open.len() - LISTED));
    }
    if !resting.is_empty() {
        lines.push(format!("Resting: {}.", resting.len()));
    }
    Ok(lines.join("\n"))
}

async fn snooze(
    conn: &mut Conn,
    member: &Member,
    subject: &Subject,
    days: i64,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    let today = local_date(member.person.zone, now);
    let until = add_days(today, days);
    let author = Author::user(&member.person.id, &member.person.name);
    onboardings::snooze(conn, &author, &subject.row, Some(until), Some("/reminders"), now).await?;
    Ok(words::mrkdwn(&format!("{} is snoozed until {}.", subject.name(), words::day(until, today))))
}
