//! Replies of the service that are not decisions: errors, each in the form in which the module reports its own.

use std::any::Any;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use unisono_message::ErrorCode;

use crate::error::{HostError, HostErrorCode};
use crate::transcode::{error_json, error_msgpack};

/// How a request is written, and so its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Msgpack,
}

impl Format {
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Json => "application/json",
            Format::Msgpack => "application/msgpack",
        })
    }
}

/// An error of the host, with the status that belongs to its code.
pub(super) fn of_error(format: Format, request_id: Option<&str>, error: &HostError) -> Response {
    let body = match format {
        Format::Json => error_json(request_id, error, None),
        Format::Msgpack => error_msgpack(request_id, error),
    };
    let mut response = (status_of_host(error.kind()), body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    if error.is_retryable() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn of_code(code: HostErrorCode, text: &str) -> Response {
    of_error(Format::Json, None, &HostError::new(code, text))
}

fn status_of_host(code: HostErrorCode) -> StatusCode {
    use HostErrorCode as C;
    match code {
        C::HostOverloaded | C::StoreUnavailable | C::StoreConflict => StatusCode::SERVICE_UNAVAILABLE,
        C::StoreFull => StatusCode::INSUFFICIENT_STORAGE,
        C::StoreMissing | C::TokenKeysMissing | C::IdentityHashKeyMissing => StatusCode::NOT_IMPLEMENTED,
        C::Unauthorized => StatusCode::UNAUTHORIZED,
        C::Forbidden => StatusCode::FORBIDDEN,
        C::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        C::BodyTooLarge | C::LimitExceeded | C::AllocationRefused => StatusCode::PAYLOAD_TOO_LARGE,
        C::InvalidJson
        | C::BodyUnreadable
        | C::InvalidRequest
        | C::InvalidConfig
        | C::TokenMalformed
        | C::TokenKeyUnknown
        | C::TokenForged
        | C::TokenForeign
        | C::TokenExpired
        | C::PairingCodeMalformed
        | C::IdentityKeyInvalid
        | C::TcfMalformed
        | C::TcfVersionUnsupported
        | C::GoogleConsentMalformed => StatusCode::BAD_REQUEST,
        C::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        C::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        C::NotFound | C::ProfileUnknown | C::PairingCodeUnknown => StatusCode::NOT_FOUND,
        C::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an error inside a response of the module. Its bytes go out as they are.
pub(super) fn status_of_module(code: &str) -> StatusCode {
    use ErrorCode as C;
    match ErrorCode::ALL.iter().copied().find(|known| known.as_str() == code) {
        Some(C::LimitExceeded | C::AllocationRefused) => StatusCode::PAYLOAD_TOO_LARGE,
        // The host chose the handle, so the caller can't be to blame.
        Some(C::UnknownHandle | C::HandlesExhausted) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What the layers for overload and time limit report.
pub(super) async fn of_layer_error(error: tower::BoxError) -> Response {
    if error.is::<tower::timeout::error::Elapsed>() {
        return of_code(HostErrorCode::RequestTimeout, "the request took too long");
    }
    of_code(HostErrorCode::HostOverloaded, "too many requests are under way")
}

pub(super) async fn not_found() -> Response {
    of_code(HostErrorCode::NotFound, "nothing is served at this address")
}

pub(super) async fn method_not_allowed() -> Response {
    of_code(HostErrorCode::MethodNotAllowed, "this address does not take this method")
}

pub(super) fn of_panic(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    of_code(HostErrorCode::Internal, "the host failed on this request")
}
