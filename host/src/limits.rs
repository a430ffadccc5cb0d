//! Every limit of the host, by name. Limits of the work itself (bytes of a request, events, placements) are the module's
//! and live in `unisono_message::limits`; here are those of time, memory and concurrency, which only a host can have.

/// Bytes of a module file.
pub const MODULE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one result that the host copies out of an instance.
pub const RESULT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Milliseconds that one call may take, unless the builder says otherwise.
pub const DEADLINE_MS_DEFAULT: u64 = 1_000;
/// The longest deadline that the builder accepts, in milliseconds: one hour.
pub const DEADLINE_MS_MAX: u64 = 3_600_000;
/// Milliseconds that starting an instance and loading a model into it may take, unless the builder says otherwise.
pub const LOAD_DEADLINE_MS_DEFAULT: u64 = 60_000;
/// Bytes of linear memory that one instance may use, unless the builder says otherwise. It costs nothing until used.
pub const MEMORY_BYTES_DEFAULT: u64 = 1024 * 1024 * 1024;
/// The most linear memory of a 32-bit module, in bytes.
pub const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// The least that the builder accepts, in bytes.
pub const MEMORY_BYTES_MIN: u64 = 64 * 1024;
/// Instances of one host.
pub const INSTANCES_MAX: usize = 256;
/// Milliseconds that a call waits for a free instance, unless the builder says otherwise.
pub const WAIT_MS_DEFAULT: u64 = 1_000;
/// Callers that may wait for a free instance at once, unless the builder says otherwise.
pub const WAITERS_DEFAULT: usize = 64;
/// Bytes of the guest's stack.
pub const STACK_BYTES_MAX: usize = 512 * 1024;
/// Elements of the module's one table.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;
/// The ticker that enforces deadlines ticks this many times within one deadline, but at least once in [`TICK_MS_MAX`].
pub const TICKS_PER_DEADLINE: u64 = 20;
/// The longest time between two ticks, in milliseconds.
pub const TICK_MS_MAX: u64 = 50;
/// The first pause after a rebuild that failed, in milliseconds; it doubles up to [`REBUILD_PAUSE_MS_MAX`].
pub const REBUILD_PAUSE_MS_MIN: u64 = 10;
/// The longest pause between two attempts to rebuild an instance, in milliseconds.
pub const REBUILD_PAUSE_MS_MAX: u64 = 10_000;
/// Nesting of arrays and maps that the transcoder follows.
pub const TRANSCODE_DEPTH_MAX: usize = 128;
/// Milliseconds that one HTTP request may take from its first byte to the last of its answer's head.
pub const HTTP_REQUEST_MS_DEFAULT: u64 = 30_000;
/// Bytes of a body over its limit that the host still reads and throws away, so that the sender gets to read the refusal.
pub const BODY_DRAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Milliseconds that a graceful shutdown waits for running requests.
pub const SHUTDOWN_MS_MAX: u64 = 10_000;
/// Lines of one batch chunk, the unit that a worker takes.
pub const BATCH_CHUNK_LINES_MAX: usize = 64;
/// Bytes after which a batch chunk is closed, whatever its lines.
pub const BATCH_CHUNK_BYTES: usize = 1024 * 1024;
/// Chunks under way for each worker; with the two limits above it bounds the memory of a batch.
pub const BATCH_CHUNKS_PER_WORKER: usize = 2;
/// Modules whose machine code a cache folder keeps; the ones written longest ago go first.
pub const CACHE_MODULES_MAX: usize = 16;
