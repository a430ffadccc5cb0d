//! Profiles in Redis or Valkey, on one server or a cluster. A profile is one field of one of [`REDIS_BUCKETS`] hashes, so
//! that all of them can be walked through in a cluster too; a script of the server compares the version and writes.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redis::cluster::{ClusterClient, ClusterConnection, ClusterPipeline};
use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo};
use redis::{Cmd, Connection, FromRedisValue, Pipeline, RedisError, Value};
use sha2::{Digest, Sha256};

use super::{Change, ProfileStore, Record, SCHEMA_VERSION, StoreStat, Visitor, join, split};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{
    REDIS_BUCKETS, REDIS_CONNECT_MS_MAX, REDIS_CONNECTIONS_IDLE, REDIS_PIPELINE_MAX, REDIS_RESPONSE_MS_MAX,
    REDIS_RETRY_MS_MAX, REDIS_RETRY_PAUSE_MS,
};

/// Writes the new record if the version under the key is the one that was read. ARGV: field, version, record.
const SWAP: &str = "local old = redis.call('HGET', KEYS[1], ARGV[1])\n\
    local version = old and string.sub(old, 1, 8) or string.rep('\\0', 8)\n\
    if version ~= ARGV[2] then return 0 end\n\
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])\n\
    return 1";

/// Fields that one `HSCAN` looks at.
const SCAN_COUNT: u64 = 64;

/// Profiles in Redis or Valkey. Any number of hosts may share them.
pub struct RedisStore {
    client: Client,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<Link>>,
}

enum Client {
    One(redis::Client),
    Cluster(ClusterClient),
}

enum Link {
    One(Box<Connection>),
    Cluster(Box<ClusterConnection>),
}

impl RedisStore {
    /// Connects, and looks whether the server holds profiles of this schema.
    ///
    /// # Errors
    /// `invalid_config` for an address that is none, `store_unavailable`, `store_schema_unsupported`.
    pub fn open(url: &str) -> Result<Self, HostError> {
        let invalid = |e: RedisError| {
            let text = "the address of the Redis store can't be read (redis://127.0.0.1:6379/ would be one)";
            HostError::new(HostErrorCode::InvalidConfig, text).with_source(e)
        };
        let cluster = ["redis+cluster://", "valkey+cluster://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let client = match cluster {
            None => Client::One(redis::Client::open(url).map_err(invalid)?),
            Some(nodes) => {
                let nodes: Vec<String> = nodes.split(',').map(|node| format!("redis://{node}")).collect();
                let timeout = Duration::from_millis(REDIS_RESPONSE_MS_MAX);
                let builder = ClusterClient::builder(nodes)
                    .connection_timeout(Duration::from_millis(REDIS_CONNECT_MS_MAX))
                    .response_timeout(timeout);
                Client::Cluster(builder.build().map_err(invalid)?)
            }
        };
        let store = RedisStore { client, idle: Mutex::new(Vec::new()) };
        let version = SCHEMA_VERSION.to_string();
        let mut set = redis::cmd("SET");
        set.arg("unisono:schema").arg(&version).arg("NX");
        let mut get = redis::cmd("GET");
        get.arg("unisono:schema");
        let found: Option<String> = store.ask(&[set, get])?.into_iter().nth(1).map(decode).transpose()?.flatten();
        if found.as_ref() == Some(&version) {
            return Ok(store);
        }
        let found = found.unwrap_or_default();
        let text = format!("the store has schema `{found}`, this host reads schema {SCHEMA_VERSION}");
        Err(HostError::new(HostErrorCode::StoreSchemaUnsupported, text))
    }

    /// Sends commands, one answer each. When the connection is lost it sends them again over a new one, for a bounded
    /// time: all of them may be done twice.
    fn ask(&self, commands: &[Cmd]) -> Result<Vec<Value>, HostError> {
        let mut answers = Vec::with_capacity(commands.len());
        for part in commands.chunks(REDIS_PIPELINE_MAX) {
            answers.extend(self.with_link(|link| link.ask(part))?);
        }
        if answers.len() == commands.len() {
            return Ok(answers);
        }
        let text = format!("the Redis store gave {} answers to {} commands", answers.len(), commands.len());
        Err(HostError::new(HostErrorCode::StoreInvalid, text))
    }

