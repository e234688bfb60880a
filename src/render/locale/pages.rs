//! Words of the pages behind links, and of what is answered to clicks and commands.

use super::{fixed, phrases};
use crate::domain::values::{Channel, Kind, Locale, Reason};

impl Locale {
    /// What a kind is called when there are many.
    #[must_use]
    pub(crate) const fn kinds(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::En, Kind::Digest) => "digests",
            (Self::En, Kind::StalledPhase) => "nudges about phases that stall",
            (Self::En, Kind::WaitingOnCustomer) => "nudges about customers we wait on",
            (Self::En, Kind::CustomerReminder) => "notes about your onboarding",
            (Self::De, Kind::Digest) => "Übersichten",
            (Self::De, Kind::StalledPhase) => "Hinweise auf Phasen über der Zielzeit",
            (Self::De, Kind::WaitingOnCustomer) => "Hinweise auf Kunden, auf die wir warten",
            (Self::De, Kind::CustomerReminder) => "Nachrichten zu Ihrem Onboarding",
        }
    }

    /// What one of a kind is called.
    #[must_use]
    pub(crate) const fn kind(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::En, Kind::Digest) => "digest",
            (Self::En, Kind::StalledPhase) => "nudge about a phase that stalls",
            (Self::En, Kind::WaitingOnCustomer) => "nudge about a customer we wait on",
            (Self::En, Kind::CustomerReminder) => "note to the customer",
            (Self::De, Kind::Digest) => "Übersicht",
            (Self::De, Kind::StalledPhase) => "Hinweis auf eine Phase über der Zielzeit",
            (Self::De, Kind::WaitingOnCustomer) => "Hinweis auf einen Kunden, auf den wir warten",
            (Self::De, Kind::CustomerReminder) => "Nachricht an den Kunden",
        }
    }

    /// How a channel is called.
    #[must_use]
    pub(crate) const fn channel(self, channel: Channel) -> &'static str {
        match (self, channel) {
            (Self::En, Channel::Email) => "e-mail",
            (Self::De, Channel::Email) => "E-Mail",
            (_, Channel::Slack) => "Slack",
        }
    }

    /// When messages of a kind come.
    #[must_use]
    pub(crate) const fn when_kind_comes(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::En, Kind::Digest) => {
                "A digest comes once on each of your working days, when at least one onboarding is due. An onboarding is due when its last reminder lies as many days back as its frequency says."
            }
            (Self::En, Kind::StalledPhase) => {
                "A nudge comes when a phase is past its target: one day past it, past twice and three times the target, then weekly, at most six times."
            }
            (Self::En, Kind::WaitingOnCustomer) => {
                "A nudge comes on its steps only, counted in business days, while the next move is the customer's."
            }
            (Self::En, Kind::CustomerReminder) => {
                "A note goes to the customer while the next step is with them."
            }
            (Self::De, Kind::Digest) => {
                "Eine Übersicht kommt einmal an jedem Ihrer Arbeitstage, wenn mindestens ein Onboarding fällig ist. Fällig ist ein Onboarding, wenn seine letzte Erinnerung so viele Tage zurückliegt, wie seine Häufigkeit sagt."
            }
            (Self::De, Kind::StalledPhase) => {
                "Ein Hinweis kommt, wenn eine Phase über ihrer Zielzeit ist: einen Tag darüber, über der doppelten und der dreifachen Zielzeit, dann wöchentlich, höchstens sechsmal."
            }
            (Self::De, Kind::WaitingOnCustomer) => {
                "Ein Hinweis kommt nur an den Stufen, gezählt in Arbeitstagen, solange der Kunde am Zug ist."
            }
            (Self::De, Kind::CustomerReminder) => {
                "Eine Nachricht geht an den Kunden, solange der nächste Schritt bei ihm liegt."
            }
        }
    }

    /// Why nothing is sent, as the end of a sentence.
    pub(crate) fn because(self, reason: Reason) -> String {
        match self {
            Self::En => reason.as_str().replace('_', " "),
            Self::De => german_reason(reason).to_owned(),
        }
    }

    /// "Your 3 onboardings".
    pub(crate) fn your_onboardings(self, n: i64) -> String {
        match (self, n) {
            (Self::En, 0) => "You have no open onboardings".to_owned(),
            (Self::En, _) => format!("Your {}", self.count(n, super::Noun::Onboarding)),
            (Self::De, 0) => "Sie haben keine offenen Onboardings".to_owned(),
            (Self::De, 1) => "Ihr Onboarding".to_owned(),
            (Self::De, _) => format!("Ihre {n} Onboardings"),
        }
    }

    /// "3 onboardings resting".
    pub(crate) fn onboardings_resting(self, n: i64) -> String {
        match (self, n) {
            (Self::En, 0) => "None of your onboardings rest".to_owned(),
            (Self::En, _) => format!("{} resting", self.count(n, super::Noun::Onboarding)),
            (Self::De, 0) => "Keines Ihrer Onboardings ruht".to_owned(),
            (Self::De, 1) => "1 Onboarding ruht".to_owned(),
            (Self::De, _) => format!("{n} Onboardings ruhen"),
        }
    }
}

