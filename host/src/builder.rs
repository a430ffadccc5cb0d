//! Settings of a host, checked before anything is started.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;

use unisono_message::limits::ALLOC_BYTES_MAX;

use crate::error::{HostError, HostErrorCode};
use crate::host::Host;
use crate::limits;

/// Checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) instances: usize,
    pub(crate) deadline_ms: u64,
    pub(crate) load_deadline_ms: u64,
    pub(crate) memory_bytes_max: u64,
    pub(crate) wait_ms_max: u64,
    pub(crate) waiters_max: usize,
    pub(crate) cache_dir: Option<PathBuf>,
    /// MessagePack; none for the default policy.
    pub(crate) policy: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

/// Builds a [`Host`]. Every setting has a default; only the model must be given.
#[derive(Clone, Debug)]
pub struct HostBuilder {
    module: Option<Source>,
    model: Option<Source>,
    instances: Option<usize>,
    settings: Settings,
}

impl Default for HostBuilder {
    fn default() -> Self {
        HostBuilder {
            module: None,
            model: None,
            instances: None,
            settings: Settings {
                instances: 1,
                deadline_ms: limits::DEADLINE_MS_DEFAULT,
                load_deadline_ms: limits::LOAD_DEADLINE_MS_DEFAULT,
                memory_bytes_max: limits::MEMORY_BYTES_DEFAULT,
                wait_ms_max: limits::WAIT_MS_DEFAULT,
                waiters_max: limits::WAITERS_DEFAULT,
                cache_dir: None,
                policy: None,
            },
        }
    }
}

impl HostBuilder {
    /// A builder with the built-in module and no model.
    pub fn new() -> Self {
        Self::default()
    }

    /// The module's bytes, in place of the built-in ones.
    #[must_use]
    pub fn module_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.module = Some(Source::Bytes(bytes.into()));
        self
    }

    /// The module's file, in place of the built-in one.
    #[must_use]
    pub fn module_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.module = Some(Source::Path(path.into()));
        self
    }

    /// The model's bytes.
    #[must_use]
    pub fn model_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.model = Some(Source::Bytes(bytes.into()));
        self
    }

    /// The model's file.
    #[must_use]
    pub fn model_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.model = Some(Source::Path(path.into()));
        self
    }

    /// The policy, MessagePack as the module reads it; without one the module's default policy holds.
    #[must_use]
    pub fn policy_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.settings.policy = Some(bytes.into());
        self
    }

    /// Instances, each with its own copy of the model, each serving one call at a time: 1 to 256, by default one for each
    /// core that this process may use.
    #[must_use]
    pub fn instances(mut self, count: usize) -> Self {
        self.instances = Some(count);
        self
    }

    /// Milliseconds that one call may take, 1 to 3,600,000; 1,000 by default.
    #[must_use]
    pub fn deadline_ms(mut self, deadline_ms: u64) -> Self {
        self.settings.deadline_ms = deadline_ms;
        self
    }

    /// Milliseconds that starting an instance and loading the model into it may take, 1 to 3,600,000; 60,000 by default.
    #[must_use]
    pub fn load_deadline_ms(mut self, deadline_ms: u64) -> Self {
        self.settings.load_deadline_ms = deadline_ms;
        self
    }

    /// Bytes of memory that one instance may use, model included: 64 KiB to 4 GiB, 1 GiB by default.
    #[must_use]
    pub fn memory_bytes_max(mut self, bytes: u64) -> Self {
        self.settings.memory_bytes_max = bytes;
        self
    }

    /// Milliseconds that a call waits for a free instance before it fails with `host_overloaded`, 0 to 3,600,000; 1,000 by
    /// default.
    #[must_use]
    pub fn wait_ms_max(mut self, wait_ms: u64) -> Self {
        self.settings.wait_ms_max = wait_ms;
        self
    }

    /// Calls that may wait at once; the next one fails with `host_overloaded` immediately. 64 by default.
    #[must_use]
    pub fn waiters_max(mut self, waiters: usize) -> Self {
        self.settings.waiters_max = waiters;
        self
    }

    /// Keeps the module's machine code in this folder between starts. The folder is made if it is missing, and must belong
    /// to this user alone, because what lies in it is run. Without one nothing is kept.
    #[must_use]
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.cache_dir = Some(folder.into());
        self
    }

    /// Checks the settings, compiles and checks the module, and loads the model into every instance.
    ///
    /// # Errors
    /// A [`HostError`] whose code says what is unfit: a setting, the module, the model or the cache folder.
    pub fn build(self) -> Result<Host, HostError> {
        let HostBuilder { module, model, instances, mut settings } = self;
        // When the system can't tell the number of cores, one instance is always right.
        settings.instances = instances.unwrap_or_else(|| {
            thread::available_parallelism().map(usize::from).unwrap_or(1).min(limits::INSTANCES_MAX)
        });
        check(&settings)?;
        let module = match module {
            Some(Source::Bytes(bytes)) => within(bytes, &MODULE_FILE)?,
            Some(Source::Path(path)) => read(&path, &MODULE_FILE)?,
            None => crate::embedded_module()
                .ok_or_else(|| HostError::new(HostErrorCode::ModuleMissing, "this host was built without a module"))?
                .to_vec(),
        };
        let model = match model {
            Some(Source::Bytes(bytes)) => within(bytes, &MODEL_FILE)?,
            Some(Source::Path(path)) => read(&path, &MODEL_FILE)?,
            None => return Err(HostError::new(HostErrorCode::ModelMissing, "no model was given")),
        };
        Host::start(module, model, settings)
    }
}