    fn with_link<T>(&self, mut ask: impl FnMut(&mut Link) -> Result<T, RedisError>) -> Result<T, HostError> {
        let started = Instant::now();
        loop {
            let taken = self.lock().pop();
            let asked = taken.map_or_else(|| self.connect(), Ok).and_then(|mut link| Ok((ask(&mut link)?, link)));
            let e = match asked {
                Ok((answer, link)) => {
                    let mut idle = self.lock();
                    if idle.len() < REDIS_CONNECTIONS_IDLE {
                        idle.push(link);
                    }
                    return Ok(answer);
                }
                Err(e) => e,
            };
            if !is_passing(&e) || started.elapsed() >= Duration::from_millis(REDIS_RETRY_MS_MAX) {
                return Err(failed(e));
            }
            // The others were made before whatever happened, too.
            self.lock().clear();
            thread::sleep(Duration::from_millis(REDIS_RETRY_PAUSE_MS));
        }
    }

    fn connect(&self) -> Result<Link, RedisError> {
        let (connect, response) =
            (Duration::from_millis(REDIS_CONNECT_MS_MAX), Duration::from_millis(REDIS_RESPONSE_MS_MAX));
        match &self.client {
            Client::One(client) => {
                let link = client.get_connection_with_timeout(connect)?;
                link.set_read_timeout(Some(response))?;
                link.set_write_timeout(Some(response))?;
                Ok(Link::One(Box::new(link)))
            }
            Client::Cluster(client) => Ok(Link::Cluster(Box::new(client.get_connection()?))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows every entry of one hash, a page at a time.
    fn visit_bucket(&self, bucket: u16, each: Visitor<'_>) -> Result<(), HostError> {
        let mut cursor = 0u64;
        loop {
            let mut scan = redis::cmd("HSCAN");
            scan.arg(bucket_name(bucket)).arg(cursor).arg("COUNT").arg(SCAN_COUNT);
            let answer = self.ask(&[scan])?.into_iter().next().unwrap_or(Value::Nil);
            let (next, page): (u64, Vec<Vec<u8>>) = decode(answer)?;
            let (pairs, _) = page.as_chunks::<2>();
            for [key, record] in pairs {
                each(key, split(record)?.1)?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

impl Link {
    fn ask(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError> {
        match self {
            Link::One(connection) => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command.clone());
                }
                pipeline.query(connection.as_mut())
            }
            Link::Cluster(connection) => {
                let mut pipeline = ClusterPipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command.clone());
                }
                pipeline.query(connection)
            }
        }
    }

    /// Asks every server that holds data.
    fn ask_all(&mut self, command: &Cmd) -> Result<Vec<Value>, RedisError> {
        match self {
            Link::One(connection) => Ok(vec![command.query(connection.as_mut())?]),
            Link::Cluster(connection) => {
                let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None::<ResponsePolicy>));
                match connection.route_command(command, masters)? {
                    // Each with the name of its server.
                    Value::Map(answers) => Ok(answers.into_iter().map(|(_, answer)| answer).collect()),
                    Value::Array(answers) => Ok(answers),
                    answer => Ok(vec![answer]),
                }
            }
        }
    }
}

impl ProfileStore for RedisStore {
    fn read(&self, keys: &[&[u8]]) -> Result<Vec<Record>, HostError> {
        let commands: Vec<Cmd> = keys
            .iter()
            .map(|key| {
                let mut get = redis::cmd("HGET");
                get.arg(bucket_name(bucket_of(key))).arg(*key);
                get
            })
            .collect();
        let decode_one = |answer| match decode::<Option<Vec<u8>>>(answer)? {
            None => Ok(Record::default()),
            Some(bytes) => split(&bytes).map(|(version, state)| Record { version, state: state.to_vec() }),
        };
        self.ask(&commands)?.into_iter().map(decode_one).collect()
    }

    fn write(&self, changes: Vec<Change>) -> Result<Vec<bool>, HostError> {
        let commands: Vec<Cmd> = changes
            .iter()
            .map(|change| {
                let record = join(change.version.saturating_add(1), &change.state);
                let mut swap = redis::cmd("EVAL");
                swap.arg(SWAP).arg(1).arg(bucket_name(bucket_of(&change.key)));
                swap.arg(&change.key).arg(&change.version.to_be_bytes()).arg(record);
                swap
            })
            .collect();
        // Sent twice after a lost connection, a change that was written finds a newer version: its own. Then it reads,
        // computes and finds nothing left to change.
        self.ask(&commands)?.into_iter().map(|answer| decode::<u8>(answer).map(|swapped| swapped == 1)).collect()
    }

    fn visit(&self, each: Visitor<'_>) -> Result<(), HostError> {
        (0..REDIS_BUCKETS).try_for_each(|bucket| self.visit_bucket(bucket, each))
    }