const fn german_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TestMode => "ein Testschlüssel hat es verursacht",
        Reason::StateChanged => "der Stand hat sich geändert",
        Reason::MissedSlot => "der Zeitpunkt wurde verpasst",
        Reason::Expired => "die Frist ist vorbei",
        Reason::Superseded => "eine höhere Stufe ging vor",
        Reason::Snoozed => "zurückgestellt",
        Reason::Paused => "pausiert",
        Reason::Completed => "abgeschlossen",
        Reason::Deleted => "gelöscht",
        Reason::CustomerInactive => "der Kunde ist nicht mehr aktiv",
        Reason::ChannelOff => "kein Kanal ist eingeschaltet und erreichbar",
        Reason::OptedOut => "abgemeldet",
        Reason::NoRecipient => "niemand ist zuständig",
        Reason::AddressRefused => "die Adresse wurde abgelehnt",
        Reason::QuietHours => "Ruhezeit",
        Reason::OutsideWorkingHours => "außerhalb der Arbeitszeit",
        Reason::ChannelDown => "der Kanal ist gestört",
        Reason::MessageRefused => "die Nachricht wurde abgelehnt",
        Reason::AttemptsExhausted => "alle Versuche sind verbraucht",
        Reason::Undecodable => "nicht lesbar",
        Reason::OutcomeUnknown => "der Ausgang ist unbekannt",
        Reason::CancelledByOperator => "vom Betrieb abgebrochen",
    }
}

