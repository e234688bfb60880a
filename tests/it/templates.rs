//! Texts of a workspace's own: what may be written, what is refused, and that a broken one never stops a message.

use std::sync::Arc;

use mail_parser::MessageParser;
use pivotal_reminders::domain::message::{Email, Message};
use pivotal_reminders::domain::values::{Channel, Kind, Locale, OwnTemplate};
use pivotal_reminders::render::custom::Custom;
use pivotal_reminders::render::{Brand, Renderer, samples};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::app::Answer;
use super::support::db::Backend;
use super::support::stage::Stage;

async fn put(stage: &Stage, name: &str, body: Value) -> Answer {
    let key = stage.app.live.clone();
    stage.app.call(&key, Method::PUT, &format!("/templates/{name}"), &body).await
}

/// The subject of the newest mail.
fn subject(stage: &Stage) -> String {
    let raw = stage.relay.accepted().pop().expect("a mail").raw;
    MessageParser::default().parse(&raw).unwrap().subject().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_workspace_writes_a_part_itself_and_goes_back(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    stage.pass("2026-06-02T07:00:00Z").await;
    let ours = "You are waiting on Halden Freight (1 business day)";
    assert_eq!(subject(&stage), ours);

    let own = json!({ "source": "Today: {{ subject|lower }}", "reason": "shorter" });
    let saved = put(&stage, "digest.subject", own.clone()).await.ok(200);
    let written = &saved["versions"][0];
    assert_eq!((&saved["version"], &written["author"]), (&json!(1), &json!("API: CRM sync")));
    stage.pass("2026-06-03T07:00:00Z").await;
    assert_eq!(subject(&stage), "Today: you are waiting on halden freight (2 business days)");
    assert_eq!(
        put(&stage, "digest.subject", own).await.ok(200)["version"],
        1,
        "it is like this already"
    );

    let next = json!({ "source": "{{ headline }}", "reason": "calmer" });
    assert_eq!(put(&stage, "digest.subject", next).await.ok(200)["version"], 2);
    stage.pass("2026-06-04T07:00:00Z").await;
    assert_eq!(subject(&stage), "You are waiting on 1 customer; the next move is theirs.");

    let back = json!({ "version": 1, "reason": "the old one was better" });
    assert_eq!(put(&stage, "digest.subject", back).await.ok(200)["version"], 3);
    let nothing = put(&stage, "digest.subject", json!({ "version": 9, "reason": "a guess" })).await;
    assert_eq!(nothing.error(), "400 invalid_request_error template_not_found version");
    let built_in = json!({ "version": 0, "reason": "enough" });
    let detail = put(&stage, "digest.subject", built_in).await.ok(200);
    assert_eq!((&detail["version"], &detail["source"]), (&json!(0), &Value::Null));
    let history: Vec<&Value> =
        detail["versions"].as_array().unwrap().iter().map(|v| &v["source"]).collect();
    assert_eq!(
        history,
        [
            &Value::Null,
            &json!("Today: {{ subject|lower }}"),
            &json!("{{ headline }}"),
            &json!("Today: {{ subject|lower }}")
        ]
    );
    stage.pass("2026-06-05T07:00:00Z").await;
    assert!(subject(&stage).starts_with("You are waiting on Halden Freight"));
    let audit = stage.service.db.rows("SELECT event, object_id, reason FROM audit_log WHERE object = 'template' ORDER BY created_at, id").await;
    // Several of one instant stand in no order.
    let mut events: Vec<&str> = audit.iter().map(|row| row["event"].as_str().unwrap()).collect();
    events.sort_unstable();
    assert_eq!(events, ["template_dropped", "template_saved", "template_saved", "template_saved"]);
    assert!(audit.iter().any(|row| row["reason"] == "the old one was better"), "{audit:?}");
    for (name, status) in [("digest.colour", 404), ("customer_reminder.slack", 404)] {
        assert_eq!(put(&stage, name, json!({ "source": "x", "reason": "y" })).await.status, status);
    }
    let test = stage.app.test.clone();
    let body = json!({ "source": "x", "reason": "y" });
    let refused = stage.app.call(&test, Method::PUT, "/templates/digest.subject", &body).await;
    assert_eq!(refused.status, 403);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn one_that_breaks_after_all_is_replaced_and_operators_see_it(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    for part in ["digest.subject", "digest.html", "digest.text"] {
        let source = if part == "digest.subject" {
            "Mine: {{ subject }}".to_owned()
        } else {
            let detail = stage.app.get(&format!("/templates/{part}")).await.ok(200);
            format!("{{# mine #}}{}", detail["built_in_source"].as_str().unwrap())
        };
        put(&stage, part, json!({ "source": source, "reason": "ours" })).await.ok(200);
    }
    stage.sql("UPDATE template_versions SET source = '{{ gone_since_an_upgrade }}' WHERE part <> 'text'").await;
    stage.pass("2026-06-02T07:00:00Z").await;
    assert_eq!(subject(&stage), "You are waiting on Halden Freight (1 business day)");
    let all = stage.app.get("/templates").await.ok(200);
    let failures: Vec<(&str, &Value)> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|template| !template["failure"].is_null())
        .map(|template| (template["name"].as_str().unwrap(), &template["failure"]))
        .collect();
    let why = json!("line 1: undefined value: `gone_since_an_upgrade` is undefined");
    assert_eq!(failures, [("digest.subject", &why), ("digest.html", &why)]);
    let doctor = stage.service.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1);
    assert!(
        doctor.stdout.contains(
            "digest.subject of acme (line 1: undefined value: `gone_since_an_upgrade` is undefined)"
        ),
        "{}",
        doctor.stdout
    );
}

