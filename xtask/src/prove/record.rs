//! The file that a proof leaves: a section per step, with figures, date, machine and command. A run replaces the sections of
//! its own steps and no other, so that one step can be proved anew.

use super::Step;
use crate::run::Run;
use crate::tree::{self, Tree};
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A proof as it goes on.
pub(super) struct Record {
    name: String,
    file: PathBuf,
    /// In the order in which their sections stand.
    order: Vec<&'static str>,
    steps: usize,
    failed: Vec<&'static str>,
}

impl Record {
    pub(super) fn begin(tree: &Tree, name: &str, steps: &[Step]) -> Record {
        let file = tree.path("proofs").join(format!("{name}.md"));
        let order = steps.iter().map(|step| step.name).collect();
        Record { name: name.to_owned(), file, order, steps: 0, failed: Vec::new() }
    }

    /// Proves one step and writes its section: a proof takes hours, and what was shown stays shown.
    pub(super) fn step(&mut self, step: &Step, prove: impl FnOnce() -> Result<String>) -> Result<()> {
        let begun = Instant::now();
        let result = prove();
        let seconds = begun.elapsed().as_secs_f64();
        let (verdict, figures) = match result {
            Ok(figures) => ("holds", figures),
            Err(error) => {
                self.failed.push(step.name);
                ("DOES NOT HOLD", format!("{error:#}"))
            }
        };
        eprintln!("{verdict} ({seconds:.0} s)\n{figures}");
        self.steps += 1;
        let section = format!(
            "## {}: {verdict}\n\n{}. `cargo xtask prove {} --only {}`, {}, {seconds:.0} s, {}, {}.\n\n```text\n{}\n```\n",
            step.name,
            step.claim,
            self.name,
            step.name,
            today(),
            machine(),
            compiler(),
            figures.trim_end()
        );
        let before = fs::read_to_string(&self.file).unwrap_or_else(|_| format!("# Proof: {}\n", self.name));
        tree::write(&self.file, with_section(&before, step.name, &section, &self.order))
    }

    pub(super) fn end(self) -> Result<()> {
        if self.failed.is_empty() {
            eprintln!("\nall {} steps hold", self.steps);
            return Ok(());
        }
        bail!("{} of {} steps do not hold: {}", self.failed.len(), self.steps, self.failed.join(", "))
    }
}

/// The file with this section in place of the one of the same name, or else behind those of the steps before it. All
/// others stay as they are, sections that no step wrote among them.
fn with_section(text: &str, name: &str, section: &str, order: &[&str]) -> String {
    let mut parts = parts_of(text);
    match parts.iter().position(|part| name_of(part) == Some(name)) {
        Some(at) => parts[at] = section.to_owned(),
        None => {
            let earlier = order.iter().take_while(|step| **step != name);
            let behind = earlier.filter_map(|step| parts.iter().position(|part| name_of(part) == Some(step))).max();
            parts.insert(behind.map_or(parts.len(), |at| at + 1), section.to_owned());
        }
    }
    let mut out = String::new();
    for part in parts {
        let between = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{between}{}", part.trim_end());
    }
    out
}

/// What stands before the first section, and each section. A line within a fence opens none.
fn parts_of(text: &str) -> Vec<String> {
    let (mut parts, mut fenced) = (vec![String::new()], false);
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with("## ") {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// `speed` of `## speed: holds`.
fn name_of(part: &str) -> Option<&str> {
    let heading = part.lines().next()?.strip_prefix("## ")?;
    Some(heading.split(':').next().unwrap_or(heading).trim())
}

/// What `rustc --version` says; figures and bytes depend on it.
fn compiler() -> String {
    let version = Run::new("rustc").arg("--version").quiet().output();
    version.map_or_else(|_| "unknown".to_owned(), |version| version.trim().to_owned())
}

/// Processor and cores, as far as the system tells.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}

/// The date in UTC, as 2026-11-21.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`, for days after 1970).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{civil, with_section};

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }
    #[test]
    fn a_step_replaces_its_own_section_and_no_other() {
        let text =
            "# Proof: line\n\nhead\n\n## size: holds\n\nold\n\n```text\n## no section\n```\n\n## notes\n\nby hand\n";
        let order = ["module", "size", "speed"];
        let sized = with_section(text, "size", "## size: DOES NOT HOLD\n\nnew\n", &order);
        assert_eq!(sized, "# Proof: line\n\nhead\n\n## size: DOES NOT HOLD\n\nnew\n\n## notes\n\nby hand\n");
        let more = with_section(&sized, "speed", "## speed: holds\n", &order);
        assert_eq!(more, sized.replace("## notes", "## speed: holds\n\n## notes"));
        assert_eq!(
            with_section("# Proof: line\n", "speed", "## speed: holds\n", &order),
            "# Proof: line\n\n## speed: holds\n"
        );
    }
}
