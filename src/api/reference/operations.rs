//! Every operation, one entry each: what the reference is built from, and what a test holds against the router.

mod contract;
mod operators;
mod settings;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// HTTP method.
    pub method: &'static str,
    /// Path under `/api/v1`.
    pub path: &'static str,
    /// Name for generated clients.
    pub id: &'static str,
    /// Chapter of the reference.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What a reader would not guess.
    pub description: &'static str,
    /// Scope that its key needs; `None` where no key is needed.
    pub scope: Option<&'static str>,
    /// Query parameters.
    pub query: &'static [Parameter],
    /// Schema of the body.
    pub body: Option<&'static str>,
    /// A list that is answered whole, unless a page of it is asked for.
    pub whole: bool,
    /// Status and schema of a success.
    pub success: (u16, &'static str),
    /// Statuses of its own, beside those that every operation knows.
    pub errors: &'static [(u16, &'static str)],
}

/// A query parameter: name, JSON type (or schema, if it begins with a capital), meaning.
pub type Parameter = (&'static str, &'static str, &'static str);

const BODY: (u16, &str) = (400, "A property of the body is at fault; `field` names it.");
const QUERY: (u16, &str) = (400, "A query parameter is at fault; `field` names it.");
const NO_CUSTOMER: (u16, &str) =
    (404, "customer_not_found: no such customer, or of another workspace, or deleted.");
const NO_CONTACT: (u16, &str) =
    (404, "contact_not_found: no such contact, or of another workspace, or deleted.");
const NO_ONBOARDING: (u16, &str) =
    (404, "onboarding_not_found: no such onboarding, or of another workspace, or deleted.");
const NO_USER: (u16, &str) = (404, "user_not_found: no such user, or of another workspace.");
const NO_KEY: (u16, &str) = (404, "api_key_not_found: no such key, or revoked already.");
const REPEATED: (u16, &str) = (409, "idempotency_key_reused or idempotency_in_progress.");
const SLUG: (u16, &str) = (409, "slug_taken, idempotency_key_reused or idempotency_in_progress.");
const EMAIL: (u16, &str) = (409, "email_taken, idempotency_key_reused or idempotency_in_progress.");

const NO_NOTIFICATION: (u16, &str) =
    (404, "notification_not_found: no such notification, or of another workspace.");
const NO_JOB: (u16, &str) =
    (404, "job_not_found: no such job, or nothing in it is the workspace's.");
const NO_BULK: (u16, &str) =
    (404, "bulk_operation_not_found: no such operation, or of another workspace.");
const NO_ADDRESS: (u16, &str) =
    (404, "address_not_found: no such user or contact, or of another workspace.");
const NO_SCHEDULE: (u16, &str) = (404, "schedule_not_found.");
const REFUSED: (u16, &str) = (
    409,
    "action_refused: it would have no effect, or another than its name says; the message says why. Or idempotency_key_reused, idempotency_in_progress.",
);

const GET: Operation = Operation {
    method: "get",
    path: "",
    id: "",
    tag: "",
    summary: "",
    description: "",
    scope: Some("read"),
    query: &[],
    body: None,
    whole: false,
    success: (200, ""),
    errors: &[],
};
const POST: Operation =
    Operation { method: "post", scope: Some("write"), success: (201, ""), ..GET };
const PATCH: Operation = Operation { method: "patch", scope: Some("write"), ..GET };
const DELETE: Operation =
    Operation { method: "delete", scope: Some("write"), success: (200, "Deleted"), ..GET };
const ADMIN: Option<&str> = Some("admin");
const OPERATE: Option<&str> = Some("operate");
const ACT: Operation = Operation { scope: OPERATE, ..POST };

/// All of them, in the order of the reference.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    [contract::OPERATIONS, settings::OPERATIONS, operators::OPERATIONS].into_iter().flatten()
}
