//! What the default fit reaches on the evaluation kit's protocols, beside the kit's own peers.
//!
//! Models are fitted once a protocol and seed and kept in the target directory; the answers are native ones, which the proof of the
//! line shows to be the module's.

use super::kit::{Cases, Kit};
use super::{Proof, Step, placebo};
use crate::run::Run;
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "protocols",
        claim: "On each protocol the difference to the best peer lies above zero with its whole interval",
        run: Proof::Kit(protocols),
    },
    Step { name: "seeds", claim: "Mean and spread of three seeds are known", run: Proof::Kit(seeds) },
    Step {
        name: "short",
        claim: "With the last 0, 1, 2, 3, 5 and 10 baskets alone recall@20 and ndcg@20 are above the personal baseline's and \
                popularity's, with their whole intervals",
        run: Proof::Kit(short),
    },
    Step {
        name: "silo",
        claim: "What the store's own till knows gives less than the merged history where it holds under 25 % of it",
        run: Proof::Kit(silo),
    },
    Step {
        name: "placebo",
        claim: "Stores as channels: labels shuffled within households gain nothing over none",
        run: Proof::Kit(placebo::stores),
    },
    Step {
        name: "calibration",
        claim: "The calibration error on the next baskets is known, overall and by length of history",
        run: Proof::Kit(calibration),
    },
    Step { name: "cost", claim: "Complete Journey is fitted within 5 minutes and 2 GB", run: Proof::Kit(cost) },
    Step { name: "ablation", claim: "What each group of features carries is known", run: Proof::Kit(ablation) },
];

/// A protocol, the name of its fit, its measures and the peers that it is compared with.
const PROTOCOLS: [(&str, &[&str], &[&str]); 5] = [
    ("cj-basket", &["recall@20", "ndcg@20"], &["personal"]),
    ("cj-unseen", &["recall@20", "ndcg@20"], &["personal"]),
    ("cj-cart", &["recall@20"], &["personal-cart-cosine"]),
    ("cj-discover", &["recall@20"], &["type-share", "cosine-type-popularity"]),
    ("ser-next", &["mrr@20", "hit@20"], &["stan", "v-sknn"]),
];

/// Fits once: events before the cut, the default configuration and a seed.
pub(super) fn fitted(tree: &Tree, kit: &Kit, protocol: &str, seed: u64) -> Result<PathBuf> {
    // The same events lie before the cut of all baskets but cj-unseen's.
    let source = if matches!(protocol, "cj-cart" | "cj-discover" | "cj-silo") { "cj-basket" } else { protocol };
    let model = Kit::place(tree)?.join(format!("{source}-{}-{seed}.unisono", kit.cut));
    let cases = kit.cases(tree, source, None)?;
    fit(tree, &cases.events, &cases.catalog, &model, seed)?;
    Ok(model)
}

/// Fits, unless the model is there and younger than the program.
pub(super) fn fit(tree: &Tree, events: &Path, catalog: &Path, model: &Path, seed: u64) -> Result<()> {
    let models = tree.program("unisono-models")?;
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    if changed(model).is_some_and(|model| Some(model) > changed(&models)) {
        return Ok(());
    }
    let report = model.with_extension("json");
    let run = Run::new(&models).arg("fit").arg("--events").arg(events).arg("--catalog").arg(catalog);
    run.arg("--out").arg(model).arg("--report").arg(report).args(["--seed", &seed.to_string()]).output()?;
    Ok(())
}

/// Answers requests by the module, as a shop does: through the host's batch.
pub(super) fn answered(tree: &Tree, model: &Path, requests: &Path, name: &str) -> Result<PathBuf> {
    let answers = Kit::place(tree)?.join(format!("{name}.answers.jsonl"));
    wasm::build_package(tree)?;
    let run = Run::new(tree.program("unisono-host")?).arg("batch").arg("--model").arg(model);
    run.arg("--requests").arg(requests).arg("--out").arg(&answers).output()?;
    Ok(answers)
}

fn number(figures: &Value, name: &str) -> Result<f64> {
    figures[name].as_f64().with_context(|| format!("the scorer gave no `{name}`: {figures}"))
}

/// `+.0060 [.0038, .0083]`, and the lower end.
fn difference(figures: &Value, measure: &str) -> Result<(String, f64)> {
    let value = number(figures, &format!("{measure} against"))?;
    let ends = &figures[format!("{measure} against 95 %")];
    let (low, high) = (ends[0].as_f64().context("no interval")?, ends[1].as_f64().context("no interval")?);
    Ok((format!("{value:+.4} [{low:+.4}, {high:+.4}]"), low))
}

