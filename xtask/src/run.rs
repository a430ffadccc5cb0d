//! Other programs: shown before they run, and named when they fail.

use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A command to run, with the way in which it is shown.
pub(crate) struct Run {
    command: Command,
    quiet: bool,
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Run {
        Run { command: Command::new(program), quiet: false }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.command.args(arguments);
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Run {
        self.command.arg(argument);
        self
    }

    pub(crate) fn dir(mut self, directory: &Path) -> Run {
        self.command.current_dir(directory);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// Does not show the command.
    pub(crate) fn quiet(mut self) -> Run {
        self.quiet = true;
        self
    }

    /// Runs it to its end with this program's output.
    pub(crate) fn run(mut self) -> Result<()> {
        self.show();
        let status = self.command.status().with_context(|| self.cannot_start())?;
        if status.success() { Ok(()) } else { bail!("`{self}` failed ({status})") }
    }

    /// Runs it to its end and gives what it printed to its standard output.
    pub(crate) fn output(mut self) -> Result<String> {
        self.show();
        self.command.stderr(Stdio::inherit());
        let output = self.command.output().with_context(|| self.cannot_start())?;
        if !output.status.success() {
            bail!("`{self}` failed ({})", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it to its end, and gives whether it succeeded and everything that it printed.
    pub(crate) fn verdict(mut self) -> Result<(bool, String)> {
        self.show();
        let output = self.command.output().with_context(|| self.cannot_start())?;
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), printed))
    }

    /// As [`Run::verdict`], but ended with all that it started after `limit`; that counts as failed.
    pub(crate) fn verdict_within(mut self, limit: Duration) -> Result<(bool, String)> {
        self.show();
        // A file, not a pipe: a pipe that no one reads while we wait would fill up and stop the program.
        let mut printed = tempfile()?;
        self.command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed.try_clone()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        let mut running = self.command.spawn().with_context(|| self.cannot_start())?;
        let end = Instant::now() + limit;
        let passed = loop {
            match running.try_wait()? {
                Some(status) => break status.success(),
                None if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
                None => {
                    end_group(&mut running)?;
                    writeln!(printed, "ended after {} seconds", limit.as_secs())?;
                    break false;
                }
            }
        };
        let mut bytes = Vec::new();
        printed.seek(SeekFrom::Start(0))?;
        printed.read_to_end(&mut bytes)?;
        Ok((passed, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Starts it; it is killed when the value is dropped.
    pub(crate) fn start(mut self) -> Result<Running> {
        self.show();
        let child = self.command.spawn().with_context(|| self.cannot_start())?;
        Ok(Running(child))
    }

    fn show(&self) {
        if !self.quiet {
            eprintln!("$ {self}");
        }
    }

    fn cannot_start(&self) -> String {
        format!("can't start `{}`", self.command.get_program().to_string_lossy())
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(self.command.get_program());
        // The full path of cargo or rustc says nothing to the reader.
        write!(f, "{}", program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy())?;
        for argument in self.command.get_args() {
            let argument = argument.to_string_lossy();
            if argument.is_empty() || argument.contains([' ', '\'', '"', '$']) {
                write!(f, " '{argument}'")?;
            } else {
                write!(f, " {argument}")?;
            }
        }
        Ok(())
    }
}

/// Ends a program that has a process group of its own, and everything in it.
fn end_group(running: &mut Child) -> Result<()> {
    #[cfg(unix)]
    Command::new("kill").args(["-KILL", "--", &format!("-{}", running.id())]).status()?;
    #[cfg(not(unix))]
    running.kill()?;
    running.wait()?;
    Ok(())
}

/// A file without a name, gone with its last handle.
fn tempfile() -> Result<File> {
    let path = std::env::temp_dir().join(format!("unisono-xtask-{}", std::process::id()));
    let file =
        File::options().read(true).append(true).create(true).open(&path).context("can't create a temporary file")?;
    file.set_len(0)?;
    // On Unix the name goes and the file stays; elsewhere the next run empties it.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}

/// A program that runs beside this one.
pub(crate) struct Running(Child);

impl Running {
    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { bail!("the program ended with {status}") }
    }

    /// Says whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about either failure.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first of `names` that is a program on the search path.
pub(crate) fn find_program(names: &[&str]) -> Option<OsString> {
    let path = std::env::var_os("PATH")?;
    let suffix = std::env::consts::EXE_SUFFIX;
    names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|dir| dir.join(format!("{name}{suffix}")))
            .find(|file| file.is_file())
            .map(Into::into)
    })
}
