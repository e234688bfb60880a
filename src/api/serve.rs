//! HTTP/1.1 over TCP, with the limits that a public port needs: `axum::serve` has none.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::middleware::from_fn;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use super::edge;
use super::unread::Unread;

/// Connections at a time. One more takes the place of the oldest that sends no request, so nobody can keep others out by holding
/// connections open.
const MAX_CONNECTIONS: usize = 1000;

/// How long a connection may take to send a request's headers, or stay idle between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that has begun a request may stay silent at a shutdown.
const GRACE_FOR_SILENCE: Duration = Duration::from_secs(1);

/// How long requests that are running at a shutdown may still take after that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(9);

/// Smallest answer that is compressed, in bytes: a smaller one fits into one packet anyway.
const WORTH_COMPRESSING: u64 = 1024;

/// Serves until `shutdown`, then lets running requests finish. `proxies` are those in front of us whose word for the caller's address is taken.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    proxies: &[IpNet],
    shutdown: CancellationToken,
) -> io::Result<()> {
    // The outermost layer is the last: compressed answers have an id like any other.
    let router = router.layer(compression()).layer(from_fn(edge::identify));
    let graceful = GracefulShutdown::new();
    let connections = Connections::default();
    let proxies: Arc<[IpNet]> = proxies.into();
    for number in 0_u64.. {
        let (stream, peer) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a connection that is gone already: neither is a reason to stop.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // Answers are small and written at once; waiting for more of them would only cost time.
        let _ = stream.set_nodelay(true);
        let Some(entry) = connections.enter(number) else {
            tracing::warn!("every connection is busy; one more was turned away");
            continue;
        };
        spawn(stream, peer, &proxies, entry, router.clone(), &graceful);
    }
    drop(listener);
    let drained = graceful.shutdown();
    tokio::pin!(drained);
    if tokio::time::timeout(GRACE_FOR_SILENCE, &mut drained).await.is_ok() {
        return Ok(());
    }
    // What is left is running requests, and connections that have begun a request's headers and do not go on.
    connections.end_idle();
    if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

/// Answers are compressed for whoever asks for it, unless that would cost more than it saves.
fn compression() -> CompressionLayer<impl Predicate + Send + Sync + 'static> {
    let worth_it = SizeAbove::new(WORTH_COMPRESSING)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE);
    CompressionLayer::new().compress_when(worth_it)
}

fn spawn(
    stream: TcpStream,
    peer: SocketAddr,
    proxies: &Arc<[IpNet]>,
    entry: Entry,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let (state, busy, proxies) =
        (entry.state.clone(), entry.state.busy.clone(), Arc::clone(proxies));
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (router, state) = (router.clone(), state.clone());
        let mut request: Request = request.map(axum::body::Body::new);
        let caller = caller(peer, request.headers(), &proxies);
        request.extensions_mut().insert(ConnectInfo(caller));
        async move {
            state.busy.store(true, Ordering::Relaxed);
            let response = router.oneshot(request).await;
            state.busy.store(false, Ordering::Relaxed);
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(Unread::new(stream, busy)), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            ended = watched => if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            },
            () = entry.state.end.cancelled() => tracing::debug!("an idle connection was ended"),
        }
    });
}

/// Who calls: the peer, or, where that is a proxy of ours, the last one in `X-Forwarded-For` that is none. What stands before that anybody may have
/// written.
fn caller(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> SocketAddr {
    let is_proxy =
        |address: IpAddr| proxies.iter().any(|net| net.contains(&address.to_canonical()));
    if !is_proxy(peer.ip()) {
        return peer;
    }
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|line| line.split(',')).map(str::trim).collect();
    let hops = hops.iter().rev().map_while(|hop| hop.parse::<IpAddr>().ok());
    hops.filter(|hop| !is_proxy(*hop))
        .map(|hop| SocketAddr::new(hop, peer.port()))
        .next()
        .unwrap_or(peer)
}

/// The open connections, by number, oldest first.
#[derive(Clone, Default)]
struct Connections(Arc<Mutex<BTreeMap<u64, Arc<Connection>>>>);

/// What is known of an open connection.
#[derive(Default)]
struct Connection {
    /// Whether a request on it is being answered.
    busy: Arc<AtomicBool>,
    /// Ends it.
    end: CancellationToken,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
        // Entries are put in and taken out whole, so the map is good even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more; `None` if every connection is busy.
    fn enter(&self, number: u64) -> Option<Entry> {
        let state = Arc::new(Connection::default());
        let mut open = self.lock();
        if open.len() >= MAX_CONNECTIONS {
            let idle = open.iter().find(|(_, c)| !c.busy.load(Ordering::Relaxed));
            let oldest = *idle?.0;
            if let Some(connection) = open.remove(&oldest) {
                connection.end.cancel();
            }
        }
        open.insert(number, state.clone());
        Some(Entry { number, state, connections: self.clone() })
    }

    /// Ends the connections on which no request is being answered.
    fn end_idle(&self) {
        for connection in self.lock().values() {
            if !connection.busy.load(Ordering::Relaxed) {
                connection.end.cancel();
            }
        }
    }
}

/// A connection's place among the open ones, given up when it ends.
struct Entry {
    number: u64,
    state: Arc<Connection>,
    connections: Connections,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
    }
}
