//! The folder of precompiled modules.

use std::fs;
use std::path::{Path, PathBuf};

use unisono_host::{CodeOrigin, HostErrorCode};

use crate::guests::{builder, echo_with, request};

fn origin(folder: &Path) -> CodeOrigin {
    let host = builder().cache_dir(folder).build().unwrap();
    assert_eq!(host.decide(&request(1)).unwrap(), request(1));
    host.health().code_origin
}

fn file(folder: &Path, extension: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == extension));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn the_second_start_finds_what_the_first_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/on/demand");
    assert_eq!(origin(&folder), CodeOrigin::Compiled);
    assert_eq!(origin(&folder), CodeOrigin::Cached);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "a file and its digest, nothing left over");
}

#[test]
fn a_damaged_file_is_compiled_anew_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Compiled);
    let code = file(folder.path(), "cwasm");
    let whole = fs::read(&code).unwrap();
    // One bit in the machine code itself, which wasmtime alone would not notice.
    for place in [whole.len() / 2, whole.len() / 3, 0, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(&code, damaged).unwrap();
        assert_eq!(origin(folder.path()), CodeOrigin::Recompiled, "at {place}");
        assert_eq!(origin(folder.path()), CodeOrigin::Cached, "mended after {place}");
    }
    fs::write(&code, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Recompiled);
}

#[test]
fn a_file_without_its_digest_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    origin(folder.path());
    fs::remove_file(file(folder.path(), "sha256")).unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Compiled);
    fs::write(file(folder.path(), "sha256"), "not a digest").unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Recompiled);
}

#[test]
fn a_digest_without_its_file_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    origin(folder.path());
    fs::remove_file(file(folder.path(), "cwasm")).unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Recompiled);
    assert_eq!(origin(folder.path()), CodeOrigin::Cached);
}

#[test]
fn bytes_with_a_right_digest_that_are_no_code_are_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    origin(folder.path());
    fs::write(file(folder.path(), "cwasm"), b"rubbish").unwrap();
    fs::write(file(folder.path(), "sha256"), unisono_host::sha256_hex(b"rubbish")).unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Recompiled);
}

#[test]
fn each_module_has_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    origin(folder.path());
    let other = echo_with("(i32.const 20000000)", "(i32.const 20000001)");
    let host = builder().module_bytes(other).cache_dir(folder.path()).build().unwrap();
    assert_eq!(host.health().code_origin, CodeOrigin::Compiled);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn what_was_written_longest_ago_goes_when_there_is_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let max = unisono_host::limits::CACHE_MODULES_MAX;
    origin(folder.path());
    fs::write(folder.path().join("notes.txt"), "not of the cache").unwrap();
    for turns in 0..max {
        let other = echo_with("(i32.const 20000000)", &format!("(i32.const {})", 1_000 + turns));
        builder().instances(1).module_bytes(other).cache_dir(folder.path()).build().unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2 * max + 1);
    assert_eq!(origin(folder.path()), CodeOrigin::Compiled, "the first one had to go");
    assert_eq!(origin(folder.path()), CodeOrigin::Cached);
}

#[cfg(unix)]
#[test]
fn a_folder_in_which_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = builder().cache_dir(folder.path()).build().unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::CacheUnusable);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("real"), &link).unwrap();
    assert_eq!(builder().cache_dir(&link).build().unwrap_err().kind(), HostErrorCode::CacheUnusable);
}

#[cfg(unix)]
#[test]
fn a_file_in_which_others_may_write_is_compiled_anew() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    origin(folder.path());
    fs::set_permissions(file(folder.path(), "cwasm"), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(origin(folder.path()), CodeOrigin::Recompiled);
    assert_eq!(origin(folder.path()), CodeOrigin::Cached);
}

#[cfg(unix)]
#[test]
fn what_the_host_writes_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("cache");
    origin(&made);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&made), mode(&file(&made, "cwasm")), mode(&file(&made, "sha256"))), (0o700, 0o600, 0o600));
}
