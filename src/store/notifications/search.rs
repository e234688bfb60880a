//! Finding notifications among a million: what is asked for decides which index is walked, so that neither what is rare nor what is
//! frequent takes long, and none of these indexes names what a claim changes.
//!
//! Walks go from the newest on and stop when the page is full. Text is looked for by prefix among people, customers and headlines first; if
//! that names few notifications these are looked through, and if it names many the newest of all soon hold a page of them.

use chrono::{DateTime, Utc};

use super::{Notification, of_ids};
use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::store::ledger::UNTIL_DECIDED;

mod named;
mod walk;

use named::{Named, capitalised, pattern};

/// Which notifications to list; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// What they are about.
    pub kind: Option<Kind>,
    /// How they go out.
    pub channel: Option<Channel>,
    /// Live or test.
    pub mode: Option<Mode>,
    /// Where they stand.
    pub state: Option<NotificationState>,
    /// Why.
    pub reason: Option<Reason>,
    /// Whom they are for: a user's or a contact's id.
    pub recipient_id: Option<&'a str>,
    /// Only about this onboarding.
    pub onboarding_id: Option<&'a str>,
    /// Only about onboardings of this customer.
    pub customer_id: Option<&'a str>,
    /// Written at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Written before this instant.
    pub until: Option<DateTime<Utc>>,
    /// What the headline, the recipient's name or address, or the customer's name begins with, in any case.
    pub text: Option<&'a str>,
}

/// Where a page of a list begins: behind this row. A pass writes many rows in one instant, so the instant alone is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last row seen was written.
    pub created_at: DateTime<Utc>,
    /// Its id; empty for "strictly before the instant".
    pub id: String,
}

impl Cursor {
    /// Before the first row.
    #[must_use]
    pub fn start() -> Self {
        Self { created_at: UNTIL_DECIDED, id: String::new() }
    }

    /// Behind `row`.
    #[must_use]
    pub fn behind(row: &Notification) -> Self {
        Self { created_at: row.created_at, id: row.id.clone() }
    }
}

/// How many rows are checked one by one at a time.
const AT_A_TIME: usize = 500;

/// Characters of a text that count: as many as the index of headlines holds.
const TEXT_LENGTH: usize = 40;

/// An id, and the instant it was written: a row's place in the list.
pub type Key = (String, DateTime<Utc>);

/// The next `limit` notifications of a workspace behind the cursor, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    cursor: &Cursor,
    limit: i64,
) -> Result<Vec<Notification>, DbError> {
    let keys = keys(conn, workspace_id, filter, cursor, limit).await?;
    let ids: Vec<String> = keys.into_iter().map(|(id, _)| id).collect();
    let mut rows = of_ids(conn, &ids).await?;
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(rows)
}

/// How many notifications of a workspace fit, counted up to `limit`.
pub async fn count_up_to(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    limit: i64,
) -> Result<i64, DbError> {
    let asked = Asked { any: true, ..Asked::new(workspace_id, filter) };
    let named = asked.named(conn).await?;
    let only_text = Filter { text: filter.text, ..Filter::default() };
    if named.distinct >= limit && *filter == only_text {
        return Ok(limit);
    }
    let found = asked.keys(conn, named, &Cursor::start(), limit).await?;
    Ok(i64::try_from(found.len()).unwrap_or(limit))
}

/// The keys of the next `limit` notifications of a workspace behind the cursor, newest first.
pub async fn keys(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    cursor: &Cursor,
    limit: i64,
) -> Result<Vec<Key>, DbError> {
    let asked = Asked::new(workspace_id, filter);
    let named = asked.named(conn).await?;
    asked.keys(conn, named, cursor, limit).await
}

/// A filter as the statements take it.
struct Asked<'a> {
    workspace_id: &'a str,
    filter: &'a Filter<'a>,
    /// Whether any rows do as well as the newest: they are only counted.
    any: bool,
    /// The text in lower case, as a pattern.
    like: Option<String>,
    /// The text with the initials of its words in upper case, because SQLite makes only ASCII lower case.
    like_typed: Option<String>,
    /// The range of headlines that begin with the text.
    from: Option<String>,
    to: Option<String>,
}

impl<'a> Asked<'a> {
    fn new(workspace_id: &'a str, filter: &'a Filter<'a>) -> Self {
        let text: Option<String> =
            filter.text.map(|text| text.trim().chars().take(TEXT_LENGTH).collect());
        // Headlines are compared byte by byte, and lower case is that of ASCII, as in their index.
        let from = text.as_ref().map(|text| text.to_ascii_lowercase());
        Self {
            workspace_id,
            filter,
            any: false,
            like: text.as_ref().map(|text| pattern(&text.to_lowercase())),
            like_typed: text.as_ref().map(|text| pattern(&capitalised(text))),
            to: from.as_ref().map(|text| format!("{text}\u{10ffff}")),
            from,
        }
    }

    async fn keys(
        &self,
        conn: &mut Conn,
        Named { few, many, .. }: Named,
        cursor: &Cursor,
        limit: i64,
    ) -> Result<Vec<Key>, DbError> {
        let limit = usize::try_from(limit).unwrap_or_default();
        if let Some(ids) = few {
            return self.among(conn, &ids, cursor, many, limit).await;
        }
        let mut found: Vec<Key> = Vec::new();
        let mut cursor = cursor.clone();
        while found.len() < limit {
            // What is checked one by one is frequent, so a few handfuls hold a page of it.
            let page = if many { AT_A_TIME } else { limit };
            let walked = self.walk(conn, &cursor, page).await?;
            let Some(last) = walked.last().filter(|_| walked.len() == page) else {
                found.extend(self.check(conn, walked, many).await?);
                break;
            };
            cursor = Cursor { created_at: last.1, id: last.0.clone() };
            found.extend(self.check(conn, walked, many).await?);
        }
        found.truncate(limit);
        Ok(found)
    }
}
