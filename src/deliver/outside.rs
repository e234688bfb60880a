//! HTTP to others, with limits: Slack's API, whoever watches over this service, a collector of traces.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use super::{DeliverError, tls};

/// TCP and TLS within a time limit.
type Connector = BoxCloneSyncService<http::Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// A client without limits on what comes after the connection.
pub(super) type Plain = Client<Connector, Full<Bytes>>;

/// A client for the server at `url`. Certificates are only needed, and only looked for, when the address is protected by them.
///
/// # Errors
/// TLS is needed and cannot be prepared.
pub(super) fn client(
    url: &str,
    extra_roots: &[CertificateDer<'static>],
    connect_timeout: Duration,
) -> Result<Plain, DeliverError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let builder = if url.starts_with("https:") {
        let tls = tls::client_config(extra_roots)?;
        HttpsConnectorBuilder::new().with_tls_config((*tls).clone()).https_only()
    } else {
        HttpsConnectorBuilder::new().with_tls_config((*tls::no_roots()?).clone()).https_or_http()
    };
    let connector = BoxCloneSyncService::new(Timeout::new(
        builder.enable_http1().wrap_connector(tcp),
        connect_timeout,
    ));
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(20))
        .build(connector))
}

/// Someone outside who is told something, and whose answer matters only as yes or no.
#[derive(Clone, Debug)]
pub struct Outside {
    client: Plain,
    runtime: tokio::runtime::Handle,
}

/// How long a connection to them may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a request to them may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

impl Outside {
    /// Prepares to speak to the server at `url`, within the present runtime.
    ///
    /// # Errors
    /// TLS is needed and cannot be prepared.
    pub fn new(url: &str, extra_roots: &[CertificateDer<'static>]) -> Result<Self, DeliverError> {
        let client = client(url, extra_roots, CONNECT)?;
        Ok(Self { client, runtime: tokio::runtime::Handle::current() })
    }

    /// Asks for an address.
    ///
    /// # Errors
    /// There was no answer, in words without the address, which may hold a secret.
    pub async fn get(&self, url: &str) -> Result<StatusCode, String> {
        let request = Request::get(url)
            .header(
                http::header::USER_AGENT,
                concat!("pivotal-reminders/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::default())
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer.status()),
            Ok(Err(error)) if error.is_connect() => Err("cannot connect".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }
}

/// The exporter of traces asks from a thread of its own; the request is made in ours.
#[async_trait]
impl HttpClient for Outside {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        self.runtime.spawn(async move { tokio::time::timeout(PATIENCE, exchange).await }).await??
    }
}
