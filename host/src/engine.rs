//! The wasmtime engine: one deterministic configuration, spelled out.

use wasmtime::wasmparser::WasmFeatures;
use wasmtime::{Config, Engine, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::builder::Settings;
use crate::error::{HostError, HostErrorCode};
use crate::limits;

/// What a module may use. Everything else, relaxed SIMD, threads and whatever wasmtime turns on by default one day
/// included, is refused while the module is read, so that the same file never means two things.
fn allowed_features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::FLOATS
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        // An encoding only: LLVM pads the table index of indirect calls once bulk memory is on.
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::SIMD
}

pub(crate) fn build(settings: &Settings) -> Result<Engine, HostError> {
    let mut config = Config::new();
    config.wasm_features(WasmFeatures::all(), false);
    config.wasm_features(allowed_features(), true);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits::STACK_BYTES_MAX);
    config.memory_init_cow(true);
    config.cranelift_opt_level(OptLevel::Speed);
    // The module leaves most inlining to whoever compiles it, for the sake of its size.
    config.compiler_inlining(Inlining::Yes);
    // NaN never reaches an output (the core sees to it), and canonicalising costs four to six times on float loops.
    config.cranelift_nan_canonicalization(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    Engine::new(&config).map_err(|e| {
        let text = format!("this machine can't reserve {} instances: {e:#}", settings.instances);
        HostError::new(HostErrorCode::InvalidConfig, text).with_source(e)
    })
}

/// Room for three whole sets of instances: those that decide on an old model, those that decide on the current one, those
/// that a swap fills beside them; and one that is being rebuilt.
fn pool(settings: &Settings) -> PoolingAllocationConfig {
    let slots = u32::try_from(settings.instances.saturating_mul(3).saturating_add(1)).unwrap_or(u32::MAX);
    // The store's limiter keeps each instance to its own limit; here is only the room that is reserved, not used.
    let memory_bytes = usize::try_from(limits::MEMORY_BYTES_MAX).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .max_memory_size(memory_bytes)
        .table_elements(limits::TABLE_ELEMENTS_MAX);
    pool
}
