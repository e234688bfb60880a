//! The words of every language, in one place: a phrase is a function of what it names, and has its wording in each language beside the
//! others. A language that lacks one does not compile; nothing is looked up while a message is rendered.
//!
//! Another language is another arm everywhere: the compiler lists them all.

use std::fmt;

mod counts;
mod dates;
mod digests;
mod gates;
mod labels;
mod lines;
mod nudges;
mod pages;
mod settled;
mod subjects;

pub(crate) use self::counts::Noun;
pub(super) use self::dates::clock;
pub(super) use self::labels::Labels;

/// Phrases with their wordings. Arguments are named in the wording as in [`format!`].
macro_rules! phrases {
    ($( $(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),+ $(,)?) { $($locale:ident => $words:literal),+ $(,)? } )+) => {
        impl $crate::domain::values::Locale {
            $(
                $(#[$doc])*
                #[must_use]
                pub(crate) fn $name(self, $($arg: $type),+) -> String {
                    match self { $(Self::$locale => $crate::render::locale::said(format_args!($words))),+ }
                }
            )+
        }
    };
}

/// Phrases that name nothing.
macro_rules! fixed {
    ($( $(#[$doc:meta])* fn $name:ident { $($locale:ident => $words:literal),+ $(,)? } )+) => {
        impl $crate::domain::values::Locale {
            $(
                $(#[$doc])*
                #[must_use]
                pub(crate) const fn $name(self) -> &'static str {
                    match self { $(Self::$locale => $words),+ }
                }
            )+
        }
    };
}

use {fixed, phrases};

/// A phrase with what it names.
fn said(phrase: fmt::Arguments<'_>) -> String {
    let mut said = Said(String::with_capacity(64));
    let written = fmt::write(&mut said, phrase);
    debug_assert!(written.is_ok(), "a string takes everything");
    said.0
}

/// Where what is named ends in a full stop ("Okt.", "Acme Inc."), the wording adds none of its own.
struct Said(String);

impl fmt::Write for Said {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let part =
            if self.0.ends_with('.') { part.strip_prefix('.').unwrap_or(part) } else { part };
        self.0.push_str(part);
        Ok(())
    }
}
