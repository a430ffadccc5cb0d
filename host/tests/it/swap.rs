//! Swapping the model while calls are decided.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use unisono_host::HostErrorCode;

use crate::guests::{LOOP, MODEL_A, MODEL_B, MODEL_REFUSED, TRAP, builder, host, request, until_rebuilt};

#[test]
fn a_swap_changes_the_model_of_new_calls() {
    let host = host();
    assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_A);
    assert_eq!(&*host.swap_model(MODEL_B).unwrap(), MODEL_B);
    assert_eq!(&*host.model_id(), MODEL_B);
    assert_eq!(&*host.model_bytes(), MODEL_B.as_bytes());
    for _ in 0..10 {
        assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_B);
    }
    assert_eq!(host.health().idle, 2);
}

#[test]
fn a_model_that_is_refused_leaves_the_old_one() {
    let host = host();
    let error = host.swap_model(MODEL_REFUSED).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModelRefused);
    assert_eq!(&*host.model_id(), MODEL_A);
    assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_A);
    assert_eq!((host.health().idle, host.health().faults), (2, 0));
}

#[test]
fn a_call_under_way_finishes_on_the_old_model() {
    let host = builder().instances(1).deadline_ms(500).build().unwrap();
    thread::scope(|scope| {
        let looping = host.clone();
        let running = scope.spawn(move || looping.decide(&[LOOP]).unwrap_err().kind());
        while host.health().busy == 0 {
            thread::yield_now();
        }
        host.swap_model(MODEL_B).unwrap();
        // The new instance serves although the old one is still busy.
        assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_B);
        assert_eq!(running.join().unwrap(), HostErrorCode::DeadlineExceeded);
    });
    // The instance that was lost held the old model, so nothing has to be rebuilt.
    assert_eq!((host.health().idle, host.health().rebuilding, host.health().rebuilt), (1, 0, 0));
}

#[test]
fn an_instance_lost_after_a_swap_is_rebuilt_with_the_new_model() {
    let host = host();
    host.swap_model(MODEL_B).unwrap();
    host.decide(&[TRAP]).unwrap_err();
    until_rebuilt(&host);
    assert_eq!(host.health().rebuilt, 1);
    for _ in 0..10 {
        assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_B);
    }
}

#[test]
fn swaps_and_faults_and_calls_at_once_end_in_a_whole_host() {
    let host = builder().wait_ms_max(30_000).deadline_ms(10_000).build().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for caller in 0..4u64 {
            let (host, done) = (host.clone(), &done);
            scope.spawn(move || {
                let mut number = caller;
                while !done.load(Ordering::Relaxed) {
                    number += 4;
                    if number % 7 == 0 {
                        assert_eq!(host.decide(&[TRAP]).unwrap_err().kind(), HostErrorCode::GuestTrapped);
                    } else {
                        assert_eq!(host.decide(&request(number)).unwrap(), request(number));
                    }
                }
            });
        }
        for turn in 0..50 {
            host.swap_model(if turn % 2 == 0 { MODEL_B } else { MODEL_A }).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    until_rebuilt(&host);
    assert_eq!(host.health().idle, 2);
    assert_eq!(&*host.model_id(), MODEL_A);
    assert_eq!(&*host.decide_with_ids(&request(1)).unwrap().model_id, MODEL_A);
}
