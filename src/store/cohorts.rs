//! What passes expected of the people whose slot or step was the same day, and what the ledger then held of it.
//!
//! Written in the transaction of the rows themselves, so that neither can exist without the other. Whatever was expected and is in no row
//! in any state is *unaccounted* for; there must be none.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::ids::IdKind;
use crate::domain::values::Kind;
use crate::on;

/// For how long a loss asks for an operator.
const REMEMBERED: TimeDelta = TimeDelta::days(7);

/// Notifications of one kind and one local date.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Cohort {
    /// What they are about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// Local date of the slot or step.
    pub slot_date: NaiveDate,
    /// Notifications that the rules asked for.
    pub expected: i64,
    /// Of these, rows in the ledger, in any state, whoever wrote them.
    pub accounted: i64,
}

impl Cohort {
    /// Notifications that the rules asked for and nobody wrote.
    #[must_use]
    pub const fn unaccounted(&self) -> i64 {
        self.expected - self.accounted
    }
}

/// Counts `rows` by cohort: kind, date, and whether the ledger has it.
#[must_use]
pub fn count(rows: impl IntoIterator<Item = (Kind, NaiveDate, bool)>) -> Vec<Cohort> {
    let mut cohorts: BTreeMap<(Kind, NaiveDate), (i64, i64)> = BTreeMap::new();
    for (kind, slot_date, found) in rows {
        let (expected, accounted) = cohorts.entry((kind, slot_date)).or_default();
        *expected += 1;
        *accounted += i64::from(found);
    }
    cohorts
        .into_iter()
        .map(|((kind, slot_date), (expected, accounted))| Cohort {
            kind,
            slot_date,
            expected,
            accounted,
        })
        .collect()
}

/// Keeps what one batch of a pass expected and found.
pub async fn record(conn: &mut Conn, cohorts: &[Cohort], at: DateTime<Utc>) -> Result<(), DbError> {
    if cohorts.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "INSERT INTO cohorts (id, kind, slot_date, expected, accounted, created_at)
                 SELECT id, kind, slot_date, expected, accounted, $6 FROM UNNEST($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[])
                   AS c (id, kind, slot_date, expected, accounted)",
            )
            .bind(cohorts.iter().map(|_| IdKind::Pass.fresh(at)).collect::<Vec<_>>())
            .bind(cohorts.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>())
            .bind(cohorts.iter().map(|c| c.slot_date).collect::<Vec<_>>())
            .bind(cohorts.iter().map(|c| c.expected).collect::<Vec<_>>())
            .bind(cohorts.iter().map(|c| c.accounted).collect::<Vec<_>>())
            .bind(at)
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = cohorts
                .iter()
                .map(|c| (IdKind::Pass.fresh(at), c.kind, c.slot_date, c.expected, c.accounted))
                .collect();
            sqlx::query(
                "INSERT INTO cohorts (id, kind, slot_date, expected, accounted, created_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, $2 FROM json_each($1)",
            )
            .bind(serde_json::json!(rows).to_string())
            .bind(sqlite_time(at))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// The cohorts of the last days with somebody unaccounted for, newest first. Must be none.
pub async fn unaccounted(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Cohort>, DbError> {
    const SQL: &str = "SELECT kind, slot_date, CAST(sum(expected) AS BIGINT) AS expected, CAST(sum(accounted) AS BIGINT) AS accounted FROM cohorts
         WHERE expected > accounted AND created_at > $1 GROUP BY kind, slot_date ORDER BY slot_date DESC, kind";
    on!(conn, |c| sqlx::query_as(SQL).bind(now - REMEMBERED).fetch_all(c).await)
}
