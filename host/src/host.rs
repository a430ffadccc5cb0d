//! A running host: a set of instances with one model, decisions on any of them, and a thread that replaces those that
//! were lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use unisono_message::limits::{APPLY_BYTES_MAX, MERGE_BYTES_MAX, REQUEST_BYTES_MAX};
use wasmtime::{InstancePre, Linker};

use crate::builder::{Settings, model_within};
use crate::cache::{self, CodeOrigin};
use crate::epoch::Ticker;
use crate::error::{HostError, HostErrorCode};
use crate::hex::sha256_hex;
use crate::instance::{Call, Content, Deadlines, Guest, Instance};
use crate::loading::{LoadedModel, start_all};
use crate::pool::{Lease, Pool, WaitLimits};
use crate::profiles::ProfileCalls;
use crate::{engine, limits, module_check};

/// Runs one module with one model. Cheap to clone; all clones share the instances. Calls may come from any number of
/// threads; each blocks its thread until its answer is there.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
}

/// A response with the ids of what made it. The ids are those of the instance that answered, also while a swap is under
/// way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The module's response, MessagePack, to the byte.
    pub response: Vec<u8>,
    /// SHA-256 of the module, 64 hexadecimal digits.
    pub module_id: Arc<str>,
    /// SHA-256 of the model, 64 hexadecimal digits.
    pub model_id: Arc<str>,
}

/// How a host fares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether at least one instance can serve.
    pub ready: bool,
    /// SHA-256 of the module.
    pub module_id: Arc<str>,
    /// SHA-256 of the model that new calls are decided on.
    pub model_id: Arc<str>,
    /// Instances that the host was told to keep.
    pub instances: usize,
    /// Of these, how many are free.
    pub idle: usize,
    /// How many serve a call.
    pub busy: usize,
    /// How many were lost and are being rebuilt.
    pub rebuilding: usize,
    /// Calls that wait for an instance.
    pub waiting: usize,
    /// Bytes of linear memory of the free instances.
    pub memory_bytes_idle: usize,
    /// Calls that were answered since the start.
    pub answered: u64,
    /// Faults of instances since the start: traps, missed deadlines, nonsense returned.
    pub faults: u64,
    /// Instances rebuilt after a fault since the start.
    pub rebuilt: u64,
    /// Why the newest rebuild failed, if it did.
    pub rebuild_error: Option<String>,
    /// Where the module's machine code came from.
    pub code_origin: CodeOrigin,
}

struct Shared {
    settings: Settings,
    module: Arc<[u8]>,
    module_id: Arc<str>,
    code_origin: CodeOrigin,
    pre: InstancePre<Guest>,
    deadlines: Deadlines,
    pool: Pool,
    model: Mutex<LoadedModel>,
    // Held while a swap loads beside, so that two of them never fill the pool at once.
    swap: Mutex<()>,
    // Asks for an instance of this generation.
    rebuild: Sender<u64>,
    answered: AtomicU64,
    faults: AtomicU64,
    rebuilt: AtomicU64,
    rebuild_error: Mutex<Option<String>>,
    _ticker: Ticker,
}

