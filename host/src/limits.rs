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
/// Events of one `POST /v1/events`.
pub const EVENTS_MAX: usize = 10_000;
/// Consents, traits or links of one request.
pub const REGISTERS_MAX: usize = 1_000;
/// Profiles that one write of a batch holds.
pub const UPDATE_PROFILES_MAX: usize = 256;
/// Such writes of one batch that are under way at once: while one waits for the disk, another is computed.
pub const UPDATE_LANES: usize = 2;
/// Profiles of a write that more threads than the caller's compute; fewer are done before another would begin.
pub const UPDATE_SHARED_MIN: usize = 8;
/// How often an update reads, computes and writes anew because another writer was faster.
pub const UPDATE_ROUNDS_MAX: u32 = 256;
/// The longest pause between two such rounds, in milliseconds; it grows by one each time.
pub const UPDATE_PAUSE_MS_MAX: u64 = 20;
/// Bytes of the embedded store's file that are kept in memory.
pub const STORE_CACHE_BYTES: usize = 256 * 1024 * 1024;
/// Writes that one transaction of the embedded store gathers.
pub const STORE_GROUP_MAX: usize = 1_024;
/// Bytes after which such a transaction is closed.
pub const STORE_GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of one transaction while a store is copied or restored.
pub const STORE_COPY_BYTES: usize = 16 * 1024 * 1024;
/// Milliseconds that counts wait until they are written, by themselves or with what is written then.
pub const COUNT_MS_MAX: u64 = 1_000;
/// Hashes over which a Redis store spreads its profiles; the number is part of the schema.
pub const REDIS_BUCKETS: u16 = 1_024;
/// Commands that are sent to Redis at once.
pub const REDIS_PIPELINE_MAX: usize = 64;
/// Connections to Redis that are kept open unused.
pub const REDIS_CONNECTIONS_IDLE: usize = 64;
/// Milliseconds that connecting to Redis may take.
pub const REDIS_CONNECT_MS_MAX: u64 = 2_000;
/// Milliseconds that an answer of Redis may take.
pub const REDIS_RESPONSE_MS_MAX: u64 = 5_000;
/// Milliseconds during which a call tries to reach Redis again before it fails.
pub const REDIS_RETRY_MS_MAX: u64 = 2_000;
/// Milliseconds between two such tries.
pub const REDIS_RETRY_PAUSE_MS: u64 = 50;
/// Bytes of a file of keys.
pub const KEYS_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a portable token that the host reads, the largest payload of the module, signed and encrypted.
pub const TOKEN_CHARACTERS_MAX: usize = 24 * 1024;
/// Milliseconds for which a pairing code is good.
pub const PAIRING_MS: u64 = 600_000;
/// Bytes of what a pairing QR code or link holds, its address included.
pub const PAIRING_TEXT_BYTES_MAX: usize = 100;
/// Bytes of the key with which identity keys are hashed, at least.
pub const IDENTITY_KEY_BYTES_MIN: usize = 32;
/// Bytes of an identity key as it is given.
pub const IDENTITY_INPUT_BYTES_MAX: usize = 320;
/// Identities of one request that asks for their profile ids.
pub const IDENTITIES_MAX: usize = 1_000;
/// Bytes of a policy file.
pub const POLICY_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an IAB TCF string.
pub const TCF_CHARACTERS_MAX: usize = 16 * 1024;
/// Characters of a token, unless the request says otherwise.
pub const TOKEN_CHARACTERS_DEFAULT: usize = 2_048;
/// Milliseconds that a token is good for, unless the request says otherwise: a week.
pub const TOKEN_MS_DEFAULT: i64 = 7 * 24 * 60 * 60 * 1000;
