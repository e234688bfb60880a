//! What a link is for, in words, before anything happens.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};

use super::LinkPages;
use super::page::{Choice, Field, Page, Row};
use crate::db::{Conn, DbError};
use crate::domain::calendar::{DAY_NAMES, add_days, local_date};
use crate::domain::digest::line;
use crate::domain::ids::Ref;
use crate::domain::link::Purpose;
use crate::domain::values::Kind;
use crate::operate::acts::{self, Act, Subject};
use crate::operate::explain;
use crate::operate::links::{self, Mine, Opened, Reader, STAFF_KINDS};
use crate::render::pages::{self as words, Noun};
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
    let name = opened.t().name(&opened.workspace.name);
    let page = match &opened.reader {
        Reader::Contact(_) => unsubscribe(opened),
        Reader::User(member) => match opened.link.purpose {
            purpose if purpose.is_about_one() => {
                about_one(conn, site, opened, member, purpose, now).await?
            }
            Purpose::Mine => mine(conn, site, opened, member, false, now).await?,
            Purpose::Quiet => mine(conn, site, opened, member, true, now).await?,
            Purpose::Message => message(conn, site, opened, now).await?,
            Purpose::Rhythm => rhythm(site, opened, member),
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
    let t = opened.t();
    page.leads(t.all_my_onboardings(), to(Purpose::Mine))
        .leads(t.change_time_or_days(), to(Purpose::Rhythm))
        .leads(t.choose_messages(), to(Purpose::Mute))
        .leads(t.out_of_office(), to(Purpose::Away))
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
    Page::new(opened.t(), opened.t().no_onboarding(number)).says(opened.t().nothing_was_changed())
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
    let t = opened.t();
    let act = Act { message: &opened.message, reader: member, now };
    let number = Some(subject.facts.display_id);
    let action = if purpose == Purpose::Replied { Action::Replied } else { Action::Snoozed };
    let page = match purpose {
        Purpose::Why => return why(conn, site, opened, member, &subject, now).await,
        Purpose::Onboarding => onboarding(site, opened, &subject, act.today()),
        _ => match act.refusal(conn, &subject, action).await? {
            Some(refusal) => Page::new(t, t.nothing_to_do_here()).says(refusal),
            None if purpose == Purpose::Replied => Page::new(t, t.has_replied(&subject.name()))
                .says(t.this_ends_the_wait())
                .asks(t.the_customer_replied(), Vec::new()),
            None => snooze(&subject, act.today()),
        },
    };
    Ok(page
        .leads(t.why_do_i_hear_of(&subject.name()), to(site, opened, Purpose::Why, number))
        .leads(t.all_my_onboardings(), to(site, opened, Purpose::Mine, None)))
}

fn snooze(subject: &Subject, today: NaiveDate) -> Page {
    let t = subject.t();
    let mut options: Vec<Choice> = SNOOZES
        .into_iter()
        .map(|(days, chosen)| Choice {
            value: days.to_string(),
            label: t.days_until(
                &t.count(days, Noun::Day),
                &words::day(t, add_days(today, days), today),
            ),
            chosen,
        })
        .collect();
    options.push(Choice {
        value: "date".to_owned(),
        label: t.until_day_below().to_owned(),
        chosen: false,
    });
    let date = Field::Input {
        input: "date",
        name: "until",
        label: t.another_day(),
        value: String::new(),
        min: Some(add_days(today, 1).to_string()),
        required: false,
    };
    let days = Field::Choice { input: "radio", name: "days", legend: t.for_how_long(), options };
    Page::new(t, t.snooze_name(&subject.name()))
        .says(t.reminders_rest())
        .asks(t.snooze(), vec![days, date])
}

fn onboarding(site: &LinkPages, opened: &Opened, subject: &Subject, today: NaiveDate) -> Page {
    let t = subject.t();
    let number = subject.facts.display_id;
    let line = line(&subject.workspace, &subject.facts, today, None, None);
    let (figure, sentences) = words::in_words(t, &line, today);
    let mut page = Page::new(t, subject.name());
    if subject.is_closed() {
        return page.says(t.it_is_closed());
    }
    let group = words::group(t, line.group);
    page = page.says(format!("{group}, {figure}. {}.", t.name(&line.phase)));
    page = page.says(sentences);
    if let Some(until) = subject.facts.snoozed_until.filter(|until| *until > today) {
        page = page.says(t.snoozed_until(&words::day(t, until, today)));
    }
    let replied = to(site, opened, Purpose::Replied, Some(number))
        .filter(|_| subject.facts.waiting_on_customer);
    let own =
        site.onboarding_url.as_ref().map(|url| url.replace("{display_id}", &number.to_string()));
    page.leads(t.open_it(), own)
        .leads(t.the_customer_replied(), replied)
        .leads(t.snooze_it(), to(site, opened, Purpose::Snooze, Some(number)))
}

async fn why(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    subject: &Subject,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let t = opened.t();
    let found =
        explain::explain(conn, &subject.row, Some(&member.person.id), now, site.channels).await?;
    let verdict = match (found.sends, found.reason) {
        _ if found.sends || found.waits => t.line_is_due().to_owned(),
        (_, Some(reason)) => t.no_line_because(&t.because(reason)),
        (_, None) => t.line_is_not_due().to_owned(),
    };
    let rows = found
        .gates
        .iter()
        .map(|gate| Row {
            text: t.seen(&gate.seen),
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
                title: words::capital(t.kind(next.plan.kind)),
                text: t.day_at_by(
                    &words::day(t, local.date_naive(), today),
                    &local.format("%H:%M").to_string(),
                    t.channel(next.plan.channel),
                ),
                ..Row::default()
            }
        })
        .collect();
    let number = Some(subject.facts.display_id);
    Ok(Page::new(t, t.why_you_hear_of(&subject.name()))
        .says(verdict)
        .lists(t.looked_at_in_order(), rows)
        .lists(t.comes_next(), next)
        .leads(t.snooze_it(), to(site, opened, Purpose::Snooze, number))
        .leads(t.all_my_onboardings(), to(site, opened, Purpose::Mine, None)))
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
    let t = opened.t();
    let n = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let title = if quiet { t.onboardings_resting(n) } else { t.your_onboardings(n) };
    let row = |mine: &Mine| {
        let (figure, sentences) = words::in_words(t, &mine.line, today);
        Row {
            title: format!("{} #{}", t.name(&mine.line.customer), mine.line.display_id),
            url: to(site, opened, Purpose::Onboarding, Some(mine.line.display_id)),
            text: match &mine.rests {
                Some(rests) => format!("{}. {rests}", t.name(&mine.line.phase)),
                None => format!("{}, {figure}. {sentences}", t.name(&mine.line.phase)),
            },
            mark: None,
        }
    };
    let mut page = Page::new(t, title);
    for group in all.chunk_by(|a, b| {
        a.rests.is_some() == b.rests.is_some()
            && (a.rests.is_some() || a.line.group == b.line.group)
    }) {
        let heading = match group.first() {
            Some(first) if first.rests.is_none() => words::group(t, first.line.group),
            _ => t.resting().to_owned(),
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
    let t = opened.t();
    let mut rows = Vec::new();
    for id in sent::onboarding_ids(conn, &message.id).await? {
        let found = acts::subject(conn, &message.workspace_id, &Ref::Id(id), false).await?;
        rows.extend(found.map(|subject| Row {
            title: t.why_name(&subject.name()),
            url: to(site, opened, Purpose::Why, Some(subject.facts.display_id)),
            text: if subject.is_closed() {
                t.closed_since().to_owned()
            } else {
                t.name(subject.workspace.label(subject.facts.phase))
            },
            mark: None,
        }));
    }
    let today = now.date_naive();
    let day = words::day(t, message.slot_date, today);
    let page = Page::new(t, t.why_you_got(t.kind(message.kind), &day))
        .says(t.when_kind_comes(message.kind))
        .says(t.went_out_by(t.channel(message.channel), &message.id))
        .lists(t.was_about(), rows);
    Ok(settings(page, site, opened))
}

fn rhythm(site: &LinkPages, opened: &Opened, member: &Member) -> Page {
    let (t, workspace) = (opened.t(), &opened.workspace);
    let person = &member.person;
    let days = person.digest_days.unwrap_or(workspace.calendar.working_days).names();
    let time = person.digest_time.unwrap_or(workspace.digest_time);
    let options = DAY_NAMES
        .iter()
        .enumerate()
        .map(|(n, day)| Choice {
            value: (*day).to_owned(),
            label: t.days()[n].to_owned(),
            chosen: days.contains(day),
        })
        .collect();
    let fields = vec![
        Field::Input {
            input: "time",
            name: "time",
            label: t.at_what_time(),
            value: time.format("%H:%M").to_string(),
            min: None,
            required: true,
        },
        Field::Choice { input: "checkbox", name: "day", legend: t.on_which_days(), options },
    ];
    let page = Page::new(t, t.when_digest_comes())
        .says(t.times_are_those_of(person.zone.name()))
        .asks(t.save(), fields);
    settings(page, site, opened)
}

fn kinds(site: &LinkPages, opened: &Opened, member: &Member) -> Page {
    let t = opened.t();
    let person = &member.person;
    let wants = |kind: Kind| {
        !person.muted_kinds.contains(&kind) && (kind != Kind::Digest || person.digest_enabled)
    };
    let options = STAFF_KINDS
        .into_iter()
        .map(|kind| Choice {
            value: kind.as_str().to_owned(),
            label: words::capital(t.kinds(kind)),
            chosen: wants(kind),
        })
        .collect();
    let kinds = Field::Choice { input: "checkbox", name: "kind", legend: t.i_want(), options };
    let page =
        Page::new(t, t.which_messages_come()).says(t.off_is_off()).asks(t.save(), vec![kinds]);
    settings(page, site, opened)
}

async fn away(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    member: &Member,
    now: DateTime<Utc>,
) -> Result<Page, DbError> {
    let t = opened.t();
    let person = &member.person;
    let today = local_date(person.zone, now);
    let until = person.out_of_office_until.filter(|until| *until > today);
    let mut options = vec![Choice {
        value: String::new(),
        label: t.nobody_rest().to_owned(),
        chosen: person.backup_user_id.is_none(),
    }];
    options.extend(links::colleagues(conn, member).await?.into_iter().map(|user| Choice {
        chosen: person.backup_user_id.as_ref() == Some(&user.id),
        label: t.name(&user.name),
        value: user.id,
    }));
    let fields = vec![
        Field::Input {
            input: "date",
            name: "until",
            label: t.first_day_back(),
            value: until.map(|until| until.to_string()).unwrap_or_default(),
            min: Some(add_days(today, 1).to_string()),
            required: false,
        },
        Field::Select { name: "backup", label: t.who_gets_mine(), options },
    ];
    let now = match until {
        Some(until) => t.out_until(&words::day(t, until, today)),
        None => t.not_out_of_office().to_owned(),
    };
    Ok(settings(Page::new(t, t.out_of_office()).says(now).asks(t.save(), fields), site, opened))
}

fn unsubscribe(opened: &Opened) -> Page {
    let t = opened.t();
    let page = match &opened.reader {
        Reader::Contact(_) => Page::new(t, t.stop_these_notes()).says(t.no_more_notes()),
        Reader::User(_) => Page::new(t, t.stop_kinds(t.kinds(opened.message.kind)))
            .says(t.neither_by_mail_nor_slack()),
    };
    page.asks(t.unsubscribe(), Vec::new())
}
