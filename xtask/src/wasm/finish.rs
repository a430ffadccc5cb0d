//! rustc's module without what no one outside needs.

use super::traps;
use anyhow::{Context, Result};
use rustc_demangle::demangle;
use walrus::{ExportItem, Module, ModuleConfig};

/// The finished module.
pub(crate) struct Output {
    /// The module that is shipped, without names of functions.
    pub(crate) module: Vec<u8>,
    /// The same code with names of functions, for the size ledger.
    pub(crate) named: Vec<u8>,
}

/// Finishes rustc's module.
pub(super) fn run(rustc_module: &[u8]) -> Result<Output> {
    let finished = |with_names: bool| -> Result<Vec<u8>> {
        let mut module = ModuleConfig::new()
            .generate_producers_section(false)
            .generate_name_section(with_names)
            .parse(rustc_module)
            .context("rustc's module can't be read")?;
        remove_inner_exports(&mut module);
        traps::shorten(&mut module);
        for function in module.funcs.iter_mut() {
            function.name = function.name.as_ref().map(|name| format!("{:#}", demangle(name)));
        }
        let sections: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
        for section in sections {
            module.customs.delete(section);
        }
        Ok(module.emit_wasm())
    };
    Ok(Output { module: finished(false)?, named: finished(true)? })
}

/// Takes away the exports that no one calls: addresses that the linker tells, and the comparison of bytes that
/// wasm/src/memory.rs gives the compiler under its C name.
fn remove_inner_exports(module: &mut Module) {
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| matches!(export.item, ExportItem::Global(_)) || export.name == "memcmp")
        .map(|export| export.id())
        .collect();
    for export in unused {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(module);
}
