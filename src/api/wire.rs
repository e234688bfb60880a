//! How values look on the wire.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::error::ApiError;
use super::query::Part;

pub(super) use crate::operate::objects::Instant;

/// An instant, where there may be none.
#[must_use]
pub(super) fn instant(at: Option<DateTime<Utc>>) -> Option<Instant> {
    at.map(Instant)
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(super) struct List<T> {
    #[schemars(extend("enum" = ["list"]))]
    object: &'static str,
    data: Vec<T>,
    has_more: bool,
    // The contract leaves its form open.
    #[schemars(with = "Option<String>")]
    next_cursor: Option<Instant>,
}

impl<T> List<T> {
    /// The page that `rows` make, which were asked for with one more than `limit` in order to know whether more follow.
    pub(super) fn page<'a, R>(
        rows: &'a [R],
        limit: usize,
        created_at: impl Fn(&R) -> DateTime<Utc>,
        view: impl Fn(&'a R) -> T,
    ) -> Self {
        let has_more = rows.len() > limit;
        let rows = &rows[..rows.len().min(limit)];
        let last = rows.last().filter(|_| has_more).map(created_at);
        Self {
            object: "list",
            data: rows.iter().map(view).collect(),
            has_more,
            next_cursor: instant(last),
        }
    }
}

impl<T> List<T> {
    /// A list without rows.
    pub(super) fn empty() -> Self {
        Self { object: "list", data: Vec::new(), has_more: false, next_cursor: None }
    }

    /// The part that is asked for of all `rows`, which come in order of an instant that several may share. A cursor tells these apart by
    /// nanoseconds, of which no instant of ours has any.
    pub(super) fn part(rows: impl IntoIterator<Item = (DateTime<Utc>, T)>, part: Part) -> Self {
        let mut last: Option<DateTime<Utc>> = None;
        let mut data = Vec::new();
        let mut next_cursor = None;
        for (at, row) in rows {
            let place =
                last.filter(|last| *last >= at).map_or(at, |last| last + TimeDelta::nanoseconds(1));
            last = Some(place);
            if part.cursor.is_some_and(|cursor| place <= cursor) {
                continue;
            }
            if part.limit.is_some_and(|limit| data.len() == limit) {
                return Self::cut(data, next_cursor);
            }
            data.push(row);
            next_cursor = Some(place);
        }
        Self::cut(data, None)
    }

    /// A page that was cut elsewhere.
    pub(super) fn cut(data: Vec<T>, next_cursor: Option<DateTime<Utc>>) -> Self {
        let has_more = next_cursor.is_some();
        Self { object: "list", data, has_more, next_cursor: instant(next_cursor) }
    }
}

/// What has a place in a list and no age gets a cursor like any other.
pub(super) fn place(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(n).unwrap_or_default()
}

/// A page of rows that were asked for with one more than `limit`, and where the next one begins. It does not end between two rows of one
/// place, because the next begins strictly before its last.
pub(super) fn cut<R>(
    rows: &[R],
    limit: usize,
    place: impl Fn(&R) -> DateTime<Utc>,
) -> (&[R], Option<DateTime<Utc>>) {
    let Some(torn) = rows.get(limit).map(&place) else { return (rows, None) };
    let whole = rows[..limit].iter().take_while(|row| place(row) != torn).count();
    // That a whole page is of one place, to the nanosecond, does not happen; if it did, it would be shown rather than lost.
    let page = &rows[..if whole == 0 { limit } else { whole }];
    (page, page.last().map(place))
}

/// The answer to a deletion, the same for every repetition.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(super) struct Deleted<'a> {
    #[schemars(extend("enum" = ["deleted"]))]
    object: &'static str,
    id: &'a str,
    display_id: i64,
    #[schemars(extend("enum" = [true]))]
    deleted: bool,
}

impl<'a> Deleted<'a> {
    /// Of a row.
    #[must_use]
    pub(super) fn of(id: &'a str, display_id: i64) -> Self {
        Self { object: "deleted", id, display_id, deleted: true }
    }
}

/// A value as JSON text. Characters that turn the direction of text are written as escapes: the value stays the same, but nothing
/// that shows the text raw can be fooled.
#[must_use]
pub(super) fn text(value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(value)
        .map_err(|error| tracing::error!(%error, "a value has no JSON form"))
        .ok()?;
    if !text.contains(is_bidi_control) {
        return Some(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_bidi_control(c) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Some(safe)
}

const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An answer with a JSON body.
#[must_use]
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match text(value) {
        Some(body) => raw_json(status, body),
        None => ApiError::internal().into_response(),
    }
}

/// An answer with a body that is JSON text already.
#[must_use]
pub(super) fn raw_json(status: StatusCode, body: String) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [content_type], body).into_response()
}
