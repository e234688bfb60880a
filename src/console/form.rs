//! What a form, or the part of an address behind `?`, says.

use super::error::PageError;

/// Names and values in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(octets: &[u8]) -> Self {
        Self(form_urlencoded::parse(octets).into_owned().collect())
    }

    /// The first answer to a question, without blanks around it. What is empty was not answered.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// All answers to a question.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let answers = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim());
        answers.filter(|value| !value.is_empty()).collect()
    }

    /// Every answer with its question, without blanks around it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.trim()))
    }

    /// The first answer, character by character: a password.
    pub(super) fn exactly(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads an answer that may be missing. A word that says nothing is refused rather than overlooked: another list than asked for would be a
/// lie.
pub(super) fn read<T, E: std::fmt::Display>(
    form: &Form,
    name: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, PageError> {
    form.one(name)
        .map(|text| parse(text).map_err(|error| PageError::Unclear(format!("{name}: {error}"))))
        .transpose()
}

/// The query `?a=b&c=d` of these, without what is empty; `""` if nothing is left.
pub(super) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}
