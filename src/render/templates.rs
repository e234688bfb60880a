//! The mails' templates: compiled into the program, and into memory once for each language. A value that would show as blank is an error, and
//! what is said reaches HTML escaped, in plain ASCII.

use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
};

use super::locale::Labels;
use super::{RenderError, text, words};
use crate::domain::values::{Kind, Locale, Part};

/// Template files, by the name other templates know them by.
macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name, ".j2")))),+]
    };
}

pub(super) const TEMPLATES: [(&str, &str); 19] = templates![
    "email/shell.html",
    "email/staff.html",
    "email/row.html",
    "email/button.html",
    "email/nudge.html",
    "email/nudge.txt",
    "email/foot.txt",
    "email/digest/subject.txt",
    "email/digest/body.txt",
    "email/digest/body.html",
    "email/stalled_phase/subject.txt",
    "email/stalled_phase/body.txt",
    "email/stalled_phase/body.html",
    "email/waiting_on_customer/subject.txt",
    "email/waiting_on_customer/body.txt",
    "email/waiting_on_customer/body.html",
    "email/customer_reminder/subject.txt",
    "email/customer_reminder/body.txt",
    "email/customer_reminder/body.html",
];

/// Keeps the client's preview from going on into the mail; ten lines of it, as a line of mail may have 998 octets.
pub(super) const FILLER: &str = "&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;\n";

/// The one font of our mails: the reader's own.
pub(super) const FONT: &str =
    "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";

/// Source of the template of a name.
pub(super) fn source(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

/// Name of the built-in template of a part.
pub(super) fn part_file(kind: Kind, part: Part) -> Option<String> {
    let file = match part {
        Part::Subject => "subject.txt",
        Part::Text => "body.txt",
        Part::Html => "body.html",
        Part::Slack => return None,
    };
    Some(format!("email/{kind}/{file}"))
}

/// The templates with the words of a language.
pub(super) fn compile(locale: Locale) -> Result<Environment<'static>, RenderError> {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let syntax = syntax.map_err(|source| broken("(syntax)", source))?;
    templates.set_syntax(syntax);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    templates.set_formatter(no_blanks);
    templates.add_global("t", Value::from(Serde(Labels::of(locale))));
    templates.add_global("font", Value::from_safe_string(FONT.to_owned()));
    templates.add_global("filler", Value::from_safe_string(FILLER.repeat(10)));
    templates.add_global("frame", text::FRAME);
    for (name, source) in TEMPLATES {
        templates.add_template(name, source).map_err(|source| broken(name, source))?;
    }
    Ok(templates)
}

pub(super) fn broken(template: &str, source: Error) -> RenderError {
    RenderError::Template { template: template.to_owned(), source }
}

/// Refuses to show a value as nothing, or as the word "none"; escapes text for HTML.
fn no_blanks(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if is_blank(value) {
        return Err(blank());
    }
    match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => {
            escape_html(out, text).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Whether a value would show as nothing, or as the word "none".
pub(super) fn is_blank(value: &Value) -> bool {
    value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

pub(super) fn blank() -> Error {
    Error::new(ErrorKind::InvalidOperation, "a value would be shown as blank")
}

/// Escapes text for HTML, as plain ASCII: a mail of it travels as it is, through every relay. Slashes stay, unlike in the engine's own
/// escaping: addresses are to be readable, and 25 lines have a hundred of them.
pub(super) fn escape_html(out: &mut Output, mut text: &str) -> fmt::Result {
    // By octets: all that is special begins with one of these, or outside ASCII.
    while let Some(at) =
        text.bytes().position(|b| matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'') || !b.is_ascii())
    {
        let (before, special) = text.split_at(at);
        out.write_str(before)?;
        let mut rest = special.chars();
        match rest.next() {
            Some('&') => out.write_str("&amp;")?,
            Some('<') => out.write_str("&lt;")?,
            Some('>') => out.write_str("&gt;")?,
            Some('"') => out.write_str("&quot;")?,
            Some('\'') => out.write_str("&#39;")?,
            Some(words::NBSP) => out.write_str("&nbsp;")?,
            Some(other) => write!(out, "&#{};", u32::from(other))?,
            None => {}
        }
        text = rest.as_str();
    }
    out.write_str(text)
}
