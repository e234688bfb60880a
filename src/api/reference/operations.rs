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

const NO_NOTIFICATION: (u16, &str) =
    (404, "notification_not_found: no such notification, or of another workspace.");
const NO_JOB: (u16, &str) =
    (404, "job_not_found: no such job, or nothing in it is the workspace's.");
const NO_BULK: (u16, &str) =
    (404, "bulk_operation_not_found: no such operation, or of another workspace.");
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
        path: "/templates",
        id: "list-templates",
        tag: "Workspace",
        summary: "Every part of every message",
        description: "With the workspace's own template where it wrote one; `version` 0 and a null source mean the built-in one.",
        scope: ADMIN,
        success: (200, "TemplateList"),
        ..GET
    },
    Operation {
        path: "/templates/{name}",
        id: "get-template",
        tag: "Workspace",
        summary: "A part of a message, with its versions and what it may name",
        description: "Such as `digest.subject` or `customer_reminder.html`.",
        scope: ADMIN,
        success: (200, "TemplateDetail"),
        errors: &[(404, "template_not_found.")],
        ..GET
    },
    Operation {
        method: "put",
        path: "/templates/{name}",
        id: "save-template",
        tag: "Workspace",
        summary: "Write a part of a message, or go back",
        description: "Send `source` (null: back to the built-in one) or `version` (an earlier one; 0: the built-in one). It is rendered with every sample first, and refused if that fails; it is in use from the next message on.",
        scope: ADMIN,
        body: Some("TemplateUpdate"),
        success: (200, "TemplateDetail"),
        errors: &[BODY, (404, "template_not_found.")],
        ..PATCH
    },
    Operation {
        path: "/opt_outs",
        id: "list-opt-outs",
        tag: "Workspace",
        summary: "Who wants no messages of which kind",
        scope: ADMIN,
        success: (200, "OptOutList"),
        ..GET
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
        path: "/notifications",
        id: "list-notifications",
        tag: "Notifications",
        summary: "What was sent to whom, and what was not",
        description: "Newest first. Accept: text/csv gives up to 10,000 lines as a file. Pages may be a row shorter than asked for.",
        query: &[
            ("kind", "Kind", "Only of this kind."),
            ("channel", "Channel", "Only on this channel."),
            ("state", "NotificationState", "Only in this state."),
            ("reason", "Reason", "Why it stands as it does."),
            ("mode", "Mode", "Only of this mode."),
            ("onboarding_id", "string", "Only about this onboarding."),
            ("customer_id", "string", "Only about onboardings of this customer."),
            ("user_id", "string", "Only to this user."),
            ("created_after", "date-time", "Written at this instant or later."),
            ("created_before", "date-time", "Written before this instant."),
            ("q", "string", "What customer, person or subject begins with, in any case."),
        ],
        success: (200, "NotificationList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/notifications/{id}",
        id: "get-notification",
        tag: "Notifications",
        summary: "One notification, with message, attempts and gates",
        description: "Gates of one that is open are decided anew; of one that has ended they tell how it went.",
        success: (200, "NotificationDetails"),
        errors: &[NO_NOTIFICATION],
        ..GET
    },
    Operation {
        path: "/notifications/{id}/retry",
        id: "retry-notification",
        tag: "Notifications",
        summary: "Try one again at once",
        description: "One in doubt is sent a second time. What would have no effect is refused in words.",
        body: Some("ReasonGiven"),
        success: (200, "Notification"),
        errors: &[BODY, NO_NOTIFICATION, REFUSED],
        ..ACT
    },
    Operation {
        path: "/notifications/{id}/cancel",
        id: "cancel-notification",
        tag: "Notifications",
        summary: "Cancel one that has not gone out",
        body: Some("ReasonGiven"),
        success: (200, "Notification"),
        errors: &[BODY, NO_NOTIFICATION, REFUSED],
        ..ACT
    },
    Operation {
        path: "/queues",
        id: "list-queues",
        tag: "Queues and jobs",
        summary: "What waits in each queue",
        scope: OPERATE,
        success: (200, "QueueList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/queues/{name}/pause",
        id: "pause-queue",
        tag: "Queues and jobs",
        summary: "Stop a queue for the workspace",
        description: "Within two seconds no worker takes anything from it; what is being delivered comes to its end.",
        body: Some("ReasonGiven"),
        success: (200, "Queue"),
        errors: &[BODY, (404, "queue_not_found."), REFUSED],
        ..ACT
    },
    Operation {
        path: "/queues/{name}/resume",
        id: "resume-queue",
        tag: "Queues and jobs",
        summary: "Let a queue go on",
        body: Some("ReasonGiven"),
        success: (200, "Queue"),
        errors: &[BODY, (404, "queue_not_found."), REFUSED],
        ..ACT
    },
    Operation {
        path: "/jobs",
        id: "list-jobs",
        tag: "Queues and jobs",
        summary: "The wake-ups of the queues",
        description: "Newest first. A job stands for up to 25 notifications; those of other workspaces are not shown. A page may be shorter than asked for and yet have a next.",
        scope: OPERATE,
        query: &[
            ("queue", "string", "email, slack or customer."),
            ("status", "JobStatus", "Only in this state."),
            ("kind", "Kind", "With a notification of this kind."),
            ("notification_id", "string", "With this notification."),
        ],
        success: (200, "JobList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/jobs/{id}",
        id: "get-job",
        tag: "Queues and jobs",
        summary: "One job",
        scope: OPERATE,
        success: (200, "Job"),
        errors: &[NO_JOB],
        ..GET
    },
    Operation {
        path: "/jobs/{id}/retry",
        id: "retry-job",
        tag: "Queues and jobs",
        summary: "Retry what is in a job",
        description: "Done to each of its notifications to which it can be done; refused if there is none.",
        body: Some("ReasonMaybe"),
        success: (200, "Job"),
        errors: &[BODY, NO_JOB, REFUSED],
        ..ACT
    },
    Operation {
        path: "/jobs/{id}/cancel",
        id: "cancel-job",
        tag: "Queues and jobs",
        summary: "Cancel what is in a job",
        body: Some("ReasonMaybe"),
        success: (200, "Job"),
        errors: &[BODY, NO_JOB, REFUSED],
        ..ACT
    },
    Operation {
        path: "/jobs/{id}/run_now",
        id: "run-job-now",
        tag: "Queues and jobs",
        summary: "Send at once what waits for its time",
        description: "What waits for quiet or working hours keeps to them.",
        body: Some("ReasonMaybe"),
        success: (200, "Job"),
        errors: &[BODY, NO_JOB, REFUSED],
        ..ACT
    },
    Operation {
        path: "/bulk_operations",
        id: "list-bulk-operations",
        tag: "Bulk operations",
        summary: "List bulk operations",
        scope: OPERATE,
        success: (200, "BulkOperationList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/bulk_operations",
        id: "plan-bulk-operation",
        tag: "Bulk operations",
        summary: "Plan an action on everything that matches",
        description: "Nothing is done yet. The plan keeps exactly the notifications that it is about, up to 10,000, and their hash; it can be applied for an hour.",
        body: Some("BulkPlan"),
        success: (201, "BulkOperation"),
        errors: &[BODY, REFUSED],
        ..ACT
    },
    Operation {
        path: "/bulk_operations/{id}",
        id: "get-bulk-operation",
        tag: "Bulk operations",
        summary: "One bulk operation, with its progress",
        scope: OPERATE,
        success: (200, "BulkOperation"),
        errors: &[NO_BULK],
        ..GET
    },
    Operation {
        path: "/bulk_operations/{id}/apply",
        id: "apply-bulk-operation",
        tag: "Bulk operations",
        summary: "Have a plan carried out",
        description: "Workers go through exactly the plan that the hash names; done tells how far they are.",
        body: Some("BulkApply"),
        success: (200, "BulkOperation"),
        errors: &[BODY, NO_BULK, REFUSED],
        ..ACT
    },
    Operation {
        path: "/bulk_operations/{id}/undo",
        id: "undo-bulk-operation",
        tag: "Bulk operations",
        summary: "Take back what has not been sent",
        description: "Until undo_until; done counts back.",
        body: Some("ReasonMaybe"),
        success: (200, "BulkOperation"),
        errors: &[BODY, NO_BULK, REFUSED],
        ..ACT
    },
    Operation {
        path: "/schedules",
        id: "list-schedules",
        tag: "Schedules",
        summary: "What runs by the clock",
        scope: OPERATE,
        success: (200, "ScheduleList"),
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/schedules/{name}/run",
        id: "run-schedule",
        tag: "Schedules",
        summary: "Ask for a run",
        description: "Begins within two seconds, also while it is paused. Schedules are for every workspace: refused where there is more than one.",
        body: Some("ReasonMaybe"),
        success: (200, "Schedule"),
        errors: &[BODY, NO_SCHEDULE, REFUSED],
        ..ACT
    },
    Operation {
        path: "/schedules/{name}/pause",
        id: "pause-schedule",
        tag: "Schedules",
        summary: "Stop a schedule",
        body: Some("ReasonMaybe"),
        success: (200, "Schedule"),
        errors: &[BODY, NO_SCHEDULE, REFUSED],
        ..ACT
    },
    Operation {
        path: "/schedules/{name}/resume",
        id: "resume-schedule",
        tag: "Schedules",
        summary: "Let a schedule go on",
        body: Some("ReasonMaybe"),
        success: (200, "Schedule"),
        errors: &[BODY, NO_SCHEDULE, REFUSED],
        ..ACT
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
