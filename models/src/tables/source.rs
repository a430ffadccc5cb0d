//! A table on disk as batches of cells: the format follows the extension, the cells are the same whatever it is.

use super::arrow_column::Column;
use super::json_rows::{self, OwnedCell};
use super::renames::Renames;
use crate::error::{Error, Result};
use arrow_schema::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

const BATCH_ROWS: usize = 8_192;
/// Lines of a JSONL table among which every required column must occur.
const JSONL_HEAD_LINES: usize = 1_000;

/// What a column holds, whatever its physical type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An id or another text; integers are read as their digits.
    Text,
    /// A time in Unix milliseconds, or a timestamp.
    Time,
    /// A number with decimals.
    Number,
    /// A whole number.
    Integer,
    /// true or false.
    Flag,
    /// Several texts: a list, or one text with `;` between.
    List,
}

impl Kind {
    fn expected(self) -> &'static str {
        match self {
            Kind::Text => "text or an integer",
            Kind::Time => "an integer of Unix milliseconds or a timestamp",
            Kind::Number => "a number",
            Kind::Integer => "an integer",
            Kind::Flag => "a boolean",
            Kind::List => "a list of texts, or text with `;` between",
        }
    }

    fn takes(self, found: &DataType) -> bool {
        use DataType::{Boolean, Date32, Date64, Dictionary, List, Null, Timestamp};
        let text = matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let number = found.is_numeric();
        let list = matches!(found, List(_) | DataType::LargeList(_));
        match (self, found) {
            (_, Null) => true,
            (kind, Dictionary(_, values)) => kind.takes(values),
            (Kind::Text, _) => text || number,
            (Kind::Time, Timestamp(..) | Date32 | Date64) => true,
            (Kind::Time | Kind::Number | Kind::Integer, _) => text || number,
            (Kind::Flag, Boolean) => true,
            (Kind::Flag, _) => text || found.is_integer(),
            (Kind::List, _) => text || list || found.is_integer(),
        }
    }
}

/// A column that a table may or must have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// Short form for a required column.
pub(crate) const fn need(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind, required: true }
}

/// Short form for a column that may be absent.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Spec {
    Spec { name, kind, required: false }
}

/// One value of a row. An empty text is null, so that CSV says the same as the other formats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(i64),
    List(&'a [String]),
}

/// Rows that were read together.
pub(crate) enum Batch {
    Arrow { rows: usize, columns: Vec<Column> },
    Csv { records: Vec<std::result::Result<csv::StringRecord, Broken>>, places: Vec<Option<usize>> },
    Json { rows: Vec<std::result::Result<Vec<OwnedCell>, Broken>> },
}

/// A row whose cells can't be told apart.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) reason: String,
    /// Every text that stands in it; which column each belongs to is not known.
    pub(crate) texts: Vec<String>,
}

impl Batch {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Batch::Arrow { rows, .. } => *rows,
            Batch::Csv { records, .. } => records.len(),
            Batch::Json { rows } => rows.len(),
        }
    }

    /// Why the whole row can't be read, where that is so.
    pub(crate) fn broken(&self, row: usize) -> Option<&Broken> {
        match self {
            Batch::Arrow { .. } => None,
            Batch::Csv { records, .. } => records[row].as_ref().err(),
            Batch::Json { rows } => rows[row].as_ref().err(),
        }
    }

    /// Whether the column `spec` comes first, where no broken field before it can shift it.
    pub(crate) fn is_first(&self, spec: usize) -> bool {
        matches!(self, Batch::Csv { places, .. } if places[spec] == Some(0))
    }

    /// The value of the column `spec` (its place in the table's list) in `row`.
    pub(crate) fn cell(&self, row: usize, spec: usize) -> Cell<'_> {
        let cell = match self {
            Batch::Arrow { columns, .. } => columns[spec].cell(row),
            Batch::Csv { records, places } => match (&records[row], places[spec]) {
                (Ok(record), Some(place)) => record.get(place).map_or(Cell::Null, Cell::Text),
                _ => Cell::Null,
            },
            Batch::Json { rows } => rows[row].as_ref().map_or(Cell::Null, |cells| cells[spec].cell()),
        };
        if cell == Cell::Text("") { Cell::Null } else { cell }
    }
}