#[rstest]
#[case::unknown("digest.subject", "{{ customer_name }}", "line 1: undefined value")]
#[case::not_a_template("digest.subject", "{{ subject", "line 1")]
#[case::blank("digest.subject", "{% if false %}x{% endif %}", "it says nothing")]
#[case::two_lines("digest.subject", "a\nb", "it must be one line")]
#[case::long("digest.subject", "{{ subject }}{{ subject }}{{ subject }}", "longer than 150")]
#[case::no_way_out("digest.text", "{{ text.opening }}", "lacks the link that ends these messages")]
#[case::no_way_out_in_html(
    "digest.html",
    "<p>{{ headline }}</p>",
    "lacks the link that ends these messages"
)]
#[case::safe("digest.html", "{{ headline|safe }}", "line 1: unknown filter")]
#[case::escaping(
    "digest.html",
    "{% autoescape false %}{{ headline }}{% endautoescape %}",
    "\"autoescape\" is not available"
)]
#[case::definitions("digest.text", "{% set a = 'x' %}{{ a }}", "\"set\" is not available")]
#[case::macros("digest.text", "{%- macro m() %}x{% endmacro %}", "\"macro\" is not available")]
#[case::files("digest.text", "{% include '/etc/passwd' %}", "line 1: template not found")]
#[case::script(
    "digest.html",
    "<script>1</script>{% for link in footer_links %}{{ link.url }}{% endfor %}",
    "contains <script"
)]
#[case::image(
    "digest.html",
    "<IMG src='https://x.test/a.gif'>{% for link in footer_links %}{{ link.url }}{% endfor %}",
    "contains <img"
)]
#[case::handler(
    "digest.html",
    "<p onclick = 'x'>{% for link in footer_links %}{{ link.url }}{% endfor %}</p>",
    "event handler"
)]
#[case::endless(
    "digest.text",
    "{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{% for a in t.helps %}{{ a }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
    "out of fuel"
)]
#[tokio::test]
async fn what_cannot_be_sent_is_refused_where_it_is_written(
    #[case] name: &str,
    #[case] source: &str,
    #[case] why: &str,
) {
    let stage = Stage::mail_only(Backend::Sqlite).await;
    let refused = put(&stage, name, json!({ "source": source, "reason": "try" })).await;
    assert_eq!(refused.error(), "400 invalid_request_error custom source");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains(why) && message.starts_with(&format!("{name} cannot be used: ")),
        "{message}"
    );
    let versions = stage.app.get(&format!("/templates/{name}")).await.ok(200)["versions"].clone();
    assert_eq!(versions, json!([]));
}

