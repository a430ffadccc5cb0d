//! Hostile guests: each costs one call and one instance, never the host.

use std::time::{Duration, Instant};

use unisono_host::{Host, HostErrorCode};

use crate::guests::{
    GROW_REFUSED, HOG, LOOP, NO_MSGPACK, RECURSE, REFUSE, RESULT_EMPTY, RESULT_HUGE, RESULT_OUTSIDE, TRAP, builder,
    echo_with, host, request, until_rebuilt,
};

/// The fault costs its own call, is named, and leaves nothing behind.
fn costs_one_instance(host: &Host, code: u8, expected: HostErrorCode) {
    let before = host.health();
    let error = host.decide(&[code]).unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
    assert!(error.is_guest_fault());
    // The other instance serves on at once.
    assert_eq!(host.decide(&request(1)).unwrap(), request(1));
    until_rebuilt(host);
    let after = host.health();
    assert_eq!(after.faults, before.faults + 1);
    assert_eq!(after.rebuilt, before.rebuilt + 1);
    assert_eq!(after.idle, before.instances);
    assert_eq!(after.rebuild_error, None);
    for number in 0..20 {
        assert_eq!(host.decide(&request(number)).unwrap(), request(number));
    }
}

#[test]
fn a_trap_costs_one_instance() {
    costs_one_instance(&host(), TRAP, HostErrorCode::GuestTrapped);
}

#[test]
fn an_endless_loop_ends_at_the_deadline() {
    let host = host();
    let started = Instant::now();
    costs_one_instance(&host, LOOP, HostErrorCode::DeadlineExceeded);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(200), "the call got less than its deadline: {took:?}");
    assert!(took < Duration::from_secs(5), "the deadline came late: {took:?}");
}

#[test]
fn a_memory_hog_meets_its_limit() {
    let host = builder().memory_bytes_max(8 * 1024 * 1024).deadline_ms(5_000).build().unwrap();
    costs_one_instance(&host, HOG, HostErrorCode::GuestMemoryLimit);
}

#[test]
fn growth_that_was_refused_and_survived_is_no_fault() {
    let host = builder().memory_bytes_max(8 * 1024 * 1024).build().unwrap();
    assert_eq!(host.decide(&[GROW_REFUSED]).unwrap(), [GROW_REFUSED]);
    assert_eq!(host.health().faults, 0);
}

#[test]
fn a_result_outside_the_memory_is_not_read() {
    costs_one_instance(&host(), RESULT_OUTSIDE, HostErrorCode::GuestBadResult);
}

#[test]
fn a_result_of_four_gigabytes_is_not_read() {
    costs_one_instance(&host(), RESULT_HUGE, HostErrorCode::GuestBadResult);
}

#[test]
fn an_empty_result_is_refused() {
    costs_one_instance(&host(), RESULT_EMPTY, HostErrorCode::GuestBadResult);
}

#[test]
fn endless_recursion_overflows_the_guests_stack_only() {
    costs_one_instance(&host(), RECURSE, HostErrorCode::GuestTrapped);
}

#[test]
fn a_hundred_faults_in_a_row_leave_a_whole_host() {
    let host = builder().wait_ms_max(10_000).build().unwrap();
    for _ in 0..100 {
        assert_eq!(host.decide(&[TRAP]).unwrap_err().kind(), HostErrorCode::GuestTrapped);
    }
    until_rebuilt(&host);
    assert_eq!(host.health().faults, 100);
    assert_eq!(host.health().idle, 2);
    assert_eq!(host.decide(&request(7)).unwrap(), request(7));
}

#[test]
fn an_error_inside_a_response_is_a_response() {
    let host = host();
    let response = host.decide(&[REFUSE]).unwrap();
    assert_eq!(unisono_host::transcode::error_code(&response).as_deref(), Some("unknown_placement"));
    assert_eq!(host.health().faults, 0);
}

#[test]
fn bytes_of_a_response_are_not_judged() {
    assert_eq!(host().decide(&[NO_MSGPACK]).unwrap(), [0xc1]);
}

#[test]
fn an_empty_request_reaches_the_module() {
    // The echo of nothing is an empty result, which no module may return.
    assert_eq!(host().decide(&[]).unwrap_err().kind(), HostErrorCode::GuestBadResult);
}

#[test]
fn a_request_over_the_limit_never_reaches_the_module() {
    let host = host();
    let too_large = vec![0; unisono_message::limits::REQUEST_BYTES_MAX + 1];
    assert_eq!(host.decide(&too_large).unwrap_err().kind(), HostErrorCode::LimitExceeded);
    assert_eq!(host.health().faults, 0);
}

#[test]
fn a_request_of_the_largest_size_is_decided() {
    let mut largest = vec![0xff; unisono_message::limits::REQUEST_BYTES_MAX];
    largest[0] = 0xc6;
    assert_eq!(host().decide(&largest).unwrap(), largest);
}

/// A guest whose buffers are refused after its model was loaded.
fn alloc_that_later(misbehaves: &str) -> Host {
    let text = format!(
        "(global $loads (mut i32) (i32.const 0))
  (func (export \"alloc\") (param $length i32) (result i32)
    (if (global.get $loads) (then {misbehaves}))
    (global.set $loads (i32.const 1))"
    );
    let guest = echo_with("(func (export \"alloc\") (param $length i32) (result i32)", &text);
    builder().module_bytes(guest).build().unwrap()
}

#[test]
fn a_buffer_outside_the_memory_is_not_written() {
    let host = alloc_that_later("(return (i32.const 0x7ffffff0))");
    let error = host.decide(&request(1)).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::GuestBadResult, "{error}");
    until_rebuilt(&host);
}

#[test]
fn a_buffer_across_the_end_of_the_memory_is_not_written() {
    let host = alloc_that_later("(return (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))");
    assert_eq!(host.decide(&request(1)).unwrap_err().kind(), HostErrorCode::GuestBadResult);
}

#[test]
fn a_buffer_that_is_refused_costs_no_instance() {
    let host = alloc_that_later("(return (i32.const 0))");
    assert_eq!(host.decide(&request(1)).unwrap_err().kind(), HostErrorCode::AllocationRefused);
    assert_eq!(host.health().faults, 0);
    assert_eq!(host.health().idle, 2);
}

#[test]
fn an_alloc_that_never_ends_meets_the_deadline() {
    let host = alloc_that_later("(loop $forever (br $forever))");
    assert_eq!(host.decide(&request(1)).unwrap_err().kind(), HostErrorCode::DeadlineExceeded);
}

#[test]
fn a_free_that_traps_costs_the_call() {
    let guest = echo_with(
        "(func (export \"free\") (param i32 i32))",
        "(global $frees (mut i32) (i32.const 0))
  (func (export \"free\") (param i32 i32)
    (if (i32.eq (global.get $frees) (i32.const 2)) (then unreachable))
    (global.set $frees (i32.add (global.get $frees) (i32.const 1))))",
    );
    let host = builder().module_bytes(guest).build().unwrap();
    assert_eq!(host.decide(&request(1)).unwrap_err().kind(), HostErrorCode::GuestTrapped);
}

#[test]
fn profiles_are_bytes_to_the_host() {
    let host = host();
    assert_eq!(host.profile_apply(b"any bytes").unwrap(), b"any bytes");
    assert_eq!(host.profile_merge(b"any bytes").unwrap(), b"any bytes");
    assert_eq!(host.profile_erase(b"any bytes").unwrap(), b"any bytes");
    assert_eq!(host.profile_export(b"any bytes").unwrap(), b"any bytes");
    assert_eq!(host.profile_component(b"any bytes").unwrap(), b"any bytes");
}
