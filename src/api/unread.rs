//! What cannot be read as a request never becomes one: hyper answers it by itself (400, 414, 431), with an empty body, and ends the
//! connection. On its way out such an answer gets the envelope and a request id, like every other, and the 400 of its type.
//!
//! An answer of ours is known by its request id, which all of them have ([`super::edge::identify`]); while one is being made, nothing is
//! looked at.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::edge;
use super::error::ApiError;
use super::wire;

/// A connection on which hyper's own answers get the envelope.
pub(super) struct Unread<S> {
    stream: S,
    /// Whether a request of this connection is being answered.
    busy: Arc<AtomicBool>,
    /// What is being written in place of an answer of hyper's.
    instead: Option<Bytes>,
}

impl<S> Unread<S> {
    pub(super) const fn new(stream: S, busy: Arc<AtomicBool>) -> Self {
        Self { stream, busy, instead: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() && !this.busy.load(Ordering::Relaxed) {
            this.instead = envelope(buf);
        }
        if let Some(instead) = &mut this.instead {
            while instead.has_remaining() {
                let written = ready!(Pin::new(&mut this.stream).poll_write(cx, instead))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                instead.advance(written);
            }
            this.instead = None;
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // hyper's own answers are a head and nothing else.
        match bufs {
            [head] => self.poll_write(cx, head),
            _ => Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is sent in place of `head`, if that is an answer of hyper's own.
fn envelope(head: &[u8]) -> Option<Bytes> {
    const NO_BODY: &str = "content-length: 0\r\n";
    if !head.starts_with(b"HTTP/1.1 4") || !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    let (_, head) = head.split_once(' ')?;
    let (status, head) = head.split_once("\r\n")?;
    let error = match status.get(..3)? {
        "414" => ApiError::unread("too_big", "The path and query are too long."),
        "431" => ApiError::unread("too_big", "The headers are too large."),
        "400" => ApiError::unread("custom", "This cannot be read as an HTTP request."),
        _ => return None,
    };
    let id = edge::REQUEST_ID;
    if !head.contains(NO_BODY) || head.contains(id.as_str()) {
        return None;
    }
    let body = wire::text(&error.envelope())?;
    let request = edge::fresh_id();
    tracing::debug!(id = %request, status, "answered what was no request");
    let fields = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n{id}: {request}\r\n",
        body.len()
    );
    let head = head.replacen(NO_BODY, &fields, 1);
    Some(Bytes::from(format!("HTTP/1.1 400 Bad Request\r\n{head}{body}")))
}
