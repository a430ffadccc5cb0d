//! What the model of Complete Journey weighs, and how well it foresees baskets.

use super::figures;
use crate::run::Run;
use crate::tree::{self, Tree};
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::fs;

/// Bytes of a model that a page can load.
const MODEL_BYTES_MAX: usize = 6_000_000;

/// The model of Complete Journey as the demo fits it.
pub(super) fn model_size(tree: &Tree) -> Result<String> {
    let bytes = tree::read(&figures::subject(tree)?.model)?.len();
    ensure!(bytes <= MODEL_BYTES_MAX, "the model has {bytes} bytes, at most {MODEL_BYTES_MAX} were asked");
    Ok(format!("{bytes} bytes, at most {MODEL_BYTES_MAX}\n"))
}

/// The cut that settings are chosen on, and the one that is looked at when all is done.
const CUTS: [&str; 2] = ["valid", "test"];

/// Fits the tables before each cut and answers its cases natively, beside both baselines.
pub(super) fn baskets(tree: &Tree) -> Result<String> {
    let folder = tree.data()?.join("cj-basket");
    let mut needed = vec!["catalog.csv".to_owned()];
    for cut in CUTS {
        needed.extend(["train.parquet", "requests.jsonl", "truth.jsonl"].map(|file| format!("{cut}-{file}")));
    }
    needed.retain(|file| !folder.join(file).is_file());
    ensure!(
        needed.is_empty(),
        "the exported cases are not here: `{}` lacks {}. They are the next baskets of five items or more of Complete Journey, \
         from 2017-10-01 (valid) and 2017-11-01 (test) on: CUT-train.parquet holds the events before the cut, \
         CUT-requests.jsonl a request a household, CUT-truth.jsonl a line of {{\"case\": request_id, \"truth\": [item ids]}} each",
        folder.display(),
        needed.join(", ")
    );
    let models = tree.program("unisono-models")?;
    let model = tree.target().join("prove-cj-basket.unisono");
    let (mut figures, mut missed) = (String::new(), Vec::new());
    for cut in CUTS {
        let file = |name: &str| folder.join(format!("{cut}-{name}"));
        Run::new(&models)
            .arg("fit")
            .arg("--events")
            .arg(file("train.parquet"))
            .arg("--catalog")
            .arg(folder.join("catalog.csv"))
            .arg("--out")
            .arg(&model)
            .run()?;
        let printed = Run::new(&models)
            .arg("evaluate")
            .arg("--model")
            .arg(&model)
            .arg("--requests")
            .arg(file("requests.jsonl"))
            .arg("--truth")
            .arg(file("truth.jsonl"))
            .args(["--format", "json"])
            .output()?;
        let report: serde_json::Value = serde_json::from_str(&printed).context("`evaluate` printed no JSON")?;
        let figure = |who: &str, name: &str| {
            report[who][name].as_f64().with_context(|| format!("`evaluate` printed no {who}.{name}:\n{printed}"))
        };
        for who in ["model", "personal", "popular"] {
            let (recall, ndcg) = (figure(who, "recall_20")?, figure(who, "ndcg_20")?);
            writeln!(figures, "{cut:<6} {who:<9} recall@20 {recall:.4}  ndcg@20 {ndcg:.4}")?;
        }
        if figure("model", "recall_20")? < figure("personal", "recall_20")? {
            missed.push(cut);
        }
    }
    fs::remove_file(&model)?;
    ensure!(missed.is_empty(), "{figures}the baseline is better on: {}", missed.join(", "));
    Ok(figures)
}
