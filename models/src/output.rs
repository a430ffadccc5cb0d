//! Files that appear under their names when they are complete, so that no failure leaves half of one or none of an old one.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file under way.
pub(crate) struct Output {
    file: BufWriter<File>,
    /// As it was asked for, for messages.
    path: PathBuf,
    /// Its name until it is complete, and its name then; none for what is no plain file, as a pipe or /dev/null.
    names: Option<(PathBuf, PathBuf)>,
}

impl Output {
    /// Opens `path` for writing before anything is computed for it.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
        let names = (!special).then(|| (partial(&resolved(path)), resolved(path)));
        let file = match &names {
            Some((partial, _)) => File::create(partial),
            None => File::options().write(true).open(path),
        };
        let file = BufWriter::new(file.map_err(|e| Error::io("write", path, e))?);
        Ok(Output { file, path: path.into(), names })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::io("write", &self.path, e))
    }

    /// Gives the file its name.
    pub(crate) fn complete(mut self) -> Result<()> {
        let flushed = self.file.flush();
        let named = flushed.and_then(|()| match &self.names {
            Some((partial, name)) => fs::rename(partial, name),
            None => Ok(()),
        });
        named.map_err(|e| Error::io("write", &self.path, e))?;
        self.names = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((partial, _)) = &self.names {
            // What is left of a failed run; whoever can't remove it has been told of the failure itself.
            let _ = fs::remove_file(partial);
        }
    }
}

/// Refuses a command that would write one file twice or over what it reads.
pub(crate) fn apart(inputs: &[&Path], outputs: &[&Path]) -> Result<()> {
    for (at, output) in outputs.iter().enumerate() {
        let plain = fs::metadata(output).map_or(true, |found| found.is_file());
        let mut others = inputs.iter().chain(outputs.iter().skip(at + 1));
        if plain && others.any(|other| resolved(other) == resolved(output)) {
            return Err(Error::config(
                output.display().to_string(),
                "is read and written, or written twice; name another file",
            ));
        }
    }
    Ok(())
}

/// The file behind links; one that does not exist yet, in the folder behind links.
fn resolved(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let in_folder = || Some(parent.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.into())
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
