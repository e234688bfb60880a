//! Exit codes: 2 for what is typed wrongly, 1 for what cannot be done.

use std::fmt::Write;

use rstest::rstest;

use crate::support::db::Backend;
use crate::support::stage::Stage;

const HERE: [&str; 2] = ["--workspace", "acme"];
const WHY: [&str; 2] = ["--reason", "x"];

/// What each verb says, after its exit code.
async fn said(stage: &Stage, code: i32, verbs: &[Vec<&str>]) -> String {
    let mut text = String::new();
    for verb in verbs {
        let said = stage.service.run(verb).await;
        assert_eq!(said.code, code, "{verb:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{verb:?}");
        writeln!(text, "{}", said.stderr.lines().next().unwrap()).unwrap();
    }
    text
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_typed_wrongly_ends_with_2_and_does_nothing(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let user = ["users", "create", "--workspace", "acme"];
    let named = [&user[..], &["--name", "X", "--email", "x@acme.example"]].concat();
    let typed = said(
        &stage,
        2,
        &[
            vec!["workspaces", "create", "--slug", "Acme Inc.", "--name", "Acme"],
            vec!["workspaces", "create", "--slug", "acme-2", "--name", " "],
            vec!["workspaces", "create", "--slug", "acme-2", "--name", "A", "--locale", "xx"],
            [&named[..], &["--time-zone", "Mars/Olympus"]].concat(),
            [&named[..], &["--slack-user-id", "C012AB3CD"]].concat(),
            [&user[..], &["--name", "X", "--email", "x@acme"]].concat(),
            vec!["operators", "create", "--email", "noor"],
            vec!["scan", "--now", "2026-06-02"],
            [&["explain", "1", "--recipient", "Carl Csm"][..], &HERE].concat(),
            [&["forecast", "--as-if", r#"{"onboarding_id": 1, "phase": "kickoff"}"#][..], &HERE]
                .concat(),
            [&["forecast", "--as-if", r#"{"onboarding_id": 1, "csm_id": "-"}"#][..], &HERE]
                .concat(),
            [&["notifications", "list", "--kind", "letter"][..], &HERE].concat(),
            [&["notifications", "list", "--customer", "Halden Freight"][..], &HERE].concat(),
            [&["notifications", "list", "--since", "yesterday"][..], &HERE].concat(),
            [&["jobs", "list", "--queue", "pigeons"][..], &HERE].concat(),
            [&["queues", "pause", "pigeons"][..], &WHY].concat(),
            [&["schedules", "run", "pigeons"][..], &WHY].concat(),
            [&["schedules", "run", "prune_jobs", "--dry-run"][..], &HERE].concat(),
            [&["opt-outs", "lift", "j@x.test"][..], &HERE, &WHY].concat(),
            [&["preview", "digest"][..], &HERE].concat(),
            [&["preview", "stalled_phase"][..], &HERE].concat(),
            vec!["preview", "digest", "--channel", "slack", "--to", "noor@acme.example"],
            vec!["demo", "--database-url", "sqlite://data/pivotal.db"],
        ],
    )
    .await;
    insta::assert_snapshot!(typed);
    let made = "SELECT id FROM workspaces UNION ALL SELECT id FROM users UNION ALL SELECT id FROM operators";
    assert_eq!(stage.service.db.rows(made).await.len(), 3, "as many as there were");
    let done = "SELECT event FROM audit_log WHERE event IN ('queue_paused', 'schedule_run')";
    assert!(stage.service.db.rows(done).await.is_empty());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_typed_well_and_cannot_be_done_ends_with_1(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let failed = said(
        &stage,
        1,
        &[
            vec!["workspaces", "create", "--slug", "acme", "--name", "Acme"],
            vec!["users", "list", "--workspace", "Acme Inc."],
            [&["users", "create", "--name", "X", "--email", "carl@acme.example"][..], &HERE]
                .concat(),
            [&["explain", "99"][..], &HERE].concat(),
            [&["notifications", "list", "--customer", "99"][..], &HERE].concat(),
            [&["notifications", "list", "--recipient", "99"][..], &HERE].concat(),
            [&["notifications", "retry", "ntf_nobody"][..], &HERE, &WHY].concat(),
            [&["queues", "resume", "email"][..], &WHY].concat(),
            [&["opt-outs", "lift", "cont_nobody"][..], &HERE, &WHY].concat(),
            vec!["operators", "disable", "--email", "nobody@acme.example"],
        ],
    )
    .await;
    insta::assert_snapshot!(failed);
}
