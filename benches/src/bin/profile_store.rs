//! Durable events per second through the module and the embedded store, single and in batches, against a bare redb loop
//! that writes the same bytes, those of a batch in one transaction, in the same run; and what a million profiles weigh.
//!
//! The store lies in a new folder beside `--folder`, so that it is measured on the disk that is meant.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use redb::{Database, TableDefinition};
use serde_json::json;
use unisono_core::model::{ModelParts, encode};
use unisono_host::profiles::Profiles;
use unisono_host::store::{Change, EmbeddedStore, ProfileStore, Record, StoreStat, Visitor};
use unisono_host::transcode::json_to_msgpack;
use unisono_host::{HostBuilder, HostError};

#[derive(Parser)]
struct Arguments {
    /// Where the stores are made.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Customers.
    #[arg(long, default_value_t = 10_000)]
    customers: u64,
    /// Events of each measurement in batches; single events are a hundredth of that.
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Events of one batch.
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Events that one customer makes on end, as in a session or an order.
    #[arg(long, default_value_t = 5)]
    session: u64,
    /// Profiles that are weighed.
    #[arg(long, default_value_t = 5_000)]
    weighed: u64,
    /// Events of each of them.
    #[arg(long, default_value_t = 100)]
    events_each: u64,
}

const NOW_MS: i64 = 1_760_000_000_000;

fn main() {
    let arguments = Arguments::parse();
    measure(&arguments, "batches", arguments.batch, 1, arguments.events);
    measure(&arguments, "batches, 4 clients", arguments.batch, 4, arguments.events);
    measure(&arguments, "single, 1 client", 1, 1, arguments.events / 100);
    measure(&arguments, "single, 32 clients", 1, 32, arguments.events / 100);
    weigh(&arguments);
}

fn event(customer: u64, id: u64) -> serde_json::Value {
    json!({
        "event_id": format!("e{id:07}"), "profile_id": format!("c{customer:07}"), "ts_ms": NOW_MS - 1_000 * id as i64,
        "type": if id.is_multiple_of(4) { "purchase" } else { "view" }, "channel": "web",
        "item_id": format!("p{:07}", id * 7_919 % 20_000), "price": 2.49,
    })
}

fn pack(events: &[serde_json::Value]) -> Vec<u8> {
    json_to_msgpack(json!({ "events": events }).to_string().as_bytes()).expect("sound JSON")
}

fn profiles(store: Arc<dyn ProfileStore>) -> Profiles {
    let model = encode(&ModelParts::default()).expect("an empty model is sound");
    let host = HostBuilder::new().model_bytes(model).deadline_ms(60_000).wait_ms_max(60_000).build();
    Profiles::new(host.expect("a module was built in: `cargo xtask wasm` makes one"), store)
}

/// A folder that is gone with its value.
fn new_folder(arguments: &Arguments) -> tempfile::TempDir {
    tempfile::tempdir_in(&arguments.folder).expect("the folder can be written")
}

