//! The embedded store: one redb file in a folder. Readers read side by side; one thread writes, and gathers what waits into
//! one transaction, so that many writers share the cost of one sync.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::{Change, ProfileStore, Record, SCHEMA_VERSION, StoreStat, Visitor, join, split};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{COUNT_MS_MAX, STORE_CACHE_BYTES, STORE_COPY_BYTES, STORE_GROUP_BYTES, STORE_GROUP_MAX};

const PROFILES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("profiles");
const CODES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("codes");
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const SCHEMA: &str = "schema";

/// The store's file in its folder.
const FILE: &str = "profiles.redb";
/// A compacted copy under way; one that is found at the start was never finished.
const COPY: &str = "profiles.redb.new";

/// Profiles in a file of this machine. One process at a time has it open.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    jobs: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    folder: PathBuf,
    /// `None` after a failed write, until the file could be opened again: redb does nothing more after an error.
    database: RwLock<Option<Database>>,
}

type Answer<T> = SyncSender<Result<T, HostError>>;

enum Job {
    Write(Vec<Change>, Answer<Vec<bool>>),
    PutCode { code: Vec<u8>, value: Vec<u8>, expires_ms: i64, now_ms: i64, answer: Answer<bool> },
    TakeCode { code: Vec<u8>, now_ms: i64, answer: Answer<Option<Vec<u8>>> },
    Count(Vec<(&'static str, u64)>),
    FlushCounts(Answer<()>),
    Compact(Answer<()>),
}

impl EmbeddedStore {
    /// Opens the store in a folder; makes both where they are missing.
    ///
    /// # Errors
    /// `store_unavailable` when the folder can't be used, `store_locked`, `store_invalid`, `store_schema_unsupported`.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, HostError> {
        let folder = folder.as_ref().to_owned();
        make_folder(&folder)?;
        let database = open_file(&folder.join(FILE))?;
        // Only who holds the lock of the file may tidy up beside it.
        match fs::remove_file(folder.join(COPY)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(unavailable(&folder, &e)),
            _ => {}
        }
        let shared = Arc::new(Shared { folder, database: RwLock::new(Some(database)) });
        let (jobs, waiting) = mpsc::channel();
        let writer = Writer { shared: shared.clone(), counts: BTreeMap::new(), counting_since: None };
        let writer = thread::Builder::new()
            .name("unisono-store".into())
            .spawn(move || writer.run(&waiting))
            .map_err(|e| HostError::internal("the writing thread does not start", e))?;
        Ok(EmbeddedStore { shared, jobs: Some(jobs), writer: Some(writer) })
    }

    fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, HostError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let gone = || HostError::new(HostErrorCode::Internal, "the store's writing thread is gone");
        self.jobs.as_ref().ok_or_else(gone)?.send(job(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }

    fn reading<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, HostError>) -> Result<T, HostError> {
        let guard = self.shared.database();
        let database = guard.as_ref().ok_or_else(closed)?;
        read(&database.begin_read().map_err(failed)?)
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // It panicked, if it did, where its callers heard of it.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the file; what follows may replace it before it is opened again.
    fn reopen(&self, between: impl FnOnce() -> Result<(), HostError>) -> Result<(), HostError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        *database = None;
        let done = between();
        *database = Some(open_file(&self.folder.join(FILE))?);
        done
    }
}

impl ProfileStore for EmbeddedStore {
    fn read(&self, keys: &[&[u8]]) -> Result<Vec<Record>, HostError> {
        self.reading(|transaction| {
            let table = transaction.open_table(PROFILES).map_err(failed)?;
            let read = |key: &&[u8]| match table.get(*key).map_err(failed)? {
                None => Ok(Record::default()),
                Some(found) => {
                    let (version, state) = split(found.value())?;
                    Ok(Record { version, state: state.to_vec() })
                }
            };
            keys.iter().map(read).collect()
        })
    }

    fn write(&self, changes: Vec<Change>) -> Result<Vec<bool>, HostError> {
        self.ask(|answer| Job::Write(changes, answer))
    }

    fn visit(&self, each: Visitor<'_>) -> Result<(), HostError> {
        self.reading(|transaction| {
            let table = transaction.open_table(PROFILES).map_err(failed)?;
            for entry in table.iter().map_err(failed)? {
                let (key, value) = entry.map_err(failed)?;
                each(key.value(), split(value.value())?.1)?;
            }
            Ok(())
        })
    }

