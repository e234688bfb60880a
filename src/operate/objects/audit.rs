//! Who changed what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Instant;
use crate::operate::audit_log::Line;

/// One change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditEntry<'a> {
    #[schemars(extend("enum" = ["audit_entry"]))]
    object: &'static str,
    id: &'a str,
    event: &'a str,
    actor: Actor<'a>,
    target: Target<'a>,
    /// {field: [before, after]}
    #[schemars(with = "BTreeMap<String, Vec<Value>>")]
    diff: &'a Value,
    reason: Option<&'a str>,
    request_id: Option<&'a str>,
    created_at: Instant,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Actor<'a> {
    r#type: &'a str,
    id: Option<&'a str>,
    name: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Target<'a> {
    object: &'a str,
    id: &'a str,
}

impl<'a> From<&'a Line> for AuditEntry<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            object: "audit_entry",
            id: &line.id,
            event: &line.event,
            actor: Actor {
                r#type: &line.actor_type,
                id: line.actor_id.as_deref(),
                name: &line.actor_name,
            },
            target: Target { object: &line.object, id: &line.object_id },
            diff: &line.diff.0,
            reason: line.reason.as_deref(),
            request_id: line.request_id.as_deref(),
            created_at: Instant(line.created_at),
        }
    }
}
