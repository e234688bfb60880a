//! Who changed what: by target, actor, event and time, a page at a time, or as a file.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use super::error::PageError;
use super::form::{Form, query};
use super::frame;
use super::lists::{self, Choice, PAGE, choices};
use super::site::Site;
use super::visitor::Visitor;
use super::words::When;
use crate::db::Conn;
use crate::domain::calendar::{add_days, instant};
use crate::operate::audit_log::{self, Filter, Line};
use crate::operate::csv_file::MOST_LINES;
use crate::render::english;
use crate::store::ledger::UNTIL_DECIDED;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/audit-log", get(list))
        .route("/admin/w/{workspace}/audit-log.csv", get(file))
}

/// Types of targets, with the page of the console that shows one.
const OBJECTS: [(&str, Option<&str>); 13] = [
    ("onboarding", Some("onboardings")),
    ("notification", Some("notifications")),
    ("customer", Some("customers")),
    ("contact", None),
    ("user", Some("people")),
    ("workspace", Some("settings")),
    ("phase", Some("settings")),
    ("api_key", Some("api-keys")),
    ("queue", Some("queues")),
    ("schedule", Some("schedules")),
    ("bulk_operation", Some("bulk")),
    ("operator", Some("operators")),
    ("template", Some("texts")),
];

/// Longest value that a line shows of a change.
const LONGEST_VALUE: usize = 120;

#[derive(Serialize)]
struct Page {
    objects: Vec<Choice>,
    object_id: String,
    actor: String,
    event: String,
    from: String,
    until: String,
    filtered: bool,
    rows: Vec<Row>,
    older: Option<String>,
    csv: String,
    most: i64,
    clear: String,
}

/// One entry.
#[derive(Serialize)]
pub(super) struct Row {
    at: When,
    what: String,
    event: String,
    who: String,
    target: String,
    target_id: String,
    target_url: Option<String>,
    changes: Vec<Change>,
    reason: Option<String>,
    same_target: String,
}

/// A field, before and after.
#[derive(Serialize)]
struct Change {
    field: String,
    before: String,
    after: String,
}

impl Row {
    fn new(visitor: &Visitor, line: &Line) -> Self {
        let page = OBJECTS.iter().find(|(object, _)| *object == line.object);
        let page = page.and_then(|(_, page)| *page);
        let target_url = page.map(|page| match line.object.as_str() {
            "workspace" | "phase" | "api_key" | "queue" | "schedule" | "operator" => {
                visitor.url(page)
            }
            _ => visitor.url(&format!("{page}/{}", line.object_id)),
        });
        Self {
            at: visitor.when(line.created_at),
            what: in_words(&line.event),
            event: line.event.clone(),
            who: english::name(&line.actor_name),
            target: in_words(&line.object),
            target_id: line.object_id.clone(),
            target_url,
            changes: changes(&line.diff.0),
            reason: line.reason.as_deref().filter(|reason| !reason.is_empty()).map(english::name),
            same_target: visitor.url("audit-log") + &query([("id", line.object_id.as_str())]),
        }
    }
}

/// A word of the log as people read it: `onboarding_updated` → "Onboarding updated".
fn in_words(word: &str) -> String {
    english::capital(&word.replace('_', " ")).replace("Api key", "API key")
}

/// The fields that differ.
fn changes(diff: &Value) -> Vec<Change> {
    let Value::Object(fields) = diff else { return Vec::new() };
    fields
        .iter()
        .map(|(field, values)| Change {
            field: field.replace('_', " "),
            before: shown(values.get(0).unwrap_or(&Value::Null)),
            after: shown(values.get(1).unwrap_or(&Value::Null)),
        })
        .collect()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => english::name(text),
        other => other.to_string(),
    };
    if text.chars().count() > LONGEST_VALUE {
        text.chars().take(LONGEST_VALUE).chain(['…']).collect()
    } else {
        text
    }
}

/// The newest entries about one target.
pub(super) async fn about(
    conn: &mut Conn,
    visitor: &Visitor,
    id: &str,
    limit: i64,
) -> Result<Vec<Row>, PageError> {
    let filter = Filter { object_id: Some(id), ..everything() };
    let lines = crate::store::audit::list(conn, &visitor.workspace.id, filter, limit).await?;
    Ok(lines.iter().map(|line| Row::new(visitor, line)).collect())
}

const fn everything<'a>() -> Filter<'a> {
    Filter {
        object: None,
        object_id: None,
        actor: None,
        event: None,
        after: DateTime::UNIX_EPOCH,
        before: UNTIL_DECIDED,
        operators: true,
    }
}

/// What an address asks for.
fn filter<'a>(visitor: &Visitor, form: &'a Form) -> Filter<'a> {
    let midnight = |date| instant(visitor.zone(), date, NaiveTime::MIN);
    let before = form.one("before").and_then(|text| text.parse::<DateTime<Utc>>().ok());
    let until = lists::date(form.one("until")).map(|date| midnight(add_days(date, 1)));
    Filter {
        object: form.one("object"),
        object_id: form.one("id"),
        actor: form.one("actor"),
        event: form.one("event"),
        after: lists::date(form.one("from")).map_or(DateTime::UNIX_EPOCH, midnight),
        before: before.into_iter().chain(until).min().unwrap_or(UNTIL_DECIDED),
        operators: true,
    }
}

/// `GET /admin/w/{workspace}/audit-log`
async fn list(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let said = |name: &str| form.one(name).unwrap_or_default();
    let mut conn = site.db.read().await?;
    let filter = filter(&visitor, &form);
    let (lines, next) = audit_log::page(&mut conn, &visitor.workspace.id, filter, PAGE).await?;
    let same = ["object", "id", "actor", "event", "from", "until"].map(|name| (name, said(name)));
    let next = next.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let objects = OBJECTS.iter().map(|(object, _)| (*object, in_words(object)));
    let view = Page {
        objects: choices("Anything", objects, form.one("object")),
        object_id: said("id").to_owned(),
        actor: said("actor").to_owned(),
        event: said("event").to_owned(),
        from: said("from").to_owned(),
        until: said("until").to_owned(),
        filtered: same.iter().any(|(_, value)| !value.is_empty()),
        rows: lines.iter().map(|line| Row::new(&visitor, line)).collect(),
        older: next.map(|next| query(same.into_iter().chain([("before", next.as_str())]))),
        csv: visitor.url("audit-log.csv") + &query(same),
        most: MOST_LINES,
        clear: visitor.url("audit-log"),
    };
    visitor.page(&site, "audit_log", "audit-log", "Audit log", &view)
}

/// `GET /admin/w/{workspace}/audit-log.csv`
async fn file(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let mut conn = site.db.read().await?;
    let filter = filter(&visitor, &form);
    let file = audit_log::export(&mut conn, &visitor.workspace.id, filter).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit_log.csv\""),
    ];
    Ok((frame::guards(), headers, file).into_response())
}
