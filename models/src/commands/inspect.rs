//! `inspect`: what a model file holds, for people and for programs.

use super::lines::read;
use super::{Format, grouped, print, print_json};
use crate::error::{Error, Result};
use crate::fit::hex;
use clap::Args as ClapArgs;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use unisono_core::Model;
use unisono_core::blend::Blend;

/// Options of `inspect`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  unisono-models inspect shop.unisono --format json")]
pub(crate) struct Args {
    /// The model file.
    model: PathBuf,
    /// Leave out the compressed sizes, which take seconds.
    #[arg(long)]
    no_brotli: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Serialize)]
pub(crate) struct View {
    pub(crate) model_id: String,
    pub(crate) bytes: usize,
    pub(crate) root_bytes: usize,
    pub(crate) root_brotli: Option<usize>,
    pub(crate) brotli: Option<usize>,
    pub(crate) root: serde_json::Value,
    pub(crate) sections: Vec<SectionView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SectionView {
    pub(crate) name: String,
    dtype: String,
    pub(crate) bytes: usize,
    pub(crate) brotli: Option<usize>,
    sha256: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let file = read(&args.model)?;
    let model = Model::load(&file).map_err(Error::from_core)?;
    let view = view(&file, &model, !args.no_brotli);
    match args.format {
        Format::Json => print_json(&view),
        Format::Human => show(&view, &model),
    }
    Ok(())
}

pub(crate) fn view(file: &[u8], model: &Model<'_>, compress: bool) -> View {
    let size = |bytes: &[u8]| compress.then(|| brotli_size(bytes));
    let root_bytes = root_length(file);
    let sections: Vec<SectionView> = model
        .sections
        .iter()
        .map(|entry| {
            let start = unisono_core::model::data_start(root_bytes) + entry.offset;
            let bytes = file.get(start..start + entry.length).unwrap_or_default();
            SectionView {
                name: entry.name.into(),
                dtype: entry.dtype.into(),
                bytes: bytes.len(),
                brotli: size(bytes),
                sha256: hex(entry.sha256),
            }
        })
        .collect();
    let root = file.get(..root_bytes).unwrap_or_default();
    let root_brotli = size(root);
    // A browser fetches one file: parts that are compressed alone add up to about the same.
    let brotli = root_brotli.map(|root| root + sections.iter().filter_map(|section| section.brotli).sum::<usize>());
    View {
        model_id: hex(&model.model_id),
        bytes: file.len(),
        root_bytes,
        root_brotli,
        brotli,
        root: root_value(root),
        sections,
    }
}

/// The root's own account of data, configuration and metrics.
pub(crate) fn facts(file: &[u8]) -> serde_json::Value {
    root_value(file.get(..root_length(file)).unwrap_or_default())
}

/// Bytes of the root: where the first MessagePack value ends.
fn root_length(file: &[u8]) -> usize {
    let mut reader = unisono_message::Reader::new(file);
    reader.skip().len()
}

/// The root as JSON, digests in hexadecimal; the list of sections stands beside it.
fn root_value(root: &[u8]) -> serde_json::Value {
    let Ok(rmpv) = rmp_serde::from_slice::<Plain>(root) else { return serde_json::Value::Null };
    let serde_json::Value::Object(mut map) = rmpv.0 else { return serde_json::Value::Null };
    map.remove("sections");
    serde_json::Value::Object(map)
}

/// Any MessagePack value as JSON, binary data in hexadecimal.
struct Plain(serde_json::Value);

impl<'de> serde::Deserialize<'de> for Plain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Plain)
    }
}

struct PlainVisitor;

impl<'de> serde::de::Visitor<'de> for PlainVisitor {
    type Value = serde_json::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a MessagePack value")
    }
    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(serde_json::Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> std::result::Result<Self::Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> std::result::Result<Self::Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> std::result::Result<Self::Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> std::result::Result<Self::Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E> {
        Ok(value.into())
    }
    fn visit_bytes<E>(self, value: &[u8]) -> std::result::Result<Self::Value, E> {
        Ok(hex(value).into())
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Plain(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(list.into())
    }
    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, Plain(value))) = map.next_entry::<String, Plain>()? {
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// Bytes after brotli at quality 11, as a web server would send them.
fn brotli_size(bytes: &[u8]) -> usize {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
    // Writing to memory can't fail.
    let _ = writer.write_all(bytes);
    writer.into_inner().len()
}

fn show(view: &View, model: &Model<'_>) {
    let size = |bytes: Option<usize>| bytes.map_or("-".to_owned(), |bytes| grouped(bytes as u64));
    print(&format!("model {}", view.model_id));
    print(&format!("{} bytes, brotli {}", grouped(view.bytes as u64), size(view.brotli)));
    print(&format!(
        "{} items, floor {} profiles, channels {}",
        grouped(model.items_len.into()),
        model.min_support,
        model.channels.join(" ")
    ));
    for group in ["data", "config", "metrics"] {
        print(&format!("\n{group}"));
        for (name, value) in view.root.get(group).and_then(|facts| facts.as_object()).into_iter().flatten() {
            print(&format!("  {name:<36} {value}"));
        }
    }
    print(&format!("\n{:<32} {:>5} {:>12} {:>12}", "section", "type", "bytes", "brotli"));
    print(&format!(
        "{:<32} {:>5} {:>12} {:>12}",
        "(root)",
        "",
        grouped(view.root_bytes as u64),
        size(view.root_brotli)
    ));
    for section in &view.sections {
        let bytes = grouped(section.bytes as u64);
        print(&format!("{:<32} {:>5} {bytes:>12} {:>12}", section.name, section.dtype, size(section.brotli)));
    }
    for (name, blend) in [("next", &model.next), ("together", &model.together)] {
        show_blend(name, blend, model.scale_bits);
    }
    for (kind, map) in &model.calibrations {
        let ends = [map.probabilities.first(), map.probabilities.last()];
        let [low, high] = ends.map(|p| p.copied().unwrap_or(0) as f64 / f64::from(1u32 << 30));
        print(&format!("\ncalibration `{}`: {} knots, {low:.5} to {high:.3}", kind.as_str(), map.scores.len()));
    }
}

fn show_blend(name: &str, blend: &Blend, scale_bits: u32) {
    let unit = |points: i64| points as f64 / f64::from(1u32 << scale_bits);
    print(&format!("\nblend `{name}`: base {:.3}, points by bin (`<edge: points`)", unit(blend.base)));
    for table in &blend.tables {
        let edge = |bin: usize| table.edges.get(bin).map_or("else".to_owned(), |edge| format!("<{edge}"));
        let cells =
            table.points.iter().enumerate().map(|(bin, points)| format!("{}: {:+.2}", edge(bin), unit(*points)));
        print(&format!("  {:<20} {}", table.feature.as_str(), cells.collect::<Vec<_>>().join("  ")));
    }
}
