//! What the gates of an explanation saw. English is the language of operators and of the API, and stands with the values themselves.

use chrono::NaiveDate;

use super::{Noun, clock};
use crate::domain::findings::{Asked, Finding, Meanwhile, Since, Turn, ended};
use crate::domain::values::{CustomerStatus, Kind, Locale, Mode, State};

impl Locale {
    /// What a gate saw, as sentences in one line.
    pub(crate) fn seen(self, seen: &Finding) -> String {
        let said = match self {
            Self::En => seen.to_string(),
            Self::De => german(seen),
        };
        // Customers and people have the names that others gave them.
        self.name(&said)
    }
}

fn german(seen: &Finding) -> String {
    let t = Locale::De;
    let day = |date: &NaiveDate| t.full_day(*date);
    match seen {
        Finding::NotYet => "Das Onboarding gab es zu dieser Zeit noch nicht.".to_owned(),
        Finding::Onboarding { deleted: true } => "Das Onboarding wurde gelöscht.".to_owned(),
        Finding::Onboarding { deleted: false } => "Das Onboarding besteht.".to_owned(),
        Finding::CustomerDeleted { customer } => format!("{customer} wurde gelöscht."),
        Finding::CustomerStatus { customer, status } => {
            let status = match status {
                CustomerStatus::Onboarding => "im Onboarding",
                CustomerStatus::Active => "aktiv",
                CustomerStatus::AtRisk => "gefährdet",
                CustomerStatus::Churned => "abgewandert",
                CustomerStatus::Archived => "archiviert",
            };
            format!("Der Status von {customer} ist „{status}“.")
        }
        Finding::Phase { completed: true } => "Das Onboarding ist abgeschlossen.".to_owned(),
        Finding::Phase { completed: false } => "Das Onboarding ist nicht abgeschlossen.".to_owned(),
        Finding::State(state) => {
            let state = match state {
                State::Active => "aktiv",
                State::Paused => "pausiert",
                State::AtRisk => "gefährdet",
                State::Waiting => "wartet auf den Kunden",
            };
            format!("Der Stand des Onboardings ist „{state}“.")
        }
        Finding::Snoozed(None) => "Es ist nicht zurückgestellt.".to_owned(),
        Finding::Snoozed(Some(until)) => {
            format!("Es ist zurückgestellt; die Erinnerungen beginnen wieder am {}.", day(until))
        }
        Finding::Account { person, active: true } => format!("Das Konto von {person} ist aktiv."),
        Finding::Account { person, active: false } => {
            format!("Das Konto von {person} ist deaktiviert.")
        }
        Finding::Wanted { person, kind, on } => {
            let messages = match kind {
                Kind::Digest => "Übersichten",
                _ => "Hinweise dieser Art",
            };
            format!("{person} hat {messages} {}.", switched(*on))
        }
        Finding::Channel(channel) => format!("Die Nachricht wird per {} gesendet.", t.channel(*channel)),
        Finding::NoChannel { person, email, slack } => format!(
            "Erinnerungen per E-Mail sind {}, in Slack {}; {person} ist per E-Mail {} und in Slack {}.",
            switched(email.on),
            switched(slack.on),
            reachable(email.reaches),
            reachable(slack.reaches),
        ),
        Finding::NoNudgeChannel { person, slack, email } => format!(
            "Erinnerungen in Slack sind {}, per E-Mail {}; auf keinem Weg ist {person} erreichbar.",
            switched(*slack),
            switched(*email),
        ),
        Finding::Due { every, since, from, asked } => {
            let often = match every {
                ..=1 => "jeden Tag".to_owned(),
                n => format!("alle {n} Tage"),
            };
            let since = match since {
                Since::Reminder(date) => format!("die letzte Erinnerung war am {}", day(date)),
                Since::Creation(date) => format!("angelegt wurde es am {}", day(date)),
            };
            let (from, asked) = (day(from), day(asked));
            format!("Daran wird {often} erinnert, {since}: fällig ab {from}; gefragt ist {asked}.")
        }
        Finding::CustomerReminders { workspace, on } => {
            format!("Nachrichten an Kunden sind bei {workspace} {}.", switched(*on))
        }
        Finding::Unsubscribed { contact, yes: true } => format!("{contact} hat sich abgemeldet."),
        Finding::Unsubscribed { contact, yes: false } => {
            format!("{contact} hat sich nicht abgemeldet.")
        }
        Finding::Contact { contact } => {
            format!("Nachrichten an Kunden werden per E-Mail gesendet, an {contact}.")
        }
        Finding::Nobody => {
            "Weder ein CSM noch wem der Arbeitsbereich gehört ist aktiv, darum erfährt es niemand.".to_owned()
        }
        Finding::Slot { person, date, time, zone } => format!(
            "Die Übersicht für {person} vom {} kommt um {} Uhr ({zone}).",
            day(date),
            clock(*time)
        ),
        Finding::NoSlot { person, date, next: Some(next) } => format!(
            "Am {} bekommt {person} keine Übersicht; die nächste kommt am {}.",
            day(date),
            day(next)
        ),
        Finding::NoSlot { person, next: None, .. } => {
            format!("{person} bekommt innerhalb eines Jahres keine Übersicht.")
        }
        Finding::TooQuiet(end) => format!(
            "Die Ruhezeit dauert bis {} Uhr, länger als die Übersicht gilt; ihre Zeilen kommen in die nächste.",
            clock(*end)
        ),
        Finding::QuietUntil(end) => {
            format!("Die Ruhezeit verschiebt sie auf {} Uhr.", clock(*end))
        }
        Finding::NotQuiet => "Sie fällt nicht in die Ruhezeit.".to_owned(),
        Finding::NoQuietHours { person } => format!("{person} hat keine Ruhezeit."),
        Finding::Mode(Mode::Live) => {
            "Kein Testschlüssel hat es angelegt oder zuletzt CSM oder Erinnerungen eingestellt.".to_owned()
        }
        Finding::Mode(Mode::Test) => {
            "Ein Testschlüssel hat es angelegt oder zuletzt CSM oder Erinnerungen eingestellt: Die Übersicht wird erstellt und aufbewahrt, aber nie gesendet. Stellt ein Live-Schlüssel sie ein, gilt das nicht mehr.".to_owned()
        }
        Finding::Desk { owner, csm, asked } => {
            let role = if *csm {
                format!("CSM ist {owner}.")
            } else {
                format!("Der Arbeitsbereich gehört {owner}, und kein CSM ist aktiv.")
            };
            match asked {
                Asked::Owner => role,
                Asked::Backup(name) => format!("{role} Die Vertretung ist {name}."),
                Asked::Stranger(name) => format!("{role} {name} erfährt von diesem Onboarding nichts."),
            }
        }
        Finding::InOffice { owner } => format!("{owner} ist nicht abwesend."),
        Finding::Away { owner, until, meanwhile } => {
            let out = format!("{owner} ist abwesend und ab {} wieder da", day(until));
            match meanwhile {
                Meanwhile::StandsIn(name) => format!("{out}; die Vertretung ist {name}."),
                Meanwhile::NoBackup => {
                    format!("{out}, hat aber keine Vertretung: so lange ruhen die Erinnerungen.")
                }
                Meanwhile::BackupAway(name) => format!(
                    "{out}, und auch {name} ist abwesend: Die Erinnerungen ruhen, bis jemand von beiden zurück ist."
                ),
                Meanwhile::BackupGone(name) => format!(
                    "{out}; das Konto von {name} ist deaktiviert: so lange ruhen die Erinnerungen."
                ),
            }
        }
        Finding::Step { kind, number, days, turn } => {
            let counts = match kind {
                Kind::WaitingOnCustomer => {
                    format!("{} Warten auf den Kunden", t.count(*days, Noun::BusinessDay))
                }
                _ => format!("{} in der Phase", t.count(*days, Noun::Day)),
            };
            let turn = match turn {
                Turn::Now => "ist erreicht und noch nicht gemeldet",
                Turn::OnItsWay => "ist unterwegs",
                Turn::Told => "ist schon gemeldet",
                Turn::Over => "war schon an der Reihe",
            };
            format!("Stufe {number} ({counts}) {turn}.")
        }
        Finding::NudgeChannel(channel) => format!("Der Hinweis wird per {} gesendet.", t.channel(*channel)),
        Finding::NudgeHeld(Some(reason)) => {
            format!("Der Hinweis wird nicht gesendet: {}.", t.because(*reason))
        }
        Finding::NudgeHeld(None) => "Der Hinweis ist nicht fällig.".to_owned(),
        Finding::WorkingHours { person } => {
            format!("Das ist innerhalb der Arbeitszeit von {person}.")
        }
        Finding::NextNudge { date, time, zone } => format!(
            "Der nächste Hinweis kann am {} um {} Uhr ({zone}) gesendet werden, innerhalb der Arbeitszeit.",
            day(date),
            clock(*time)
        ),
        Finding::NoNudge => "Es kommt kein weiterer Hinweis.".to_owned(),
        Finding::QueuePaused { queue, by, reason, since } => format!(
            "Die Nachricht wartet: {by} hat die Warteschlange „{queue}“ am {} um {} Uhr (UTC) angehalten. Grund: {}",
            day(&since.date_naive()),
            clock(since.time()),
            ended(reason)
        ),
        Finding::ChannelDown { channel, reason, since, next } => format!(
            "Die Nachricht wartet: {} ist seit {}, {} Uhr (UTC) gestört; nächster Versuch um {} Uhr. Letzte Antwort: {}",
            t.channel(*channel),
            day(&since.date_naive()),
            clock(since.time()),
            clock(next.time()),
            ended(reason)
        ),
    }
}

const fn switched(on: bool) -> &'static str {
    if on { "eingeschaltet" } else { "abgeschaltet" }
}

const fn reachable(reaches: bool) -> &'static str {
    if reaches { "erreichbar" } else { "nicht erreichbar" }
}
