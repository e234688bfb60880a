//! What a form says, as the JSON from which settings are read, and what it is filled with: so that the console has the checks and the
//! messages of the API, and gives back what was typed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::PageError;
use super::form::Form;
use crate::api::settings::SettingError;
use crate::db::DbError;

/// The answers of a form, property by property.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    form: &'a Form,
    json: Map<String, Value>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(form: &'a Form) -> Self {
        Self { form, json: Map::new() }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.json.insert(name.to_owned(), value);
        self
    }

    /// A text; nothing typed is the empty one.
    pub(super) fn text(self, name: &str) -> Self {
        let text = self.form.one(name).unwrap_or_default().to_owned();
        self.with(name, Value::String(text))
    }

    /// A text, a choice or a date that may be left empty.
    pub(super) fn text_or_null(self, name: &str) -> Self {
        let value = self.form.one(name).map_or(Value::Null, |text| Value::String(text.to_owned()));
        self.with(name, value)
    }

    /// A number. What is none stays a text, which the reader of the property refuses.
    pub(super) fn number(self, name: &str) -> Self {
        let value = number(self.form.one(name).unwrap_or_default());
        self.with(name, value)
    }

    /// A box that is ticked or not.
    pub(super) fn truth(self, name: &str) -> Self {
        let ticked = self.form.one(name).is_some();
        self.with(name, Value::Bool(ticked))
    }

    /// Boxes of a group that are ticked.
    pub(super) fn list(self, name: &str) -> Self {
        let values = self.form.all(name).into_iter().map(|text| Value::String(text.to_owned()));
        let values = values.collect();
        self.with(name, Value::Array(values))
    }

    /// The same, where none ticked means that there is no choice.
    pub(super) fn list_or_null(self, name: &str) -> Self {
        if self.form.all(name).is_empty() { self.with(name, Value::Null) } else { self.list(name) }
    }

    /// Words or numbers in one field, separated by blanks, commas or lines.
    pub(super) fn several(self, name: &str, read: fn(&str) -> Value) -> Self {
        let text = self.form.one(name).unwrap_or_default();
        let values = text
            .split([' ', ',', ';', '\n', '\r', '\t'])
            .filter(|part| !part.is_empty())
            .map(read)
            .collect();
        self.with(name, Value::Array(values))
    }

    /// A span of the day in two fields, `name.from` and `name.until`; both empty are none.
    pub(super) fn span(self, name: &str) -> Self {
        let part = |part: &str| self.form.one(&format!("{name}.{part}")).map(str::to_owned);
        let value = match (part("from"), part("until")) {
            (None, None) => Value::Null,
            (from, until) => {
                let text = |part: Option<String>| Value::String(part.unwrap_or_default());
                serde_json::json!({ "from": text(from), "until": text(until) })
            }
        };
        self.with(name, value)
    }

    /// All of them.
    pub(super) fn json(self) -> Vec<u8> {
        Value::Object(self.json).to_string().into_bytes()
    }
}

/// A number as JSON, or the text that is none.
pub(super) fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from)
}

/// A word as JSON.
pub(super) fn word(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// What the fields of a form are filled with, by their names.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Filled(BTreeMap<String, Vec<String>>);

impl Filled {
    /// With what was sent.
    pub(super) fn from_form(form: &Form) -> Self {
        let mut filled = Self::default();
        for (name, value) in form.pairs() {
            filled.0.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        filled
    }

    /// And a text.
    #[must_use]
    pub(super) fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), vec![value.into()]);
        self
    }

    /// And a text, if there is one.
    #[must_use]
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// And a box that is ticked or not.
    #[must_use]
    pub(super) fn truth(self, name: &str, ticked: bool) -> Self {
        if ticked { self.text(name, "true") } else { self }
    }

    /// And the boxes of a group.
    #[must_use]
    pub(super) fn list(mut self, name: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.0.insert(name.to_owned(), values.into_iter().collect());
        self
    }
}

/// A form that was not accepted, to be shown again: what is wrong, at which field.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Wrong {
    /// Which form of the page.
    form: String,
    /// The path of the field, `""` for the form as a whole.
    field: String,
    /// In words.
    message: String,
}

impl Wrong {
    /// Which form of the page it is.
    pub(super) fn form(&self) -> &str {
        &self.form
    }

    /// What is wrong with a form, unless it is what the form is about, or the database.
    pub(super) fn of(form: &str, error: SettingError) -> Result<Self, PageError> {
        match error {
            SettingError::Refused { field, message } => {
                Ok(Self { form: form.to_owned(), field, message: super::words::sentence(&message) })
            }
            SettingError::Gone => Err(PageError::NotFound("thing any more")),
            SettingError::Failed => Err(PageError::Database(DbError::Protocol(
                "a setting was not written; the line before says why".to_owned(),
            ))),
        }
    }
}