/// What was seen of a table besides its rows.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Columns that no one knows, by name.
    pub(crate) unknown: BTreeSet<String>,
    /// Columns that are read under another name, as the table has them.
    pub(crate) renamed: BTreeSet<String>,
    /// Columns that the table may have and has not; of JSON lines those that the first lines do not have.
    pub(crate) absent: BTreeSet<&'static str>,
    /// All columns of the table, known or not, as the table has them.
    pub(crate) names: Vec<String>,
}

impl Seen {
    fn new(names: &[String], specs: &[Spec], renames: &Renames) -> Self {
        let absent =
            specs.iter().map(|spec| spec.name).filter(|name| !names.iter().any(|found| renames.of(found) == *name));
        let renamed = names.iter().filter(|name| renames.of(name) != name.as_str()).cloned();
        Seen { unknown: BTreeSet::new(), renamed: renamed.collect(), absent: absent.collect(), names: names.to_vec() }
    }
}

/// Reads the whole table and hands its rows over batch by batch, with the number of the first row (from 1).
pub(crate) fn read_table(
    table: &'static str,
    path: &Path,
    specs: &[Spec],
    renames: &Renames,
    each: &mut dyn FnMut(u64, &Batch) -> Result<()>,
) -> Result<Seen> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "parquet" | "pq" => read_parquet(table, path, specs, renames, each),
        "csv" => read_csv(table, path, (specs, renames), b',', each),
        "tsv" => read_csv(table, path, (specs, renames), b'\t', each),
        "jsonl" | "ndjson" => read_jsonl(table, path, specs, renames, each),
        _ => Err(Error::UnknownFormat { path: path.to_path_buf() }),
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::io("open", path, error))
}

fn bad_table(table: &'static str, path: &Path, reason: impl ToString) -> Error {
    Error::BadTable { table, path: path.to_path_buf(), reason: reason.to_string() }
}

