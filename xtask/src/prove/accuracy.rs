//! What the model of Complete Journey weighs, and how well it foresees baskets.

use super::figures;
use crate::run::Run;
use crate::tree::{self, Tree};
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Bytes of a model that a page can load.
const MODEL_BYTES_MAX: usize = 6_000_000;

/// The model of Complete Journey as the demo fits it.
pub(super) fn model_size(tree: &Tree) -> Result<String> {
    let bytes = tree::read(&figures::subject(tree)?.model)?.len();
    ensure!(bytes <= MODEL_BYTES_MAX, "the model has {bytes} bytes, at most {MODEL_BYTES_MAX} were asked");
    Ok(format!("{bytes} bytes, at most {MODEL_BYTES_MAX}\n"))
}

/// The cut that settings are chosen on: needed. The one that is looked at when all is done: measured where its cases are here.
const CUTS: [&str; 2] = ["valid", "test"];

/// Fits the tables before each cut and answers its cases natively, beside both baselines.
pub(super) fn baskets(tree: &Tree) -> Result<String> {
    let folder = tree.data()?.join("cj-basket");
    let models = tree.program("unisono-models")?;
    let (mut figures, mut worse) = (String::new(), Vec::new());
    for cut in CUTS {
        let missing = missing(&folder, cut);
        if missing.is_empty() {
            if !beats_the_baseline(tree, &models, &folder, cut, &mut figures)? {
                worse.push(cut);
            }
            continue;
        }
        let missing = format!("`{}` lacks {}", folder.display(), missing.join(", "));
        ensure!(cut != CUTS[0], "the exported cases are not here: {missing}. {FORM}");
        writeln!(figures, "{cut:<6} not measured: {missing}")?;
    }
    ensure!(worse.is_empty(), "{figures}the baseline is better on: {}", worse.join(", "));
    Ok(figures)
}

/// What the files hold, for who has to make them.
const FORM: &str = "The cases are the next baskets of five items or more of Complete Journey, from 2017-10-01 (valid) and \
                    2017-11-01 (test) on: CUT-train.parquet holds the events before the cut, catalog.csv the products, \
                    CUT-requests.jsonl a request a household, CUT-truth.jsonl a line of \
                    {\"case\": request_id, \"truth\": [item ids]} for each";

fn missing(folder: &Path, cut: &str) -> Vec<String> {
    let mut files = vec!["catalog.csv".to_owned()];
    files.extend(["train.parquet", "requests.jsonl", "truth.jsonl"].map(|file| format!("{cut}-{file}")));
    files.retain(|file| !folder.join(file).is_file());
    files
}

/// Adds the figures of one cut, and says whether the model's recall is at least the personal baseline's.
fn beats_the_baseline(tree: &Tree, models: &Path, folder: &Path, cut: &str, figures: &mut String) -> Result<bool> {
    let file = |name: &str| folder.join(format!("{cut}-{name}"));
    let model = tree.target().join("prove-cj-basket.unisono");
    Run::new(models)
        .arg("fit")
        .arg("--events")
        .arg(file("train.parquet"))
        .arg("--catalog")
        .arg(folder.join("catalog.csv"))
        .arg("--out")
        .arg(&model)
        .run()?;
    let printed = Run::new(models)
        .arg("evaluate")
        .arg("--model")
        .arg(&model)
        .arg("--requests")
        .arg(file("requests.jsonl"))
        .arg("--truth")
        .arg(file("truth.jsonl"))
        .args(["--format", "json"])
        .output()?;
    fs::remove_file(&model)?;
    let report: serde_json::Value = serde_json::from_str(&printed).context("`evaluate` printed no JSON")?;
    let figure = |who: &str, name: &str| {
        report[who][name].as_f64().with_context(|| format!("`evaluate` printed no {who}.{name}:\n{printed}"))
    };
    for who in ["model", "personal", "popular"] {
        let (recall, ndcg) = (figure(who, "recall_20")?, figure(who, "ndcg_20")?);
        writeln!(figures, "{cut:<6} {who:<9} recall@20 {recall:.4}  ndcg@20 {ndcg:.4}")?;
    }
    Ok(figure("model", "recall_20")? >= figure("personal", "recall_20")?)
}
