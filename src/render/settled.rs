//! What a nudge on Slack says when its reason has gone: what is true now, who did it, and for a while a way to take it back.

use chrono::NaiveDate;
use serde_json::json;

use super::Brand;
use super::links::MessageLinks;
use super::locale::Noun;
use super::slack::{escape, link, section};
use crate::domain::message::{Click, SlackPost};
use crate::domain::values::Locale;

/// What is true now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The wait has ended, after so many business days.
    Replied {
        /// Who said so, and when: "Maren Holt at 09:04".
        by: Option<String>,
        /// How long it was.
        waited: Option<i64>,
    },
    /// It is in another phase now.
    Moved {
        /// Who moved it, and when.
        by: Option<String>,
        /// Label of the phase.
        to: String,
    },
    /// The customer owes the next step now.
    Waits {
        /// Who said so, and when.
        by: Option<String>,
    },
    /// Somebody paused it.
    Paused {
        /// Who, and when.
        by: Option<String>,
    },
    /// Its reminders rest.
    Snoozed {
        /// Until when.
        until: NaiveDate,
        /// Who said so.
        by: Option<String>,
    },
    /// It is somebody else's.
    Reassigned {
        /// Whose.
        to: String,
    },
    /// It is completed, or gone.
    Closed,
}

/// A nudge whose reason has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The ledger's id.
    pub notification_id: String,
    /// Its kind, for Slack's metadata.
    pub event_type: String,
    /// The small number people use.
    pub display_id: i64,
    /// The customer's name as typed.
    pub customer: String,
    /// The reader's date.
    pub today: NaiveDate,
    /// What is true now.
    pub what: What,
    /// The button that takes it back, while that is possible.
    pub undo: Option<Click>,
}

/// The message in its new words.
pub(super) fn post(settled: &Settled, links: MessageLinks<'_>, brand: &Brand) -> SlackPost {
    let t = brand.locale;
    let name = t.name(&settled.customer);
    let number = format!("#{}", settled.display_id);
    let who = if brand.names_in_subjects { escape(&name) } else { number.clone() };
    let url = links.onboarding(settled.display_id);
    let mut blocks = vec![section("say_done", &said(t, settled, &link(url.as_deref(), &name)))];
    if let Some(undo) = settled.undo.filter(|_| links.clicks()) {
        let value = json!({ "v": 1, "n": settled.notification_id }).to_string();
        blocks.push(json!({ "type": "actions", "block_id": "do_done", "elements": [{
            "type": "button", "action_id": undo.as_str(), "value": value,
            "text": { "type": "plain_text", "text": t.undo() },
            "accessibility_label": t.label_undo(&number),
        }] }));
    }
    SlackPost { text: said(t, settled, &who), blocks, event_type: settled.event_type.clone() }
}

/// The sentences, around a name that is escaped already.
fn said(t: Locale, settled: &Settled, who: &str) -> String {
    let by = |by: &Option<String>, words: fn(Locale, &str) -> String| {
        by.as_ref().map_or_else(String::new, |by| words(t, &escape(by)))
    };
    match &settled.what {
        What::Replied { by: whom, waited } => {
            let ended = waited.map_or_else(String::new, |days| {
                t.waiting_ended(&t.count_after(days, Noun::BusinessDay))
            });
            t.replied(who, &by(whom, Locale::marked_by), &ended)
        }
        What::Moved { by: whom, to } => t.has_moved(who, &escape(to), &by(whom, Locale::comma_by)),
        What::Waits { by: whom } => t.owes_next_step(who, &by(whom, Locale::marked_by)),
        What::Paused { by: whom } => t.is_paused(who, &by(whom, Locale::comma_by)),
        What::Snoozed { until, by: whom } => {
            let until = escape(&t.day(*until, settled.today));
            t.is_snoozed(who, &until, &by(whom, Locale::space_by))
        }
        What::Reassigned { to } => t.is_anothers(who, &escape(to)),
        What::Closed => t.is_closed_here(who),
    }
}
