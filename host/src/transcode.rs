//! JSON to MessagePack and back, value by value, without a typed struct between: duplicate and unknown keys, numbers as
//! strings and whatever else a caller sends reach the module as they are, and the module alone judges them.
//!
//! Integers stay integers (from -2^63 to 2^64 - 1), and other numbers become the nearest f64, as a browser's `JSON.parse`
//! reads them. Three things differ from `JSON.parse`: integers beyond 2^53 are kept to the last digit, where it rounds them (so
//! a seed of that size is another seed in a page); a number beyond f64, as 1e400, is refused, where it gives an infinity;
//! and half of a surrogate pair is refused, where it lets it pass. JSON has no NaN and no infinity, so neither can enter
//! this way.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use unisono_message::limits::ID_BYTES_MAX;

use crate::error::{HostError, HostErrorCode};
use crate::limits::TRANSCODE_DEPTH_MAX;

/// Makes MessagePack of one JSON value.
///
/// # Errors
/// `invalid_json`, with the line and column in the message: no JSON, more than one value, nested deeper than
/// [`TRANSCODE_DEPTH_MAX`], or no UTF-8.
pub fn json_to_msgpack(json: &[u8]) -> Result<Vec<u8>, HostError> {
    let invalid = |e: &dyn std::fmt::Display| {
        // A request mostly is one line, and in a batch the line that counts is the file's.
        let text = e.to_string().replace(" at line 1 column ", " at column ");
        HostError::new(HostErrorCode::InvalidJson, format!("the request is no valid JSON: {text}"))
    };
    // serde_json follows 128 levels on its own; deeper text is an error there.
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut msgpack = Vec::with_capacity(json.len());
    let mut writer = rmp_serde::Serializer::new(&mut msgpack);
    serde_transcode::transcode(&mut reader, &mut writer).map_err(|e| invalid(&e))?;
    reader.end().map_err(|e| invalid(&e))?;
    Ok(msgpack)
}

/// Makes JSON of one MessagePack value, without spaces or line breaks.
///
/// # Errors
/// `guest_bad_result`: no MessagePack, more than one value, nested too deep, or a map whose keys JSON can't have. The module
/// never writes such bytes.
pub fn msgpack_to_json(msgpack: &[u8]) -> Result<Vec<u8>, HostError> {
    let bad = |e: &dyn std::fmt::Display| {
        HostError::new(HostErrorCode::GuestBadResult, format!("the response can't be written as JSON: {e}"))
    };
    let mut rest = msgpack;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    reader.set_max_depth(TRANSCODE_DEPTH_MAX);
    let mut json = Vec::with_capacity(msgpack.len().saturating_mul(2));
    let mut writer = serde_json::Serializer::new(&mut json);
    serde_transcode::transcode(&mut reader, &mut writer).map_err(|e| bad(&e))?;
    if !rest.is_empty() {
        return Err(bad(&"bytes follow the value"));
    }
    Ok(json)
}

/// The code of the module's in-band error, if the response is one. For the status of an answer, not for its content.
pub fn error_code(response: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Response {
        error: Option<Error>,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
    }
    rmp_serde::from_slice::<Response>(response).ok()?.error.map(|error| error.code)
}

/// The `request_id` of a request in JSON, for an error line that the module never saw. `None` where there is none to find.
pub fn request_id_of_json(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<Request>(json).ok()?.request_id?.text()
}

/// The same for a request in MessagePack.
pub fn request_id_of_msgpack(msgpack: &[u8]) -> Option<String> {
    rmp_serde::from_slice::<Request>(msgpack).ok()?.request_id?.text()
}

#[derive(Deserialize)]
struct Request {
    request_id: Option<Id>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Other(IgnoredAny),
}

impl Id {
    fn text(self) -> Option<String> {
        match self {
            // Longer ones are no ids: the module refuses them too.
            Id::Text(text) => Some(text).filter(|text| text.len() <= ID_BYTES_MAX),
            Id::Other(_) => None,
        }
    }
}

/// An error in the form in which the module reports its own.
#[derive(Serialize)]
struct ErrorReply<'a> {
    request_id: Option<&'a str>,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: String,
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

impl<'a> ErrorReply<'a> {
    fn new(request_id: Option<&'a str>, error: &'a HostError, line: Option<u64>) -> Self {
        let error = ErrorBody { code: error.code(), message: error.message(), field: error.field(), line };
        ErrorReply { request_id, error }
    }
}

/// `{"request_id", "error": {"code", "message", "field"}}` in JSON, for an error of the host; `line` says which line of a
/// file it was, counted from 1.
pub fn error_json(request_id: Option<&str>, error: &HostError, line: Option<u64>) -> Vec<u8> {
    // Strings and numbers always become JSON, so the default is never taken.
    serde_json::to_vec(&ErrorReply::new(request_id, error, line)).unwrap_or_default()
}

/// The same in MessagePack.
pub fn error_msgpack(request_id: Option<&str>, error: &HostError) -> Vec<u8> {
    rmp_serde::to_vec_named(&ErrorReply::new(request_id, error, None)).unwrap_or_default()
}
