//! Chromium: found, installed where that is possible, and asked for a page.

use crate::apt;
use crate::run::{Run, find_program};
use crate::tree;
use anyhow::{Result, ensure};
use std::ffi::OsString;
use std::path::Path;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Switches for a browser that no one sees and that talks to nobody but the page's own host.
const SWITCHES: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Milliseconds of the page's own time before its picture is taken; they pass as fast as the page allows.
const PAGE_TIME_MS: u32 = 20_000;

/// A Chromium that is here.
pub(crate) fn find() -> Option<OsString> {
    find_program(&NAMES)
}

/// A Chromium that is here, or that apt can bring.
///
/// # Errors
/// None is here and none can be installed; the message says what to do.
pub(crate) fn find_or_install() -> Result<OsString> {
    apt::find_or_install(&NAMES, "chromium")
}

/// The version that `chromium` says it has.
pub(crate) fn version(chromium: &OsString) -> Result<String> {
    Ok(Run::new(chromium).arg("--version").quiet().output()?.trim().to_owned())
}

/// The page's document after its scripts have run, and a picture of it in `picture`; `scratch` is emptied and used.
pub(crate) fn visit(chromium: &OsString, address: &str, picture: &Path, scratch: &Path) -> Result<String> {
    tree::remove_folder(scratch)?;
    let open = |what: &[String]| {
        Run::new(chromium)
            .args(SWITCHES)
            .arg(format!("--user-data-dir={}", scratch.display()))
            .arg(format!("--virtual-time-budget={PAGE_TIME_MS}"))
            .arg("--window-size=1280,1600")
            .args(what)
            .arg(address)
            .quiet()
            .verdict()
    };
    let (taken, printed) = open(&[format!("--screenshot={}", picture.display())])?;
    ensure!(taken && picture.is_file(), "Chromium took no picture of {address}:\n{printed}");
    let (read, document) = open(&["--dump-dom".to_owned()])?;
    ensure!(read && document.contains("<html"), "Chromium gave no document of {address}:\n{document}");
    Ok(document)
}
