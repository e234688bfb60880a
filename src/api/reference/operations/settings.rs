//! What reminds whom how: forecasts and explanations, people and their preferences, the workspace, keys.

use super::{
    ADMIN, BODY, DELETE, EMAIL, GET, NO_CONTACT, NO_KEY, NO_ONBOARDING, NO_USER, OPERATE,
    Operation, PATCH, POST, QUERY, REFUSED, REPEATED,
};

/// Rules, people and settings.
pub(super) const OPERATIONS: &[Operation] = &[
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
        path: "/reminders/explain",
        id: "explain-reminders",
        tag: "Reminders",
        summary: "Why somebody got nothing, in one step",
        description: "What was written on the day for a person or about an onboarding, and whether a line was due: the first gate that is shut of each of a person's onboardings. Names and addresses are compared in any case, first whole, then by how they begin.",
        query: &[
            (
                "who",
                "required string",
                "A person or customer by name or address, an onboarding by number, or an id.",
            ),
            (
                "at",
                "date-time",
                "On the day of this instant, in the workspace's calendar; now without.",
            ),
        ],
        success: (200, "RemindersExplanation"),
        errors: &[
            QUERY,
            (
                404,
                "nothing_found: nobody and nothing of the workspace is called so. Or several_found; the message names their ids.",
            ),
        ],
        ..GET
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
        whole: true,
        errors: &[QUERY, NO_ONBOARDING],
        ..GET
    },
    Operation {
        path: "/reminders/preview",
        id: "preview-message",
        tag: "Reminders",
        summary: "What a message looks like",
        description: "A digest is somebody's next one; other kinds are about an onboarding, as if their step were reached. Without either it is a sample. Nothing is sent, and its links lead nowhere.",
        query: &[
            ("kind", "required Kind", "Which message."),
            (
                "channel",
                "Channel",
                "email if not given; a digest of real data goes by the user's own.",
            ),
            ("user_id", "string", "Whose digest."),
            ("onboarding_id", "string", "What the message is about."),
            ("at", "date-time", "As of this instant; now if not given."),
        ],
        success: (200, "MessagePreview"),
        errors: &[
            QUERY,
            (404, "onboarding_not_found; or nothing_to_preview, which says what is missing."),
        ],
        ..GET
    },
    Operation {
        path: "/reminders/unroutable",
        id: "list-unroutable",
        tag: "Reminders",
        summary: "Onboardings that nobody hears of",
        description: "Open ones with no active CSM, of a workspace with no active owner.",
        success: (200, "UnroutableOnboardingList"),
        whole: true,
        errors: &[QUERY],
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
        whole: true,
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
        whole: true,
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
        scope: OPERATE,
        success: (200, "OptOutList"),
        whole: true,
        ..GET
    },
    Operation {
        path: "/opt_outs/{id}/lift",
        id: "lift-opt-out",
        tag: "Workspace",
        summary: "Write again to a customer's contact who asked for it",
        description: "Users choose for themselves.",
        scope: OPERATE,
        body: Some("ReasonGiven"),
        success: (200, "OptOut"),
        errors: &[BODY, NO_CONTACT, REFUSED],
        ..POST
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
];
