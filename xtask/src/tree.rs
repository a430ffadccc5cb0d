//! Where things are: the source tree, its target directory, and the cache outside the tree.

use crate::run::Run;
use anyhow::{Context, Result, ensure};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories that every command works in.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    target: PathBuf,
    cache: PathBuf,
}

impl Tree {
    /// The tree that this program was started in.
    ///
    /// Compiled things go to `CARGO_TARGET_DIR` where that is set. Where it is not but `CI` is, they go to the cache, so
    /// that the next fresh clone on the same machine finds its dependencies compiled.
    pub(crate) fn find() -> Result<Tree> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().context("xtask lies in no directory")?.to_path_buf();
        ensure!(root.join("Cargo.toml").is_file(), "`{}` is not the source tree; run `cargo xtask`", root.display());
        let cache = cache_dir()?.join("unisono");
        let target = match (env::var_os("CARGO_TARGET_DIR"), env::var_os("CI")) {
            (Some(target), _) => root.join(target),
            (None, Some(_)) => cache.join("target"),
            (None, None) => root.join("target"),
        };
        Ok(Tree { root, target, cache })
    }

    /// The same tree at another place, for builds of a copy.
    pub(crate) fn copied_to(&self, root: &Path, target: &Path) -> Tree {
        Tree { root: root.to_path_buf(), target: target.to_path_buf(), cache: self.cache.clone() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where the npm package is written: `wasm/pkg`.
    pub(crate) fn package(&self) -> PathBuf {
        self.path("wasm/pkg")
    }

    /// Downloaded data, outside the tree so that a clone more costs no download more.
    pub(crate) fn data(&self) -> Result<PathBuf> {
        let data = self.cache.join("data");
        fs::create_dir_all(&data).with_context(|| format!("can't create `{}`", data.display()))?;
        Ok(data)
    }

    /// Cargo in this tree, with this tree's target directory.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Run {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Run::new(cargo).args(arguments).dir(&self.root).env("CARGO_TARGET_DIR", &self.target)
    }

    /// A program of this workspace, compiled by cargo where that is needed, from the default profile.
    pub(crate) fn program(&self, package: &str) -> Result<PathBuf> {
        self.cargo(&["build", "--package", package, "--bins"]).run()?;
        let program = self.target.join("debug").join(format!("{package}{}", env::consts::EXE_SUFFIX));
        ensure!(program.is_file(), "`{package}` has no program of its own name");
        Ok(program)
    }

    /// Every file that belongs to the tree: tracked, or new and not ignored; paths relative to the root.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = Run::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .dir(&self.root)
            .quiet()
            .output()
            .context("can't list the files of the tree; it has to be a git clone")?;
        let mut files: Vec<String> = listed.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect();
        // `git` lists a deleted file until the deletion is committed.
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Copies every file of the tree to `to`, which is emptied first.
    pub(crate) fn copy_files_to(&self, to: &Path) -> Result<()> {
        remove_folder(to)?;
        for file in self.files()? {
            copy(&self.root.join(&file), &to.join(&file))?;
        }
        Ok(())
    }
}

fn cache_dir() -> Result<PathBuf> {
    if let Some(cache) = env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty()) {
        return Ok(cache.into());
    }
    let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
    Ok(PathBuf::from(home.context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache"))
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("can't empty `{}`", folder.display()))?;
    }
    Ok(())
}

/// Copies a file and creates the directories on its way.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("a file lies in no directory")?;
    fs::create_dir_all(parent).with_context(|| format!("can't create `{}`", parent.display()))?;
    fs::copy(from, to).with_context(|| format!("can't copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

/// Writes a file and creates the directories on its way.
pub(crate) fn write(to: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let parent = to.parent().context("a file lies in no directory")?;
    fs::create_dir_all(parent).with_context(|| format!("can't create `{}`", parent.display()))?;
    fs::write(to, bytes).with_context(|| format!("can't write `{}`", to.display()))
}

/// Reads a file; the error names it.
pub(crate) fn read(from: &Path) -> Result<Vec<u8>> {
    fs::read(from).with_context(|| format!("can't read `{}`", from.display()))
}

/// Reads a file of text; the error names it.
pub(crate) fn read_text(from: &Path) -> Result<String> {
    fs::read_to_string(from).with_context(|| format!("can't read `{}`", from.display()))
}