    fn put_code(&self, code: &[u8], value: &[u8], expires_ms: i64, now_ms: i64) -> Result<bool, HostError> {
        let (code, value) = (code.to_vec(), value.to_vec());
        self.ask(|answer| Job::PutCode { code, value, expires_ms, now_ms, answer })
    }

    fn take_code(&self, code: &[u8], now_ms: i64) -> Result<Option<Vec<u8>>, HostError> {
        self.ask(|answer| Job::TakeCode { code: code.to_vec(), now_ms, answer })
    }

    fn count(&self, counts: &[(&'static str, u64)]) {
        if let Some(jobs) = &self.jobs {
            // Only when the thread is gone, which every write tells.
            let _ = jobs.send(Job::Count(counts.to_vec()));
        }
    }

    fn flush_counts(&self) -> Result<(), HostError> {
        self.ask(Job::FlushCounts)
    }

    fn stat(&self) -> Result<StoreStat, HostError> {
        let mut stat = StoreStat { kind: "embedded", ..StoreStat::default() };
        self.visit(&mut |key, state| {
            stat.profiles += 1;
            stat.bytes += length(key) + length(state);
            Ok(())
        })?;
        stat.counters = self.reading(|transaction| {
            let table = transaction.open_table(COUNTERS).map_err(failed)?;
            let entries = table.iter().map_err(failed)?;
            entries
                .map(|entry| entry.map(|(name, sum)| (name.value().to_owned(), sum.value())).map_err(failed))
                .collect()
        })?;
        stat.bytes_total = fs::metadata(self.shared.folder.join(FILE)).map_or(0, |file| file.len());
        Ok(stat)
    }

    fn compact(&self) -> Result<(), HostError> {
        self.ask(Job::Compact)
    }
}

/// The one thread that writes.
struct Writer {
    shared: Arc<Shared>,
    /// Counted, but not yet written.
    counts: BTreeMap<&'static str, u64>,
    /// Since when the oldest of them waits. To write them with each group would cost each of them two pages.
    counting_since: Option<Instant>,
}

/// How long counts wait.
const COUNTS_WAIT: Duration = Duration::from_millis(COUNT_MS_MAX);

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.counting_for() {
                None => jobs.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(waited) if waited >= COUNTS_WAIT => Err(mpsc::RecvTimeoutError::Timeout),
                Some(waited) => jobs.recv_timeout(COUNTS_WAIT - waited),
            };
            match first {
                Ok(Job::Compact(answer)) => drop(answer.send(self.compact())),
                Ok(Job::Count(counts)) => self.count(&counts),
                Ok(first) => {
                    let (group, compactions) = self.gather(first, jobs);
                    self.commit(group);
                    for answer in compactions {
                        drop(answer.send(self.compact()));
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.commit(Vec::new()),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    if !self.counts.is_empty() {
                        self.commit(Vec::new());
                    }
                    return;
                }
            }
        }
    }

    /// What waits already, up to what one transaction should hold.
    fn gather(&mut self, first: Job, jobs: &Receiver<Job>) -> (Vec<Job>, Vec<Answer<()>>) {
        let mut bytes = first.bytes();
        let mut group = vec![first];
        let mut compactions = Vec::new();
        while group.len() < STORE_GROUP_MAX && bytes < STORE_GROUP_BYTES {
            match jobs.try_recv() {
                Ok(Job::Compact(answer)) => compactions.push(answer),
                Ok(Job::Count(counts)) => self.count(&counts),
                Ok(job) => {
                    bytes += job.bytes();
                    group.push(job);
                }
                Err(_) => break,
            }
        }
        (group, compactions)
    }

