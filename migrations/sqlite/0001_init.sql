-- One schema in two dialects: the same tables, columns and order stand in ../postgres/0001_init.sql.
-- Instants are RFC 3339 text in UTC as sqlx writes it, booleans 0 and 1. Instants are kept to the millisecond. Ids are prefixed text, ordered by time of creation (src/domain/ids.rs).

-- A vendor's team. Everything else belongs to exactly one.
CREATE TABLE workspaces (
    id                 TEXT PRIMARY KEY,            -- ws_…
    slug               TEXT NOT NULL UNIQUE,        -- handle for the command line
    name               TEXT NOT NULL,               -- as shown to people
    time_zone          TEXT NOT NULL,               -- IANA name; phases and waiting are counted in it
    working_days       TEXT NOT NULL,               -- mon,tue,…
    digest_time        TEXT NOT NULL,               -- 07:00, default of its users
    waiting_steps      TEXT NOT NULL,               -- business days of the waiting ladder: 3,5,10,15
    owner_user_id      TEXT,                        -- hears of onboardings without an active CSM
    escalation_user_id TEXT,                        -- also hears of the last waiting step
    customer_reminders INTEGER NOT NULL,            -- whether customers are reminded at all
    mail_from          TEXT,                        -- sender's address, null = the installation's
    mail_name          TEXT,                        -- sender's name of mails to staff, null = "<name> onboardings"
    reply_to           TEXT,                        -- where answers of staff go, null = to the sender
    footer_address     TEXT,                        -- postal address under mails, null = the installation's
    names_in_subjects  INTEGER NOT NULL,            -- customers' names in subject lines
    created_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL
) STRICT;

-- Dates on which a workspace does not work.
CREATE TABLE holidays (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    date         TEXT NOT NULL,
    PRIMARY KEY (workspace_id, date)
) STRICT;

-- Label, position and target of the seven phases, per workspace.
CREATE TABLE phases (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    key          TEXT NOT NULL,                     -- the fixed word of the contract
    label        TEXT NOT NULL,
    position     INTEGER NOT NULL,
    target_days  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, key)
) STRICT;

-- Per workspace and type: the last display_id given out, and the last created_at, so that creation instants strictly increase.
CREATE TABLE counters (
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),
    name            TEXT NOT NULL,                  -- customer, contact, onboarding, user
    value           INTEGER NOT NULL,
    last_created_at TEXT NOT NULL,
    PRIMARY KEY (workspace_id, name)
) STRICT;

