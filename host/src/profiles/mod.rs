//! Profiles in a store: events, consents, traits and links in, exports and erasures out, and requests completed with what
//! is stored.
//!
//! Every change is one call of the module between a read and a write of the store, repeated until no other writer came
//! between. What lies in a state the module alone knows. Input and output are MessagePack, as everywhere in this crate.

mod apply;
mod consents;
mod events;
mod gate;
mod gather;
mod identities;
mod pairing;
mod registers;
mod sweep;
mod tokens;
mod whole;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use unisono_message::ErrorCode;
use unisono_message::limits::ID_BYTES_MAX;

use crate::consent::ConsentMapping;
use crate::error::{HostError, HostErrorCode};
use crate::host::{Decision, Host};
use crate::identity::IdentityHasher;
use crate::pack::{self, Packer};
use crate::store::{ProfileStore, Record, Workers};
use gate::Gate;
use tokens::Tokens;

pub(crate) use gather::asks_for_stored;
pub use registers::Registers;
pub use whole::Scope;

/// What the module does with profiles, bytes in and bytes out. A [`Host`] does it; tests may put something simpler in its
/// place.
pub trait ProfileCalls: Send + Sync {
    /// `{"now_ms", "profile_id"?, "state"?, "events"?, "consents"?, "traits"?, "links"?}` gives `{"state", "results", "refused",
    /// "warnings"}`.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn profile_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// `{"state"?, "ts_ms", "now_ms"}` gives `{"state", "warnings"}`: what is left after everything up to `ts_ms` is erased.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn profile_erase(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// `{"profile_id"?, "state", "now_ms", "purpose"?}` gives all that the state holds, readable.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn profile_export(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// `{"profile_id", "profiles": [{"profile_id", "state"}]}` gives `{"profile_ids", "needs", "unit_id", "warnings"}`.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn profile_component(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// `{"state", "now_ms", "expires_ms", "shop", "key_id", "bytes_max"?}` gives `{"payload", "warnings"}`.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn token_write(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// `{"state"?, "payload", "now_ms", "shop"}` gives `{"state", "warnings"}`.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn token_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError>;

    /// Decides a request.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    fn decide_with_ids(&self, request: &[u8]) -> Result<Decision, HostError>;

    /// How many calls may run at once.
    fn workers(&self) -> usize;
}

/// Profiles in a store. Cheap to clone; all clones share the store. Calls may come from any number of threads, and block.
#[derive(Clone)]
pub struct Profiles {
    calls: Arc<dyn ProfileCalls>,
    store: Arc<dyn ProfileStore>,
    gate: Arc<Gate>,
    workers: Arc<Workers>,
    tokens: Option<Arc<Tokens>>,
    mapping: Arc<ConsentMapping>,
    identities: Option<Arc<IdentityHasher>>,
}

impl Profiles {
    /// Profiles in this store, handled by the module of this host.
    pub fn new(host: Host, store: Arc<dyn ProfileStore>) -> Self {
        Profiles::with_calls(Arc::new(host), store)
    }

    /// Profiles in this store, handled by something that does what the module does.
    pub fn with_calls(calls: Arc<dyn ProfileCalls>, store: Arc<dyn ProfileStore>) -> Self {
        // One that computes and one that comes next, for each instance.
        let gate = Arc::new(Gate::new(calls.workers().saturating_mul(2)));
        let workers = Arc::new(Workers::new(calls.workers()));
        Profiles { calls, store, gate, workers, tokens: None, mapping: Arc::default(), identities: None }
    }

    /// The store.
    pub fn store(&self) -> &dyn ProfileStore {
        &*self.store
    }

    fn record(&self, profile_id: &str) -> Result<Record, HostError> {
        let mut records = self.store.read(&[profile_id.as_bytes()])?;
        records.pop().ok_or_else(|| HostError::new(HostErrorCode::Internal, "the store returned no record"))
    }
}

impl std::fmt::Debug for Profiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profiles").finish_non_exhaustive()
    }
}

/// Unix milliseconds UTC, by this machine's clock. The functions here are told the time; this is for those who call them.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The id of a profile, checked as the module checks it.
fn check_id(profile_id: &str) -> Result<&str, HostError> {
    if (1..=ID_BYTES_MAX).contains(&profile_id.len()) {
        return Ok(profile_id);
    }
    let text = format!("a `profile_id` of {} bytes; ids have 1 to {ID_BYTES_MAX}", profile_id.len());
    Err(invalid(text, "profile_id"))
}

/// The `profile_id` of a request.
fn required_id<'a>(entries: &[(&str, &'a [u8])], form: &str) -> Result<&'a str, HostError> {
    let profile_id = pack::find(entries, "profile_id").and_then(pack::text);
    check_id(profile_id.ok_or_else(|| invalid(form, "profile_id"))?)
}

/// Refuses a request that has other fields than these: a mistyped one would otherwise be a withdrawal or a wish that nobody
/// hears of.
fn only_known(entries: &[(&str, &[u8])], known: &[&str]) -> Result<(), HostError> {
    match entries.iter().find(|(name, value)| !known.contains(name) && !pack::is_nil(value)) {
        None => Ok(()),
        Some((name, _)) => {
            let text = format!("no field of this request is called `{name:.64}`; there are {}", known.join(", "));
            Err(invalid(text, name))
        }
    }
}

pub(crate) fn store_missing() -> HostError {
    HostError::new(HostErrorCode::StoreMissing, "this host was started without a store of profiles")
}

fn unknown_profile() -> HostError {
    HostError::new(HostErrorCode::ProfileUnknown, "the store knows no such profile")
}

/// A request that is no map of the expected form.
fn invalid(text: impl Into<String>, field: &str) -> HostError {
    HostError::new(HostErrorCode::InvalidRequest, text).in_field(field)
}

/// The module's answer is always a map that says what it must; anything else is a fault of the module.
fn bad_answer(of: &str) -> HostError {
    HostError::new(HostErrorCode::GuestBadResult, format!("`{of}` of the module answered something that is no reply"))
}

/// The in-band error of an answer, as its bytes.
fn error_of<'a>(answer: &[(&str, &'a [u8])]) -> Option<&'a [u8]> {
    pack::find(answer, "error").filter(|error| pack::is_map(error))
}

/// `{"status": "refused", "code", "message", "field"}`, as the module writes its own.
fn refused(code: &str, message: &str, field: &str) -> Vec<u8> {
    let mut result = Packer::map(4);
    for (key, text) in [("status", "refused"), ("code", code), ("message", message), ("field", field)] {
        result.text(key);
        result.text(text);
    }
    result.done()
}

fn refused_by(code: ErrorCode, message: &str, field: &str) -> Vec<u8> {
    refused(code.as_str(), message, field)
}