#[tokio::test]
async fn a_workspace_that_hides_names_cannot_write_them_into_subjects() {
    let stage = Stage::mail_only(Backend::Sqlite).await;
    let named = json!({ "source": "{{ row.customer }}", "reason": "try" });
    put(&stage, "stalled_phase.subject", named.clone()).await.ok(200);
    put(&stage, "stalled_phase.subject", json!({ "version": 0, "reason": "no" })).await.ok(200);
    stage.patch("/workspace", json!({ "names_in_subjects": false })).await;
    let refused = put(&stage, "stalled_phase.subject", named).await;
    assert!(refused.text.contains("keeps names out of subjects"), "{}", refused.text);
}

/// A workspace with one template of its own, whatever it says.
fn with(name: &str, source: &str) -> Brand {
    let name = name.parse().unwrap();
    let own = OwnTemplate { version_id: "tpl_1".to_owned(), name, source: source.to_owned() };
    let custom = Some(Arc::new(Custom::new(Locale::En, &[own])));
    Brand { custom, ..samples::brand() }
}

fn email(message: Message) -> Email {
    let Message::Email(email) = message else { panic!("a mail was expected") };
    email
}

#[test]
fn what_data_say_is_escaped_in_html_of_their_own_too() {
    let mut digest = samples::digest();
    digest.groups[0].1[0].customer = "<script>alert(1)</script>".to_owned();
    let source = "{% extends 'email/digest/body.html' %}{% block content %}<h2>{{ parts[0].groups[0].rows[0].customer }}</h2>{{ super() }}{% endblock %}";
    let brand = with("digest.html", source);
    let message =
        Renderer::new().unwrap().digest(&digest, Channel::Email, &samples::links(), &brand);
    let html = email(message.unwrap()).html;
    assert!(brand.custom.unwrap().take_failures().is_empty());
    assert!(html.contains("<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>"), "{html}");
    assert!(!html.contains("<script>"));
}

#[test]
fn on_slack_their_sentence_is_text_whatever_it_looks_like() {
    let renderer = Renderer::new().unwrap();
    let links = samples::links();
    let brand = with(
        "waiting_on_customer.slack",
        "<!channel> *{{ row.customer }}* waits: {{ row.figure }}",
    );
    let nudge = samples::waiting_on_customer();
    let Message::Slack(post) = renderer.nudge(&nudge, Channel::Slack, &links, &brand).unwrap()
    else {
        panic!("a Slack message was expected")
    };
    assert_eq!(post.text, "&lt;!channel&gt; *Halden Freight* waits: 15");
    assert_eq!(post.blocks[0]["text"]["text"], format!("● {}", post.text));
    assert_eq!(post.blocks[2]["type"], "actions", "the buttons stay");
    let brand = with("digest.slack", "{{ workspace }}: {{ headline }}");
    let digest = renderer.digest(&samples::digest(), Channel::Slack, &links, &brand).unwrap();
    let Message::Slack(post) = digest else { panic!("a Slack message was expected") };
    assert_eq!(post.blocks[0]["text"]["type"], "plain_text");
    assert!(post.text.starts_with("Tallybrook: You are waiting on 3 customers"), "{}", post.text);
}

