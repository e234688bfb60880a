//! The list: every view has an address of its own, and the next page begins behind the last row of this one.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;

use super::{Row, onboardings};
use crate::console::choice::{Choice, choices};
use crate::console::error::PageError;
use crate::console::form::{Form, query, read};
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words;
use crate::db::Conn;
use crate::domain::calendar::{add_days, hm, instant};
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::operate::bulk::Wanted;
use crate::operate::notifications::{self, Cursor, Filter, Notification};
use crate::store::{contacts, customers, onboardings as journeys, titles, users};

/// Rows of one page.
const PAGE: i64 = 50;

/// More than this are not counted.
const COUNTED: i64 = 10_000;

/// What the address asks for.
#[derive(Default)]
pub(in crate::console) struct Asked {
    pub(super) q: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) channel: Option<Channel>,
    pub(super) state: Option<NotificationState>,
    pub(super) reason: Option<Reason>,
    pub(super) mode: Option<Mode>,
    on: Option<NaiveDate>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    onboarding: Option<Named>,
    customer: Option<Named>,
    person: Option<Named>,
    before: Option<Cursor>,
}

/// Something that the address names, by its id and by its name.
struct Named {
    id: String,
    name: String,
}

impl Asked {
    /// Reads an address. A word that says nothing is refused rather than overlooked: another list than asked for would be a lie.
    pub(in crate::console) async fn read(
        conn: &mut Conn,
        visitor: &Visitor,
        form: &Form,
    ) -> Result<Self, PageError> {
        let workspace = visitor.workspace.id.as_str();
        let on = read(form, "on", |text| {
            text.parse::<NaiveDate>().map_err(|_| "a day is written like 2026-12-04")
        })?;
        let midnight = |date| instant(visitor.zone(), date, hm(0, 0));
        Ok(Self {
            q: form.one("q").map(ToOwned::to_owned),
            kind: read(form, "kind", str::parse)?,
            channel: read(form, "channel", str::parse)?,
            state: read(form, "state", str::parse)?,
            reason: read(form, "reason", str::parse)?,
            mode: read(form, "mode", str::parse)?,
            since: on.map(midnight),
            until: on.map(|on| midnight(add_days(on, 1))),
            on,
            onboarding: onboarding(conn, workspace, form).await?,
            customer: customer(conn, workspace, form).await?,
            person: person(conn, workspace, form).await?,
            before: read(form, "before", cursor)?,
        })
    }

