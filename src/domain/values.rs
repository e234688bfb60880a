//! The closed vocabularies of the product (`docs/` and the API use the same words).

/// An enum that is stored, sent and shown as one fixed word per case.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every case, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands for it in the database, the API and the logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::values::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word { $($text => Ok(Self::$variant),)+ other => Err($crate::domain::values::UnknownWord { known: &[$($text),+], word: other.to_owned() }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::domain::values::UnknownWord;
            fn try_from(word: String) -> Result<Self, Self::Error> { word.parse() }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self { value.as_str() }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }
    };
}

pub(super) use words;

/// A word that is not part of the vocabulary it was read as.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is none of {}", known.join(", "))]
pub struct UnknownWord {
    /// The vocabulary.
    pub known: &'static [&'static str],
    /// What was read instead.
    pub word: String,
}

words! {
    /// A language that messages and pages are written in, with its dates and plurals.
    #[derive(Default)]
    Locale {
        #[default]
        En = "en",
        De = "de",
    }
}

words! {
    /// A part of a message that a workspace may write itself.
    Part {
        Subject = "subject",
        Text = "text",
        Html = "html",
        Slack = "slack",
    }
}

/// Which part of which message: `digest.subject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName {
    /// Of which message.
    pub kind: Kind,
    /// Which part of it.
    pub part: Part,
}

impl TemplateName {
    /// Every part that there is: customers are not written to on Slack.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = Kind::ALL
            .iter()
            .flat_map(|kind| Part::ALL.iter().map(move |part| Self { kind: *kind, part: *part }));
        all.filter(|name| name.kind != Kind::CustomerReminder || name.part != Part::Slack)
    }
}

/// A template of a workspace's own.
#[derive(Clone, Debug)]
pub struct OwnTemplate {
    /// Id of its version, `tpl_…`.
    pub version_id: String,
    /// The part in whose place it stands.
    pub name: TemplateName,
    /// What was written.
    pub source: String,
}

impl std::fmt::Display for TemplateName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.kind, self.part)
    }
}

impl std::str::FromStr for TemplateName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|name| name.to_string() == text).ok_or_else(|| {
            let all: Vec<String> = Self::all().map(|name| name.to_string()).collect();
            format!("{text:?} is none of {}", all.join(", "))
        })
    }
}

words! {
    /// Where an onboarding stands. The order of declaration is the order of the journey.
    Phase {
        BeforeGettingStarted = "before_getting_started",
        ProgramDesign = "program_design",
        Review = "review",
        ProgramBuildout = "program_buildout",
        InternalQa = "internal_qa",
        Launch = "launch",
        /// The only terminal phase: nothing is reminded of any more.
        Completed = "completed",
    }
}

impl Phase {
    /// Whether reminders end here.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed)
    }

    /// The label a workspace starts with: the key in words ("Internal QA").
    #[must_use]
    pub const fn default_label(self) -> &'static str {
        match self {
            Self::BeforeGettingStarted => "Before getting started",
            Self::ProgramDesign => "Program design",
            Self::Review => "Review",
            Self::ProgramBuildout => "Program buildout",
            Self::InternalQa => "Internal QA",
            Self::Launch => "Launch",
            Self::Completed => "Completed",
        }
    }
}

words! {
    /// Engagement health of an onboarding, independent of its phase.
    State { Active = "active", Paused = "paused", AtRisk = "at_risk", Waiting = "waiting" }
}

words! {
    /// Commercial status of a customer. `churned` and `archived` silence its onboardings.
    CustomerStatus { Onboarding = "onboarding", Active = "active", AtRisk = "at_risk", Churned = "churned", Archived = "archived" }
}

impl CustomerStatus {
    /// Whether the customer is still in business with the workspace.
    #[must_use]
    pub const fn in_business(self) -> bool {
        !matches!(self, Self::Churned | Self::Archived)
    }
}

words! {
    /// Who caused something: a live key (or a person), or a test key, whose effects never reach anybody.
    Mode { Live = "live", Test = "test" }
}

words! {
    /// What a notification is about.
    Kind {
        Digest = "digest",
        StalledPhase = "stalled_phase",
        WaitingOnCustomer = "waiting_on_customer",
        CustomerReminder = "customer_reminder",
    }
}

impl Kind {
    /// What people call it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::StalledPhase => "nudge about a stalled phase",
            Self::WaitingOnCustomer => "nudge about waiting on the customer",
            Self::CustomerReminder => "reminder to the customer",
        }
    }
}

impl Channel {
    /// What people call it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Email => "e-mail",
            Self::Slack => "Slack",
        }
    }
}

words! {
    /// How a notification reaches its recipient.
    Channel { Email = "email", Slack = "slack" }
}

