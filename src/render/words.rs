//! Names made safe, in every language alike. Whatever must stay together is joined by a no-break space, which [`plain`] undoes where
//! there is no HTML.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::domain::values::Locale;

/// Holds a date or a count together when a line is wrapped.
pub(super) const NBSP: char = '\u{a0}';

impl Locale {
    /// A name as typed, made safe to stand in any of our lines: one line, without controls, without marks that turn the text around it.
    pub(crate) fn name(self, raw: &str) -> String {
        or(raw, self.no_name())
    }
}

/// `raw` cleaned as a name, or `otherwise` when nothing visible is left.
pub(super) fn or(raw: &str, otherwise: &str) -> String {
    let mut clean = String::with_capacity(raw.len());
    for c in raw.chars().filter(|c| !is_invisible(*c)) {
        if c.is_control() || c.is_whitespace() {
            if !clean.is_empty() && !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else {
            clean.push(c);
        }
    }
    clean.truncate(clean.trim_end().len());
    if clean.chars().any(|c| c != ' ' && c.width().unwrap_or_default() > 0) {
        clean
    } else {
        otherwise.to_owned()
    }
}

/// Marks that change direction, and those that only hide. The joiners stay: emoji and some scripts are spelt with them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The name by which a person is spoken to: the first word, unless that is a title or an initial.
pub(super) fn first_name(clean: &str) -> &str {
    match clean.split_once(' ') {
        Some((first, _)) if !first.ends_with('.') && first.chars().count() > 1 => first,
        _ => clean,
    }
}

/// Ordinary spaces throughout.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(NBSP) { Cow::Owned(text.replace(NBSP, " ")) } else { Cow::Borrowed(text) }
}

/// The first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A sentence with its full stop, which a name or an abbreviation at its end brings along.
pub(super) fn stop(sentence: &str) -> String {
    let stop = if sentence.ends_with('.') { "" } else { "." };
    format!("{sentence}{stop}")
}

/// The number of lines as the other words count.
pub(super) fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
