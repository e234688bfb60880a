//! A Slack that answers as scripted: a queue of answers, then `ok: true`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A complete one.
    Http { status: u16, headers: Vec<(String, String)>, body: String },
    /// Nothing more is said: the connection ends after the request was read.
    Close,
    /// Nothing is ever said.
    Silence,
    /// A body without an end.
    Endless,
    /// Waits, then gives the other one.
    Delay(Duration, Box<Answer>),
    /// Counts the message as posted, then gives the other one: the lost answer.
    Posted(Box<Answer>),
}

impl Answer {
    /// HTTP 200 with this JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::Http {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    /// HTTP 200 with `{"ok":false,"error":code}`.
    pub(crate) fn error(code: &str) -> Self {
        Self::json(&serde_json::json!({ "ok": false, "error": code }).to_string())
    }

    /// Another status, with `Retry-After` if given.
    pub(crate) fn status(status: u16, retry_after: Option<&str>) -> Self {
        let headers = retry_after
            .map(|value| ("retry-after".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        Self::Http { status, headers, body: String::new() }
    }
}

/// A request to `chat.postMessage`.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) channel: String,
    pub(crate) text: String,
    pub(crate) blocks: serde_json::Value,
    pub(crate) metadata: serde_json::Value,
    pub(crate) authorization: String,
    pub(crate) body: serde_json::Value,
    /// Whether it was posted: answered with `ok: true`, or by [`Answer::Posted`].
    pub(crate) posted: bool,
}

impl Post {
    /// `metadata.event_payload.notification_id`.
    pub(crate) fn notification_id(&self) -> String {
        self.metadata["event_payload"]["notification_id"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    posts: Mutex<Vec<Post>>,
    calls: Mutex<Vec<(String, serde_json::Value)>>,
}

/// The fake. Ends when dropped.
pub(crate) struct FakeSlack {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl Drop for FakeSlack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeSlack {
    /// Answers with these, in order, and then with `ok: true`.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { answers: Mutex::new(answers.into()), ..Shared::default() });
        let app = Router::new().route("/api/{method}", any(answer)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self { addr, shared, server: server.abort_handle() }
    }

    /// For `SLACK_API_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api", self.addr)
    }

    /// Adds answers to the queue.
    pub(crate) fn then(&self, answers: Vec<Answer>) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    /// Every request to `chat.postMessage` so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().unwrap().clone()
    }

    /// Requests to the other methods so far, with their bodies.
    pub(crate) fn calls(&self) -> Vec<(String, serde_json::Value)> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Those that were really posted.
    pub(crate) fn posted(&self) -> Vec<Post> {
        self.posts().into_iter().filter(|post| post.posted).collect()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let authorization = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let next = shared.answers.lock().unwrap().pop_front();
    if method != "chat.postMessage" {
        shared.calls.lock().unwrap().push((method, body));
        let identity = r#"{"ok":true,"url":"https://fake.slack.com/","team":"Fake","user":"reminders","team_id":"T1","user_id":"U0"}"#;
        return respond(next.unwrap_or_else(|| Answer::json(identity))).await;
    }
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let count = {
        let mut posts = shared.posts.lock().unwrap();
        posts.push(Post {
            channel: text("channel"),
            text: text("text"),
            blocks: body["blocks"].clone(),
            metadata: body["metadata"].clone(),
            authorization,
            posted: match &next {
                None | Some(Answer::Posted(_)) => true,
                Some(Answer::Http { status: 200, body, .. }) => {
                    serde_json::from_str::<serde_json::Value>(body)
                        .is_ok_and(|body| body["ok"] == true)
                }
                Some(_) => false,
            },
            body: body.clone(),
        });
        posts.len()
    };
    let usual = serde_json::json!({ "ok": true, "channel": format!("D{}", text("channel")), "ts": format!("1700000000.{count:06}") });
    respond(next.unwrap_or_else(|| Answer::json(&usual.to_string()))).await
}

async fn respond(mut answer: Answer) -> Response {
    loop {
        match answer {
            Answer::Http { status, headers, body } => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                return response.body(Body::from(body)).unwrap();
            }
            Answer::Close => {
                // A body that fails before its first octet makes hyper close the connection; a declared length keeps it
                // from sending the head first.
                let broken = futures_util::stream::once(async {
                    Err::<Bytes, _>(std::io::Error::other("closed"))
                });
                return Response::builder()
                    .header("content-length", "1")
                    .body(Body::from_stream(broken))
                    .unwrap();
            }
            Answer::Silence => std::future::pending().await,
            Answer::Endless => {
                let spaces = futures_util::stream::repeat(Bytes::from_static(&[b' '; 16 * 1024]))
                    .map(Ok::<_, Infallible>);
                return Response::builder()
                    .header("content-type", "application/json")
                    .body(Body::from_stream(spaces))
                    .unwrap();
            }
            Answer::Delay(time, next) => {
                tokio::time::sleep(time).await;
                answer = *next;
            }
            Answer::Posted(next) => answer = *next,
        }
    }
}
