//! Modules and models that are refused before they serve anything.

use unisono_host::{HostBuilder, HostError, HostErrorCode};

use crate::guests::{MODEL_A, MODEL_REFUSED, builder, echo_with, wasm};

fn refusal(module: Vec<u8>) -> HostError {
    let error = builder().module_bytes(module).load_deadline_ms(300).build().unwrap_err();
    assert!(!error.message().is_empty());
    error
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    for bytes in [&b""[..], b"<html>", b"\0asm\x01\0\0", b"\0asm\x02\0\0\0"] {
        assert_eq!(refusal(bytes.to_vec()).kind(), HostErrorCode::ModuleInvalid);
    }
}

#[test]
fn a_module_with_imports_is_refused_by_name() {
    let error = refusal(wasm("(module (import \"env\" \"clock\" (func (result i64))))"));
    assert_eq!(error.kind(), HostErrorCode::ModuleHasImports);
    assert!(error.message().contains("`env.clock`"), "{error}");
    assert!(error.is_module_unfit());
}

#[test]
fn each_missing_export_is_named() {
    let exports = [
        "memory",
        "abi_version",
        "alloc",
        "free",
        "load_model",
        "load_policy",
        "recommend",
        "profile_apply",
        "profile_merge",
        "profile_erase",
        "profile_export",
        "profile_component",
        "token_write",
        "token_apply",
        "drop_handle",
    ];
    for name in exports {
        let module = echo_with(&format!("(export \"{name}\")"), &format!("(export \"not_{name}\")"));
        let error = refusal(module);
        assert_eq!(error.kind(), HostErrorCode::ModuleExportMissing, "{name}");
        assert!(error.message().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn an_export_of_another_type_is_refused() {
    let wrong = [
        (
            "(func (export \"abi_version\") (result i32) (i32.const 2))",
            "(func (export \"abi_version\") (result i64) (i64.const 1))",
        ),
        ("(func (export \"free\") (param i32 i32))", "(func (export \"free\") (param i32))"),
        ("(func (export \"free\") (param i32 i32))", "(func (export \"free\") (param i32 f32))"),
        ("(func (export \"free\") (param i32 i32))", "(global (export \"free\") i32 (i32.const 0))"),
        (
            "(func (export \"drop_handle\") (param i32) (result i32) (i32.const 1))",
            "(func (export \"drop_handle\") (param i32))",
        ),
    ];
    for (old, new) in wrong {
        let error = refusal(echo_with(old, new));
        assert_eq!(error.kind(), HostErrorCode::ModuleExportType, "{new}: {error}");
        assert!(error.message().contains("must be"), "{error}");
    }
}

#[test]
fn a_memory_that_is_none_is_refused() {
    let module =
        echo_with("(memory (export \"memory\") 4)", "(memory 4) (global (export \"memory\") i32 (i32.const 0))");
    assert_eq!(refusal(module).kind(), HostErrorCode::ModuleExportType);
}

#[test]
fn another_abi_version_is_refused() {
    let module =
        echo_with("(result i32) (i32.const 2))\n\n  ;; One input", "(result i32) (i32.const 3))\n\n  ;; One input");
    let error = refusal(module);
    assert_eq!(error.kind(), HostErrorCode::AbiVersionUnsupported);
    assert!(error.message().contains("version 3"), "{error}");
}

#[test]
fn a_memory_beyond_the_limit_is_refused_before_it_is_made() {
    let module = echo_with("(memory (export \"memory\") 4)", "(memory (export \"memory\") 1000)");
    let error = builder().module_bytes(module).memory_bytes_max(1 << 20).build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModuleMemoryTooLarge, "{error}");
}

#[test]
fn a_start_function_that_traps_is_refused() {
    let module = echo_with("(module\n", "(module\n (start $start) (func $start unreachable)\n");
    assert_eq!(refusal(module).kind(), HostErrorCode::ModuleStartFailed);
}

#[test]
fn a_start_function_that_never_ends_is_refused() {
    let module = echo_with("(module\n", "(module\n (start $start) (func $start (loop $forever (br $forever)))\n");
    let error = refusal(module);
    assert_eq!(error.kind(), HostErrorCode::ModuleStartFailed);
    assert!(error.message().contains("in time"), "{error}");
}

#[test]
fn features_beyond_the_allowed_are_refused() {
    let beyond = [
        ("relaxed simd", "(func (param v128 v128) (result v128) (f32x4.relaxed_min (local.get 0) (local.get 1)))"),
        ("threads", "(memory $other 1 1 shared)"),
        ("several memories", "(memory $other 1)"),
        ("64-bit memory", "(memory $other i64 1)"),
        ("tail calls", "(func $tail (return_call $tail))"),
        ("reference types", "(table 1 externref)"),
        ("several results", "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
        ("exceptions", "(tag $thrown)"),
    ];
    for (feature, text) in beyond {
        let error =
            refusal(echo_with("(memory (export \"memory\") 4)", &format!("(memory (export \"memory\") 4) {text}")));
        assert_eq!(error.kind(), HostErrorCode::ModuleInvalid, "{feature}: {error}");
    }
}

#[test]
fn the_allowed_features_are_accepted() {
    let text = "(memory (export \"memory\") 4)
  (func (param v128 v128) (result v128) (f32x4.add (local.get 0) (local.get 1)))
  (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))
  (func (param i32) (result i32) (i32.extend8_s (local.get 0)))
  (global (export \"__stack\") (mut i32) (i32.const 0))
  (table 4 4 funcref)";
    builder().module_bytes(echo_with("(memory (export \"memory\") 4)", text)).build().unwrap();
}

const LOAD_MODEL: &str = "(if (i32.eq (i32.load8_u (local.get $pointer)) (i32.const 120))";

#[test]
fn a_refused_model_keeps_the_modules_own_code() {
    let error = builder().model_bytes(MODEL_REFUSED).build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModelRefused);
    assert_eq!(error.module_code(), Some("model_root_invalid"));
    assert_eq!(error.field(), "root");
    assert!(error.message().contains("fit the model anew"), "{error}");
}

#[test]
fn a_load_that_traps_or_never_ends_is_an_error() {
    let traps = refusal(echo_with(LOAD_MODEL, &format!("unreachable {LOAD_MODEL}")));
    assert_eq!(traps.kind(), HostErrorCode::GuestTrapped);
    let loops = refusal(echo_with(LOAD_MODEL, &format!("(loop $forever (br $forever)) {LOAD_MODEL}")));
    assert_eq!(loops.kind(), HostErrorCode::DeadlineExceeded);
}

#[test]
fn a_load_with_a_senseless_reply_is_an_error() {
    let replies = [
        // Points outside the memory.
        "(return (i64.const 0x7fffffff00000010))",
        // A byte that starts no MessagePack value.
        "(return (call $pack (i32.const 4096) (i32.const 1)))",
        // A map without handle and id: an error that is none.
        "(return (call $pack (i32.const 1024) (i32.const 9)))",
        // An id that is no SHA-256.
        "(i32.store8 (local.get $pointer) (i32.const 90))",
    ];
    for reply in replies {
        let error = refusal(echo_with(LOAD_MODEL, &format!("{reply} {LOAD_MODEL}")));
        assert_eq!(error.kind(), HostErrorCode::GuestBadResult, "{reply}: {error}");
    }
}

#[test]
fn a_model_that_finds_no_room_is_too_large() {
    let module = echo_with("(call $reach (i32.add (i32.const 65536) (local.get $length)))", "(return (i32.const 0))");
    assert_eq!(refusal(module).kind(), HostErrorCode::ModelTooLarge);
}

#[test]
fn what_is_not_given_is_named() {
    let error = HostBuilder::new().module_path("/does/not/exist.wasm").model_bytes(MODEL_A).build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModuleUnreadable);
    assert!(error.message().contains("/does/not/exist.wasm"), "{error}");
    let error = builder().model_path("/does/not/exist.unisono").build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModelUnreadable);
    let error = HostBuilder::new().module_bytes(wasm("(module)")).build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::ModelMissing);
    let error = HostBuilder::new().model_bytes(MODEL_A).build();
    if unisono_host::embedded_module().is_none() {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::ModuleMissing);
        assert!(error.message().contains("cargo xtask wasm"), "{error}");
    }
}

#[test]
fn the_built_in_module_fits_this_host() {
    // Built without one, there is nothing to ask; `cargo xtask test` builds it first.
    if let Some(module) = unisono_host::embedded_module() {
        let error = HostBuilder::new().model_bytes("no model").build().unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::ModelRefused, "{error}");
        assert!(error.module_code().is_some_and(|code| code.starts_with("model_") || code.starts_with("invalid_")));
        let error = HostBuilder::new().module_bytes(module).model_bytes([]).build().unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::ModelRefused, "{error}");
    }
}

#[test]
fn settings_out_of_range_are_named_with_their_range() {
    let wrong = [
        ("instances", builder().instances(0)),
        ("instances", builder().instances(100_000)),
        ("deadline_ms", builder().deadline_ms(0)),
        ("load_deadline_ms", builder().load_deadline_ms(0)),
        ("wait_ms_max", builder().wait_ms_max(u64::MAX)),
        ("memory_bytes_max", builder().memory_bytes_max(1)),
        ("memory_bytes_max", builder().memory_bytes_max(u64::MAX)),
    ];
    for (name, builder) in wrong {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::InvalidConfig);
        assert!(error.message().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn codes_are_words_and_each_stands_once() {
    let mut codes: Vec<&str> = HostErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count);
}
