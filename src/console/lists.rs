//! What the lists of the console share: a search by beginning or number, selects, links, pages.

use std::str::FromStr;

use chrono::NaiveDate;
use serde::Serialize;

use super::visitor::Visitor;
use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::render::english;
use crate::store::{rosters, users};

/// Rows on a page.
pub(super) const PAGE: usize = 50;

/// Rows that are asked for: one more, to know whether any follow.
pub(super) const PAGE_AND_ONE: i64 = 51;

/// The page of a list that begins behind a display id.
pub(super) fn page(before: Option<&str>) -> rosters::Page {
    let before = before.and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
    rosters::Page { before, limit: PAGE_AND_ONE }
}

/// Takes away the row beyond the page, where there is one, and answers with the last row's place: the next page begins behind it.
pub(super) fn cut<R, P: ToString>(rows: &mut Vec<R>, place: impl Fn(&R) -> P) -> Option<String> {
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    rows.last().filter(|_| more).map(|row| place(row).to_string())
}

/// One word of a closed vocabulary; what is none asks for nothing.
pub(super) fn choice<T: FromStr>(text: Option<&str>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// A date, as a date field sends it.
pub(super) fn date(text: Option<&str>) -> Option<NaiveDate> {
    text.and_then(|text| text.parse().ok())
}

/// What somebody typed to find something: a number with or without `#`, or how a name begins.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Sought(String);

impl Sought {
    pub(super) fn read(text: Option<&str>) -> Self {
        Self(text.unwrap_or_default().to_owned())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<i64> {
        self.0.strip_prefix('#').unwrap_or(&self.0).parse().ok()
    }

    /// The beginning of a name, if it is one.
    pub(super) fn begins(&self) -> Option<&str> {
        (!self.0.is_empty() && self.number().is_none()).then_some(self.0.as_str())
    }
}

/// A name that leads to its page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) url: String,
}

impl Link {
    pub(super) fn new(name: &str, url: String) -> Self {
        Self { name: english::name(name), url }
    }

    pub(super) fn to_user(visitor: &Visitor, id: &str, name: &str) -> Self {
        Self::new(name, visitor.url(&format!("people/{id}")))
    }

    pub(super) fn to_customer(visitor: &Visitor, id: &str, name: &str) -> Self {
        Self::new(name, visitor.url(&format!("customers/{id}")))
    }
}

/// One answer of a select.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

impl Choice {
    pub(super) fn new(value: &str, words: &str, chosen: bool) -> Self {
        Self { value: value.to_owned(), words: words.to_owned(), chosen }
    }
}

/// All answers of a select, after one that asks for nothing.
pub(super) fn choices<'a>(
    any: &str,
    all: impl IntoIterator<Item = (&'a str, String)>,
    chosen: Option<&str>,
) -> Vec<Choice> {
    let any = Choice { value: String::new(), words: any.to_owned(), chosen: chosen.is_none() };
    std::iter::once(any)
        .chain(all.into_iter().map(|(value, words)| Choice {
            chosen: chosen == Some(value),
            value: value.to_owned(),
            words,
        }))
        .collect()
}

/// The id of the user whom somebody means: by number, with or without `#`, or by id.
pub(super) async fn user_id(
    conn: &mut Conn,
    workspace_id: &str,
    text: &str,
) -> Result<Option<String>, DbError> {
    let Some(reference) = Ref::parse(text.trim_start_matches('#')) else { return Ok(None) };
    Ok(users::find(conn, workspace_id, &reference).await?.map(|user| user.id))
}
