//! A walk over many rows, made by many at once, while others go.

use std::collections::BTreeMap;

use pivotal_reminders::domain::values::CustomerStatus;
use pivotal_reminders::store::audit::Author;
use pivotal_reminders::store::customers::{self, Fields, Slug};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

const ROWS: usize = 10_000;
const WRITERS: usize = 4;
/// Rows of one transaction.
const AT_ONCE: usize = 125;

/// Makes the rows with several writers, all in one and the same instant of the clock.
async fn fill(app: &TestApp) {
    let writers = (0..WRITERS).map(async |writer| {
        for batch in 0..ROWS / WRITERS / AT_ONCE {
            let mut tx = app.db().begin().await.unwrap();
            for row in 0..AT_ONCE {
                let name = format!("c-{writer}-{batch}-{row}");
                let fields = Fields {
                    slug: name.clone(),
                    name,
                    domain: None,
                    status: CustomerStatus::Active,
                    plan: None,
                    mrr: None,
                    monthly_orders: None,
                    hubspot_company_id: None,
                    hubspot_deal_id: None,
                    stripe_customer_id: None,
                    intercom_company_id: None,
                    slack_channel_id: None,
                    metadata: "{}".to_owned(),
                };
                let (author, workspace) = (Author::system(), &app.workspace.id);
                customers::create(&mut tx, &author, workspace, fields, Slug::Asked, app.now())
                    .await
                    .unwrap();
            }
            tx.commit().await.unwrap();
        }
    });
    futures_util::future::join_all(writers).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_walk_over_ten_thousand_rows_loses_and_doubles_none_though_others_go(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    fill(&app).await;
    // Those of the other workspace share nothing with ours, not even the order.
    let stranger = app.stranger().await;
    app.call(&stranger, Method::POST, "/customers", &json!({ "name": "Theirs" })).await.ok(201);

    let mut seen: BTreeMap<i64, String> = BTreeMap::new();
    let mut path = "/customers?limit=100".to_owned();
    let mut last: Option<String> = None;
    let (mut pages, mut deleted_unseen) = (0, 0_usize);
    loop {
        let page = app.get(&path).await.ok(200);
        let rows = page["data"].as_array().unwrap();
        for row in rows {
            let at = row["created_at"].as_str().unwrap().to_owned();
            assert!(last.as_ref().is_none_or(|last| at < *last), "{at} after {last:?}");
            let doubled = seen.insert(row["display_id"].as_i64().unwrap(), at.clone());
            assert_eq!(doubled, None, "{row}");
            last = Some(at);
        }
        pages += 1;
        let Value::String(cursor) = &page["next_cursor"] else { break };
        path = format!("/customers?limit=100&cursor={cursor}");
        // The row at the cursor goes, one that was seen, and one that is still to come.
        let end = rows.last().unwrap()["display_id"].as_i64().unwrap();
        deleted_unseen += usize::from(end > 7);
        for id in [end, end + 50, end - 7].into_iter().filter(|id| *id > 0) {
            app.delete(&format!("/customers/{id}")).await.ok(200);
        }
        // And new ones come, ahead of the walk.
        if pages % 10 == 0 {
            app.customer("New").await;
        }
    }
    let total = i64::try_from(ROWS).unwrap();
    let missing: Vec<i64> = (1..=total).filter(|id| !seen.contains_key(id)).collect();
    assert_eq!(missing.len(), deleted_unseen, "only what went before it was reached is missing");
    for id in missing {
        assert_eq!(app.get(&format!("/customers/{id}")).await.status, 404);
    }
    assert!(seen.keys().all(|id| (1..=total).contains(id)));
    // The later a row was made, the later it says it was, with none beside it.
    assert!(seen.values().is_sorted_by(|a, b| a < b));
}
