//! The folder of precompiled modules: compiling takes a hundred milliseconds, loading what was compiled before takes less
//! than one. A file that does not match its SHA-256 is compiled anew, never loaded.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use crate::error::{HostError, HostErrorCode};
use crate::hex::{hex, is_sha256_hex, sha256_hex};
use crate::limits::CACHE_MODULES_MAX;
use crate::precompiled;

const CODE_EXTENSION: &str = "cwasm";

/// Where the machine code of a host's module came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeOrigin {
    /// Compiled now; there is no cache folder, or nothing was in it.
    Compiled,
    /// Read from the cache folder.
    Cached,
    /// Compiled anew, because the cached file was damaged, or made by another version.
    Recompiled,
}

impl CodeOrigin {
    /// A word for programs: `compiled`, `cached` or `recompiled`.
    pub fn as_str(self) -> &'static str {
        match self {
            CodeOrigin::Compiled => "compiled",
            CodeOrigin::Cached => "cached",
            CodeOrigin::Recompiled => "recompiled",
        }
    }
}

/// Bytes of a cached file that passed every check of this module; nothing else can make one.
pub(crate) struct Trusted(Vec<u8>);

impl Trusted {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Loads the module's machine code from the cache, or compiles it and leaves it there.
///
/// A folder that can't be trusted is an error; a file in it that can't be is compiled anew, and one that can't be written
/// only costs the next start its hundred milliseconds, so it is logged.
pub(crate) fn module(
    engine: &Engine,
    folder: Option<&Path>,
    wasm: &[u8],
    module_id: &str,
) -> Result<(Module, CodeOrigin), HostError> {
    let Some(folder) = folder else { return Ok((compile(engine, wasm)?, CodeOrigin::Compiled)) };
    private_folder(folder)?;
    let code_path = folder.join(format!("{}.{CODE_EXTENSION}", key(engine, module_id)));
    let mut origin = CodeOrigin::Compiled;
    match read_trusted(&code_path) {
        Ok(None) => {}
        Ok(Some(code)) => match precompiled::deserialize(engine, &code) {
            Some(module) => return Ok((module, CodeOrigin::Cached)),
            None => origin = CodeOrigin::Recompiled,
        },
        Err(e) => {
            tracing::warn!(path = %code_path.display(), error = %e, "cached module is damaged, compiling it anew");
            origin = CodeOrigin::Recompiled;
        }
    }
    let module = compile(engine, wasm)?;
    if let Err(e) = store(&code_path, &module) {
        tracing::warn!(path = %code_path.display(), error = %e, "compiled module can't be cached");
    }
    Ok((module, origin))
}

fn compile(engine: &Engine, wasm: &[u8]) -> Result<Module, HostError> {
    Module::from_binary(engine, wasm).map_err(|e| {
        HostError::new(HostErrorCode::ModuleInvalid, format!("the module can't be compiled: {e:#}")).with_source(e)
    })
}

/// One name for one module under one wasmtime with one configuration on one kind of processor. wasmtime's compatibility
/// hash covers all but the module.
fn key(engine: &Engine, module_id: &str) -> String {
    let mut hasher = ShaHasher(Sha256::new());
    hasher.write(b"unisono precompiled module 1\0");
    hasher.write(module_id.as_bytes());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hex(&hasher.0.finalize())
}

/// Feeds `Hash` into SHA-256; std's own hasher promises no stable result between releases.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0 // Never asked for: the key is the whole digest.
    }
}

fn digest_path(code_path: &Path) -> PathBuf {
    code_path.with_extension("sha256")
}

/// `None` when nothing is cached; an error when what is there can't be trusted.
fn read_trusted(code_path: &Path) -> io::Result<Option<Trusted>> {
    let wanted = match read_private(&digest_path(code_path)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let code = read_private(code_path)?;
    if sha256_hex(&code).as_bytes() != wanted.as_slice() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the SHA-256 differs"));
    }
    Ok(Some(Trusted(code)))
}

fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    // Of the open file, not of the path: nobody can put another file in between.
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_private(&metadata) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may write the file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn store(code_path: &Path, module: &Module) -> io::Result<()> {
    let code = module.serialize().map_err(|e| io::Error::other(format!("{e:#}")))?;
    let digest = sha256_hex(&code);
    // The digest goes last: whoever finds it finds the code complete. Two hosts that write at once write the same bytes,
    // and a mixture would only fail its digest.
    replace(code_path, &code)?;
    replace(&digest_path(code_path), digest.as_bytes())?;
    code_path.parent().map_or(Ok(()), prune)
}

/// Removes what was written longest ago when there is too much. A host that looks for it just compiles anew.
fn prune(folder: &Path) -> io::Result<()> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_code_path(&path) {
            found.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    found.sort();
    let surplus = found.len().saturating_sub(CACHE_MODULES_MAX);
    for (_, path) in found.iter().take(surplus) {
        fs::remove_file(path)?;
        fs::remove_file(digest_path(path))?;
    }
    Ok(())
}

/// Whether the file is one of this cache; whatever else lies in the folder is left alone.
fn is_code_path(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    path.extension().is_some_and(|extension| extension == CODE_EXTENSION) && stem.is_some_and(is_sha256_hex)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The first error is the one worth telling; a left-over file harms nobody.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private_folder(folder: &Path) -> Result<(), HostError> {
    let unusable = |why: String| {
        let text = format!("the cache folder `{}` can't be used: {why}", folder.display());
        HostError::new(HostErrorCode::CacheUnusable, text)
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| unusable(e.to_string()).with_source(e))?;
    let metadata = fs::symlink_metadata(folder).map_err(|e| unusable(e.to_string()).with_source(e))?;
    if !metadata.is_dir() {
        return Err(unusable("it is no folder, or a link to one".into()));
    }
    if !is_private(&metadata) {
        return Err(unusable("it belongs to another user, or others may write in it".into()));
    }
    Ok(())
}

#[cfg(unix)]
fn is_private(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    const WRITE_BY_OTHERS: u32 = 0o022;
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & WRITE_BY_OTHERS == 0
}

/// On other systems the folder lies in the user's profile, which nobody else may write.
#[cfg(not(unix))]
fn is_private(_metadata: &fs::Metadata) -> bool {
    true
}