    fn filter(&self) -> Filter<'_> {
        Filter {
            kind: self.kind,
            channel: self.channel,
            mode: self.mode,
            state: self.state,
            reason: self.reason,
            recipient_id: self.person.as_ref().map(|named| named.id.as_str()),
            onboarding_id: self.onboarding.as_ref().map(|named| named.id.as_str()),
            customer_id: self.customer.as_ref().map(|named| named.id.as_str()),
            since: self.since,
            until: self.until,
            text: self.q.as_deref(),
        }
    }

    /// The same for whoever acts on everything that matches.
    pub(in crate::console) fn wanted(&self) -> Wanted {
        let id = |named: &Option<Named>| named.as_ref().map(|named| named.id.clone());
        Wanted {
            kind: self.kind,
            channel: self.channel,
            state: self.state,
            reason: self.reason,
            mode: self.mode,
            onboarding_id: id(&self.onboarding),
            customer_id: id(&self.customer),
            user_id: id(&self.person),
            created_after: self.since,
            created_before: self.until,
            q: self.q.clone(),
        }
    }

    /// The address of this view.
    pub(in crate::console) fn url(&self, visitor: &Visitor) -> String {
        self.with(visitor, "before", "")
    }

    /// What is asked for, as names and values of an address.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let word = |word: Option<&'static str>| word.unwrap_or_default().to_owned();
        let id = |named: &Option<Named>| named.as_ref().map_or_else(String::new, |n| n.id.clone());
        vec![
            ("q", self.q.clone().unwrap_or_default()),
            ("kind", word(self.kind.map(Kind::as_str))),
            ("channel", word(self.channel.map(Channel::as_str))),
            ("state", word(self.state.map(NotificationState::as_str))),
            ("reason", word(self.reason.map(Reason::as_str))),
            ("mode", word(self.mode.map(Mode::as_str))),
            ("on", self.on.map_or_else(String::new, |on| on.to_string())),
            ("onboarding", id(&self.onboarding)),
            ("customer", id(&self.customer)),
            ("person", id(&self.person)),
        ]
    }

    /// The address of this view with one name changed; `""` drops it.
    fn with(&self, visitor: &Visitor, name: &str, value: &str) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(key, _)| *key != name);
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        visitor.url("notifications") + &query(pairs.chain([(name, value)]))
    }

    /// What is asked for in words, each with the address of the view without it.
    fn in_words(&self, visitor: &Visitor) -> Vec<Asking> {
        let named = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
        let said = [
            ("q", self.q.as_ref().map(|q| format!("text \u{201c}{q}\u{201d}"))),
            ("kind", self.kind.map(|kind| format!("kind {}", words::kind(kind)))),
            ("channel", self.channel.map(|channel| format!("channel {}", words::channel(channel)))),
            ("state", self.state.map(|state| format!("outcome {}", words::state(state)))),
            ("reason", self.reason.map(|reason| format!("reason {}", words::reason(reason)))),
            ("mode", self.mode.map(|mode| format!("{mode} only"))),
            ("on", self.on.map(|on| format!("day {}", on.format("%-d %b %Y")))),
            ("onboarding", named(&self.onboarding)),
            ("customer", named(&self.customer)),
            ("person", named(&self.person)),
        ];
        said.into_iter()
            .filter_map(|(name, words)| {
                Some(Asking { words: words?, without: self.with(visitor, name, "") })
            })
            .collect()
    }
}

fn cursor(text: &str) -> Result<Cursor, &'static str> {
    let (at, id) = text.split_once('~').ok_or("follow the link to the older ones")?;
    let at = DateTime::parse_from_rfc3339(at).map_err(|_| "follow the link to the older ones")?;
    Ok(Cursor { created_at: at.with_timezone(&Utc), id: id.to_owned() })
}

fn behind(row: &Notification) -> String {
    format!("{}~{}", row.created_at.to_rfc3339_opts(SecondsFormat::Millis, true), row.id)
}

fn reference(form: &Form, name: &'static str) -> Result<Option<Ref>, PageError> {
    form.one(name)
        .map(|text| Ref::parse(text.trim_start_matches('#')).ok_or(PageError::NotFound(name)))
        .transpose()
}

async fn onboarding(
    conn: &mut Conn,
    workspace: &str,
    form: &Form,
) -> Result<Option<Named>, PageError> {
    let Some(reference) = reference(form, "onboarding")? else { return Ok(None) };
    let found = journeys::find(conn, workspace, &reference).await?;
    let id = found.ok_or(PageError::NotFound("onboarding"))?.id;
    let title = titles::of(conn, std::slice::from_ref(&id)).await?.remove(&id);
    let name = title.map_or_else(
        || "onboarding".to_owned(),
        |title| format!("onboarding {} #{}", title.customer, title.display_id),
    );
    Ok(Some(Named { id, name }))
}

async fn customer(
    conn: &mut Conn,
    workspace: &str,
    form: &Form,
) -> Result<Option<Named>, PageError> {
    let Some(reference) = reference(form, "customer")? else { return Ok(None) };
    let found = customers::find(conn, workspace, &reference).await?;
    let found = found.ok_or(PageError::NotFound("customer"))?;
    Ok(Some(Named { id: found.id, name: format!("customer {}", found.fields.name) }))
}

async fn person(conn: &mut Conn, workspace: &str, form: &Form) -> Result<Option<Named>, PageError> {
    let Some(reference) = reference(form, "person")? else { return Ok(None) };
    if let Some(user) = users::find(conn, workspace, &reference).await? {
        return Ok(Some(Named { id: user.id, name: format!("to {}", user.name) }));
    }
    let contact = contacts::find(conn, workspace, &reference).await?;
    let contact = contact.ok_or(PageError::NotFound("person"))?;
    Ok(Some(Named { id: contact.id, name: format!("to {}", contact.name) }))
}

