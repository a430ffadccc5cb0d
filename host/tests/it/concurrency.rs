//! Many callers at once: each gets its own answer, waits are bounded, and a fault of one is nobody else's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use unisono_host::HostErrorCode;

use crate::guests::{COUNT, LOOP, TRAP, builder, request, until_rebuilt};

#[test]
fn each_of_many_callers_gets_its_own_answer() {
    let host = builder().wait_ms_max(30_000).build().unwrap();
    thread::scope(|scope| {
        for caller in 0..16u64 {
            let host = host.clone();
            scope.spawn(move || {
                for number in 0..200 {
                    let request = request(caller * 1_000_000 + number);
                    assert_eq!(host.decide(&request).unwrap(), request);
                }
            });
        }
    });
    let health = host.health();
    assert_eq!((health.answered, health.faults, health.idle, health.waiting), (3_200, 0, 2, 0));
}

#[test]
fn faults_among_many_callers_stay_with_those_who_caused_them() {
    let host = builder().wait_ms_max(30_000).build().unwrap();
    let traps = AtomicUsize::new(0);
    thread::scope(|scope| {
        for caller in 0..8u64 {
            let (host, traps) = (host.clone(), &traps);
            scope.spawn(move || {
                for number in 0..50 {
                    if (caller + number) % 5 == 0 {
                        let error = host.decide(&[TRAP]).unwrap_err();
                        assert_eq!(error.kind(), HostErrorCode::GuestTrapped);
                        traps.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let request = request(caller * 1_000_000 + number);
                        assert_eq!(host.decide(&request).unwrap(), request);
                    }
                }
            });
        }
    });
    until_rebuilt(&host);
    let health = host.health();
    assert_eq!(traps.load(Ordering::Relaxed), 80);
    assert_eq!((health.faults, health.rebuilt, health.idle), (80, 80, 2));
}

#[test]
fn a_call_that_finds_no_instance_in_time_is_refused() {
    let host = builder().instances(1).deadline_ms(2_000).wait_ms_max(100).build().unwrap();
    thread::scope(|scope| {
        let looping = host.clone();
        scope.spawn(move || looping.decide(&[LOOP]).unwrap_err());
        while host.health().busy == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let started = Instant::now();
        let error = host.decide(&request(1)).unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::HostOverloaded);
        assert!(error.is_retryable());
        assert!(started.elapsed() >= Duration::from_millis(100));
        assert!(started.elapsed() < Duration::from_millis(1_500));
    });
    until_rebuilt(&host);
    assert_eq!(host.decide(&request(1)).unwrap(), request(1));
}

#[test]
fn more_callers_than_may_wait_are_refused_at_once() {
    let host = builder().instances(1).deadline_ms(1_000).wait_ms_max(60_000).waiters_max(0).build().unwrap();
    thread::scope(|scope| {
        let looping = host.clone();
        scope.spawn(move || looping.decide(&[LOOP]).unwrap_err());
        while host.health().busy == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let started = Instant::now();
        assert_eq!(host.decide(&request(1)).unwrap_err().kind(), HostErrorCode::HostOverloaded);
        assert!(started.elapsed() < Duration::from_millis(500));
    });
}

#[test]
fn who_waits_is_served_in_turn() {
    let host = builder().instances(1).deadline_ms(3_000).wait_ms_max(60_000).build().unwrap();
    thread::scope(|scope| {
        let first = host.clone();
        scope.spawn(move || first.decide(&[LOOP]).unwrap_err());
        while host.health().busy == 0 {
            thread::yield_now();
        }
        for turn in 0..8u8 {
            let waiting = host.clone();
            scope.spawn(move || assert_eq!(waiting.decide(&[COUNT]).unwrap(), [turn]));
            while host.health().waiting <= usize::from(turn) {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn a_hundred_thousand_calls_leave_the_memory_as_it_was() {
    let host = builder().instances(1).build().unwrap();
    let first = host.decide(&request(1)).unwrap();
    let memory_bytes = host.health().memory_bytes_idle;
    for number in 0..100_000 {
        host.decide(&request(number)).unwrap();
    }
    assert_eq!(host.health().memory_bytes_idle, memory_bytes);
    assert_eq!(host.decide(&request(1)).unwrap(), first);
}

#[test]
fn a_host_that_is_dropped_under_way_ends_quietly() {
    let host = builder().deadline_ms(300).build().unwrap();
    let looping = {
        let host = host.clone();
        thread::spawn(move || host.decide(&[LOOP]).unwrap_err().kind())
    };
    drop(host);
    assert_eq!(looping.join().unwrap(), HostErrorCode::DeadlineExceeded);
}
