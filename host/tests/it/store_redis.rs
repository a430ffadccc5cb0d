//! What only a store of servers does: it goes away and comes back, and there may be several.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use unisono_host::HostErrorCode;
use unisono_host::store::{Change, ProfileStore, RedisStore, Updated, open, update};

use crate::durability::count_of;
use crate::redis_server::RedisServer;

#[test]
fn another_schema_is_a_typed_error() {
    let Some(server) = RedisServer::start() else { return };
    drop(RedisStore::open(&server.url()).unwrap());
    server.cli(&["set", "unisono:schema", "2"]);
    let error = RedisStore::open(&server.url()).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::StoreSchemaUnsupported, "{error}");
}

#[test]
fn a_server_without_memory_is_full() {
    let Some(server) = RedisServer::start() else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    server.cli(&["config", "set", "maxmemory", "1"]);
    let change = || Change { key: b"a".to_vec(), version: 0, state: vec![1; 1000] };
    let error = store.write(vec![change()]).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::StoreFull, "{error}");
    server.cli(&["config", "set", "maxmemory", "0"]);
    assert_eq!(store.write(vec![change()]).unwrap(), [true]);
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_dies_and_comes_back() {
    let Some(mut server) = RedisServer::start() else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    let stopped = AtomicBool::new(false);
    let kills = count_of("UNISONO_PROOF_KILLS", 3);
    let acknowledged: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4u8)
            .map(|writer| {
                let (store, stopped) = (&store, &stopped);
                scope.spawn(move || {
                    let mut acknowledged = 0u64;
                    while !stopped.load(Ordering::Relaxed) {
                        // Each state holds every number that was written so far.
                        let next = acknowledged + 1;
                        let written = update(store, &[writer], |state| {
                            let last = state.map_or(0, |state| u64::from_be_bytes(state.try_into().unwrap()));
                            assert!(last == next || last + 1 == next, "{last} was read, {acknowledged} acknowledged");
                            Ok(Updated { state: Some(next.to_be_bytes().to_vec()), outcome: () })
                        });
                        match written {
                            Ok(()) => acknowledged = next,
                            Err(e) => assert_eq!(e.kind(), HostErrorCode::StoreUnavailable, "{e}"),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        for _ in 0..kills {
            sleep(Duration::from_millis(150));
            server.kill();
            sleep(Duration::from_millis(100));
            server.run();
        }
        sleep(Duration::from_millis(300));
        stopped.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    println!("Redis killed {kills} times: {} writes acknowledged", acknowledged.iter().sum::<u64>());
    for (writer, acknowledged) in (0..4u8).zip(acknowledged) {
        let found = store.read(&[&[writer]]).unwrap();
        let found = u64::from_be_bytes(found[0].state().unwrap().try_into().unwrap());
        assert!(acknowledged > 10 && (found == acknowledged || found == acknowledged + 1), "{found}, {acknowledged}");
    }
}

#[test]
fn a_server_that_stays_away_is_a_typed_error() {
    let Some(mut server) = RedisServer::start() else { return };
    let store = RedisStore::open(&server.url()).unwrap();
    server.kill();
    assert_eq!(store.read(&[b"a"]).unwrap_err().kind(), HostErrorCode::StoreUnavailable);
    server.run();
    assert_eq!(store.read(&[b"a"]).unwrap()[0].version, 0);
}

#[test]
fn a_cluster_is_one_store() {
    let Some(servers) = RedisServer::start_cluster() else { return };
    let nodes: Vec<String> = servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
    let store = open(&format!("redis+cluster://{}", nodes.join(","))).unwrap();
    let changes: Vec<Change> = (0..300u32)
        .map(|at| Change { key: at.to_be_bytes().to_vec(), version: 0, state: at.to_le_bytes().to_vec() })
        .collect();
    assert_eq!(store.write(changes.clone()).unwrap(), [true; 300]);
    assert_eq!(store.write(changes.clone()).unwrap(), [false; 300]);
    let keys: Vec<&[u8]> = changes.iter().map(|change| change.key.as_slice()).collect();
    let read = store.read(&keys).unwrap();
    assert!(read.iter().zip(&changes).all(|(record, change)| record.state() == Some(&change.state)));
    let mut seen = 0;
    store
        .visit(&mut |_, _| {
            seen += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 300);
    let stat = store.stat().unwrap();
    assert_eq!((stat.kind, stat.profiles), ("redis cluster", 300));
    assert!(servers.iter().all(|server| server.cli(&["dbsize"]).trim().parse::<u32>().unwrap() > 50), "all hold some");
    store.compact().unwrap();
    assert!(store.put_code(b"c", b"v", 10_000, 0).unwrap());
    assert_eq!(store.take_code(b"c", 0).unwrap(), Some(b"v".to_vec()));
}
