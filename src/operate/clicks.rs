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
use crate::domain::values::{Kind, Locale, Mode};
use crate::render::OwnPages;
use crate::render::pages::{self as words, Noun};
use crate::store::audit::Author;
use crate::store::facts::{self, Member};
use crate::store::message_actions::Action;
use crate::store::{onboardings, sent, slack_replies, users, workspaces};

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
    let message = sent::find(conn, clicked.notification_id).await?;
    let Some(message) = message.filter(|message| message.mode == Mode::Live) else {
        let t = language(conn, clicked.slack_user_id).await?;
        return Ok(Some(unchanged(t, t.message_of_nothing())));
    };
    let t = links::workspace(conn, &message.workspace_id)
        .await?
        .map_or_else(Locale::default, |w| w.locale);
    let id = std::slice::from_ref(&message.recipient_id);
    let reader = facts::people(conn, id).await?.remove(&message.recipient_id);
    let theirs = |member: &Member| {
        member.person.active
            && member.person.slack_user_id.as_deref() == Some(clicked.slack_user_id)
    };
    let Some(reader) = reader.filter(theirs) else {
        return Ok(Some(unchanged(t, t.for_somebody_else())));
    };
    let Some(subject_id) = message.subject_id.clone().map(Ref::Id) else {
        return Ok(Some(unchanged(t, t.nothing_in_a_digest())));
    };
    let to_change = clicked.click != Click::Why;
    let Some(subject) = acts::subject(conn, &message.workspace_id, &subject_id, to_change).await?
    else {
        return Ok(Some(unchanged(t, t.onboarding_gone())));
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
            let all = link.map(|url| format!(" <{url}|{}>", t.all_gates())).unwrap_or_default();
            return Ok(Some(format!("{}{all}", words::mrkdwn(&why))));
        }
    };
    Ok(match outcome {
        Outcome::Done(_) => None,
        Outcome::Nothing(sentence) => Some(words::mrkdwn(&sentence)),
    })
}

/// The language for somebody on Slack: that of their workspace. Whoever belongs to none is answered in the language that all workspaces
/// here share, else in English.
async fn language(conn: &mut Conn, slack_user_id: &str) -> Result<Locale, DbError> {
    let locale = match users::of_slack(conn, slack_user_id).await?.into_iter().next() {
        Some(user) => links::workspace(conn, &user.workspace_id).await?.map(|w| w.locale),
        None => workspaces::common_language(conn).await?,
    };
    Ok(locale.unwrap_or_default())
}

/// Why nothing has changed, for the clicker.
fn unchanged(t: Locale, sentence: &str) -> String {
    words::mrkdwn(acts::nothing(t, sentence).sentence())
}

/// Why somebody hears of an onboarding, in a few lines.
fn why(subject: &Subject, reader: &Member, kind: Option<Kind>, now: DateTime<Utc>) -> String {
    let (o, workspace, t) = (&subject.facts, &subject.workspace, subject.t());
    let today = local_date(workspace.zone, now);
    let name = subject.name();
    let role = if o.csm_id.as_deref() == Some(&reader.person.id) {
        t.you_are_csm_of(&name)
    } else if workspace.escalation_user_id.as_deref() == Some(&reader.person.id) {
        t.you_hear_of_last_step(&name)
    } else {
        t.you_stand_in_for_csm_of(&name)
    };
    let state = match o.waiting_since.filter(|_| o.waiting_on_customer) {
        Some(since) => {
            let local = since.with_timezone(&workspace.zone);
            let since = words::day(t, local.date_naive(), today);
            let days = workspace.calendar.business_days_between(local.date_naive(), today);
            let steps: Vec<String> =
                workspace.waiting_steps.iter().map(ToString::to_string).collect();
            t.waiting_state(
                &since,
                &local.format("%H:%M").to_string(),
                &t.count(days, Noun::BusinessDay),
                &steps.join(", "),
            )
        }
        None => t.phase_state(
            &t.name(workspace.label(o.phase)),
            &t.count_after(o.days_in_phase(workspace.zone, today), Noun::Day),
            &t.target(workspace.target_days(o.phase)),
        ),
    };
    let snoozed = match o.snoozed_until.filter(|until| *until > today) {
        Some(until) => t.it_is_snoozed_until(&words::day(t, until, today)),
        None => t.nothing_is_snoozed().to_owned(),
    };
    let slack = if o.reminder_slack { t.on_switch() } else { t.off_switch() };
    let lead =
        if kind.is_some() { t.you_get_this_because(&role) } else { t.you_hear_because(&role) };
    format!("{lead}\n{state}\n{}", t.slack_is(slack, &snoozed))
}

/// Obeys `/reminders` and answers, as mrkdwn.
pub async fn command(
    conn: &mut Conn,
    slack_user_id: &str,
    text: &str,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    let t = language(conn, slack_user_id).await?;
    let Some(user) = users::of_slack(conn, slack_user_id).await?.into_iter().next() else {
        return Ok(t.nobody_has_your_slack_id().to_owned());
    };
    let member = facts::people(conn, std::slice::from_ref(&user.id)).await?.remove(&user.id);
    let Some(member) = member else {
        return Ok(t.command_help().to_owned());
    };
    let help = || Ok(t.command_help().to_owned());
    let asked: Vec<&str> = text.split_whitespace().collect();
    match asked.as_slice() {
        [] | ["mine"] => mine(conn, t, &member, now).await,
        [word @ ("snooze" | "why"), number, rest @ ..] => {
            let number = number.trim_start_matches('#').parse().map(Ref::Number);
            let subject = match number {
                Ok(number) => {
                    acts::subject(conn, &member.workspace_id, &number, *word == "snooze").await?
                }
                Err(_) => return help(),
            };
            let theirs =
                subject.filter(|subject| subject.is_of(&member.person.id) && !subject.is_closed());
            let Some(subject) = theirs else {
                return Ok(unchanged(t, t.not_your_number()));
            };
            if *word == "why" {
                return Ok(words::mrkdwn(&why(&subject, &member, None, now)));
            }
            match rest.first().map_or(Ok(SNOOZE_DAYS), |days| days.parse()) {
                Ok(days @ 1..=acts::LONGEST_SNOOZE_DAYS) => {
                    snooze(conn, &member, &subject, days, now).await
                }
                _ => help(),
            }
        }
        _ => help(),
    }
}

async fn mine(
    conn: &mut Conn,
    t: Locale,
    member: &Member,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    let (today, mine) = links::mine(conn, member, now).await?;
    let (resting, open): (Vec<_>, Vec<_>) = mine.into_iter().partition(|mine| mine.rests.is_some());
    if open.is_empty() {
        return Ok(t.nothing_open(resting.len()));
    }
    let mut lines: Vec<String> = open
        .iter()
        .take(LISTED)
        .map(|mine| {
            let (figure, _) = words::in_words(t, &mine.line, today);
            let name = t.name(&mine.line.customer);
            words::mrkdwn(&format!(
                "{}: {name} #{}, {figure}",
                words::group(t, mine.line.group),
                mine.line.display_id
            ))
        })
        .collect();
    if open.len() > LISTED {
        lines.push(t.and_more(open.len() - LISTED));
    }
    if !resting.is_empty() {
        lines.push(t.resting_n(resting.len()));
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
    let t = subject.t();
    Ok(words::mrkdwn(&t.name_snoozed_until(&subject.name(), &words::day(t, until, today))))
}