pub(crate) fn missing(table: &'static str, spec: &Spec, names: &[String]) -> Error {
    let found = match names.is_empty() {
        true => "no columns at all".to_owned(),
        false => format!("only the columns {}", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
    };
    Error::BadSchema { table, column: spec.name.into(), expected: format!("present ({})", spec.kind.expected()), found }
}

/// -> for each column of `specs` its place among `names`; the names that no spec has.
fn place(
    table: &'static str,
    names: &[String],
    specs: &[Spec],
    renames: &Renames,
) -> Result<(Vec<Option<usize>>, Seen)> {
    let mut seen = Seen::new(names, specs, renames);
    let mut places = vec![None; specs.len()];
    for (at, name) in names.iter().enumerate() {
        let name = renames.of(name);
        match specs.iter().position(|spec| spec.name == name) {
            Some(spec) if places[spec].is_some() => {
                let (expected, found) = ("there once".to_owned(), "it twice".to_owned());
                return Err(Error::BadSchema { table, column: name.to_owned(), expected, found });
            }
            Some(spec) => places[spec] = Some(at),
            None => drop(seen.unknown.insert(name.to_owned())),
        }
    }
    match specs.iter().zip(&places).find(|(spec, at)| spec.required && at.is_none()) {
        Some((spec, _)) => Err(missing(table, spec, names)),
        None => Ok((places, seen)),
    }
}

fn check_types(table: &'static str, schema: &Schema, specs: &[Spec], places: &[Option<usize>]) -> Result<()> {
    for (spec, at) in specs.iter().zip(places) {
        let Some(at) = at else { continue };
        let found = schema.field(*at).data_type();
        if !spec.kind.takes(found) {
            let (expected, found) = (spec.kind.expected().to_owned(), format!("`{found}`"));
            return Err(Error::BadSchema { table, column: spec.name.into(), expected, found });
        }
    }
    Ok(())
}

fn read_parquet(
    table: &'static str,
    path: &Path,
    specs: &[Spec],
    renames: &Renames,
    each: &mut dyn FnMut(u64, &Batch) -> Result<()>,
) -> Result<Seen> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(open(path)?).map_err(|e| bad_table(table, path, e))?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let (places, seen) = place(table, &names, specs, renames)?;
    check_types(table, builder.schema(), specs, &places)?;
    let used: Vec<usize> = places.iter().flatten().copied().collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), used);
    let reader =
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| bad_table(table, path, e))?;
    let mut first = 1;
    for batch in reader {
        let batch = batch.map_err(|e| bad_table(table, path, e))?;
        let columns = specs
            .iter()
            .zip(&places)
            .map(|(spec, at)| match at.and_then(|at| batch.column_by_name(&names[at])) {
                None => Ok(Column::Absent),
                Some(array) => Column::new(array).map_err(|e| bad_table(table, path, format!("`{}`: {e}", spec.name))),
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = batch.num_rows();
        each(first, &Batch::Arrow { rows, columns })?;
        first += rows as u64;
    }
    Ok(seen)
}

fn read_csv(
    table: &'static str,
    path: &Path,
    (specs, renames): (&[Spec], &Renames),
    delimiter: u8,
    each: &mut dyn FnMut(u64, &Batch) -> Result<()>,
) -> Result<Seen> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(BufReader::new(open(path)?));
    let headers = reader.byte_headers().map_err(|e| bad_table(table, path, e))?.clone();
    let headers =
        csv::StringRecord::from_byte_record(headers).map_err(|_| bad_table(table, path, "header not UTF-8"))?;
    // Spreadsheet programs begin UTF-8 files with a byte order mark.
    let names: Vec<String> = headers.iter().map(|n| n.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let (places, seen) = place(table, &names, specs, renames)?;
    let mut first = 1;
    let mut records = Vec::with_capacity(BATCH_ROWS);
    let mut record = csv::ByteRecord::new();
    loop {
        let more = reader.read_byte_record(&mut record).map_err(|e| bad_table(table, path, e))?;
        if more {
            records.push(csv_row(record.clone(), names.len()));
        }
        if records.len() == BATCH_ROWS || !more && !records.is_empty() {
            let batch = Batch::Csv { records: std::mem::take(&mut records), places: places.clone() };
            each(first, &batch)?;
            first += batch.rows() as u64;
        }
        if !more {
            return Ok(seen);
        }
    }
}

fn csv_row(record: csv::ByteRecord, width: usize) -> std::result::Result<csv::StringRecord, Broken> {
    let texts = |record: &csv::ByteRecord| -> Vec<String> {
        record.iter().filter_map(|field| std::str::from_utf8(field).ok()).map(str::to_owned).collect()
    };
    if record.len() != width {
        let reason = format!("has {} fields where the header has {width}", record.len());
        return Err(Broken { reason, texts: texts(&record) });
    }
    csv::StringRecord::from_byte_record(record)
        .map_err(|error| Broken { reason: "is not UTF-8".to_owned(), texts: texts(&error.into_byte_record()) })
}

fn read_jsonl(
    table: &'static str,
    path: &Path,
    specs: &[Spec],
    renames: &Renames,
    each: &mut dyn FnMut(u64, &Batch) -> Result<()>,
) -> Result<Seen> {
    let names = json_rows::head_names(open(path)?, JSONL_HEAD_LINES).map_err(|e| Error::io("read", path, e))?;
    let mut seen = Seen::new(&names.into_iter().collect::<Vec<_>>(), specs, renames);
    if let Some(spec) = specs.iter().find(|spec| spec.required && seen.absent.contains(spec.name)) {
        return Err(missing(table, spec, &seen.names));
    }
    let mut lines = json_rows::Lines::new(open(path)?);
    let mut first = 1;
    let mut rows = Vec::with_capacity(BATCH_ROWS);
    loop {
        let line = lines.next().map_err(|e| Error::io("read", path, e))?;
        let more = line.is_some();
        rows.extend(line.map(|line| json_rows::parse(line, specs, renames, &mut seen.unknown)));
        if rows.len() == BATCH_ROWS || !more && !rows.is_empty() {
            let batch = Batch::Json { rows: std::mem::take(&mut rows) };
            each(first, &batch)?;
            first += batch.rows() as u64;
        }
        if !more {
            return Ok(seen);
        }
    }
}
