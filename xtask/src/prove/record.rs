//! The file that a proof leaves: figures, date, machine, command.

use super::Step;
use crate::run::Run;
use crate::tree::Tree;
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A proof as it goes on.
pub(super) struct Record {
    text: String,
    steps: usize,
    failed: Vec<&'static str>,
}

impl Record {
    pub(super) fn begin(name: &str, only: &[String]) -> Record {
        let mut command = format!("cargo xtask prove {name}");
        for step in only {
            let _ = write!(command, " --only {step}");
        }
        let text = format!(
            "# Proof: {name}\n\nCommand: `{command}`\nDate: {}\nMachine: {}\nCompiler: {}\n",
            today(),
            machine(),
            compiler()
        );
        Record { text, steps: 0, failed: Vec::new() }
    }

    pub(super) fn step(&mut self, step: &Step, tree: &Tree) {
        let begun = Instant::now();
        let result = (step.run)(tree);
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
        let figures = figures.trim_end();
        let _ = write!(
            self.text,
            "\n## {}\n\n{}: **{verdict}** ({seconds:.0} s; step `{}`).\n\n```text\n{figures}\n```\n",
            step.name, step.claim, step.name
        );
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn end(self) -> Result<()> {
        if self.failed.is_empty() {
            eprintln!("\nall {} steps hold", self.steps);
            return Ok(());
        }
        bail!("{} of {} steps do not hold: {}", self.failed.len(), self.steps, self.failed.join(", "))
    }
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
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }
}
