//! Node and npm: what the JavaScript tests run on.

use crate::run::{Run, find_program};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// The oldest Node whose test runner and globals the tests use.
const NODE_MAJOR_MIN: u32 = 20;

/// The version of the Node that is here.
///
/// # Errors
/// None is here, or it is too old; the message says what is needed.
pub(crate) fn node_version() -> Result<String> {
    let needed = format!("Node {NODE_MAJOR_MIN} or later is needed on the search path");
    let node = find_program(&["node"]).with_context(|| format!("no `node` was found; {needed}"))?;
    let version = Run::new(node).arg("--version").quiet().output()?.trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    ensure!(major.is_some_and(|major| major >= NODE_MAJOR_MIN), "`node` is {version}; {needed}");
    Ok(version)
}

/// Installs exactly what the lock file of `directory` names, unless that was done already.
pub(crate) fn install(directory: &Path) -> Result<()> {
    let lock = directory.join("package-lock.json");
    ensure!(lock.is_file(), "`{}` is not there", lock.display());
    let installed = directory.join("node_modules").join(".package-lock.json");
    let newer = |file: &Path| file.metadata().and_then(|found| found.modified()).ok();
    if newer(&installed) >= newer(&lock) && newer(&installed).is_some() {
        return Ok(());
    }
    Run::new("npm").args(["ci", "--no-audit", "--no-fund"]).dir(directory).run()
}
