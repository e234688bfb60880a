//! What happens when somebody presses the button.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::LinkPages;
use super::page::Page;
use super::show;
use crate::db::{Conn, DbError};
use crate::domain::calendar::{Weekdays, add_days, parse_time};
use crate::domain::link::Purpose;
use crate::domain::values::Kind;
use crate::operate::acts::{Act, Outcome, nothing};
use crate::operate::links::{Opened, Reader};
use crate::store::facts::Member;

/// Acts, and says what came of it.
pub(super) async fn page(
    conn: &mut Conn,
    site: &LinkPages,
    opened: &Opened,
    form: &[u8],
    now: DateTime<Utc>,
) -> Result<(StatusCode, Page), DbError> {
    let t = opened.t();
    let Some(outcome) = act(conn, opened, form, now).await? else {
        // A page that only shows has no button to press.
        return Ok((
            StatusCode::METHOD_NOT_ALLOWED,
            Page::new(t, t.nothing_to_do_here()).says(t.nothing_was_changed()),
        ));
    };
    let page = match &outcome {
        Outcome::Done(sentence) => Page::new(t, t.done()).says(sentence),
        Outcome::Nothing(sentence) => Page::new(t, t.nothing_changed()).says(sentence),
    };
    let page = page.of(t.name(&opened.workspace.name), opened.reader_name());
    let page = match opened.reader {
        Reader::User(_) => show::settings(page, site, opened),
        Reader::Contact(_) => page.says(t.change_your_mind()),
    };
    Ok((StatusCode::OK, page))
}

async fn act(
    conn: &mut Conn,
    opened: &Opened,
    form: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Outcome>, DbError> {
    let form = Form::read(form);
    let Reader::User(member) = &opened.reader else {
        return opened.unsubscribe(conn, now).await.map(Some);
    };
    let t = opened.t();
    let unclear = |what: &str| Ok(Some(nothing(t, what)));
    match opened.link.purpose {
        Purpose::Snooze | Purpose::Replied => {
            about_one(conn, opened, member, &form, now).await.map(Some)
        }
        // By RFC 8058 the address alone says everything; the form may be anything.
        Purpose::Unsubscribe => opened.unsubscribe(conn, now).await.map(Some),
        Purpose::Rhythm => {
            let days = Weekdays::parse(&form.all("day").join(","));
            match (form.one("time").and_then(parse_time), days) {
                (Some(time), Some(days)) => {
                    opened.set_rhythm(conn, time, days, now).await.map(Some)
                }
                (None, _) => unclear(t.choose_a_time()),
                (_, None) => unclear(t.choose_a_weekday()),
            }
        }
        Purpose::Mute => {
            let wanted: Vec<Kind> =
                form.all("kind").iter().filter_map(|kind| kind.parse().ok()).collect();
            opened.set_kinds(conn, &wanted, now).await.map(Some)
        }
        Purpose::Away => match form.one("until").map(str::parse).transpose() {
            Ok(until) => {
                let backup = form.one("backup").map(str::to_owned);
                opened.set_away(conn, until, backup, now).await.map(Some)
            }
            Err(_) => unclear(t.choose_a_date()),
        },
        _ => Ok(None),
    }
}

async fn about_one(
    conn: &mut Conn,
    opened: &Opened,
    member: &Member,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Outcome, DbError> {
    let t = opened.t();
    let Some(subject) = show::subject(conn, opened, true).await? else {
        return Ok(nothing(t, t.not_there_any_more()));
    };
    let act = Act { message: &opened.message, reader: member, now };
    if opened.link.purpose == Purpose::Replied {
        return act.replied(conn, subject).await;
    }
    let until = match form.one("days") {
        Some("date") => form.one("until").and_then(|date| date.parse().ok()),
        Some(days) => days
            .parse()
            .ok()
            .filter(|days| (1..=366).contains(days))
            .map(|days| add_days(act.today(), days)),
        None => None,
    };
    match until {
        Some(until) => act.snooze(conn, subject, until).await,
        None => Ok(nothing(t, t.choose_how_long())),
    }
}

/// The answers of a form, in their order. What is empty was not answered.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(form: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(form)
                .into_owned()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}
