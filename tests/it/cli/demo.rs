//! `demo`: the whole product in one command, for whoever looks at it the first time.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::db::{Backend, open};
use crate::support::eventually;
use crate::support::service::{Client, PATIENCE, Running, Service};

async fn stage() -> (Service, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(Backend::Sqlite).await;
    service.live_in(folder.path());
    (service, folder)
}

/// Starts it and waits until it has said everything.
async fn start(service: &Service, args: &[&str]) -> (Running, SocketAddr, String) {
    let demo = service.spawn(args);
    eventually(PATIENCE, || demo.log().contains("Ctrl-C stops it")).await;
    let (address, said) = (demo.address().await, demo.log());
    (demo, address, said)
}

fn key(said: &str, name: &str) -> String {
    let line = said.lines().find(|line| line.trim_start().starts_with(name)).expect("a key");
    line.split_whitespace().last().expect("a key").to_owned()
}

async fn outbox(address: SocketAddr) -> String {
    let answer = reqwest::get(format!("http://{address}/outbox")).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// Notifications and attempts so far.
async fn counts(folder: &Path) -> (i64, i64) {
    let db = open(&format!("sqlite://{}", folder.join("data/demo.db").display()), 2).await;
    let mut conn = db.read().await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM notifications), (SELECT count(*) FROM attempts)";
    let counts = pivotal_reminders::on!(conn, |c| sqlx::query_as(sql).fetch_one(c).await.unwrap());
    drop(conn);
    db.close().await;
    counts
}

#[tokio::test]
async fn a_demo_shows_captured_and_suppressed_messages_and_goes_on_where_it_was() {
    let (service, folder) = stage().await;
    let (demo, address, said) = start(&service, &["demo"]).await;
    let live = key(&said, "Live key");
    let (status, me) = Client::new(address, &live).send("GET", "/me", Value::Null).await;
    assert_eq!(status, 200, "{me}");
    let page = outbox(address).await;
    for word in ["Maren Holt", "Digest, e-mail", "suppressed: test mode"] {
        assert!(page.contains(word), "no {word} in {page}");
    }
    demo.signal("TERM").await;
    assert_eq!(demo.end().await, 0);
    let before = counts(folder.path()).await;
    assert!(before.0 > 10 && before.1 > 10, "{before:?}");

    let (demo, address, said) = start(&service, &["demo"]).await;
    assert_eq!(key(&said, "Live key"), live, "the same data");
    assert!(said.contains("Nothing is sent twice."), "{said}");
    outbox(address).await;
    demo.signal("TERM").await;
    assert_eq!(demo.end().await, 0);
    assert_eq!(counts(folder.path()).await, before);

    let (demo, _, said) = start(&service, &["demo", "--reset"]).await;
    assert_ne!(key(&said, "Live key"), live, "new data");
    demo.signal("TERM").await;
    assert_eq!(demo.end().await, 0);
}

#[tokio::test]
async fn a_demo_says_in_words_what_there_is_to_see() {
    let (service, _folder) = stage().await;
    let (demo, address, said) = start(&service, &["demo"]).await;
    let said = said
        .replace(&address.to_string(), "127.0.0.1:8080")
        .replace(&key(&said, "Live key"), "LIVE")
        .replace(&key(&said, "Test key"), "TEST")
        .replace(&key(&said, "Operator"), "PASSWORD");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+ messages \(\d+", "[n] messages ([n]");
    settings.bind(|| insta::assert_snapshot!(said, @r"
    Made: 40 customers, 40 onboardings, [n] messages ([n] of them suppressed: test mode), in data/demo.db.
    Nothing leaves this machine: mail and Slack messages are captured.
      Messages, as people would see them   http://127.0.0.1:8080/outbox
      Console                              http://127.0.0.1:8080/admin
      Operator                             demo@tallybrook.test with the password PASSWORD
      API                                  http://127.0.0.1:8080/api/v1
      Live key                             LIVE
      Test key                             TEST

    Try:
      curl -s http://127.0.0.1:8080/api/v1/me -H 'Authorization: Bearer LIVE'
      curl -s 'http://127.0.0.1:8080/api/v1/onboardings?state=waiting&limit=3' -H 'Authorization: Bearer LIVE'

    From here on the real clock runs: the next digests come at 09:00 of each CSM's next working day.
    Ctrl-C stops it; `demo` again goes on where it was, `demo --reset` begins anew.
    "));
    demo.kill().await;
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_is_made_anew() {
    let (service, folder) = stage().await;
    let demo = service.spawn(&["demo"]);
    let file = folder.path().join("data/demo.db-wal");
    let begun = || std::fs::metadata(&file).is_ok_and(|file| file.len() > 500_000);
    eventually(PATIENCE, begun).await;
    demo.kill().await;
    let (demo, address, said) = start(&service, &["demo"]).await;
    assert!(said.contains("40 customers, 40 onboardings"), "{said}");
    assert!(outbox(address).await.contains("Maren Holt"));
    demo.kill().await;
}

#[tokio::test]
async fn a_demo_cannot_take_the_data_from_under_another() {
    let (service, _folder) = stage().await;
    let (demo, address, said) = start(&service, &["demo"]).await;
    let second = service.run(&["demo", "--reset"]).await;
    assert_eq!(second.code, 1);
    insta::assert_snapshot!(second.stderr, @"pivotal-reminders: another demo is running on data/demo.db; stop it first, or start this one in another folder");
    let live = key(&said, "Live key");
    let (status, _) = Client::new(address, &live).send("GET", "/me", Value::Null).await;
    assert_eq!(status, 200);
    demo.kill().await;
}

#[tokio::test]
async fn a_port_in_use_is_one_line_and_changes_nothing() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (mut service, folder) = stage().await;
    service.set("LISTEN", &address);
    let said = service.run(&["demo"]).await;
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(said.stderr.replace(&address, "127.0.0.1:8080"), @"pivotal-reminders: 127.0.0.1:8080 is in use by another program; stop it, or choose another address with LISTEN, for example LISTEN=127.0.0.1:8081");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
