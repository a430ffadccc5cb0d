//! The one error type of the host, with codes that never change their meaning.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;

use unisono_message::ErrorCode;

macro_rules! codes {
    ($($variant:ident $code:literal $meaning:literal $remedy:literal),+ $(,)?) => {
        /// What went wrong, as a stable word for programs. Errors of the module itself (a malformed request, say) are no
        /// errors of the host: they come back inside the response, with the codes of `unisono_message::ErrorCode`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum HostErrorCode { $(#[doc = $meaning] $variant),+ }

        impl HostErrorCode {
            /// Every code, in the order of the published table.
            pub const ALL: &'static [HostErrorCode] = &[$(HostErrorCode::$variant),+];

            /// The stable word, `snake_case`.
            pub const fn as_str(self) -> &'static str {
                match self { $(HostErrorCode::$variant => $code),+ }
            }

            /// What the code means, a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(HostErrorCode::$variant => $meaning),+ }
            }

            /// What the caller does about it, a sentence.
            pub const fn remedy(self) -> &'static str {
                match self { $(HostErrorCode::$variant => $remedy),+ }
            }
        }
    };
}

codes! {
    InvalidConfig "invalid_config" "A setting of the host lies outside its range." "Keep to the range in the message.",
    ModuleMissing "module_missing" "No module was given and none is built in." "Run `cargo xtask wasm` and build the host again, or name a module with `--module`.",
    ModuleUnreadable "module_unreadable" "The module file can't be read." "Check the path and its permissions.",
    ModuleTooLarge "module_too_large" "The module file is larger than `MODULE_BYTES_MAX`." "Use the module of the npm package.",
    ModuleInvalid "module_invalid" "The bytes are no WebAssembly module that this host runs." "Use the module of the npm package, unchanged.",
    ModuleHasImports "module_has_imports" "The module imports something." "Use a module that was built with `cargo xtask wasm`: it has no imports.",
    ModuleExportMissing "module_export_missing" "The module lacks an export of the ABI." "Use a module that was built for hosts of this version.",
    ModuleExportType "module_export_type" "An export of the ABI has another type than it must have." "Use a module that was built for hosts of this version.",
    ModuleMemoryTooLarge "module_memory_too_large" "The module asks for more memory at its start than the host grants." "Raise the memory limit, or use another module.",
    ModuleStartFailed "module_start_failed" "The module fails while it starts." "Use the module of the npm package, unchanged.",
    AbiVersionUnsupported "abi_version_unsupported" "The module speaks another version of the ABI." "Update the host or the module, so that the versions are equal.",
    ModelMissing "model_missing" "No model was given." "Name a model file with `--model`.",
    ModelUnreadable "model_unreadable" "The model file can't be read." "Check the path and its permissions.",
    ModelTooLarge "model_too_large" "The model file is larger than one instance may hold." "Raise the memory limit, or fit a smaller model.",
    PolicyUnreadable "policy_unreadable" "The policy file can't be read, or is no JSON." "Check the path, its permissions and the JSON.",
    PolicyRefused "policy_refused" "The module refuses the policy." "Correct the policy; the message names what is wrong.",
    ModelRefused "model_refused" "The module refuses the model." "Fit the model anew with tools of the module's version.",
    CacheUnusable "cache_unusable" "The folder for precompiled modules can't be used." "Name a folder that belongs to this user alone, or do without the cache.",
    HostOverloaded "host_overloaded" "No instance became free within the allowed wait, or too many callers wait already." "Try again later, or give the host more cores.",
    DeadlineExceeded "deadline_exceeded" "The module took longer than the deadline of one call." "Send a smaller request, or raise the deadline.",
    GuestTrapped "guest_trapped" "The module trapped; its instance is being rebuilt." "Try again; report it with the request if it repeats.",
    GuestMemoryLimit "guest_memory_limit" "The module needed more memory than the host grants; its instance is being rebuilt." "Raise the memory limit, or send a smaller request.",
    GuestBadResult "guest_bad_result" "The module returned a pointer, length or reply that makes no sense; its instance is being rebuilt." "Use the module of the npm package, unchanged.",
    AllocationRefused "allocation_refused" "The module cannot give that much memory." "Send less, or raise the memory limit.",
    LimitExceeded "limit_exceeded" "The input is larger than a named limit." "Send less; the message names the limit.",
    InvalidJson "invalid_json" "The text is no JSON." "Send one whole JSON value in UTF-8.",
    BodyTooLarge "body_too_large" "The body is larger than `REQUEST_BYTES_MAX`." "Send less, or split the request.",
    BodyUnreadable "body_unreadable" "The body ended before its end." "Send the request again.",
    UnsupportedMediaType "unsupported_media_type" "The content type is neither JSON nor MessagePack." "Send `application/json` or `application/msgpack`.",
    MethodNotAllowed "method_not_allowed" "The address does not take this method." "Use the method that the `allow` header names.",
    NotFound "not_found" "Nothing is served at this address." "Check the address.",
    RequestTimeout "request_timeout" "The request took longer than the host allows, its body included." "Send it faster, or send less.",
    StoreMissing "store_missing" "This host keeps no profiles." "Start it with `--data`, or send the profile with the request.",
    StoreUnavailable "store_unavailable" "The store of profiles can't be reached, read or written now." "Try again; check the folder or the server.",
    StoreFull "store_full" "The store has no space left; nothing of this request's unanswered part is promised." "Make space; then send the request again, which does no harm.",
    StoreLocked "store_locked" "Another process has the store open." "Stop that process, or use a store of servers (Redis, Valkey).",
    StoreInvalid "store_invalid" "What is found is no store of profiles, or a damaged one." "Check the path; restore a backup.",
    StoreSchemaUnsupported "store_schema_unsupported" "The store was written by another version of the host." "Use that version, or move the profiles with a backup.",
    StoreConflict "store_conflict" "Other writers of this profile were faster, again and again." "Send the request again, which does no harm.",
    StoreNotEmpty "store_not_empty" "A backup is restored into an empty store only." "Name a new folder or another server.",
    BackupUnreadable "backup_unreadable" "The backup can't be read." "Check the path and its permissions.",
    BackupUnwritable "backup_unwritable" "The backup can't be written." "Check the path, its permissions and the free space.",
    BackupInvalid "backup_invalid" "The file is no whole backup." "Use another backup.",
    ProfileUnknown "profile_unknown" "Nothing was ever stored under this profile id." "Check the id.",
    InvalidRequest "invalid_request" "The request has another form than this address takes." "Keep to the form in the message.",
    Unauthorized "unauthorized" "The request has no key, or one that this host does not know." "Send `authorization: Bearer` with a key of the host's file of keys.",
    Forbidden "forbidden" "The key has not the role that this address asks for." "Use a key that has it.",
    KeysUnreadable "keys_unreadable" "The file of keys can't be read." "Check the path and its permissions.",
    KeysInvalid "keys_invalid" "The file of keys is not what it must be." "Give each key an `id`, the `sha256` of its secret in 64 hexadecimal digits, and its `roles`.",
    ListenNotLoopback "listen_not_loopback" "The address is not a loopback address." "Name a file of keys with `--keys`, or listen on 127.0.0.1 or [::1]: without keys a host serves its own machine only.",
    ListenFailed "listen_failed" "The host can't listen at the address." "Choose another port with `--listen`.",
    FolderUnreadable "folder_unreadable" "A folder to serve does not exist." "Check the path.",
    RequestsUnreadable "requests_unreadable" "The file of requests can't be read." "Check the path and its permissions.",
    ResponsesUnwritable "responses_unwritable" "The file of responses can't be written." "Check the path, its permissions and the free space.",
    TokenKeysMissing "token_keys_missing" "This host has no keys of tokens." "Start it with `--token-keys`.",
    TokenKeysInvalid "token_keys_invalid" "The keys of tokens can't be used." "Correct the file of keys; the message names the key.",
    TokenMalformed "token_malformed" "The text is no portable token of a version that this host knows." "Ask for a new token.",
    TokenKeyUnknown "token_key_unknown" "The token names a key that this host does not have, or not for this use." "Add the key to the file of keys, or ask for a new token.",
    TokenForged "token_forged" "The signature or the encryption of a token does not fit." "Ask for a new token.",
    TokenExpired "token_expired" "The token's time is over." "Ask for a new token.",
    TokenForeign "token_foreign" "The token belongs to another shop." "Use tokens of this shop.",
    PairingCodeMalformed "pairing_code_malformed" "The text is no pairing code." "Scan or type it again.",
    PairingCodeUnknown "pairing_code_unknown" "The pairing code was used, has expired, or was never given." "Show a new code.",
    IdentityHashKeyMissing "identity_hash_key_missing" "This host has no key with which to hash identities." "Start it with `--identity-key`.",
    IdentityKeyInvalid "identity_key_invalid" "An e-mail address, phone number, customer number or CPF is not valid." "Correct it; the message says what is wrong, and never repeats the key.",
    ConsentMappingInvalid "consent_mapping_invalid" "The table of consents in the policy file can't be used." "Correct what stands under `host`; the message says what is wrong.",
    TcfMalformed "tcf_malformed" "The text is no consent string of the IAB's framework." "Send the string that the consent platform gives, whole.",
    TcfVersionUnsupported "tcf_version_unsupported" "The consent string has another version than 2." "Update the consent platform; strings of v2.2 and v2.3 are read.",
    GoogleConsentMalformed "google_consent_malformed" "A state of Google Consent Mode is neither granted nor denied." "Send the words `granted` and `denied`.",
    Internal "internal" "The host itself failed." "Report it, with the log.",
}

