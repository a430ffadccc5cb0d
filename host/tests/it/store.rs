//! What every store promises. Each test runs on each store that this machine can have.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::thread;

use unisono_host::store::{Change, ProfileStore, Record, Updated, Workers, backup, open, restore, update, update_many};
use unisono_host::{HostError, HostErrorCode};

use crate::redis_server::RedisServer;

/// Gives each test an empty store, and a second door to the same.
fn on_every_store(test: impl Fn(&Arc<dyn ProfileStore>, &Arc<dyn ProfileStore>)) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("redb:{}", folder.path().display())).unwrap();
    test(&store, &store);
    if let Some(server) = RedisServer::start() {
        test(&open(&server.url()).unwrap(), &open(&server.url()).unwrap());
    }
}

fn change(key: &[u8], version: u64, state: &[u8]) -> Change {
    Change { key: key.to_vec(), version, state: state.to_vec() }
}

/// Every profile of a store.
pub(crate) fn contents(store: &dyn ProfileStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    store
        .visit(&mut |key, state| {
            found.insert(key.to_vec(), state.to_vec());
            Ok(())
        })
        .unwrap();
    found
}

fn increment(state: Option<&[u8]>) -> Result<Updated<u64>, HostError> {
    let number = state.map_or(0, |state| u64::from_be_bytes(state.try_into().unwrap())) + 1;
    Ok(Updated { state: Some(number.to_be_bytes().to_vec()), outcome: number })
}

fn number_of(store: &dyn ProfileStore, key: &[u8]) -> u64 {
    let records = store.read(&[key]).unwrap();
    u64::from_be_bytes(records[0].state().unwrap().try_into().unwrap())
}

#[test]
fn what_was_written_is_read() {
    on_every_store(|store, other| {
        assert_eq!(store.read(&[b"a", b"b"]).unwrap(), [Record::default(), Record::default()]);
        assert_eq!(store.write(vec![change(b"a", 0, b"one"), change(b"b", 0, b"")]).unwrap(), [true, true]);
        let read = other.read(&[b"b", b"a", b"c", b"a"]).unwrap();
        assert_eq!(read[0], Record { version: 1, state: Vec::new() });
        assert_eq!(read[0].state(), Some(&b""[..]));
        assert_eq!(read[1], Record { version: 1, state: b"one".to_vec() });
        assert_eq!((&read[2], &read[3]), (&Record::default(), &read[1]));
        assert_eq!(store.read(&[]).unwrap(), []);
        assert_eq!(store.write(Vec::new()).unwrap(), Vec::<bool>::new());
    });
}

#[test]
fn only_who_read_the_newest_version_writes() {
    on_every_store(|store, other| {
        assert_eq!(store.write(vec![change(b"a", 1, b"never")]).unwrap(), [false]);
        assert_eq!(store.write(vec![change(b"a", 0, b"one")]).unwrap(), [true]);
        // One that fails costs the others nothing.
        let written = other.write(vec![change(b"a", 0, b"late"), change(b"b", 0, b"two"), change(b"a", 1, b"three")]);
        assert_eq!(written.unwrap(), [false, true, true]);
        assert_eq!(store.read(&[b"a"]).unwrap()[0], Record { version: 2, state: b"three".to_vec() });
    });
}

#[test]
fn keys_and_states_are_any_bytes() {
    on_every_store(|store, _| {
        let keys: [&[u8]; 5] = [b"\0", b"\xff\xfe\0*?[]{}\r\n", b"\xc3\xa4", &[b'k'; 128], b"*"];
        let large: Vec<u8> =
            (0..4 * 1024 * 1024).map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for (at, key) in keys.iter().enumerate() {
            let state = if at == 1 { large.clone() } else { key.repeat(3) };
            assert_eq!(store.write(vec![change(key, 0, &state)]).unwrap(), [true]);
            assert_eq!(store.read(&[key]).unwrap()[0].state(), Some(state.as_slice()));
        }
        let found = contents(&**store);
        assert_eq!(found.len(), 5);
        assert_eq!(found[keys[1]], large);
    });
}

#[test]
fn no_update_is_lost_among_many_writers() {
    on_every_store(|store, other| {
        thread::scope(|scope| {
            for writer in 0..8 {
                let store = if writer % 2 == 0 { store } else { other };
                scope.spawn(move || {
                    for _ in 0..40 {
                        update(&**store, b"hot", increment).unwrap();
                    }
                });
            }
        });
        assert_eq!(number_of(&**store, b"hot"), 320);
    });
}

