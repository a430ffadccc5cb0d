//! What the module must be, whoever built it: no imports, no feature beyond the four, the exports of ABI version 2.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures};

/// The features that every runtime of the project has, beyond the first version of Wasm.
const FEATURES: WasmFeatures = WasmFeatures::MVP
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT);

use ValType::{I32, I64};

/// The exports that hosts and the npm package call, with their parameters and results.
const EXPORTS: &[(&str, &[ValType], &[ValType])] = &[
    ("abi_version", &[], &[I32]),
    ("alloc", &[I32], &[I32]),
    ("free", &[I32, I32], &[]),
    ("load_model", &[I32, I32], &[I64]),
    ("load_policy", &[I32, I32], &[I64]),
    ("recommend", &[I32, I32, I32, I32], &[I64]),
    ("profile_apply", &[I32, I32, I32], &[I64]),
    ("profile_merge", &[I32, I32], &[I64]),
    ("profile_erase", &[I32, I32], &[I64]),
    ("profile_export", &[I32, I32, I32], &[I64]),
    ("profile_component", &[I32, I32], &[I64]),
    ("token_write", &[I32, I32, I32], &[I64]),
    ("token_apply", &[I32, I32, I32], &[I64]),
    ("drop_handle", &[I32], &[I32]),
];

/// Fails unless `bytes` is a module that every runtime can load without giving it anything.
pub(super) fn module(bytes: &[u8]) -> Result<()> {
    Validator::new_with_features(FEATURES)
        .validate_all(bytes)
        .context("the module needs a Wasm feature beyond simd128, bulk-memory, sign-ext and saturating float-to-int")?;
    let shape = Shape::read(bytes)?;
    if let Some(import) = shape.imports.first() {
        bail!("the module imports `{import}` ({} imports in all); it must import nothing", shape.imports.len());
    }
    ensure!(!shape.has_start, "the module has a start function; hosts expect that loading runs nothing");
    check_exports(&shape)?;
    check_paths(bytes)?;
    let names: Vec<&str> = EXPORTS.iter().map(|(name, ..)| *name).collect();
    eprintln!("module checked: 0 imports; no feature beyond the four; exports memory, {}", names.join(", "));
    Ok(())
}

fn check_exports(shape: &Shape) -> Result<()> {
    ensure!(
        shape.other_exports == ["memory"],
        "exports other than functions are {:?}, not memory",
        shape.other_exports
    );
    for (name, parameters, results) in EXPORTS {
        let found = shape.functions.get(*name).with_context(|| format!("the module does not export `{name}`"))?;
        ensure!(
            found.params() == *parameters && found.results() == *results,
            "the export `{name}` is {found}, expected {parameters:?} -> {results:?}"
        );
    }
    let known = |name: &str| EXPORTS.iter().any(|(export, ..)| *export == name);
    match shape.functions.keys().find(|name| !known(name)) {
        Some(name) => bail!("the module exports `{name}`, which no one has asked for"),
        None => Ok(()),
    }
}

/// A path of the build machine would make the bytes depend on it, and tell on it.
fn check_paths(bytes: &[u8]) -> Result<()> {
    for needle in ["/.cargo/", "/registry/src/", "/home/", "/root/", "/Users/", ":\\"] {
        if let Some(at) = bytes.windows(needle.len()).position(|window| window == needle.as_bytes()) {
            let from = at.saturating_sub(40);
            let around = String::from_utf8_lossy(&bytes[from..(at + 60).min(bytes.len())]).into_owned();
            bail!("the module holds a path of the machine it was built on, near `{}`", around.escape_debug());
        }
    }
    Ok(())
}

/// What a module asks for and offers.
struct Shape {
    imports: Vec<String>,
    functions: BTreeMap<String, FuncType>,
    other_exports: Vec<String>,
    has_start: bool,
}

impl Shape {
    fn read(bytes: &[u8]) -> Result<Shape> {
        let mut shape =
            Shape { imports: Vec::new(), functions: BTreeMap::new(), other_exports: Vec::new(), has_start: false };
        let (mut types, mut function_types) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    types = section.into_iter_err_on_gc_types().collect::<Result<Vec<_>, _>>()?;
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        shape.imports.push(format!("{}.{}", import.module, import.name));
                        if let TypeRef::Func(of) = import.ty {
                            function_types.push(of);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for of in section {
                        function_types.push(of?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            let of = function_types.get(export.index as usize).context("an export of no function")?;
                            let of = types.get(*of as usize).context("a function of no type")?;
                            shape.functions.insert(export.name.to_owned(), of.clone());
                        } else {
                            shape.other_exports.push(export.name.to_owned());
                        }
                    }
                }
                Payload::StartSection { .. } => shape.has_start = true,
                _ => {}
            }
        }
        Ok(shape)
    }
}
