//! Whether a module fits the ABI, told before anything of it runs.

use wasmtime::{ExternType, Module, ValType};

use crate::error::{HostError, HostErrorCode};

/// The version of the ABI that this host speaks.
pub(crate) const ABI_VERSION: u32 = 2;

const I32: &str = "i32";
const I64: &str = "i64";

/// Exports of ABI version 2, with their parameters and their results.
pub(crate) const EXPORTS: &[(&str, &[&str], &[&str])] = &[
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

/// Refuses a module with imports, without an export of the ABI, with one of another type, or with too much memory.
pub(crate) fn check(module: &Module, memory_bytes_max: u64) -> Result<(), HostError> {
    no_imports(module)?;
    for (name, params, results) in EXPORTS {
        function(module, name, params, results)?;
    }
    memory(module, memory_bytes_max)
}

fn no_imports(module: &Module) -> Result<(), HostError> {
    let count = module.imports().len();
    let Some(first) = module.imports().next() else { return Ok(()) };
    let text = format!("the module has {count} imports, the first is `{}.{}`", first.module(), first.name());
    Err(HostError::new(HostErrorCode::ModuleHasImports, text))
}

fn missing(name: &str) -> HostError {
    HostError::new(HostErrorCode::ModuleExportMissing, format!("the module has no export `{name}`"))
}

fn function(module: &Module, name: &str, params: &[&str], results: &[&str]) -> Result<(), HostError> {
    let wanted = format!("a function ({}) -> ({})", params.join(", "), results.join(", "));
    let found = match module.get_export(name).ok_or_else(|| missing(name))? {
        ExternType::Func(ty) => {
            let list = |types: Vec<ValType>| types.iter().map(value_type).collect::<Vec<_>>().join(", ");
            format!("a function ({}) -> ({})", list(ty.params().collect()), list(ty.results().collect()))
        }
        other => kind(&other).to_owned(),
    };
    if found == wanted {
        return Ok(());
    }
    let text = format!("the export `{name}` is {found}, but must be {wanted}");
    Err(HostError::new(HostErrorCode::ModuleExportType, text))
}

fn memory(module: &Module, memory_bytes_max: u64) -> Result<(), HostError> {
    let ty = match module.get_export("memory").ok_or_else(|| missing("memory"))? {
        ExternType::Memory(ty) => ty,
        other => {
            let text = format!("the export `memory` is {}, but must be a memory", kind(&other));
            return Err(HostError::new(HostErrorCode::ModuleExportType, text));
        }
    };
    let bytes = ty.minimum().saturating_mul(ty.page_size());
    if bytes > memory_bytes_max {
        let text = format!("the module starts with {bytes} bytes of memory, the limit is {memory_bytes_max}");
        return Err(HostError::new(HostErrorCode::ModuleMemoryTooLarge, text));
    }
    Ok(())
}

fn value_type(ty: &ValType) -> &'static str {
    match ty {
        ValType::I32 => I32,
        ValType::I64 => I64,
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::Ref(_) => "reference",
    }
}

fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "a function",
        ExternType::Global(_) => "a global",
        ExternType::Table(_) => "a table",
        ExternType::Memory(_) => "a memory",
        ExternType::Tag(_) => "a tag",
    }
}