impl Channel {
    /// The one to fall back to.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Email => Self::Slack,
            Self::Slack => Self::Email,
        }
    }
}

words! {
    /// Where a notification stands (the ledger's states).
    NotificationState {
        Scheduled = "scheduled",
        Deferred = "deferred",
        Sending = "sending",
        Ambiguous = "ambiguous",
        Sent = "sent",
        Suppressed = "suppressed",
        Skipped = "skipped",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl NotificationState {
    /// Open states may still lead to a delivery; final ones never change by themselves.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Deferred | Self::Sending | Self::Ambiguous)
    }

    /// Whether a digest in this state counts as the last reminder of the onboardings it carries.
    #[must_use]
    pub const fn counts_as_reminded(self) -> bool {
        self.is_open() || matches!(self, Self::Sent | Self::Suppressed)
    }
}

words! {
    /// Why a notification ended as it did.
    Reason {
        TestMode = "test_mode",
        StateChanged = "state_changed",
        MissedSlot = "missed_slot",
        Expired = "expired",
        Superseded = "superseded",
        Snoozed = "snoozed",
        Paused = "paused",
        Completed = "completed",
        Deleted = "deleted",
        CustomerInactive = "customer_inactive",
        ChannelOff = "channel_off",
        OptedOut = "opted_out",
        NoRecipient = "no_recipient",
        AddressRefused = "address_refused",
        QuietHours = "quiet_hours",
        OutsideWorkingHours = "outside_working_hours",
        ChannelDown = "channel_down",
        MessageRefused = "message_refused",
        AttemptsExhausted = "attempts_exhausted",
        Undecodable = "undecodable",
        OutcomeUnknown = "outcome_unknown",
        CancelledByOperator = "cancelled_by_operator",
    }
}

words! {
    /// How one attempt to deliver ended.
    AttemptOutcome {
        Accepted = "accepted",
        Captured = "captured",
        Suppressed = "suppressed",
        Transient = "transient",
        Permanent = "permanent",
        Ambiguous = "ambiguous",
        /// The channel itself was down; the attempt does not count.
        Channel = "channel",
        /// The worker lost its lease before it could say how the attempt ended.
        Lost = "lost",
    }
}

words! {
    /// Where a job stands in its queue.
    JobStatus {
        Pending = "pending",
        Queued = "queued",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Killed = "killed",
    }
}

words! {
    /// What is done to every notification of a bulk operation.
    BulkAction { Retry = "retry", Cancel = "cancel", Resend = "resend" }
}

words! {
    /// What became of one notification of a bulk operation.
    BulkResult {
        Done = "done",
        /// It had changed since the plan and refused it.
        Refused = "refused",
        /// It is as it was before.
        Undone = "undone",
        /// It had gone out or changed since, and could not be taken back.
        Kept = "kept",
    }
}

words! {
    /// Where a bulk operation stands.
    BulkState {
        Planned = "planned",
        Applying = "applying",
        Applied = "applied",
        Undoing = "undoing",
        Undone = "undone",
        Expired = "expired",
    }
}

words! {
    /// What runs by the clock.
    Schedule {
        /// The pass: whose slot has come, which step is reached.
        Scan = "scan",
        /// Messages as they were rendered, once they are too old.
        PruneMessages = "prune_messages",
        /// The ledger and its attempts, likewise.
        PruneNotifications = "prune_notifications",
        /// Finished jobs, and workers that are gone, likewise.
        PruneJobs = "prune_jobs",
        /// Answers kept for repeated requests, likewise.
        PruneAnswers = "prune_answers",
    }
}

words! {
    /// How many requests a key may make per minute.
    Tier { Standard = "standard", Plus = "plus", Unlimited = "unlimited" }
}

impl Tier {
    /// Requests per sliding minute.
    #[must_use]
    pub const fn limit(self, mode: Mode) -> i64 {
        match (self, mode) {
            (Self::Standard, Mode::Live) => 60,
            (Self::Standard, Mode::Test) => 30,
            (Self::Plus, Mode::Live) => 600,
            (Self::Plus, Mode::Test) => 300,
            (Self::Unlimited, _) => 2_147_483_647,
        }
    }
}

words! {
    /// What a key may do.
    Scope { Read = "read", Write = "write", Operate = "operate", Admin = "admin" }
}

words! {
    /// Whom a notification is for: a user of the workspace, or a customer's contact.
    RecipientType { User = "user", Contact = "contact" }
}

words! {
    /// What an operator may do at the console. The order of declaration is the order of power.
    OperatorRole {
        /// Looks.
        Viewer = "viewer",
        /// Acts on messages, queues and jobs.
        Operator = "operator",
        /// Changes settings and makes keys, too.
        Admin = "admin",
    }
}
