//! One notification: what became of it in a sentence, every try with the provider's answer, the message, the gates, what can be done.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Row, onboardings};
use crate::console::error::PageError;
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::{self, When};
use crate::console::{blocks, frame};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::message::{MAX_ATTEMPTS, Message};
use crate::domain::values::{AttemptOutcome, Kind, NotificationState, Reason};
use crate::operate::explain;
use crate::operate::notifications::{self, Details, Notification};
use crate::operate::queues::{self, Queue};
use crate::store::audit;
use crate::store::{onboardings as journeys, titles};

/// Deeds about one notification that are shown.
const MOST_DEEDS: i64 = 100;

#[derive(Serialize)]
struct One {
    id: String,
    here: String,
    list: String,
    row: Row,
    title: String,
    headline: String,
    sentences: Vec<String>,
    timeline: Vec<Happened>,
    facts: Vec<Fact>,
    message: Option<Shown>,
    /// It has come to its end, so the gates are those of another try.
    ended: bool,
    explained: Vec<Explained>,
    deeds: Vec<Deed>,
    refusal: String,
}

/// Something that happened.
#[derive(Serialize)]
struct Happened {
    #[serde(skip)]
    order: DateTime<Utc>,
    at: When,
    /// `try`, `end` or nothing.
    class: &'static str,
    what: String,
    text: String,
    /// The provider's words, as they came.
    reply: String,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    text: String,
    url: Option<String>,
}

/// The message as rendered last.
#[derive(Serialize)]
struct Shown {
    subject: String,
    text: String,
    html: Option<String>,
    blocks: Option<String>,
}

/// The gates of an onboarding that it is about.
#[derive(Serialize)]
struct Explained {
    title: String,
    url: String,
    gates: Vec<Passed>,
    stopped: Option<usize>,
}

#[derive(Serialize)]
struct Passed {
    passed: bool,
    words: String,
}

/// Something that can be done about it.
#[derive(Serialize)]
struct Deed {
    action: &'static str,
    button: &'static str,
    says: &'static str,
}

/// Onboardings of which the gates are shown.
const EXPLAINED: usize = 3;

/// `GET …/notifications/{id}`
pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let found = find(&mut conn, &visitor, &id).await?;
    let n = &found.notification;
    let ids = onboardings(n);
    let titles = titles::of(&mut conn, &ids).await?;
    let row = Row::new(&visitor, n, &titles);
    let kind = n.kind.parse().unwrap_or(Kind::Digest);
    let mut explained = Vec::new();
    for id in ids.iter().take(EXPLAINED) {
        let Some(title) = titles.get(id) else { continue };
        let reference = Ref::Id(id.clone());
        let Some(onboarding) = journeys::find(&mut conn, &visitor.workspace.id, &reference).await?
        else {
            continue;
        };
        let recipient = (n.recipient_type == "user").then_some(n.recipient_id.as_str());
        // As of the instant for which it was meant: the facts are today's, the calendar that day's.
        let at = n.not_before.min(visitor.now);
        let gates =
            explain::gates(&mut conn, &onboarding, recipient, at, site.channels, kind).await?;
        explained.push(Explained {
            title: format!("{} #{}", title.customer, title.display_id),
            url: visitor.url(&format!("onboardings/{}", title.display_id)),
            stopped: gates.iter().position(|gate| !gate.passed).map(|at| at + 1),
            gates: gates
                .into_iter()
                .map(|gate| Passed { passed: gate.passed, words: gate.seen.to_string() })
                .collect(),
        });
    }
    let lines = deeds_done(&mut conn, &visitor, n).await?;
    let timeline = timeline(&visitor, &found, &lines);
    let held = held(&mut conn, &visitor, n).await?;
    let (headline, sentences) = said(&visitor, n, held);
    let title = format!("{} to {}", row.what, row.recipient);
    let (mut deeds, mut refusal) = (deeds(n), refusal(n));
    if visitor.may_act() {
        let (author, now) = (visitor.author(), visitor.now);
        let refused =
            notifications::refusals(&mut conn, &author, &visitor.workspace.id, &n.id, now).await?;
        for (action, why) in refused {
            let offered = deeds.len();
            deeds.retain(|deed| deed.action != action.as_str());
            // What the state alone allows, and something else does not.
            if deeds.len() < offered {
                refusal = words::sentence(&why);
            }
        }
    } else {
        deeds.clear();
    }
    let view = One {
        id: n.id.clone(),
        here: visitor.url(&format!("notifications/{}", n.id)),
        list: visitor.url("notifications"),
        facts: facts(&visitor, &found, &titles),
        message: found.message.as_ref().map(|message| shown(&visitor, &n.id, message)),
        deeds,
        refusal,
        title: title.clone(),
        headline,
        sentences,
        timeline,
        ended: !n.state.parse().is_ok_and(NotificationState::is_open),
        explained,
        row,
    };
    visitor.page(&site, "notification", "notifications", &title, &view)
}

