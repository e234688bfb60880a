//! Lines over TCP or TLS, with a limit on everything the server may say.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::reply::{Reply, parse_line};

/// Longest line of an answer in octets (RFC 5321 allows 512; real servers exceed it).
const MAX_LINE: usize = 4 * 1024;
/// Longest answer in octets.
const MAX_REPLY: usize = 64 * 1024;

/// What went wrong below the level of answers.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("no answer within {0:?}")]
    Silence(Duration),
    #[error("the server closed the connection")]
    Closed,
    #[error("connection lost: {0}")]
    Io(io::Error),
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// The two kinds of stream.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A stream, and what was read of it but not yet understood.
pub(super) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, buffer: Vec::with_capacity(1024) }
    }

    /// Writes all of `data` in one go. Refused while the server has said something nobody asked for: an answer that
    /// is one message late would be taken for this one's.
    pub(super) async fn write(&mut self, data: &[u8], limit: Duration) -> Result<(), WireError> {
        if !self.buffer.is_empty() {
            return Err(WireError::Protocol("it answered before it was asked"));
        }
        let written = async {
            self.stream.write_all(data).await?;
            self.stream.flush().await
        };
        timeout(limit, written)
            .await
            .map_err(|_| WireError::Silence(limit))?
            .map_err(WireError::from)
    }

    /// The next complete answer; `limit` is for all of it, so that one octet per second does not help.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, WireError> {
        timeout(limit, self.read_reply()).await.map_err(|_| WireError::Silence(limit))?
    }

    async fn read_reply(&mut self) -> Result<Reply, WireError> {
        let mut reply: Option<Reply> = None;
        let mut total = 0;
        loop {
            let line = self.read_line().await?;
            total += line.len();
            if total > MAX_REPLY {
                return Err(WireError::Protocol("its answer is too long"));
            }
            let (code, last, text) =
                parse_line(&line).ok_or(WireError::Protocol("its answer is not one"))?;
            let reply = reply.get_or_insert_with(|| Reply { code, lines: Vec::new() });
            if reply.code != code {
                return Err(WireError::Protocol("its answer has two codes"));
            }
            reply.lines.push(text);
            if last {
                return Ok(reply.clone());
            }
        }
    }

    /// A line without its CRLF. A bare LF ends nothing and is an error.
    async fn read_line(&mut self) -> Result<Vec<u8>, WireError> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                let end = searched + found;
                if end == 0 || self.buffer[end - 1] != b'\r' {
                    return Err(WireError::Protocol("a line ends without a carriage return"));
                }
                if end > MAX_LINE {
                    return Err(WireError::Protocol("a line of its answer is too long"));
                }
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.truncate(end - 1);
                return Ok(line);
            }
            searched = self.buffer.len();
            if searched > MAX_LINE {
                return Err(WireError::Protocol("a line of its answer is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }

    /// Whether the server has said anything unasked, or hung up. Does not wait.
    pub(super) fn is_quiet(&mut self) -> bool {
        use futures_util::FutureExt;
        if !self.buffer.is_empty() {
            return false;
        }
        let mut octet = [0u8; 1];
        self.stream.read(&mut octet).now_or_never().is_none()
    }

    /// The bare TCP stream, for the TLS handshake. Anything read ahead is lost on purpose: it came without protection,
    /// so the caller must have refused it.
    pub(super) fn into_tcp(self) -> Result<TcpStream, WireError> {
        match self.stream {
            Stream::Plain(stream) if self.buffer.is_empty() => Ok(stream),
            Stream::Plain(_) => {
                Err(WireError::Protocol("it sent plaintext behind its answer to STARTTLS"))
            }
            Stream::Tls(_) => Err(WireError::Protocol("TLS within TLS")),
        }
    }

    /// A last word, without waiting for an answer.
    pub(super) async fn quit(mut self) {
        let _ = timeout(Duration::from_millis(250), async {
            self.stream.write_all(b"QUIT\r\n").await?;
            self.stream.shutdown().await
        })
        .await;
    }
}