fn measure(arguments: &Arguments, name: &str, batch: usize, clients: usize, count: u64) {
    let customer = |id: u64| id / arguments.session * 104_729 % arguments.customers;
    let events: Vec<_> = (0..count).map(|id| event(customer(id), id)).collect();
    let inputs: Vec<Vec<u8>> = events.chunks(batch).map(pack).collect();
    let written = recorded(arguments, &inputs);
    let folder = new_folder(arguments);
    let profiles = profiles(Arc::new(EmbeddedStore::open(folder.path()).expect("the folder can be written")));
    // Once before and once after: the machine's speed changes.
    let bare_before = bare(&folder.path().join("before.redb"), &written);
    let next = Mutex::new(inputs.iter());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                loop {
                    let input = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(input) = input else { return };
                    profiles.add_events(NOW_MS, input).expect("the store takes it");
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let bare_seconds = f64::midpoint(bare_before, bare(&folder.path().join("after.redb"), &written));
    let bytes: usize = written.iter().flatten().map(|change| change.state.len()).sum();
    let rate = count as f64 / seconds;
    let bare_rate = count as f64 / bare_seconds;
    println!(
        "{name:<20} {rate:>9.0} events/s; bare redb, the same {} writes of {:.1} MB in {} transactions: {bare_rate:.0} \
         events/s; ratio {:.2}",
        written.iter().map(Vec::len).sum::<usize>(),
        bytes as f64 / 1e6,
        written.len(),
        rate / bare_rate,
    );
}

/// What each input makes the store write, found by a run that is not timed: to remember it costs time.
fn recorded(arguments: &Arguments, inputs: &[Vec<u8>]) -> Vec<Vec<Change>> {
    let folder = new_folder(arguments);
    let store = Arc::new(Recorder::new(folder.path()));
    let profiles = profiles(store.clone());
    let write = |input: &Vec<u8>| {
        profiles.add_events(NOW_MS, input).expect("the store takes it");
        std::mem::take(&mut *store.written.lock().unwrap_or_else(PoisonError::into_inner))
    };
    inputs.iter().map(write).collect()
}

/// Writes the same records in a loop, those of an input in one transaction, each durable before the next.
fn bare(path: &Path, written: &[Vec<Change>]) -> f64 {
    const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bare");
    let database = Database::create(path).expect("the folder can be written");
    let started = Instant::now();
    for portion in written {
        let transaction = database.begin_write().expect("redb writes");
        {
            let mut table = transaction.open_table(TABLE).expect("redb writes");
            for change in portion {
                table.insert(change.key.as_slice(), change.state.as_slice()).expect("redb writes");
            }
        }
        transaction.commit().expect("redb writes");
    }
    started.elapsed().as_secs_f64()
}

fn weigh(arguments: &Arguments) {
    let folder = new_folder(arguments);
    let store = Arc::new(EmbeddedStore::open(folder.path()).expect("the folder can be written"));
    let profiles = profiles(store.clone());
    for customer in 0..arguments.weighed {
        let events: Vec<_> = (0..arguments.events_each).map(|id| event(customer, id)).collect();
        profiles.add_events(NOW_MS, &pack(&events)).expect("the store takes it");
    }
    store.compact().expect("the store can be compacted");
    let stat = store.stat().expect("the store can be read");
    let million = |bytes: u64| bytes as f64 / stat.profiles as f64 * 1e6 / 1e9;
    println!(
        "a million profiles of {} events: {:.1} GB of states, {:.1} GB in the file after compaction ({} profiles weighed)",
        arguments.events_each,
        million(stat.bytes),
        million(stat.bytes_total),
        stat.profiles,
    );
}

/// Remembers what is written.
struct Recorder {
    inner: EmbeddedStore,
    written: Mutex<Vec<Change>>,
}

impl Recorder {
    fn new(folder: &Path) -> Self {
        let inner = EmbeddedStore::open(folder).expect("the folder can be written");
        Recorder { inner, written: Mutex::new(Vec::new()) }
    }
}

impl ProfileStore for Recorder {
    fn read(&self, keys: &[&[u8]]) -> Result<Vec<Record>, HostError> {
        self.inner.read(keys)
    }

    fn write(&self, changes: Vec<Change>) -> Result<Vec<bool>, HostError> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&changes);
        self.inner.write(changes)
    }

    fn visit(&self, each: Visitor<'_>) -> Result<(), HostError> {
        self.inner.visit(each)
    }

    fn put_code(&self, code: &[u8], value: &[u8], expires_ms: i64, now_ms: i64) -> Result<bool, HostError> {
        self.inner.put_code(code, value, expires_ms, now_ms)
    }

    fn take_code(&self, code: &[u8], now_ms: i64) -> Result<Option<Vec<u8>>, HostError> {
        self.inner.take_code(code, now_ms)
    }

    fn count(&self, counts: &[(&'static str, u64)]) {
        self.inner.count(counts);
    }

    fn flush_counts(&self) -> Result<(), HostError> {
        self.inner.flush_counts()
    }

    fn stat(&self) -> Result<StoreStat, HostError> {
        self.inner.stat()
    }

    fn compact(&self) -> Result<(), HostError> {
        self.inner.compact()
    }
}