/// `GET …/notifications/{id}/html`: the mail as sent, for the frame of the page.
pub(super) async fn html(
    State(site): State<Site>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    match find(&mut conn, &visitor, &id).await?.message {
        Some(Message::Email(email)) => Ok(frame::message(email.html)),
        Some(Message::Slack(_)) | None => Err(PageError::NotFound("mail")),
    }
}

async fn find(conn: &mut Conn, visitor: &Visitor, id: &str) -> Result<Details, PageError> {
    let found = notifications::show(conn, &visitor.workspace.id, id).await?;
    found.ok_or(PageError::NotFound("notification"))
}

/// What operators did about it, oldest first.
async fn deeds_done(
    conn: &mut Conn,
    visitor: &Visitor,
    n: &Notification,
) -> Result<Vec<audit::Line>, PageError> {
    let filter = audit::Filter {
        object: Some("notification"),
        object_id: Some(&n.id),
        actor: None,
        event: None,
        after: n.created_at,
        before: crate::store::ledger::UNTIL_DECIDED,
        operators: false,
    };
    Ok(audit::list(conn, &visitor.workspace.id, filter, MOST_DEEDS).await?)
}

fn shown(visitor: &Visitor, id: &str, message: &Message) -> Shown {
    match message {
        Message::Email(email) => Shown {
            subject: email.subject.clone(),
            text: email.text.clone(),
            html: Some(visitor.url(&format!("notifications/{id}/html"))),
            blocks: None,
        },
        Message::Slack(post) => Shown {
            subject: String::new(),
            text: post.text.clone(),
            html: None,
            blocks: Some(blocks::html(&post.blocks)),
        },
    }
}

/// What keeps one that is due: its queue is stopped, or its channel is down.
async fn held(
    conn: &mut Conn,
    visitor: &Visitor,
    n: &Notification,
) -> Result<Option<String>, PageError> {
    let waits = n.state == NotificationState::Scheduled.as_str() && n.not_before <= visitor.now;
    let way = n.kind.parse::<Kind>().ok().zip(n.channel.parse().ok());
    let Some((kind, channel)) = way.filter(|_| waits) else { return Ok(None) };
    let held = queues::held(conn, &visitor.workspace.id, Queue::of(kind, channel)).await?;
    Ok(held.map(|(_, seen)| seen.to_string()))
}

/// What became of it: a sentence that says everything, and what is worth adding.
fn said(visitor: &Visitor, n: &Notification, held: Option<String>) -> (String, Vec<String>) {
    let state: Option<NotificationState> = n.state.parse().ok();
    let why = n.reason.as_deref().and_then(|word| word.parse::<Reason>().ok()).map_or_else(
        || "no reason is known".to_owned(),
        |reason| words::reason(reason).to_lowercase(),
    );
    let mut sentences = Vec::new();
    let headline = match state {
        Some(NotificationState::Scheduled) => {
            let when = match held {
                Some(_) => "when that ends".to_owned(),
                None => format!("at {}", visitor.when(n.not_before).text),
            };
            sentences.push(format!("It goes out {when}, if it is still true then."));
            "Not sent yet.".to_owned()
        }
        Some(NotificationState::Deferred) => {
            sentences.push(format!(
                "It waits until {}, if it is still true then.",
                visitor.when(n.not_before).text
            ));
            format!("Not sent yet: {why}.")
        }
        Some(NotificationState::Sending) => "A worker is delivering it right now.".to_owned(),
        Some(NotificationState::Sent) => "Sent.".to_owned(),
        Some(NotificationState::Ambiguous) => {
            sentences.push(
                "Look whether it arrived, then say so, send it again, or leave it.".to_owned(),
            );
            "It may or may not have arrived.".to_owned()
        }
        _ => format!("Not sent: {why}."),
    };
    sentences.splice(0..0, held);
    sentences.extend(n.detail.iter().map(|detail| words::sentence(detail)));
    (headline, sentences)
}

fn timeline(visitor: &Visitor, found: &Details, deeds: &[audit::Line]) -> Vec<Happened> {
    let n = &found.notification;
    let happened = |order: DateTime<Utc>, class, what: String, text: String, reply: String| {
        Happened { order, at: visitor.when(order), class, what, text, reply }
    };
    let meant = format!("For {}.", n.slot_date.format("%-d %b %Y"));
    let mut all = vec![happened(n.created_at, "", "Scheduled".to_owned(), meant, String::new())];
    for attempt in &found.attempts {
        all.push(happened(
            attempt.at,
            "try",
            format!("Try {}", attempt.number),
            format!(
                "{} after {} ms, by worker {}.",
                tried(&attempt.outcome),
                attempt.duration_ms,
                attempt.worker
            ),
            attempt.reply.clone(),
        ));
    }
    for line in deeds {
        let reason = line.reason.as_deref().map_or_else(String::new, words::sentence);
        let what = format!(
            "{} by {}",
            words::sentence(&line.event.replace('_', " ")).trim_end_matches('.'),
            line.actor_name
        );
        all.push(happened(line.created_at, "", what, reason, String::new()));
    }
    let state: Option<NotificationState> = n.state.parse().ok();
    if let Some(state) = state.filter(|state| !state.is_open()) {
        let at = n.sent_at.unwrap_or(n.updated_at);
        all.push(happened(
            at,
            "end",
            words::state(state).to_owned(),
            super::reason(n),
            String::new(),
        ));
    }
    all.sort_by_key(|one| one.order);
    all
}