impl Host {
    pub(crate) fn start(module: Vec<u8>, model: Vec<u8>, settings: Settings) -> Result<Self, HostError> {
        let module_id = sha256_hex(&module);
        let engine = engine::build(&settings)?;
        let (compiled, code_origin) = cache::module(&engine, settings.cache_dir.as_deref(), &module, &module_id)?;
        module_check::check(&compiled, settings.memory_bytes_max)?;
        let pre = Linker::new(&engine).instantiate_pre(&compiled).map_err(|e| {
            HostError::new(HostErrorCode::ModuleInvalid, format!("the module can't be linked: {e:#}")).with_source(e)
        })?;
        let ticker = Ticker::start(&engine, settings.deadline_ms.min(settings.load_deadline_ms))?;
        let deadlines = Deadlines {
            call_ticks: ticker.ticks(settings.deadline_ms),
            load_ticks: ticker.ticks(settings.load_deadline_ms),
        };
        let instances = start_all(&pre, &settings, deadlines, &content(&model, &settings))?;
        let model = LoadedModel::new(model, &instances, 0)?;
        let limits = WaitLimits { wait_ms: settings.wait_ms_max, waiters: settings.waiters_max };
        let (rebuild, requests) = mpsc::channel();
        let shared = Arc::new(Shared {
            settings,
            module: module.into(),
            module_id: module_id.into(),
            code_origin,
            pre,
            deadlines,
            pool: Pool::new(instances, limits),
            model: Mutex::new(model),
            swap: Mutex::new(()),
            rebuild,
            answered: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            rebuilt: AtomicU64::new(0),
            rebuild_error: Mutex::new(None),
            _ticker: ticker,
        });
        let weak = Arc::downgrade(&shared);
        let rebuilding = move || rebuild_when_told(&weak, &requests);
        thread::Builder::new().name("unisono-rebuild".into()).spawn(rebuilding).map_err(|e| {
            HostError::new(HostErrorCode::Internal, format!("the rebuilding thread does not start: {e}")).with_source(e)
        })?;
        Ok(Host { shared })
    }

    /// Decides one request, MessagePack in and MessagePack out. What is wrong with the request itself comes back inside
    /// the response, as `{"request_id", "error": {"code", "message", "field"}}`.
    ///
    /// # Errors
    /// `host_overloaded`, `deadline_exceeded`, `guest_trapped`, `guest_memory_limit`, `guest_bad_result`,
    /// `allocation_refused`, `limit_exceeded`.
    pub fn decide(&self, request: &[u8]) -> Result<Vec<u8>, HostError> {
        self.decide_with_ids(request).map(|decision| decision.response)
    }

