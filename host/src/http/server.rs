//! The server: where it may listen, and how it stops.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;

use crate::error::{HostError, HostErrorCode};
use crate::limits::SHUTDOWN_MS_MAX;

/// Reads an address to listen at, as `127.0.0.1:8787`, `[::1]:8787`, `localhost:8787` or, for a host with keys,
/// `0.0.0.0:8787`.
///
/// # Errors
/// `invalid_config` when it is no address.
pub fn listen_address(text: &str) -> Result<SocketAddr, HostError> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    match local {
        Some(port) => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse::<SocketAddr>().map_err(|e| {
            let why = format!("`{text}` is no address to listen at (127.0.0.1:8787 would be one)");
            HostError::new(HostErrorCode::InvalidConfig, why).with_source(e)
        }),
    }
}

/// As [`listen_address`], for a host without keys, which answers its own machine only.
///
/// # Errors
/// `invalid_config` when it is no address, `listen_not_loopback` when other machines could reach it.
pub fn loopback_address(text: &str) -> Result<SocketAddr, HostError> {
    let address = listen_address(text)?;
    // An IPv4 address may come in the clothes of IPv6.
    if address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    let why = format!("`{text}` is reachable from other machines, and this host has no keys");
    Err(HostError::new(HostErrorCode::ListenNotLoopback, why))
}

/// Listens at an address; port 0 takes a free one.
///
/// # Errors
/// `listen_failed` when the port is taken or not allowed.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, HostError> {
    TcpListener::bind(address).await.map_err(|e| {
        HostError::new(HostErrorCode::ListenFailed, format!("the host can't listen at {address}: {e}")).with_source(e)
    })
}

/// Listens at a loopback address.
///
/// # Errors
/// Those of [`loopback_address`] and [`bind`].
pub async fn bind_loopback(text: &str) -> Result<TcpListener, HostError> {
    bind(loopback_address(text)?).await
}

/// Serves until `stop` is done, then takes no more connections and lets running requests finish, for at most
/// [`SHUTDOWN_MS_MAX`].
///
/// # Errors
/// `internal` when accepting connections fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), HostError> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let signal = async move {
        stop.await;
        // Nobody listens any more only when the server has ended on its own.
        let _ = stopping.send(());
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
    let patience = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(Duration::from_millis(SHUTDOWN_MS_MAX)).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = serving => served.map_err(|e| {
            HostError::new(HostErrorCode::Internal, format!("the server failed: {e}")).with_source(e)
        }),
        () = patience => {
            tracing::warn!("requests still ran when the shutdown's time was over");
            Ok(())
        }
    }
}
