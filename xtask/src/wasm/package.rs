//! The npm package: the module and the hand-written files of `wasm/js`.

use super::finish::Output;
use crate::tree::{self, Tree};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Hand-written files that are shipped as they are.
const FILES: &[&str] = &[
    "index.js",
    "index.d.ts",
    "abi.js",
    "consent.js",
    "consent.d.ts",
    "engine.js",
    "error.js",
    "model.js",
    "msgpack.js",
    "source.js",
    "token.js",
    "token.d.ts",
    "README.md",
];

/// Licence texts of the whole project, shipped where they are.
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

/// Assembles the package beside the other compiled things, and puts it in its place when it is whole.
pub(super) fn write(tree: &Tree, output: &Output) -> Result<()> {
    let fresh = tree.target().join("module").join("package");
    empty(&fresh)?;
    tree::write(&fresh.join("unisono.wasm"), &output.module)?;
    for file in FILES {
        tree::copy(&tree.path("wasm/js").join(file), &fresh.join(file))?;
    }
    for licence in LICENCES.iter().filter(|licence| tree.path(licence).is_file()) {
        tree::copy(&tree.path(licence), &fresh.join(licence))?;
    }
    tree::write(&fresh.join("package.json"), manifest(&version(tree)?, &fresh)?)?;
    put(&fresh, &tree.package())
}

/// Makes `to` equal to `from`. Files that are equal already keep their time, so that the host, which takes the module
/// in, is not compiled again for nothing.
fn put(from: &Path, to: &Path) -> Result<()> {
    let files = file_names(from)?;
    fs::create_dir_all(to).with_context(|| format!("can't create `{}`", to.display()))?;
    for stale in file_names(to)?.iter().filter(|file| !files.contains(file)) {
        fs::remove_file(to.join(stale)).with_context(|| format!("can't remove `{stale}` from the package"))?;
    }
    for file in &files {
        let bytes = tree::read(&from.join(file))?;
        if fs::read(to.join(file)).ok().as_ref() != Some(&bytes) {
            tree::write(&to.join(file), bytes)?;
        }
    }
    Ok(())
}

fn file_names(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("can't list `{}`", directory.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn empty(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove `{}`", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Text, because the order of keys counts: TypeScript takes the first condition of an export that holds, so `types` comes
/// before `default`, which always does.
fn manifest(version: &str, package: &Path) -> Result<String> {
    let files: Vec<String> = file_names(package)?.into_iter().filter(|file| file != "package.json").collect();
    let (version, files) = (serde_json::to_string(version)?, serde_json::to_string(&files)?);
    Ok(format!(
        r#"{{
  "name": "unisono",
  "version": {version},
  "description": "One recommender that gives the same answer in the browser, on the edge and in the shop",
  "license": "Apache-2.0 OR MIT",
  "type": "module",
  "exports": {{
    ".": {{ "types": "./index.d.ts", "default": "./index.js" }},
    "./consent": {{ "types": "./consent.d.ts", "default": "./consent.js" }},
    "./token": {{ "types": "./token.d.ts", "default": "./token.js" }},
    "./unisono.wasm": "./unisono.wasm",
    "./package.json": "./package.json"
  }},
  "main": "./index.js",
  "types": "./index.d.ts",
  "files": {files},
  "sideEffects": false,
  "engines": {{ "node": ">=20" }},
  "keywords": ["recommender", "recommendations", "wasm", "webassembly", "personalization", "edge"]
}}
"#
    ))
}

/// The workspace's version: module and package are released together.
fn version(tree: &Tree) -> Result<String> {
    let manifest: toml::Table =
        tree::read_text(&tree.path("Cargo.toml"))?.parse().context("Cargo.toml can't be read")?;
    let version =
        manifest.get("workspace").and_then(|table| table.get("package")).and_then(|table| table.get("version"));
    let version = version.and_then(toml::Value::as_str).context("Cargo.toml names no workspace.package.version")?;
    ensure!(!version.is_empty(), "workspace.package.version is empty");
    Ok(version.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_manifest_is_json_and_names_types_before_what_always_holds() {
        let manifest = super::manifest("1.2.3", &std::env::temp_dir()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!((&value["version"], &value["exports"]["."]["types"]), (&"1.2.3".into(), &"./index.d.ts".into()));
        assert!(manifest.find("\"types\"").unwrap() < manifest.find("\"default\"").unwrap());
    }
}
