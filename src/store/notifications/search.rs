//! Finding notifications among a million: what is asked for decides which index is walked, so that neither what is rare nor what is
//! frequent takes long, and none of these indexes names what a claim changes.
//!
//! Walks go from the newest on and stop when the page is full. Text is looked for by prefix among people, customers and headlines first; if
//! that names few notifications these are looked through, and if it names many the newest of all soon hold a page of them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Notification, of_ids};
use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::store::ledger::UNTIL_DECIDED;
use crate::{fetch_by_ids, on};

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

/// Most notifications that a text, an onboarding or a customer may name to be looked through one by one.
const FEW: usize = 10_000;

/// Of these, how many at a time.
const AT_A_TIME: usize = 500;

/// Characters of a text that count: as many as the index of headlines holds.
const TEXT_LENGTH: usize = 40;

/// Keys of the rows `n` that fit what stands in the row itself. `$1` is the caller's own; words are ranges, because an index can be asked
/// for a range that may be everything, but not for "this, or anything".
const KEYS: &str = "SELECT n.id, n.created_at FROM notifications n";
// SQLite would read the whole workspace for them; a cross join is read from left to right.
const KEYS_NAMED: &str =
    "SELECT n.id, n.created_at FROM json_each($1) j CROSS JOIN notifications n";
const FIT: &str = " WHERE n.workspace_id = $2 AND n.created_at <= $3 AND (n.created_at < $3 OR n.id < $4) AND n.created_at >= $5 AND n.created_at < $6
   AND n.kind BETWEEN $7 AND $8 AND n.channel BETWEEN $9 AND $10 AND n.mode BETWEEN $11 AND $12 AND ($13 IS NULL OR n.state = $13)
   AND ($14 IS NULL OR n.reason = $14) AND ($15 IS NULL OR n.recipient_id = $15)";
const OPEN: &str = " AND n.finished_at IS NULL";
const UNSENT: &str = " AND n.finished_at IS NOT NULL AND n.sent_at IS NULL AND n.reason = $14";
const RECIPIENT: &str = " AND n.recipient_id = $15";
const NEWEST: &str = " ORDER BY n.created_at DESC, n.id DESC LIMIT $1";
// SQLite counts no rows before it chooses an index, so it is told.
const BY_OPEN: &str = " INDEXED BY notifications_open";
const BY_UNSENT: &str = " INDEXED BY notifications_unsent";

/// Binds `$2` and all that follow.
macro_rules! bind {
    ($query:expr, $asked:expr, $cursor:expr, $reason:expr) => {{
        let filter = $asked.filter;
        $query
            .bind($asked.workspace_id)
            .bind($cursor.created_at)
            .bind(&$cursor.id)
            .bind(filter.since.unwrap_or(DateTime::UNIX_EPOCH))
            .bind(filter.until.unwrap_or(UNTIL_DECIDED))
            .bind(filter.kind.map_or(FIRST, Kind::as_str))
            .bind(filter.kind.map_or(LAST, Kind::as_str))
            .bind(filter.channel.map_or(FIRST, Channel::as_str))
            .bind(filter.channel.map_or(LAST, Channel::as_str))
            .bind(filter.mode.map_or(FIRST, Mode::as_str))
            .bind(filter.mode.map_or(LAST, Mode::as_str))
            .bind(filter.state.map(NotificationState::as_str))
            .bind($reason.map(Reason::as_str))
            .bind(filter.recipient_id)
            // Planned for these very values: a plan for any would walk the wrong index.
            .persistent(false)
    }};
}

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

/// What a filter names outside the ledger.
struct Named {
    /// The notifications about it, newest first, where they are few.
    few: Option<Vec<String>>,
    /// Whether something was named of which there are too many to say which; every row has to be checked then.
    many: bool,
    /// How many the last condition named, as far as they were counted.
    distinct: i64,
}

/// Every word of a vocabulary lies between these, in any collation.
const FIRST: &str = "";
const LAST: &str = "zz";

