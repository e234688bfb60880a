//! Out of office: who hears meanwhile, and what one hears on coming back.

use mail_parser::MessageParser;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::stage::Stage;

/// Carl is out of office until Monday, 8 June 2026, from the instant to which the clock was set.
async fn carl_is_away(stage: &Stage, backup: Value) {
    let away = json!({ "out_of_office_until": "2026-06-08", "backup_user_id": backup });
    prefer(stage, &stage.app.csm.id, away).await;
}

async fn prefer(stage: &Stage, user: &str, preferences: Value) {
    let path = format!("/users/{user}/notification_preferences");
    stage.app.patch(&path, preferences).await.ok(200);
}

/// The text part of the only mail to `address` that is newer than the first `seen` of all.
fn mail_to(stage: &Stage, address: &str, seen: usize) -> String {
    let mails: Vec<_> =
        stage.relay.accepted().into_iter().skip(seen).filter(|mail| mail.to == address).collect();
    assert_eq!(mails.len(), 1, "one mail to {address}");
    let mail = MessageParser::default().parse(&mails[0].raw).unwrap();
    mail.body_text(0).unwrap().into_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_backup_gets_one_digest_with_a_heading_of_its_own_and_the_return_opens_with_what_happened(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    let halden = stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Quillby Books", json!({ "state": "waiting" })).await;
    stage.onboard("Osterby Clinics", json!({ "csm_id": stage.app.owner.id })).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T12:00:00Z");
    carl_is_away(&stage, json!(stage.app.owner.id)).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    let text = mail_to(&stage, "olga@acme.example", 2);
    let own = text.find("Osterby").expect("hers");
    let heading = text.find("For Carl Csm, out until Mon 8 Jun").expect("a heading of its own");
    assert!(own < heading && heading < text.find("Halden").unwrap(), "{text}");
    stage.at("2026-06-04T10:00:00Z");
    stage.patch(&halden, json!({ "phase": "program_design" })).await;
    stage.pass("2026-06-05T07:00:00Z").await;
    stage.pass("2026-06-08T07:00:00Z").await;
    let text = mail_to(&stage, "carl@acme.example", 4);
    for said in [
        "WHILE YOU WERE OUT",
        "Olga Owner stood in for you.",
        "Halden Freight #1: moved from Before getting started to Program design",
        "on Thu 4 Jun, by API: CRM sync.",
        "Quillby Books #2: still waiting on the customer, for 5 business days.",
    ] {
        let wrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(wrapped.contains(said), "{said}: {text}");
    }
    let hers = mail_to(&stage, "olga@acme.example", 4);
    assert!(!hers.contains("Carl"), "{hers}");
    stage.pass("2026-06-09T07:00:00Z").await;
    assert!(!mail_to(&stage, "carl@acme.example", 6).contains("WHILE YOU"), "told once");
    stage.sql("DELETE FROM notifications WHERE kind <> 'digest'").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight, Quillby Books]
    2026-06-02 digest live email to Olga: sent, attempts 1 [Osterby Clinics]
    2026-06-03 digest live email to Olga: sent, attempts 1 [Halden Freight, Quillby Books, Osterby Clinics]
    2026-06-04 digest live email to Olga: skipped (missed_slot), 1 slot missed [Halden Freight, Quillby Books, Osterby Clinics]
    2026-06-05 digest live email to Olga: sent, attempts 1 [Halden Freight, Quillby Books, Osterby Clinics]
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight, Quillby Books]
    2026-06-08 digest live email to Olga: sent, attempts 1 [Osterby Clinics]
    2026-06-09 digest live email to Carl: sent, attempts 1 [Halden Freight, Quillby Books]
    2026-06-09 digest live email to Olga: sent, attempts 1 [Osterby Clinics]
    ");
}

