//! `GET /health`.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::host::Host;

#[derive(Serialize)]
struct Report<'a> {
    status: &'a str,
    version: &'a str,
    module_id: &'a str,
    model_id: &'a str,
    instances: usize,
    idle: usize,
    busy: usize,
    rebuilding: usize,
    waiting: usize,
    memory_bytes_idle: usize,
    answered: u64,
    faults: u64,
    rebuilt: u64,
    rebuild_error: Option<&'a str>,
    code_origin: &'a str,
}

pub(super) async fn health(State(host): State<Host>) -> Response {
    let health = host.health();
    let status = match (health.ready, health.rebuilding) {
        (true, 0) => "ok",
        (true, _) => "degraded",
        (false, _) => "unavailable",
    };
    let report = Report {
        status,
        version: env!("CARGO_PKG_VERSION"),
        module_id: &health.module_id,
        model_id: &health.model_id,
        instances: health.instances,
        idle: health.idle,
        busy: health.busy,
        rebuilding: health.rebuilding,
        waiting: health.waiting,
        memory_bytes_idle: health.memory_bytes_idle,
        answered: health.answered,
        faults: health.faults,
        rebuilt: health.rebuilt,
        rebuild_error: health.rebuild_error.as_deref(),
        code_origin: health.code_origin.as_str(),
    };
    // Numbers and strings always become JSON, so the default is never taken.
    let body = serde_json::to_vec(&report).unwrap_or_default();
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}