impl fmt::Display for HostErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of the host: a stable code for programs, a sentence for people, and what caused it.
pub struct HostError(Box<Inner>);

struct Inner {
    code: HostErrorCode,
    message: String,
    module_code: Option<String>,
    field: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl HostError {
    pub(crate) fn new(code: HostErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        HostError(Box::new(Inner { code, message, module_code: None, field: String::new(), source: None }))
    }

    /// A file of requests that can't be opened or read.
    pub fn requests_unreadable(path: &Path, error: io::Error) -> Self {
        let text = format!("the requests `{}` can't be read: {error}", path.display());
        HostError::new(HostErrorCode::RequestsUnreadable, text).with_source(error)
    }

    /// A file of responses that can't be created or written.
    pub fn responses_unwritable(path: &Path, error: io::Error) -> Self {
        let text = format!("the responses `{}` can't be written: {error}", path.display());
        HostError::new(HostErrorCode::ResponsesUnwritable, text).with_source(error)
    }

    /// A file that the module refused and that does not even begin like a model.
    pub fn no_model_file(path: &Path, refusal: HostError) -> Self {
        let code = refusal.module_code().unwrap_or_default();
        let text = format!("`{}` is no Unisono model file (the module says `{code}`)", path.display());
        HostError::new(HostErrorCode::ModelRefused, text).with_source(refusal)
    }

    /// Something of the host's surroundings that should never fail.
    pub fn internal(what: &str, error: impl StdError + Send + Sync + 'static) -> Self {
        HostError::new(HostErrorCode::Internal, format!("{what}: {error}")).with_source(error)
    }

    /// The same once more, for another caller whom it concerns, without its cause.
    #[cfg(feature = "redb")]
    pub(crate) fn again(&self) -> Self {
        let Inner { code, message, module_code, field, .. } = &*self.0;
        let (message, module_code, field) = (message.clone(), module_code.clone(), field.clone());
        HostError(Box::new(Inner { code: *code, message, module_code, field, source: None }))
    }

    /// Names what of a request it is about.
    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = field.into();
        self
    }

