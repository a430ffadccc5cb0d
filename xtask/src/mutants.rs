//! `cargo xtask mutants`: breaks the source in named ways and sees that the tests notice.
//!
//! `tests/mutants.toml` names the command that must fail, and the mutants: each a text that stands exactly once in one
//! file, and what takes its place. The tree itself is never touched: a copy is broken, with a target directory of its own.

use crate::run::Run;
use crate::tree::{self, Tree};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only mutants whose name or law is one of these
    names: Vec<String>,
    /// Check that every mutant still fits the source, and run nothing
    #[arg(long)]
    check: bool,
}

/// `tests/mutants.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    run: Commands,
    #[serde(default)]
    mutant: Vec<Mutant>,
}

/// What is run on the source as it is, where all must pass, and on each mutant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    /// Compiles; a mutant that does not compile proves nothing, and is an error.
    build: Vec<String>,
    /// Tests; must fail on each mutant.
    test: Vec<String>,
    /// Seconds after which a mutant that only makes the tests endless counts as caught.
    timeout_s: u64,
}

/// One way to break the source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// The law of the design that it breaks.
    law: String,
    file: String,
    find: String,
    replace: String,
}

/// What the tests said of a mutant.
enum Verdict {
    /// The tests failed; the first line that says so.
    Caught(String),
    Survived,
    /// It does not compile, so that nothing was tested.
    Invalid,
}

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    let table = read(tree)?;
    let chosen: Vec<&Mutant> = table.mutant.iter().filter(|mutant| mutant.is_chosen(&arguments.names)).collect();
    ensure!(!chosen.is_empty(), "tests/mutants.toml holds no such mutant");
    all_fit(tree, &chosen)?;
    if arguments.check {
        return Ok(());
    }
    print!("{}", measure(tree, &table.run, &chosen)?);
    Ok(())
}

/// Checks that each mutant's text stands once in its file: one that no longer fits tests nothing.
pub(crate) fn check(tree: &Tree) -> Result<()> {
    all_fit(tree, &read(tree)?.mutant.iter().collect::<Vec<_>>())
}

fn all_fit(tree: &Tree, mutants: &[&Mutant]) -> Result<()> {
    for mutant in mutants {
        mutant.applied(tree)?;
    }
    eprintln!("{} mutants fit the source", mutants.len());
    Ok(())
}

/// All mutants, for a proof; fails when one survives.
pub(crate) fn report(tree: &Tree) -> Result<String> {
    let table = read(tree)?;
    measure(tree, &table.run, &table.mutant.iter().collect::<Vec<_>>())
}

fn read(tree: &Tree) -> Result<Table> {
    let text = tree::read_text(&tree.path("tests/mutants.toml"))?;
    let table: Table = toml::from_str(&text).context("tests/mutants.toml can't be read")?;
    let names: BTreeSet<&str> = table.mutant.iter().map(|mutant| mutant.name.as_str()).collect();
    ensure!(names.len() == table.mutant.len(), "two mutants of tests/mutants.toml have the same name");
    Ok(table)
}

fn measure(tree: &Tree, commands: &Commands, mutants: &[&Mutant]) -> Result<String> {
    let copy =
        tree.copied_to(&tree.target().join("mutants").join("tree"), &tree.target().join("mutants").join("target"));
    tree.copy_files_to(copy.root())?;
    // The module is no source, but the host takes it in where it is there.
    let module = tree.package().join("unisono.wasm");
    if module.is_file() {
        tree::copy(&module, &copy.package().join("unisono.wasm"))?;
    }
    for command in [&commands.build, &commands.test] {
        let (passed, printed) = prepared(&copy, command)?.verdict()?;
        ensure!(passed, "`{}` fails on the source as it is:\n{printed}", command.join(" "));
    }
    let (mut lines, mut wrong) = (String::new(), Vec::new());
    for mutant in mutants {
        let verdict = judge(tree, &copy, commands, mutant)?;
        let line = match &verdict {
            Verdict::Caught(by) => format!("caught    {} (law {}): {by}\n", mutant.name, mutant.law),
            Verdict::Survived => format!("SURVIVED  {} (law {}) in {}\n", mutant.name, mutant.law, mutant.file),
            Verdict::Invalid => format!("INVALID   {} does not compile\n", mutant.name),
        };
        eprint!("{line}");
        lines.push_str(&line);
        if !matches!(verdict, Verdict::Caught(_)) {
            wrong.push(mutant.name.as_str());
        }
    }
    if !wrong.is_empty() {
        bail!("{} of {} mutants were not caught: {}", wrong.len(), mutants.len(), wrong.join(", "));
    }
    Ok(format!("{lines}{} mutants, all caught\n", mutants.len()))
}

fn judge(tree: &Tree, copy: &Tree, commands: &Commands, mutant: &Mutant) -> Result<Verdict> {
    let file = copy.path(&mutant.file);
    tree::write(&file, mutant.applied(tree)?)?;
    let (compiles, _) = prepared(copy, &commands.build)?.verdict()?;
    let verdict = if compiles {
        let limit = Duration::from_secs(commands.timeout_s);
        let (passed, printed) = prepared(copy, &commands.test)?.verdict_within(limit)?;
        if passed { Verdict::Survived } else { Verdict::Caught(witness(&printed)) }
    } else {
        Verdict::Invalid
    };
    tree::write(&file, tree::read(&tree.path(&mutant.file))?)?;
    Ok(verdict)
}

/// A command of the table, in the copy.
fn prepared(copy: &Tree, command: &[String]) -> Result<Run> {
    let (program, arguments) = command.split_first().context("tests/mutants.toml names an empty command")?;
    let run = if program == "cargo" { copy.cargo(&[]) } else { Run::new(program).dir(copy.root()) };
    Ok(run.args(arguments).quiet())
}

/// The first test that failed, or the last line that was printed.
fn witness(printed: &str) -> String {
    let failed = printed.lines().find(|line| line.starts_with("test ") && line.ends_with("FAILED"));
    let last = || printed.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("the command failed");
    let line = failed.map_or_else(last, |line| line.trim_start_matches("test ").trim_end_matches(" ... FAILED"));
    line.trim().to_owned()
}

impl Mutant {
    fn is_chosen(&self, names: &[String]) -> bool {
        names.is_empty() || names.iter().any(|name| *name == self.name || *name == self.law)
    }

    /// The file with this mutant in it.
    fn applied(&self, tree: &Tree) -> Result<String> {
        let text = tree::read_text(&tree.path(&self.file))?;
        let found = text.matches(&self.find).count();
        ensure!(found == 1, "the mutant `{}` looks for a text that stands {found} times in {}", self.name, self.file);
        ensure!(self.find != self.replace, "the mutant `{}` changes nothing", self.name);
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_commands_and_mutants() {
        let table: Table = toml::from_str(
            "[run]\nbuild = ['cargo', 'build']\ntest = ['cargo', 'test']\ntimeout_s = 60\n\
             [[mutant]]\nname = 'sign'\nlaw = '4'\nfile = 'a.rs'\nfind = '+'\nreplace = '-'\n",
        )
        .unwrap();
        assert!(table.mutant[0].is_chosen(&[]) && table.mutant[0].is_chosen(&["4".into()]));
        assert!(!table.mutant[0].is_chosen(&["other".into()]));
        assert_eq!(table.run.test, ["cargo", "test"]);
    }

    #[test]
    fn the_witness_is_the_first_test_that_failed() {
        assert_eq!(witness("test a ... ok\ntest b::c ... FAILED\ntest d ... FAILED\n"), "b::c");
        assert_eq!(witness("one\ntwo\n\n"), "two");
    }
}
