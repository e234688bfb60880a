//! What a filter names that is not in the rows themselves: an onboarding, a customer, a text.

use std::collections::HashSet;

use super::{Asked, Key};
use crate::db::{Conn, DbError};
use crate::{fetch_by_ids, on};

/// Most notifications that a text, an onboarding or a customer may name to be looked through one by one.
const FEW: usize = 10_000;

/// One more than [`FEW`].
const MANY: i64 = 10_001;

/// What a filter names outside the ledger.
pub(super) struct Named {
    /// The notifications about it, newest first, where they are few.
    pub(super) few: Option<Vec<String>>,
    /// Whether something was named of which there are too many to say which; every row has to be checked then.
    pub(super) many: bool,
    /// How many the last condition named, as far as they were counted.
    pub(super) distinct: i64,
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

impl Asked<'_> {
    /// Looks up what is not in the rows themselves: onboarding, customer, text.
    pub(super) async fn named(&self, conn: &mut Conn) -> Result<Named, DbError> {
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

    /// Leaves out what does not fit what is not in the rows themselves, if that has to be checked.
    pub(super) async fn check(
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

/// A pattern of what begins with the text.
pub(super) fn pattern(text: &str) -> String {
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("{literal}%")
}

pub(super) fn capitalised(text: &str) -> String {
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
