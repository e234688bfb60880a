//! What must not be found in a log, however much is logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn no_key_and_no_address_is_logged_even_at_trace(#[case] backend: Backend) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For this thread, on which the test's runtime runs everything.
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let contact = json!({ "name": "Ann", "email": "canary@acme.example" });
    app.post("/customers/1/contacts", contact.clone()).await.ok(201);
    app.post("/customers/1/contacts", contact).await.error();
    let made = app.post("/api_keys", json!({ "name": "Zapier" })).await.ok(201);
    let wrong = app.request(reqwest::Method::GET, "/me").bearer_auth("pivotal_canarycanarycanary");
    app.send(wrong).await.error();
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("answered"), "nothing was captured");
    let made = made["key"].as_str().unwrap();
    for secret in [app.live.as_str(), made, "pivotal_canary", "canary@acme.example"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
