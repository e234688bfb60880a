//! The words that stand in the templates themselves, there as `t.…`.

use serde::Serialize;

use crate::domain::values::Locale;

/// What templates know as `t`.
#[derive(Debug, Serialize)]
pub(in crate::render) struct Labels {
    /// The language, for the `lang` of a mail.
    lang: &'static str,
    /// What the message is, for who cannot see it.
    mail: &'static str,
    /// Over a launch date.
    launch: &'static str,
    /// Instead of one.
    no_date_yet: &'static str,
    /// After the workspace's name, at the head of a mail.
    onboardings: &'static str,
    /// Before the reason.
    why_you_get_this: &'static str,
    /// Heading of what a digest does not list.
    all_of_yours: &'static str,
    /// The customer's mail in one sentence.
    next_step_is_with_you: &'static str,
    /// What a customer may answer with.
    helps: [&'static str; 4],
    /// For who has answered.
    thanks: &'static str,
    /// Before the signature.
    kind_regards: &'static str,
}

const ENGLISH: Labels = Labels {
    lang: "en",
    mail: "email",
    launch: "Launch",
    no_date_yet: "no date yet",
    onboardings: "onboardings",
    why_you_get_this: "Why you get this",
    all_of_yours: "ALL OF YOURS",
    next_step_is_with_you: "The next step is with you",
    helps: [
        "what you have so far, even if it is not complete",
        "a day that suits you better",
        "a question, if we have not been clear",
        "the name of a colleague who is the better person to ask",
    ],
    thanks: "If your answer is already on its way: thank you, and please ignore this note.",
    kind_regards: "Kind regards,",
};

const GERMAN: Labels = Labels {
    lang: "de",
    mail: "E-Mail",
    launch: "Start",
    no_date_yet: "noch kein Termin",
    onboardings: "Onboardings",
    why_you_get_this: "Warum Sie das bekommen",
    all_of_yours: "ALLE IHRE ONBOARDINGS",
    next_step_is_with_you: "Der nächste Schritt liegt bei Ihnen",
    helps: [
        "was Sie schon haben, auch wenn es noch nicht vollständig ist",
        "ein Tag, der Ihnen besser passt",
        "eine Frage, falls wir uns nicht klar ausgedrückt haben",
        "der Name der Person, an die wir uns besser wenden",
    ],
    thanks: "Falls Ihre Antwort schon unterwegs ist: vielen Dank. Diese Nachricht ist dann erledigt.",
    kind_regards: "Freundliche Grüße",
};

impl Labels {
    /// The labels of a language.
    pub(in crate::render) const fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &ENGLISH,
            Locale::De => &GERMAN,
        }
    }

    /// What a customer may answer with.
    pub(in crate::render) const fn helps(&self) -> [&'static str; 4] {
        self.helps
    }

    /// For who has answered already.
    pub(in crate::render) const fn thanks(&self) -> &'static str {
        self.thanks
    }

    /// Before the reason.
    pub(in crate::render) const fn why_you_get_this(&self) -> &'static str {
        self.why_you_get_this
    }
}
