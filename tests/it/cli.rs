//! The command line as operators and scripts meet it.

mod demo;
mod doctor;
mod objects;
mod operate;
mod settings;
mod usage;

use std::fmt::Write;

use rstest::rstest;
use serde_json::{Value, json};

use super::support::db::Backend;
use super::support::service::{Client, Service};
use super::support::stage::Stage;

/// The commands, with what each takes: `--needed VALUE`, `[--optional VALUE]`, `PLACE`.
fn tree(command: &clap::Command, indent: usize, into: &mut String) {
    let takes: Vec<String> = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set())
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        .map(|argument| {
            let mut text = String::new();
            if let Some(flag) = argument.get_long() {
                write!(text, "--{flag}").unwrap();
                if argument.get_action().takes_values() {
                    write!(text, " {}", argument.get_value_names().unwrap()[0]).unwrap();
                }
            } else {
                write!(text, "{}", argument.get_value_names().unwrap()[0]).unwrap();
            }
            if argument.is_required_set() { text } else { format!("[{text}]") }
        })
        .collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let line = [command.get_name(), &takes.join(" ")].join(" ");
    writeln!(into, "{:indent$}{}: {about}", "", line.trim_end()).unwrap();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        tree(verb, indent + 2, into);
    }
}

#[test]
fn the_verbs_and_what_they_take() {
    let mut text = String::new();
    let mut command = pivotal_reminders::cli::command();
    command.build();
    tree(&command, 0, &mut text);
    insta::assert_snapshot!(text, @r"
    pivotal-reminders: Makes sure that no customer onboarding stalls because somebody forgot: digests by e-mail, nudges on Slack, a ledger that can say why.
      demo [--reset]: Try it: everything in one process, demo data, messages captured at /outbox
      serve [--role ROLE] [--no-migrate]: Run the service
      migrate: Bring the database's schema up to date
      scan [--now RFC3339]: Run one scheduler pass
      work --drain [--now RFC3339]: Deliver what is ready
      workspaces: Workspaces: create, show, update, list
        create --slug SLUG --name NAME [--time-zone TIME_ZONE] [--locale LOCALE]: Make a workspace; prints its id alone on the last line
        show --workspace WORKSPACE: The settings of a workspace
        update --workspace WORKSPACE NAME=VALUE: Change the settings of a workspace; `show` prints them as they are typed
        list: List workspaces
      phases: The phases of a workspace: list, update
        list --workspace WORKSPACE: The seven phases in order: what they are called, and how many days each should take
        update --workspace WORKSPACE KEY NAME=VALUE: Change a phase
      users: Users of a workspace: create, list, show, update, preferences
        create --workspace WORKSPACE --name NAME --email EMAIL [--time-zone TIME_ZONE] [--slack-user-id SLACK_USER_ID]: Add a user; the first one owns the workspace. Prints the id alone on the last line
        list --workspace WORKSPACE: List the users of a workspace
        show --workspace WORKSPACE USER: Who somebody is
        update --workspace WORKSPACE USER NAME=VALUE: Change who somebody is; `email_flagged_at=null` takes the flag of a refused address away
        preferences --workspace WORKSPACE USER [NAME=VALUE]: When and where somebody wants to hear; or change it
      keys: API keys: create, list, rotate, revoke
        create --workspace WORKSPACE --name NAME --mode MODE [--tier TIER] [--scopes SCOPES]: Make a key; prints it once, alone on the last line
        list --workspace WORKSPACE: List the keys of a workspace
        rotate --workspace WORKSPACE ID [--overlap-seconds OVERLAP_SECONDS]: Make a new key in place of one; prints it once, alone on the last line
        revoke --workspace WORKSPACE ID: Revoke a key at once
      operators: Operators, who sign in at /admin: create, list, role, disable, enable, password
        create --email EMAIL [--reason REASON] [--name NAME] [--role ROLE]: Let somebody sign in at /admin; asks for the password, or reads it from standard input. Prints the id alone on the last line
        list: List operators
        role --email EMAIL [--reason REASON] --role ROLE: Let somebody do more or less, from their next request on
        disable --email EMAIL [--reason REASON]: Shut somebody out at once, wherever they are signed in
        enable --email EMAIL [--reason REASON]: Let somebody in again
        password --email EMAIL [--reason REASON]: Set another password; asks for it, or reads it from standard input. Ends their sessions
      notifications: Notifications: list, show, retry, cancel, resend, delivered
        list --workspace WORKSPACE [--state STATE] [--kind KIND] [--channel CHANNEL] [--mode MODE] [--recipient RECIPIENT] [--onboarding ONBOARDING] [--customer CUSTOMER] [--since RFC3339] [--until RFC3339] [--text TEXT] [--reason REASON] [--limit LIMIT] [--after ID]: List notifications, newest first
        show --workspace WORKSPACE ID: Show one with its message and every attempt to deliver it
        retry --workspace WORKSPACE ID --reason REASON: Try one again at once; one in doubt is sent a second time
        cancel --workspace WORKSPACE ID --reason REASON: Cancel one that has not gone out
        resend --workspace WORKSPACE ID --reason REASON: Send one that has come to its end once more, as a notification of its own; prints its id alone on the last line
        delivered --workspace WORKSPACE ID --reason REASON: Say that one in doubt did arrive
      queues: Queues: list, pause, resume
        list [--workspace WORKSPACE]: What waits in each queue, which is paused, which channel is down
        pause NAME [--workspace WORKSPACE] --reason REASON: Stop a queue: what is being delivered comes to its end, nothing more is taken
        resume NAME [--workspace WORKSPACE] --reason REASON: Let a queue go on
      jobs: Jobs, the wake-ups of the queues: list, show, retry, cancel, run-now
        list [--workspace WORKSPACE] [--queue QUEUE] [--status STATUS] [--kind KIND] [--notification ID] [--since RFC3339] [--until RFC3339] [--limit LIMIT] [--after ID]: List jobs, newest first
        show --workspace WORKSPACE ID: Show one with what is in it
        retry --workspace WORKSPACE ID --reason REASON: Try at once what failed in a job, waits for its next try, or is in doubt
        cancel --workspace WORKSPACE ID --reason REASON: Cancel what has not gone out
        run-now --workspace WORKSPACE ID --reason REASON: Send at once what waits for its time
      bulk: One action on everything that matches: plan, list, show, apply, undo
        plan ACTION --workspace WORKSPACE [--state STATE] [--kind KIND] [--channel CHANNEL] [--mode MODE] [--recipient RECIPIENT] [--onboarding ONBOARDING] [--customer CUSTOMER] [--since RFC3339] [--until RFC3339] [--text TEXT] [--because BECAUSE] --reason REASON: Plan an action on everything that matches; prints the plan's id and hash. Nothing is done yet
        list --workspace WORKSPACE: List operations, newest first
        show --workspace WORKSPACE ID: Show one with its progress
        apply --workspace WORKSPACE ID --hash HASH [--no-wait] --reason REASON: Carry out exactly the plan of this hash
        undo --workspace WORKSPACE ID [--no-wait] --reason REASON: Take back what has not been sent
      schedules: What runs by the clock: list, run, pause, resume
        list: What runs by the clock: when it ran last, what came of it, when it runs next
        run NAME [--reason REASON] [--dry-run] [--workspace WORKSPACE] [--hours HOURS]: Ask for a run now, paused or not; or see what passes would write
        pause NAME --reason REASON: Stop a schedule: what runs comes to its end, nothing more begins
        resume NAME --reason REASON: Let a schedule go on
      addresses: Addresses that were refused: list, clear
        list --workspace WORKSPACE: List addresses that a provider refused for good
        clear --workspace WORKSPACE ID [--channel CHANNEL] --reason REASON: Try an address again from now on
      templates: Texts of a workspace's own: list, show, check, save, rollback
        list --workspace WORKSPACE: Every part of every message, and which the workspace has written itself
        show NAME --workspace WORKSPACE [--values]: One part: its template, its versions, and with --values what it may name
        check NAME --workspace WORKSPACE FILE: Render a file with every sample, as the workspace would send it; nothing is saved
        save NAME --workspace WORKSPACE FILE --reason REASON: Check a file, and use it from the next message on
        rollback NAME --workspace WORKSPACE --to TO --reason REASON: Use an earlier version again, from the next message on
      opt-outs: Who wants no messages: list, lift
        list --workspace WORKSPACE: Who wants no messages of which kind
        lift --workspace WORKSPACE ID --reason REASON: Write again to a customer's contact who asked for it
      forecast --workspace WORKSPACE [--days DAYS] [--csm CSM] [--onboarding ONBOARDING] [--as-if JSON] [--now RFC3339]: What will be sent to whom, when, if nothing changes
      explain --workspace WORKSPACE WHO [--recipient RECIPIENT] [--now RFC3339]: Why somebody hears, or does not hear, of an onboarding
      preview [KIND] [--all] [--out DIR] [--workspace WORKSPACE] [--onboarding ONBOARDING] [--user USER] [--channel CHANNEL] [--locale LOCALE] [--html] [--to ADDRESS] [--now RFC3339]: What messages look like, on samples or on real data
      onboardings: Reminders of an onboarding: snooze, wake
        snooze --workspace WORKSPACE ONBOARDING --until DATE --reason REASON: Let the reminders of an onboarding rest until a day
        wake --workspace WORKSPACE ONBOARDING --reason REASON: Let them go on, as if they had never rested
      unroutable [--workspace WORKSPACE]: Onboardings that nobody hears of: no active CSM, and no active workspace owner
      audit-log: Who changed what, when and why: list
        list --workspace WORKSPACE [--object OBJECT] [--id ID] [--actor ACTOR] [--event EVENT] [--since RFC3339] [--until RFC3339] [--limit LIMIT] [--csv]: List changes, newest first
      status [--workspace WORKSPACE] [--now RFC3339]: How the service is: what waits, what runs, what asks for an operator
      completions SHELL: Print completions for a shell: bash, zsh, fish, elvish or powershell
      doctor [--accept-clock]: Check configuration, database, migrations, mail and Slack; says what to do about each fault
    ");
}

#[tokio::test]
async fn help_is_no_failure_and_nonsense_is_a_wrong_usage() {
    let service = Service::new(Backend::Sqlite).await;
    let help = service.run(&["--help"]).await;
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(help.stdout, @r"
    Makes sure that no customer onboarding stalls because somebody forgot: digests by e-mail, nudges on Slack, a ledger that can say why.

    Usage: pivotal-reminders [OPTIONS] <COMMAND>

    Commands:
      demo           Try it: everything in one process, demo data, messages captured at /outbox
      serve          Run the service
      migrate        Bring the database's schema up to date
      scan           Run one scheduler pass
      work           Deliver what is ready
      workspaces     Workspaces: create, show, update, list
      phases         The phases of a workspace: list, update
      users          Users of a workspace: create, list, show, update, preferences
      keys           API keys: create, list, rotate, revoke
      operators      Operators, who sign in at /admin: create, list, role, disable, enable, password
      notifications  Notifications: list, show, retry, cancel, resend, delivered
      queues         Queues: list, pause, resume
      jobs           Jobs, the wake-ups of the queues: list, show, retry, cancel, run-now
      bulk           One action on everything that matches: plan, list, show, apply, undo
      schedules      What runs by the clock: list, run, pause, resume
      addresses      Addresses that were refused: list, clear
      templates      Texts of a workspace's own: list, show, check, save, rollback
      opt-outs       Who wants no messages: list, lift
      forecast       What will be sent to whom, when, if nothing changes
      explain        Why somebody hears, or does not hear, of an onboarding
      preview        What messages look like, on samples or on real data
      onboardings    Reminders of an onboarding: snooze, wake
      unroutable     Onboardings that nobody hears of: no active CSM, and no active workspace owner
      audit-log      Who changed what, when and why: list
      status         How the service is: what waits, what runs, what asks for an operator
      completions    Print completions for a shell: bash, zsh, fish, elvish or powershell
      doctor         Check configuration, database, migrations, mail and Slack; says what to do about each fault
      help           Print this message or the help of the given subcommand(s)

    Options:
          --json                Answer with JSON instead of tables
          --database-url <URL>  `sqlite://path` or `postgres://user:password@host/name`; overrides `DATABASE_URL`
          --log <LEVEL>         error, warn, info, debug, or a tracing filter
      -h, --help                Print help
      -V, --version             Print version
    ");
    for nonsense in
        [&["dance"][..], &[], &["work"], &["scan", "--now", "soon"], &["keys", "create"]]
    {
        let said = service.run(nonsense).await;
        assert_eq!(said.code, 2, "{nonsense:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "results only on standard output");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_verb_answers_in_json_when_asked(#[case] backend: Backend) {
    let service = Service::new(backend).await;
    let json = async |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        shape(&service.ok(&args).await.json())
    };
    let made = [
        json(&["migrate"]).await,
        json(&["workspaces", "create", "--slug", "tally", "--name", "Tallybrook"]).await,
        json(&[
            "users",
            "create",
            "--workspace",
            "tally",
            "--name",
            "Maren",
            "--email",
            "m@tally.test",
        ])
        .await,
        json(&["keys", "create", "--workspace", "tally", "--name", "CRM", "--mode", "test"]).await,
        json(&["workspaces", "list"]).await,
        json(&["users", "list", "--workspace", "tally"]).await,
        json(&["keys", "list", "--workspace", "tally"]).await,
        json(&["scan"]).await,
        json(&["work", "--drain"]).await,
        json(&["doctor"]).await,
    ];
    let lines: Vec<String> = made.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"migrated":"flag"}
    {"id":"text","slug":"text"}
    {"object":"text","id":"text","display_id":"number","name":"text","email":"text","time_zone":null,"slack_user_id":null,"active":"flag","email_flagged_at":null,"created_at":"text","updated_at":"text"}
    {"object":"text","id":"text","name":"text","prefix":"text","mode":"text","tier":"text","scopes":["text"],"last_used_at":null,"last_used_ip":null,"request_count":"number","created_at":"text","revoked_at":null,"key":"text"}
    [{"id":"text","slug":"text","name":"text","time_zone":"text","locale":"text"}]
    [{"object":"text","id":"text","display_id":"number","name":"text","email":"text","time_zone":null,"slack_user_id":null,"active":"flag","email_flagged_at":null,"created_at":"text","updated_at":"text"}]
    [{"object":"text","id":"text","name":"text","prefix":"text","mode":"text","tier":"text","scopes":["text"],"last_used_at":null,"last_used_ip":null,"request_count":"number","created_at":"text","revoked_at":null}]
    {"at":"text","recipients":"number","nudges":"number","expected":"number","written":"number","scheduled":"number","skipped":"number","unaccounted":"number"}
    {"outcomes":{},"waiting":"number"}
    [{"check":"text","ok":"flag","detail":"text"}]
    "#);
}

/// The value with the types in place of what is in it; lists keep their first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
        }
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("flag"),
        Value::Null => Value::Null,
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn keys_are_listed_rotated_and_revoked(#[case] backend: Backend) {
    let service = Service::new(backend).await;
    service.workspace("UTC").await;
    let old = service.key("live").await;
    let (_api, address) = service.api().await;
    let works = async |key: &str| Client::new(address, key).send("GET", "/me", Value::Null).await.0;
    let list =
        async || service.ok(&["keys", "list", "--workspace", "tally", "--json"]).await.json();
    let keys = list().await;
    let id = keys[0]["id"].as_str().expect("an id").to_owned();
    assert!(!keys.to_string().contains(&old), "a key is shown once");
    assert_eq!(works(&old).await, 200);

    let rotated = service.ok(&["keys", "rotate", "--workspace", "tally", &id]).await;
    assert_eq!(rotated.stdout.lines().count(), 1, "the key alone");
    let new = rotated.last();
    assert_eq!((works(&old).await, works(&new).await), (401, 200));

    let overlapping = list().await[0]["id"].as_str().expect("an id").to_owned();
    let newest = service
        .ok(&["keys", "rotate", "--workspace", "tally", &overlapping, "--overlap-seconds", "3600"])
        .await
        .last();
    assert_eq!((works(&new).await, works(&newest).await), (200, 200));

    let last = list().await[0]["id"].as_str().expect("an id").to_owned();
    let revoked = service.ok(&["keys", "revoke", "--workspace", "tally", &last]).await;
    assert_eq!(revoked.stdout, "revoked CRM sync\n");
    assert_eq!(works(&newest).await, 401);
    let unknown = service.run(&["keys", "revoke", "--workspace", "tally", "key_unknown"]).await;
    assert_eq!(unknown.code, 1);
    insta::assert_snapshot!(unknown.stderr, @r#"pivotal-reminders: tally has no key "key_unknown"; `pivotal-reminders keys list --workspace tally` shows them"#);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_schema_that_does_not_fit_is_refused_in_one_line(#[case] backend: Backend) {
    let service = Service::new(backend).await;
    let refusals = async |verbs: &[&[&str]]| {
        let mut text = String::new();
        for verb in verbs {
            let said = service.run(verb).await;
            assert_eq!(
                (said.code, said.stderr.lines().count()),
                (1, 1),
                "{verb:?}: {}",
                said.stderr
            );
            write!(text, "{}: {}", verb[0], said.stderr).unwrap();
        }
        text
    };
    service.db.execute("UPDATE _sqlx_migrations SET version = version + 1000000").await;
    let ahead = refusals(&[&["scan"], &["migrate"], &["serve", "--role", "worker"]]).await;
    insta::assert_snapshot!(ahead, @r"
    scan: pivotal-reminders: the database has schema 1000001, newer than this binary knows; use the binary that migrated it, or a newer one
    migrate: pivotal-reminders: the database has schema 1000001, which is newer than this binary; run the binary that migrated it, or a newer one
    serve: pivotal-reminders: the database has schema 1000001, which is newer than this binary; run the binary that migrated it, or a newer one
    ");
    service.db.execute("DELETE FROM _sqlx_migrations").await;
    let behind = refusals(&[
        &["scan"],
        &["work", "--drain"],
        &["workspaces", "list"],
        &["serve", "--role", "worker", "--no-migrate"],
    ])
    .await;
    insta::assert_snapshot!(behind, @r"
    scan: pivotal-reminders: the database has schema 0, older than this binary needs; run `pivotal-reminders migrate`
    work: pivotal-reminders: the database has schema 0, older than this binary needs; run `pivotal-reminders migrate`
    workspaces: pivotal-reminders: the database has schema 0, older than this binary needs; run `pivotal-reminders migrate`
    serve: pivotal-reminders: the database has schema 0, older than this binary needs; run `pivotal-reminders migrate`
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_forecast_can_be_asked_as_if_something_were_different(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    let id = path.rsplit('/').next().unwrap();
    let ask = async |as_if: Option<Value>| {
        let mut args = vec!["forecast", "--workspace", "acme", "--days", "8", "--json"];
        args.extend(["--now", "2026-06-01T09:00:00Z"]);
        let text = as_if.map(|value| value.to_string());
        args.extend(text.iter().flat_map(|text| ["--as-if", text.as_str()]));
        let said = stage.service.run(&args).await;
        (said.code, said.stdout, said.stderr)
    };
    let count = |(code, stdout, stderr): (i32, String, String)| {
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap().as_array().unwrap().len()
    };
    let as_it_is = count(ask(None).await);
    assert_eq!(as_it_is, 7, "six mornings and a nudge");
    assert_eq!(count(ask(Some(json!({ "onboarding_id": 1, "state": "paused" }))).await), 0);
    let weekly = json!({ "onboarding_id": id, "reminder_frequency_days": 5 });
    assert_eq!(count(ask(Some(weekly)).await), 2);
    assert_eq!(count(ask(None).await), as_it_is, "nothing was written");
    for (nonsense, said) in [
        (json!({ "state": "paused" }), "onboarding_id"),
        (json!({ "onboarding_id": 1, "stat": "paused" }), "unknown field `stat`"),
        (json!({ "onboarding_id": 1, "state": "asleep" }), "asleep"),
        (json!({ "onboarding_id": 1, "reminder_frequency_days": 31 }), "from 1 to 30"),
    ] {
        let (code, _, stderr) = ask(Some(nonsense)).await;
        assert!(code == 2 && stderr.contains(said), "{stderr}");
    }
    let (code, _, stderr) = ask(Some(json!({ "onboarding_id": 99, "state": "paused" }))).await;
    assert!(code == 1 && stderr.contains("there is no such onboarding"), "{stderr}");
}