-- The vendor's people, with their notification preferences.
CREATE TABLE users (
    id                  TEXT PRIMARY KEY,           -- user_…
    workspace_id        TEXT NOT NULL REFERENCES workspaces (id),
    display_id          INTEGER NOT NULL,
    name                TEXT NOT NULL,
    email               TEXT NOT NULL,              -- lower case
    time_zone           TEXT,                       -- null = the workspace's
    slack_user_id       TEXT,
    active              INTEGER NOT NULL,
    email_flagged_at    TEXT,                -- a provider refused the address for good
    slack_flagged_at    TEXT,                -- Slack refused the user id for good
    digest_enabled      INTEGER NOT NULL,
    digest_channel      TEXT NOT NULL,              -- email, slack
    digest_time         TEXT,                       -- null = the workspace's
    digest_days         TEXT,                       -- null = the workspace's working days
    working_from        TEXT NOT NULL,              -- nudges arrive in [from, until)
    working_until       TEXT NOT NULL,
    quiet_from          TEXT,                       -- nothing arrives in [from, until); null = no quiet hours
    quiet_until         TEXT,
    out_of_office_until TEXT,                       -- first day back
    backup_user_id      TEXT,
    muted_kinds         TEXT NOT NULL,              -- kinds switched off, comma-separated
    preferences_at      TEXT NOT NULL,       -- when the preferences changed last
    next_slot_at        TEXT,                -- computed: the next digest slot; null = none (inactive, digest off)
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE UNIQUE INDEX users_email ON users (workspace_id, email);
CREATE INDEX users_slot ON users (next_slot_at) WHERE next_slot_at IS NOT NULL;    -- the scan
CREATE INDEX users_slack ON users (slack_user_id) WHERE slack_user_id IS NOT NULL;    -- who clicked
CREATE INDEX users_list ON users (workspace_id, created_at);
CREATE INDEX users_backup ON users (backup_user_id) WHERE backup_user_id IS NOT NULL;    -- for whom somebody stands in

-- Keys of the public API. The key itself is never stored.
CREATE TABLE api_keys (
    id            TEXT PRIMARY KEY,                 -- key_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    name          TEXT NOT NULL,                    -- the actor of its writes: "API: <name>"
    prefix        TEXT NOT NULL,                    -- first four characters of the body, to recognise it by
    hash          TEXT NOT NULL UNIQUE,             -- SHA-256 of the whole key, hex
    mode          TEXT NOT NULL,                    -- live, test; never parsed from the key
    tier          TEXT NOT NULL,                    -- standard, plus, unlimited
    scopes        TEXT NOT NULL,                    -- space-separated
    last_used_at  TEXT,                      -- written at most once a minute
    last_used_ip  TEXT,
    request_count INTEGER NOT NULL,
    created_at    TEXT NOT NULL,
    revoked_at    TEXT -- from this instant on 401; may lie ahead (rotation with overlap)
) STRICT;
CREATE INDEX api_keys_list ON api_keys (workspace_id, created_at);

-- The vendor's customers, by the public contract.
CREATE TABLE customers (
    id                  TEXT PRIMARY KEY,           -- cust_…
    workspace_id        TEXT NOT NULL REFERENCES workspaces (id),
    display_id          INTEGER NOT NULL,
    name                TEXT NOT NULL,
    slug                TEXT NOT NULL,
    domain              TEXT,
    status              TEXT NOT NULL,
    plan                TEXT,
    mrr                 INTEGER,
    monthly_orders      INTEGER,
    hubspot_company_id  TEXT,
    hubspot_deal_id     TEXT,
    stripe_customer_id  TEXT,
    intercom_company_id TEXT,
    slack_channel_id    TEXT,
    metadata            TEXT NOT NULL,              -- JSON as it was sent: JSONB would reorder its keys
    mode                TEXT NOT NULL,              -- of the key that created it
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    deleted_at          TEXT,
    UNIQUE (workspace_id, display_id)
) STRICT;
-- A slug may be longer than an index of PostgreSQL takes: its beginning is looked up, the rest only told apart.
CREATE UNIQUE INDEX customers_slug ON customers (workspace_id, substr(slug, 1, 200), substr(slug, 201)) WHERE deleted_at IS NULL;
CREATE INDEX customers_list ON customers (workspace_id, created_at DESC) WHERE deleted_at IS NULL;

-- People at a customer.
CREATE TABLE contacts (
    id               TEXT PRIMARY KEY,              -- cont_…
    workspace_id     TEXT NOT NULL REFERENCES workspaces (id),
    customer_id      TEXT NOT NULL REFERENCES customers (id),
    display_id       INTEGER NOT NULL,
    name             TEXT NOT NULL,
    email            TEXT NOT NULL,                 -- lower case
    title            TEXT,
    is_primary       INTEGER NOT NULL,
    labels           TEXT NOT NULL,
    mode             TEXT NOT NULL,                 -- of the key that created it
    email_mode       TEXT NOT NULL,                 -- of the key that last wrote the address
    primary_mode     TEXT NOT NULL,                 -- of the key that last wrote is_primary
    email_flagged_at TEXT,                   -- a provider refused the address for good
    opted_out_at     TEXT,                   -- unsubscribed from reminders
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    deleted_at       TEXT,
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE UNIQUE INDEX contacts_email ON contacts (customer_id, email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX contacts_primary ON contacts (customer_id) WHERE is_primary AND deleted_at IS NULL;
CREATE INDEX contacts_list ON contacts (customer_id, created_at DESC) WHERE deleted_at IS NULL;

-- The journeys that must not stall.
CREATE TABLE onboardings (
    id                        TEXT PRIMARY KEY,     -- onb_…
    workspace_id              TEXT NOT NULL REFERENCES workspaces (id),
    customer_id               TEXT NOT NULL REFERENCES customers (id),
    display_id                INTEGER NOT NULL,
    phase                     TEXT NOT NULL,
    state                     TEXT NOT NULL,
    started_at                TEXT NOT NULL,
    completed_at              TEXT,
    target_launch_date        TEXT,          -- its UTC date is the launch date
    csm_id                    TEXT,
    se_id                     TEXT,
    designer_id               TEXT,
    product_ops_id            TEXT,
    notes                     TEXT,
    waiting_on_customer       INTEGER NOT NULL,
    waiting_on_customer_since TEXT,
    wizard_completed_at       TEXT,
    reminder_email            INTEGER NOT NULL,
    reminder_slack            INTEGER NOT NULL,
    reminder_frequency_days   INTEGER NOT NULL,
    phase_entered_at          TEXT NOT NULL,
    state_entered_at          TEXT NOT NULL,
    held_since                TEXT,          -- start of the open hold (waiting or paused)
    holds                     TEXT NOT NULL,       -- closed holds of this phase entry that may cover a whole date
    snoozed_until             TEXT,                 -- reminders resume on this date
    mode                      TEXT NOT NULL,        -- of the key that created it
    csm_mode                  TEXT NOT NULL,        -- of the key that last wrote csm_id
    reminders_mode            TEXT NOT NULL,        -- … the reminder flags or frequency
    phase_mode                TEXT NOT NULL,        -- … the phase
    waiting_mode              TEXT NOT NULL,        -- … the waiting flag
    stalled_step              INTEGER NOT NULL,      -- highest stalled step dealt with in this phase entry
    waiting_step              INTEGER NOT NULL,      -- highest waiting step dealt with in this episode
    waiting_began_on          TEXT,                  -- local date on which the newest waiting episode began: several toggles a day count as one
    last_reminded_on          TEXT,                 -- slot date of the newest digest that carries it and counts
    last_seen                 TEXT,                -- what that digest showed, for "since yesterday"
    recipient_id              TEXT,                 -- computed: active CSM, else active owner, else null (unroutable)
    next_due_on               TEXT,                 -- computed: first slot date of the next digest line; null = none
    next_nudge_at             TEXT,          -- computed: when the next step of a ladder may be sent; null = none
    created_at                TEXT NOT NULL,
    updated_at                TEXT NOT NULL,
    deleted_at                TEXT,
    UNIQUE (workspace_id, display_id)
) STRICT;
CREATE INDEX onboardings_list ON onboardings (workspace_id, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX onboardings_customer ON onboardings (customer_id, created_at DESC);
CREATE INDEX onboardings_recipient ON onboardings (recipient_id, next_due_on);                       -- the scan, and a reader's totals
CREATE INDEX onboardings_nudge ON onboardings (next_nudge_at) WHERE next_nudge_at IS NOT NULL;       -- the scan
CREATE INDEX onboardings_csm ON onboardings (csm_id) WHERE csm_id IS NOT NULL AND (recipient_id IS NULL OR csm_id <> recipient_id); -- when an inactive CSM changes

-- The ledger: one row per message to one recipient on one channel. It is the truth; jobs are hints.
-- No index, not even a predicate, names state or a lease column: a claim must stay a heap-only update.
CREATE TABLE notifications (
    id               TEXT PRIMARY KEY,              -- ntf_…
    workspace_id     TEXT NOT NULL,
    kind             TEXT NOT NULL,                 -- digest, stalled_phase, waiting_on_customer, customer_reminder
    channel          TEXT NOT NULL,                 -- email, slack
    mode             TEXT NOT NULL,                 -- live, test; a test row never reaches a provider
    recipient_type   TEXT NOT NULL,                 -- user, contact
    recipient_id     TEXT NOT NULL,
    subject_id       TEXT,                          -- the onboarding of a nudge or customer reminder
    slot_date        TEXT NOT NULL,                 -- local date of the slot, or of the step
    step             INTEGER,                        -- rung of the ladder, from 1
    step_days        INTEGER,                        -- what the rung counts
    escalation       INTEGER NOT NULL,              -- the recipient is the escalation user
    dedupe_key       TEXT NOT NULL UNIQUE,          -- product.md §2, "exactly once by key"
    state            TEXT NOT NULL,
    reason           TEXT,                          -- closed enum, for whatever did not become "sent"
    detail           TEXT,                          -- the reason's numbers in words
    not_before       TEXT NOT NULL,          -- earliest next delivery
    deadline         TEXT NOT NULL,          -- after this instant it is not sent any more
    attempt_count    INTEGER NOT NULL,               -- attempts that count against the limit
    delivery_count   INTEGER NOT NULL,               -- claims in a row that ended without an outcome; poison ends after three
    claim_count      INTEGER NOT NULL,               -- claims ever; numbers the attempts
    lease_owner      TEXT,                          -- process that holds it
    lease_token      TEXT,                          -- fence of every later write
    stage            TEXT,                          -- claimed, or body once the provider may have it
    first_attempt_at TEXT,                   -- the mail's Date, the same on every repeat
    resent           INTEGER NOT NULL,              -- the one extra copy after an ambiguous attempt was used up
    resend_of        TEXT,                          -- the notification that an operator had sent anew with this one
    pushed_at        TEXT NOT NULL,          -- last time a job was pushed for it
    subject          TEXT,                          -- headline of the message as rendered
    provider_ref     TEXT,                          -- the provider's own name for the message
    created_at       TEXT NOT NULL,
    updated_at       TEXT NOT NULL,
    finished_at      TEXT,                   -- set with every final state
    sent_at          TEXT
) STRICT;
CREATE INDEX notifications_open ON notifications (not_before) WHERE finished_at IS NULL;             -- the sweeper
CREATE INDEX notifications_list ON notifications (workspace_id, created_at DESC);
CREATE INDEX notifications_recipient ON notifications (recipient_id, created_at DESC);
CREATE INDEX notifications_resend ON notifications (resend_of) WHERE resend_of IS NOT NULL;          -- rare, and never changed

-- The onboardings a notification is about. No foreign keys: measured, they halve the scan.
CREATE TABLE notification_items (
    notification_id TEXT NOT NULL,
    onboarding_id   TEXT NOT NULL,
    before          TEXT,                          -- what the last digest had shown of it
    PRIMARY KEY (notification_id, onboarding_id)
) STRICT;
CREATE INDEX notification_items_onboarding ON notification_items (onboarding_id, notification_id);

-- Every try to deliver, never changed.
CREATE TABLE attempts (
    notification_id TEXT NOT NULL,
    number          INTEGER NOT NULL,                -- from 1, in order of claims
    at              TEXT NOT NULL,
    worker          TEXT NOT NULL,                  -- process id
    stage           TEXT NOT NULL,                  -- how far it came
    outcome         TEXT NOT NULL,                  -- accepted, captured, suppressed, transient, permanent, ambiguous, channel, lost
    reply           TEXT NOT NULL,                  -- the provider's answer, or the error
    duration_ms     INTEGER NOT NULL,
    PRIMARY KEY (notification_id, number)
) STRICT;

-- The message as rendered: zstd-compressed MessagePack of domain::message::Message.
CREATE TABLE messages (
    notification_id TEXT PRIMARY KEY,
    body            BLOB  NOT NULL,
    rendered_at     TEXT NOT NULL
) STRICT;

-- What people did about an onboarding through a message, by link or button: once per message, however often they click.
CREATE TABLE message_actions (
    notification_id TEXT NOT NULL,
    onboarding_id   TEXT NOT NULL,
    action          TEXT NOT NULL,                  -- replied, snoozed
    actor_name      TEXT NOT NULL,                  -- who did it, as people read it
    undo            TEXT NOT NULL,                 -- what stood before, for whoever takes it back
    done_at         TEXT NOT NULL,
    undone_at       TEXT,                    -- taken back, so that it may be done again
    PRIMARY KEY (notification_id, onboarding_id, action)
) STRICT;

-- Nudges on Slack that may not say any more what is true. Put into words by a worker when it edits them.
CREATE TABLE slack_edits (
    notification_id TEXT PRIMARY KEY,
    look_at         TEXT,                    -- when to look next; null = nothing to do
    attempts        INTEGER NOT NULL,               -- tries of this look that failed
    said            TEXT                            -- text of the last edit; null = it says what was sent
) STRICT;
CREATE INDEX slack_edits_due ON slack_edits (look_at) WHERE look_at IS NOT NULL;

-- Answers on Slack that only the one who clicked sees.
CREATE TABLE slack_whispers (
    id            TEXT PRIMARY KEY,                 -- whi_…
    channel       TEXT NOT NULL,                    -- the conversation in which they clicked
    slack_user_id TEXT NOT NULL,
    text          TEXT NOT NULL,                    -- mrkdwn, escaped
    look_at       TEXT NOT NULL,             -- when to try next
    attempts      INTEGER NOT NULL
) STRICT;
CREATE INDEX slack_whispers_due ON slack_whispers (look_at);

-- Signatures of Slack's requests of the last minutes, so that none is obeyed twice.
CREATE TABLE slack_requests (
    signature   TEXT PRIMARY KEY,
    received_at TEXT NOT NULL
) STRICT;

-- Who changed what.
CREATE TABLE audit_log (
    id           TEXT PRIMARY KEY,                  -- aud_…
    workspace_id TEXT NOT NULL,
    event        TEXT NOT NULL,                     -- onboarding_updated, notification_skipped, …
    actor_type   TEXT NOT NULL,                     -- api_key, operator, user, contact, system
    actor_id     TEXT,
    actor_name   TEXT NOT NULL,                     -- "API: CRM sync", an operator's name, "system"
    object       TEXT NOT NULL,                     -- type of the target
    object_id    TEXT NOT NULL,
    diff         TEXT NOT NULL,                    -- {field: [before, after]}
    reason       TEXT,
    request_id   TEXT,
    dedupe_key   TEXT UNIQUE,                       -- one entry per onboarding, reason and day for skipped notifications
    created_at   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_list ON audit_log (workspace_id, created_at DESC);
CREATE INDEX audit_log_object ON audit_log (object_id, created_at DESC);

-- Answers kept for 24 hours, so that a repeated POST is the same POST.
CREATE TABLE idempotency_keys (
    scope        TEXT NOT NULL,                     -- workspace, mode, method and resolved path
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,                     -- of the body
    status       INTEGER NOT NULL,
    body         TEXT NOT NULL,                     -- the stored answer, byte for byte
    created_at   TEXT NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The sliding window of each key: milliseconds since 1970 of its requests in the last minute, oldest first.
CREATE TABLE rate_windows (
    api_key_id TEXT PRIMARY KEY,
    hits       TEXT NOT NULL
) STRICT;

-- Processes that hold leases. A process whose beat stands still for a whole lease, by the observer's own clock, is dead.
CREATE TABLE processes (
    id         TEXT PRIMARY KEY,                    -- proc_…
    roles      TEXT NOT NULL,                       -- api,scheduler,worker
    version    TEXT NOT NULL,
    beat       INTEGER NOT NULL,                     -- counts up while it lives
    started_at TEXT NOT NULL,
    seen_at    TEXT NOT NULL
) STRICT;

-- Scheduler passes that found something, with what they expected and wrote.
CREATE TABLE passes (
    id          TEXT PRIMARY KEY,                   -- pass_…
    at          TEXT NOT NULL,               -- the instant it ran as of
    recipients  INTEGER NOT NULL,                    -- whose slot had come
    expected    INTEGER NOT NULL,                    -- notifications decided
    accounted   INTEGER NOT NULL,                    -- of these, rows in the ledger in any state
    written     INTEGER NOT NULL,                    -- rows this pass inserted
    duration_ms INTEGER NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;
CREATE INDEX passes_at ON passes (created_at);

-- What each batch of a pass expected of one kind and local date, and the rows that the ledger then held of it. Written with the rows.
CREATE TABLE cohorts (
    id         TEXT PRIMARY KEY,                    -- pass_…
    kind       TEXT NOT NULL,                       -- digest, stalled_phase, …
    slot_date  TEXT NOT NULL,                       -- local date of the slot or step
    expected   INTEGER NOT NULL,                     -- notifications decided
    accounted  INTEGER NOT NULL,                     -- of these, rows in any state; fewer is a fault
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX cohorts_lost ON cohorts (created_at) WHERE expected > accounted;                         -- must stay empty

-- Channels that are down: nobody's fault, everybody waits.
CREATE TABLE channel_pauses (
    channel    TEXT PRIMARY KEY,                    -- email, slack
    until      TEXT NOT NULL,                -- next try
    failures   INTEGER NOT NULL,                     -- in a row, for the backoff
    reason     TEXT NOT NULL,                       -- the provider's answer
    since      TEXT NOT NULL
) STRICT;

-- Queues that an operator has paused; whatever waits in them goes on waiting.
CREATE TABLE queue_pauses (
    queue        TEXT NOT NULL,                     -- email, slack, customer
    workspace_id TEXT NOT NULL,                     -- whose messages wait; '' = everybody's
    paused_by    TEXT NOT NULL,                     -- as the audit log names them
    reason       TEXT NOT NULL,
    since        TEXT NOT NULL,
    PRIMARY KEY (queue, workspace_id)
) STRICT;

-- What the installation remembers about itself: clock guard, link secret, demo.
CREATE TABLE settings (
    name       TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