    fn put_code(&self, code: &[u8], value: &[u8], expires_ms: i64, now_ms: i64) -> Result<bool, HostError> {
        let left_ms = expires_ms.saturating_sub(now_ms).max(1);
        let mut set = redis::cmd("SET");
        set.arg(code_name(code)).arg(value).arg("NX").arg("PX").arg(left_ms);
        let answer = self.ask(&[set])?.into_iter().next().unwrap_or(Value::Nil);
        if answer != Value::Nil {
            return Ok(true);
        }
        // A command whose answer got lost was sent again, and found what it had put itself.
        let mut get = redis::cmd("GET");
        get.arg(code_name(code));
        let found: Option<Vec<u8>> = decode(self.ask(&[get])?.into_iter().next().unwrap_or(Value::Nil))?;
        Ok(found.as_deref() == Some(value))
    }

    fn take_code(&self, code: &[u8], _now_ms: i64) -> Result<Option<Vec<u8>>, HostError> {
        let mut take = redis::cmd("GETDEL");
        take.arg(code_name(code));
        decode(self.ask(&[take])?.into_iter().next().unwrap_or(Value::Nil))
    }

    fn count(&self, counts: &[(&'static str, u64)]) {
        let commands: Vec<Cmd> = counts
            .iter()
            .map(|(name, by)| {
                let mut add = redis::cmd("HINCRBY");
                add.arg("unisono:counters").arg(*name).arg(*by);
                add
            })
            .collect();
        if let Err(e) = self.ask(&commands) {
            tracing::warn!(code = e.code(), "counts are lost");
        }
    }

    fn flush_counts(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn stat(&self) -> Result<StoreStat, HostError> {
        let kind = match &self.client {
            Client::One(_) => "redis",
            Client::Cluster(_) => "redis cluster",
        };
        let mut stat = StoreStat { kind, ..StoreStat::default() };
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.visit(&mut |key, state| {
            stat.profiles += 1;
            stat.bytes += length(key) + length(state);
            Ok(())
        })?;
        let mut counters = redis::cmd("HGETALL");
        counters.arg("unisono:counters");
        stat.counters = decode(self.ask(&[counters])?.into_iter().next().unwrap_or(Value::Nil))?;
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        for answer in self.with_link(|link| link.ask_all(&info))? {
            let text: String = decode(answer)?;
            let used = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
            stat.bytes_total += used.and_then(|bytes| bytes.trim().parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(stat)
    }

    /// Memory holds no old bytes; a log of appended writes does, so each server is asked to rewrite its own. The rewriting
    /// goes on after this returns. A server without such a log has nothing to do.
    fn compact(&self) -> Result<(), HostError> {
        self.with_link(|link| link.ask_all(&redis::cmd("BGREWRITEAOF"))).map(|_| ())
    }
}

/// The hash that a key lies in: the same in every host.
fn bucket_of(key: &[u8]) -> u16 {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let [high, low, ..] = digest;
    u16::from_be_bytes([high, low]) % REDIS_BUCKETS
}

fn bucket_name(bucket: u16) -> String {
    format!("unisono:profiles:{bucket}")
}

fn code_name(code: &[u8]) -> Vec<u8> {
    [b"unisono:code:", code].concat()
}

fn decode<T: FromRedisValue>(answer: Value) -> Result<T, HostError> {
    redis::from_redis_value::<T>(answer).map_err(|e| {
        HostError::new(HostErrorCode::StoreInvalid, "the Redis store holds something else than profiles").with_source(e)
    })
}

/// Whether a moment's patience may help: the connection is lost, or the server is starting or moving.
fn is_passing(error: &RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind as S};
    let starting = matches!(
        error.kind(),
        ErrorKind::Server(S::BusyLoading | S::TryAgain | S::ClusterDown | S::MasterDown | S::ReadOnly)
            | ErrorKind::ClusterConnectionNotFound
    );
    starting || error.is_io_error() || error.is_unrecoverable_error() && !is_refusal(error)
}

fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), redis::ErrorKind::AuthenticationFailed | redis::ErrorKind::InvalidClientConfig)
}

fn failed(error: RedisError) -> HostError {
    // Of a pipeline the first error that the server gave.
    let answered = error.clone().into_server_errors();
    let answered = answered.as_ref().and_then(|errors| errors.first()).map(|(_, error)| error);
    let full = answered.is_some_and(|error| match error.code() {
        "OOM" => true,
        "MISCONF" => error.details().is_some_and(|details| details.contains("No space left")),
        _ => false,
    });
    let code = if full { HostErrorCode::StoreFull } else { HostErrorCode::StoreUnavailable };
    // The server's own words may repeat what was sent, so only their kind is told.
    let kind = answered.map_or(error.category(), |error| error.code()).to_owned();
    HostError::new(code, format!("the Redis store fails ({kind})")).with_source(error)
}
