//! The one shape of the pages behind links: a heading that says everything, a few sentences, one form at most, lists, ways on.

use serde::Serialize;

use crate::domain::values::Locale;

/// A page.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Page {
    /// Its language.
    lang: &'static str,
    /// Before the reader's name.
    reader_label: &'static str,
    /// What the ways on are, for who cannot see them.
    more: &'static str,
    title: String,
    workspace: Option<String>,
    reader: Option<String>,
    sentences: Vec<String>,
    form: Option<Form>,
    sections: Vec<Section>,
    ways: Vec<Way>,
}

/// A form with its one button.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Form {
    /// Words of the button.
    pub(super) button: String,
    /// What is asked.
    pub(super) fields: Vec<Field>,
}

/// A question.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Field {
    /// One or several of a few.
    Choice {
        /// `radio` or `checkbox`.
        input: &'static str,
        /// Name in the form.
        name: &'static str,
        /// The question.
        legend: &'static str,
        /// The answers.
        options: Vec<Choice>,
    },
    /// One of many.
    Select {
        /// Name in the form.
        name: &'static str,
        /// The question.
        label: &'static str,
        /// The answers.
        options: Vec<Choice>,
    },
    /// A date, a time.
    Input {
        /// `date`, `time`.
        input: &'static str,
        /// Name in the form.
        name: &'static str,
        /// The question.
        label: &'static str,
        /// What stands there at first.
        value: String,
        /// The least that can be chosen.
        min: Option<String>,
        /// Whether it may not be left empty.
        required: bool,
    },
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Choice {
    /// Value in the form.
    pub(super) value: String,
    /// Words.
    pub(super) label: String,
    /// Whether it is chosen at first.
    pub(super) chosen: bool,
}

/// Rows under a heading.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    /// Heading.
    pub(super) heading: String,
    /// Rows.
    pub(super) rows: Vec<Row>,
}

/// One row of a list.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    /// What it is about.
    pub(super) title: String,
    /// Where it leads.
    pub(super) url: Option<String>,
    /// What is said of it.
    pub(super) text: String,
    /// `pass` or `stop`, for a gate.
    pub(super) mark: Option<&'static str>,
}

/// A way on.
#[derive(Clone, Debug, Serialize)]
struct Way {
    words: String,
    url: String,
}

impl Page {
    pub(super) fn new(t: Locale, title: impl Into<String>) -> Self {
        Self {
            lang: t.as_str(),
            reader_label: t.page_for(),
            more: t.more(),
            title: title.into(),
            ..Self::default()
        }
    }

    /// Whose page it is, at its top.
    pub(super) fn of(self, workspace: String, reader: String) -> Self {
        Self { workspace: Some(workspace), reader: Some(reader), ..self }
    }

    pub(super) fn says(mut self, sentence: impl Into<String>) -> Self {
        self.sentences.push(sentence.into());
        self
    }

    pub(super) fn asks(self, button: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { form: Some(Form { button: button.into(), fields }), ..self }
    }

    pub(super) fn lists(mut self, heading: impl Into<String>, rows: Vec<Row>) -> Self {
        if !rows.is_empty() {
            self.sections.push(Section { heading: heading.into(), rows });
        }
        self
    }

    pub(super) fn leads(mut self, words: impl Into<String>, url: Option<String>) -> Self {
        self.ways.extend(url.map(|url| Way { words: words.into(), url }));
        self
    }
}
