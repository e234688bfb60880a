//! Lists as files.

/// Most lines of one file; the rest follows with an earlier end.
pub const MOST_LINES: i64 = 10_000;

/// A CSV file with a line of column names first.
pub fn bytes<const N: usize>(
    columns: [&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns)?;
    for line in lines {
        writer.write_record(line.map(harmless))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}
