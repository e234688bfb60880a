//! The service as its operators run it: the real binary, as processes, on a database of the test's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::db::{Backend, TestDb};
use super::eventually;

/// Longest wait for a process to do what it is asked.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A database and the environment that every process on it gets.
pub(crate) struct Service {
    pub(crate) db: Arc<TestDb>,
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
}

/// What a finished verb said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The last line of standard output: an id, a key.
    pub(crate) fn last(&self) -> String {
        self.stdout.trim_end().lines().last().unwrap_or_default().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {}", self.stdout))
    }
}

impl Service {
    /// A migrated, empty database.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::over(Arc::new(TestDb::new(backend).await))
    }

    /// Processes over a database that exists already.
    pub(crate) fn over(db: Arc<TestDb>) -> Self {
        let mut service = Self { db, env: Vec::new(), folder: None };
        service.set("DATABASE_URL", &service.db.url.clone());
        service.set("LISTEN", "127.0.0.1:0");
        service.set("USER", "noor");
        service
    }

    /// Sets a variable for the processes started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Starts processes in this folder from now on, which is also their user's home.
    pub(crate) fn live_in(&mut self, folder: &Path) {
        self.set("HOME", &folder.display().to_string());
        self.folder = Some(folder.to_owned());
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pivotal-reminders"));
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .kill_on_drop(true)
            .stdin(Stdio::null());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// Runs a verb to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Said {
        self.run_with_input(args, "").await
    }

    /// Runs a verb to its end, with this on its standard input.
    pub(crate) async fn run_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the verb starts");
        // A verb that reads nothing may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes()).await;
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .expect("the verb ends")
            .expect("the verb says what it says");
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a verb that must succeed.
    pub(crate) async fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args).await;
        assert_eq!(said.code, 0, "{args:?} failed: {}", said.stderr);
        said
    }

    /// Starts a verb that goes on, and keeps what it says and logs.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    /// Starts `serve --role api` and answers with it and its address.
    pub(crate) async fn api(&self) -> (Running, SocketAddr) {
        let running = self.spawn(&["serve", "--role", "api"]);
        let address = running.address().await;
        (running, address)
    }

    /// A workspace in `zone` with one CSM; answers with the CSM's id.
    pub(crate) async fn workspace(&self, zone: &str) -> String {
        self.ok(&[
            "workspaces",
            "create",
            "--slug",
            "tally",
            "--name",
            "Tallybrook",
            "--time-zone",
            zone,
        ])
        .await;
        self.user("Maren Holt", "maren@tally.test", Some("U0MAREN")).await
    }

    pub(crate) async fn user(&self, name: &str, email: &str, slack: Option<&str>) -> String {
        let mut args =
            vec!["users", "create", "--workspace", "tally", "--name", name, "--email", email];
        args.extend(slack.into_iter().flat_map(|id| ["--slack-user-id", id]));
        self.ok(&args).await.last()
    }

    pub(crate) async fn key(&self, mode: &str) -> String {
        self.ok(&[
            "keys",
            "create",
            "--workspace",
            "tally",
            "--name",
            "CRM sync",
            "--mode",
            mode,
            "--tier",
            "unlimited",
        ])
        .await
        .last()
    }
}

/// Appends what comes out of a pipe.
fn keep(pipe: impl AsyncRead + Unpin + Send + 'static, log: &Arc<Mutex<String>>) {
    let (mut lines, kept) = (BufReader::new(pipe).lines(), Arc::clone(log));
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = kept.lock().expect("no panic while logging");
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// A process that runs.
pub(crate) struct Running {
    pub(crate) child: Child,
    log: Arc<Mutex<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the verb starts");
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().expect("a pipe"), &log);
        keep(child.stderr.take().expect("a pipe"), &log);
        Self { child, log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic while logging").clone()
    }

    /// Where it says that it answers HTTP.
    pub(crate) async fn address(&self) -> SocketAddr {
        let found = || {
            let log = self.log();
            let at = log.find("http://")? + "http://".len();
            log[at..].split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
        };
        eventually(PATIENCE, || found().is_some()).await;
        found().expect("just seen")
    }

    /// Sends a signal: TERM, STOP, CONT.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -s $0 $1", name, &pid]).status().await;
        assert!(sent.expect("a shell").success(), "no signal {name} to {pid}");
    }

    /// Waits for its end and answers with the exit code.
    pub(crate) async fn end(mut self) -> i32 {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it was started").code().unwrap_or(-1)
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }
}

/// A client with a key.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: format!("http://{address}/api/v1"),
            key: key.to_owned(),
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request =
            self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.send("POST", path, body).await;
        assert_eq!(status, 201, "{value}");
        value
    }

    /// A customer with one onboarding for `csm`.
    pub(crate) async fn onboarding(&self, customer: &str, csm: &str) -> Value {
        let customer = self.post("/customers", json!({ "name": customer })).await;
        self.post("/onboardings", json!({ "customer_id": customer["id"], "csm_id": csm })).await
    }
}
