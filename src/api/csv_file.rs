//! Lists as files.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};

use super::error::ApiError;
use crate::operate::csv_file;

pub(super) use crate::operate::csv_file::MOST_LINES;

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
    let file = csv_file::bytes(columns, lines).map_err(|error| {
        tracing::error!(%error, "cannot write a CSV file");
        ApiError::internal()
    })?;
    Ok(answer(name, file))
}

/// The answer that a file of this name is.
pub(super) fn answer(name: &str, file: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    (headers, file).into_response()
}
