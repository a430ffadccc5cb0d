//! The one error type of the boundary, with codes that never change their meaning.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// Result of a fallible step at the boundary.
pub type Result<T> = core::result::Result<T, Error>;

macro_rules! codes {
    ($($variant:ident $code:literal $text:literal $todo:literal),+ $(,)?) => {
        /// What went wrong, as a stable word for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode { $(#[doc = $text] $variant),+ }

        impl ErrorCode {
            /// Every code, in the order of the published table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The stable word, `snake_case`.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $code),+ }
            }

            /// What the code means, a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text),+ }
            }

            /// What the caller does about it, a sentence.
            pub const fn remedy(self) -> &'static str {
                match self { $(ErrorCode::$variant => $todo),+ }
            }
        }
    };
}

codes! {
    InvalidMsgpack "invalid_msgpack" "The bytes are no MessagePack, or end too early." "Send one whole MessagePack value.",
    TrailingBytes "trailing_bytes" "Bytes follow the MessagePack value." "Send one value and nothing after it.",
    InvalidUtf8 "invalid_utf8" "A string is not valid UTF-8." "Encode strings as UTF-8.",
    InvalidType "invalid_type" "A field has another type than it must have." "Send the type that the message names; numbers are never strings.",
    MissingField "missing_field" "A required field is absent or null." "Add the field.",
    DuplicateKey "duplicate_key" "A map holds the same key twice." "Send each key once.",
    OutOfRange "out_of_range" "A number lies outside its range, or is not finite." "Keep to the range in the message.",
    InvalidId "invalid_id" "An id is empty or too long." "Use 1 to 128 bytes of UTF-8.",
    InvalidChannel "invalid_channel" "A channel name is not of lower-case letters, digits and underscores." "Use 1 to 32 such characters.",
    InvalidCurrency "invalid_currency" "A currency is no ISO 4217 code." "Use three upper-case letters.",
    LimitExceeded "limit_exceeded" "The input is larger than a named limit." "Send less; the message names the limit.",
    UnknownEventType "unknown_event_type" "An event's type is not one of the published ones." "Use a type of the event table.",
    UnknownPurpose "unknown_purpose" "A consent or trait names a purpose that is not one of the published ones." "Use personalization, offers, cross_channel, measurement or training.",
    UnknownPlacement "unknown_placement" "A placement's kind is not one of the published ones." "Use a kind of the placement table.",
    UnknownGate "unknown_gate" "A placement allows something other than `sensitive` or `restricted`." "Use these two words.",
    DuplicatePlacement "duplicate_placement" "Two placements of a request have the same id." "Give each placement an id of its own.",
    EventFromFuture "event_from_future" "An event, a word on a profile or an erasure lies more than ten minutes after `now_ms`." "Correct the clock of the sender.",
    ProfileMismatch "profile_mismatch" "An event names another profile than the one it was sent with." "Send each profile its own events.",
    ProfileVersionUnsupported "profile_version_unsupported" "The profile state has a version that this module does not know." "Update the module.",
    ProfileInvalid "profile_invalid" "The profile state is not canonical or breaks its own bounds." "Use states that this module returned.",
    RegisterErased "register_erased" "A trait, consent or link is of the time of an erasure or before." "Send it with the time at which it was said, if that was later.",
    PolicyInvalid "policy_invalid" "The policy has a version or a word that this module does not know." "Correct the policy; the message names what is wrong.",
    TokenInvalid "token_invalid" "The bytes are no token's payload, or not the one encoding of what they say." "Ask for a new token.",
    TokenVersionUnsupported "token_version_unsupported" "The token was written by another version of the module." "Update the module, or ask for a new token.",
    TokenExpired "token_expired" "The token's time is over." "Ask for a new token.",
    TokenForeign "token_foreign" "The token belongs to another shop." "Use tokens of this shop.",
    ModelTruncated "model_truncated" "The model file ends before its sections do." "Fetch the whole file again.",
    ModelVersionUnsupported "model_version_unsupported" "The model file has a format version that this module does not know." "Update the module, or fit the model anew.",
    ModelRootInvalid "model_root_invalid" "The model's root is malformed or its `model_id` does not match." "Fetch the file again, or fit the model anew.",
    ModelSectionMissing "model_section_missing" "A section that the model needs is absent." "Fit the model anew.",
    ModelSectionInvalid "model_section_invalid" "A section has a wrong type, length or order." "Fit the model anew.",
    ModelSectionHash "model_section_hash" "A section's bytes do not have the SHA-256 that the root names." "Fetch the file again.",
    ModelIndexOutOfRange "model_index_out_of_range" "A section points at an item, category or offer that does not exist." "Fit the model anew.",
    ModelRangesUnsupported "model_ranges_unsupported" "The file holds only a part of the items." "Load the whole file.",
    UnknownHandle "unknown_handle" "The handle names no loaded model or policy." "Load it first.",
    HandlesExhausted "handles_exhausted" "The instance holds as many models as it may." "Drop a handle first.",
    AllocationRefused "allocation_refused" "The module cannot give that much memory." "Send less, or give the module more memory.",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error at the boundary: a code for programs, a sentence for people, and the field it is about.
///
/// Boxed, so that a result is no larger than its value: every `?` of the module copies one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Body>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    code: ErrorCode,
    message: String,
    field: String,
}

impl Error {
    /// An error whose field is not known yet; callers add it on the way up with [`Error::in_field`].
    #[cold]
    #[inline(never)]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error(Box::new(Body { code, message: message.into(), field: String::new() }))
    }

    /// Puts a field name before the path, as `profile` before `events[3].ts_ms`.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn in_field(mut self, name: &str) -> Self {
        let inner = core::mem::replace(&mut self.0.field, String::from(name));
        if !inner.is_empty() && !inner.starts_with('[') {
            self.0.field.push('.');
        }
        self.0.field.push_str(&inner);
        self
    }

    /// Puts an array position before the path, as `[3]` before `ts_ms`.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        self.in_field(&crate::text!("[{}]", index))
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What is wrong, a lower-case sentence with the offending input in backticks.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is wrong, as `placements[0].kind`; empty when the whole input is meant.
    pub fn field(&self) -> &str {
        &self.0.field
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())?;
        if self.field().is_empty() { Ok(()) } else { write!(f, " (at `{}`)", self.field()) }
    }
}

impl core::error::Error for Error {}
