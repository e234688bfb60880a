use rstest::rstest;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_is_created_and_read_back(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme Rockets").await;
    let created = app
        .onboarding(
            &customer,
            json!({ "csm_id": app.csm.id, "target_launch_date": "2026-07-01T00:00:00+02:00" }),
        )
        .await;
    let read = app.get(&format!("/onboardings/{}", created["display_id"])).await.ok(200);
    assert_eq!(created, read);
}
