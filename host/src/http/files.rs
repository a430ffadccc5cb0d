//! The module and the model as files, for browsers and other hosts that run the same bytes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};

use super::recommendations::{MODEL_ID, MODULE_ID, insert_hex};
use super::reply;
use crate::host::Host;

/// An address without an id: its content changes with the host, so it is asked for anew each time (and mostly answered
/// with 304).
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");
/// An address with the id of its content: it never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

struct File {
    content_type: &'static str,
    bytes: Arc<[u8]>,
    sha256: Arc<str>,
    id_header: HeaderName,
    id: Arc<str>,
}

pub(super) async fn module(State(host): State<Host>, headers: HeaderMap) -> Response {
    send(&headers, module_file(&host), REVALIDATE)
}

pub(super) async fn module_by_id(State(host): State<Host>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    by_id(&headers, module_file(&host), &id).await
}

pub(super) async fn model(State(host): State<Host>, headers: HeaderMap) -> Response {
    send(&headers, model_file(&host), REVALIDATE)
}

pub(super) async fn model_by_id(State(host): State<Host>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    by_id(&headers, model_file(&host), &id).await
}

fn module_file(host: &Host) -> File {
    let id: Arc<str> = host.module_id().into();
    File { content_type: "application/wasm", bytes: host.module_bytes(), sha256: id.clone(), id_header: MODULE_ID, id }
}

fn model_file(host: &Host) -> File {
    let model = host.loaded_model();
    File {
        content_type: "application/octet-stream",
        bytes: model.bytes,
        sha256: model.sha256,
        id_header: MODEL_ID,
        id: model.model_id,
    }
}

async fn by_id(headers: &HeaderMap, file: File, id: &str) -> Response {
    // After a swap the old model is gone from here; its address must not show another one.
    if *file.id == *id { send(headers, file, IMMUTABLE) } else { reply::not_found().await }
}

fn send(headers: &HeaderMap, file: File, cache_control: HeaderValue) -> Response {
    let etag = format!("\"{}\"", file.sha256).parse::<ETag>().ok();
    let unchanged = match (headers.typed_get::<IfNoneMatch>(), &etag) {
        (Some(condition), Some(etag)) => !condition.precondition_passes(etag),
        _ => false,
    };
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(Bytes::from_owner(file.bytes)).into_response()
    };
    let head = response.headers_mut();
    if let Some(etag) = etag {
        head.typed_insert(etag);
    }
    head.insert(header::CACHE_CONTROL, cache_control);
    insert_hex(head, file.id_header, &file.id);
    if !unchanged {
        head.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    }
    response
}
