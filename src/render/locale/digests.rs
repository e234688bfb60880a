//! What a digest says as a whole, and the words of mails and Slack messages around it.

use super::{Noun, fixed, phrases};
use crate::domain::values::Locale;

impl Locale {
    /// "1 onboarding needs a move from us": ours to act on.
    pub(crate) fn ours_need(self, n: i64) -> String {
        let onboardings = self.count(n, Noun::Onboarding);
        match self {
            Self::En => format!("{onboardings} {} a move from us", self.form(n, "needs", "need")),
            Self::De => format!("bei {onboardings} sind wir am Zug"),
        }
    }

    /// "3 customers", as the object of waiting.
    pub(crate) fn customers_waited_on(self, n: i64) -> String {
        match self {
            Self::En => self.count(n, Noun::Customer),
            Self::De => format!("{n} Kunden"),
        }
    }

    /// The first sentence where customers are waited on and nothing else is to be done.
    pub(crate) fn waiting_only(self, n: i64, customers: &str) -> String {
        match self {
            Self::En => format!("You are waiting on {customers}; the next move is theirs."),
            Self::De => format!(
                "Sie warten auf {customers}; {}.",
                self.form(n, "er ist am Zug", "sie sind am Zug")
            ),
        }
    }

    /// The first sentence where nothing is to be done.
    pub(crate) fn all_on_track(self, n: i64) -> String {
        match (self, n) {
            (Self::En, 1) => "The onboarding due today is on track.".to_owned(),
            (Self::En, _) => format!("All {n} onboardings due today are on track."),
            (Self::De, 1) => "Das heute fällige Onboarding ist im Plan.".to_owned(),
            (Self::De, _) => format!("Alle {n} heute fälligen Onboardings sind im Plan."),
        }
    }

    /// "2 phases moved".
    pub(crate) fn phases_moved(self, n: i64) -> String {
        let words = match self {
            Self::En => self.form(n, "phase moved", "phases moved"),
            Self::De => "Phasenwechsel",
        };
        format!("{n} {words}")
    }

    /// "2 launch dates moved".
    pub(crate) fn launch_dates_moved(self, n: i64) -> String {
        match self {
            Self::En => format!("{} moved", self.count(n, Noun::LaunchDate)),
            Self::De => format!("{} verschoben", self.count(n, Noun::LaunchDate)),
        }
    }

    /// Why the reader gets a digest of `n` onboardings.
    pub(crate) fn why_digest(self, n: i64, as_csm: bool) -> String {
        match self {
            Self::En => {
                let these = if n == 1 {
                    "this onboarding".to_owned()
                } else {
                    format!("these {n} onboardings")
                };
                let due = self.form(n, "it was due today", "each of them was due today");
                format!("{} {these}, and {due}.", english_role(as_csm))
            }
            Self::De => {
                let due = self.form(n, "es war heute fällig", "jedes davon war heute fällig");
                match (as_csm, n) {
                    (true, 1) => format!("Sie sind CSM dieses Onboardings, und {due}."),
                    (true, _) => format!("Sie sind CSM dieser {n} Onboardings, und {due}."),
                    (false, 1) => {
                        format!(
                            "Sie sind CSM dieses Onboardings oder vertreten dessen CSM, und {due}."
                        )
                    }
                    (false, _) => format!(
                        "Sie sind CSM dieser {n} Onboardings oder vertreten deren CSM, und {due}."
                    ),
                }
            }
        }
    }

    /// The same in fewer words.
    pub(crate) fn why_digest_short(self, n: i64, as_csm: bool) -> String {
        match (self, n) {
            (Self::En, 1) => format!("{} this one, and it was due today.", english_role(as_csm)),
            (Self::En, _) => format!("{} these {n}, and each was due today.", english_role(as_csm)),
            (Self::De, _) => self.why_digest(n, as_csm),
        }
    }

    /// "Open my 11 onboardings".
    pub(crate) fn open_my_onboardings(self, n: i64) -> String {
        match (self, n) {
            (Self::En, _) => format!("Open my {}", self.count(n, Noun::Onboarding)),
            (Self::De, 1) => "Mein Onboarding öffnen".to_owned(),
            (Self::De, _) => format!("Meine {n} Onboardings öffnen"),
        }
    }