fn check(settings: &Settings) -> Result<(), HostError> {
    let within = |name: &str, value: u64, min: u64, max: u64| {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        let text = format!("`{name}` is {value}, but must lie between {min} and {max}");
        Err(HostError::new(HostErrorCode::InvalidConfig, text))
    };
    let instances = u64::try_from(settings.instances).unwrap_or(u64::MAX);
    let instances_max = u64::try_from(limits::INSTANCES_MAX).unwrap_or(u64::MAX);
    within("instances", instances, 1, instances_max)?;
    within("deadline_ms", settings.deadline_ms, 1, limits::DEADLINE_MS_MAX)?;
    within("load_deadline_ms", settings.load_deadline_ms, 1, limits::DEADLINE_MS_MAX)?;
    within("wait_ms_max", settings.wait_ms_max, 0, limits::DEADLINE_MS_MAX)?;
    within("memory_bytes_max", settings.memory_bytes_max, limits::MEMORY_BYTES_MIN, limits::MEMORY_BYTES_MAX)
}

/// A kind of file, its largest size, and the errors that belong to it.
struct FileKind {
    name: &'static str,
    bytes_max: usize,
    unreadable: HostErrorCode,
    too_large: HostErrorCode,
}

const MODULE_FILE: FileKind = FileKind {
    name: "module",
    bytes_max: limits::MODULE_BYTES_MAX,
    unreadable: HostErrorCode::ModuleUnreadable,
    too_large: HostErrorCode::ModuleTooLarge,
};

const MODEL_FILE: FileKind = FileKind {
    name: "model",
    bytes_max: ALLOC_BYTES_MAX,
    unreadable: HostErrorCode::ModelUnreadable,
    too_large: HostErrorCode::ModelTooLarge,
};

/// A model's bytes, if they are not too many.
pub(crate) fn model_within(bytes: Vec<u8>) -> Result<Vec<u8>, HostError> {
    within(bytes, &MODEL_FILE)
}

fn within(bytes: Vec<u8>, kind: &FileKind) -> Result<Vec<u8>, HostError> {
    if bytes.len() <= kind.bytes_max {
        return Ok(bytes);
    }
    let text = format!("the {} has {} bytes, the limit is {}", kind.name, bytes.len(), kind.bytes_max);
    Err(HostError::new(kind.too_large, text))
}

fn read(path: &Path, kind: &FileKind) -> Result<Vec<u8>, HostError> {
    let unreadable = |e: std::io::Error| {
        HostError::new(kind.unreadable, format!("the {} `{}` can't be read: {e}", kind.name, path.display()))
            .with_source(e)
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte over the limit is enough to know; a file that never ends is not read to its end.
    let bytes_max = u64::try_from(kind.bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bytes_max).read_to_end(&mut bytes).map_err(unreadable)?;
    within(bytes, kind)
}
