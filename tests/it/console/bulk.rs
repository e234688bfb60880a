//! One action on everything that matches: planned, applied, taken back.

use pivotal_reminders::domain::values::OperatorRole;
use pivotal_reminders::operate::bulk;
use rstest::rstest;
use serde_json::json;

use super::{Admin, main};
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn everything_in_a_view_is_cancelled_by_a_plan_and_taken_back(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T07:00:01Z");
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let states = async || {
        let rows = admin.stage.service.db.rows("SELECT state FROM notifications").await;
        rows[0]["state"].as_str().unwrap().to_owned()
    };
    let work = async || {
        while bulk::step(admin.stage.app.db(), admin.stage.app.now()).await.unwrap() {}
    };
    browser.read("/admin/w/acme/notifications?state=scheduled").await;
    let answers = [("state", "scheduled"), ("action", "cancel"), ("because", "wrong texts")];
    let planned = browser.press("/admin/w/acme/bulk", &answers).await;
    assert!(main(&planned).contains("Cancel: 1 notification"), "{planned}");
    assert!(planned.contains("Nothing has been done yet."), "{planned}");
    assert!(planned.contains("Digest, Halden Freight #1, to Carl Csm"), "{planned}");
    assert_eq!(states().await, "scheduled");
    let list = browser.open("/admin/w/acme/bulk").await;
    let (_, rest) = list.text.split_once("bulk_").expect("an operation");
    let one = format!("/admin/w/acme/bulk/bulk_{}", rest.split('"').next().unwrap());
    browser.read(&one).await;
    let hash = browser.hidden("hash");
    let wrong = [("hash", "another"), ("because", "seen")];
    let said = browser.press(&format!("{one}/apply"), &wrong).await;
    assert!(main(&said).starts_with("Nothing was changed: the hash is not"), "{said}");
    let said =
        browser.press(&format!("{one}/apply"), &[("hash", &hash), ("because", "seen")]).await;
    assert!(main(&said).starts_with("The workers apply it now"), "{said}");
    work().await;
    assert_eq!(states().await, "cancelled");
    let said = browser.read(&one).await;
    assert!(said.contains("Done to 1 notification, refused by 0."), "{said}");
    let said = browser.press(&format!("{one}/undo"), &[("because", "a mistake")]).await;
    assert!(main(&said).starts_with("The workers take it back now"), "{said}");
    work().await;
    assert_eq!(states().await, "scheduled");
    let said = browser.read(&one).await;
    assert!(said.contains("1 taken back, 0 had gone out or changed, 0 refused."), "{said}");
    let everything = [("action", "cancel"), ("because", "all")];
    browser.read("/admin/w/acme/notifications").await;
    let said = browser.press("/admin/w/acme/bulk", &everything).await;
    assert!(main(&said).starts_with("Nothing was changed: an empty filter"), "{said}");
}
