//! Which part of the source each byte of the module comes from, by the names of functions.

use super::{Size, row};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// The module's bytes by section and by part of the source.
pub(super) struct Ledger {
    sections: Vec<(String, Vec<u8>)>,
    groups: BTreeMap<String, Group>,
    largest: Vec<(String, usize)>,
}

#[derive(Default)]
struct Group {
    functions: usize,
    code: Vec<u8>,
}

/// Functions that the table lists one by one.
const LARGEST_LISTED: usize = 12;

impl Ledger {
    /// Reads a module that still has its names.
    pub(super) fn of(named: &[u8]) -> Result<Ledger> {
        let (mut sections, mut bodies, mut names) = (Vec::new(), Vec::new(), BTreeMap::new());
        for payload in Parser::new(0).parse_all(named) {
            let payload = payload?;
            if let Payload::CodeSectionEntry(body) = &payload {
                bodies.push(body.range());
            }
            if let Payload::CustomSection(section) = &payload {
                if let KnownCustom::Name(section) = section.as_known() {
                    read_names(section, &mut names)?;
                }
                continue;
            }
            if let Some((id, range)) = payload.as_section() {
                let bytes = named.get(range).context("a section outside the module")?;
                sections.push((section_name(id).to_owned(), bytes.to_vec()));
            }
        }
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        let mut largest = Vec::new();
        for (index, range) in bodies.into_iter().enumerate() {
            let unnamed = format!("function {index}");
            let name = names.get(&(index as u32)).map_or(unnamed.as_str(), String::as_str);
            let group = groups.entry(part_of(name)).or_default();
            group.functions += 1;
            largest.push((name.to_owned(), range.len()));
            group.code.extend_from_slice(named.get(range).context("a function outside the module")?);
        }
        largest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        largest.truncate(LARGEST_LISTED);
        Ok(Ledger { sections, groups, largest })
    }

    pub(super) fn sections(&self) -> Result<Vec<(String, Size)>> {
        self.sections.iter().map(|(name, bytes)| Ok((name.clone(), Size::of(bytes)?))).collect()
    }

    /// Part of the source, number of functions, size; the largest first.
    pub(super) fn groups(&self) -> Result<Vec<(String, usize, Size)>> {
        let mut groups = Vec::new();
        for (name, group) in &self.groups {
            groups.push((name.clone(), group.functions, Size::of(&group.code)?));
        }
        groups.sort_by(|a, b| b.2.raw.cmp(&a.2.raw).then_with(|| a.0.cmp(&b.0)));
        Ok(groups)
    }

    pub(super) fn table(&self) -> Result<String> {
        let mut text = format!("{:<28}{:>10}{:>10}{:>10}\n", "section", "raw", "gzip -9", "brotli 11");
        for (name, size) in self.sections()? {
            row(&mut text, &name, size, None);
        }
        let _ = writeln!(
            text,
            "\nCode by part of the source. A function counts for the crate that defines it; what the optimiser inlined\n\
             counts for the caller. Each part is compressed alone, so that the columns add up to more than the module.\n\
             {:<28}{:>10}{:>10}{:>10}{:>10}",
            "part", "raw", "gzip -9", "brotli 11", "functions"
        );
        for (name, functions, size) in self.groups()? {
            row(&mut text, &name, size, Some(functions));
        }
        text.push_str("\nThe largest functions\n");
        for (name, bytes) in &self.largest {
            let _ = writeln!(text, "{bytes:>10}  {name}");
        }
        Ok(text)
    }
}

fn read_names(section: wasmparser::NameSectionReader<'_>, names: &mut BTreeMap<u32, String>) -> Result<()> {
    for subsection in section {
        if let Name::Function(functions) = subsection? {
            for naming in functions {
                let naming = naming?;
                names.insert(naming.index, naming.name.to_owned());
            }
        }
    }
    Ok(())
}

fn section_name(id: u8) -> &'static str {
    const NAMES: [&str; 13] = [
        "custom",
        "types",
        "imports",
        "functions",
        "tables",
        "memory",
        "globals",
        "exports",
        "start",
        "elements",
        "code",
        "data",
        "data count",
    ];
    NAMES.get(usize::from(id)).copied().unwrap_or("unknown")
}

/// The part of the source that a function belongs to: the module of core and message, the crate of all others.
fn part_of(name: &str) -> String {
    // `<&T as core::fmt::Debug>::fmt` and `<unisono_core::Model as Drop>::drop` begin with punctuation.
    let path = name.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    // Names end with a hash, `::h` and 16 digits, and closures with `::{{closure}}`: neither is a place in the source.
    let mut segments: Vec<&str> =
        path.split("::").filter(|segment| !is_hash(segment) && !segment.starts_with('{')).collect();
    segments.truncate(3);
    // Names of the compiler's own crates carry a hash too, `core[c5930c85a12de822]::fmt::write`, and what is implemented
    // for a plain type has the trait's place: `u64 as core`.
    let first = segments.first().map_or("", |first| first.split('[').next().unwrap_or(first));
    let first = first.rsplit(" as ").next().unwrap_or(first);
    match (first, segments.as_slice()) {
        (_, [_]) | ("__rustc", _) => "exports and intrinsics".to_owned(),
        // crate::module::function names a module; core and message are told apart by it.
        ("unisono_core" | "unisono_message", [_, module, _]) if is_module(module) => format!("{first}::{module}"),
        ("dyn" | "mut" | "impl" | "T" | "str", _) => "core".to_owned(),
        _ => first.to_owned(),
    }
}

fn is_hash(segment: &str) -> bool {
    segment.len() == 17 && segment.starts_with('h') && segment[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_module(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn a_function_belongs_to_the_module_or_crate_that_its_name_begins_with() {
        for (name, part) in [
            ("unisono_core::model::load::h0123456789abcdef", "unisono_core::model"),
            ("unisono_core::recommend::h0123456789abcdef", "unisono_core"),
            ("unisono_core::decide::{{closure}}::h0123456789abcdef", "unisono_core"),
            ("<u64 as core::fmt::Display>::fmt", "core"),
            ("<unisono_message::reader::Reader as core::clone::Clone>::clone", "unisono_message::reader"),
            ("<&T as core::fmt::Debug>::fmt", "core"),
            ("alloc::raw_vec::RawVec<T,A>::grow_one", "alloc"),
            ("core::fmt::Formatter::pad", "core"),
            ("<alloc[3ca501edff3f0c7c]::raw_vec::RawVecInner<_>>::reserve", "alloc"),
            ("__rustc[b7974e8690430dd9]::__rust_alloc", "exports and intrinsics"),
            ("memcpy", "exports and intrinsics"),
        ] {
            assert_eq!(part_of(name), part, "{name}");
        }
    }
}