    /// The same error, whose field lies within another one.
    pub(crate) fn within(self, outer: &str) -> Self {
        let field = match self.0.field.as_str() {
            "" => outer.to_owned(),
            inner => format!("{outer}.{inner}"),
        };
        self.in_field(field)
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Takes over what the module said in its in-band error.
    pub(crate) fn with_module_error(mut self, code: impl Into<String>, field: impl Into<String>) -> Self {
        self.0.module_code = Some(code.into());
        self.0.field = field.into();
        self
    }

    /// The stable word, `snake_case`, as in [`HostErrorCode::as_str`].
    pub fn code(&self) -> &'static str {
        self.0.code.as_str()
    }

    /// The same as a value to match on.
    pub fn kind(&self) -> HostErrorCode {
        self.0.code
    }

    /// The code that the module itself gave, where the host passes its refusal on (`model_refused`).
    pub fn module_code(&self) -> Option<&str> {
        self.0.module_code.as_deref()
    }

    /// The field that the module named with [`HostError::module_code`]; empty where there is none.
    pub fn field(&self) -> &str {
        &self.0.field
    }

    /// What is wrong and what to do about it.
    pub fn message(&self) -> String {
        // Where the module refused something, its own code knows better what helps.
        let of_module = ErrorCode::ALL.iter().find(|code| self.module_code() == Some(code.as_str()));
        let remedy = of_module.map_or(self.0.code.remedy(), |code| code.remedy());
        format!("{}; {}", self.0.message, lower_first(remedy))
    }

    /// Whether the same call may succeed a little later: the host was busy, an instance is being rebuilt, or
    /// the store is away or full.
    pub fn is_retryable(&self) -> bool {
        use HostErrorCode::{GuestTrapped, HostOverloaded, StoreConflict, StoreFull, StoreUnavailable};
        matches!(self.0.code, HostOverloaded | GuestTrapped | StoreConflict | StoreFull | StoreUnavailable)
    }

    /// Whether the module ran out of its time.
    pub fn is_deadline(&self) -> bool {
        self.0.code == HostErrorCode::DeadlineExceeded
    }

    /// Whether the module misbehaved, so that its instance was thrown away.
    pub fn is_guest_fault(&self) -> bool {
        use HostErrorCode::{DeadlineExceeded, GuestBadResult, GuestMemoryLimit, GuestTrapped};
        matches!(self.0.code, GuestTrapped | GuestMemoryLimit | GuestBadResult | DeadlineExceeded)
    }

    /// Whether the module file itself is unfit for this host.
    pub fn is_module_unfit(&self) -> bool {
        use HostErrorCode as C;
        matches!(
            self.0.code,
            C::ModuleTooLarge
                | C::ModuleInvalid
                | C::ModuleHasImports
                | C::ModuleExportMissing
                | C::ModuleExportType
                | C::ModuleMemoryTooLarge
                | C::ModuleStartFailed
                | C::AbiVersionUnsupported
        )
    }
}

/// Remedies are sentences of a table; after a semicolon they go on in lower case.
fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.message())
    }
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostError({self}")?;
        if let Some(source) = &self.0.source {
            write!(f, ", caused by {source:?}")?;
        }
        f.write_str(")")
    }
}

impl StdError for HostError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