    /// As [`Host::decide`], with the ids of the module and of the model that answered.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn decide_with_ids(&self, request: &[u8]) -> Result<Decision, HostError> {
        within("the request", request, REQUEST_BYTES_MAX)?;
        self.call(Call::Recommend, request)
    }

    /// Applies events, consents, traits and links to a profile state, as the module's `profile_apply` does: `{"now_ms",
    /// "state", "events", ..}` in, `{"state", "results", ..}` out, both MessagePack. The host looks into neither.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn profile_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, APPLY_BYTES_MAX)?;
        self.call(Call::ProfileApply, input).map(|decision| decision.response)
    }

    /// Merges profile states, as the module's `profile_merge` does: `{"states": [..]}` in, `{"state"}` out.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn profile_merge(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, MERGE_BYTES_MAX)?;
        self.call(Call::ProfileMerge, input).map(|decision| decision.response)
    }

    /// Erases what a profile state holds up to a moment, as the module's `profile_erase` does: `{"state", "ts_ms",
    /// "now_ms"}` in, `{"state"}` out.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn profile_erase(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, APPLY_BYTES_MAX)?;
        self.call(Call::ProfileErase, input).map(|decision| decision.response)
    }

    /// Writes a profile state as people read it, as the module's `profile_export` does: `{"profile_id", "state", "now_ms",
    /// "purpose"?}` in.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn profile_export(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, APPLY_BYTES_MAX)?;
        self.call(Call::ProfileExport, input).map(|decision| decision.response)
    }

    /// Finds the profiles of one customer, as the module's `profile_component` does: `{"profile_id", "profiles"}` in,
    /// `{"profile_ids", "needs", ..}` out.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn profile_component(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, MERGE_BYTES_MAX)?;
        self.call(Call::ProfileComponent, input).map(|decision| decision.response)
    }

    /// Writes the payload of a portable token, as the module's `token_write` does: `{"state", "now_ms", "expires_ms", "shop",
    /// "key_id", "bytes_max"?}` in, `{"payload"}` out. [`crate::token`] signs it.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn token_write(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, APPLY_BYTES_MAX)?;
        self.call(Call::TokenWrite, input).map(|decision| decision.response)
    }

    /// Joins what a portable token carries, as the module's `token_apply` does: `{"state", "payload", "now_ms", "shop"}` in,
    /// `{"state"}` out. [`crate::token`] checks the signature before.
    ///
    /// # Errors
    /// Those of [`Host::decide`].
    pub fn token_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        within("the input", input, APPLY_BYTES_MAX)?;
        self.call(Call::TokenApply, input).map(|decision| decision.response)
    }

    /// SHA-256 of the policy as the module reports it, 64 hexadecimal digits; none for the default policy.
    pub fn policy_id(&self) -> Option<Arc<str>> {
        lock(&self.shared.model).policy_id.clone()
    }

    /// Loads another model beside the current one, into as many new instances, and switches when all of them have it.
    /// Calls under way finish on the old model; while both are loaded, both take memory. Returns the new model's id.
    ///
    /// # Errors
    /// Those of loading; the old model then stays.
    pub fn swap_model(&self, model: impl Into<Vec<u8>>) -> Result<Arc<str>, HostError> {
        let model = model_within(model.into())?;
        let shared = &self.shared;
        let _one_at_a_time = lock(&shared.swap);
        let instances = start_all(&shared.pre, &shared.settings, shared.deadlines, &content(&model, &shared.settings))?;
        let mut loaded = LoadedModel::new(model, &instances, 0)?;
        let model_id = loaded.model_id.clone();
        shared.pool.switch(instances, |generation| {
            loaded.generation = generation;
            *lock(&shared.model) = loaded;
        });
        tracing::info!(model_id = %model_id, "switched to another model");
        Ok(model_id)
    }

    /// SHA-256 of the module's bytes, 64 hexadecimal digits.
    pub fn module_id(&self) -> &str {
        &self.shared.module_id
    }

    /// The id of the model that new calls are decided on, 64 hexadecimal digits.
    pub fn model_id(&self) -> Arc<str> {
        lock(&self.shared.model).model_id.clone()
    }

    /// The module's bytes, for those who fetch it from this host.
    pub fn module_bytes(&self) -> Arc<[u8]> {
        self.shared.module.clone()
    }

    /// The model's bytes, for those who fetch it from this host.
    pub fn model_bytes(&self) -> Arc<[u8]> {
        lock(&self.shared.model).bytes.clone()
    }

    /// SHA-256 of the model's file, 64 hexadecimal digits. The model's id is another: it names what is in the file.
    pub fn model_sha256(&self) -> Arc<str> {
        lock(&self.shared.model).sha256.clone()
    }

    /// How many calls the host runs or lets wait at once; more are refused with `host_overloaded`.
    pub fn concurrency_max(&self) -> usize {
        self.shared.settings.instances.saturating_add(self.shared.settings.waiters_max)
    }

    /// How the host fares, now.
    pub fn health(&self) -> Health {
        let shared = &self.shared;
        let counts = shared.pool.counts();
        let instances = shared.settings.instances;
        Health {
            ready: counts.idle + counts.busy > 0,
            module_id: shared.module_id.clone(),
            model_id: self.model_id(),
            instances,
            idle: counts.idle,
            busy: counts.busy,
            rebuilding: instances.saturating_sub(counts.idle + counts.busy),
            waiting: counts.waiting,
            memory_bytes_idle: counts.memory_bytes_idle,
            answered: shared.answered.load(Ordering::Relaxed),
            faults: shared.faults.load(Ordering::Relaxed),
            rebuilt: shared.rebuilt.load(Ordering::Relaxed),
            rebuild_error: lock(&shared.rebuild_error).clone(),
            code_origin: shared.code_origin,
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn loaded_model(&self) -> LoadedModel {
        lock(&self.shared.model).clone()
    }

    fn call(&self, call: Call, input: &[u8]) -> Result<Decision, HostError> {
        let shared = &*self.shared;
        let mut held = Held { shared, lease: Some(shared.pool.take()?) };
        let (result, model_id) = held.run(call, input);
        match result {
            Ok(response) => {
                shared.answered.fetch_add(1, Ordering::Relaxed);
                held.give_back();
                Ok(Decision { response, module_id: shared.module_id.clone(), model_id })
            }
            // Dropping what is held throws the instance away and asks for another.
            Err(e) if e.is_guest_fault() => {
                tracing::warn!(error = %e, "an instance failed, building another");
                Err(e)
            }
            Err(e) => {
                held.give_back();
                Err(e)
            }
        }
    }
}

impl ProfileCalls for Host {
    fn profile_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::profile_apply(self, input)
    }

    fn profile_erase(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::profile_erase(self, input)
    }

    fn profile_export(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::profile_export(self, input)
    }

    fn profile_component(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::profile_component(self, input)
    }

    fn token_write(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::token_write(self, input)
    }

    fn token_apply(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        Host::token_apply(self, input)
    }

    fn decide_with_ids(&self, request: &[u8]) -> Result<Decision, HostError> {
        Host::decide_with_ids(self, request)
    }

    fn workers(&self) -> usize {
        self.shared.settings.instances
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("module_id", &self.module_id()).field("model_id", &self.model_id()).finish()
    }
}

