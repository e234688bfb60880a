//! What nudges and the customer's mail say.

use super::{fixed, phrases};
use crate::domain::values::Locale;

impl Locale {
    /// "You have waited": who waits, and how the statement and the subject begin.
    pub(crate) const fn have_waited(self, ours: bool) -> &'static str {
        match (self, ours) {
            (Self::En, true) => "We have waited",
            (Self::En, false) => "You have waited",
            (Self::De, true) => "Wir warten",
            (Self::De, false) => "Sie warten",
        }
    }

    /// "Just answer this mail. It comes to me, …"
    pub(crate) const fn just_answer(self, signed: bool) -> &'static str {
        match (self, signed) {
            (Self::En, true) => "Just answer this mail. It comes to me, and any of these helps:",
            (Self::En, false) => "Just answer this mail. It comes to us, and any of these helps:",
            (Self::De, true) => {
                "Antworten Sie einfach auf diese Mail. Ihre Antwort kommt bei mir an; jede dieser Angaben hilft:"
            }
            (Self::De, false) => {
                "Antworten Sie einfach auf diese Mail. Ihre Antwort kommt bei uns an; jede dieser Angaben hilft:"
            }
        }
    }

    /// Why a customer's contact gets a note; `customer` is none where there is no name to show.
    pub(crate) fn why_customer(self, customer: Option<&str>, sender: &str) -> String {
        match self {
            Self::En => {
                let customer = customer.unwrap_or("the customer");
                format!(
                    "You get this note because you are {customer}’s contact for this onboarding. \
                     It is sent automatically for {sender}, at most once a day, and only while the next step is with you."
                )
            }
            Self::De => {
                let of = customer.map_or_else(String::new, |customer| format!(" von {customer}"));
                format!(
                    "Sie bekommen diese Nachricht als Ansprechperson{of} für dieses Onboarding. \
                     Sie wird automatisch für {sender} gesendet, höchstens einmal am Tag, und nur, solange der nächste Schritt bei Ihnen liegt."
                )
            }
        }
    }
}

fixed! {
    /// After a length that leaves holds out.
    fn holds_not_counted { En => "waiting and pauses not counted", De => "ohne Warten und Pausen" }
    /// To the escalation user.
    fn last_step_you_too { En => "This is the last step, so you are told too.", De => "Das ist die letzte Stufe, darum erfahren auch Sie davon." }
    /// The last step.
    fn last_step { En => "This is the last step.", De => "Das ist die letzte Stufe." }
    /// How often nudges of a phase come.
    fn when_stalled { En => "A nudge comes when a phase is past its target, at most six times.", De => "Ein Hinweis kommt, wenn eine Phase über ihrer Zielzeit ist, höchstens sechsmal." }
    /// How often nudges of a wait come.
    fn when_waiting { En => "A nudge comes on its steps only, while the next move is theirs.", De => "Ein Hinweis kommt nur an den Stufen, solange der Kunde am Zug ist." }
    /// Where a phase has no label.
    fn its_phase { En => "its phase", De => "seiner Phase" }
    /// Where a phase has no label, to customers.
    fn its_next_step { En => "its next step", De => "seinem nächsten Schritt" }
    /// Where the next phase has no label, to customers.
    fn the_next_step { En => "the next step", De => "der nächste Schritt" }
    /// Who signs, where nobody does.
    fn us { En => "us", De => "uns" }
    /// A greeting without a name.
    fn hello { En => "Hello,", De => "Guten Tag," }
    /// The last phase.
    fn last_phase { En => "It is the last one.", De => "Es ist die letzte." }
    /// Ends the mail.
    fn unsubscribe_from_notes { En => "Unsubscribe from these notes", De => "Diese Nachrichten abbestellen" }
}

