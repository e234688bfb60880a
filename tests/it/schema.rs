//! The schema explains itself: whoever reads a table knows what every column means and what every index is for.

use std::fmt::Write;

use rstest::rstest;

/// A table or an index: its name, its columns, and what is said of each.
#[derive(Debug, PartialEq, Eq)]
struct Explained {
    name: String,
    columns: Vec<(String, String)>,
}

fn comment(line: &str) -> Option<&str> {
    line.split_once("-- ").map(|(_, words)| words.trim())
}

/// Reads a migration; what is explained nowhere goes into `faults`.
fn read(sql: &str, faults: &mut String) -> Vec<Explained> {
    let mut found: Vec<Explained> = Vec::new();
    let mut open = false;
    let mut above = "";
    for line in sql.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if line.starts_with("CREATE TABLE ") {
            let name = words.nth(1).unwrap_or_default().to_owned();
            if !above.starts_with("-- ") {
                writeln!(faults, "nothing is said above the table {name}").unwrap();
            }
            found.push(Explained { name, columns: Vec::new() });
            open = true;
        } else if line.starts_with(')') {
            open = false;
        } else if line.starts_with("CREATE ") {
            let name = words.find(|word| !["INDEX", "UNIQUE"].contains(word)).unwrap_or_default();
            // A line of its own above the index, or words behind it.
            if comment(line).is_none() && !above.starts_with("-- ") {
                writeln!(faults, "nothing is said of the index {name}").unwrap();
            }
            found.push(Explained { name: name.to_owned(), columns: Vec::new() });
        } else if open
            && !first.is_empty()
            && first.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let table = found.last_mut().unwrap();
            match comment(line) {
                Some(words) => table.columns.push((first.to_owned(), words.to_owned())),
                None => writeln!(faults, "nothing is said of {}.{first}", table.name).unwrap(),
            }
        }
        above = line;
    }
    found
}

fn migrations(dialect: &str) -> Vec<(String, String)> {
    let folder = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[rstest]
#[case::sqlite("sqlite")]
#[case::postgres("postgres")]
fn every_table_column_and_index_says_what_it_is_for(#[case] dialect: &str) {
    let mut faults = String::new();
    let mut columns = 0;
    for (_, sql) in migrations(dialect) {
        columns += read(&sql, &mut faults).iter().map(|table| table.columns.len()).sum::<usize>();
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(columns > 200, "only {columns} columns were found");
}

#[test]
fn both_databases_have_the_same_tables_columns_and_order_and_say_the_same_of_them() {
    let read = |dialect| {
        let explained = |(name, sql): (String, String)| (name, read(&sql, &mut String::new()));
        migrations(dialect).into_iter().map(explained).collect::<Vec<_>>()
    };
    assert_eq!(read("sqlite"), read("postgres"));
}