/// An instance in use. Unless it is given back it counts as lost, also when a panic unwinds past it.
struct Held<'a> {
    shared: &'a Shared,
    lease: Option<Lease>,
}

impl Held<'_> {
    fn run(&mut self, call: Call, input: &[u8]) -> (Result<Vec<u8>, HostError>, Arc<str>) {
        match &mut self.lease {
            Some(lease) => (lease.instance.call(call, input), lease.instance.model_id().clone()),
            None => (Err(HostError::new(HostErrorCode::Internal, "the instance is gone")), Arc::from("")),
        }
    }

    fn give_back(mut self) {
        if let Some(lease) = self.lease.take() {
            self.shared.pool.give_back(lease);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        self.shared.faults.fetch_add(1, Ordering::Relaxed);
        let generation = lease.generation;
        // Its slot in the pool must be free before another instance is asked for.
        drop(lease);
        if self.shared.pool.lost(generation) {
            // The receiver lives as long as `Shared` does.
            let _ = self.shared.rebuild.send(generation);
        }
    }
}

/// Builds an instance for every message, off the path of requests, until the host is gone.
fn rebuild_when_told(weak: &Weak<Shared>, requests: &Receiver<u64>) {
    while let Ok(generation) = requests.recv() {
        let mut pause_ms = limits::REBUILD_PAUSE_MS_MIN;
        while let Some(shared) = weak.upgrade() {
            let Err(e) = rebuild_one(&shared, generation) else { break };
            tracing::error!(error = %e, pause_ms, "an instance can't be rebuilt");
            *lock(&shared.rebuild_error) = Some(e.to_string());
            // The host may go while this thread sleeps.
            drop(shared);
            thread::sleep(Duration::from_millis(pause_ms));
            pause_ms = pause_ms.saturating_mul(2).min(limits::REBUILD_PAUSE_MS_MAX);
        }
    }
}

/// A swap brings a whole new set; then nothing is missing any more, and what was being built is dropped.
fn rebuild_one(shared: &Shared, generation: u64) -> Result<(), HostError> {
    let model = lock(&shared.model).clone();
    if model.generation != generation {
        return Ok(());
    }
    let settings = &shared.settings;
    let content = content(&model.bytes, settings);
    let instance = Instance::start(&shared.pre, settings.memory_bytes_max, shared.deadlines, &content)?;
    *lock(&shared.rebuild_error) = None;
    shared.pool.add(instance, generation, || {
        shared.rebuilt.fetch_add(1, Ordering::Relaxed);
    });
    Ok(())
}

fn content<'a>(model: &'a [u8], settings: &'a Settings) -> Content<'a> {
    Content { model, policy: settings.policy.as_deref() }
}

fn within(what: &str, bytes: &[u8], bytes_max: usize) -> Result<(), HostError> {
    if bytes.len() <= bytes_max {
        return Ok(());
    }
    let text = format!("{what} has {} bytes, the limit is {bytes_max}", bytes.len());
    Err(HostError::new(HostErrorCode::LimitExceeded, text))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
