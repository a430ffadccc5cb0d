//! rustc's part: the crate `unisono-wasm` as one Wasm file.

use crate::run::{Run, find_program};
use crate::tree::{self, Tree};
use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::fs;
use std::path::PathBuf;

const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles the module and gives rustc's file.
pub(super) fn run(tree: &Tree) -> Result<Vec<u8>> {
    ensure_target()?;
    // A directory of its own: other flags would otherwise throw away what other builds have compiled.
    let target_dir = tree.target().join("module");
    tree.cargo(&["build", "--package", "unisono-wasm", "--lib", "--profile", "wasm", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_dir)
        // The encoded form outranks RUSTFLAGS and every configuration file, so that no setting of the machine gets in.
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?.join("\u{1f}"))
        .run()?;
    tree::read(&target_dir.join(TARGET).join("wasm").join("unisono_wasm.wasm"))
}

/// Inlining little, unrolling no loop and copying by `memory.copy` take an eighth off the file. The host has wasmtime inline
/// (see its engine), so that it costs none of its time; Node's calls take 4 to 7 % longer. Without loops that are rewritten to count
/// in other steps, values computed ahead on some ways, and loops made twice for a condition, it is a thirtieth
/// smaller, at no time in either.
const SMALLER: [&str; 10] = [
    "-inline-threshold=20",
    "-unroll-threshold=0",
    "-unroll-runtime=0",
    "-unroll-allow-partial=0",
    "-max-loads-per-memcmp=0",
    "-max-store-memcpy=1",
    "-max-store-memset=1",
    "-disable-lsr",
    "-enable-pre=false",
    "-unswitch-threshold=0",
];

/// Compiler flags of the module, and of nothing else in the workspace.
///
/// Panics name the source that they come from. The workspace's own paths are relative, but those of the crates lie under
/// cargo's home, which is another on every machine; they are shortened, so that the bytes do not depend on it.
fn flags() -> Result<Vec<String>> {
    let mut flags = vec!["-Ctarget-feature=+simd128".to_owned(), format!("-Cllvm-args={}", SMALLER.join(" "))];
    let home =
        env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(|home| PathBuf::from(home).join(".cargo"));
    let cargo_home =
        env::var_os("CARGO_HOME").map(PathBuf::from).or(home).context("neither CARGO_HOME nor HOME is set")?;
    let sources = cargo_home.join("registry").join("src");
    // One directory for each registry; a machine without any has its crates inside the tree.
    let Ok(registries) = fs::read_dir(&sources) else { return Ok(flags) };
    for registry in registries {
        flags.push(format!("--remap-path-prefix={}=crates", registry?.path().display()));
    }
    flags.sort();
    Ok(flags)
}

/// Adds the Wasm target to the toolchain where it is missing.
pub(crate) fn ensure_target() -> Result<()> {
    if has_target()? {
        return Ok(());
    }
    if find_program(&["rustup"]).is_none() {
        bail!(
            "this Rust toolchain lacks the target {TARGET}, and rustup, which could add it, is not here; \
             install rustup, or install the target the way this toolchain was installed"
        );
    }
    Run::new("rustup").args(["target", "add", TARGET]).run()?;
    ensure!(has_target()?, "rustup added {TARGET}, but not to the toolchain that `rustc` names here");
    Ok(())
}

fn has_target() -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Run::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .quiet()
        .output()
        .context("can't ask rustc for its targets")?;
    Ok(PathBuf::from(printed.trim()).is_dir())
}