fixed! {
    /// Not made by us, or changed since.
    fn link_incomplete { En => "This link is not complete.", De => "Dieser Link ist nicht vollständig." }
    /// What to do then.
    fn link_incomplete_why { En => "It may have been cut or changed on its way. Open it from the message again.", De => "Er wurde vielleicht unterwegs gekürzt oder verändert. Öffnen Sie ihn noch einmal aus der Nachricht." }
    /// Its time is over.
    fn link_too_old { En => "This link is too old.", De => "Dieser Link ist zu alt." }
    /// What to do then.
    fn link_too_old_why { En => "Links work for thirty days. The newest message has new ones.", De => "Links gelten dreißig Tage. In der neuesten Nachricht stehen neue." }
    /// Its message is not in the ledger.
    fn link_of_nothing { En => "This link belongs to no message that was sent.", De => "Dieser Link gehört zu keiner gesendeten Nachricht." }
    /// Why that may be.
    fn link_of_nothing_why { En => "Links in previews show where they will be, and lead nowhere.", De => "Links in einer Vorschau zeigen nur, wo sie stehen werden." }
    /// A click on a message that is not in the ledger.
    fn message_of_nothing { En => "This message is not known here any more.", De => "Diese Nachricht ist hier nicht mehr bekannt." }
    /// Its message was suppressed.
    fn link_of_test { En => "This message was not sent.", De => "Diese Nachricht wurde nicht gesendet." }
    /// Why.
    fn link_of_test_why { En => "A test key caused it, so its links act on nothing.", De => "Ein Testschlüssel hat sie verursacht, darum bewirken ihre Links nichts." }
    /// Its reader is gone.
    fn link_of_nobody { En => "This link is not yours any more.", De => "Dieser Link gilt für Sie nicht mehr." }
    /// Why.
    fn link_of_nobody_why { En => "The message was for somebody who has left.", De => "Die Nachricht war für jemanden, der nicht mehr da ist." }
    /// We failed.
    fn did_not_work { En => "That did not work.", De => "Das hat nicht geklappt." }
    /// What to do then.
    fn try_again { En => "Nothing was changed. Try again in a minute.", De => "Nichts wurde geändert. Versuchen Sie es in einer Minute noch einmal." }
    /// A page without a button was posted to.
    fn nothing_to_do_here { En => "Nothing to do here.", De => "Hier ist nichts zu tun." }
    /// Something has changed.
    fn done { En => "Done", De => "Erledigt" }
    /// Nothing has.
    fn nothing_changed { En => "Nothing was changed", De => "Nichts wurde geändert" }
    /// To a customer who has unsubscribed.
    fn change_your_mind { En => "If you change your mind, write to your contact.", De => "Falls Sie es sich anders überlegen, schreiben Sie Ihrem Kontakt." }
    /// Whose page it is.
    fn page_for { En => "For", De => "Für" }
    /// Leads on.
    fn more { En => "More", De => "Mehr" }
    /// A form says too little.
    fn choose_a_time { En => "Choose a time, like 07:00.", De => "Wählen Sie eine Uhrzeit, zum Beispiel 07:00." }
    /// A form says too little.
    fn choose_a_weekday { En => "Choose at least one day; to get no digest at all, switch it off among your messages.", De => "Wählen Sie mindestens einen Tag; ganz abstellen können Sie die Übersicht bei Ihren Nachrichten." }
    /// A form says too little.
    fn choose_a_date { En => "Choose a day, like 2026-12-01.", De => "Wählen Sie einen Tag, zum Beispiel 2026-12-01." }
    /// A form says too little.
    fn choose_how_long { En => "Choose for how long.", De => "Wählen Sie, wie lange." }
    /// The onboarding of a link.
    fn not_there_any_more { En => "The onboarding is not there any more.", De => "Das Onboarding gibt es nicht mehr." }
    /// Leads on.
    fn all_my_onboardings { En => "All my onboardings", De => "Alle meine Onboardings" }
    /// Leads on.
    fn choose_messages { En => "Choose which messages come", De => "Auswählen, welche Nachrichten kommen" }
    /// Leads on.
    fn out_of_office { En => "Out of office", De => "Abwesenheit" }
    /// What the button does.
    fn this_ends_the_wait { En => "This ends the wait. The next move is then ours, and nobody is reminded of the wait any more.", De => "Das beendet das Warten. Am Zug sind dann wir, und niemand wird mehr an das Warten erinnert." }
    /// What snoozing does.
    fn reminders_rest { En => "Its reminders rest and resume on the day you choose: no line in a digest, no nudge, no mail to the customer.", De => "Die Erinnerungen ruhen und beginnen wieder an dem Tag, den Sie wählen: keine Zeile in einer Übersicht, kein Hinweis, keine Mail an den Kunden." }
    /// A choice.
    fn until_day_below { En => "Until the day below", De => "Bis zum Tag darunter" }
    /// A field.
    fn another_day { En => "Another day", De => "Ein anderer Tag" }
    /// A field.
    fn for_how_long { En => "For how long?", De => "Wie lange?" }
    /// A button.
    fn snooze { En => "Snooze", De => "Zurückstellen" }
    /// Leads on.
    fn snooze_it { En => "Snooze it", De => "Zurückstellen" }
    /// Leads on.
    fn open_it { En => "Open it", De => "Öffnen" }
    /// Nothing is to be said of it any more.
    fn it_is_closed { En => "It is closed: nobody is reminded of it any more.", De => "Es ist abgeschlossen: niemand wird mehr daran erinnert." }
    /// A verdict.
    fn line_is_due { En => "A line about it is due to you today.", De => "Eine Zeile darüber ist heute für Sie fällig." }
    /// A verdict.
    fn line_is_not_due { En => "No line about it is due to you now.", De => "Eine Zeile darüber ist für Sie jetzt nicht fällig." }
    /// A heading.
    fn looked_at_in_order { En => "What was looked at, in order", De => "Was geprüft wurde, der Reihe nach" }
    /// A heading.
    fn comes_next { En => "What comes next, if nothing changes", De => "Was als Nächstes kommt, wenn sich nichts ändert" }
    /// A heading.
    fn resting { En => "Resting", De => "Ruhend" }
    /// A heading.
    fn was_about { En => "What it was about", De => "Worum es ging" }
    /// Of one that was in a message.
    fn closed_since { En => "Closed since.", De => "Seitdem abgeschlossen." }
    /// Why it rests.
    fn paused_sentence { En => "Paused.", De => "Pausiert." }
    /// A field.
    fn at_what_time { En => "At what time?", De => "Um wie viel Uhr?" }
    /// A field.
    fn on_which_days { En => "On which days?", De => "An welchen Tagen?" }
    /// A title.
    fn when_digest_comes { En => "When your digest comes", De => "Wann Ihre Übersicht kommt" }
    /// A button.
    fn save { En => "Save", De => "Speichern" }
    /// A title.
    fn which_messages_come { En => "Which messages come to you", De => "Welche Nachrichten Sie bekommen" }
    /// What switching off does.
    fn off_is_off { En => "What you switch off comes to you neither by e-mail nor on Slack.", De => "Was Sie abschalten, kommt weder per E-Mail noch in Slack." }
    /// A field.
    fn i_want { En => "I want", De => "Ich möchte" }
    /// A choice.
    fn nobody_rest { En => "Nobody: my messages rest", De => "Niemand: Nachrichten ruhen" }
    /// A field.
    fn first_day_back { En => "First day back (empty: I am here)", De => "Wieder da ab (leer lassen, wenn Sie da sind)" }
    /// A field.
    fn who_gets_mine { En => "Who gets my messages meanwhile?", De => "Wer bekommt inzwischen meine Nachrichten?" }
    /// How it is now.
    fn not_out_of_office { En => "You are not out of office.", De => "Sie sind nicht abwesend." }
    /// A title.
    fn stop_these_notes { En => "Stop these notes?", De => "Diese Nachrichten abbestellen?" }
    /// What the button does.
    fn no_more_notes { En => "No more notes about your onboarding will come to your address. Your contact can still write to you.", De => "An Ihre Adresse kommen dann keine Nachrichten zu Ihrem Onboarding mehr. Ihr Kontakt kann Ihnen weiter schreiben." }
    /// What the button does.
    fn neither_by_mail_nor_slack { En => "They come neither by e-mail nor on Slack any more. Your other messages go on.", De => "Sie kommen dann weder per E-Mail noch in Slack. Ihre anderen Nachrichten kommen weiter." }
    /// A customer has unsubscribed already.
    fn no_more_mail { En => "No more mail will come.", De => "Es kommen keine Mails mehr." }
    /// A customer has unsubscribed.
    fn no_more_of_these { En => "You get no more of these notes.", De => "Sie bekommen diese Nachrichten nicht mehr." }
    /// All is switched off.
    fn none_of_these { En => "You get none of these messages any more.", De => "Sie bekommen keine dieser Nachrichten mehr." }
    /// A form says too little.
    fn choose_day_to_come { En => "Choose a day to come, on which you are back.", De => "Wählen Sie einen künftigen Tag, an dem Sie zurück sind." }
    /// A form names somebody who cannot stand in.
    fn choose_colleague { En => "Choose a colleague who is here.", De => "Wählen Sie jemanden aus dem Team, der da ist." }
    /// An absence has ended.
    fn you_are_here { En => "You are here: your messages come to you.", De => "Sie sind da: Ihre Nachrichten kommen zu Ihnen." }
    /// Nobody stands in.
    fn mine_rest_meanwhile { En => "Your messages rest meanwhile.", De => "Ihre Nachrichten ruhen so lange." }
    /// A snooze says too little.
    fn choose_snooze_day { En => "Choose a day to come, at most a year ahead; reminders resume on it.", De => "Wählen Sie einen künftigen Tag, höchstens ein Jahr voraus; dann beginnen die Erinnerungen wieder." }
    /// Undone before.
    fn taken_back_already { En => "It was taken back already.", De => "Es wurde schon rückgängig gemacht." }
    /// Too late.
    fn ten_minutes_only { En => "Taking it back is possible for ten minutes only.", De => "Rückgängig machen lässt es sich nur zehn Minuten lang." }
    /// A snooze is over.
    fn resumed_since { En => "its reminders have resumed since", De => "die Erinnerungen laufen inzwischen wieder" }
    /// A click on somebody else's message.
    fn for_somebody_else { En => "This message was for somebody else.", De => "Diese Nachricht war für jemand anderen." }
    /// A click that means nothing.
    fn nothing_in_a_digest { En => "There is nothing to do in a digest.", De => "In einer Übersicht gibt es nichts zu tun." }
    /// A click on what is gone.
    fn onboarding_gone { En => "The onboarding is gone.", De => "Das Onboarding gibt es nicht mehr." }
    /// Leads to the page with every gate.
    fn all_gates { En => "All gates", De => "Alle Regeln" }
    /// What `/reminders` understands.
    fn command_help {
        En => "Write `/reminders` for your onboardings, `/reminders snooze 1042 3` to let reminders of #1042 rest for 3 days, or `/reminders why 1042`.",
        De => "`/reminders` zeigt Ihre Onboardings, `/reminders snooze 1042 3` lässt die Erinnerungen an #1042 für 3 Tage ruhen, `/reminders why 1042` sagt, warum.",
    }
    /// To somebody on Slack whom no workspace knows.
    fn nobody_has_your_slack_id {
        En => "Nobody here has your Slack id. Ask whoever runs the reminders to add it to your user.",
        De => "Ihre Slack-ID ist hier bei niemandem eingetragen. Bitten Sie die Person, die die Erinnerungen betreut, sie bei Ihrem Konto einzutragen.",
    }
    /// A number that is not theirs.
    fn not_your_number { En => "None of your open onboardings has this number.", De => "Keines Ihrer offenen Onboardings hat diese Nummer." }
    /// A gate's value.
    fn nothing_is_snoozed { En => "nothing is snoozed", De => "nichts ist zurückgestellt" }
    /// A switch.
    fn on_switch { En => "on", De => "eingeschaltet" }
    /// A switch.
    fn off_switch { En => "off", De => "abgeschaltet" }
}