    /// The onboardings that the reader has in all.
    pub(crate) fn you_have_in_all(self, n: i64) -> String {
        match (self, n) {
            (Self::En, _) => {
                format!("You have {n} open {} in all.", self.noun(n, Noun::Onboarding))
            }
            (Self::De, 1) => "Insgesamt haben Sie 1 offenes Onboarding.".to_owned(),
            (Self::De, _) => format!("Insgesamt haben Sie {n} offene Onboardings."),
        }
    }

    /// Leads to those that rest.
    pub(crate) fn see_those(self, n: i64) -> String {
        match (self, n) {
            (Self::En, 1) => "See it".to_owned(),
            (Self::En, _) => format!("See those {n}"),
            (Self::De, 1) => "Dieses ansehen".to_owned(),
            (Self::De, _) => format!("Diese {n} ansehen"),
        }
    }

    /// What a person is called when spoken to: "Maren", "Maren Holt".
    pub(crate) fn address_name(self, clean: &str) -> &str {
        match self {
            Self::En => super::super::words::first_name(clean),
            // With "Sie" goes the whole name.
            Self::De => clean,
        }
    }
}

const fn english_role(as_csm: bool) -> &'static str {
    if as_csm { "you are the CSM of" } else { "you are the CSM, or stand in for the CSM, of" }
}

fixed! {
    /// After a number of lines.
    fn newly_shown { En => "new", De => "neu" }
    /// After a number of lines.
    fn in_another_group { En => "in another group", De => "in anderer Gruppe" }
    /// After a number of onboardings.
    fn snoozed { En => "snoozed", De => "zurückgestellt" }
    /// After a number of onboardings.
    fn paused { En => "paused", De => "pausiert" }
    /// Of somebody who has no digest to compare with.
    fn first_digest {
        En => "This is your first digest; from the next one on it says what has changed.",
        De => "Das ist Ihre erste Übersicht; ab der nächsten steht hier, was sich geändert hat.",
    }
    /// Between those who must move in a preheader.
    fn on_our_side { En => " On our side: ", De => " Bei uns: " }
    /// What a digest promises.
    fn nothing_due_no_mail { En => "Nothing due, no mail.", De => "Ist nichts fällig, kommt keine Mail." }
    /// Nothing rests.
    fn nothing_rests { En => "Nothing is snoozed or paused.", De => "Nichts ist zurückgestellt oder pausiert." }
    /// What the mail is, for who cannot see it.
    fn digest_label { En => "Onboarding digest", De => "Onboarding-Übersicht" }
    /// What the mail is, for who cannot see it.
    fn nudge_label { En => "Onboarding nudge", De => "Onboarding-Hinweis" }
    /// Leads to the reader's rhythm.
    fn change_time_or_days { En => "Change time or days", De => "Zeit oder Tage ändern" }
    /// Leads to the explanation of a digest.
    fn explain_this_digest { En => "Explain this digest", De => "Diese Übersicht erklären" }
    /// Leads to the end of digests.
    fn unsubscribe_from_digests { En => "Unsubscribe from e-mail digests", De => "Übersichten per E-Mail abbestellen" }
    /// Leads to the end of nudges.
    fn unsubscribe_from_nudges { En => "Unsubscribe from e-mail nudges", De => "Hinweise per E-Mail abbestellen" }
    /// Leads to the end of whatever it stands under.
    fn unsubscribe { En => "Unsubscribe", De => "Abbestellen" }
    /// Leads to the end of digests on Slack.
    fn stop_slack_digests { En => "Stop Slack digests", De => "Übersichten in Slack abbestellen" }
    /// Leads to the explanation of a message.
    fn why_this_message { En => "Why this message", De => "Warum diese Nachricht" }
    /// Leads to the choice of messages.
    fn change_what_you_get { En => "Change what you get", De => "Nachrichten auswählen" }
    /// Leads to the button that ends the wait.
    fn the_customer_replied { En => "The customer\u{a0}replied", De => "Der Kunde hat\u{a0}geantwortet" }
    /// The button that ends the wait.
    fn customer_replied { En => "Customer replied", De => "Kunde hat geantwortet" }
    /// Lets reminders rest.
    fn snooze_3_days { En => "Snooze 3\u{a0}days", De => "3\u{a0}Tage\u{a0}zurückstellen" }
    /// Leads to the explanation of a line.
    fn why_is_this_here { En => "Why is this here?", De => "Warum\u{a0}hier?" }
    /// The same on Slack.
    fn why { En => "Why?", De => "Warum?" }
    /// Leads to an onboarding.
    fn open { En => "Open", De => "Öffnen" }
    /// Leads to all that can be done about an onboarding.
    fn open_snooze_or_ask { En => "Open, snooze or ask why", De => "Öffnen, zurückstellen oder Grund ansehen" }
    /// Takes back what was done.
    fn undo { En => "Undo", De => "Rückgängig" }
    /// Heading of what happened during an absence.
    fn while_you_were_out { En => "While you were out", De => "Während Ihrer Abwesenheit" }
    /// After a number of onboardings.
    fn closed { En => "closed", De => "abgeschlossen" }
    /// After a number of onboardings.
    fn moved_to_another_phase { En => "moved to another phase", De => "in anderer Phase" }
    /// After a number of onboardings.
    fn answered { En => "answered", De => "beantwortet" }
    /// After a number of onboardings.
    fn marked_at_risk_since { En => "marked at risk", De => "als gefährdet markiert" }
    /// After a number of onboardings.
    fn new_waiting { En => "new waiting", De => "neu wartend" }
    /// After a number of onboardings.
    fn still_waiting { En => "still waiting", De => "weiter wartend" }
    /// A wait that has just begun.
    fn less_than_a_day { En => "less than a day", De => "weniger als einem Tag" }
}

