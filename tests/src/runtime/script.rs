//! Node and Chromium: programs in `tests/js` that read a suite's file and write the answers' file.

use super::{Runtime, path};
use crate::suite::{Suite, read_answers};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, process};

/// A script that answers suites.
pub struct Script {
    name: &'static str,
    file: &'static str,
    browser: Option<OsString>,
    module_id: Option<String>,
}

impl Script {
    /// Node, with the npm package of `wasm/pkg`.
    ///
    /// # Errors
    /// When there is no Node or no package.
    pub fn node() -> Result<Script> {
        check_node()?;
        Ok(Script { name: "node", file: "node.mjs", browser: None, module_id: None })
    }

    /// Chromium without a window. `UNISONO_CHROMIUM` names another program than those on the search path.
    ///
    /// # Errors
    /// When there is no Node, no package, no Chromium or no Playwright.
    pub fn chromium() -> Result<Script> {
        check_node()?;
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let browser = env::var_os("UNISONO_CHROMIUM").or_else(|| names.iter().find_map(|name| find(name)));
        let browser = browser.context("there is no Chromium on the search path; install the package `chromium`")?;
        let playwright = path("tests/js/node_modules/playwright-core");
        ensure!(playwright.is_dir(), "there is no Playwright; run `npm ci --prefix tests/js`");
        Ok(Script { name: "chromium", file: "chromium.mjs", browser: Some(browser), module_id: None })
    }
}

impl Runtime for Script {
    fn name(&self) -> &'static str {
        self.name
    }

    fn answer_all(&mut self, suite: &Suite) -> Result<Vec<Vec<u8>>> {
        let folder = Scratch::new()?;
        let (input, output) = (folder.0.join("suite"), folder.0.join("answers"));
        fs::write(&input, suite.to_bytes())?;
        let mut command = node(self.file);
        command.arg(path("wasm/pkg")).arg(&input).arg(&output).args(&self.browser);
        self.module_id = Some(printed(command)?);
        let answers = read_answers(&fs::read(&output)?)?;
        ensure!(answers.len() == suite.cases.len(), "{} answers to {} cases", answers.len(), suite.cases.len());
        Ok(answers)
    }

    fn module_id(&self) -> Option<String> {
        self.module_id.clone()
    }
}

/// Answers the first case of a suite many times on one instance in Node; gives the bytes of its memory after a hundred
/// calls and at the end.
///
/// # Errors
/// When any answer differs from the first.
pub fn repeat_in_node(suite: &Suite, times: usize) -> Result<(u64, u64)> {
    check_node()?;
    let folder = Scratch::new()?;
    let input = folder.0.join("suite");
    fs::write(&input, suite.to_bytes())?;
    let mut command = node("repeat.mjs");
    command.arg(path("wasm/pkg")).arg(&input).arg(times.to_string());
    let text = printed(command)?;
    let (early, late) = text.split_once(' ').context("two numbers")?;
    Ok((early.parse()?, late.parse()?))
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(path("tests/js").join(script)).stderr(Stdio::inherit());
    command
}

/// Runs to the end; gives what was printed.
fn printed(mut command: Command) -> Result<String> {
    let output = command.output().context("node can't be started")?;
    if !output.status.success() {
        bail!("{:?} failed ({})", command.get_args().next().unwrap_or_default(), output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn check_node() -> Result<()> {
    find("node").context("there is no `node` on the search path; install Node 20 or later")?;
    super::module().map(drop)
}

fn find(name: &str) -> Option<OsString> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file()).map(Into::into)
}

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("unisono-tests-{}-{number}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is the system's to clear.
        let _ = fs::remove_dir_all(&self.0);
    }
}
