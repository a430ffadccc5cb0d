//! Bodies: how they are written, and their bytes up to a limit.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use headers::{ContentLength, ContentType, HeaderMapExt};
use http_body_util::BodyExt;
use unisono_message::limits::REQUEST_BYTES_MAX;

use super::reply::Format;
use crate::error::{HostError, HostErrorCode};
use crate::limits::BODY_DRAIN_BYTES_MAX;

/// The format that the content type names.
pub(super) fn format_of(headers: &HeaderMap) -> Result<Format, HostError> {
    match media_type(headers)?.as_str() {
        "application/json" => Ok(Format::Json),
        "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => Ok(Format::Msgpack),
        other => Err(unsupported(format!("the content type is `{other}`"))),
    }
}

/// Whether the body is JSON line by line.
pub(super) fn is_lines(headers: &HeaderMap) -> bool {
    const LINES: [&str; 3] = ["application/x-ndjson", "application/jsonl", "application/x-jsonlines"];
    media_type(headers).is_ok_and(|media_type| LINES.contains(&media_type.as_str()))
}

fn media_type(headers: &HeaderMap) -> Result<String, HostError> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("the body is compressed".to_owned()));
    }
    let Some(content_type) = headers.typed_get::<ContentType>() else {
        return Err(unsupported("the request has no valid content type".to_owned()));
    };
    Ok(headers::Mime::from(content_type).essence_str().to_owned())
}

fn unsupported(text: String) -> HostError {
    HostError::new(HostErrorCode::UnsupportedMediaType, text)
}

/// Reads the body up to its limit. What is too large is read on and thrown away, within reason: a sender that is still
/// sending when the connection closes sees a broken pipe in place of the answer.
pub(super) async fn read_body(request: Request) -> Result<Vec<u8>, HostError> {
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
