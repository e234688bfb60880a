//! Every operation, one entry each: what the reference is built from, and what a test holds against the router.

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
    success: (200, ""),
    errors: &[],
};
const POST: Operation =
    Operation { method: "post", scope: Some("write"), success: (201, ""), ..GET };
const PATCH: Operation = Operation { method: "patch", scope: Some("write"), ..GET };
const DELETE: Operation =
    Operation { method: "delete", scope: Some("write"), success: (200, "Deleted"), ..GET };
const ADMIN: Option<&str> = Some("admin");

/// All of them, in the order of the reference.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/me",
        id: "get-me",
        tag: "Meta",
        summary: "Identity behind the calling key",
        success: (200, "Me"),
        ..GET
    },
    Operation {
        path: "/health",
        id: "get-health",
        tag: "Meta",
        summary: "Liveness probe",
        description: "200 while the process is up. Needs no key.",
        scope: None,
        success: (200, "Health"),
        errors: &[(429, "Reserved; not answered yet.")],
        ..GET
    },
    Operation {
        path: "/customers",
        id: "list-customers",
        tag: "Customers",
        summary: "List customers",
        description: "Newest first. Deleted ones never appear.",
        query: &[
            ("status", "CustomerStatus", "Only of this status."),
            ("slug", "string", "Only the one of exactly this slug."),
        ],
        success: (200, "CustomerList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/customers",
        id: "create-customer",
        tag: "Customers",
        summary: "Create a customer",
        body: Some("CustomerCreate"),
        success: (201, "Customer"),
        errors: &[BODY, SLUG],
        ..POST
    },
    Operation {
        path: "/customers/{id}",
        id: "get-customer",
        tag: "Customers",
        summary: "Retrieve a customer",
        success: (200, "Customer"),
        errors: &[NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/customers/{id}",
        id: "update-customer",
        tag: "Customers",
        summary: "Update a customer",
        description: "What is not sent keeps its value; null clears.",
        body: Some("CustomerUpdate"),
        success: (200, "Customer"),
        errors: &[BODY, NO_CUSTOMER, SLUG],
        ..PATCH
    },
    Operation {
        path: "/customers/{id}",
        id: "delete-customer",
        tag: "Customers",
        summary: "Delete a customer",
        description: "Can be repeated. Its contacts and onboardings leave every list and every notification, but still answer by id.",
        errors: &[NO_CUSTOMER],
        ..DELETE
    },
    Operation {
        path: "/customers/{customerId}/contacts",
        id: "list-customer-contacts",
        tag: "Contacts",
        summary: "List a customer's contacts",
        success: (200, "ContactList"),
        errors: &[QUERY, NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/customers/{customerId}/contacts",
        id: "create-customer-contact",
        tag: "Contacts",
        summary: "Add a contact to a customer",
        description: "The first contact is the primary one; is_primary moves the star.",
        body: Some("ContactCreate"),
        success: (201, "Contact"),
        errors: &[BODY, NO_CUSTOMER, EMAIL],
        ..POST
    },
    Operation {
        path: "/contacts/{id}",
        id: "get-contact",
        tag: "Contacts",
        summary: "Retrieve a contact",
        success: (200, "Contact"),
        errors: &[NO_CONTACT],
        ..GET
    },
    Operation {
        path: "/contacts/{id}",
        id: "update-contact",
        tag: "Contacts",
        summary: "Update a contact",
        body: Some("ContactUpdate"),
        success: (200, "Contact"),
        errors: &[BODY, NO_CONTACT, EMAIL],
        ..PATCH
    },
    Operation {
        path: "/contacts/{id}",
        id: "delete-contact",
        tag: "Contacts",
        summary: "Delete a contact",
        description: "Can be repeated. The oldest remaining contact becomes primary in its place.",
        errors: &[NO_CONTACT],
        ..DELETE
    },
    Operation {
        path: "/onboardings",
        id: "list-onboardings",
        tag: "Onboardings",
        summary: "List onboardings",
        description: "state=waiting selects on waiting_on_customer.",
        query: &[
            ("customer_id", "string", "Id or display id of a customer."),
            ("state", "OnboardingState", "Only in this state."),
            ("phase", "OnboardingPhase", "Only in this phase."),
        ],
        success: (200, "OnboardingList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/onboardings",
        id: "create-onboarding",
        tag: "Onboardings",
        summary: "Create an onboarding",
        body: Some("OnboardingCreate"),
        success: (201, "Onboarding"),
        errors: &[BODY, NO_CUSTOMER, REPEATED],
        ..POST
    },
    Operation {
        path: "/customers/{customerId}/onboardings",
        id: "list-customer-onboardings",
        tag: "Onboardings",
        summary: "List a customer's onboardings",
        success: (200, "OnboardingList"),
        errors: &[QUERY, NO_CUSTOMER],
        ..GET
    },
    Operation {
        path: "/onboardings/{id}",
        id: "get-onboarding",
        tag: "Onboardings",
        summary: "Retrieve an onboarding",
        success: (200, "Onboarding"),
        errors: &[NO_ONBOARDING],
        ..GET
    },
    Operation {
        path: "/onboardings/{id}",
        id: "update-onboarding",
        tag: "Onboardings",
        summary: "Update an onboarding",
        description: "state=waiting sets waiting_on_customer; leaving it clears the flag unless the same request sets it. What the server owns is ignored.",
        body: Some("OnboardingUpdate"),
        success: (200, "Onboarding"),
        errors: &[BODY, NO_ONBOARDING, (409, "Reserved; not answered yet.")],
        ..PATCH
    },
    Operation {
        path: "/onboardings/{id}",
        id: "delete-onboarding",
        tag: "Onboardings",
        summary: "Delete an onboarding",
        description: "Can be repeated. What was about to be sent is cancelled.",
        errors: &[NO_ONBOARDING],
        ..DELETE
    },
    Operation {
        path: "/onboardings/{id}/reminders",
        id: "get-onboarding-reminders",
        tag: "Reminders",
        summary: "Reminders of an onboarding, explained",
        description: "What was sent, what comes next, and every gate in order with the values seen, for the day of `at`.",
        query: &[
            (
                "recipient_id",
                "string",
                "Ask about this user instead of the one who would hear of it.",
            ),
            ("at", "date-time", "Ask about this instant instead of now."),
        ],
        success: (200, "OnboardingReminders"),
        errors: &[QUERY, NO_ONBOARDING],
        ..GET
    },
    Operation {
        path: "/onboardings/{id}/snooze",
        id: "snooze-onboarding",
        tag: "Reminders",
        summary: "Snooze an onboarding",
        description: "Reminders of it resume on the date `until`.",
        body: Some("SnoozeCreate"),
        success: (201, "OnboardingReminders"),
        errors: &[BODY, NO_ONBOARDING, REPEATED],
        ..POST
    },
    Operation {
        path: "/onboardings/{id}/snooze",
        id: "wake-onboarding",
        tag: "Reminders",
        summary: "End a snooze",
        description: "Also where nothing is snoozed.",
        success: (200, "OnboardingReminders"),
        errors: &[NO_ONBOARDING],
        ..DELETE
    },
    Operation {
        path: "/reminders/forecast",
        id: "forecast-reminders",
        tag: "Reminders",
        summary: "What will be sent to whom, when",
        description: "As if nothing changed, or as if the change in `as_if` were made. Whole, unless a page is asked for.",
        query: &[
            ("days", "ForecastDays", "How many days ahead."),
            ("csm_id", "string", "Only to this user."),
            ("onboarding_id", "string", "Only about this onboarding."),
            (
                "as_if",
                "application/json AsIf",
                "URL-encoded JSON of a PATCH, with `onboarding_id`.",
            ),
        ],
        success: (200, "ForecastItemList"),
        errors: &[QUERY, NO_ONBOARDING],
        ..GET
    },
    Operation {
        path: "/users",
        id: "list-users",
        tag: "Users",
        summary: "List users",
        scope: ADMIN,
        success: (200, "UserList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/users",
        id: "create-user",
        tag: "Users",
        summary: "Add a user",
        scope: ADMIN,
        body: Some("UserCreate"),
        success: (201, "User"),
        errors: &[BODY, EMAIL],
        ..POST
    },
    Operation {
        path: "/users/{id}",
        id: "get-user",
        tag: "Users",
        summary: "Retrieve a user",
        scope: ADMIN,
        success: (200, "User"),
        errors: &[NO_USER],
        ..GET
    },
    Operation {
        path: "/users/{id}",
        id: "update-user",
        tag: "Users",
        summary: "Update a user",
        scope: ADMIN,
        body: Some("UserUpdate"),
        success: (200, "User"),
        errors: &[BODY, NO_USER, EMAIL],
        ..PATCH
    },
    Operation {
        path: "/users/{id}",
        id: "deactivate-user",
        tag: "Users",
        summary: "Deactivate a user",
        description: "The user stays and is told nothing any more; PATCH active brings them back.",
        scope: ADMIN,
        errors: &[NO_USER],
        ..DELETE
    },
    Operation {
        path: "/users/{id}/notification_preferences",
        id: "get-notification-preferences",
        tag: "Users",
        summary: "When and where a person wants to hear",
        scope: ADMIN,
        success: (200, "NotificationPreferences"),
        errors: &[NO_USER],
        ..GET
    },
    Operation {
        path: "/users/{id}/notification_preferences",
        id: "update-notification-preferences",
        tag: "Users",
        summary: "Change when and where a person wants to hear",
        scope: ADMIN,
        body: Some("NotificationPreferencesUpdate"),
        success: (200, "NotificationPreferences"),
        errors: &[BODY, NO_USER],
        ..PATCH
    },
    Operation {
        path: "/workspace",
        id: "get-workspace",
        tag: "Workspace",
        summary: "Settings of the workspace",
        scope: ADMIN,
        success: (200, "Workspace"),
        ..GET
    },
    Operation {
        path: "/workspace",
        id: "update-workspace",
        tag: "Workspace",
        summary: "Change settings of the workspace",
        scope: ADMIN,
        body: Some("WorkspaceUpdate"),
        success: (200, "Workspace"),
        errors: &[BODY],
        ..PATCH
    },
    Operation {
        path: "/workspace/holidays",
        id: "add-holidays",
        tag: "Workspace",
        summary: "Add the days of an iCalendar file",
        description: "Every day that an event covers becomes a holiday. Events that recur are refused: export their dates.",
        scope: ADMIN,
        body: Some("text/calendar"),
        success: (200, "Workspace"),
        errors: &[(400, "The file cannot be read."), REPEATED],
        ..POST
    },
    Operation {
        path: "/phases",
        id: "list-phases",
        tag: "Workspace",
        summary: "The seven phases, in order",
        description: "Whole, unless a page is asked for.",
        success: (200, "PhaseList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/phases/{key}",
        id: "update-phase",
        tag: "Workspace",
        summary: "Change label, place or target of a phase",
        scope: ADMIN,
        body: Some("PhaseUpdate"),
        success: (200, "Phase"),
        errors: &[BODY, (404, "phase_not_found.")],
        ..PATCH
    },
    Operation {
        path: "/api_keys",
        id: "list-api-keys",
        tag: "API keys",
        summary: "List keys",
        scope: ADMIN,
        success: (200, "ApiKeyList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/api_keys",
        id: "create-api-key",
        tag: "API keys",
        summary: "Make a key",
        description: "The key is shown once; a repetition with the same Idempotency-Key answers without it.",
        scope: ADMIN,
        body: Some("ApiKeyCreate"),
        success: (201, "ApiKey"),
        errors: &[BODY, REPEATED],
        ..POST
    },
    Operation {
        path: "/api_keys/{id}/rotate",
        id: "rotate-api-key",
        tag: "API keys",
        summary: "Replace a key",
        description: "Makes a key like the old one, which is revoked after the overlap.",
        scope: ADMIN,
        body: Some("ApiKeyRotate"),
        success: (201, "ApiKey"),
        errors: &[BODY, NO_KEY, REPEATED],
        ..POST
    },
    Operation {
        path: "/api_keys/{id}",
        id: "revoke-api-key",
        tag: "API keys",
        summary: "Revoke a key",
        description: "Holds from the next request on.",
        scope: ADMIN,
        success: (200, "DeletedApiKey"),
        errors: &[NO_KEY],
        ..DELETE
    },
    Operation {
        path: "/audit_log",
        id: "list-audit-log",
        tag: "Audit log",
        summary: "Who changed what",
        description: "Accept: text/csv gives up to 10,000 lines as a file.",
        query: &[
            ("object", "string", "Only about this type of object."),
            ("id", "string", "Only about the object of this id."),
            ("actor", "string", "Only by the actor of this id or name."),
            ("event", "string", "Only this event."),
            ("after", "date-time", "From this instant on."),
            ("before", "date-time", "Only older ones."),
        ],
        success: (200, "AuditEntryList"),
        errors: &[QUERY],
        ..GET
    },
];