#[test]
fn every_built_in_template_can_be_the_start_of_ones_own() {
    let renderer = Renderer::new().unwrap();
    for kind in Kind::ALL {
        for part in ["subject", "text", "html"] {
            let name = format!("{kind}.{part}");
            let source = renderer.built_in(name.parse().unwrap()).unwrap();
            for locale in Locale::ALL {
                let brand = Brand { locale: *locale, ..with(&name, source) };
                renderer.render_samples(*kind, &samples::links(), &brand).unwrap();
                assert!(brand.custom.unwrap().take_failures().is_empty(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn templates_are_listed_shown_checked_saved_and_rolled_back_on_the_command_line() {
    let stage = Stage::mail_only(Backend::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("subject.txt");
    let path = file.to_str().unwrap();
    let verb = async |args: &[&str]| {
        let args: Vec<&str> =
            ["templates"].iter().chain(args).copied().chain(["--workspace", "acme"]).collect();
        stage.service.run(&args).await
    };
    std::fs::write(&file, "{{ nothing }}").unwrap();
    let broken = verb(&["check", "digest.subject", path]).await;
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("subject.txt: line 1: undefined value"), "{}", broken.stderr);
    let unsaved = verb(&["save", "digest.subject", path, "--reason", "ours"]).await;
    assert_eq!(unsaved.code, 1, "{}", unsaved.stdout);
    std::fs::write(&file, "Hello: {{ subject }}").unwrap();
    assert_eq!(verb(&["check", "digest.subject", path]).await.code, 0);
    let saved = verb(&["save", "digest.subject", path, "--reason", "ours"]).await;
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    let table = verb(&["list"]).await.stdout;
    assert!(table.contains("version 1") && table.contains("ours"), "{table}");
    assert_eq!(verb(&["show", "digest.subject"]).await.stdout, "Hello: {{ subject }}\n");
    let values = verb(&["show", "digest.subject", "--values"]).await.json();
    assert_eq!(values["workspace"], "Tallybrook");
    assert_eq!(verb(&["rollback", "digest.subject", "--to", "0", "--reason", "x"]).await.code, 0);
    assert_eq!(verb(&["show", "digest.subject"]).await.stdout, "{{ subject }}\n");
    let usage = verb(&["show", "digest.nothing"]).await;
    assert_eq!(usage.code, 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_wants_nothing_is_listed_and_a_contact_can_come_back(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    let customer = stage.app.customer("Halden Freight").await["id"].as_str().unwrap().to_owned();
    let ida = json!({ "name": "Ida Bramwell", "email": "ida@halden.example" });
    let contact = stage.app.post(&format!("/customers/{customer}/contacts"), ida).await.ok(201);
    let contact = contact["id"].as_str().unwrap();
    assert_eq!(stage.app.get("/opt_outs").await.ok(200)["data"], json!([]));
    stage.sql("UPDATE contacts SET opted_out_at = created_at").await;
    stage.set_carl("digest_enabled = false, muted_kinds = 'stalled_phase'").await;
    let all = stage.app.get("/opt_outs").await.ok(200);
    let said: Vec<String> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| format!("{} {} {}", o["recipient"]["type"], o["recipient"]["name"], o["kind"]))
        .collect();
    assert_eq!(
        said,
        [
            r#""contact" "Ida Bramwell" "customer_reminder""#,
            r#""user" "Carl Csm" "digest""#,
            r#""user" "Carl Csm" "stalled_phase""#,
        ]
    );
    let table = stage.service.ok(&["opt-outs", "list", "--workspace", "acme"]).await.stdout;
    assert!(table.contains("ida@halden.example"), "{table}");
    let lift = ["opt-outs", "lift", "--workspace", "acme", contact, "--reason", "Ida asked for it"];
    assert_eq!(stage.service.ok(&lift).await.stdout, "Ida Bramwell is written to again\n");
    assert_eq!(stage.service.run(&lift).await.code, 1, "once is enough");
    let audit = stage
        .service
        .db
        .rows("SELECT event, reason FROM audit_log WHERE event = 'contact_resubscribed'")
        .await;
    assert_eq!(audit, [json!({ "event": "contact_resubscribed", "reason": "Ida asked for it" })]);
    assert_eq!(stage.app.get("/opt_outs").await.ok(200)["data"].as_array().unwrap().len(), 2);
}
