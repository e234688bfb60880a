//! The sliding window of each key: the instants of its requests in the last minute. In the database, so that it is the same
//! whichever process answers.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::fetch_locked;
use crate::db::{Conn, DbError};
use crate::on;

/// Width of the window, in milliseconds.
const WIDTH: i64 = 60_000;

/// How a request stands against its key's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it may go on.
    pub allowed: bool,
    /// Requests per window.
    pub limit: i64,
    /// Requests left.
    pub remaining: i64,
    /// When the oldest request leaves the window and makes room, in milliseconds since 1970.
    pub reset_at: i64,
}

impl Standing {
    /// A key without a limit: nothing is counted, nothing is written.
    #[must_use]
    pub fn unlimited(limit: i64, now: DateTime<Utc>) -> Self {
        Self { allowed: true, limit, remaining: limit, reset_at: now.timestamp_millis() + WIDTH }
    }
}

/// Counts one request of a key. One that is turned away does not count, so waiting until `reset_at` is always enough.
pub async fn count(
    conn: &mut Conn,
    api_key_id: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Standing, DbError> {
    on!(conn, |c| {
        sqlx::query(
        "INSERT INTO rate_windows (api_key_id, hits) VALUES ($1, $2) ON CONFLICT (api_key_id) DO NOTHING"
    )
    .bind(api_key_id)
    .bind(Json(Vec::<i64>::new()))
    .execute(c)
    .await
    .map(|_| ())
    })?;
    let row: Option<(Json<Vec<i64>>,)> = fetch_locked!(
        conn,
        (Json<Vec<i64>>,),
        "SELECT hits FROM rate_windows WHERE api_key_id = $1",
        api_key_id
    )?;
    let (standing, hits) = slide(row.map(|(hits,)| hits.0).unwrap_or_default(), limit, now);
    if standing.allowed {
        on!(conn, |c| sqlx::query("UPDATE rate_windows SET hits = $2 WHERE api_key_id = $1")
            .bind(api_key_id)
            .bind(Json(hits))
            .execute(c)
            .await
            .map(|_| ()))?;
    }
    Ok(standing)
}

/// The window after one more request at `now`.
fn slide(mut hits: Vec<i64>, limit: i64, now: DateTime<Utc>) -> (Standing, Vec<i64>) {
    let now = now.timestamp_millis();
    // Instants ahead of the clock are left over from a clock that was wrong; they must not shut the key out for longer than a window.
    hits.retain(|at| (now - WIDTH + 1..=now + WIDTH).contains(at));
    let count = i64::try_from(hits.len()).unwrap_or(i64::MAX);
    let allowed = count < limit;
    if allowed {
        hits.push(now);
    }
    let oldest = hits.iter().copied().min().unwrap_or(now);
    let standing = Standing {
        allowed,
        limit,
        remaining: (limit - count - i64::from(allowed)).max(0),
        reset_at: oldest + WIDTH,
    };
    (standing, hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn waiting_for_the_reset_is_enough_and_a_millisecond_less_is_not() {
        let mut hits = Vec::new();
        for (index, millis) in [0, 10, 20_000].into_iter().enumerate() {
            let (standing, next) = slide(hits, 3, at(millis));
            assert!(standing.allowed);
            assert_eq!(standing.remaining, 2 - i64::try_from(index).unwrap());
            hits = next;
        }
        let (turned_away, hits) = slide(hits, 3, at(30_000));
        assert!(!turned_away.allowed);
        assert_eq!(turned_away.reset_at, at(60_000).timestamp_millis());
        let (early, hits) = slide(hits, 3, at(59_999));
        assert!(!early.allowed);
        let (again, _) = slide(hits, 3, at(60_000));
        assert!(again.allowed);
        assert_eq!((again.remaining, again.reset_at), (0, at(60_010).timestamp_millis()));
    }
}
