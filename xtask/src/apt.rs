//! Programs that tests need: found, or installed by apt where that is possible.

use crate::run::{Run, find_program};
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;

/// A program of one of these names that is here, or that apt can bring with a package.
///
/// # Errors
/// None is here and none can be installed; the message says what to do.
pub(crate) fn find_or_install(names: &[&str], package: &str) -> Result<OsString> {
    if let Some(program) = find_program(names) {
        return Ok(program);
    }
    ensure!(
        find_program(&["apt-get"]).is_some() && is_root(),
        "no `{package}` was found; install it (on Debian as root: apt-get install --no-install-recommends {package})"
    );
    Run::new("apt-get").args(["update", "--quiet"]).run()?;
    Run::new("apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()?;
    find_program(names).with_context(|| format!("apt installed `{package}`, but not on the search path"))
}

fn is_root() -> bool {
    Run::new("id").arg("--user").quiet().output().is_ok_and(|id| id.trim() == "0")
}
