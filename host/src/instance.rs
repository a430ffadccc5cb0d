//! One instance of the module with one model in it. It serves one call at a time, and is thrown away after any fault.
//!
//! Nothing that the guest returns is believed: pointers and lengths are checked against its memory, replies are decoded
//! with bounds, and every call runs under a deadline and a memory limit.

use std::sync::Arc;

use serde::Deserialize;
use wasmtime::{InstancePre, Memory, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, Trap, TypedFunc};
use wasmtime::{WasmParams, WasmResults};

use crate::error::{HostError, HostErrorCode};
use crate::hex::is_sha256_hex;
use crate::limits;
use crate::module_check::ABI_VERSION;
use unisono_message::limits::ALLOC_BYTES_MAX;

/// What the host remembers of a guest while it runs.
pub(crate) struct Guest {
    limits: StoreLimits,
    // Whether a limit stood in the guest's way during this call: it tells a trap for want of memory from any other.
    denied: bool,
}

impl Guest {
    fn new(memory_bytes_max: u64) -> Self {
        let bytes = usize::try_from(memory_bytes_max).unwrap_or(usize::MAX);
        let limits = StoreLimitsBuilder::new()
            .memory_size(bytes)
            .table_elements(limits::TABLE_ELEMENTS_MAX)
            .instances(1)
            .tables(1)
            .memories(1)
            .build();
        Guest { limits, denied: false }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = self.limits.memory_growing(current, desired, maximum)?;
        self.denied |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// Time limits of an instance, in ticks of the ticker.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) call_ticks: u64,
    pub(crate) load_ticks: u64,
}

struct Exports {
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<(u32, u32), ()>,
    load_model: TypedFunc<(u32, u32), u64>,
    load_policy: TypedFunc<(u32, u32), u64>,
    recommend: TypedFunc<(u32, u32, u32, u32), u64>,
    profile_apply: TypedFunc<(u32, u32, u32), u64>,
    profile_merge: TypedFunc<(u32, u32), u64>,
    profile_erase: TypedFunc<(u32, u32), u64>,
    profile_export: TypedFunc<(u32, u32, u32), u64>,
    profile_component: TypedFunc<(u32, u32), u64>,
    token_write: TypedFunc<(u32, u32, u32), u64>,
    token_apply: TypedFunc<(u32, u32, u32), u64>,
}

/// Which function of the module a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Recommend,
    ProfileApply,
    ProfileMerge,
    ProfileErase,
    ProfileExport,
    ProfileComponent,
    TokenWrite,
    TokenApply,
}

/// What an instance is started with.
pub(crate) struct Content<'a> {
    pub(crate) model: &'a [u8],
    /// MessagePack; none for the default policy.
    pub(crate) policy: Option<&'a [u8]>,
}

/// The handle of the default policy.
const DEFAULT_POLICY: u32 = 0;

pub(crate) struct Instance {
    store: Store<Guest>,
    memory: Memory,
    exports: Exports,
    deadlines: Deadlines,
    handle: u32,
    model_id: Arc<str>,
    policy: u32,
    policy_id: Option<Arc<str>>,
}

impl Instance {
    /// Starts an instance and loads the model and the policy into it.
    pub(crate) fn start(
        pre: &InstancePre<Guest>,
        memory_bytes_max: u64,
        deadlines: Deadlines,
        content: &Content<'_>,
    ) -> Result<Self, HostError> {
        let mut store = Store::new(pre.module().engine(), Guest::new(memory_bytes_max));
        store.limiter(|guest| guest);
        store.set_epoch_deadline(deadlines.load_ticks);
        let started = pre.instantiate(&mut store).map_err(|e| start_failed(&store, e))?;
        let exports = Exports {
            alloc: typed(&mut store, &started, "alloc")?,
            free: typed(&mut store, &started, "free")?,
            load_model: typed(&mut store, &started, "load_model")?,
            load_policy: typed(&mut store, &started, "load_policy")?,
            recommend: typed(&mut store, &started, "recommend")?,
            profile_apply: typed(&mut store, &started, "profile_apply")?,
            profile_merge: typed(&mut store, &started, "profile_merge")?,
            profile_erase: typed(&mut store, &started, "profile_erase")?,
            profile_export: typed(&mut store, &started, "profile_export")?,
            profile_component: typed(&mut store, &started, "profile_component")?,
            token_write: typed(&mut store, &started, "token_write")?,
            token_apply: typed(&mut store, &started, "token_apply")?,
        };
        let abi_version: TypedFunc<(), u32> = typed(&mut store, &started, "abi_version")?;
        let memory = started.get_memory(&mut store, "memory").ok_or_else(|| {
            HostError::new(HostErrorCode::ModuleExportMissing, "the module has no export `memory`".to_owned())
        })?;
        let version = abi_version.call(&mut store, ()).map_err(|e| start_failed(&store, e))?;
        if version != ABI_VERSION {
            let text = format!("the module speaks version {version} of the ABI, this host version {ABI_VERSION}");
            return Err(HostError::new(HostErrorCode::AbiVersionUnsupported, text));
        }
        let mut instance = Instance {
            store,
            memory,
            exports,
            deadlines,
            handle: 0,
            model_id: Arc::from(""),
            policy: DEFAULT_POLICY,
            policy_id: None,
        };
        instance.load(content.model)?;
        content.policy.map_or(Ok(()), |policy| instance.load_policy(policy))?;
        Ok(instance)
    }

