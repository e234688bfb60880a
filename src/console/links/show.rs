//! What a link is for, in words, before anything happens.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};

use super::LinkPages;
use super::page::{Choice, Field, Page, Row};
use crate::db::{Conn, DbError};
use crate::domain::calendar::{DAY_NAMES, Weekdays, add_days, local_date};
use crate::domain::digest::line;
use crate::domain::ids::Ref;
use crate::domain::link::Purpose;
use crate::domain::values::Kind;
use crate::operate::acts::{self, Act, Subject};
use crate::operate::explain;
use crate::operate::links::{self, Mine, Opened, Reader, STAFF_KINDS};
use crate::render::pages as words;
use crate::store::facts::Member;
use crate::store::message_actions::Action;
use crate::store::sent;

/// Days that a snooze offers, the usual one chosen.
const SNOOZES: [(i64, bool); 3] = [(1, false), (3, true), (7, false)];

/// The page of a link that was opened.
pub(super) async fn page(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    now: DateTime<Utc>,
) -> Result<(StatusCode, Page), DbError> {
    let workspace = links::workspace(conn, &opened.message.workspace_id).await?;
    let name = workspace.map(|workspace| words::name(&workspace.name));
    let page = match &opened.reader {
        Reader::Contact(_) => unsubscribe(opened),
        Reader::User(member) => match opened.link.purpose {
            purpose if purpose.is_about_one() => {
                about_one(conn, site, opened, member, purpose, now).await?
            }
            Purpose::Mine => mine(conn, site, opened, member, false, now).await?,
            Purpose::Quiet => mine(conn, site, opened, member, true, now).await?,
            Purpose::Message => message(conn, site, opened, now).await?,
            Purpose::Rhythm => rhythm(conn, site, opened, member).await?,
            Purpose::Mute => kinds(site, opened, member),
            Purpose::Away => away(conn, site, opened, member, now).await?,
            _ => unsubscribe(opened),
        },
    };
    Ok((StatusCode::OK, page.of(name, opened.reader_name())))
}

/// A link on a page: relative, so that it works behind any proxy.
fn to(
    site: &LinkPages,
    opened: &Opened,
    purpose: Purpose,
    onboarding: Option<i64>,
) -> Option<String> {
    opened.token(&site.key, purpose, onboarding)
}

/// The ways to the reader's settings.
pub(super) fn settings(page: Page, site: &LinkPages, opened: &Opened) -> Page {
    let to = |purpose| to(site, opened, purpose, None).filter(|_| purpose != opened.link.purpose);
    page.leads("All my onboardings", to(Purpose::Mine))
        .leads("Change time or days", to(Purpose::Rhythm))
        .leads("Choose which messages come", to(Purpose::Mute))
        .leads("Out of office", to(Purpose::Away))
}

/// The onboarding of a link.
pub(super) async fn subject(
    conn: &mut Conn,
    opened: &Opened,
    to_change: bool,
) -> Result<Option<Subject>, DbError> {
    let number = Ref::Number(opened.link.onboarding.unwrap_or_default());
    acts::subject(conn, &opened.message.workspace_id, &number, to_change).await
}

/// The page about an onboarding that is not there.
pub(super) fn missing(opened: &Opened) -> Page {
    let number = opened.link.onboarding.unwrap_or_default();
    Page::new(format!("There is no onboarding #{number}.")).says("Nothing was changed.")
}

async fn about_one(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let Some(subject) = subject(conn, opened, false).await? else { return Ok(missing(opened)) };
    let act = Act { message: &opened.message, reader: member, now };
    let number = Some(subject.facts.display_id);
    let action = if purpose == Purpose::Replied { Action::Replied } else { Action::Snoozed };
    let page = match purpose {
        Purpose::Why => return why(conn, site, opened, member, &subject, now).await,
        Purpose::Onboarding => onboarding(site, opened, &subject, act.today()),
        _ => match act.refusal(conn, &subject, action).await? {
            Some(refusal) => Page::new("Nothing to do here").says(refusal),
            None if purpose == Purpose::Replied => Page::new(format!("Has {} replied?", subject.name()))
                .says("This ends the wait. The next move is then ours, and nobody is reminded of the wait any more.")
                .asks("The customer replied", Vec::new()),
            None => snooze(&subject, act.today()),
        },
    };
    Ok(page
        .leads(
            format!("Why do I hear of {}?", subject.name()),
            to(site, opened, Purpose::Why, number),
        )
        .leads("All my onboardings", to(site, opened, Purpose::Mine, None)))
}

