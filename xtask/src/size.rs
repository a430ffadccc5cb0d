//! `cargo xtask size`: what a visitor downloads, by file, section and crate, against the budget.

mod functions;

use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use functions::Ledger;
use serde::Deserialize;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print the ledger as JSON
    #[arg(long)]
    json: bool,
}

/// `xtask/size-budget.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    module: Limit,
    javascript: JavaScriptLimit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    brotli_bytes_max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JavaScriptLimit {
    brotli_bytes_max: usize,
    /// Files that nobody loads who does not ask for them.
    loaded_on_demand: Vec<String>,
}

/// Bytes of one thing, as they are and as servers send them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Size {
    pub(crate) fn of(bytes: &[u8]) -> Result<Size> {
        Ok(Size { raw: bytes.len(), gzip: gzip(bytes)?, brotli: brotli(bytes)? })
    }

    fn plus(self, other: Size) -> Size {
        Size { raw: self.raw + other.raw, gzip: self.gzip + other.gzip, brotli: self.brotli + other.brotli }
    }
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &parameters)?;
    Ok(out.len())
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    let output = wasm::build_package(tree)?;
    let totals = Totals::measure(tree)?;
    let ledger = Ledger::of(&output.named)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&totals, &ledger)?)?);
    } else {
        print!("{}\n{}", totals.table(), ledger.table()?);
    }
    totals.check()
}

/// Prints the sizes of the package that was just built; the budget is the business of `cargo xtask size`.
pub(crate) fn print_totals(tree: &Tree) -> Result<()> {
    print!("{}", Totals::measure(tree)?.table());
    Ok(())
}

/// The ledger as text, for a proof; over the budget it is the error's text.
pub(crate) fn report(tree: &Tree) -> Result<String> {
    let output = wasm::build_package(tree)?;
    let totals = Totals::measure(tree)?;
    let text = format!("{}\n{}", totals.table(), Ledger::of(&output.named)?.table()?);
    totals.check().with_context(|| text.clone())?;
    Ok(text)
}

/// Sizes of the package's files.
struct Totals {
    module: Size,
    files: Vec<(String, Size)>,
    javascript: Size,
    budget: Budget,
}

impl Totals {
    fn measure(tree: &Tree) -> Result<Totals> {
        let budget = tree::read_text(&tree.path("xtask/size-budget.toml"))?;
        let budget: Budget = toml::from_str(&budget).context("xtask/size-budget.toml can't be read")?;
        let module = Size::of(&tree::read(&tree.package().join("unisono.wasm"))?)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(tree.package())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".js") {
                let size = Size::of(&tree::read(&tree.package().join(&name))?)?;
                files.push((name, size));
            }
        }
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let on_demand = &budget.javascript.loaded_on_demand;
        for file in on_demand {
            ensure!(
                files.iter().any(|(name, _)| name == file),
                "xtask/size-budget.toml names `{file}`, which is no file"
            );
        }
        let loaded = files.iter().filter(|(name, _)| !on_demand.contains(name));
        let javascript = loaded.fold(Size::default(), |sum, (_, size)| sum.plus(*size));
        Ok(Totals { module, files, javascript, budget })
    }

    fn table(&self) -> String {
        let mut text = format!("{:<28}{:>10}{:>10}{:>10}{:>10}\n", "file", "raw", "gzip -9", "brotli 11", "budget");
        row(&mut text, "unisono.wasm", self.module, Some(self.budget.module.brotli_bytes_max));
        for (name, size) in &self.files {
            row(&mut text, name, *size, None);
        }
        row(&mut text, "JavaScript of `unisono`", self.javascript, Some(self.budget.javascript.brotli_bytes_max));
        text
    }

    fn check(&self) -> Result<()> {
        for (what, size, most) in [
            ("unisono.wasm", self.module, self.budget.module.brotli_bytes_max),
            ("the JavaScript", self.javascript, self.budget.javascript.brotli_bytes_max),
        ] {
            if size.brotli > most {
                bail!("{what} takes {} bytes of brotli, {} over its budget", size.brotli, size.brotli - most);
            }
        }
        Ok(())
    }
}

fn row(text: &mut String, what: &str, size: Size, budget: Option<usize>) {
    let budget = budget.map(|budget| budget.to_string()).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{what:<28}{:>10}{:>10}{:>10}{budget:>10}", size.raw, size.gzip, size.brotli);
}

fn as_json(totals: &Totals, ledger: &Ledger) -> Result<serde_json::Value> {
    let size = |size: &Size| serde_json::json!({"raw": size.raw, "gzip": size.gzip, "brotli": size.brotli});
    Ok(serde_json::json!({
        "module": size(&totals.module),
        "module_budget_brotli": totals.budget.module.brotli_bytes_max,
        "javascript": size(&totals.javascript),
        "javascript_budget_brotli": totals.budget.javascript.brotli_bytes_max,
        "files": totals.files.iter().map(|(name, of)| (name.clone(), size(of))).collect::<serde_json::Map<_, _>>(),
        "sections": ledger.sections()?.iter().map(|(name, of)| (name.clone(), size(of))).collect::<serde_json::Map<_, _>>(),
        "features": ledger.groups()?.iter().map(|(name, _, of)| (name.clone(), size(of))).collect::<serde_json::Map<_, _>>(),
    }))
}
