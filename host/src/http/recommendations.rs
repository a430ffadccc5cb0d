//! `POST /v1/recommendations`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headers::{ContentLength, ContentType, HeaderMapExt};
use http_body_util::BodyExt;
use unisono_message::limits::REQUEST_BYTES_MAX;

use super::reply::{self, Format};
use crate::error::{HostError, HostErrorCode};
use crate::hex::sha256_hex;
use crate::host::{Decision, Host};
use crate::limits::BODY_DRAIN_BYTES_MAX;
use crate::transcode;

pub(super) const MODULE_ID: HeaderName = HeaderName::from_static("x-unisono-module-id");
pub(super) const MODEL_ID: HeaderName = HeaderName::from_static("x-unisono-model-id");
/// SHA-256 of the response in MessagePack, also where the answer is JSON: what to compare with other runtimes.
const RESPONSE_SHA256: HeaderName = HeaderName::from_static("x-unisono-response-sha256");

pub(super) async fn recommend(State(host): State<Host>, request: Request) -> Response {
    let format = match format_of(request.headers()) {
        Ok(format) => format,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(e) => return reply::of_error(format, None, &e),
    };
    // The module computes and blocks: not on a thread that serves connections.
    let decided = tokio::task::spawn_blocking(move || answer(&host, format, &body)).await;
    decided.unwrap_or_else(|e| {
        let error = HostError::new(HostErrorCode::Internal, "the decision was not finished").with_source(e);
        reply::of_error(format, None, &error)
    })
}

fn answer(host: &Host, format: Format, body: &[u8]) -> Response {
    match decide(host, format, body) {
        Ok(response) => response,
        Err(e) => {
            let request_id = match format {
                Format::Json => transcode::request_id_of_json(body),
                Format::Msgpack => transcode::request_id_of_msgpack(body),
            };
            tracing::warn!(code = e.code(), module_id = host.module_id(), "no decision: {e}");
            reply::of_error(format, request_id.as_deref(), &e)
        }
    }
}

fn decide(host: &Host, format: Format, body: &[u8]) -> Result<Response, HostError> {
    let Decision { response, module_id, model_id } = match format {
        Format::Json => host.decide_with_ids(&transcode::json_to_msgpack(body)?)?,
        Format::Msgpack => host.decide_with_ids(body)?,
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

fn format_of(headers: &HeaderMap) -> Result<Format, HostError> {
    let unsupported = |text: String| Err(HostError::new(HostErrorCode::UnsupportedMediaType, text));
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return unsupported("the body is compressed".to_owned());
    }
    let Some(content_type) = headers.typed_get::<ContentType>() else {
        return unsupported("the request has no valid content type".to_owned());
    };
    let mime = headers::Mime::from(content_type);
    match mime.essence_str() {
        "application/json" => Ok(Format::Json),
        "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => Ok(Format::Msgpack),
        other => unsupported(format!("the content type is `{other}`")),
    }
}

/// Reads the body up to its limit. What is too large is read on and thrown away, within reason: a sender that is still
/// sending when the connection closes sees a broken pipe in place of the answer.
async fn read_body(request: Request) -> Result<Vec<u8>, HostError> {
    let too_large = |bytes: u64| {
        let text = format!("the body has {bytes} bytes or more, the limit is {REQUEST_BYTES_MAX}");
        HostError::new(HostErrorCode::BodyTooLarge, text)
    };
    let bytes_max = u64::try_from(REQUEST_BYTES_MAX).unwrap_or(u64::MAX);
    let announced = request.headers().typed_get::<ContentLength>().map_or(0, |length| length.0);
    // Who asks first need not send at all.
    if announced > bytes_max && request.headers().contains_key(header::EXPECT) {
        return Err(too_large(announced));
    }
    let mut body: Body = request.into_body();
    let mut bytes = Vec::with_capacity(usize::try_from(announced.min(bytes_max)).unwrap_or(0));
    let mut received: u64 = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| {
            HostError::new(HostErrorCode::BodyUnreadable, "the body ended before its end").with_source(e)
        })?;
        let Some(data) = frame.data_ref() else { continue };
        received = received.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if received <= bytes_max {
            bytes.extend_from_slice(data);
            continue;
        }
        bytes = Vec::new();
        if received > bytes_max.saturating_add(BODY_DRAIN_BYTES_MAX) {
            break;
        }
    }
    if received > bytes_max { Err(too_large(received)) } else { Ok(bytes) }
}
