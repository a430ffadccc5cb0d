//! The HTTP service, as an axum router and as a server on loopback.
//!
//! | address | what |
//! |---|---|
//! | `POST /v1/recommendations` | one decision; JSON in and out, or MessagePack in and out, by the content type |
//! | `GET /v1/module`, `/v1/module/{module_id}` | the module's file; the second address never changes its content |
//! | `GET /v1/model`, `/v1/model/{model_id}` | the model's file, likewise |
//! | `POST /v1/events` | stores events: one, a list, or JSON line by line |
//! | `POST /v1/consents`, `/v1/traits`, `/v1/links` | what is said of a profile |
//! | `POST /v1/identities` | the profile ids of e-mail addresses, phone numbers, customer numbers and CPFs |
//! | `GET`, `DELETE /v1/profiles/{id}` | all that is stored of a profile; its erasure |
//! | `GET /v1/profiles/{id}/component` | the profiles that are linked with it, and the unit that experiments assign |
//! | `POST /v1/tokens`, `/v1/tokens/redeem` | a portable token of a profile; one read into a profile |
//! | `POST /v1/pairings`, `/v1/pairings/redeem` | a one-time code for a profile; the code taken, and the two linked |
//! | `GET /health` | how the host fares; status 503 while no instance can serve |
//! | `/pkg/` | the npm package, if a folder is given |
//! | everything else | files of a site, if a folder is given |
//!
//! Answers are compressed with brotli or gzip for those who accept it.

mod body;
mod files;
mod health;
mod keys;
mod profiles;
mod recommendations;
mod reply;
mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{FromRef, MatchedPath};
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderValue, Request, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::error::{HostError, HostErrorCode};
use crate::host::{Decision, Host};
use crate::limits;
use crate::profiles::{Profiles, asks_for_stored, store_missing};

pub use keys::{Keys, Role};
pub use server::{bind, bind_loopback, listen_address, loopback_address, serve};

/// What the service offers beside decisions, and how long a request may take.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    request_ms_max: u64,
    static_dir: Option<PathBuf>,
    package_dir: Option<PathBuf>,
    profiles: Option<Profiles>,
    keys: Option<Keys>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            request_ms_max: limits::HTTP_REQUEST_MS_DEFAULT,
            static_dir: None,
            package_dir: None,
            profiles: None,
            keys: None,
        }
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

    /// Keeps profiles: takes events, consents, traits and links, gives profiles out and erases them, and decides on stored
    /// profiles.
    #[must_use]
    pub fn profiles(mut self, profiles: Profiles) -> Self {
        self.profiles = Some(profiles);
        self
    }

    /// Serves only who has a key, except for what everyone may have: module, model, files and health.
    #[must_use]
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Serves the files of this folder, the npm package, at `/pkg/`.
    #[must_use]
    pub fn package_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.package_dir = Some(folder.into());
        self
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Service {
    host: Host,
    profiles: Option<Profiles>,
}

impl Service {
    fn profiles(&self) -> Result<&Profiles, HostError> {
        self.profiles.as_ref().ok_or_else(store_missing)
    }

    /// Decides a request, on a stored profile if it asks for one.
    fn decide(&self, request: &[u8]) -> Result<Decision, HostError> {
        match &self.profiles {
            Some(profiles) => profiles.decide(request),
            None if asks_for_stored(request) => Err(store_missing()),
            None => self.host.decide_with_ids(request),
        }
    }
}

impl FromRef<Service> for Host {
    fn from_ref(service: &Service) -> Self {
        service.host.clone()
    }
}

/// The service as a router, to be mounted in a server or called in a test.
///
/// # Errors
/// `folder_unreadable` when a folder to serve does not exist.
pub fn router(host: Host, options: &HttpOptions) -> Result<Router, HostError> {
    // Bodies of waiting requests are memory: as many may be under way as the host runs and lets wait, no more. The layers
    // answer in the order in which they stand: errors of those below become replies in the first. Writes wait for disks, so
    // they have places of their own, and a slow store does not turn away decisions.
    let bounded = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(reply::of_layer_error))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(host.concurrency_max()))
            .timeout(Duration::from_millis(options.request_ms_max))
    };
    let (deciding, writing) = (bounded(), bounded());
    let only = |role: Role, route: MethodRouter<Service>| {
        route.route_layer(from_fn_with_state((options.keys.clone(), role), keys::guard))
    };
    let whole = get(profiles::export).delete(profiles::erase).layer(writing.clone());
    let component = get(profiles::component).layer(writing.clone());
    let mut router = Router::new()
        .route("/v1/recommendations", only(Role::Decide, post(recommendations::recommend).layer(deciding)))
        .route("/v1/events", only(Role::Events, post(profiles::events).layer(writing.clone())))
        .route("/v1/consents", only(Role::Events, post(profiles::consents).layer(writing.clone())))
        .route("/v1/traits", only(Role::Events, post(profiles::traits).layer(writing.clone())))
        .route("/v1/links", only(Role::Profiles, post(profiles::links).layer(writing.clone())))
        .route("/v1/identities", only(Role::Profiles, post(profiles::identities).layer(writing.clone())))
        .route("/v1/tokens", only(Role::Profiles, post(profiles::tokens).layer(writing.clone())))
        .route("/v1/tokens/redeem", only(Role::Profiles, post(profiles::redeem_token).layer(writing.clone())))
        .route("/v1/pairings", only(Role::Profiles, post(profiles::pairings).layer(writing.clone())))
        .route("/v1/pairings/redeem", only(Role::Profiles, post(profiles::redeem_pairing).layer(writing)))
        .route("/v1/profiles/{id}", only(Role::Profiles, whole))
        .route("/v1/profiles/{id}/component", only(Role::Profiles, component))
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
    let trace =
        TraceLayer::new_for_http().make_span_with(span_of).on_response(DefaultOnResponse::new().level(Level::INFO));
    let layers = ServiceBuilder::new()
        .layer(trace)
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // What does not say otherwise may be kept, but is asked for anew before it is used.
        .layer(header_layer(header::CACHE_CONTROL, "no-cache"))
        // Only for who accepts brotli or gzip; for all others every byte goes out as it is.
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(reply::of_panic));
    Ok(router.layer(layers).with_state(Service { host, profiles: options.profiles.clone() }))
}

/// What the log says of a request: a number, its method and the pattern of its address, never the address itself, which
/// may hold a profile's id.
fn span_of<B>(request: &Request<B>) -> tracing::Span {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let address = request.extensions().get::<MatchedPath>().map_or("files", MatchedPath::as_str);
    tracing::info_span!("request", number, method = %request.method(), address)
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