phrases! {
    /// A phase past its target; `days` as after "for".
    fn has_been_in(who: &str, phase: &str, days: &str, target: &str) { En => "{who} has been in {phase} for {days}; the target is {target}", De => "{who} ist seit {days} in {phase} (Zielzeit: {target})" }
    /// The same without the phase; `days` counted.
    fn is_past_target(who: &str, days: &str, target: i64) { En => "{who} is past its phase target, {days} instead of {target}", De => "{who} ist über der Zielzeit, {days} statt {target}" }
    /// How long somebody is waited on; `days` as after "for".
    fn waited_on_for(lead: &str, who: &str, days: &str) { En => "{lead} on {who} for {days}", De => "{lead} seit {days} auf {who}" }
    /// The same on the first day.
    fn waited_on_since_today(lead: &str, who: &str) { En => "{lead} on {who} since today", De => "{lead} seit heute auf {who}" }
    /// Whose the onboarding is.
    fn csm(name: &str) { En => "CSM: {name}.", De => "CSM: {name}." }
    /// Since when, in calendar days.
    fn since_for(since: &str, days: &str) { En => "Since {since}, {days}.", De => "Seit {since}, {days}." }
    /// Which nudge of a phase, and the next.
    fn nudge_of(number: i64, most: i64, after: &str) { En => "Nudge {number} of at most {most}; the next one after {after}.", De => "Hinweis {number} von höchstens {most}; der nächste nach {after}." }
    /// The last nudge of a phase.
    fn nudge_last(number: i64, most: i64) { En => "Nudge {number} of at most {most}, the last one for this phase.", De => "Hinweis {number} von höchstens {most}, der letzte für diese Phase." }
    /// The last step, and who was told.
    fn last_step_told(name: &str) { En => "This is the last step; {name} was told too.", De => "Das ist die letzte Stufe; auch {name} weiß davon." }
    /// Which step of a wait, and the next.
    fn this_step(days: i64, next: &str) { En => "This is the {days}-day step; the next one comes after {next}.", De => "Das ist die {days}-Tage-Stufe; die nächste kommt nach {next}." }
    /// Why the escalation user's stand-in is told.
    fn why_escalated_for(absent: &str, workspace: &str, onboarding: &str) {
        En => "you stand in for {absent}, who hears of the last step of every long wait in {workspace}, and {onboarding} has reached it",
        De => "Sie vertreten {absent}; dorthin geht die letzte Stufe jedes langen Wartens bei {workspace}, und {onboarding} hat sie erreicht",
    }
    /// Why the escalation user is told.
    fn why_escalated(workspace: &str, onboarding: &str) {
        En => "you hear of the last step of every long wait in {workspace}, and {onboarding} has reached it",
        De => "Sie erfahren von der letzten Stufe jedes langen Wartens bei {workspace}, und {onboarding} hat sie erreicht",
    }
    /// Why the CSM is told.
    fn you_are_csm_of(onboarding: &str) { En => "you are the CSM of {onboarding}", De => "Sie sind CSM von {onboarding}" }
    /// Why the stand-in is told.
    fn you_stand_in_for_csm(name: &str, onboarding: &str) { En => "you stand in for {name}, the CSM of {onboarding}", De => "Sie vertreten {name}, CSM von {onboarding}" }
    /// Why the owner is told.
    fn no_csm_you_stand_in(onboarding: &str) { En => "{onboarding} has no CSM, and you stand in", De => "{onboarding} ist ohne CSM, und Sie springen ein" }
    /// A customer's mail in its subject.
    fn next_step_subject(customer: &str, workspace: &str) { En => "{customer} and {workspace}: the next step is with you", De => "{customer} und {workspace}: der nächste Schritt liegt bei Ihnen" }
    /// The same without the customer.
    fn next_step_of(workspace: &str) { En => "{workspace}: the next step is with you", De => "{workspace}: der nächste Schritt liegt bei Ihnen" }
    /// A greeting.
    fn hello_name(name: &str) { En => "Hello {name},", De => "Guten Tag {name}," }
    /// What is asked of a customer.
    fn short_reply(workspace: &str, phase: &str) {
        En => "Your {workspace} onboarding is at {phase}, and a short reply from you is enough for us to carry on.",
        De => "Ihr Onboarding bei {workspace} steht bei {phase}, und eine kurze Antwort von Ihnen genügt, damit wir weitermachen können.",
    }
    /// The same where a lock screen shows it.
    fn short_reply_to(who: &str) { En => "A short reply to {who} is enough for us to carry on.", De => "Eine kurze Antwort an {who} genügt, damit wir weitermachen können." }
    /// The button of a customer's mail.
    fn reply_to(who: &str) { En => "Reply to {who}", De => "{who} antworten" }
    /// What the mail is, for who cannot see it.
    fn note_from(who: &str) { En => "A note from {who}", De => "Nachricht von {who}" }
    /// Who sends.
    fn name_at(name: &str, workspace: &str) { En => "{name} at {workspace}", De => "{name}, {workspace}" }
    /// Under the signature.
    fn team(workspace: &str) { En => "Customer success, {workspace}", De => "Kundenbetreuung, {workspace}" }
    /// How far it is.
    fn step_of(at: usize, all: usize) { En => "Step {at} of {all}", De => "Schritt {at} von {all}" }
    /// What follows.
    fn next_comes(phase: &str) { En => "Next comes {phase}.", De => "Danach kommt {phase}." }
}

fixed! {
    /// A customer's mail in its subject, without any name.
    fn next_step_bare { En => "The next step of your onboarding is with you", De => "Der nächste Schritt Ihres Onboardings liegt bei Ihnen" }
}