    fn count(&mut self, counts: &[(&'static str, u64)]) {
        self.counting_since.get_or_insert_with(Instant::now);
        for (name, by) in counts {
            *self.counts.entry(name).or_default() += by;
        }
    }

    /// How long the oldest count waits that is not written.
    fn counting_for(&self) -> Option<Duration> {
        self.counting_since.map(|since| since.elapsed())
    }

    /// One durable transaction for all of them; nobody hears of success before it is on the disk.
    fn commit(&mut self, group: Vec<Job>) {
        let with_counts = self.are_counts_due(&group);
        match self.commit_group(&group, with_counts) {
            Ok(results) => {
                if with_counts {
                    self.counts.clear();
                    self.counting_since = None;
                }
                // Who no longer waits for the answer needs none.
                group.into_iter().zip(results).for_each(|(job, result)| job.answer(Ok(result)));
            }
            Err(e) => {
                tracing::error!(code = e.code(), "the store can't write: {e}");
                group.into_iter().for_each(|job| job.answer(Err(e.again())));
                // They wait once more.
                self.counting_since = self.counting_since.map(|_| Instant::now());
                self.reopen();
            }
        }
    }

    /// Whether this transaction writes the counts: where it is asked for, or does nothing else, or they waited long enough.
    fn are_counts_due(&self, group: &[Job]) -> bool {
        let is_asked = group.is_empty() || group.iter().any(|job| matches!(job, Job::FlushCounts(_)));
        self.counting_for().is_some_and(|waited| is_asked || waited >= COUNTS_WAIT)
    }

    fn commit_group(&mut self, group: &[Job], with_counts: bool) -> Result<Vec<Done>, HostError> {
        if self.shared.database().is_none() {
            self.shared.reopen(|| Ok(()))?;
        }
        let guard = self.shared.database();
        let database = guard.as_ref().ok_or_else(closed)?;
        let transaction = database.begin_write().map_err(failed)?;
        let done = group.iter().map(|job| job.run(&transaction)).collect::<Result<Vec<_>, _>>()?;
        let changed = done.iter().any(Done::changed) || with_counts;
        if !changed {
            transaction.abort().map_err(failed)?;
            return Ok(done);
        }
        if with_counts {
            let mut counters = transaction.open_table(COUNTERS).map_err(failed)?;
            for (name, by) in &self.counts {
                let sum = counters.get(*name).map_err(failed)?.map_or(0, |sum| sum.value());
                counters.insert(*name, sum.saturating_add(*by)).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    /// redb refuses everything after a failed write until the file is opened anew. When even that fails, the next write
    /// tries again.
    fn reopen(&self) {
        if let Err(e) = self.shared.reopen(|| Ok(())) {
            tracing::error!(code = e.code(), "the store can't be opened again yet: {e}");
        }
    }

    /// Copies what lives into a new file and puts that in the old one's place: redb leaves old bytes in pages that it has
    /// freed, and a new file has none.
    fn compact(&self) -> Result<(), HostError> {
        let folder = &self.shared.folder;
        let (file, copy) = (folder.join(FILE), folder.join(COPY));
        let copied = self.copy_to(&copy).and_then(|()| sync(&copy));
        if let Err(e) = copied {
            // What is left of a failed copy is removed at the next start otherwise.
            let _ = fs::remove_file(&copy);
            return Err(e);
        }
        self.shared.reopen(|| {
            fs::rename(&copy, &file).map_err(|e| unavailable(folder, &e))?;
            sync(folder)
        })
    }

    fn copy_to(&self, path: &Path) -> Result<(), HostError> {
        let guard = self.shared.database();
        let from = guard.as_ref().ok_or_else(closed)?.begin_read().map_err(failed)?;
        let mut to = create_file(path)?;
        let mut copier = Copier { to: &to, transaction: Some(begin(&to)?), bytes: 0 };
        copier.with(make_tables)?;
        for definition in [PROFILES, CODES] {
            for entry in from.open_table(definition).map_err(failed)?.iter().map_err(failed)? {
                let (key, value) = entry.map_err(failed)?;
                copier.copy(definition, key.value(), value.value())?;
            }
        }
        for definition in [COUNTERS, ABOUT] {
            for entry in from.open_table(definition).map_err(failed)?.iter().map_err(failed)? {
                let (key, value) = entry.map_err(failed)?;
                copier.with(|transaction| {
                    let mut table = transaction.open_table(definition).map_err(failed)?;
                    table.insert(key.value(), value.value()).map_err(failed)?;
                    Ok(())
                })?;
            }
        }
        copier.end()?;
        // Gives back the room that its transactions needed beside each other.
        to.compact().map_err(failed)?;
        to.close().map_err(failed)
    }
}

/// Fills a new file in transactions of bounded size.
struct Copier<'a> {
    to: &'a Database,
    transaction: Option<WriteTransaction>,
    bytes: usize,
}

impl Copier<'_> {
    fn with(&self, write: impl FnOnce(&WriteTransaction) -> Result<(), HostError>) -> Result<(), HostError> {
        write(self.transaction.as_ref().ok_or_else(closed)?)
    }

    fn copy(&mut self, table: TableDefinition<'_, &[u8], &[u8]>, key: &[u8], value: &[u8]) -> Result<(), HostError> {
        self.with(|transaction| {
            transaction.open_table(table).map_err(failed)?.insert(key, value).map_err(failed)?;
            Ok(())
        })?;
        self.bytes += key.len() + value.len();
        if self.bytes >= STORE_COPY_BYTES {
            self.end()?;
            self.transaction = Some(begin(self.to)?);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), HostError> {
        self.bytes = 0;
        self.transaction.take().map_or(Ok(()), |transaction| transaction.commit().map_err(failed))
    }
}

/// What a job came to, to be told when the transaction is on the disk.
enum Done {
    Written(Vec<bool>),
    Put(bool),
    Taken { value: Option<Vec<u8>>, changed: bool },
    Nothing,
}

impl Done {
    fn changed(&self) -> bool {
        match self {
            Done::Written(written) => written.contains(&true),
            Done::Put(put) => *put,
            Done::Taken { changed, .. } => *changed,
            Done::Nothing => false,
        }
    }
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Job::Write(changes, _) => changes.iter().map(|change| change.state.len()).sum(),
            _ => 0,
        }
    }

    fn run(&self, transaction: &WriteTransaction) -> Result<Done, HostError> {
        match self {
            Job::Write(changes, _) => {
                let mut table = transaction.open_table(PROFILES).map_err(failed)?;
                let written = changes.iter().map(|change| {
                    let key = change.key.as_slice();
                    let value = join(change.version.saturating_add(1), &change.state);
                    // Written at once, which gives what stood there: to look first would find the place twice.
                    let found = table.insert(key, value.as_slice()).map_err(failed)?;
                    let version =
                        found.as_ref().map_or(Ok(0), |found| split(found.value()).map(|(version, _)| version))?;
                    if version == change.version {
                        return Ok(true);
                    }
                    // Another writer was faster: what it wrote goes back.
                    match found.map(|found| found.value().to_vec()) {
                        Some(newer) => drop(table.insert(key, newer.as_slice()).map_err(failed)?),
                        None => drop(table.remove(key).map_err(failed)?),
                    }
                    Ok(false)
                });
                Ok(Done::Written(written.collect::<Result<_, HostError>>()?))
            }
            Job::PutCode { code, value, expires_ms, now_ms, .. } => {
                let mut table = transaction.open_table(CODES).map_err(failed)?;
                table.retain(|_, value| lives(value, *now_ms)).map_err(failed)?;
                if table.get(code.as_slice()).map_err(failed)?.is_some() {
                    return Ok(Done::Put(false));
                }
                let value = join(u64::try_from(*expires_ms).unwrap_or(0), value);
                table.insert(code.as_slice(), value.as_slice()).map_err(failed)?;
                Ok(Done::Put(true))
            }
            Job::TakeCode { code, now_ms, .. } => {
                let mut table = transaction.open_table(CODES).map_err(failed)?;
                let taken = table.remove(code.as_slice()).map_err(failed)?;
                let taken = taken.map(|found| found.value().to_vec());
                let changed = taken.is_some();
                let value = taken.filter(|value| lives(value, *now_ms));
                let value = value.map(|value| split(&value).map(|(_, value)| value.to_vec())).transpose()?;
                Ok(Done::Taken { value, changed })
            }
            Job::Count(_) | Job::FlushCounts(_) | Job::Compact(_) => Ok(Done::Nothing),
        }
    }

    /// Nobody may be waiting any more, which is no failure.
    fn answer(self, result: Result<Done, HostError>) {
        match (self, result) {
            (Job::Write(_, answer), Ok(Done::Written(written))) => drop(answer.send(Ok(written))),
            (Job::Write(_, answer), Err(e)) => drop(answer.send(Err(e))),
            (Job::PutCode { answer, .. }, Ok(Done::Put(put))) => drop(answer.send(Ok(put))),
            (Job::PutCode { answer, .. }, Err(e)) => drop(answer.send(Err(e))),
            (Job::TakeCode { answer, .. }, Ok(Done::Taken { value, .. })) => drop(answer.send(Ok(value))),
            (Job::TakeCode { answer, .. }, Err(e)) => drop(answer.send(Err(e))),
            (Job::FlushCounts(answer), result) => drop(answer.send(result.map(|_| ()))),
            // A dropped answer says that the thread failed, which is what another pairing would be.
            _ => {}
        }
    }
}

/// Whether a code's value, which begins with its expiry, still counts.
fn lives(value: &[u8], now_ms: i64) -> bool {
    split(value).is_ok_and(|(expires_ms, _)| i64::try_from(expires_ms).is_ok_and(|expires_ms| now_ms < expires_ms))
}

fn make_folder(folder: &Path) -> Result<(), HostError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // Profiles are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| unavailable(folder, &e))
}

fn create_file(path: &Path) -> Result<Database, HostError> {
    Database::builder().set_cache_size(STORE_CACHE_BYTES).create(path).map_err(failed)
}

/// Opens or makes the file, and looks whether it is one of this schema.
fn open_file(path: &Path) -> Result<Database, HostError> {
    let database = create_file(path)?;
    let read = database.begin_read().map_err(failed)?;
    let schema = match read.open_table(ABOUT) {
        Ok(about) => about.get(SCHEMA).map_err(failed)?.map(|schema| schema.value()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(e) => return Err(failed(e)),
    };
    drop(read);
    match schema {
        Some(SCHEMA_VERSION) => return Ok(database),
        Some(other) => return Err(other_schema(other)),
        None => {}
    }
    let transaction = begin(&database)?;
    if transaction.list_tables().map_err(failed)?.next().is_some() {
        return Err(HostError::new(HostErrorCode::StoreInvalid, "the store's file is another program's database"));
    }
    make_tables(&transaction)?;
    transaction.open_table(ABOUT).map_err(failed)?.insert(SCHEMA, SCHEMA_VERSION).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(database)
}

/// All tables from the beginning, so that no reader finds one missing.
fn make_tables(transaction: &WriteTransaction) -> Result<(), HostError> {
    transaction.open_table(PROFILES).map_err(failed)?;
    transaction.open_table(CODES).map_err(failed)?;
    transaction.open_table(COUNTERS).map_err(failed)?;
    transaction.open_table(ABOUT).map_err(failed)?;
    Ok(())
}

fn other_schema(found: u64) -> HostError {
    let text = format!("the store has schema {found}, this host reads schema {SCHEMA_VERSION}");
    HostError::new(HostErrorCode::StoreSchemaUnsupported, text)
}

fn begin(database: &Database) -> Result<WriteTransaction, HostError> {
    database.begin_write().map_err(failed)
}

/// Has the system write a file, or the names in a folder, to the disk.
fn sync(path: &Path) -> Result<(), HostError> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(|e| unavailable(path, &e))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn closed() -> HostError {
    HostError::new(HostErrorCode::StoreUnavailable, "the store's file is closed after an error and not open again yet")
}

fn unavailable(path: &Path, error: &std::io::Error) -> HostError {
    let code = if no_space(error) { HostErrorCode::StoreFull } else { HostErrorCode::StoreUnavailable };
    HostError::new(code, format!("the store at `{}` can't be used: {error}", path.display()))
}

fn no_space(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn failed(error: impl Into<redb::Error>) -> HostError {
    use redb::Error as E;
    let error = error.into();
    let (code, text) = match &error {
        E::DatabaseAlreadyOpen => (HostErrorCode::StoreLocked, "another process has the store open".to_owned()),
        E::Io(e) if no_space(e) => (HostErrorCode::StoreFull, format!("the disk of the store is full: {e}")),
        // redb's word for bytes that are no database of its own.
        E::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            (HostErrorCode::StoreInvalid, format!("the store's file is no store: {e}"))
        }
        E::Io(_) | E::PreviousIo | E::DatabaseClosed => {
            (HostErrorCode::StoreUnavailable, format!("the store's file can't be read or written: {error}"))
        }
        _ => (HostErrorCode::StoreInvalid, format!("the store's file is unfit: {error}")),
    };
    HostError::new(code, text).with_source(error)
}
