//! The commands of `unisono-host`, one file each, and what they share.

pub(crate) mod batch;
pub(crate) mod serve;
pub(crate) mod store;

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use unisono_host::consent::ConsentMapping;
use unisono_host::identity::IdentityHasher;
use unisono_host::{Host, HostBuilder, HostError, HostErrorCode, PolicyFile};

/// How a host is set up, in every command.
#[derive(Args, Clone)]
pub(crate) struct HostArguments {
    /// The model file, as `unisono-models fit` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The module to run in place of the built-in one.
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// The policy (JSON): what holds without a word of the customer, which purposes events may serve, how long they are kept.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Instances of the module, each with its own copy of the model (default: one for each core).
    #[arg(long, value_name = "N")]
    instances: Option<usize>,
    /// Memory of one instance, model included, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory_mib: u64,
    /// Where the module's machine code is kept between starts; the folder must belong to this user alone (default:
    /// `unisono` in the user's cache folder).
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Compile the module anew and keep nothing.
    #[arg(long, conflicts_with = "cache_dir")]
    no_cache: bool,
}

/// How customers are known beside the ids of their profiles.
#[derive(Args, Clone)]
pub(crate) struct IdentityArguments {
    /// A file of at least 32 random bytes: with it, requests may name an `identity` (an e-mail address, a phone number, a
    /// customer number, a CPF) in the place of a `profile_id`, which is then its keyed hash. Under another key, other ids.
    #[arg(long, value_name = "FILE", requires = "data")]
    identity_key: Option<PathBuf>,
    /// The country of phone numbers that are written without `+` (ISO 3166, as BR).
    #[arg(long, value_name = "CODE", requires = "identity_key")]
    identity_region: Option<String>,
}

impl IdentityArguments {
    pub(crate) fn key_path(&self) -> Option<&PathBuf> {
        self.identity_key.as_ref()
    }

    /// What hashes identities, if a key is named.
    pub(crate) fn hasher(&self) -> Result<Option<IdentityHasher>, HostError> {
        let Some(path) = &self.identity_key else { return Ok(None) };
        let hasher = IdentityHasher::from_file(path)?;
        match &self.identity_region {
            Some(region) => hasher.region(region).map(Some),
            None => Ok(Some(hasher)),
        }
    }
}

impl HostArguments {
    pub(crate) fn model_path(&self) -> Option<&PathBuf> {
        Some(&self.model)
    }

    pub(crate) fn policy_path(&self) -> Option<&PathBuf> {
        self.policy.as_ref()
    }

    pub(crate) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// The table by which the policy reads what browsers and consent platforms say.
    pub(crate) fn consent_mapping(&self) -> Result<ConsentMapping, HostError> {
        let Some(policy) = &self.policy else { return Ok(ConsentMapping::default()) };
        match PolicyFile::read(policy)?.host {
            Some(host) => ConsentMapping::from_msgpack(&host),
            None => Ok(ConsentMapping::default()),
        }
    }

    pub(crate) fn module_path(&self) -> Option<&PathBuf> {
        self.module.as_ref()
    }

    pub(crate) fn build(&self, deadline_ms: u64, wait_ms: u64) -> Result<Host, HostError> {
        match self.build_any(deadline_ms, wait_ms) {
            // What the module says of a picture or a table is true and helps nobody.
            Err(e) if e.kind() == HostErrorCode::ModelRefused && !begins_as_model(&self.model) => {
                Err(HostError::no_model_file(&self.model, e))
            }
            built => built,
        }
    }

    fn build_any(&self, deadline_ms: u64, wait_ms: u64) -> Result<Host, HostError> {
        let mut builder = HostBuilder::new()
            .model_path(&self.model)
            .memory_bytes_max(self.memory_mib.saturating_mul(1024 * 1024))
            .deadline_ms(deadline_ms)
            .wait_ms_max(wait_ms);
        if let Some(module) = &self.module {
            builder = builder.module_path(module);
        }
        if let Some(policy) = &self.policy {
            builder = builder.policy_bytes(PolicyFile::read(policy)?.module);
        }
        if let Some(instances) = self.instances {
            builder = builder.instances(instances);
        }
        if let Some(folder) = &self.cache_dir {
            return builder.cache_dir(folder).build();
        }
        let Some(folder) = default_cache_dir().filter(|_| !self.no_cache) else { return builder.build() };
        // Nobody asked for this folder, so a host that can't use it does without.
        match builder.clone().cache_dir(folder).build() {
            Err(e) if e.kind() == HostErrorCode::CacheUnusable => builder.build(),
            built => built,
        }
    }
}

/// Whether the file begins as every model does: with a map whose first key, after a header of one byte, is this one.
fn begins_as_model(path: &Path) -> bool {
    const FIRST_KEY: &[u8] = b"format_version";
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FIRST_KEY.len() as u64 + 6).read_to_end(&mut head));
    read.is_ok() && head.windows(FIRST_KEY.len()).any(|bytes| bytes == FIRST_KEY)
}

/// The one place where the environment is read: in the program, never in the library.
fn default_cache_dir() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("XDG_CACHE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .or_else(|| named("LOCALAPPDATA"))
        .map(|folder| folder.join("unisono"))
}

/// 1 for files, folders and ports, 3 for what is unfit; 2 is clap's, for a wrong command line.
pub(crate) fn exit_code(error: &HostError) -> ExitCode {
    use HostErrorCode as C;
    match error.kind() {
        C::ModuleUnreadable
        | C::ModelUnreadable
        | C::CacheUnusable
        | C::FolderUnreadable
        | C::RequestsUnreadable
        | C::ResponsesUnwritable
        | C::PolicyUnreadable
        | C::KeysUnreadable
        | C::StoreUnavailable
        | C::StoreFull
        | C::StoreLocked
        | C::BackupUnreadable
        | C::BackupUnwritable
        | C::ListenFailed => ExitCode::from(1),
        _ => ExitCode::from(3),
    }
}
