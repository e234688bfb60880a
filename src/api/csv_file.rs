//! Lists as files.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};

use super::error::ApiError;

/// Most lines of one file; the rest follows with an earlier end.
pub(super) const MOST_LINES: i64 = 10_000;

/// Whether the caller wants a file rather than JSON.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/csv")
}

/// A file of this name, with a line of column names first.
pub(super) fn file<const N: usize>(
    name: &str,
    columns: [&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
) -> Result<Response, ApiError> {
    let failed = |error: csv::Error| {
        tracing::error!(%error, "cannot write a CSV file");
        ApiError::internal()
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(failed)?;
    for line in lines {
        writer.write_record(line.map(|cell| harmless(&cell))).map_err(failed)?;
    }
    let file = writer.into_inner().map_err(|error| {
        tracing::error!(%error, "cannot write a CSV file");
        ApiError::internal()
    })?;
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, file).into_response())
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}
