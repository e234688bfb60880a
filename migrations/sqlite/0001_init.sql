-- One schema in two dialects: the same tables, columns and order stand in ../postgres/0001_init.sql.
-- Instants are RFC 3339 text in UTC as sqlx writes it, booleans 0 and 1. Instants are kept to the millisecond. Ids are prefixed text, ordered by time of creation (src/domain/ids.rs).

-- A vendor's team. Everything else belongs to exactly one.
CREATE TABLE workspaces (
    id                 TEXT PRIMARY KEY,        -- ws_…
    slug               TEXT NOT NULL UNIQUE,    -- handle for the command line
    name               TEXT NOT NULL,           -- as shown to people
    time_zone          TEXT NOT NULL,           -- IANA name; phases and waiting are counted in it
    working_days       TEXT NOT NULL,           -- mon,tue,…
    digest_time        TEXT NOT NULL,           -- 07:00, default of its users
    waiting_steps      TEXT NOT NULL,           -- business days of the waiting ladder: 3,5,10,15
    owner_user_id      TEXT,                    -- hears of onboardings without an active CSM
    escalation_user_id TEXT,                    -- also hears of the last waiting step
    customer_reminders INTEGER NOT NULL,        -- whether customers are reminded at all
    mail_from          TEXT,                    -- sender's address, null = the installation's
    mail_name          TEXT,                    -- sender's name of mails to staff, null = "<name> onboardings"
    reply_to           TEXT,                    -- where answers of staff go, null = to the sender
    footer_address     TEXT,                    -- postal address under mails, null = the installation's
    names_in_subjects  INTEGER NOT NULL,        -- customers' names in subject lines
    hints_mark         TEXT,                    -- its onboardings' computed columns are to be computed anew, by the next pass; null = they are right
    locale             TEXT NOT NULL DEFAULT 'en', -- language of its messages and pages
    templates_revision INTEGER NOT NULL DEFAULT 0, -- counts what was saved in template_versions, so that workers notice
    created_at         TEXT NOT NULL,           -- when it was created
    updated_at         TEXT NOT NULL            -- when it changed last
) STRICT;

-- Dates on which a workspace does not work.
CREATE TABLE holidays (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),  -- whose
    date         TEXT NOT NULL,                             -- a whole local date, wherever its people are
    PRIMARY KEY (workspace_id, date)
) STRICT;

-- Label, position and target of the seven phases, per workspace.
CREATE TABLE phases (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),  -- whose
    key          TEXT NOT NULL,                             -- the fixed word of the contract
    label        TEXT NOT NULL,                             -- as shown to people
    position     INTEGER NOT NULL,                          -- place in the journey, from 0
    target_days  INTEGER NOT NULL,                          -- days that an onboarding should at most spend in it
    PRIMARY KEY (workspace_id, key)
) STRICT;

-- Per workspace and type: the last display_id given out, and the last created_at, so that creation instants strictly increase.
CREATE TABLE counters (
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),  -- whose
    name            TEXT NOT NULL,                             -- customer, contact, onboarding, user
    value           INTEGER NOT NULL,                          -- the last display_id given out
    last_created_at TEXT NOT NULL,                             -- the last created_at given out
    PRIMARY KEY (workspace_id, name)
) STRICT;

