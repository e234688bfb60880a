//! What subject lines say: parts that `subject` puts together so that they fit.

use super::{fixed, phrases};
use crate::domain::values::Locale;

impl Locale {
    /// "2 onboardings are past their phase target".
    pub(crate) fn past_target(self, n: i64) -> String {
        let words = match self {
            Self::En => self.form(
                n,
                "onboarding is past its phase target",
                "onboardings are past their phase target",
            ),
            Self::De => self.form(
                n,
                "Onboarding ist über der Zielzeit",
                "Onboardings sind über der Zielzeit",
            ),
        };
        format!("{n} {words}")
    }

    /// "2 onboardings are at risk".
    pub(crate) fn are_at_risk(self, n: i64) -> String {
        let words = match self {
            Self::En => self.form(n, "onboarding is at risk", "onboardings are at risk"),
            Self::De => self.form(n, "Onboarding ist gefährdet", "Onboardings sind gefährdet"),
        };
        format!("{n} {words}")
    }

    /// "2 customers launch soon".
    pub(crate) fn launch_soon(self, n: i64) -> String {
        let words = match self {
            Self::En => self.form(n, "customer launches soon", "customers launch soon"),
            Self::De => self.form(n, "Kunde startet bald", "Kunden starten bald"),
        };
        format!("{n} {words}")
    }

    /// "All 6 on track".
    pub(crate) fn on_track(self, n: i64) -> String {
        match (self, n) {
            (Self::En, 1) => "1 onboarding on track".to_owned(),
            (Self::En, _) => format!("All {n} on track"),
            (Self::De, 1) => "1 Onboarding im Plan".to_owned(),
            (Self::De, _) => format!("Alle {n} im Plan"),
        }
    }
}

fixed! {
    /// The customer of the same line.
    fn you_wait_on_them { En => "; you are waiting on them", De => "; Sie warten auf die Antwort" }
    /// After a fact.
    fn move_is_ours { En => "; the next move is ours", De => "; am Zug sind wir" }
    /// After a fact.
    fn tail_no_launch_date { En => "; no launch date yet", De => "; noch kein Starttermin" }
    /// Somebody else whose name does not fit, as the subject of a sentence.
    fn one_more_customer { En => "1 more customer", De => "1 weiterer Kunde" }
    /// The same as the object of waiting.
    fn one_more_customer_waited_on { En => "1 more customer", De => "1 weiteren Kunden" }
    /// Somebody whose name does not fit.
    fn one_customer { En => "1 customer", De => "1 Kunde" }
    /// An onboarding whose customer's name does not fit.
    fn one_onboarding { En => "1 onboarding", De => "1 Onboarding" }
    /// After a number of customers.
    fn all_since_today { En => ", all since today", De => ", alle seit heute" }
    /// Of a wait that began today.
    fn tail_since_today { En => ", since today", De => ", seit heute" }
    /// When, where it is not known.
    fn soon { En => "soon", De => "bald" }
    /// Nothing is to be done.
    fn all_on_track_short { En => "all on track", De => "alle im Plan" }
}

phrases! {
    /// Within a sentence.
    fn you_are_waiting_on(who: &str) { En => "you are waiting on {who}", De => "Sie warten auf {who}" }
    /// Before whatever else is to be said.
    fn late_lead(at: &str, fact: &str) { En => "Late today, sent {at}: {fact}", De => "Heute verspätet, um {at} Uhr: {fact}" }
    /// Nothing is to be done, within a sentence.
    fn all_n_on_track(n: i64) { En => "all {n} on track", De => "alle {n} im Plan" }
    /// More than the digest shows.
    fn onboardings_today(n: i64, facts: &str) { En => "{n} onboardings today: {facts}", De => "{n} Onboardings heute: {facts}" }
    /// One of several facts.
    fn waiting_on_n(customers: &str) { En => "waiting on {customers}", De => "Warten auf {customers}" }
    /// One of several facts.
    fn n_near_or_past(dates: &str) { En => "{dates} near or past", De => "{dates} nahe oder vorbei" }
    /// On Mondays.
    fn launches_this_week(n: i64, when: &str) { En => "{n} launch dates this week, the first {when}", De => "{n} Starttermine diese Woche, der erste {when}" }
    /// New since the last digest.
    fn new_since_lead(since: &str) { En => "New since {since}:", De => "Neu seit {since}:" }
    /// A fact about one.
    fn is_at_risk(who: &str) { En => "{who} is at risk", De => "{who} ist gefährdet" }
    /// A fact about one.
    fn is_past_its_target(who: &str) { En => "{who} is past its phase target", De => "{who} ist über der Zielzeit" }
    /// A fact about one.
    fn is_past_its_launch(who: &str) { En => "{who} is past its launch date", De => "{who} ist über dem Starttermin" }
    /// A fact about one.
    fn is_days_past_its_launch(who: &str, days: &str) { En => "{who} is {days} past its launch date", De => "{who} ist {days} über dem Starttermin" }
    /// A fact about one.
    fn is_on_track(who: &str) { En => "{who} is on track", De => "{who} ist im Plan" }
    /// Several dates have passed.
    fn launches_passed_first(n: usize, name: &str, days: &str) { En => "{n} launch dates have passed, {name} first ({days} ago)", De => "{n} Starttermine sind vorbei, zuerst {name} (vor {days})" }
    /// Several dates have passed.
    fn launches_passed(n: usize, days: &str) { En => "{n} launch dates have passed, the first {days} ago", De => "{n} Starttermine sind vorbei, der erste vor {days}" }
    /// After a number of customers: who waits longest.
    fn tail_longest_of(name: &str, days: &str) { En => ", {name} longest ({days})", De => ", am längsten auf {name} ({days})" }
    /// After a number of customers.
    fn tail_longest(days: &str) { En => ", the longest {days}", De => ", am längsten {days}" }
    /// After a number of customers; `days` as after "for".
    fn tail_for(days: &str) { En => ", for {days}", De => ", seit {days}" }
    /// After "at risk".
    fn tail_to_launch(days: &str) { En => ", {days} to launch", De => ", noch {days} bis zum Start" }
    /// After a number of launches.
    fn tail_first_of(name: &str, when: &str) { En => ", {name} first, {when}", De => ", zuerst {name}, {when}" }
    /// After a number of launches.
    fn tail_first(when: &str) { En => ", the first {when}", De => ", der erste {when}" }
    /// After what is on track.
    fn tail_launch(date: &str) { En => "; launch {date}", De => "; Start am {date}" }
    /// After what is on track.
    fn tail_next_launch(date: &str) { En => "; next launch {date}", De => "; nächster Start am {date}" }
}