fn snooze(subject: &Subject, today: NaiveDate) -> Page {
    let mut options: Vec<Choice> = SNOOZES
        .into_iter()
        .map(|(days, chosen)| Choice {
            value: days.to_string(),
            label: format!(
                "{}, until {}",
                words::count(days, "day"),
                words::day(add_days(today, days), today)
            ),
            chosen,
        })
        .collect();
    options.push(Choice {
        value: "date".to_owned(),
        label: "Until the day below".to_owned(),
        chosen: false,
    });
    let date = Field::Input {
        input: "date",
        name: "until",
        label: "Another day",
        value: String::new(),
        min: Some(add_days(today, 1).to_string()),
        required: false,
    };
    Page::new(format!("Snooze {}", subject.name()))
        .says("Its reminders rest and resume on the day you choose: no line in a digest, no nudge, no mail to the customer.")
        .asks("Snooze", vec![Field::Choice { input: "radio", name: "days", legend: "For how long?", options }, date])
}

fn onboarding(site: &LinkPages, opened: &Opened, subject: &Subject, today: NaiveDate) -> Page {
    let number = subject.facts.display_id;
    let line = line(&subject.workspace, &subject.facts, today, None, None);
    let (figure, sentences) = words::in_words(&line, today);
    let mut page = Page::new(subject.name());
    if subject.is_closed() {
        return page.says("It is closed: nobody is reminded of it any more.");
    }
    page =
        page.says(format!("{}, {figure}. {}.", words::group(line.group), words::name(&line.phase)));
    page = page.says(sentences);
    if let Some(until) = subject.facts.snoozed_until.filter(|until| *until > today) {
        page = page.says(format!("Snoozed until {}.", words::day(until, today)));
    }
    let replied = to(site, opened, Purpose::Replied, Some(number))
        .filter(|_| subject.facts.waiting_on_customer);
    let own =
        site.onboarding_url.as_ref().map(|url| url.replace("{display_id}", &number.to_string()));
    page.leads("Open it", own)
        .leads("The customer replied", replied)
        .leads("Snooze it", to(site, opened, Purpose::Snooze, Some(number)))
}

async fn why(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    subject: &Subject,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let found =
        explain::explain(conn, &subject.row, Some(&member.person.id), now, site.channels).await?;
    let verdict = match (found.sends, found.reason) {
        (true, _) => "A line about it is due to you today.".to_owned(),
        (false, Some(reason)) => format!(
            "No line about it would be sent to you now: {}.",
            reason.as_str().replace('_', " ")
        ),
        (false, None) => "No line about it is due to you now.".to_owned(),
    };
    let rows = found
        .gates
        .iter()
        .map(|gate| Row {
            text: gate.detail.clone(),
            mark: Some(if gate.passed { "pass" } else { "stop" }),
            ..Row::default()
        })
        .collect();
    let zone = member.person.zone;
    let today = local_date(zone, now);
    let next = found
        .next
        .iter()
        .map(|next| {
            let local = next.at.with_timezone(&zone);
            Row {
                title: words::capital(links::singular(next.plan.kind)),
                text: format!(
                    "{} at {}, by {}",
                    words::day(local.date_naive(), today),
                    local.format("%H:%M"),
                    links::channel(next.plan.channel)
                ),
                ..Row::default()
            }
        })
        .collect();
    let number = Some(subject.facts.display_id);
    Ok(Page::new(format!("Why you hear of {}", subject.name()))
        .says(verdict)
        .lists("What was looked at, in order", rows)
        .lists("What comes next, if nothing changes", next)
        .leads("Snooze it", to(site, opened, Purpose::Snooze, number))
        .leads("All my onboardings", to(site, opened, Purpose::Mine, None)))
}

async fn mine(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    quiet: bool,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let (today, mut all) = links::mine(conn, member, now).await?;
    all.retain(|mine| !quiet || mine.rests.is_some());
    let title = match (i64::try_from(all.len()).unwrap_or(i64::MAX), quiet) {
        (0, true) => "None of your onboardings rest".to_owned(),
        (0, false) => "You have no open onboardings".to_owned(),
        (n, true) => format!("{} resting", words::count(n, "onboarding")),
        (n, false) => format!("Your {}", words::count(n, "onboarding")),
    };
    let row = |mine: &Mine| {
        let (figure, sentences) = words::in_words(&mine.line, today);
        Row {
            title: format!("{} #{}", words::name(&mine.line.customer), mine.line.display_id),
            url: to(site, opened, Purpose::Onboarding, Some(mine.line.display_id)),
            text: match &mine.rests {
                Some(rests) => format!("{}. {rests}", words::name(&mine.line.phase)),
                None => format!("{}, {figure}. {sentences}", words::name(&mine.line.phase)),
            },
            mark: None,
        }
    };
    let mut page = Page::new(title);
    for group in all.chunk_by(|a, b| {
        a.rests.is_some() == b.rests.is_some()
            && (a.rests.is_some() || a.line.group == b.line.group)
    }) {
        let heading = match group.first() {
            Some(first) if first.rests.is_none() => words::group(first.line.group),
            _ => "Resting".to_owned(),
        };
        page = page.lists(heading, group.iter().map(row).collect());
    }
    Ok(settings(page, site, opened))
}