phrases! {
    /// The first sentence, where customers are waited on and we are.
    fn waiting_and(customers: &str, ours: &str) { En => "You are waiting on {customers}, and {ours}.", De => "Sie warten auf {customers}, und {ours}." }
    /// Closed since the last digest, and nothing else.
    fn since_closed_only(since: &str, closed: i64) { En => "Since {since}: {closed} closed, no other change.", De => "Seit {since}: {closed} abgeschlossen, sonst keine Änderung." }
    /// What has changed, none closed.
    fn since_none_closed(since: &str, changes: &str) { En => "Since {since}: {changes}. None closed.", De => "Seit {since}: {changes}. Keines abgeschlossen." }
    /// What has changed.
    fn since_and_closed(since: &str, changes: &str, closed: i64) { En => "Since {since}: {changes}, {closed} closed.", De => "Seit {since}: {changes}, {closed} abgeschlossen." }
    /// Owns up to a late digest.
    fn late_today(at: &str, instead: &str) { En => "Late today: sent at {at} instead of {instead}.", De => "Heute verspätet: gesendet um {at} statt um {instead} Uhr." }
    /// For whom the reader stands in.
    fn stands_in(name: &str, until: &str) { En => "For {name}, out until {until}", De => "Für {name}, wieder da ab {until}" }
    /// In a preheader.
    fn is_new(name: &str) { En => "{name} new", De => "{name} neu" }
    /// In a preheader.
    fn waits_since_today(name: &str) { En => "{name} since today", De => "{name} seit heute" }
    /// In a preheader.
    fn at_risk_short(name: &str) { En => "{name} at risk", De => "{name} gefährdet" }
    /// In a preheader.
    fn past_launch_short(name: &str, days: &str) { En => "{name} {days} past its launch date", De => "{name} {days} über dem Starttermin" }
    /// When somebody launches.
    fn launches(name: &str, when: &str) { En => "{name} launches {when}", De => "{name} startet {when}" }
    /// The day of a launch, after "launches".
    fn launch_weekday(day: &str) { En => "{day}", De => "am {day}" }
    /// In a preheader.
    fn stalled_short(name: &str) { En => "{name} stalled", De => "{name} über der Zielzeit" }
    /// When digests come, by default.
    fn each_working_morning(days: &str, time: &str, zone: &str) { En => "One digest each working morning, {days} at {time} ({zone}).", De => "Eine Übersicht an jedem Arbeitstag, {days} um {time} Uhr ({zone})." }
    /// When digests come.
    fn at_most_one_a_day(days: &str, time: &str, zone: &str) { En => "At most one digest a day, {days} at {time} ({zone}).", De => "Höchstens eine Übersicht am Tag, {days} um {time} Uhr ({zone})." }
    /// When digests come, short.
    fn days_at(days: &str, time: &str, zone: &str) { En => "{days} at {time}, {zone}.", De => "{days} um {time} Uhr, {zone}." }
    /// Sender's name of mails to staff.
    fn mail_name_of(workspace: &str) { En => "{workspace} onboardings", De => "{workspace} Onboardings" }
    /// Whose calendar counts.
    fn calendar_of(workspace: &str) { En => "Business days follow {workspace}’s calendar.", De => "Arbeitstage nach dem Kalender von {workspace}." }
    /// As of when, and under which reference.
    fn as_of(time: &str, id: &str) { En => "As of {time}; reference {id}", De => "Stand {time} Uhr; Kennung {id}" }
    /// Under which reference.
    fn reference(id: &str) { En => "Reference {id}", De => "Kennung {id}" }
    /// Lines that did not fit, with a link.
    fn and_more(n: usize) { En => "and {n} more", De => "und {n} weitere" }
    /// Lines that did not fit, without a link.
    fn and_more_elsewhere(n: usize) { En => "and {n} more, which do not fit here", De => "und {n} weitere, für die hier kein Platz ist" }
    /// What is the reader's and not listed.
    fn not_in_digest(what: &str) { En => "Not in this digest: {what}.", De => "Nicht in dieser Übersicht: {what}." }
    /// The same on Slack.
    fn not_here(what: &str) { En => "Not here: {what}.", De => "Nicht hier: {what}." }
    /// Leads to those that are snoozed.
    fn snoozed_n(n: i64) { En => "Snoozed ({n})", De => "Zurückgestellt ({n})" }
    /// A button of a message about one onboarding.
    fn open_number(id: i64) { En => "Open #{id}", De => "#{id} öffnen" }
    /// The text of a button beside which the long label stands.
    fn open_my(n: i64) { En => "Open my {n}", De => "Meine {n} öffnen" }
    /// The longest wait, by name.
    fn longest_wait_of(name: &str, days: &str) { En => "Longest wait: {name}, {days}.", De => "Längstes Warten: {name}, {days}." }
    /// The longest wait.
    fn longest_wait(days: &str) { En => "Longest wait: {days}.", De => "Längstes Warten: {days}." }
    /// Label of a button: ends the wait.
    fn label_replied(who: &str) { En => "{who} replied: end waiting", De => "{who} hat geantwortet: Warten beenden" }
    /// Label of a button: lets reminders rest.
    fn label_snooze(who: &str) { En => "Snooze {who} for 3 days", De => "{who} 3 Tage zurückstellen" }
    /// Label of a button: explains.
    fn label_why(who: &str) { En => "Why this message about {who}", De => "Warum diese Nachricht über {who}" }
    /// Label of a button: opens.
    fn label_open(who: &str) { En => "Open {who}", De => "{who} öffnen" }
    /// Label of a button: takes back.
    fn label_undo(who: &str) { En => "Undo what was done about {who}", De => "Änderung an {who} rückgängig machen" }
    /// Nothing happened during an absence.
    fn nothing_changed_since(since: &str) { En => "Nothing has changed since {since}.", De => "Seit {since} hat sich nichts geändert." }
    /// What happened during an absence.
    fn to_know_of(onboardings: &str, since: &str, what: &str) { En => "{onboardings} to know of since {since}: {what}.", De => "Wichtig seit {since}: {onboardings}, davon {what}." }
    /// Who stood in.
    fn stood_in(name: &str) { En => "{name} stood in for you.", De => "{name} hat Sie vertreten." }
    /// When and by whom something was done.
    fn on_by(day: &str, name: &str) { En => " on {day}, by {name}", De => " am {day} durch {name}" }
    /// Completed meanwhile.
    fn was_completed(who: &str, by: &str) { En => "{who}: completed{by}.", De => "{who}: abgeschlossen{by}." }
    /// Moved meanwhile.
    fn was_moved(who: &str, from: &str, to: &str, by: &str) { En => "{who}: moved from {from} to {to}{by}.", De => "{who}: von {from} zu {to} gewechselt{by}." }
    /// No longer waited on.
    fn was_answered(who: &str, by: &str) { En => "{who}: no longer waiting on the customer, marked{by}.", De => "{who}: wir warten nicht mehr auf den Kunden, vermerkt{by}." }
    /// At risk meanwhile.
    fn was_at_risk(who: &str, by: &str) { En => "{who}: marked at risk{by}.", De => "{who}: als gefährdet markiert{by}." }
    /// Waited on meanwhile.
    fn waits_now(who: &str, by: &str) { En => "{who}: waiting on the customer, marked{by}.", De => "{who}: wir warten auf den Kunden, vermerkt{by}." }
    /// Waited on all the time.
    fn still_waits(who: &str, days: &str) { En => "{who}: still waiting on the customer, for {days}.", De => "{who}: wir warten weiter auf den Kunden, seit {days}." }
    /// Lines that did not fit.
    fn and_more_sentence(n: usize) { En => "and {n} more.", De => "und {n} weitere." }
}