fn facts(
    visitor: &Visitor,
    found: &Details,
    titles: &std::collections::HashMap<String, titles::Title>,
) -> Vec<Fact> {
    let n = &found.notification;
    let fact = |name, text: String| Fact { name, text, url: None };
    let mut facts = vec![
        fact("Kind", super::what(n)),
        fact(
            "Channel",
            n.channel
                .parse()
                .map_or_else(|_| n.channel.clone(), |channel| words::channel(channel).to_owned()),
        ),
        Fact {
            name: "To",
            text: n.recipient_name.clone().unwrap_or_else(|| "nobody".to_owned()),
            url: Some(visitor.url(&format!("notifications?person={}", n.recipient_id))),
        },
    ];
    facts.extend(n.recipient_address.clone().map(|address| fact("Address", address)));
    for id in onboardings(n) {
        let Some(title) = titles.get(&id) else { continue };
        facts.push(Fact {
            name: "About",
            text: format!("{} #{}", title.customer, title.display_id),
            url: Some(visitor.url(&format!("notifications?onboarding={}", title.display_id))),
        });
    }
    facts.push(fact("Mode", n.mode.clone()));
    facts.push(fact("For the day", n.slot_date.format("%-d %b %Y").to_string()));
    facts.push(fact("Deadline", visitor.when(n.deadline).text));
    facts.push(fact("Tries", format!("{} of at most {MAX_ATTEMPTS}", n.attempt_count)));
    for (name, id) in n
        .resend_of
        .iter()
        .map(|id| ("Repeats", id))
        .chain(found.resends.iter().map(|id| ("Repeated as", id)))
    {
        facts.push(Fact {
            name,
            text: id.clone(),
            url: Some(visitor.url(&format!("notifications/{id}"))),
        });
    }
    facts.push(fact("Reference", n.id.clone()));
    facts
}

/// What can be done about it in its state.
fn deeds(n: &Notification) -> Vec<Deed> {
    let retry = Deed {
        action: "retry",
        button: "Try again",
        says: "Try again sends this one, before its deadline.",
    };
    let cancel = Deed {
        action: "cancel",
        button: "Cancel it",
        says: "Cancelled, it is not sent, and its lines join the next digest.",
    };
    let resend = Deed {
        action: "resend",
        button: "Send it anew",
        says: "Sent anew, it is a message of its own that says what is true then.",
    };
    let delivered = Deed {
        action: "delivered",
        button: "It did arrive",
        says: "If it did arrive, it counts as sent.",
    };
    let again = Deed {
        action: "retry",
        button: "Send it again",
        says: "Sent again, it is the one extra copy.",
    };
    match n.state.parse() {
        Ok(NotificationState::Scheduled) if n.attempt_count > 0 => vec![retry, cancel],
        Ok(NotificationState::Scheduled | NotificationState::Deferred) => vec![cancel],
        Ok(NotificationState::Ambiguous) => vec![delivered, again, cancel],
        Ok(NotificationState::Failed) => vec![retry, resend],
        Ok(NotificationState::Cancelled)
            if n.reason.as_deref() == Some(Reason::CancelledByOperator.as_str()) =>
        {
            vec![retry, resend]
        }
        Ok(NotificationState::Sent | NotificationState::Suppressed) => vec![resend],
        _ => Vec::new(),
    }
}

/// What cannot be done, and when it can.
fn refusal(n: &Notification) -> String {
    match n.state.parse() {
        Ok(NotificationState::Sending) => "A worker has it in hand. Look again in a moment.".to_owned(),
        Ok(NotificationState::Skipped) => "There was nothing to send, so there is nothing to repeat. Trying again is for failed and ambiguous ones.".to_owned(),
        Ok(NotificationState::Sent) => "Trying again is for failed and ambiguous ones, cancelling for those not finished.".to_owned(),
        Ok(NotificationState::Suppressed) => "A test key caused it: sent anew, it is made anew and suppressed again.".to_owned(),
        _ => String::new(),
    }
}

/// How a try ended, at the head of a sentence.
fn tried(outcome: &str) -> &'static str {
    match outcome.parse() {
        Ok(AttemptOutcome::Accepted) => "Taken by the provider",
        Ok(AttemptOutcome::Captured) => "Captured",
        Ok(AttemptOutcome::Suppressed) => "Suppressed, the provider was not called",
        Ok(AttemptOutcome::Transient) => "Not taken for now",
        Ok(AttemptOutcome::Permanent) => "Refused for good",
        Ok(AttemptOutcome::Ambiguous) => "Nobody knows whether it was taken",
        Ok(AttemptOutcome::Channel) => "The channel was down, which does not count",
        Ok(AttemptOutcome::Lost) => "The worker was lost",
        Err(_) => "Ended",
    }
}
