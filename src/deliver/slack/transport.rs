//! How slack-morphism's requests travel: its own connector knows neither a time limit nor a size limit, reads only one
//! form of `Retry-After` and puts bodies into errors, so this one stands behind the same trait.

use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use slack_morphism::errors::{
    SlackClientApiError, SlackClientError, SlackClientHttpError, SlackClientProtocolError,
    SlackClientSystemError, SlackRateLimitError,
};
use slack_morphism::multipart_form::FileMultipartData;
use slack_morphism::{
    ClientResult, SlackClientApiCallContext, SlackClientHttpConnector, SlackClientId,
    SlackClientSecret,
};
use url::Url;

use super::SlackConfig;
use crate::deliver::DeliverError;
use crate::deliver::outside::{Plain, client};

/// A pause when Slack names none that can be read.
const DEFAULT_PAUSE: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// What happened below HTTP's answers.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing of the request was sent.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The request may have arrived.
    #[error("no answer within {0:?}")]
    Silence(Duration),
    /// The request may have arrived.
    #[error("connection lost before the answer: {0}")]
    Lost(String),
    /// The request never left: a mistake of this program.
    #[error("cannot be sent: {0}")]
    Unsendable(String),
}

impl From<Fault> for SlackClientError {
    fn from(fault: Fault) -> Self {
        Self::SystemError(SlackClientSystemError::new().with_cause(Box::new(fault)))
    }
}

/// A client with limits.
#[derive(Clone)]
pub(super) struct Transport {
    client: Plain,
    api_url: String,
    timeout: Duration,
    max_answer: usize,
}

impl Transport {
    pub(super) fn new(config: &SlackConfig) -> Result<Self, DeliverError> {
        let client = client(&config.api_url, &config.extra_roots, config.connect_timeout)?;
        Ok(Self {
            client,
            api_url: config.api_url.clone(),
            timeout: config.timeout,
            max_answer: config.max_answer,
        })
    }

    async fn call<RS>(
        &self,
        method: Method,
        url: Url,
        body: Bytes,
        context: &SlackClientApiCallContext<'_>,
    ) -> ClientResult<RS>
    where
        RS: for<'de> Deserialize<'de>,
    {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .body(Full::new(body))
            .map_err(|error| Fault::Unsendable(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Some(token) = context.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.token_value.0))
                .map_err(|_| {
                    Fault::Unsendable("the token has characters that no token has".to_owned())
                })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| {
                if error.is_connect() {
                    Fault::Unreachable(with_causes(&error))
                } else {
                    Fault::Lost(with_causes(&error))
                }
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, self.max_answer)
                .collect()
                .await
                .map_err(|error| Fault::Lost(error.to_string()))?;
            Ok::<_, Fault>((head.status, head.headers, body.to_bytes()))
        };
        let (status, headers, body) = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| Fault::Silence(self.timeout))??;
        understood(status, &headers, &body)
    }
}

/// The envelope around every answer of Slack.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    error: Option<String>,
}

fn understood<RS>(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ClientResult<RS>
where
    RS: for<'de> Deserialize<'de>,
{
    let limited = |code: Option<String>| {
        SlackClientError::RateLimitError(
            SlackRateLimitError::new().with_retry_after(pause(headers)).opt_code(code),
        )
    };
    let unreadable = |error| SlackClientError::ProtocolError(SlackClientProtocolError::new(error));
    match status {
        StatusCode::TOO_MANY_REQUESTS => Err(limited(None)),
        StatusCode::OK => {
            let answer: Answer = serde_json::from_slice(body).map_err(unreadable)?;
            if answer.ok {
                return serde_json::from_slice(body).map_err(unreadable);
            }
            let code = answer.error.unwrap_or_else(|| "unknown_error".to_owned());
            match code.as_str() {
                "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                    Err(limited(Some(code)))
                }
                _ => Err(SlackClientError::ApiError(SlackClientApiError::new(code))),
            }
        }
        other => Err(SlackClientError::HttpError(SlackClientHttpError::new(other))),
    }
}

/// `Retry-After` in seconds or as a date (measured against the answer's own `Date`), within reason.
fn pause(headers: &HeaderMap) -> Duration {
    let text =
        |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let asked = text(RETRY_AFTER).and_then(|value| {
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(value.parse().map_or(LONGEST_PAUSE, Duration::from_secs));
        }
        let wait = date(value)?.signed_duration_since(date(text(DATE)?)?);
        Some(wait.to_std().unwrap_or(SHORTEST_PAUSE))
    });
    asked.unwrap_or(DEFAULT_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn unused<'a, RS: Send + 'a>() -> BoxFuture<'a, ClientResult<RS>> {
    async { Err(Fault::Unsendable("this kind of request is not used here".to_owned()).into()) }
        .boxed()
}

impl SlackClientHttpConnector for Transport {
    fn http_get_uri<'a, RS>(
        &'a self,
        full_uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        async move { self.call(Method::GET, full_uri, Bytes::new(), &context).await }.boxed()
    }

    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        _: Url,
        _: &'a SlackClientId,
        _: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused()
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        full_uri: Url,
        request_body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: serde::Serialize + Send + Sync,
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        async move {
            let body = serde_json::to_vec(request_body)
                .map_err(|error| Fault::Unsendable(error.to_string()))?;
            self.call(Method::POST, full_uri, body.into(), &context).await
        }
        .boxed()
    }

    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        _: Url,
        _: Option<FileMultipartData<'p>>,
        _: &'p PT,
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        unused()
    }

    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        _: Url,
        _: String,
        _: &'a [u8],
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused()
    }

    fn create_method_uri_path(&self, method_relative_uri: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method_relative_uri}", self.api_url).parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_in_every_form_and_kept_within_reason() {
        let now = "Sat, 21 Nov 2026 05:00:00 GMT";
        let cases = [
            (Some("30"), 30),
            (Some("0"), 1),
            (Some("1000000000"), 900),
            (Some("99999999999999999999999"), 900),
            (None, 30),
            (Some("soon"), 30),
            (Some("-5"), 30),
            (Some("Sat, 21 Nov 2026 05:02:00 GMT"), 120),
            (Some("Sat, 21 Nov 2026 04:00:00 GMT"), 1),
            (Some("Sat, 21 Nov 2037 05:00:00 GMT"), 900),
        ];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static(now));
            if let Some(value) = value {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            }
            assert_eq!(pause(&headers), Duration::from_secs(seconds), "{value:?}");
        }
    }
}
