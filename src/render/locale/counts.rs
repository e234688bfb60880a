//! Counts and what is counted.

use super::phrases;
use crate::domain::digest::Age;
use crate::domain::values::Locale;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    /// A working day of the workspace.
    BusinessDay,
    /// A civil day.
    CalendarDay,
    /// A day, where the context says which.
    Day,
    /// A customer.
    Customer,
    /// An onboarding.
    Onboarding,
    /// A launch date.
    LaunchDate,
}

impl Locale {
    /// The one of two forms that goes with `n`. Every language here has a singular for 1 alone.
    pub(crate) const fn form<'a>(self, n: i64, one: &'a str, many: &'a str) -> &'a str {
        match self {
            Self::En | Self::De => {
                if n == 1 {
                    one
                } else {
                    many
                }
            }
        }
    }

    /// The noun as it goes with `n`: "business days".
    pub(crate) const fn noun(self, n: i64, noun: Noun) -> &'static str {
        let (one, many) = match (self, noun) {
            (Self::En, Noun::BusinessDay) => ("business day", "business days"),
            (Self::En, Noun::CalendarDay) => ("calendar day", "calendar days"),
            (Self::En, Noun::Day) => ("day", "days"),
            (Self::En, Noun::Customer) => ("customer", "customers"),
            (Self::En, Noun::Onboarding) => ("onboarding", "onboardings"),
            (Self::En, Noun::LaunchDate) => ("launch date", "launch dates"),
            (Self::De, Noun::BusinessDay) => ("Arbeitstag", "Arbeitstage"),
            (Self::De, Noun::CalendarDay) => ("Kalendertag", "Kalendertage"),
            (Self::De, Noun::Day) => ("Tag", "Tage"),
            (Self::De, Noun::Customer) => ("Kunde", "Kunden"),
            (Self::De, Noun::Onboarding) => ("Onboarding", "Onboardings"),
            (Self::De, Noun::LaunchDate) => ("Starttermin", "Starttermine"),
        };
        self.form(n, one, many)
    }

    /// "1 business day", "15 business days".
    pub(crate) fn count(self, n: i64, noun: Noun) -> String {
        format!("{n} {}", self.noun(n, noun))
    }

    /// The same after "for", "in", "ago": "15 Arbeitstagen".
    pub(crate) fn count_after(self, n: i64, noun: Noun) -> String {
        match (self, noun) {
            (Self::De, Noun::BusinessDay | Noun::CalendarDay | Noun::Day) if n != 1 => {
                format!("{n} {}n", self.noun(n, noun))
            }
            _ => self.count(n, noun),
        }
    }

    /// A length of time in the unit that people count in: "15 business days", over a weekend "1 calendar day"; `None` when it began today.
    pub(crate) fn duration(self, age: Age) -> Option<String> {
        unit(age).map(|(n, noun)| self.count(n, noun))
    }

    /// The same after "for", "in", "ago".
    pub(crate) fn duration_after(self, age: Age) -> Option<String> {
        unit(age).map(|(n, noun)| self.count_after(n, noun))
    }

    /// "a", "a and b", "a, b and c".
    pub(crate) fn listed(self, items: &[String]) -> String {
        match items {
            [] => String::new(),
            [only] => only.clone(),
            [head @ .., last] => self.and(&head.join(", "), last),
        }
    }
}

const fn unit(age: Age) -> Option<(i64, Noun)> {
    match age {
        Age { business: 1.., .. } => Some((age.business, Noun::BusinessDay)),
        Age { calendar: 1.., .. } => Some((age.calendar, Noun::CalendarDay)),
        _ => None,
    }
}

phrases! {
    /// Two things.
    fn and(one: &str, other: &str) {
        En => "{one} and {other}",
        De => "{one} und {other}",
    }
}