fn protocols(tree: &Tree, kit: &Kit) -> Result<String> {
    let (mut out, mut lost) = (String::new(), Vec::new());
    for (protocol, measures, peers) in PROTOCOLS {
        let model = fitted(tree, kit, protocol, 7)?;
        let cases = kit.cases(tree, protocol, None)?;
        let answers = answered(tree, &model, &cases.requests, &format!("{protocol}-{}", kit.cut))?;
        for peer in peers {
            let theirs = kit.peer(tree, protocol, peer, None)?;
            let figures = kit.scored(protocol, &[&answers], Some(&theirs))?;
            for measure in measures {
                let (less, low) = difference(&figures, measure)?;
                let value = number(&figures, measure)?;
                writeln!(out, "{protocol:<12} {measure:<10} {value:.4}  minus {peer:<24} {less}")?;
                if low <= 0.0 {
                    lost.push(format!("{protocol} {measure} against {peer}"));
                }
            }
        }
    }
    ensure!(lost.is_empty(), "{out}\nno win beyond noise: {}", lost.join(", "));
    Ok(out)
}

fn seeds(tree: &Tree, kit: &Kit) -> Result<String> {
    let mut out = String::new();
    for (protocol, measures, _) in PROTOCOLS {
        let cases = kit.cases(tree, protocol, None)?;
        let mut found = vec![Vec::new(); measures.len()];
        for seed in [7, 8, 9] {
            let model = fitted(tree, kit, protocol, seed)?;
            let answers = answered(tree, &model, &cases.requests, &format!("{protocol}-{}-{seed}", kit.cut))?;
            let figures = kit.scored(protocol, &[&answers], None)?;
            for (values, measure) in found.iter_mut().zip(measures) {
                values.push(number(&figures, measure)?);
            }
        }
        for (values, measure) in found.iter().zip(measures) {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let spread = (squares / (values.len() - 1) as f64).sqrt();
            let seeds: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
            writeln!(
                out,
                "{protocol:<12} {measure:<10} mean {mean:.4}, deviation {spread:.4} (seeds 7, 8, 9: {})",
                seeds.join(", ")
            )?;
        }
    }
    Ok(out)
}

/// Last baskets of a history.
const LAST: [u32; 6] = [0, 1, 2, 3, 5, 10];

fn short(tree: &Tree, kit: &Kit) -> Result<String> {
    let model = fitted(tree, kit, "cj-basket", 7)?;
    let (mut out, mut lost) = (String::new(), Vec::new());
    for last in LAST {
        let cases = kit.cases(tree, "cj-basket", Some(last))?;
        let answers = answered(tree, &model, &cases.requests, &format!("cj-basket-{}-last{last}", kit.cut))?;
        for peer in ["personal", "recent-popularity"] {
            let theirs = kit.peer(tree, "cj-basket", peer, Some(last))?;
            let figures = kit.scored("cj-basket", &[&answers], Some(&theirs))?;
            for measure in ["recall@20", "ndcg@20"] {
                let (less, low) = difference(&figures, measure)?;
                let value = number(&figures, measure)?;
                writeln!(out, "last {last:>2}  {measure:<10} {value:.4}  minus {peer:<18} {less}")?;
                if low <= 0.0 {
                    lost.push(format!("{measure} of last {last} against {peer}"));
                }
            }
        }
    }
    ensure!(lost.is_empty(), "{out}\nno win beyond noise: {}", lost.join(", "));
    Ok(out)
}

