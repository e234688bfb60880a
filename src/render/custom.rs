//! A workspace's own templates, in the place of ours: compiled apart, in a sandbox, and never able to stop a message.
//!
//! The sandbox: only the values of the message, only our own templates to extend or include, only `if`, `for` and blocks, a handful of
//! filters, a budget of instructions, HTML that is always escaped. What is rendered must still be a mail ([`Must`]): one line of
//! subject, nothing that runs or is loaded from elsewhere, the way out for its reader. A part that fails any of it is noted, and ours
//! is sent in its place.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, filters};

use super::locale::Labels;
use super::templates::{FILLER, FONT, TEMPLATES, escape_html, is_blank};
use super::text;
use crate::domain::values::{Kind, Locale, OwnTemplate, Part, TemplateName};

/// Largest source, in octets.
pub const MAX_SOURCE: usize = 64 * 1024;

/// Instructions that one part may take. Our own digest of 25 lines takes a tenth of it.
const FUEL: u64 = 200_000;

/// Statements that a source may use: what decides, repeats and lays out, nothing that defines.
const STATEMENTS: [&str; 10] =
    ["if", "elif", "else", "endif", "for", "endfor", "block", "endblock", "extends", "include"];

/// What HTML of a mail may not contain, in lower case: a mail runs nothing and loads nothing.
const FORBIDDEN: [&str; 13] = [
    "<script",
    "<iframe",
    "<object",
    "<embed",
    "<form",
    "<input",
    "<link",
    "<base",
    "<img",
    "<video",
    "<audio",
    "javascript:",
    "@import",
];

/// What the rendered parts of a message must hold, whoever wrote the template.
#[derive(Clone, Debug, Default)]
pub struct Must {
    /// Names that may not stand in subject or Slack's text, as the workspace keeps names out of them.
    pub hidden_names: Vec<String>,
    /// The address that ends these messages; text and HTML carry it.
    pub unsubscribe: Option<String>,
}

/// The templates of one workspace.
#[derive(Debug)]
pub struct Custom {
    templates: Environment<'static>,
    /// Id of the version behind each part.
    parts: BTreeMap<TemplateName, String>,
    /// What failed first of each version.
    failures: Mutex<BTreeMap<String, String>>,
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Custom {}

impl Custom {
    /// Compiles the sources for a language. One that does not compile is noted as failed, and ours goes in its place.
    #[must_use]
    pub fn new(locale: Locale, sources: &[OwnTemplate]) -> Self {
        let mut custom =
            Self { templates: sandbox(locale), parts: BTreeMap::new(), failures: Mutex::default() };
        for OwnTemplate { version_id, name, source } in sources {
            match custom.add(*name, source) {
                Ok(()) => drop(custom.parts.insert(*name, version_id.clone())),
                Err(failure) => custom.fail(version_id, failure),
            }
        }
        custom
    }

    fn add(&mut self, name: TemplateName, source: &str) -> Result<(), String> {
        if source.len() > MAX_SOURCE {
            return Err(format!("it is larger than {} KiB", MAX_SOURCE / 1024));
        }
        check_statements(source)?;
        self.templates
            .add_template_owned(own_name(name), source.to_owned())
            .map_err(|e| in_words(&e))
    }

    /// Whether the workspace has this part.
    #[must_use]
    pub fn has(&self, kind: Kind, part: Part) -> bool {
        self.parts.contains_key(&TemplateName { kind, part })
    }

    /// The part from the workspace's own template; `None` when it has none, or when that fails, which is noted.
    pub(super) fn part(
        &self,
        kind: Kind,
        part: Part,
        context: &Value,
        must: &Must,
    ) -> Option<String> {
        let name = TemplateName { kind, part };
        let id = self.parts.get(&name)?;
        let rendered =
            self.templates.get_template(&own_name(name)).and_then(|t| t.render(context.clone()));
        let rendered = rendered.map_err(|error| in_words(&error));
        match rendered.and_then(|said| must.hold(part, said.trim_end_matches('\n').to_owned())) {
            Ok(said) => Some(said),
            Err(failure) => {
                self.fail(id, failure);
                None
            }
        }
    }

    fn fail(&self, id: &str, failure: String) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.entry(id.to_owned()).or_insert(failure);
    }

    /// What failed since it was asked last: ids of versions, and why.
    #[must_use]
    pub fn take_failures(&self) -> Vec<(String, String)> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *failures).into_iter().collect()
    }
}

