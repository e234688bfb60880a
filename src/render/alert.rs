//! What operators are told when something asks for them, and when it is over.

use minijinja::HtmlEscape;

use super::slack;
use super::words::capital;
use crate::domain::message::{Email, SlackPost};

/// Something that began or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// In three or four words: "Mail is down".
    pub title: String,
    /// `critical` or `warning`.
    pub severity: String,
    /// What is so, in whole sentences.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// From when until when, for what is over: "07:00 to 07:40 UTC".
    pub lasted: Option<String>,
}

/// What one alert tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What has begun, gravest first.
    pub begun: Vec<Matter>,
    /// What is over.
    pub over: Vec<Matter>,
}

/// Longest text of one Slack block.
const BLOCK: usize = 2_900;

impl News {
    /// The whole message in a line.
    #[must_use]
    pub fn headline(&self) -> String {
        let titles = |matters: &[Matter]| {
            let mut titles: Vec<&str> = matters.iter().map(|m| m.title.as_str()).take(3).collect();
            if matters.len() > titles.len() {
                titles.push("and more");
            }
            titles.join("; ")
        };
        match (self.begun.first(), self.over.is_empty()) {
            (Some(first), _) => format!("{}: {}", capital(&first.severity), titles(&self.begun)),
            (None, false) => format!("Over: {}", titles(&self.over)),
            (None, true) => String::new(),
        }
    }

    /// As a mail. `page` is where to look.
    #[must_use]
    pub fn email(&self, page: &str) -> Email {
        let mut text = String::new();
        let mut html = String::from(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Alert</title></head><body style=\"font:15px/1.5 sans-serif\">\n",
        );
        html.push_str(&format!(
            "<h1 style=\"font-size:20px\">{}</h1>\n",
            HtmlEscape(&self.headline())
        ));
        for matter in &self.begun {
            let severity = capital(&matter.severity);
            text.push_str(&format!(
                "{severity}: {}\n  What to do: {}\n\n",
                matter.text, matter.advice
            ));
            html.push_str(&format!(
                "<p><strong>{severity}:</strong> {}</p>\n<p>What to do: {}</p>\n",
                HtmlEscape(&matter.text),
                HtmlEscape(&matter.advice)
            ));
        }
        for matter in &self.over {
            let line = over(matter);
            text.push_str(&format!("{line}\n\n"));
            html.push_str(&format!("<p>{}</p>\n", HtmlEscape(&line)));
        }
        text.push_str(&format!("{page}\n"));
        html.push_str(&format!(
            "<p><a href=\"{0}\">{0}</a></p>\n</body></html>\n",
            HtmlEscape(page)
        ));
        Email {
            from_name: "Pivotal reminders".to_owned(),
            subject: self.headline(),
            text,
            html,
            reply_to: None,
            list_unsubscribe: None,
        }
    }

    /// As a Slack message.
    #[must_use]
    pub fn slack(&self, page: &str) -> SlackPost {
        let mut blocks = Vec::new();
        let begun = self.begun.iter().map(|m| {
            let severity = capital(&m.severity);
            format!("*{severity}:* {}\n{}", slack::escape(&m.text), slack::escape(&m.advice))
        });
        let over = self.over.iter().map(|m| slack::escape(&over(m)));
        // Slack takes 50 blocks; there are never so many kinds of trouble, but a list has an end.
        for text in begun.chain(over).take(40).chain([slack::escape(page)]) {
            let text: String = text.chars().take(BLOCK).collect();
            blocks.push(serde_json::json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } }));
        }
        SlackPost { text: slack::escape(&self.headline()), blocks, event_type: "alert".to_owned() }
    }
}

fn over(matter: &Matter) -> String {
    let lasted = matter.lasted.as_deref().unwrap_or_default();
    format!("Over: {}, {lasted}.", matter.title)
}