-- The vendor's people, with their notification preferences.
CREATE TABLE users (
    id                  TEXT PRIMARY KEY,                          -- user_…
    workspace_id        TEXT NOT NULL REFERENCES workspaces (id),  -- where they work
    display_id          INTEGER NOT NULL,                          -- the small number people use
    name                TEXT NOT NULL,                             -- as typed
    email               TEXT NOT NULL,                             -- lower case
    time_zone           TEXT,                                      -- null = the workspace's
    slack_user_id       TEXT,                                      -- U… or W…; without one Slack cannot reach them
    active              INTEGER NOT NULL,                          -- deactivated people hear nothing
    email_flagged_at    TEXT,                                      -- a provider refused the address for good
    slack_flagged_at    TEXT,                                      -- Slack refused the user id for good
    digest_enabled      INTEGER NOT NULL,                          -- whether they want digests at all
    digest_channel      TEXT NOT NULL,                             -- email, slack
    digest_time         TEXT,                                      -- null = the workspace's
    digest_days         TEXT,                                      -- null = the workspace's working days
    working_from        TEXT NOT NULL,                             -- nudges arrive in [from, until)
    working_until       TEXT NOT NULL,                             -- first minute outside; not working_from
    quiet_from          TEXT,                                      -- nothing arrives in [from, until); null = no quiet hours
    quiet_until         TEXT,                                      -- first minute outside; may lie before quiet_from, over midnight
    out_of_office_until TEXT,                                      -- first day back
    backup_user_id      TEXT,                                      -- who hears instead while they are out of office
    muted_kinds         TEXT NOT NULL,                             -- kinds switched off, comma-separated
    preferences_at      TEXT NOT NULL,                             -- when the preferences changed last
    next_slot_at        TEXT,                                      -- computed: the next digest slot; null = none (inactive, digest off)
    created_at          TEXT NOT NULL,                             -- when it was created
    updated_at          TEXT NOT NULL,                             -- when it changed last
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE UNIQUE INDEX users_email ON users (workspace_id, email);                                       -- one user per address
CREATE INDEX users_slot ON users (next_slot_at) WHERE next_slot_at IS NOT NULL;                       -- the scan
CREATE INDEX users_slack ON users (slack_user_id) WHERE slack_user_id IS NOT NULL;                    -- who clicked
CREATE INDEX users_flagged ON users (workspace_id) WHERE email_flagged_at IS NOT NULL OR slack_flagged_at IS NOT NULL;    -- addresses that were refused
CREATE INDEX users_list ON users (workspace_id, created_at);                                          -- the API's list
CREATE INDEX users_backup ON users (backup_user_id) WHERE backup_user_id IS NOT NULL;                 -- for whom somebody stands in

-- Keys of the public API. The key itself is never stored.
CREATE TABLE api_keys (
    id            TEXT PRIMARY KEY,                          -- key_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),  -- whose data it opens
    name          TEXT NOT NULL,                             -- the actor of its writes: "API: <name>"
    prefix        TEXT NOT NULL,                             -- first four characters of the body, to recognise it by
    hash          TEXT NOT NULL UNIQUE,                      -- SHA-256 of the whole key, hex
    mode          TEXT NOT NULL,                             -- live, test; never parsed from the key
    tier          TEXT NOT NULL,                             -- standard, plus, unlimited
    scopes        TEXT NOT NULL,                             -- space-separated
    last_used_at  TEXT,                                      -- written at most once a minute
    last_used_ip  TEXT,                                      -- from where it was used last
    request_count INTEGER NOT NULL,                          -- requests let in so far
    created_at    TEXT NOT NULL,                             -- when it was created
    revoked_at    TEXT                                       -- from this instant on 401; may lie ahead (rotation with overlap)
) STRICT;
CREATE INDEX api_keys_list ON api_keys (workspace_id, created_at);                                    -- the list of keys

-- The vendor's customers, by the public contract.
CREATE TABLE customers (
    id                  TEXT PRIMARY KEY,                          -- cust_…
    workspace_id        TEXT NOT NULL REFERENCES workspaces (id),  -- whose customer
    display_id          INTEGER NOT NULL,                          -- the small number people use
    name                TEXT NOT NULL,                             -- as typed
    slug                TEXT NOT NULL,                             -- handle, unique among those that are not deleted
    domain              TEXT,                                      -- their web domain, as sent
    status              TEXT NOT NULL,                             -- onboarding, active, at_risk, churned, archived; the last two silence its onboardings
    plan                TEXT,                                      -- what they bought
    mrr                 INTEGER,                                   -- monthly recurring revenue, in the unit it was sent in
    monthly_orders      INTEGER,                                   -- orders a month
    hubspot_company_id  TEXT,                                      -- their id in HubSpot
    hubspot_deal_id     TEXT,                                      -- the deal in HubSpot
    stripe_customer_id  TEXT,                                      -- their id in Stripe
    intercom_company_id TEXT,                                      -- their id in Intercom
    slack_channel_id    TEXT,                                      -- the channel shared with them; nothing is ever sent there
    metadata            TEXT NOT NULL,                             -- JSON as it was sent: JSONB would reorder its keys
    mode                TEXT NOT NULL,                             -- of the key that created it
    created_at          TEXT NOT NULL,                             -- when it was created
    updated_at          TEXT NOT NULL,                             -- when it changed last
    deleted_at          TEXT,                                      -- since when it is gone for everybody; the row stays
    UNIQUE (workspace_id, display_id)
) STRICT;
-- A slug may be longer than an index of PostgreSQL takes: its beginning is looked up, the rest only told apart.
CREATE UNIQUE INDEX customers_slug ON customers (workspace_id, substr(slug, 1, 200), substr(slug, 201)) WHERE deleted_at IS NULL;  -- one customer per slug, and looking for a free one
CREATE INDEX customers_list ON customers (workspace_id, created_at DESC) WHERE deleted_at IS NULL;    -- the API's list

