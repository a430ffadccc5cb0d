//! The evaluation kit: its protocols as files, its scorer, its peers. It is Python, used for measuring alone.

use crate::run::Run;
use crate::tree::Tree;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the kit and its data are, and which cut is measured.
pub(super) struct Kit {
    pub(super) kit: PathBuf,
    pub(super) data: PathBuf,
    pub(super) python: PathBuf,
    /// `valid` or `test`.
    pub(super) cut: String,
}

/// A protocol's files.
pub(super) struct Cases {
    /// Events before the cut, and the same as CSV.
    pub(super) events: PathBuf,
    pub(super) events_csv: PathBuf,
    pub(super) catalog: PathBuf,
    /// A request a case.
    pub(super) requests: PathBuf,
    /// What happened; the kit keeps that of `test` to itself.
    pub(super) truth: PathBuf,
    folder: PathBuf,
    cut: String,
}

impl Cases {
    /// The requests of one half of cj-silo, `merged` or `siloed`.
    pub(super) fn half(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}-requests.jsonl", self.cut))
    }
}

impl Kit {
    fn run(&self, program: &str) -> Run {
        Run::new(&self.python).arg(self.kit.join(program)).arg("--data").arg(&self.data)
    }

    fn score(&self, verb: &str) -> Run {
        Run::new(&self.python).arg(self.kit.join("score.py")).args([verb, "--data"]).arg(&self.data)
    }

    /// Where a proof keeps its files.
    pub(super) fn place(tree: &Tree) -> Result<PathBuf> {
        let place = tree.target().join("prove-recommendations");
        fs::create_dir_all(&place)?;
        Ok(place)
    }

    /// Exports a protocol once; `last` keeps so many baskets of each history.
    pub(super) fn cases(&self, tree: &Tree, protocol: &str, last: Option<u32>) -> Result<Cases> {
        let name = last.map_or(protocol.to_owned(), |last| format!("{protocol}-last{last}"));
        let folder = Kit::place(tree)?.join(name);
        let done = folder.join("exported");
        if !done.exists() {
            let mut run = self.score("export").args(["--protocol", protocol, "--out"]).arg(&folder);
            if let Some(last) = last {
                run = run.args(["--history-baskets", &last.to_string()]);
            }
            run.run()?;
            // Sessions have no catalog; a fit wants a table.
            if !folder.join("catalog.csv").exists() {
                fs::write(folder.join("catalog.csv"), "item_id,title\n")?;
            }
            fs::write(done, "")?;
        }
        let cut = &self.cut;
        let file = |end: &str| folder.join(format!("{cut}-{end}"));
        Ok(Cases {
            events: file("train.parquet"),
            events_csv: file("train.csv"),
            catalog: folder.join("catalog.csv"),
            requests: file("requests.jsonl"),
            truth: file("truth.jsonl"),
            cut: cut.clone(),
            folder,
        })
    }

    /// A peer's answers to a protocol; all peers of it are made at once.
    pub(super) fn peer(&self, tree: &Tree, protocol: &str, peer: &str, last: Option<u32>) -> Result<PathBuf> {
        let folder = Kit::place(tree)?.join("peers");
        let end = last.map_or(String::new(), |last| format!("-last{last}"));
        let file = folder.join(format!("{protocol}-{}-{peer}{end}.jsonl", self.cut));
        if !file.exists() {
            let mut run =
                self.run("peers.py").args(["--only", protocol, "--cut", &self.cut, "--answers-out"]).arg(&folder);
            if let Some(last) = last {
                run = run.args(["--history-baskets", &last.to_string()]);
            }
            run.run()?;
        }
        Ok(file)
    }

    /// The scorer's figures of answers, with those of `against` subtracted where it is given.
    pub(super) fn scored(&self, protocol: &str, answers: &[&Path], against: Option<&Path>) -> Result<Value> {
        let mut run = self.score("score").args(["--protocol", protocol, "--cut", &self.cut, "--answers"]).args(answers);
        if let Some(against) = against {
            run = run.arg("--against").arg(against);
        }
        let printed = run.output()?;
        let line = printed.lines().rev().find(|line| line.starts_with('{')).context("the scorer printed no figures")?;
        serde_json::from_str(line).with_context(|| format!("the scorer printed no JSON:\n{printed}"))
    }
}
