//! What a verb says: a table or a sentence for people, one JSON value for programs.

use std::io::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub(super) json: bool,
}

impl Out {
    /// A result that is one sentence.
    pub(super) fn done(self, sentence: &str, json: &Value) {
        if self.json { line(json) } else { line(sentence) }
    }

    /// A result whose last line is a value for a script (an id, a key); the sentence goes to standard error.
    pub(super) fn made(self, sentence: &str, value: &str, json: &Value) {
        if self.json {
            line(json);
        } else {
            eprintln!("{sentence}");
            line(value);
        }
    }

    /// A result that is a list.
    pub(super) fn table(self, columns: &[&str], rows: Vec<Vec<String>>, json: &Value) {
        if self.json {
            line(json);
            return;
        }
        if rows.is_empty() {
            line("none");
            return;
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(columns.iter().copied());
        for row in rows {
            table.add_row(row);
        }
        line(&table);
    }

    /// A bar for work of which it is known how much it is; hidden where nobody watches.
    pub(super) fn bar(self, length: u64) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(length).with_style(style)
    }

    /// A spinner for other long work; hidden where nobody watches.
    pub(super) fn progress(self, what: &'static str) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {prefix} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        ProgressBar::new_spinner().with_style(style).with_message(what)
    }
}

/// Writes a line to standard output. A reader that has gone away (`| head`) has seen enough.
pub(super) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