-- People at a customer.
CREATE TABLE contacts (
    id               TEXT PRIMARY KEY,                          -- cont_…
    workspace_id     TEXT NOT NULL REFERENCES workspaces (id),  -- whose customer's
    customer_id      TEXT NOT NULL REFERENCES customers (id),   -- at which customer
    display_id       INTEGER NOT NULL,                          -- the small number people use
    name             TEXT NOT NULL,                             -- as typed
    email            TEXT NOT NULL,                             -- lower case
    title            TEXT,                                      -- their role
    is_primary       INTEGER NOT NULL,                          -- who gets customer reminders; one per customer
    labels           TEXT NOT NULL,                             -- JSON list of words, as sent
    mode             TEXT NOT NULL,                             -- of the key that created it
    email_mode       TEXT NOT NULL,                             -- of the key that last wrote the address
    primary_mode     TEXT NOT NULL,                             -- of the key that last wrote is_primary
    email_flagged_at TEXT,                                      -- a provider refused the address for good
    opted_out_at     TEXT,                                      -- unsubscribed from reminders
    created_at       TEXT NOT NULL,                             -- when it was created
    updated_at       TEXT NOT NULL,                             -- when it changed last
    deleted_at       TEXT,                                      -- since when it is gone for everybody; the row stays
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE UNIQUE INDEX contacts_email ON contacts (customer_id, email) WHERE deleted_at IS NULL;         -- one contact per address
CREATE UNIQUE INDEX contacts_primary ON contacts (customer_id) WHERE is_primary AND deleted_at IS NULL;  -- one star per customer, and whom reminders go to
CREATE INDEX contacts_flagged ON contacts (workspace_id) WHERE email_flagged_at IS NOT NULL;                  -- addresses that were refused
CREATE INDEX contacts_list ON contacts (customer_id, created_at DESC) WHERE deleted_at IS NULL;       -- the API's list

-- The journeys that must not stall.
CREATE TABLE onboardings (
    id                        TEXT PRIMARY KEY,                         -- onb_…
    workspace_id              TEXT NOT NULL REFERENCES workspaces (id),  -- whose
    customer_id               TEXT NOT NULL REFERENCES customers (id),  -- of which customer
    display_id                INTEGER NOT NULL,                         -- the small number people use
    phase                     TEXT NOT NULL,                            -- one of the seven fixed words
    state                     TEXT NOT NULL,                            -- active, paused, at_risk, waiting
    started_at                TEXT NOT NULL,                            -- as created_at
    completed_at              TEXT,                                     -- when it entered "completed"; null otherwise
    target_launch_date        TEXT,                                     -- its UTC date is the launch date
    csm_id                    TEXT,                                     -- who owns it
    se_id                     TEXT,                                     -- its sales engineer; hears nothing
    designer_id               TEXT,                                     -- its designer; hears nothing
    product_ops_id            TEXT,                                     -- its product operations; hear nothing
    notes                     TEXT,                                     -- free text of the vendor
    waiting_on_customer       INTEGER NOT NULL,                         -- whether the customer owes the next step
    waiting_on_customer_since TEXT,                                     -- since when; null while they do not
    wizard_completed_at       TEXT,                                     -- always null, by the contract
    reminder_email            INTEGER NOT NULL,                         -- whether mail may carry its reminders
    reminder_slack            INTEGER NOT NULL,                         -- whether Slack may
    reminder_frequency_days   INTEGER NOT NULL,                         -- days between two lines about it in digests
    phase_entered_at          TEXT NOT NULL,                            -- start of this phase entry, which the stalled ladder counts from
    state_entered_at          TEXT NOT NULL,                            -- when it entered its state
    held_since                TEXT,                                     -- start of the open hold (waiting or paused)
    holds                     TEXT NOT NULL,                            -- closed holds of this phase entry that may cover a whole date
    snoozed_until             TEXT,                                     -- reminders resume on this date
    mode                      TEXT NOT NULL,                            -- of the key that created it
    csm_mode                  TEXT NOT NULL,                            -- of the key that last wrote csm_id
    reminders_mode            TEXT NOT NULL,                            -- … the reminder flags or frequency
    phase_mode                TEXT NOT NULL,                            -- … the phase
    waiting_mode              TEXT NOT NULL,                            -- … the waiting flag
    stalled_step              INTEGER NOT NULL,                         -- highest stalled step dealt with in this phase entry
    waiting_step              INTEGER NOT NULL,                         -- highest waiting step dealt with in this episode
    waiting_began_on          TEXT,                                     -- local date on which the newest waiting episode began: several toggles a day count as one
    next_nudge_at             TEXT,                                     -- computed: when the next step of a ladder may be sent; null = none
    trace                     TEXT,                 -- W3C traceparent of the request that wrote it last; null = traces are off
    created_at                TEXT NOT NULL,                            -- when it was created
    updated_at                TEXT NOT NULL,                            -- when it changed last
    deleted_at                TEXT,                                     -- since when it is gone for everybody; the row stays
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE INDEX onboardings_list ON onboardings (workspace_id, created_at DESC) WHERE deleted_at IS NULL;  -- the API's list
CREATE INDEX onboardings_customer ON onboardings (customer_id, created_at DESC);                      -- a customer's, deleted ones too
CREATE INDEX onboardings_nudge ON onboardings (next_nudge_at) WHERE next_nudge_at IS NOT NULL;        -- the scan
CREATE INDEX onboardings_csm ON onboardings (csm_id) WHERE csm_id IS NOT NULL;                        -- when a CSM changes

-- Where an onboarding stands between two digest lines: what a pass moves, apart from the wide row and its many indexes.
CREATE TABLE reminder_state (
    onboarding_id    TEXT NOT NULL REFERENCES onboardings (id), -- each has exactly one
    recipient_id     TEXT NOT NULL,                          -- computed: active CSM, else active owner, else empty (unroutable)
    next_due_on      TEXT,                                   -- computed: first slot date of the next digest line; null = none
    frequency_days   INTEGER NOT NULL,                       -- copy of reminder_frequency_days: a pass computes the next date from this row alone
    rests_until      TEXT,                                   -- copy of snoozed_until, likewise
    last_reminded_on TEXT,                                   -- slot date of the newest digest that carries it and counts
    last_seen        TEXT,                                   -- what that digest showed, for "since yesterday" (domain::digest::Seen)
    PRIMARY KEY (recipient_id, onboarding_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reminder_state_other_way ON reminder_state (onboarding_id);                       -- the rows themselves lie by recipient, as a pass reads and writes them

-- The ledger: one row per message to one recipient on one channel. It is the truth; jobs are hints.
-- No index, not even a predicate, names state or a lease column: a claim must stay a heap-only update.
CREATE TABLE notifications (
    id               TEXT PRIMARY KEY,          -- ntf_…
    workspace_id     TEXT NOT NULL,             -- whose
    kind             TEXT NOT NULL,             -- digest, stalled_phase, waiting_on_customer, customer_reminder
    channel          TEXT NOT NULL,             -- email, slack
    mode             TEXT NOT NULL,             -- live, test; a test row never reaches a provider
    recipient_type   TEXT NOT NULL,             -- user, contact
    recipient_id     TEXT NOT NULL,             -- the user or contact
    subject_id       TEXT,                      -- the onboarding of a nudge or customer reminder
    slot_date        TEXT NOT NULL,             -- local date of the slot, or of the step
    step             INTEGER,                   -- rung of the ladder, from 1
    step_days        INTEGER,                   -- what the rung counts
    escalation       INTEGER NOT NULL,          -- the recipient is the escalation user
    dedupe_key       TEXT NOT NULL UNIQUE,      -- product.md §2, "exactly once by key"
    state            TEXT NOT NULL,             -- scheduled, deferred, sending, ambiguous; sent, suppressed, skipped, failed, cancelled
    reason           TEXT,                      -- closed enum, for whatever did not become "sent"
    detail           TEXT,                      -- the reason's numbers in words
    due_at           TEXT,                          -- the instant it was meant for, from which lateness counts; null = not known
    not_before       TEXT NOT NULL,             -- earliest next delivery
    deadline         TEXT NOT NULL,             -- after this instant it is not sent any more
    attempt_count    INTEGER NOT NULL,          -- attempts that count against the limit
    delivery_count   INTEGER NOT NULL,          -- claims in a row that ended without an outcome; poison ends after three
    claim_count      INTEGER NOT NULL,          -- claims ever; numbers the attempts
    lease_owner      TEXT,                      -- process that holds it
    lease_token      TEXT,                      -- fence of every later write
    stage            TEXT,                      -- claimed, or body once the provider may have it
    first_attempt_at TEXT,                      -- the mail's Date, the same on every repeat
    resent           INTEGER NOT NULL,          -- the one extra copy after an ambiguous attempt was used up
    resend_of        TEXT,                      -- the notification that an operator had sent anew with this one
    pushed_at        TEXT NOT NULL,             -- last time a job was pushed for it
    trace            TEXT,                          -- W3C traceparent of the pass that wrote it; null = traces are off
    subject          TEXT,                      -- headline of the message as rendered
    provider_ref     TEXT,                      -- the provider's own name for the message
    created_at       TEXT NOT NULL,             -- when it was created
    updated_at       TEXT NOT NULL,             -- when it changed last
    finished_at      TEXT,                      -- set with every final state
    sent_at          TEXT                       -- when the provider took it
) STRICT;
CREATE INDEX notifications_open ON notifications (not_before) WHERE finished_at IS NULL;              -- the sweeper
-- Lists, newest first; with what is looked for in them, so that a walk to something rare touches no row.
CREATE INDEX notifications_list ON notifications (workspace_id, created_at DESC, kind, channel, mode);
-- What ended without being sent. What is sent never gets in here, and costs nothing.
CREATE INDEX notifications_unsent ON notifications (workspace_id, reason, created_at DESC) WHERE finished_at IS NOT NULL AND sent_at IS NULL;
CREATE INDEX notifications_subject ON notifications (workspace_id, lower(substr(subject, 1, 40))) WHERE subject IS NOT NULL; -- search
CREATE INDEX notifications_recipient ON notifications (recipient_id, created_at DESC);                -- what somebody got
CREATE INDEX notifications_finished ON notifications (finished_at) WHERE finished_at IS NOT NULL;    -- what ended in the last hours
CREATE INDEX notifications_resend ON notifications (resend_of) WHERE resend_of IS NOT NULL;           -- rare, and never changed

-- The onboardings a notification is about. No foreign keys: measured, they halve the scan.
CREATE TABLE notification_items (
    notification_id TEXT NOT NULL,              -- the notification
    onboarding_id   TEXT NOT NULL,              -- one onboarding that it is about
    before          TEXT,                       -- what the last digest had shown of it (domain::digest::Seen)
    PRIMARY KEY (notification_id, onboarding_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_items_onboarding ON notification_items (onboarding_id, notification_id);    -- what was said of an onboarding

-- Every try to deliver, never changed.
CREATE TABLE attempts (
    notification_id TEXT NOT NULL,              -- of which notification
    number          INTEGER NOT NULL,           -- from 1, in order of claims
    at              TEXT NOT NULL,              -- when it began
    worker          TEXT NOT NULL,              -- process id
    stage           TEXT NOT NULL,              -- how far it came
    outcome         TEXT NOT NULL,              -- accepted, captured, suppressed, transient, permanent, ambiguous, channel, lost
    reply           TEXT NOT NULL,              -- the provider's answer, or the error
    duration_ms     INTEGER NOT NULL,           -- how long it took
    PRIMARY KEY (notification_id, number)
) STRICT;

-- What most messages have in common, so that it is not stored with each. Never changed: a message names the one it was packed with.
CREATE TABLE dictionaries (
    id         TEXT PRIMARY KEY,                -- hash of its content
    body       BLOB  NOT NULL,                  -- messages like those that were packed with it
    created_at TEXT NOT NULL                    -- when a binary first came with it
) STRICT;

-- The message as rendered: zstd-compressed MessagePack of domain::message::Message.
CREATE TABLE messages (
    notification_id TEXT PRIMARY KEY,           -- of which notification
    body            BLOB  NOT NULL,             -- compressed, see above
    dictionary_id   TEXT,                       -- what it takes to read it; null = nothing
    rendered_at     TEXT NOT NULL               -- when the facts in it were true
) STRICT;

-- Texts that a workspace wrote in the place of ours: every version that was ever saved. The newest of a part counts.
CREATE TABLE template_versions (
    id           TEXT PRIMARY KEY,                          -- tpl_…
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),  -- whose
    kind         TEXT NOT NULL,                             -- of which message
    part         TEXT NOT NULL,                             -- subject, text, html, slack
    version      INTEGER NOT NULL,                          -- from 1
    source       TEXT,                                      -- the template; null = back to the built-in one
    author_name  TEXT NOT NULL,                             -- who saved it, as people read it
    reason       TEXT NOT NULL,                             -- why
    failed_at    TEXT,                                    -- when it first failed in a message, which went out with the built-in one
    failure      TEXT,                                      -- why it failed
    created_at   TEXT NOT NULL,                           -- when it was saved
    UNIQUE (workspace_id, kind, part, version)
) STRICT;

-- What people did about an onboarding through a message, by link or button: once per message, however often they click.
CREATE TABLE message_actions (
    notification_id TEXT NOT NULL,              -- through which message
    onboarding_id   TEXT NOT NULL,              -- about which onboarding
    action          TEXT NOT NULL,              -- replied, snoozed
    actor_name      TEXT NOT NULL,              -- who did it, as people read it
    undo            TEXT NOT NULL,              -- what stood before, for whoever takes it back
    done_at         TEXT NOT NULL,              -- when
    undone_at       TEXT,                       -- taken back, so that it may be done again
    PRIMARY KEY (notification_id, onboarding_id, action)
) STRICT;

-- Nudges on Slack that may not say any more what is true. Put into words by a worker when it edits them.
CREATE TABLE slack_edits (
    notification_id TEXT PRIMARY KEY,           -- the nudge
    look_at         TEXT,                       -- when to look next; null = nothing to do
    attempts        INTEGER NOT NULL,           -- tries of this look that failed
    said            TEXT                        -- text of the last edit; null = it says what was sent
) STRICT;
CREATE INDEX slack_edits_due ON slack_edits (look_at) WHERE look_at IS NOT NULL;                      -- what to look at

-- Answers on Slack that only the one who clicked sees.
CREATE TABLE slack_whispers (
    id            TEXT PRIMARY KEY,             -- whi_…
    channel       TEXT NOT NULL,                -- the conversation in which they clicked
    slack_user_id TEXT NOT NULL,                -- who clicked
    text          TEXT NOT NULL,                -- mrkdwn, escaped
    look_at       TEXT NOT NULL,                -- when to try next
    attempts      INTEGER NOT NULL              -- tries that failed
) STRICT;
CREATE INDEX slack_whispers_due ON slack_whispers (look_at);                                          -- what to try

-- Signatures of Slack's requests of the last minutes, so that none is obeyed twice.
CREATE TABLE slack_requests (
    signature   TEXT PRIMARY KEY,               -- as Slack sent it
    received_at TEXT NOT NULL                   -- when
) STRICT;

-- Who changed what.
CREATE TABLE audit_log (
    id           TEXT PRIMARY KEY,              -- aud_…
    workspace_id TEXT NOT NULL,                 -- whose
    event        TEXT NOT NULL,                 -- onboarding_updated, notification_skipped, …
    actor_type   TEXT NOT NULL,                 -- api_key, operator, user, contact, system
    actor_id     TEXT,                          -- id of the key, user, contact or operator; null for the system
    actor_name   TEXT NOT NULL,                 -- "API: CRM sync", an operator's name, "system"
    object       TEXT NOT NULL,                 -- type of the target
    object_id    TEXT NOT NULL,                 -- id of the target
    diff         TEXT NOT NULL,                 -- {field: [before, after]}
    reason       TEXT,                          -- why, in the words of whoever did it; of a skipped notification, the ledger's
    request_id   TEXT,                          -- X-Request-Id of the call that did it
    dedupe_key   TEXT UNIQUE,                   -- one entry per onboarding, reason and day for skipped notifications
    created_at   TEXT NOT NULL                  -- when it was created
) STRICT;
CREATE INDEX audit_log_list ON audit_log (workspace_id, created_at DESC, event, object);              -- the log, newest first
CREATE INDEX audit_log_object ON audit_log (object_id, created_at DESC);                              -- what happened to one thing

-- Answers kept for 24 hours, so that a repeated POST is the same POST.
CREATE TABLE idempotency_keys (
    scope        TEXT NOT NULL,                 -- workspace, mode, method and resolved path
    key          TEXT NOT NULL,                 -- as the client sent it
    request_hash TEXT NOT NULL,                 -- of the body
    status       INTEGER NOT NULL,              -- the stored answer's status
    body         TEXT NOT NULL,                 -- the stored answer, byte for byte
    created_at   TEXT NOT NULL,                 -- when it was created
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);                                   -- what is older than 24 hours goes

-- The sliding window of each key: milliseconds since 1970 of its requests in the last minute, oldest first.
CREATE TABLE rate_windows (
    api_key_id TEXT PRIMARY KEY,                -- which key
    hits       TEXT NOT NULL                    -- JSON list
) STRICT;

-- Processes that serve; workers among them hold leases. One whose beat stands still for a whole lease, by the observer's own clock, is dead.
CREATE TABLE processes (
    id         TEXT PRIMARY KEY,                    -- proc_…
    roles      TEXT NOT NULL,                       -- api,scheduler,worker
    version    TEXT NOT NULL,                       -- of the binary
    host       TEXT NOT NULL,                       -- machine and process number, as people find it: web-1:4711
    beat       INTEGER NOT NULL,                    -- counts up while it lives
    started_at TEXT NOT NULL,                       -- when it entered
    seen_at    TEXT NOT NULL,                       -- last beat
    passed_at  TEXT,                                -- end of its last pass, whether it found something or not; null = none yet, or no scheduler
    pass_ms    INTEGER                              -- how long that took
) STRICT;

-- What runs by the clock, and what people and processes tell each other about it. When it runs stands in the settings.
CREATE TABLE schedules (
    name           TEXT PRIMARY KEY,        -- scan, prune_messages, …
    cron           TEXT NOT NULL,           -- when it runs, as set where it runs; seconds first, in UTC
    paused_by      TEXT,                    -- who stopped it, as the audit log names them; null = it runs
    paused_reason  TEXT,                    -- why
    paused_since   TEXT,                    -- since when
    requested_by   TEXT,                    -- who asked for a run
    requested_at   TEXT,                    -- when; null = nobody, or it has begun
    next_run_at    TEXT NOT NULL,           -- when it is due
    last_run_at    TEXT,                    -- when it ran last
    last_result    TEXT                     -- what came of it, in words
) STRICT;

-- What is done to all notifications that matched a filter when it was planned.
CREATE TABLE bulk_operations (
    id             TEXT PRIMARY KEY,        -- bulk_…
    workspace_id   TEXT NOT NULL,           -- its workspace
    action         TEXT NOT NULL,           -- retry, cancel, resend
    filter         TEXT NOT NULL,           -- which notifications, as the API writes it
    mode           TEXT NOT NULL,           -- of whoever planned it; test moves nothing live
    author         TEXT NOT NULL,           -- who applied it, else who planned it
    reason         TEXT NOT NULL,           -- why, in their words
    count          INTEGER NOT NULL,        -- notifications that it is done to
    sample         TEXT NOT NULL,           -- ids of the newest of them
    conflict_count INTEGER NOT NULL,        -- notifications that matched and would refuse it
    conflicts      TEXT NOT NULL,           -- the newest of these, with the words
    hash           TEXT NOT NULL,           -- SHA-256 of exactly the ids that it is done to
    state          TEXT NOT NULL,           -- planned, applying, applied, undoing, undone
    done           INTEGER NOT NULL,        -- notifications dealt with, in this state
    refused        INTEGER NOT NULL,        -- of these, how many had changed meanwhile and refused it
    created_at     TEXT NOT NULL,           -- when it was planned
    applied_at     TEXT,                    -- when somebody said: do it
    undo_until     TEXT,                    -- until when it can be taken back
    updated_at     TEXT NOT NULL            -- when it moved last
) STRICT;
CREATE INDEX bulk_operations_list ON bulk_operations (workspace_id, created_at DESC);                    -- lists, newest first
CREATE INDEX bulk_operations_busy ON bulk_operations (created_at) WHERE state IN ('applying', 'undoing'); -- the workers

-- The notifications of a bulk operation, in the order in which it goes through them.
CREATE TABLE bulk_items (
    operation_id   TEXT NOT NULL,           -- the operation
    number         INTEGER NOT NULL,        -- its place, from 1
    notification_id TEXT NOT NULL,           -- the notification
    before         TEXT,                    -- its row before, for whoever takes it back
    resent_as      TEXT,                    -- what was sent anew in its place
    result         TEXT,                    -- done, refused, undone, kept; null = not dealt with yet
    words          TEXT,                    -- why it was refused, or is kept
    PRIMARY KEY (operation_id, number)
) STRICT;

-- Scheduler passes that found something, with what they expected and wrote.
CREATE TABLE passes (
    id          TEXT PRIMARY KEY,               -- pass_…
    at          TEXT NOT NULL,                  -- the instant it ran as of
    recipients  INTEGER NOT NULL,               -- whose slot had come
    expected    INTEGER NOT NULL,               -- notifications decided
    accounted   INTEGER NOT NULL,               -- of these, rows in the ledger in any state
    written     INTEGER NOT NULL,               -- rows this pass inserted
    duration_ms INTEGER NOT NULL,               -- how long it took
    rewound     INTEGER NOT NULL,               -- a pass of an earlier instant has looked at everything anew since
    created_at  TEXT NOT NULL                   -- when it was created
) STRICT;
CREATE INDEX passes_at ON passes (created_at);                                                        -- the last ones, and what is too old

-- What each batch of a pass expected of one kind and local date, and the rows that the ledger then held of it. Written with the rows.
CREATE TABLE cohorts (
    id         TEXT PRIMARY KEY,                -- pass_…
    kind       TEXT NOT NULL,                   -- digest, stalled_phase, …
    slot_date  TEXT NOT NULL,                   -- local date of the slot or step
    expected   INTEGER NOT NULL,                -- notifications decided
    accounted  INTEGER NOT NULL,                -- of these, rows in any state; fewer is a fault
    created_at TEXT NOT NULL                    -- when it was created
) STRICT;
CREATE INDEX cohorts_lost ON cohorts (created_at) WHERE expected > accounted;                         -- must stay empty

-- Channels that are down: nobody's fault, everybody waits.
CREATE TABLE channel_pauses (
    channel    TEXT PRIMARY KEY,                -- email, slack
    until      TEXT NOT NULL,                   -- next try
    failures   INTEGER NOT NULL,                -- in a row, for the backoff
    reason     TEXT NOT NULL,                   -- the provider's answer
    since      TEXT NOT NULL                    -- when it was first found down
) STRICT;

-- Queues that an operator has paused; whatever waits in them goes on waiting.
CREATE TABLE queue_pauses (
    queue        TEXT NOT NULL,                 -- email, slack, customer
    workspace_id TEXT NOT NULL,                 -- whose messages wait; '' = everybody's
    paused_by    TEXT NOT NULL,                 -- as the audit log names them
    reason       TEXT NOT NULL,                 -- why, in their words
    since        TEXT NOT NULL,                 -- when
    PRIMARY KEY (queue, workspace_id)
) STRICT;

-- What asks for an operator, until they have heard that it is over.
CREATE TABLE alerts (
    code      TEXT PRIMARY KEY,                     -- channel_down:email, unaccounted, …: the same as long as it lasts
    title     TEXT NOT NULL,                        -- in three or four words
    severity  TEXT NOT NULL,                        -- critical, warning
    text      TEXT NOT NULL,                        -- what is so, as it was last seen
    advice    TEXT NOT NULL,                        -- what to do
    began_at  TEXT NOT NULL,                        -- when it was first seen
    ended_at  TEXT,                                 -- when it was first not seen any more; null = it lasts
    told_at   TEXT                                  -- when operators heard that it began; null = not yet
) STRICT;

-- What the installation remembers about itself: clock guard, link secret, demo.
CREATE TABLE settings (
    name       TEXT PRIMARY KEY,                -- which
    value      TEXT NOT NULL,                   -- what
    updated_at TEXT NOT NULL                    -- when it was written last
) STRICT;

-- People who run the installation and sign in at /admin. They belong to no workspace.
CREATE TABLE operators (
    id            TEXT PRIMARY KEY,              -- op_…
    email         TEXT NOT NULL UNIQUE,          -- lower case
    name          TEXT NOT NULL,                 -- as the audit log names them
    role          TEXT NOT NULL,                 -- viewer, operator, admin
    password_hash TEXT NOT NULL,                 -- argon2id, in PHC's notation
    created_at    TEXT NOT NULL,                 -- when they were made
    disabled_at   TEXT                           -- from this instant on they cannot sign in
) STRICT;

-- Who is signed in. The token itself is only in the browser.
CREATE TABLE operator_sessions (
    hash        TEXT PRIMARY KEY,                -- SHA-256 of the token, hex
    operator_id TEXT NOT NULL REFERENCES operators (id), -- whose
    created_at  TEXT NOT NULL,                   -- when they signed in
    seen_at     TEXT NOT NULL,                   -- when it was used last; written at most once a minute
    expires_at  TEXT NOT NULL                    -- when it ends, whatever happens
) STRICT;
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);                           -- to end all of one operator
CREATE INDEX operator_sessions_expired ON operator_sessions (expires_at);                             -- to throw away what is over

-- Passwords that were wrong, per account and per address, in windows that begin with the first.
CREATE TABLE sign_in_failures (
    subject TEXT PRIMARY KEY,                    -- hash of an account's address, known or not; or where from
    count   INTEGER NOT NULL,                    -- how many in this window
    since   TEXT NOT NULL                        -- when the window began
) STRICT;

-- Forms of the console that were sent, so that one sent twice acts once.
CREATE TABLE operator_forms (
    id      TEXT PRIMARY KEY,                    -- made with the form
    sent_at TEXT NOT NULL                        -- when
) STRICT;
CREATE INDEX operator_forms_old ON operator_forms (sent_at);                                          -- to throw away what is old