    /// SHA-256 of the policy as the module reports it; none for the default policy.
    pub(crate) fn policy_id(&self) -> Option<&Arc<str>> {
        self.policy_id.as_ref()
    }

    /// SHA-256 of the model, 64 hexadecimal digits, as the module reports it.
    pub(crate) fn model_id(&self) -> &Arc<str> {
        &self.model_id
    }

    /// Bytes of linear memory that the instance holds now.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// One call: the request in, the result out, both buffers given back.
    pub(crate) fn call(&mut self, call: Call, input: &[u8]) -> Result<Vec<u8>, HostError> {
        self.store.data_mut().denied = false;
        self.store.set_epoch_deadline(self.deadlines.call_ticks);
        let (pointer, length) = self.write(input)?;
        // An empty input still has a buffer, so that no function ever sees a null pointer.
        let input_length = to_u32(input.len())?;
        let packed = match call {
            Call::Recommend => {
                let function = self.exports.recommend.clone();
                self.run("recommend", &function, (self.handle, self.policy, pointer, input_length))?
            }
            Call::ProfileApply => {
                let function = self.exports.profile_apply.clone();
                self.run("profile_apply", &function, (self.policy, pointer, input_length))?
            }
            Call::ProfileMerge => {
                let function = self.exports.profile_merge.clone();
                self.run("profile_merge", &function, (pointer, input_length))?
            }
            Call::ProfileErase => {
                let function = self.exports.profile_erase.clone();
                self.run("profile_erase", &function, (pointer, input_length))?
            }
            Call::ProfileExport => {
                let function = self.exports.profile_export.clone();
                self.run("profile_export", &function, (self.policy, pointer, input_length))?
            }
            Call::ProfileComponent => {
                let function = self.exports.profile_component.clone();
                self.run("profile_component", &function, (pointer, input_length))?
            }
            Call::TokenWrite => {
                let function = self.exports.token_write.clone();
                self.run("token_write", &function, (self.policy, pointer, input_length))?
            }
            Call::TokenApply => {
                let function = self.exports.token_apply.clone();
                self.run("token_apply", &function, (self.policy, pointer, input_length))?
            }
        };
        let result = self.take_result(packed)?;
        self.free(pointer, length)?;
        Ok(result)
    }

    fn load(&mut self, model: &[u8]) -> Result<(), HostError> {
        self.store.set_epoch_deadline(self.deadlines.load_ticks);
        if model.len() > ALLOC_BYTES_MAX {
            let text = format!("the model has {} bytes, the limit is {ALLOC_BYTES_MAX}", model.len());
            return Err(HostError::new(HostErrorCode::ModelTooLarge, text));
        }
        let (pointer, _) = self.write(model).map_err(|e| match e.kind() {
            HostErrorCode::AllocationRefused => {
                let text = format!("the module finds no room for a model of {} bytes", model.len());
                HostError::new(HostErrorCode::ModelTooLarge, text).with_source(e)
            }
            _ => e,
        })?;
        // The module owns the buffer from here, also when it refuses the model.
        let function = self.exports.load_model.clone();
        let packed = self.run("load_model", &function, (pointer, to_u32(model.len())?))?;
        (self.handle, self.model_id) = LoadReply::decode("load_model", &self.take_result(packed)?)?;
        Ok(())
    }

    fn load_policy(&mut self, policy: &[u8]) -> Result<(), HostError> {
        let (pointer, length) = self.write(policy)?;
        let function = self.exports.load_policy.clone();
        let packed = self.run("load_policy", &function, (pointer, to_u32(policy.len())?))?;
        let (handle, policy_id) = LoadReply::decode("load_policy", &self.take_result(packed)?)?;
        self.free(pointer, length)?;
        (self.policy, self.policy_id) = (handle, Some(policy_id));
        Ok(())
    }

    /// Copies the bytes into a buffer of the module; returns its pointer and the length to free it with.
    fn write(&mut self, bytes: &[u8]) -> Result<(u32, u32), HostError> {
        let length = to_u32(bytes.len())?.max(1);
        let alloc = self.exports.alloc.clone();
        let pointer = self.run("alloc", &alloc, length)?;
        if pointer == 0 {
            let text = format!("the module refuses a buffer of {length} bytes");
            return Err(HostError::new(HostErrorCode::AllocationRefused, text));
        }
        self.memory.write(&mut self.store, to_usize(pointer), bytes).map_err(|e| {
            let text = format!("`alloc` returned a buffer outside the memory, at {pointer} of {length} bytes");
            HostError::new(HostErrorCode::GuestBadResult, text).with_source(e)
        })?;
        Ok((pointer, length))
    }

