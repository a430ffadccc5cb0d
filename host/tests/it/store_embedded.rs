//! What only the embedded store does: its file, its lock, a full disk.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use redb::{Database, TableDefinition};
use tempfile::TempDir;
use unisono_host::HostErrorCode;
use unisono_host::store::{Change, EmbeddedStore, ProfileStore};

use crate::redis_server::not_made;

fn change(key: &[u8], version: u64, state: &[u8]) -> Change {
    Change { key: key.to_vec(), version, state: state.to_vec() }
}

fn refused(folder: &Path) -> HostErrorCode {
    EmbeddedStore::open(folder).map(|_| ()).unwrap_err().kind()
}

fn holds(folder: &Path, marker: &[u8]) -> bool {
    fs::read_dir(folder)
        .unwrap()
        .any(|file| fs::read(file.unwrap().path()).unwrap().windows(marker.len()).any(|bytes| bytes == marker))
}

#[test]
fn profiles_outlive_the_process_that_wrote_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path().join("deep/er")).unwrap();
    store.write(vec![change(b"a", 0, b"one")]).unwrap();
    store.count(&[("sum", 3)]);
    drop(store);
    let store = EmbeddedStore::open(folder.path().join("deep/er")).unwrap();
    assert_eq!(store.read(&[b"a"]).unwrap()[0].state(), Some(&b"one"[..]));
    assert_eq!(store.stat().unwrap().counters["sum"], 3);
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _store = EmbeddedStore::open(folder.path().join("store")).unwrap();
    assert_eq!(fs::metadata(folder.path().join("store")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_is_no_store_of_this_schema_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(refused(folder.path()), HostErrorCode::StoreLocked);
    drop(first);
    let file = folder.path().join("profiles.redb");
    let set_schema = |schema: u64| {
        let database = Database::create(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(TableDefinition::<&str, u64>::new("about")).unwrap().insert("schema", schema).unwrap();
        transaction.commit().unwrap();
    };
    set_schema(2);
    assert_eq!(refused(folder.path()), HostErrorCode::StoreSchemaUnsupported);
    set_schema(1);
    EmbeddedStore::open(folder.path()).unwrap();
    fs::write(&file, "a shopping list, long enough to be looked at\n".repeat(1000)).unwrap();
    assert_eq!(refused(folder.path()), HostErrorCode::StoreInvalid);
    fs::remove_file(&file).unwrap();
    let database = Database::create(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<&str, u64>::new("another program's")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(refused(folder.path()), HostErrorCode::StoreInvalid);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(refused(&folder.path().join("file")), HostErrorCode::StoreUnavailable);
}

#[test]
fn compaction_leaves_no_byte_of_what_was_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let marker = b"a marker that was planted here";
    for at in 0..200u32 {
        store
            .write(vec![change(&at.to_be_bytes(), 0, &marker.repeat(20)), change(&[9, 9, at as u8], 0, b"other")])
            .unwrap();
    }
    assert!(holds(folder.path(), marker));
    for at in 0..200u32 {
        store.write(vec![change(&at.to_be_bytes(), 1, b"gone")]).unwrap();
    }
    assert!(holds(folder.path(), marker), "else this test shows nothing");
    // Others read and write on meanwhile.
    thread::scope(|scope| {
        scope.spawn(|| store.compact().unwrap());
        for at in 0..50u32 {
            assert_eq!(store.write(vec![change(&at.to_be_bytes(), 2, b"more")]).unwrap(), [true]);
            assert!(store.read(&[&at.to_be_bytes()]).unwrap()[0].version >= 2);
        }
    });
    store.compact().unwrap();
    assert!(!holds(folder.path(), marker));
    assert_eq!(store.stat().unwrap().profiles, 400);
    assert_eq!(store.read(&[&7u32.to_be_bytes()]).unwrap()[0].state(), Some(&b"more"[..]));
    drop(store);
    // A copy that a crash left half done is no store and must go: it may hold anything.
    fs::write(folder.path().join("profiles.redb.new"), "half").unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert!(!folder.path().join("profiles.redb.new").exists());
    assert_eq!(store.stat().unwrap().profiles, 400);
}

/// A small disk in memory, gone with its value. Only root may have one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(SmallDisk(folder));
        }
        not_made("a full disk: to mount a small one, a test must run as root on Linux");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_a_typed_error_and_costs_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount() else { return };
    let folder = disk.0.path().join("store");
    let store = EmbeddedStore::open(&folder).unwrap();
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 4 << 20]).unwrap();
    let state = [7u8; 60_000];
    let mut acknowledged = 0u32;
    let full = loop {
        match store.write(vec![change(&acknowledged.to_be_bytes(), 0, &state)]) {
            Ok(written) => {
                assert_eq!(written, [true]);
                acknowledged += 1;
            }
            Err(e) => break e,
        }
    };
    assert_eq!(full.kind(), HostErrorCode::StoreFull, "{full}");
    assert!(acknowledged > 10 && full.is_retryable());
    let all_there = |store: &EmbeddedStore| {
        (0..acknowledged).all(|at| store.read(&[&at.to_be_bytes()]).unwrap()[0].state() == Some(&state[..]))
    };
    assert!(all_there(&store), "reading goes on");
    let again = store.write(vec![change(b"more", 0, &state.repeat(50))]).unwrap_err();
    assert_eq!(again.kind(), HostErrorCode::StoreFull, "{again}");
    fs::remove_file(&ballast).unwrap();
    assert_eq!(store.write(vec![change(b"more", 0, &state)]).unwrap(), [true], "space is back, and so is the store");
    assert!(all_there(&store));
    drop(store);
    let store = EmbeddedStore::open(&folder).unwrap();
    assert!(all_there(&store));
    assert_eq!(store.read(&[b"more"]).unwrap()[0].state(), Some(&state[..]));
}

#[test]
fn counts_are_written_however_often_others_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    // Each comes long before the last one has waited long enough. A minute is for a machine that hardly runs.
    let is_written = || {
        store.count(&[("sum", 1)]);
        std::thread::sleep(std::time::Duration::from_millis(50));
        store.stat().unwrap().counters.contains_key("sum")
    };
    assert!((0..1_200).any(|_| is_written()));
}