impl Must {
    fn hold(&self, part: Part, said: String) -> Result<String, String> {
        let fail = |what: &str| Err(what.to_owned());
        if said.trim().is_empty() {
            return fail("it says nothing");
        }
        let one_line = matches!(part, Part::Subject | Part::Slack);
        if one_line && said.contains(['\n', '\r']) {
            return fail("it must be one line");
        }
        if one_line && said.chars().count() > 150 {
            return fail("it is longer than 150 characters");
        }
        if one_line && self.hidden_names.iter().any(|name| said.contains(name.as_str())) {
            return fail("it names the customer, and this workspace keeps names out of subjects");
        }
        if part == Part::Html {
            let lower = said.to_ascii_lowercase();
            if let Some(found) = FORBIDDEN.iter().find(|forbidden| lower.contains(**forbidden)) {
                return Err(format!("it contains {found}: a mail runs nothing and loads nothing"));
            }
            if lower.contains("url(") {
                return fail("it contains url(: a mail loads nothing");
            }
            if lower.split('<').any(has_handler) {
                return fail("it contains an event handler (on…=): a mail runs nothing");
            }
        }
        if said.len() > 100 * 1024 {
            return fail("it is larger than 100 KB, and Gmail would cut it");
        }
        let way_out = self.unsubscribe.as_ref().filter(|_| !one_line);
        if way_out.is_some_and(|url| !said.contains(url.as_str())) {
            return fail("it lacks the link that ends these messages");
        }
        Ok(said)
    }
}

/// Whether a tag, from its name on, has an attribute whose name begins with "on".
fn has_handler(tag: &str) -> bool {
    let separates = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '/');
    tag.match_indices('=').any(|(at, _)| {
        // Blanks may stand before the sign; a sign in a value or a text is looked at like one in a tag, as telling them apart takes a browser.
        let before = tag[..at].trim_end();
        let name = before.rfind(separates).map_or("", |start| &before[start + 1..]);
        name.len() > 2 && name.starts_with("on") && name.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

/// Name of a part of the workspace's own; its ending decides what is escaped.
fn own_name(name: TemplateName) -> String {
    let ending = if name.part == Part::Html { "html" } else { "txt" };
    format!("own/{name}.{ending}")
}

fn is_html(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending == "html")
}

/// An engine that knows our templates and nothing else.
fn sandbox(locale: Locale) -> Environment<'static> {
    let mut templates = Environment::empty();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        templates.set_syntax(syntax);
    }
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_fuel(Some(FUEL));
    templates.set_auto_escape_callback(|name| {
        if is_html(name) { AutoEscape::Html } else { AutoEscape::None }
    });
    templates.set_formatter(always_escaped);
    templates.add_filter("upper", filters::upper);
    templates.add_filter("lower", filters::lower);
    templates.add_filter("title", filters::title);
    templates.add_filter("capitalize", filters::capitalize);
    templates.add_filter("trim", filters::trim);
    templates.add_filter("length", filters::length);
    templates.add_filter("join", filters::join);
    templates.add_filter("first", filters::first);
    templates.add_filter("last", filters::last);
    templates.add_filter("default", filters::default);
    templates.add_global("t", Value::from(Serde(Labels::of(locale))));
    templates.add_global("font", Value::from_safe_string(FONT.to_owned()));
    templates.add_global("filler", Value::from_safe_string(FILLER.repeat(10)));
    templates.add_global("frame", text::FRAME);
    for (name, source) in TEMPLATES {
        // They compile: the renderer's own engine has them too, and is made first.
        let _ = templates.add_template(name, source);
    }
    templates
}

/// Refuses blanks, and escapes by the name of the template, which no statement in it can change.
fn always_escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if is_blank(value) {
        return Err(super::templates::blank());
    }
    let text = value.to_string();
    if is_html(state.name()) && !value.is_safe() {
        escape_html(out, &text).map_err(Error::from)
    } else {
        out.write_str(&text).map_err(Error::from)
    }
}

/// Refuses what could define values, lift escaping, or grow without end.
fn check_statements(source: &str) -> Result<(), String> {
    for (at, _) in source.match_indices("{%") {
        let statement = source[at + 2..].trim_start_matches(['-', '+']).trim_start();
        let word: String = statement.chars().take_while(char::is_ascii_alphanumeric).collect();
        if !STATEMENTS.contains(&word.as_str()) {
            let line = source[..at].matches('\n').count() + 1;
            return Err(format!(
                "line {line}: the statement {word:?} is not available; there are {}",
                STATEMENTS.join(", ")
            ));
        }
    }
    Ok(())
}

/// An error of the engine in one line, with the line of the template.
fn in_words(error: &Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    error.line().map_or(what.clone(), |line| format!("line {line}: {what}"))
}