phrases! {
    /// A link names an onboarding that is not there.
    fn no_onboarding(number: i64) { En => "There is no onboarding #{number}.", De => "Es gibt kein Onboarding #{number}." }
    /// A title.
    fn has_replied(name: &str) { En => "Has {name} replied?", De => "Hat {name} geantwortet?" }
    /// Leads on.
    fn why_do_i_hear_of(name: &str) { En => "Why do I hear of {name}?", De => "Warum erfahre ich von {name}?" }
    /// A choice.
    fn days_until(days: &str, until: &str) { En => "{days}, until {until}", De => "{days}, bis {until}" }
    /// A title.
    fn snooze_name(name: &str) { En => "Snooze {name}", De => "{name} zurückstellen" }
    /// A sentence.
    fn snoozed_until(until: &str) { En => "Snoozed until {until}.", De => "Zurückgestellt bis {until}." }
    /// A verdict.
    fn no_line_because(reason: &str) { En => "No line about it would be sent to you now: {reason}.", De => "Eine Zeile darüber würde Ihnen jetzt nicht gesendet: {reason}." }
    /// When and how a message comes.
    fn day_at_by(day: &str, time: &str, channel: &str) { En => "{day} at {time}, by {channel}", De => "{day} um {time} Uhr, per {channel}" }
    /// A title.
    fn why_you_hear_of(name: &str) { En => "Why you hear of {name}", De => "Warum Sie von {name} erfahren" }
    /// A row.
    fn why_name(name: &str) { En => "Why {name}?", De => "Warum {name}?" }
    /// A title.
    fn why_you_got(kind: &str, day: &str) { En => "Why you got the {kind} of {day}", De => "Warum Sie am {day} diese Nachricht bekommen haben: {kind}" }
    /// How a message went out.
    fn went_out_by(channel: &str, id: &str) { En => "It went out by {channel}; its reference is {id}.", De => "Sie wurde per {channel} gesendet; ihre Kennung ist {id}." }
    /// Whose clock counts.
    fn times_are_those_of(zone: &str) { En => "Times are those of {zone}. A day on which your team does not work moves to the next one that it does.", De => "Die Uhrzeiten gelten in der Zeitzone {zone}. Ein Tag, an dem Ihr Team nicht arbeitet, rückt auf den nächsten Arbeitstag." }
    /// An absence.
    fn out_until(until: &str) { En => "You are out of office until {until}.", De => "Sie sind abwesend und ab {until} wieder da." }
    /// What happens meanwhile.
    fn meanwhile_gets(name: &str) { En => "Meanwhile {name} gets your messages.", De => "Inzwischen bekommt {name} Ihre Nachrichten." }
    /// A title.
    fn stop_kinds(kinds: &str) { En => "Stop {kinds}?", De => "{kinds} abbestellen?" }
    /// Done.
    fn no_more_kinds(kinds: &str) { En => "You get no more {kinds}.", De => "Abbestellt: {kinds}." }
    /// Done.
    fn you_get(kinds: &str) { En => "You get: {kinds}.", De => "Sie bekommen: {kinds}." }
    /// Done.
    fn digest_comes_at(time: &str) { En => "Your digest comes at {time} from the next one on.", De => "Ihre Übersicht kommt ab der nächsten um {time} Uhr." }
    /// It cannot be acted on.
    fn closed_name(name: &str) { En => "{name} is closed.", De => "{name} ist abgeschlossen." }
    /// It is somebody else's.
    fn moved_to(name: &str, to: &str) { En => "{name} moved to {to}.", De => "{name} ist jetzt bei {to}." }
    /// It is nobody's.
    fn not_yours(name: &str) { En => "{name} is not yours any more.", De => "{name} betreuen Sie nicht mehr." }
    /// Another wait has begun.
    fn new_wait(name: &str) { En => "A new wait for {name} has begun since this message.", De => "Seit dieser Nachricht hat ein neues Warten auf {name} begonnen." }
    /// Somebody was faster.
    fn ended_the_wait(who: &str, when: &str) { En => "Already done: {who} ended the wait {when}.", De => "Schon geschehen: {who} hat das Warten {when} beendet." }
    /// Nobody waits.
    fn not_waited_on(name: &str) { En => "{name} is not waited on.", De => "Auf {name} wird nicht gewartet." }
    /// A snooze still lasts.
    fn it_rests_until(until: &str) { En => "it rests until {until}", De => "es ruht bis {until}" }
    /// Somebody was faster.
    fn snoozed_already(who: &str, name: &str, when: &str, rest: &str) { En => "Already done: {who} snoozed {name} {when}; {rest}.", De => "Schon geschehen: {who} hat {name} {when} zurückgestellt; {rest}." }
    /// Done.
    fn wait_has_ended(name: &str) { En => "The wait for {name} has ended. Next move: ours.", De => "Das Warten auf {name} ist zu Ende. Am Zug: wir." }
    /// Done.
    fn snoozed_until_then(name: &str, until: &str) { En => "{name} is snoozed until {until}. Reminders resume on that day.", De => "{name} ist bis {until} zurückgestellt. An diesem Tag beginnen die Erinnerungen wieder." }
    /// Done.
    fn name_snoozed_until(name: &str, until: &str) { En => "{name} is snoozed until {until}.", De => "{name} ist bis {until} zurückgestellt." }
    /// Something else has happened.
    fn changed_since(name: &str) { En => "{name} has changed since.", De => "{name} hat sich seitdem geändert." }
    /// Done.
    fn as_it_was(name: &str) { En => "Taken back: {name} is as it was.", De => "Rückgängig gemacht: {name} ist wie zuvor." }
    /// Why somebody hears of it.
    fn you_hear_of_last_step(name: &str) { En => "you hear of the last step of every long wait, and {name} has reached it", De => "Sie erfahren von der letzten Stufe jedes langen Wartens, und {name} hat sie erreicht" }
    /// Why somebody hears of it.
    fn you_stand_in_for_csm_of(name: &str) { En => "you stand in for the CSM of {name}", De => "Sie vertreten die für {name} zuständige Person" }
    /// How it stands.
    fn waiting_state(since: &str, time: &str, days: &str, steps: &str) {
        En => "It has been waiting on the customer since {since}, {time}: {days} so far. The steps are {steps} business days.",
        De => "Wir warten seit {since}, {time} Uhr, auf den Kunden: bisher {days}. Die Stufen liegen bei {steps} Arbeitstagen.",
    }
    /// How it stands.
    fn phase_state(phase: &str, days: &str, target: &str) { En => "It has been in {phase} for {days}; the target is {target}.", De => "Es ist seit {days} in {phase} (Zielzeit: {target})." }
    /// A value.
    fn it_is_snoozed_until(until: &str) { En => "it is snoozed until {until}", De => "es ist bis {until} zurückgestellt" }
    /// A value.
    fn slack_is(switch: &str, snoozed: &str) { En => "Slack reminders are {switch}, {snoozed}.", De => "Erinnerungen in Slack sind {switch}, {snoozed}." }
    /// Before the role.
    fn you_get_this_because(role: &str) { En => "You get this because {role}.", De => "Grund: {role}." }
    /// Before the role.
    fn you_hear_because(role: &str) { En => "You hear of it because {role}.", De => "Grund: {role}." }
    /// An answer to a command.
    fn nothing_open(resting: usize) { En => "Nothing of yours is open. {resting} resting.", De => "Bei Ihnen ist nichts offen. Ruhend: {resting}." }
    /// An answer to a command.
    fn resting_n(resting: usize) { En => "Resting: {resting}.", De => "Ruhend: {resting}." }
}
