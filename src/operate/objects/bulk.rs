//! Bulk operations.

use schemars::JsonSchema;
use serde::Serialize;

use super::Instant;
use crate::domain::values::{BulkAction, BulkState};
use crate::operate::bulk::{Conflict, Operation, Wanted};

/// One action on everything that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BulkOperation<'a> {
    #[schemars(extend("enum" = ["bulk_operation"]))]
    object: &'static str,
    id: &'a str,
    action: BulkAction,
    filter: &'a Wanted,
    count: i64,
    sample: &'a [String],
    conflicts: &'a [Conflict],
    hash: &'a str,
    state: BulkState,
    done: i64,
    created_at: Instant,
    applied_at: Option<Instant>,
    undo_until: Option<Instant>,
    conflict_count: i64,
    refused: i64,
    reason: &'a str,
    /// Taken back.
    undone: i64,
    /// Not taken back, because they had gone out or changed since.
    kept: i64,
}

impl<'a> From<&'a Operation> for BulkOperation<'a> {
    fn from(operation: &'a Operation) -> Self {
        Self {
            object: "bulk_operation",
            id: &operation.id,
            action: operation.action,
            filter: &operation.filter,
            count: operation.count,
            sample: &operation.sample,
            conflicts: &operation.conflicts,
            hash: &operation.hash,
            state: operation.state,
            done: operation.done,
            created_at: Instant(operation.created_at),
            applied_at: operation.applied_at.map(Instant),
            undo_until: operation.undo_until.map(Instant),
            conflict_count: operation.conflict_count,
            refused: operation.refused,
            reason: &operation.reason,
            undone: operation.undone,
            kept: operation.kept,
        }
    }
}