/// Something asked for, and the view without it.
#[derive(Serialize)]
struct Asking {
    words: String,
    without: String,
}

/// An outcome to choose.
#[derive(Serialize)]
struct Chip {
    state: &'static str,
    words: &'static str,
    url: String,
    current: bool,
}

#[derive(Serialize)]
struct List {
    here: String,
    zone: String,
    q: String,
    on: String,
    state: &'static str,
    hidden: Vec<(&'static str, String)>,
    every: Vec<(&'static str, String)>,
    bulk: String,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    reasons: Vec<Choice>,
    all: String,
    chips: Vec<Chip>,
    asked: Vec<Asking>,
    rows: Vec<Row>,
    count: String,
    older: Option<String>,
    first: Option<String>,
}

/// `GET …/notifications`
pub(super) async fn list(
    State(site): State<Site>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, PageError> {
    let form = Form::read(raw.unwrap_or_default().as_bytes());
    let mut conn = site.db.read().await?;
    let asked = Asked::read(&mut conn, &visitor, &form).await?;
    let from = asked.before.clone().unwrap_or_else(Cursor::start);
    let mut rows =
        notifications::list(&mut conn, &visitor.workspace.id, &asked.filter(), &from, PAGE + 1)
            .await?;
    let size = usize::try_from(PAGE).unwrap_or_default();
    let more = rows.len() > size;
    rows.truncate(size);
    let ids: Vec<String> = rows.iter().flat_map(onboardings).collect();
    let titles = titles::of(&mut conn, &ids).await?;
    let count =
        notifications::count_up_to(&mut conn, &visitor.workspace.id, &asked.filter(), COUNTED + 1)
            .await?;
    let older =
        rows.last().filter(|_| more).map(|last| asked.with(&visitor, "before", &behind(last)));
    let chips = NotificationState::ALL
        .iter()
        .map(|state| Chip {
            state: state.as_str(),
            words: words::state(*state),
            url: asked.with(&visitor, "state", state.as_str()),
            current: asked.state == Some(*state),
        })
        .collect();
    let hidden = asked.pairs();
    let view = List {
        here: visitor.url("notifications"),
        zone: visitor.workspace.time_zone.clone(),
        q: asked.q.clone().unwrap_or_default(),
        on: asked.on.map_or_else(String::new, |on| on.to_string()),
        state: asked.state.map_or("", NotificationState::as_str),
        every: hidden.iter().filter(|(_, value)| !value.is_empty()).cloned().collect(),
        bulk: visitor.url("bulk"),
        hidden: hidden
            .into_iter()
            .filter(|(name, value)| {
                ["state", "mode", "onboarding", "customer", "person"].contains(name)
                    && !value.is_empty()
            })
            .collect(),
        kinds: choices("Any kind", Kind::ALL, asked.kind, Kind::as_str, words::kind),
        channels: choices("Both", Channel::ALL, asked.channel, Channel::as_str, words::channel),
        reasons: choices("Any reason", Reason::ALL, asked.reason, Reason::as_str, words::reason),
        all: asked.with(&visitor, "state", ""),
        chips,
        asked: asked.in_words(&visitor),
        rows: rows.iter().map(|row| Row::new(&visitor, row, &titles)).collect(),
        count: counted(count),
        older,
        first: asked.before.is_some().then(|| asked.with(&visitor, "before", "")),
    };
    visitor.page(&site, "notifications", "notifications", "Notifications", &view)
}

/// "1 notification", "1,234 notifications", "10,000+ notifications".
fn counted(count: i64) -> String {
    match count {
        1 => "1 notification".to_owned(),
        _ if count > COUNTED => "10,000+ notifications".to_owned(),
        _ if count >= 1000 => format!("{},{:03} notifications", count / 1000, count % 1000),
        _ => format!("{count} notifications"),
    }
}
