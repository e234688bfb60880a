//! Query strings: paging and filters. Unknown parameters are ignored, the first of a repeated one counts.

use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use chrono::{DateTime, TimeDelta, Utc};
use http::request::Parts;

use super::error::ApiError;
use super::values::parse_instant;

/// PostgreSQL takes no NUL, not even to find that nothing equals it. In its place stands another control character, which nothing that
/// is looked for holds either.
const NO_NUL: &str = "\u{1}";

/// The parameters of a request.
#[derive(Clone, Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// Which part is asked for of a list that is whole otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Rows in it, 1 to 100; all if not given.
    pub limit: Option<usize>,
    /// Only what follows this row.
    pub cursor: Option<DateTime<Utc>>,
}

/// Which page of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Rows on it, 1 to 100.
    pub limit: usize,
    /// Rows strictly older than this instant.
    pub cursor: DateTime<Utc>,
}

impl Page {
    /// How many rows to ask the database for: one more, to know whether any follow.
    #[must_use]
    pub(super) fn rows(self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(text.as_bytes());
        Ok(Self(
            pairs.map(|(key, value)| (key.into_owned(), value.replace('\0', NO_NUL))).collect(),
        ))
    }
}

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `limit` and `cursor`.
    pub(super) fn page(&self) -> Result<Page, ApiError> {
        let limit = match self.get("limit") {
            None => 25,
            Some(text) => read_limit(text)?,
        };
        let cursor = self.instant("cursor")?.unwrap_or(DateTime::<Utc>::MAX_UTC);
        Ok(Page { limit, cursor: cursor.min(far_future()) })
    }

    /// `limit` and `cursor` of a list that is whole unless a page of it is asked for.
    pub(super) fn part(&self) -> Result<Part, ApiError> {
        let limit = self.get("limit").map(read_limit).transpose()?;
        // Checked like any other; only that here the nanoseconds count (`List::part`).
        let exact = |text: &str| DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok();
        let cursor = match self.instant("cursor")? {
            Some(_) => self.get("cursor").and_then(exact).map(|at| at.to_utc()),
            None => None,
        };
        Ok(Part { limit, cursor })
    }

    /// `cursor` as finely as it was given out, for lists whose rows are written many at a time (`domain::ids::fine_instant`).
    pub(super) fn fine_cursor(&self) -> Result<DateTime<Utc>, ApiError> {
        let coarse = self.page()?.cursor;
        let text = self.get("cursor").unwrap_or_default().replace(' ', "+");
        let exact = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
        // A leap second is the second after it, as everywhere.
        Ok(exact.ok().filter(|at| at.timestamp_millis() == coarse.timestamp_millis()).map_or(
            coarse,
            |at| {
                coarse + TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos() % 1_000_000))
            },
        ))
    }

    /// An RFC 3339 instant.
    pub(super) fn instant(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, ApiError> {
        self.get(name)
            .map(|text| {
                // A plus sign that was not encoded arrives as a space.
                parse_instant(&text.replace(' ', "+")).ok_or_else(|| {
                    ApiError::invalid_field(name, "invalid_string", "Invalid datetime")
                })
            })
            .transpose()
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &self,
        name: &'static str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let (least, most) = (bounds.start(), bounds.end());
        let fault = |code, message| Err(ApiError::invalid_field(name, code, message));
        match text.parse::<i64>() {
            Ok(number) if number < *least => {
                fault("too_small", format!("Number must be greater than or equal to {least}"))
            }
            Ok(number) if number > *most => {
                fault("too_big", format!("Number must be less than or equal to {most}"))
            }
            Ok(number) => Ok(Some(number)),
            Err(_) => fault("invalid_type", "Expected a whole number".to_owned()),
        }
    }

    /// One word of a closed vocabulary.
    pub(super) fn word<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::invalid_field(name, "invalid_enum_value", "Invalid enum value")
                })
            })
            .transpose()
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            Some("") => {
                let message = "Text must contain at least 1 character(s)";
                Err(ApiError::invalid_field(name, "too_small", message))
            }
            found => Ok(found),
        }
    }
}

fn read_limit(text: &str) -> Result<usize, ApiError> {
    let fault = |code, message| Err(ApiError::invalid_field("limit", code, message));
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return fault("invalid_type", "Expected integer");
    }
    match text.parse::<i64>() {
        Ok(limit) if limit < 1 => fault("too_small", "Number must be greater than or equal to 1"),
        Ok(limit) if limit <= 100 => Ok(usize::try_from(limit).unwrap_or(100)),
        Err(_) if text.starts_with('-') => {
            fault("too_small", "Number must be greater than or equal to 1")
        }
        _ => fault("too_big", "Number must be less than or equal to 100"),
    }
}

/// Later than every row, and an instant that both databases can hold.
fn far_future() -> DateTime<Utc> {
    // 9999-12-31T23:59:59Z.
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