    /// Copies a result out, `(pointer << 32) | length`, and gives its buffer back.
    fn take_result(&mut self, packed: u64) -> Result<Vec<u8>, HostError> {
        let (pointer, length) = unpack(packed);
        let (start, count) = (to_usize(pointer), to_usize(length));
        if count == 0 || count > limits::RESULT_BYTES_MAX {
            let text = format!("the module returned a result of {length} bytes");
            return Err(HostError::new(HostErrorCode::GuestBadResult, text));
        }
        let memory = self.memory.data(&self.store);
        let bytes = start.checked_add(count).and_then(|end| memory.get(start..end)).ok_or_else(|| {
            let text = format!("the module returned a result outside its memory, at {pointer} of {length} bytes");
            HostError::new(HostErrorCode::GuestBadResult, text)
        })?;
        let result = bytes.to_vec();
        self.free(pointer, length)?;
        Ok(result)
    }

    fn free(&mut self, pointer: u32, length: u32) -> Result<(), HostError> {
        let free = self.exports.free.clone();
        self.run("free", &free, (pointer, length))
    }

    fn run<P, R>(&mut self, name: &str, function: &TypedFunc<P, R>, params: P) -> Result<R, HostError>
    where
        P: WasmParams,
        R: WasmResults,
    {
        function.call(&mut self.store, params).map_err(|e| fault(&self.store, name, e))
    }
}

fn typed<P, R>(
    store: &mut Store<Guest>,
    instance: &wasmtime::Instance,
    name: &str,
) -> Result<TypedFunc<P, R>, HostError>
where
    P: WasmParams,
    R: WasmResults,
{
    instance.get_typed_func(store, name).map_err(|e| {
        let text = format!("the export `{name}` can't be called: {e:#}");
        HostError::new(HostErrorCode::ModuleExportType, text).with_source(e)
    })
}

fn start_failed(store: &Store<Guest>, error: wasmtime::Error) -> HostError {
    let text = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => "the module does not finish its start in time".to_owned(),
        Some(_) if store.data().denied => "the module needs more memory for its start than the host grants".to_owned(),
        Some(trap) => format!("the module traps while it starts: {trap}"),
        None => format!("the module does not start: {error:#}"),
    };
    HostError::new(HostErrorCode::ModuleStartFailed, text).with_source(error)
}

fn fault(store: &Store<Guest>, name: &str, error: wasmtime::Error) -> HostError {
    let (code, text) = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => {
            (HostErrorCode::DeadlineExceeded, format!("`{name}` of the module took longer than its deadline"))
        }
        _ if store.data().denied => {
            (HostErrorCode::GuestMemoryLimit, format!("`{name}` of the module trapped for want of memory"))
        }
        Some(trap) => (HostErrorCode::GuestTrapped, format!("`{name}` of the module trapped: {trap}")),
        None => (HostErrorCode::GuestTrapped, format!("`{name}` of the module failed: {error:#}")),
    };
    HostError::new(code, text).with_source(error)
}

/// What `load_model` and `load_policy` answer. Unknown keys are left to later versions of the module.
#[derive(Deserialize)]
struct LoadReply {
    handle: Option<u32>,
    #[serde(alias = "policy_id")]
    model_id: Option<String>,
    error: Option<ModuleError>,
}

#[derive(Deserialize)]
struct ModuleError {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    field: String,
}

impl LoadReply {
    fn decode(name: &str, bytes: &[u8]) -> Result<(u32, Arc<str>), HostError> {
        let bad = |what: &str| HostError::new(HostErrorCode::GuestBadResult, format!("`{name}` answered {what}"));
        let reply: LoadReply =
            rmp_serde::from_slice(bytes).map_err(|e| bad("something that is no reply").with_source(e))?;
        if let Some(error) = reply.error {
            let (what, code) = match name {
                "load_policy" => ("policy", HostErrorCode::PolicyRefused),
                _ => ("model", HostErrorCode::ModelRefused),
            };
            let text = format!("the module refuses the {what}: `{}`, {}", error.code, error.message);
            return Err(HostError::new(code, text).with_module_error(error.code, error.field));
        }
        let handle = reply.handle.ok_or_else(|| bad("without a handle"))?;
        let model_id = reply.model_id.ok_or_else(|| bad("without an id"))?;
        if !is_sha256_hex(&model_id) {
            return Err(bad("with an id that is no SHA-256"));
        }
        Ok((handle, model_id.into()))
    }
}

fn to_u32(length: usize) -> Result<u32, HostError> {
    u32::try_from(length).map_err(|_| {
        HostError::new(HostErrorCode::LimitExceeded, format!("{length} bytes don't fit a 32-bit module").to_owned())
    })
}

fn to_usize(number: u32) -> usize {
    // A host with pointers of less than 32 bits could not hold the guest's memory in the first place.
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn unpack(packed: u64) -> (u32, u32) {
    let half = |value: u64| u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (half(packed >> 32), half(packed))
}
