//! What a verb says: a table or a sentence for people, one JSON value for programs.

use std::io::Write;

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
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
        let width = table.width().map(usize::from);
        if width.is_some_and(|width| least_width(columns, &rows) > width) {
            return line(records(columns, &rows));
        }
        table.set_header(columns.iter().copied());
        for (n, _) in columns.iter().enumerate().filter(|(n, _)| stays_whole(&rows, *n)) {
            if let Some(column) = table.column_mut(n) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
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

/// Most characters of what is never broken into lines, but for words without a blank.
const SHORT: usize = 24;

/// Fewest characters in which a column of sentences can be read.
const READABLE: usize = 16;

/// Blanks around a cell.
const PADDING: usize = 2;

/// Whether a column is of what loses its use in two lines: ids, dates, numbers.
fn stays_whole(rows: &[Vec<String>], column: usize) -> bool {
    let cells = || rows.iter().filter_map(|row| row.get(column));
    cells().all(|cell| cell.chars().count() <= SHORT) || cells().all(|cell| !cell.contains(' '))
}

/// Characters of a line that shows a row so that it can be read.
fn least_width(columns: &[&str], rows: &[Vec<String>]) -> usize {
    let width = |n: usize, column: &str| {
        let cells = rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count());
        let widest = cells.max().unwrap_or_default().max(column.chars().count());
        PADDING + if stays_whole(rows, n) { widest } else { widest.min(READABLE) }
    };
    columns.iter().enumerate().map(|(n, column)| width(n, column)).sum()
}

/// The same with a line for each cell, for a terminal that is too narrow for rows. What is empty is left out.
fn records(columns: &[&str], rows: &[Vec<String>]) -> String {
    let widest = columns.iter().map(|column| column.len()).max().unwrap_or_default();
    let record = |row: &Vec<String>| {
        let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let lines = cells.map(|(column, cell)| format!("{column:<widest$}  {cell}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    rows.iter().map(record).collect::<Vec<_>>().join("\n\n")
}

/// Writes a line to standard output. A reader that has gone away (`| head`) has seen enough.
pub(super) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 4]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_row_that_would_be_torn_becomes_lines_of_their_own() {
        let columns = ["written", "to", "subject", "id"];
        let id = "ntf_01JZ3V5QK8Y6W2X4R7T9B1C3D5";
        let subject = "3 onboardings need you today, Carl, one of them since Friday";
        let rows = [
            row(["2026-06-02 07:00", "Carl", subject, id]),
            row(["2026-06-01 07:00", "Ida", "", id]),
        ];
        assert_eq!(least_width(&columns, &rows), 16 + 4 + 16 + 30 + 4 * PADDING);
        insta::assert_snapshot!(records(&columns, &rows), @r"
        written  2026-06-02 07:00
        to       Carl
        subject  3 onboardings need you today, Carl, one of them since Friday
        id       ntf_01JZ3V5QK8Y6W2X4R7T9B1C3D5

        written  2026-06-01 07:00
        to       Ida
        id       ntf_01JZ3V5QK8Y6W2X4R7T9B1C3D5
        ");
    }
}
