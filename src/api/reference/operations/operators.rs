//! What operators see and steer.

use super::{
    ACT, BODY, GET, NO_ADDRESS, NO_BULK, NO_JOB, NO_NOTIFICATION, NO_SCHEDULE, OPERATE, Operation,
    QUERY, REFUSED,
};

/// Notifications, queues, jobs, bulk operations, schedules, the audit log.
pub(super) const OPERATIONS: &[Operation] = &[
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
        path: "/notifications/{id}/resend",
        id: "resend-notification",
        tag: "Notifications",
        summary: "Send one that has come to its end once more",
        description: "As a notification of its own, with which it answers.",
        body: Some("ReasonGiven"),
        success: (201, "Notification"),
        errors: &[BODY, NO_NOTIFICATION, REFUSED],
        ..ACT
    },
    Operation {
        path: "/notifications/{id}/delivered",
        id: "mark-notification-delivered",
        tag: "Notifications",
        summary: "Say that one in doubt did arrive",
        body: Some("ReasonGiven"),
        success: (200, "Notification"),
        errors: &[BODY, NO_NOTIFICATION, REFUSED],
        ..ACT
    },
    Operation {
        path: "/addresses",
        id: "list-addresses",
        tag: "Notifications",
        summary: "Addresses that a provider refused for good",
        description: "Those refused last first. Nothing goes there until somebody clears one, or the address changes.",
        scope: OPERATE,
        success: (200, "FlaggedAddressList"),
        whole: true,
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/addresses/{id}/clear",
        id: "clear-address",
        tag: "Notifications",
        summary: "Try an address again from now on",
        description: "That of the user or contact of this id.",
        body: Some("AddressClear"),
        success: (200, "FlaggedAddress"),
        errors: &[BODY, NO_ADDRESS, REFUSED],
        ..ACT
    },
    Operation {
        path: "/queues",
        id: "list-queues",
        tag: "Queues and jobs",
        summary: "What waits in each queue",
        scope: OPERATE,
        success: (200, "QueueList"),
        whole: true,
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
        whole: true,
        errors: &[QUERY],
        ..GET
    },
    Operation {
        path: "/schedules/{name}/dry_run",
        id: "dry-run-schedule",
        tag: "Schedules",
        summary: "What passes of the hours to come would write",
        description: "Nothing is written. Only `scan` has a dry run.",
        scope: OPERATE,
        query: &[("hours", "DryRunHours", "How many hours ahead.")],
        success: (200, "PlannedNotificationList"),
        whole: true,
        errors: &[QUERY, NO_SCHEDULE, (409, "action_refused: another schedule than `scan`.")],
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
        path: "/status",
        id: "get-status",
        tag: "Schedules",
        summary: "How the service is",
        description: "What waits, what runs, what ended, what comes, and what asks for an operator, in words.",
        scope: OPERATE,
        success: (200, "Status"),
        ..GET
    },
    Operation {
        path: "/audit_log",
        id: "list-audit-log",
        tag: "Audit log",
        summary: "Who changed what",
        description: "Accept: text/csv gives up to 10,000 lines as a file.",
        query: &[
            ("object", "string", "Only about this type of object."),
            (
                "id",
                "string",
                "Only about the object of this id; with `object`, of an onboarding, a customer or a user, its number will do.",
            ),
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
