//! The HTTP service, as an axum router and as a server on loopback.
//!
//! | address | what |
//! |---|---|
//! | `POST /v1/recommendations` | one decision; JSON in and out, or MessagePack in and out, by the content type |
//! | `GET /v1/module`, `/v1/module/{module_id}` | the module's file; the second address never changes its content |
//! | `GET /v1/model`, `/v1/model/{model_id}` | the model's file, likewise |
//! | `GET /health` | how the host fares; status 503 while no instance can serve |
//! | `/pkg/` | the npm package, if a folder is given |
//! | everything else | files of a site, if a folder is given |
//!
//! Answers are compressed with brotli or gzip for those who accept it.

mod files;
mod health;
mod recommendations;
mod reply;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::handler::HandlerWithoutStateExt;
use axum::routing::{get, post};
use axum::{Router, http::HeaderValue, http::header};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::error::{HostError, HostErrorCode};
use crate::host::Host;
use crate::limits;

pub use server::{bind_loopback, loopback_address, serve};

/// What the service offers beside decisions, and how long a request may take.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    request_ms_max: u64,
    static_dir: Option<PathBuf>,
    package_dir: Option<PathBuf>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions { request_ms_max: limits::HTTP_REQUEST_MS_DEFAULT, static_dir: None, package_dir: None }
    }
}

impl HttpOptions {
    /// No files, 30 seconds a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Milliseconds that one request may take, its body and its wait for an instance included; 30,000 by default.
    #[must_use]
    pub fn request_ms_max(mut self, request_ms: u64) -> Self {
        self.request_ms_max = request_ms;
        self
    }

    /// Serves the files of this folder at `/`.
    #[must_use]
    pub fn static_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.static_dir = Some(folder.into());
        self
    }

    /// Serves the files of this folder, the npm package, at `/pkg/`.
    #[must_use]
    pub fn package_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.package_dir = Some(folder.into());
        self
    }
}

/// The service as a router, to be mounted in a server or called in a test.
///
/// # Errors
/// `folder_unreadable` when a folder to serve does not exist.
pub fn router(host: Host, options: &HttpOptions) -> Result<Router, HostError> {
    // Bodies of waiting requests are memory: as many may be under way as the host runs and lets wait, no more. The layers
    // answer in the order in which they stand: errors of those below become replies in the first.
    let decisions = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(reply::of_layer_error))
        .load_shed()
        .layer(GlobalConcurrencyLimitLayer::new(host.concurrency_max()))
        .timeout(Duration::from_millis(options.request_ms_max));
    let mut router = Router::new()
        .route("/v1/recommendations", post(recommendations::recommend).layer(decisions))
        .route("/v1/module", get(files::module))
        .route("/v1/module/{id}", get(files::module_by_id))
        .route("/v1/model", get(files::model))
        .route("/v1/model/{id}", get(files::model_by_id))
        .route("/health", get(health::health))
        .method_not_allowed_fallback(reply::method_not_allowed);
    if let Some(folder) = &options.package_dir {
        router = router.nest_service("/pkg", folder_service(folder)?);
    }
    router = match &options.static_dir {
        Some(folder) => router.fallback_service(folder_service(folder)?),
        None => router.fallback(reply::not_found),
    };
    let trace = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let layers = ServiceBuilder::new()
        .layer(trace)
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // What does not say otherwise may be kept, but is asked for anew before it is used.
        .layer(header_layer(header::CACHE_CONTROL, "no-cache"))
        // Only for who accepts brotli or gzip; for all others every byte goes out as it is.
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(reply::of_panic));
    Ok(router.layer(layers).with_state(host))
}

fn header_layer(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn folder_service(folder: &Path) -> Result<Router, HostError> {
    if !folder.is_dir() {
        let text = format!("the folder `{}` does not exist", folder.display());
        return Err(HostError::new(HostErrorCode::FolderUnreadable, text));
    }
    let files = ServeDir::new(folder).not_found_service(reply::not_found.into_service());
    Ok(Router::new().fallback_service(files))
}
