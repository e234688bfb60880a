//! Who hears: the person at whose desk an onboarding lies or, while they are out of office, the one who stands in for them.
//!
//! An absence has an end and no beginning: everything before the first day back is away. So nothing has to happen on that day; whoever
//! asks at an instant gets the answer of that instant.

use chrono::{DateTime, NaiveTime, Utc};

use super::calendar::instant;
use super::facts::{Person, Workspace};
use super::slots::next_working_hour;

/// A person, and who stands in while they are out of office.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// The CSM, the owner, the escalation user.
    pub person: &'a Person,
    /// Their backup, if they named one.
    pub backup: Option<&'a Person>,
}

impl<'a> Desk<'a> {
    /// The desk of `person`; `find` looks people up by id.
    pub fn of(person: &'a Person, find: impl FnOnce(&str) -> Option<&'a Person>) -> Self {
        Self { person, backup: person.backup_user_id.as_deref().and_then(find) }
    }

    /// Who hears at `at`; `None` while the person is away and nobody stands in. One hop: whoever is away themselves does not stand in,
    /// and their own backup does not either.
    #[must_use]
    pub fn hears(self, at: DateTime<Utc>) -> Option<&'a Person> {
        if is_away(self.person, at) {
            self.backup.filter(|backup| backup.active && !is_away(backup, at))
        } else {
            Some(self.person)
        }
    }

    /// The first instant at or after `from` that is a working hour of whoever hears then, and who that is.
    #[must_use]
    pub fn next_hour(
        self,
        ws: &Workspace,
        from: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, &'a Person)> {
        let back = back_at(self.person).filter(|back| *back > from);
        let stand_in = back.zip(self.backup).and_then(|(back, backup)| {
            let present = back_at(backup).map_or(from, |at| at.max(from));
            let at = next_working_hour(ws, backup, present)?;
            (backup.active && at < back).then_some((at, backup))
        });
        let own = || Some((next_working_hour(ws, self.person, back.unwrap_or(from))?, self.person));
        stand_in.or_else(own)
    }
}

/// When the person is back: the beginning of that day where they are. `None` for somebody who has not been away.
#[must_use]
pub fn back_at(person: &Person) -> Option<DateTime<Utc>> {
    person.out_of_office_until.map(|date| instant(person.zone, date, NaiveTime::MIN))
}

/// Whether the person is out of office at `at`.
#[must_use]
pub fn is_away(person: &Person, at: DateTime<Utc>) -> bool {
    back_at(person).is_some_and(|back| at < back)
}