fn silo(tree: &Tree, kit: &Kit) -> Result<String> {
    let model = fitted(tree, kit, "cj-silo", 7)?;
    let cases: Cases = kit.cases(tree, "cj-silo", None)?;
    let half = |name: &str| answered(tree, &model, &cases.half(name), &format!("cj-silo-{}-{name}", kit.cut));
    let (merged, siloed) = (half("merged")?, half("siloed")?);
    let figures = kit.scored("cj-silo", &[&merged, &siloed], None)?;
    let (mut out, mut lost) = (String::new(), Vec::new());
    for band in figures["bands"].as_array().context("the scorer gave no bands")? {
        let name = band["share in the store"].as_str().unwrap_or_default();
        let ends = &band["95 %"];
        let (low, high) = (ends[0].as_f64().context("no interval")?, ends[1].as_f64().context("no interval")?);
        let (merged, siloed) = (number(band, "merged")?, number(band, "siloed")?);
        let (count, less) = (number(band, "households")?, number(band, "merged - siloed")?);
        writeln!(
            out,
            "{name:<18} {count:>5} households  merged {merged:.4}  siloed {siloed:.4}  {less:+.4} [{low:+.4}, {high:+.4}]"
        )?;
        if low <= 0.0 && ["under 1 %", "1 to under 25 %"].contains(&name) {
            lost.push(name);
        }
    }
    ensure!(lost.is_empty(), "{out}\nmerged is not above siloed: {}", lost.join(", "));
    Ok(out)
}

/// Needs the truth as a file, which the kit gives of `valid` alone.
fn calibration(tree: &Tree, kit: &Kit) -> Result<String> {
    let model = fitted(tree, kit, "cj-basket", 7)?;
    let mut out = String::new();
    for last in [None].into_iter().chain(LAST.map(Some)) {
        let cases = kit.cases(tree, "cj-basket", last)?;
        ensure!(cases.truth.is_file(), "the kit gives no truth of `{}`: measure `valid`", kit.cut);
        let run = Run::new(tree.program("unisono-models")?).arg("evaluate").arg("--model").arg(&model);
        let printed = run
            .arg("--requests")
            .arg(&cases.requests)
            .arg("--truth")
            .arg(&cases.truth)
            .args(["--format", "json"])
            .output()?;
        let figures: Value = serde_json::from_str(&printed).context("`evaluate` printed no JSON")?;
        for group in figures["groups"].as_array().into_iter().flatten() {
            let by = group["by"].as_str().unwrap_or_default();
            if !["all", "history"].contains(&by) || last.is_some() && by != "all" {
                continue;
            }
            let error = &group["reached"][0]["calibration_error"];
            let name = last
                .map_or(format!("{by} {}", group["value"].as_str().unwrap_or_default()), |last| format!("last {last}"));
            let figure = |name: &str| error[name].as_f64().unwrap_or(f64::NAN);
            writeln!(
                out,
                "{name:<16} {:>5} cases  {:.4} [{:.4}, {:.4}]",
                group["cases"].as_u64().unwrap_or(0),
                figure("value"),
                figure("low"),
                figure("high")
            )?;
        }
    }
    Ok(out)
}

/// Seconds and bytes that a fit may take.
const SECONDS_MAX: f64 = 300.0;
const BYTES_MAX: f64 = 2e9;

fn cost(tree: &Tree, kit: &Kit) -> Result<String> {
    let model = fitted(tree, kit, "cj-basket", 7)?;
    let account: Value = serde_json::from_str(&tree::read_text(&model.with_extension("json"))?)?;
    let (seconds, peak) = (number(&account, "seconds")?, number(&account, "peak_bytes")?);
    let mut out = format!("{seconds:.0} s, peak memory {:.0} MB\n", peak / 1e6);
    for stage in account["stages"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "{:<28} {:>8.2} s",
            stage[0].as_str().unwrap_or_default(),
            stage[1].as_f64().unwrap_or(f64::NAN)
        )?;
    }
    for cut in account["fit"]["learn"]["cuts"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "cut at {} ms: {:>5} cases, {:>7} rows, reach of the candidates {:.3}",
            cut["cut_ms"],
            cut["cases"].as_u64().unwrap_or(0),
            cut["rows"].as_u64().unwrap_or(0),
            number(cut, "reach")?
        )?;
    }
    for forest in account["fit"]["learn"]["forests"].as_array().into_iter().flatten() {
        let name = forest["task"].as_str().unwrap_or_default();
        writeln!(out, "{name:<10} {} trees from {} cases", forest["trees"], forest["cases"])?;
    }
    ensure!(
        seconds <= SECONDS_MAX && peak <= BYTES_MAX,
        "{out}\nat most {SECONDS_MAX} s and {BYTES_MAX} bytes were asked"
    );
    Ok(out)
}

fn ablation(tree: &Tree, kit: &Kit) -> Result<String> {
    let cases = kit.cases(tree, "cj-basket", None)?;
    let run = Run::new(tree.program("unisono-models")?).arg("ablate").arg("--events").arg(&cases.events);
    run.arg("--catalog").arg(&cases.catalog).output()
}
