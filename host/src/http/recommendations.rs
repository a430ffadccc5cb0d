//! `POST /v1/recommendations`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Service;
use super::body::{format_of, read_body};
use super::reply::{self, Format};
use crate::error::{HostError, HostErrorCode};
use crate::hex::sha256_hex;
use crate::host::Decision;
use crate::transcode;

pub(super) const MODULE_ID: HeaderName = HeaderName::from_static("x-unisono-module-id");
pub(super) const MODEL_ID: HeaderName = HeaderName::from_static("x-unisono-model-id");
/// SHA-256 of the response in MessagePack, also where the answer is JSON: what to compare with other runtimes.
const RESPONSE_SHA256: HeaderName = HeaderName::from_static("x-unisono-response-sha256");

pub(super) async fn recommend(State(service): State<Service>, request: Request) -> Response {
    let format = match format_of(request.headers()) {
        Ok(format) => format,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(e) => return reply::of_error(format, None, &e),
    };
    // The module computes and blocks: not on a thread that serves connections.
    let decided = tokio::task::spawn_blocking(move || answer(&service, format, &body)).await;
    decided.unwrap_or_else(|e| {
        let error = HostError::new(HostErrorCode::Internal, "the decision was not finished").with_source(e);
        reply::of_error(format, None, &error)
    })
}

fn answer(service: &Service, format: Format, body: &[u8]) -> Response {
    match decide(service, format, body) {
        Ok(response) => response,
        Err(e) => {
            let request_id = match format {
                Format::Json => transcode::request_id_of_json(body),
                Format::Msgpack => transcode::request_id_of_msgpack(body),
            };
            // The code only: a message may repeat what was sent.
            tracing::warn!(code = e.code(), module_id = service.host.module_id(), "no decision");
            reply::of_error(format, request_id.as_deref(), &e)
        }
    }
}

fn decide(service: &Service, format: Format, body: &[u8]) -> Result<Response, HostError> {
    let Decision { response, module_id, model_id } = match format {
        Format::Json => service.decide(&transcode::json_to_msgpack(body)?)?,
        Format::Msgpack => service.decide(body)?,
    };
    let code = transcode::error_code(&response);
    let status = code.as_deref().map_or(StatusCode::OK, reply::status_of_module);
    tracing::info!(module_id = &*module_id, model_id = &*model_id, code = code.as_deref(), "decided");
    let sha256 = sha256_hex(&response);
    let body = match format {
        Format::Json => transcode::msgpack_to_json(&response)?,
        Format::Msgpack => response,
    };
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    insert_hex(headers, MODULE_ID, &module_id);
    insert_hex(headers, MODEL_ID, &model_id);
    insert_hex(headers, RESPONSE_SHA256, &sha256);
    Ok(answer)
}

/// Adds a header whose value is hexadecimal digits, which every header can hold.
pub(super) fn insert_hex(headers: &mut HeaderMap, name: HeaderName, digits: &str) {
    if let Ok(value) = HeaderValue::from_str(digits) {
        headers.insert(name, value);
    }
}