/// Whether a row that was not sent may end so, for this reason. What ends many rows ends all of them alike: too many to look through for
/// anything else.
fn may_end(state: NotificationState, reason: Reason) -> bool {
    match reason {
        Reason::TestMode => state == NotificationState::Suppressed,
        Reason::StateChanged | Reason::Superseded | Reason::MissedSlot | Reason::QuietHours => {
            state == NotificationState::Skipped
        }
        _ => state != NotificationState::Suppressed,
    }
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

    /// Looks up what is not in the rows themselves: onboarding, customer, text.
    async fn named(&self, conn: &mut Conn) -> Result<Named, DbError> {
        const ONBOARDING: &str =
            "SELECT notification_id FROM notification_items WHERE onboarding_id = $1 LIMIT $2";
        const CUSTOMER: &str = "SELECT i.notification_id FROM onboardings o JOIN notification_items i ON i.onboarding_id = o.id
             WHERE o.customer_id = $1 LIMIT $2";
        let mut named = Named { few: None, many: false, distinct: 0 };
        let asked = [(ONBOARDING, self.filter.onboarding_id), (CUSTOMER, self.filter.customer_id)];
        for (sql, id) in asked {
            let Some(id) = id else { continue };
            let found: Vec<(String,)> =
                on!(conn, |c| sqlx::query_as(sql).bind(id).bind(MANY).fetch_all(c).await?);
            named.add(found);
        }
        if self.like.is_some() {
            let found = self.named_by_text(conn).await?;
            named.add(found);
        }
        Ok(named)
    }

    /// The notifications that the text names, each maybe more than once, up to one more than [`FEW`].
    async fn named_by_text(&self, conn: &mut Conn) -> Result<Vec<(String,)>, DbError> {
        const SQL: &str = "SELECT n.id FROM users u JOIN notifications n ON n.recipient_id = u.id WHERE u.workspace_id = $1
               AND (lower(u.name) LIKE $2 ESCAPE '!' OR u.name LIKE $3 ESCAPE '!' OR u.email LIKE $2 ESCAPE '!' OR lower(u.slack_user_id) LIKE $2 ESCAPE '!')
             UNION ALL SELECT n.id FROM contacts c JOIN notifications n ON n.recipient_id = c.id WHERE c.workspace_id = $1
               AND (lower(c.name) LIKE $2 ESCAPE '!' OR c.name LIKE $3 ESCAPE '!' OR c.email LIKE $2 ESCAPE '!')
             UNION ALL SELECT i.notification_id FROM customers k JOIN onboardings o ON o.customer_id = k.id
               JOIN notification_items i ON i.onboarding_id = o.id
               WHERE k.workspace_id = $1 AND (lower(k.name) LIKE $2 ESCAPE '!' OR k.name LIKE $3 ESCAPE '!')
             UNION ALL SELECT n.id FROM notifications n WHERE n.workspace_id = $1 AND n.subject IS NOT NULL
               AND lower(substr(n.subject, 1, 40)) >= $4 AND lower(substr(n.subject, 1, 40)) < $5
             LIMIT $6";
        on!(conn, |c| sqlx::query_as(SQL)
            .bind(self.workspace_id)
            .bind(&self.like)
            .bind(&self.like_typed)
            .bind(&self.from)
            .bind(&self.to)
            .bind(MANY)
            .persistent(false)
            .fetch_all(c)
            .await)
    }

    /// The newest rows behind the cursor that fit what stands in them, up to `limit`.
    async fn walk(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        let Filter { state, reason, recipient_id, .. } = *self.filter;
        let mut found = match (state, reason) {
            _ if recipient_id.is_some() => self.all(conn, cursor, limit).await?,
            (Some(state), _) if state.is_open() => self.open(conn, cursor, limit).await?,
            (None | Some(NotificationState::Sent), None) => self.all(conn, cursor, limit).await?,
            (_, Some(reason)) => {
                let mut found = self.unsent(conn, cursor, reason, limit).await?;
                if state.is_none() {
                    found.extend(self.open(conn, cursor, limit).await?);
                }
                found
            }
            (Some(state), None) => {
                let mut found = Vec::new();
                for reason in Reason::ALL {
                    if self.any && found.len() >= limit {
                        break;
                    }
                    if may_end(state, *reason) {
                        found.extend(self.unsent(conn, cursor, *reason, limit).await?);
                    }
                }
                found
            }
        };
        found.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
        found.truncate(limit);
        Ok(found)
    }

    /// By the instant they were written, or by their recipient.
    async fn all(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const ALL: &str = const_str::concat!(KEYS, FIT, NEWEST);
        const TO_ONE: &str = const_str::concat!(KEYS, FIT, RECIPIENT, NEWEST);
        let sql = if self.filter.recipient_id.is_some() { TO_ONE } else { ALL };
        on!(conn, |c| bind!(
            sqlx::query_as(sql).bind(bound(limit)),
            self,
            cursor,
            self.filter.reason
        )
        .fetch_all(c)
        .await)
    }

    /// Among what has not come to its end.
    async fn open(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, OPEN, NEWEST);
        const SQLITE: &str = const_str::concat!(KEYS, BY_OPEN, FIT, OPEN, NEWEST);
        let (limit, reason) = (bound(limit), self.filter.reason);
        match conn.dialect() {
            Dialect::Postgres(c) => {
                bind!(sqlx::query_as(POSTGRES).bind(limit), self, cursor, reason).fetch_all(c).await
            }
            Dialect::Sqlite(c) => {
                bind!(sqlx::query_as(SQLITE).bind(limit), self, cursor, reason).fetch_all(c).await
            }
        }
    }

    /// Among what has ended without being sent, for this reason.
    async fn unsent(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        reason: Reason,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, UNSENT, NEWEST);
        const SQLITE: &str = const_str::concat!(KEYS, BY_UNSENT, FIT, UNSENT, NEWEST);
        let (limit, reason) = (bound(limit), Some(reason));
        match conn.dialect() {
            Dialect::Postgres(c) => {
                bind!(sqlx::query_as(POSTGRES).bind(limit), self, cursor, reason).fetch_all(c).await
            }
            Dialect::Sqlite(c) => {
                bind!(sqlx::query_as(SQLITE).bind(limit), self, cursor, reason).fetch_all(c).await
            }
        }
    }

    /// Of these ids, newest first, the first `limit` that fit.
    async fn among(
        &self,
        conn: &mut Conn,
        ids: &[String],
        cursor: &Cursor,
        check: bool,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, " AND n.id = ANY($1)");
        const SQLITE: &str = const_str::concat!(KEYS_NAMED, FIT, " AND n.id = j.value");
        let reason = self.filter.reason;
        let mut found = Vec::new();
        for ids in ids.chunks(AT_A_TIME) {
            if found.len() >= limit {
                break;
            }
            let mut fit: Vec<Key> = match conn.dialect() {
                Dialect::Postgres(c) => {
                    bind!(sqlx::query_as(POSTGRES).bind(ids), self, cursor, reason)
                        .fetch_all(c)
                        .await?
                }
                Dialect::Sqlite(c) => {
                    bind!(sqlx::query_as(SQLITE).bind(json_list(ids)), self, cursor, reason)
                        .fetch_all(c)
                        .await?
                }
            };
            fit.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
            found.extend(self.check(conn, fit, check).await?);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Leaves out what does not fit what is not in the rows themselves, if that has to be checked.
    async fn check(
        &self,
        conn: &mut Conn,
        mut rows: Vec<Key>,
        check: bool,
    ) -> Result<Vec<Key>, DbError> {
        if !check || rows.is_empty() {
            return Ok(rows);
        }
        let ids: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
        let fit: Vec<(String,)> = fetch_by_ids!(
            conn,
            (String,),
            "SELECT n.id FROM notifications n
             WHERE ($3 IS NULL OR EXISTS (SELECT 1 FROM notification_items i WHERE i.notification_id = n.id AND i.onboarding_id = $3))
               AND ($4 IS NULL OR EXISTS (SELECT 1 FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id
                 WHERE i.notification_id = n.id AND o.customer_id = $4))
               AND ($5 IS NULL OR (lower(substr(n.subject, 1, 40)) >= $7 AND lower(substr(n.subject, 1, 40)) < $8)
                 OR EXISTS (SELECT 1 FROM users u WHERE u.id = n.recipient_id AND u.workspace_id = $2 AND (lower(u.name) LIKE $5 ESCAPE '!'
                   OR u.name LIKE $6 ESCAPE '!' OR u.email LIKE $5 ESCAPE '!' OR lower(u.slack_user_id) LIKE $5 ESCAPE '!'))
                 OR EXISTS (SELECT 1 FROM contacts c WHERE c.id = n.recipient_id AND c.workspace_id = $2
                   AND (lower(c.name) LIKE $5 ESCAPE '!' OR c.name LIKE $6 ESCAPE '!' OR c.email LIKE $5 ESCAPE '!'))
                 OR EXISTS (SELECT 1 FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id JOIN customers k ON k.id = o.customer_id
                   WHERE i.notification_id = n.id AND (lower(k.name) LIKE $5 ESCAPE '!' OR k.name LIKE $6 ESCAPE '!')))
               AND n.id",
            &ids,
            "",
            self.workspace_id,
            self.filter.onboarding_id,
            self.filter.customer_id,
            &self.like,
            &self.like_typed,
            &self.from,
            &self.to
        )?;
        let fit: HashSet<String> = fit.into_iter().map(|(id,)| id).collect();
        rows.retain(|(id, _)| fit.contains(id));
        Ok(rows)
    }
}

impl Named {
    /// Adds what one condition names: few are narrowed down to those that all name.
    fn add(&mut self, found: Vec<(String,)>) {
        let too_many = found.len() > FEW;
        let named: HashSet<String> = found.into_iter().map(|(id,)| id).collect();
        self.distinct = i64::try_from(named.len()).unwrap_or(i64::MAX);
        if too_many {
            self.many = true;
            return;
        }
        let mut few: Vec<String> = match self.few.take() {
            Some(before) => before.into_iter().filter(|id| named.contains(id)).collect(),
            None => named.into_iter().collect(),
        };
        // Ids are ordered by the instant they were made.
        few.sort_by(|a, b| b.cmp(a));
        self.few = Some(few);
    }
}

/// One more than [`FEW`].
const MANY: i64 = 10_001;

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A pattern of what begins with the text.
fn pattern(text: &str) -> String {
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("{literal}%")
}

fn capitalised(text: &str) -> String {
    let mut begins = true;
    let mut capitalised = String::with_capacity(text.len());
    for c in text.chars() {
        if begins {
            capitalised.extend(c.to_uppercase());
        } else {
            capitalised.push(c);
        }
        begins = c == ' ' || c == '-';
    }
    capitalised
}
