//! Clicks on Slack, from the message through a signed request to what the message says afterwards.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use pivotal_reminders::api;
use pivotal_reminders::console::slack::{SlackRequests, router};
use pivotal_reminders::db::Conn;
use pivotal_reminders::domain::link::LinkKey;
use pivotal_reminders::render::OwnPages;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::support::app::Answer;
use super::support::db::Backend;
use super::support::stage::Stage;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const BASE: &str = "https://reminders.acme.example";

struct Site {
    stage: Stage,
    client: reqwest::Client,
    url: String,
    _server: DropGuard,
}

impl Site {
    /// Nudges go out on Slack, digests are off.
    async fn new(backend: Backend) -> Self {
        let mut stage = Stage::new(backend).await;
        let links = "a secret of tests, thirty-two characters at least";
        stage.service.set("LINK_SECRET", links);
        stage.service.set("PUBLIC_URL", BASE);
        stage.service.set("SLACK_SIGNING_SECRET", SECRET);
        stage.set_carl("digest_enabled = false").await;
        let requests = SlackRequests {
            db: stage.app.db().clone(),
            clock: stage.app.api.clock.clone(),
            secret: SECRET.into(),
            pages: OwnPages { base: BASE.to_owned(), key: LinkKey::new(links) },
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(api::serve(listener, router(requests), &[], stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stage, client, url, _server: stop.drop_guard() }
    }

    /// A wait for Halden Freight, told on its third business day; answers with its path.
    async fn nudged(&self) -> String {
        let path = self.stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
        self.stage.pass("2026-06-04T09:00:00Z").await;
        assert_eq!(self.stage.slack.posted().len(), 1);
        path
    }

    /// The value of a button of the newest post, or of the newest edit.
    fn value(&self, action: &str) -> String {
        let edits = self.calls("chat.update");
        let blocks = edits.last().map_or_else(
            || self.stage.slack.posted().pop().unwrap().blocks,
            |edit| edit["blocks"].clone(),
        );
        let all = blocks
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|block| block["elements"].as_array().cloned().unwrap_or_default());
        let button = all.clone().find(|element| element["action_id"] == action);
        button.unwrap_or_else(|| panic!("no button {action} in {blocks}"))["value"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn calls(&self, method: &str) -> Vec<Value> {
        self.stage
            .slack
            .calls()
            .into_iter()
            .filter(|(name, _)| name == method)
            .map(|(_, body)| body)
            .collect()
    }

    /// What only the clicker was told, newest last.
    fn whispers(&self) -> Vec<String> {
        self.calls("chat.postEphemeral")
            .iter()
            .map(|body| body["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the message says now.
    fn says(&self) -> String {
        self.calls("chat.update").last().expect("an edit")["text"].as_str().unwrap().to_owned()
    }

    fn signed(&self, path: &str, body: String) -> reqwest::RequestBuilder {
        let time = self.stage.app.now().timestamp().to_string();
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let signature = mac.chain_update(format!("v0:{time}:{body}")).finalize().into_bytes();
        let hex = signature.iter().fold(String::new(), |hex, octet| format!("{hex}{octet:02x}"));
        self.client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", time)
            .header("x-slack-signature", format!("v0={hex}"))
            .body(body)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.stage.app.send(request).await
    }

    fn interaction(user: &str, action: &str, value: &str) -> String {
        let payload = json!({
            "type": "block_actions", "user": { "id": user, "name": "carl" }, "channel": { "id": "DU0CARL", "name": "directmessage" },
            "trigger_id": format!("{:x}", rand::random::<u64>()), "response_url": "https://hooks.slack.com/actions/T1/1/x",
            "actions": [{ "type": "button", "action_id": action, "block_id": "do", "value": value, "action_ts": "1.2" }],
        });
        form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish()
    }

    /// Clicks a button at an instant, and lets the worker do what follows.
    async fn click(&self, now: &str, action: &str, value: &str) {
        self.stage.at(now);
        let answer = self
            .send(self.signed("/slack/interactions", Self::interaction("U0CARL", action, value)))
            .await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        self.stage.drain(now).await;
    }

    /// `/reminders` with a text; answers with what is said.
    async fn command(&self, user: &str, text: &str) -> String {
        let trigger = rand::random::<u64>().to_string();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("command", "/reminders"),
                ("user_id", user),
                ("text", text),
                ("trigger_id", &trigger),
            ])
            .finish();
        let answer = self.send(self.signed("/slack/commands", body)).await.ok(200);
        assert_eq!(answer["response_type"], "ephemeral");
        answer["text"].as_str().unwrap().to_owned()
    }

    async fn snoozed_until(&self, path: &str) -> Value {
        self.stage.app.get(&format!("{path}/reminders")).await.ok(200)["snoozed_until"].clone()
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn customer_replied_ends_the_wait_and_the_message_says_so_with_a_way_back(
    #[case] backend: Backend,
) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    let before = site.stage.app.get(&path).await.ok(200);
    let value = site.value("customer_replied");
    site.click("2026-06-04T09:04:00Z", "customer_replied", &value).await;
    let edit = site.calls("chat.update").pop().unwrap();
    insta::assert_json_snapshot!("replied_edit", edit, { ".blocks[0].text.text" => insta::dynamic_redaction(token), ".blocks[1].elements[0].value" => "[value]" });
    let onboarding = site.stage.app.get(&path).await.ok(200);
    assert_eq!(
        (&onboarding["state"], &onboarding["waiting_on_customer"]),
        (&json!("active"), &json!(false))
    );

    // A second click tells the clicker alone.
    site.click("2026-06-04T09:05:00Z", "customer_replied", &value).await;
    assert_eq!(site.calls("chat.update").len(), 1);
    assert_eq!(site.whispers(), ["Already done: Carl Csm ended the wait at 09:04."]);

    // Back: flag, state and the old date.
    let undo = site.value("undo_replied");
    site.click("2026-06-04T09:10:00Z", "undo_replied", &undo).await;
    let again = site.stage.app.get(&path).await.ok(200);
    for field in ["state", "waiting_on_customer", "waiting_on_customer_since"] {
        assert_eq!(again[field], before[field], "{field}");
    }
    assert_eq!(
        site.says(),
        site.stage.slack.posted()[0].text,
        "and the message says what was sent"
    );
    assert_eq!(site.value("customer_replied"), value);

    // Once more, and too late to take it back.
    site.click("2026-06-04T09:20:00Z", "customer_replied", &value).await;
    site.click("2026-06-04T09:30:01Z", "undo_replied", &undo).await;
    assert_eq!(
        site.whispers().pop().unwrap(),
        "Taking it back is possible for ten minutes only. Nothing was changed."
    );
    assert_eq!(site.stage.app.get(&path).await.ok(200)["waiting_on_customer"], false);
}

/// A signed address, without its token.
#[expect(clippy::needless_pass_by_value, reason = "the signature that insta wants")]
fn token(value: insta::internals::Content, _path: insta::internals::ContentPath<'_>) -> String {
    let text = value.as_str().unwrap_or_default();
    let (lead, rest) = text.split_once("/l/").unwrap_or((text, ""));
    format!(
        "{lead}/l/[token]{}",
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    )
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_snooze_says_until_when_and_can_be_taken_back(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    site.click("2026-06-04T09:04:00Z", "snooze_3", &site.value("snooze_3")).await;
    assert_eq!(site.snoozed_until(&path).await, "2026-06-07");
    assert_eq!(site.says(), "Halden Freight is snoozed until Sun 7 Jun by Carl Csm.");
    site.click("2026-06-04T09:06:00Z", "undo_snooze", &site.value("undo_snooze")).await;
    assert_eq!(site.snoozed_until(&path).await, Value::Null);
    assert_eq!(site.says(), site.stage.slack.posted()[0].text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_whose_reason_has_gone_says_so_whoever_did_it(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    site.stage.at("2026-06-04T10:57:00Z");
    site.stage.patch(&path, json!({ "notes": "no news" })).await;
    site.stage.drain("2026-06-04T10:57:00Z").await;
    assert!(site.calls("chat.update").is_empty(), "nothing has changed that it speaks of");
    site.stage.patch(&path, json!({ "waiting_on_customer": false })).await;
    site.stage.drain("2026-06-04T10:57:01Z").await;
    assert_eq!(
        site.says(),
        "Halden Freight replied, marked by API: CRM sync at 10:57. Waiting ended after 3 business days. Next move: ours."
    );
    let edit = site.calls("chat.update").pop().unwrap();
    assert_eq!(edit["blocks"].as_array().unwrap().len(), 1, "nothing to take back here");
    assert_eq!(
        (edit["channel"].as_str(), edit["ts"].as_str()),
        (Some("DU0CARL"), Some("1700000000.000001"))
    );
    // A stalled phase that moves on, and one that is paused.
    site.stage.pass("2026-06-12T10:00:00Z").await;
    let posts = site.stage.slack.posted();
    assert_eq!(posts.len(), 2, "{posts:?}");
    assert_eq!(
        (posts[1].body["thread_ts"].as_str(), &posts[1].body["reply_broadcast"]),
        (Some("1700000000.000001"), &json!(true))
    );
    assert!(posts[0].body.get("thread_ts").is_none());
    site.stage.at("2026-06-12T11:00:00Z");
    site.stage.patch(&path, json!({ "state": "paused" })).await;
    site.stage.drain("2026-06-12T11:00:01Z").await;
    assert_eq!(
        site.says(),
        "Halden Freight is paused, by API: CRM sync at 11:00. Nothing is needed here."
    );
    site.stage.patch(&path, json!({ "state": "active", "phase": "review" })).await;
    site.stage.drain("2026-06-12T11:00:02Z").await;
    assert_eq!(
        site.says(),
        "Halden Freight has moved to Review, by API: CRM sync at 11:00. Nothing is needed here."
    );
    site.stage.app.delete(&path).await.ok(200);
    site.stage.drain("2026-06-12T11:00:03Z").await;
    assert_eq!(site.says(), "Halden Freight is closed. Nothing is needed here.");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn why_is_answered_to_the_clicker_alone(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.stage.sql("UPDATE customers SET name = 'Halden'").await;
    site.nudged().await;
    site.stage.sql("UPDATE customers SET name = 'Halden <!channel> Freight'").await;
    site.click("2026-06-04T09:04:00Z", "why", &site.value("why")).await;
    let said = site.whispers().pop().unwrap();
    let (said, link) = said.split_once(" <https").unwrap();
    insta::assert_snapshot!(said, @r"
    You get this because you are the CSM of Halden &lt;!channel&gt; Freight #1.
    It has been waiting on the customer since Mon 1 Jun, 08:00: 3 business days so far. The steps are 3, 5, 10, 15 business days.
    Slack reminders are on, nothing is snoozed.
    ");
    assert!(link.ends_with("|All gates>"), "{link}");
    let whisper = site.calls("chat.postEphemeral").pop().unwrap();
    assert_eq!(
        (whisper["channel"].as_str(), whisper["user"].as_str()),
        (Some("DU0CARL"), Some("U0CARL"))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_not_ones_own_stays_as_it_is(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    let value = site.value("customer_replied");
    let click =
        async |user: &str, value: &str| {
            let answer = site
                .send(site.signed(
                    "/slack/interactions",
                    Site::interaction(user, "customer_replied", value),
                ))
                .await;
            site.stage.drain("2026-06-04T12:00:00Z").await;
            answer.status.as_u16()
        };
    site.stage.at("2026-06-04T12:00:00Z");
    assert_eq!(click("U0OLGA", &value).await, 200);
    assert_eq!(
        site.whispers().pop().unwrap(),
        "This message was for somebody else. Nothing was changed."
    );
    assert_eq!(click("U0CARL", &json!({ "v": 1, "n": "ntf_unknown" }).to_string()).await, 200);
    assert_eq!(
        site.whispers().pop().unwrap(),
        "This message is not known here any more. Nothing was changed."
    );
    for broken in ["", "{}", "{\"v\":2,\"n\":\"x\"}", "null"] {
        assert_eq!(click("U0CARL", broken).await, 400, "{broken}");
    }
    site.stage.patch(&path, json!({ "csm_id": site.stage.app.owner.id })).await;
    assert_eq!(click("U0CARL", &value).await, 200);
    assert_eq!(
        site.whispers().pop().unwrap(),
        "Halden Freight #1 moved to Olga Owner. Nothing was changed."
    );
    assert_eq!(site.says(), "Halden Freight is Olga Owner's now. Nothing is needed here.");
    assert_eq!(site.stage.app.get(&path).await.ok(200)["waiting_on_customer"], true);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_slack_is_obeyed_and_each_request_once(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    let body = Site::interaction("U0CARL", "customer_replied", &site.value("customer_replied"));
    let fresh = || site.signed("/slack/interactions", body.clone());
    let forged = fresh().header("x-slack-signature", "v0=00").build().unwrap();
    let mut headers = forged.headers().clone();
    headers.remove("x-slack-signature");
    let unsigned = site.client.post(forged.url().clone()).headers(headers).body(body.clone());
    assert_eq!(site.send(unsigned).await.status, 401);
    let altered = fresh().body(format!("{body}&x=1"));
    assert_eq!(site.send(altered).await.status, 401);
    let old = fresh();
    site.stage.app.advance(chrono::TimeDelta::seconds(301));
    assert_eq!(site.send(old).await.status, 401);
    assert_eq!(site.stage.app.get(&path).await.ok(200)["waiting_on_customer"], true);
    let request = fresh();
    let again = request.try_clone().unwrap();
    assert_eq!(site.send(request).await.status, 200);
    assert_eq!(site.send(again).await.status, 409, "recorded and played again");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_command_lists_snoozes_and_explains(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    site.stage.onboard("Fennel & Rye", json!({})).await;
    site.stage.at("2026-06-04T12:00:00Z");
    insta::assert_snapshot!(site.command("U0CARL", "").await, @r"
    ● Waiting on customer: Halden Freight #1, 3 business days (3 calendar)
    ○ On track: Fennel &amp; Rye #2, 3 calendar days (3 business)
    ");
    assert_eq!(
        site.command("U0CARL", "snooze #1 5").await,
        "Halden Freight #1 is snoozed until Tue 9 Jun."
    );
    assert_eq!(site.snoozed_until(&path).await, "2026-06-09");
    assert!(site.command("U0CARL", "mine").await.ends_with("Resting: 1."));
    assert!(
        site.command("U0CARL", "why 1")
            .await
            .starts_with("You hear of it because you are the CSM of Halden Freight #1.\n")
    );
    for other in ["snooze 99", "why 99"] {
        assert!(site.command("U0CARL", other).await.starts_with("None of your open onboardings"));
    }
    for unclear in ["help", "snooze", "snooze one", "snooze 2 forever", "snooze 2 0", "delete 2"] {
        assert!(
            site.command("U0CARL", unclear).await.starts_with("Write `/reminders`"),
            "{unclear}"
        );
    }
    assert!(site.command("U0NOBODY", "").await.starts_with("Nobody here has your Slack id."));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whoever_clicks_is_answered_in_the_language_of_their_workspace(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.nudged().await;
    let value = site.value("customer_replied");
    let unknown = json!({ "v": 1, "n": "ntf_unknown" }).to_string();
    let click = async |user: &str, value: &str| {
        let body = Site::interaction(user, "customer_replied", value);
        assert_eq!(site.send(site.signed("/slack/interactions", body)).await.status, 200);
        site.stage.drain("2026-06-04T12:00:00Z").await;
        site.whispers().pop().unwrap()
    };
    site.stage.at("2026-06-04T12:00:00Z");
    site.stage.patch("/workspace", json!({ "locale": "de" })).await;
    // A message that is known, one that is not, and nobody who is.
    let not_theirs = "Diese Nachricht war für jemand anderen. Nichts wurde geändert.";
    let not_known = "Diese Nachricht ist hier nicht mehr bekannt. Nichts wurde geändert.";
    assert_eq!(click("U0NOBODY", &value).await, not_theirs);
    assert_eq!(click("U0CARL", &unknown).await, not_known);
    assert_eq!(click("U0NOBODY", &unknown).await, not_known);
    assert!(site.command("U0NOBODY", "").await.starts_with("Ihre Slack-ID ist hier"));
    assert!(site.command("U0CARL", "help").await.starts_with("`/reminders` zeigt"));

    // With workspaces of several languages, only somebody who belongs to one is answered in its own.
    let other = ["workspaces", "create", "--slug", "borealis", "--name", "Borealis"];
    site.stage.service.ok(&other).await;
    assert_eq!(click("U0CARL", &unknown).await, not_known);
    let english = "This message is not known here any more. Nothing was changed.";
    assert_eq!(click("U0NOBODY", &unknown).await, english);
    assert!(site.command("U0NOBODY", "").await.starts_with("Nobody here has your Slack id."));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_click_is_answered_within_three_seconds_whatever_the_database_does(
    #[case] backend: Backend,
) {
    let site = Site::new(backend).await;
    let path = site.nudged().await;
    let value = site.value("customer_replied");
    let body = Site::interaction("U0CARL", "customer_replied", &value);
    let mut lock = site.stage.app.db().begin().await.unwrap();
    // SQLite has one writer, whom the transaction already keeps.
    if let Conn::PostgresTx(tx) = &mut lock {
        let sql = "LOCK TABLE slack_requests IN ACCESS EXCLUSIVE MODE";
        sqlx::query(sql).execute(&mut **tx).await.unwrap();
    }
    let asked = Instant::now();
    let answer = site.send(site.signed("/slack/interactions", body.clone())).await;
    assert_eq!(answer.status, 503);
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    drop(lock);
    assert_eq!(site.stage.app.get(&path).await.ok(200)["waiting_on_customer"], true);
    // Nothing was kept of the request, so the same one is obeyed when it comes again.
    assert_eq!(site.send(site.signed("/slack/interactions", body)).await.status, 200);
    assert_eq!(site.stage.app.get(&path).await.ok(200)["waiting_on_customer"], false);

    // A button that opens a page tells us so as well.
    let opened = Site::interaction("U0CARL", "open", "");
    assert_eq!(site.send(site.signed("/slack/interactions", opened)).await.status, 200);
}