#[rstest]
#[case::no_backup_sqlite(Backend::Sqlite, "none")]
#[case::no_backup_postgres(Backend::Postgres, "none")]
#[case::the_backup_is_away_sqlite(Backend::Sqlite, "away")]
#[case::the_backup_is_away_postgres(Backend::Postgres, "away")]
#[case::the_backup_is_deactivated_sqlite(Backend::Sqlite, "deactivated")]
#[case::the_backup_is_deactivated_postgres(Backend::Postgres, "deactivated")]
#[tokio::test]
async fn without_somebody_who_stands_in_reminders_rest_until_the_return(
    #[case] backend: Backend,
    #[case] backup: &str,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    let made = json!({ "name": "Bo Backup", "email": "bo@acme.example" });
    let bo = stage.app.post("/users", made).await.ok(201)["id"].as_str().unwrap().to_owned();
    carl_is_away(&stage, if backup == "none" { Value::Null } else { json!(bo) }).await;
    match backup {
        "away" => {
            let olga = &stage.app.owner.id;
            prefer(
                &stage,
                &bo,
                json!({ "out_of_office_until": "2026-06-30", "backup_user_id": olga }),
            )
            .await;
        }
        "deactivated" => drop(stage.app.delete(&format!("/users/{bo}")).await.ok(200)),
        _ => {}
    }
    for day in 2..=9 {
        stage.pass(&format!("2026-06-{day:02}T09:00:00Z")).await;
    }
    // The step of the 3rd business day passed unseen.
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 waiting_on_customer 1 live slack to Carl: skipped (superseded), step 2 was reached first [Halden Freight]
    2026-06-08 waiting_on_customer 2 live slack to Carl: sent, attempts 1 [Halden Freight]
    2026-06-09 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn nudges_go_to_the_backup_and_say_for_whom(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 30 }))
        .await;
    carl_is_away(&stage, json!(stage.app.owner.id)).await;
    for day in 2..=8 {
        stage.pass(&format!("2026-06-{day:02}T10:00:00Z")).await;
    }
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 waiting_on_customer 1 live slack to Olga: sent, attempts 1 [Halden Freight]
    2026-06-08 waiting_on_customer 2 live slack to Carl: sent, attempts 1 [Halden Freight]
    ");
    let posts = stage.slack.posted();
    assert_eq!((posts[0].channel.as_str(), posts[1].channel.as_str()), ("U0OLGA", "U0CARL"));
    assert!(posts[0].blocks.to_string().contains("For Carl Csm, out until Mon 8 Jun."));
    assert!(!posts[1].blocks.to_string().contains("out until"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_absence_that_ends_before_the_digest_is_delivered_gives_the_lines_back(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    carl_is_away(&stage, json!(stage.app.owner.id)).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:01:00Z");
    let back = json!({ "out_of_office_until": null });
    prefer(&stage, &stage.app.csm.id, back).await;
    stage.drain("2026-06-02T07:02:00Z").await;
    assert!(stage.relay.accepted().is_empty());
    stage.pass("2026-06-03T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Olga: skipped (state_changed) [Halden Freight]
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_a_test_key_did_meanwhile_is_not_told_on_the_return(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    let halden = stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Quillby Books", json!({})).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T12:00:00Z");
    carl_is_away(&stage, Value::Null).await;
    let moved = json!({ "phase": "program_design" });
    let test = stage.app.test.clone();
    stage.app.call(&test, reqwest::Method::PATCH, &halden, &moved).await.ok(200);
    // A live key that writes the same lifts the phase, and is not the one who changed it.
    let quillby = json!({ "phase": "review" });
    stage.app.call(&test, reqwest::Method::PATCH, "/onboardings/2", &quillby).await.ok(200);
    stage.patch("/onboardings/2", quillby).await;
    stage.pass("2026-06-08T07:00:00Z").await;
    let text = mail_to(&stage, "carl@acme.example", 1);
    assert!(text.contains("Nothing has changed since Tue 2 Jun."), "{text}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn explain_and_forecast_know_who_is_away(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    carl_is_away(&stage, json!(stage.app.owner.id)).await;
    let (carl, olga) = (stage.app.csm.id.clone(), stage.app.owner.id.clone());
    let seen = async |query: &str| {
        let found = stage.app.get(&format!("{path}/reminders{query}")).await.ok(200);
        let gate = |name: &str| {
            let gates = found["gates"].as_array().unwrap();
            let gate = gates.iter().find(|gate| gate["gate"] == name).expect("the gate");
            format!("{} {}", gate["passed"], gate["detail"].as_str().unwrap())
        };
        format!(
            "{} {}: {} / {}",
            found["verdict"],
            found["reason"],
            gate("recipient"),
            gate("in_office")
        )
    };
    let mut said = vec![
        seen("?at=2026-06-03T07:00:00Z").await,
        seen(&format!("?recipient_id={carl}&at=2026-06-03T07:00:00Z")).await,
        seen("?at=2026-06-08T07:00:00Z").await,
    ];
    prefer(&stage, &carl, json!({ "backup_user_id": null })).await;
    said.push(seen("?at=2026-06-03T07:00:00Z").await);
    insta::assert_snapshot!(said.join("\n"), @r#"
    "send" null: true Carl Csm is the CSM. Olga Owner is their backup. / true Carl Csm is out of office until Mon 8 Jun 2026, and Olga Owner stands in.
    "hold" "no_recipient": true Carl Csm is the CSM. / false Carl Csm is out of office until Mon 8 Jun 2026, and Olga Owner stands in.
    "send" null: true Carl Csm is the CSM. / true Carl Csm is not out of office.
    "hold" "snoozed": true Carl Csm is the CSM. / false Carl Csm is out of office until Mon 8 Jun 2026, and has no backup: reminders rest until then.
    "#);
    prefer(&stage, &carl, json!({ "backup_user_id": olga })).await;
    let days = async |csm: &str| {
        let found =
            stage.app.get(&format!("/reminders/forecast?days=10&csm_id={csm}")).await.ok(200);
        let items = found["data"].as_array().unwrap().clone();
        let digests = items.iter().filter(|item| item["kind"] == "digest");
        digests.map(|item| item["at"].as_str().unwrap()[5..10].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days(&olga).await, ["06-02", "06-03", "06-04", "06-05"]);
    assert_eq!(days(&carl).await, ["06-08", "06-09", "06-10", "06-11"]);
}
