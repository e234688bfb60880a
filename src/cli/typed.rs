//! What is typed: read and judged before anything is done. What is wrong about one value, the parser of the arguments says; what only
//! shows between several, a [`Usage`]. Both end with exit code 2.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::ids::Ref;
use crate::domain::values::Scope;
use crate::operate::queues::Queue;
use crate::operate::{operators, people};

/// What is wrong with what was typed. Nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// One word of a closed vocabulary.
pub(super) fn word<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|error: T::Err| error.to_string())
}

pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| "write an instant like 2026-11-23T07:00:00+01:00".to_owned())
}

/// A day.
pub(super) fn date(text: &str) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    date.map_err(|_| "write a day like 2026-06-15".to_owned())
}

/// Why something is done.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
        return Err("say why in 1 to 500 characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The IANA name of a time zone.
pub(super) fn zone(text: &str) -> Result<String, String> {
    text.parse::<Tz>()
        .map(|_| text.to_owned())
        .map_err(|_| "this is no IANA time zone; write one like Europe/Copenhagen".to_owned())
}

/// What people call something.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err("must be 1 to 200 characters without control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The handle of a workspace.
pub(super) fn slug(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.len() > 63 || text.split('-').any(|part| part.is_empty() || !part.chars().all(plain)) {
        let must = "this is no handle; use at most 63 of a-z and 0-9, with single hyphens between";
        return Err(must.to_owned());
    }
    Ok(text.to_owned())
}

/// The mail address of somebody who is written to.
pub(super) fn email(text: &str) -> Result<String, String> {
    people::mail_address(text).ok_or_else(|| "this is no mail address".to_owned())
}

/// The mail address with which an operator signs in.
pub(super) fn account(text: &str) -> Result<String, String> {
    operators::address(text).ok_or_else(|| "this is no mail address".to_owned())
}

/// A member of Slack.
pub(super) fn slack_member(text: &str) -> Result<String, String> {
    if people::is_slack_member(text) {
        Ok(text.to_owned())
    } else {
        Err("this is no member id of Slack; it looks like U012AB3CD".to_owned())
    }
}

/// An id, or the number that people use.
pub(super) fn reference(text: &str) -> Result<Ref, String> {
    Ref::parse(text).ok_or_else(|| "this is no id and no number".to_owned())
}

pub(super) fn queue(text: &str) -> Result<Queue, String> {
    let found = Queue::ALL.into_iter().find(|queue| queue.name() == text.trim());
    found.ok_or_else(|| {
        let names = Queue::ALL.map(Queue::name).join(", ");
        format!("{text:?} is none of {names}")
    })
}

/// What `--scopes` names.
#[derive(Clone, Debug)]
pub(super) struct Scopes(pub(super) Vec<Scope>);

pub(super) fn scopes(text: &str) -> Result<Scopes, String> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let scopes = words.map(word::<Scope>).collect::<Result<Vec<_>, _>>()?;
    if scopes.is_empty() {
        return Err(
            "a key without scopes opens nothing; name read, write, operate or admin".to_owned()
        );
    }
    Ok(Scopes(scopes))
}