#[test]
fn batches_of_many_profiles_meet_without_loss() {
    on_every_store(|store, other| {
        let keys: Vec<Vec<u8>> = (0..600).map(|number: u32| number.to_be_bytes().to_vec()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        thread::scope(|scope| {
            for store in [store, other, store] {
                let keys = &keys;
                scope.spawn(move || {
                    let outcomes = update_many(&**store, keys, &Workers::new(2), |_, state| increment(state)).unwrap();
                    assert!(outcomes.iter().all(|outcome| (1..=3).contains(outcome.as_ref().unwrap())));
                });
            }
        });
        assert!(keys.iter().all(|key| number_of(&**store, key) == 3));
        assert_eq!(contents(&**store).len(), 600);
    });
}

#[test]
fn one_update_that_fails_leaves_the_others_be() {
    on_every_store(|store, _| {
        let outcomes = update_many(&**store, &[b"a", b"b", b"c"], &Workers::new(2), |at, _| match at {
            1 => Err(HostError::internal("told", std::io::Error::other("so"))),
            at => Ok(Updated { state: (at == 0).then(|| b"new".to_vec()), outcome: at }),
        });
        let outcomes = outcomes.unwrap();
        assert_eq!((outcomes[0].as_ref().unwrap(), outcomes[2].as_ref().unwrap()), (&0, &2));
        assert_eq!(outcomes[1].as_ref().unwrap_err().kind(), HostErrorCode::Internal);
        assert_eq!(contents(&**store).into_keys().collect::<Vec<_>>(), [b"a"]);
    });
}

#[test]
fn a_state_that_stays_the_same_is_not_written() {
    on_every_store(|store, _| {
        let same = |_: Option<&[u8]>| Ok(Updated { state: Some(b"same".to_vec()), outcome: () });
        (0..3).for_each(|_| update(&**store, b"a", same).unwrap());
        assert_eq!(store.read(&[b"a"]).unwrap()[0].version, 1);
    });
}

#[test]
fn a_code_is_taken_once_and_not_after_its_time() {
    on_every_store(|store, other| {
        let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        assert!(store.put_code(b"code", b"value", now_ms + 600_000, now_ms).unwrap());
        assert!(!other.put_code(b"code", b"other", now_ms + 600_000, now_ms).unwrap(), "a code stands for one thing");
        let taken: Vec<Option<Vec<u8>>> = thread::scope(|scope| {
            let takers: Vec<_> = (0..8)
                .map(|taker| {
                    let store = if taker % 2 == 0 { store } else { other };
                    scope.spawn(move || store.take_code(b"code", now_ms + 1).unwrap())
                })
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        let mut taken: Vec<_> = taken.into_iter().flatten().collect();
        assert_eq!((taken.len(), taken.pop()), (1, Some(b"value".to_vec())));
        assert_eq!(store.take_code(b"never", now_ms).unwrap(), None);
        assert!(store.put_code(b"short", b"value", now_ms + 50, now_ms).unwrap());
        thread::sleep(std::time::Duration::from_millis(80));
        assert_eq!(store.take_code(b"short", now_ms + 80).unwrap(), None);
        assert!(store.put_code(b"short", b"again", now_ms + 60_000, now_ms + 80).unwrap(), "its place is free again");
    });
}

#[test]
fn sums_are_counted() {
    on_every_store(|store, other| {
        store.count(&[("a", 2), ("b", 1)]);
        other.count(&[("a", 40)]);
        store.flush_counts().unwrap();
        let stat = store.stat().unwrap();
        assert_eq!(stat.counters, BTreeMap::from([("a".to_owned(), 42), ("b".to_owned(), 1)]));
    });
}

#[test]
fn stat_tells_what_is_there() {
    on_every_store(|store, _| {
        store.write(vec![change(b"a", 0, b"12345"), change(b"bc", 0, b"")]).unwrap();
        let stat = store.stat().unwrap();
        assert_eq!((stat.profiles, stat.bytes), (2, 8));
        assert!(stat.bytes_total > 8 && !stat.kind.is_empty());
    });
}

#[test]
fn a_backup_goes_into_any_empty_store_and_a_damaged_one_into_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.backup");
    on_every_store(|store, _| {
        let changes: Vec<Change> =
            (0..500u32).map(|at| change(&at.to_be_bytes(), 0, &at.to_le_bytes().repeat(50))).collect();
        store.write(changes).unwrap();
        assert_eq!(backup(&**store, &file).unwrap(), 500);
        assert!(!folder.path().join("all.backup.partial").exists());
        let again = tempfile::tempdir().unwrap();
        let restored = open(&again.path().display().to_string()).unwrap();
        assert_eq!(restore(&*restored, &file).unwrap(), 500);
        assert_eq!(contents(&*restored), contents(&**store));
        assert_eq!(restore(&*restored, &file).unwrap_err().kind(), HostErrorCode::StoreNotEmpty);
        let whole = fs::read(&file).unwrap();
        for damage in 0..3 {
            let mut bytes = whole.clone();
            match damage {
                0 => bytes.truncate(whole.len() - 1),
                1 => bytes[whole.len() / 2] ^= 1,
                _ => bytes.truncate(whole.len() / 2),
            }
            fs::write(folder.path().join("damaged"), bytes).unwrap();
            let empty = tempfile::tempdir().unwrap();
            let empty = open(&empty.path().display().to_string()).unwrap();
            let refused = restore(&*empty, &folder.path().join("damaged")).unwrap_err();
            assert_eq!(refused.kind(), HostErrorCode::BackupInvalid, "{damage}: {refused}");
            assert!(contents(&*empty).is_empty());
        }
        let missing = restore(
            &*open(&tempfile::tempdir().unwrap().path().display().to_string()).unwrap(),
            &folder.path().join("no"),
        );
        assert_eq!(missing.unwrap_err().kind(), HostErrorCode::BackupUnreadable);
    });
    let server = RedisServer::start();
    if let Some(server) = server {
        let store = open(&server.url()).unwrap();
        assert_eq!(restore(&*store, &file).unwrap(), 500);
        assert_eq!(contents(&*store).len(), 500);
    }
    let store = open(&folder.path().join("store").display().to_string()).unwrap();
    let nowhere = backup(&*store, &folder.path().join("none/file")).unwrap_err();
    assert_eq!(nowhere.kind(), HostErrorCode::BackupUnwritable);
}

#[test]
fn an_address_that_no_store_has_is_a_typed_error() {
    for url in ["postgres://localhost", "redis://:not a url", "http://127.0.0.1"] {
        let error = open(url).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::InvalidConfig, "{url}: {error}");
    }
    let error = open("redis://user:secret@127.0.0.1:1/").map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::StoreUnavailable);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