async fn message(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let message = &opened.message;
    let why = match message.kind {
        Kind::Digest => {
            "A digest comes once on each of your working days, when at least one onboarding is due. An onboarding is due when its last reminder lies as many days back as its frequency says."
        }
        Kind::StalledPhase => {
            "A nudge comes when a phase is past its target: one day past it, past twice and three times the target, then weekly, at most six times."
        }
        Kind::WaitingOnCustomer => {
            "A nudge comes on its steps only, counted in business days, while the next move is the customer's."
        }
        Kind::CustomerReminder => "A note goes to the customer while the next step is with them.",
    };
    let mut rows = Vec::new();
    for id in sent::onboarding_ids(conn, &message.id).await? {
        let found = acts::subject(conn, &message.workspace_id, &Ref::Id(id), false).await?;
        rows.extend(found.map(|subject| Row {
            title: format!("Why {}?", subject.name()),
            url: to(site, opened, Purpose::Why, Some(subject.facts.display_id)),
            text: if subject.is_closed() {
                "Closed since.".to_owned()
            } else {
                words::name(subject.workspace.label(subject.facts.phase))
            },
            mark: None,
        }));
    }
    let today = now.date_naive();
    let page = Page::new(format!(
        "Why you got the {} of {}",
        links::singular(message.kind),
        words::day(message.slot_date, today)
    ))
    .says(why)
    .says(format!(
        "It went out by {}; its reference is {}.",
        links::channel(message.channel),
        message.id
    ))
    .lists("What it was about", rows);
    Ok(settings(page, site, opened))
}

async fn rhythm(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
) -> Result<Page, DbError> {
    let workspace = links::workspace(conn, &member.workspace_id).await?;
    let person = &member.person;
    let days = person.digest_days.or(workspace.as_ref().map(|w| w.calendar.working_days));
    let time = person.digest_time.or(workspace.as_ref().map(|w| w.digest_time)).unwrap_or_default();
    let days = days.map(Weekdays::names).unwrap_or_default();
    let options = DAY_NAMES
        .iter()
        .enumerate()
        .map(|(n, day)| Choice {
            value: (*day).to_owned(),
            label: words::WEEKDAYS[n].to_owned(),
            chosen: days.contains(day),
        })
        .collect();
    let fields = vec![
        Field::Input {
            input: "time",
            name: "time",
            label: "At what time?",
            value: time.format("%H:%M").to_string(),
            min: None,
            required: true,
        },
        Field::Choice { input: "checkbox", name: "day", legend: "On which days?", options },
    ];
    let page = Page::new("When your digest comes")
        .says(format!("Times are those of {}. A day on which your team does not work moves to the next one that it does.", person.zone.name()))
        .asks("Save", fields);
    Ok(settings(page, site, opened))
}

fn kinds(site: &LinkPages, opened: &Opened, member: &Member) -> Page {
    let person = &member.person;
    let wants = |kind: Kind| {
        !person.muted_kinds.contains(&kind) && (kind != Kind::Digest || person.digest_enabled)
    };
    let options = STAFF_KINDS
        .into_iter()
        .map(|kind| Choice {
            value: kind.as_str().to_owned(),
            label: words::capital(links::plural(kind)),
            chosen: wants(kind),
        })
        .collect();
    let page = Page::new("Which messages come to you")
        .says("What you switch off comes to you neither by e-mail nor on Slack.")
        .asks(
            "Save",
            vec![Field::Choice { input: "checkbox", name: "kind", legend: "I want", options }],
        );
    settings(page, site, opened)
}

async fn away(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let person = &member.person;
    let today = local_date(person.zone, now);
    let until = person.out_of_office_until.filter(|until| *until > today);
    let mut options = vec![Choice {
        value: String::new(),
        label: "Nobody: my messages rest".to_owned(),
        chosen: person.backup_user_id.is_none(),
    }];
    options.extend(links::colleagues(conn, member).await?.into_iter().map(|user| Choice {
        chosen: person.backup_user_id.as_ref() == Some(&user.id),
        label: words::name(&user.name),
        value: user.id,
    }));
    let fields = vec![
        Field::Input {
            input: "date",
            name: "until",
            label: "First day back (empty: I am here)",
            value: until.map(|until| until.to_string()).unwrap_or_default(),
            min: Some(add_days(today, 1).to_string()),
            required: false,
        },
        Field::Select { name: "backup", label: "Who gets my messages meanwhile?", options },
    ];
    let now = match until {
        Some(until) => format!("You are out of office until {}.", words::day(until, today)),
        None => "You are not out of office.".to_owned(),
    };
    Ok(settings(Page::new("Out of office").says(now).asks("Save", fields), site, opened))
}

fn unsubscribe(opened: &Opened) -> Page {
    let kind = opened.message.kind;
    match &opened.reader {
        Reader::Contact(_) => Page::new("Stop these notes?")
            .says("No more notes about your onboarding will come to your address. Your contact can still write to you.")
            .asks("Unsubscribe", Vec::new()),
        Reader::User(_) => Page::new(format!("Stop {}?", links::plural(kind)))
            .says("They come neither by e-mail nor on Slack any more. Your other messages go on.")
            .asks("Unsubscribe", Vec::new()),
    }
}
