//! "Why did they get nothing?", in one step, on the command line and over the API.

use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_got_nothing_is_found_by_name_and_told_the_first_shut_gate_of_each_onboarding(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Halden", json!({ "state": "paused" })).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T09:00:00Z");
    let morning = ["--workspace", "acme", "--now", "2026-06-02T09:00:00Z"];
    let explain = |who: &'static str| [&["explain", who][..], &morning].concat();
    let carl = stage.service.ok(&explain("CARL@acme.example")).await.stdout;
    assert!(carl.starts_with("1 message went to Carl Csm on Tue 2 Jun.\nntf_"), "{carl}");
    let lines: Vec<&str> = carl.lines().skip(3).map(str::trim).collect();
    assert_eq!(lines.len(), 2, "{carl}");
    assert!(lines[0].starts_with("#2 Halden") && lines[0].contains("HELD"), "{carl}");
    assert!(lines[1].starts_with("#1 Halden Freight") && lines[1].contains("due"), "{carl}");
    // A whole name comes before its beginnings.
    let halden = stage.service.ok(&explain("halden")).await.stdout;
    assert!(halden.starts_with("Onboarding #2: it is in no digest that day: paused."), "{halden}");
    let freight = stage.service.ok(&explain("halden f")).await.stdout;
    assert!(freight.starts_with("Onboarding #1: "), "{freight}");
    let several = stage.service.run(&explain("hal")).await;
    let choice = "\"hal\" may be any of: #2 Halden, #1 Halden Freight";
    assert_eq!((several.code, several.stderr.contains(choice)), (2, true), "{}", several.stderr);
    let nobody = stage.service.run(&explain("zebra")).await;
    assert_eq!(nobody.code, 1, "{}", nobody.stderr);

    let at = "&at=2026-06-02T09:00:00Z";
    let app = &stage.app;
    let api = app.get(&format!("/reminders/explain?who=carl{at}")).await.ok(200);
    let cli = stage.service.ok(&[&explain("carl")[..], &["--json"]].concat()).await.json();
    assert_eq!(api.to_string(), cli.to_string());
    assert_eq!(api["summary"], "1 message went to Carl Csm on Tue 2 Jun.");
    assert_eq!(api["onboardings"][0]["detail"], "The onboarding's state is \"paused\".");
    assert_eq!(api["notifications"][0]["state"], "sent");
    let one = app.get(&format!("/reminders/explain?who=%231{at}")).await.ok(200);
    assert_eq!(one["summary"], "1 message went about Halden Freight #1 on Tue 2 Jun.");
    assert_eq!((one["user_id"].is_null(), &one["onboardings"][0]["display_id"]), (true, &json!(1)));
    for (asked, error) in [
        ("", "400 invalid_request_error missing_field who"),
        ("?who=", "400 invalid_request_error too_small who"),
        ("?who=hal", "404 not_found several_found"),
        ("?who=zebra", "404 not_found nothing_found"),
    ] {
        assert_eq!(app.get(&format!("/reminders/explain{asked}")).await.error(), error);
    }
}
