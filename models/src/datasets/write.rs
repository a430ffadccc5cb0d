//! Writing tables: events as Parquet or CSV, what people read as CSV and JSON.

use crate::error::{Error, Result};
use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BATCH_ROWS: usize = 65_536;

/// One row of the events table as an import writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventRow<'a> {
    pub(crate) event_id: String,
    pub(crate) profile_id: &'a str,
    pub(crate) ts_ms: i64,
    pub(crate) kind: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) item_id: Option<&'a str>,
    pub(crate) quantity: Option<f64>,
    pub(crate) price: Option<f64>,
    pub(crate) currency: Option<&'a str>,
    pub(crate) order_id: Option<&'a str>,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) store_id: Option<&'a str>,
    pub(crate) offer_id: Option<&'a str>,
}

const NUMBER_COLUMNS: [&str; 3] = ["ts_ms", "quantity", "price"];

const TEXT_COLUMNS: [&str; 10] = [
    "event_id",
    "profile_id",
    "type",
    "channel",
    "item_id",
    "currency",
    "order_id",
    "session_id",
    "store_id",
    "offer_id",
];

/// The form of an events table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum EventsForm {
    /// Small, and quick to read.
    #[default]
    Parquet,
    /// For programs that read nothing else.
    Csv,
}

/// Writes events row by row.
pub(crate) enum EventsWriter {
    Parquet(Box<ParquetEvents>),
    Csv(Box<CsvEvents>),
}

impl EventsWriter {
    /// Creates `events.parquet` or `events.csv` in a folder.
    pub(crate) fn create(folder: &Path, form: EventsForm) -> Result<Self> {
        Ok(match form {
            EventsForm::Parquet => Self::Parquet(Box::new(ParquetEvents::create(&folder.join("events.parquet"))?)),
            EventsForm::Csv => Self::Csv(Box::new(CsvEvents::create(&folder.join("events.csv"))?)),
        })
    }

    pub(crate) fn push(&mut self, row: &EventRow<'_>) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.push(row),
            Self::Csv(writer) => writer.push(row),
        }
    }

    pub(crate) fn close(self) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.close(),
            Self::Csv(writer) => writer.close(),
        }
    }
}

impl<'a> EventRow<'a> {
    /// In the order of [`TEXT_COLUMNS`].
    fn texts(&'a self) -> [Option<&'a str>; 10] {
        [
            Some(self.event_id.as_str()),
            Some(self.profile_id),
            Some(self.kind),
            Some(self.channel),
            self.item_id,
            self.currency,
            self.order_id,
            self.session_id,
            self.store_id,
            self.offer_id,
        ]
    }
}

pub(crate) struct CsvEvents {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl CsvEvents {
    fn create(path: &Path) -> Result<Self> {
        let mut writer = csv::Writer::from_path(path).map_err(|e| failed(path, e))?;
        writer.write_record(TEXT_COLUMNS.iter().chain(&NUMBER_COLUMNS)).map_err(|e| failed(path, e))?;
        Ok(CsvEvents { path: path.into(), writer })
    }

    fn push(&mut self, row: &EventRow<'_>) -> Result<()> {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let numbers = [row.ts_ms.to_string(), number(row.quantity), number(row.price)];
        let texts = row.texts().map(Option::unwrap_or_default);
        let cells = texts.into_iter().chain(numbers.iter().map(String::as_str));
        self.writer.write_record(cells).map_err(|e| failed(&self.path, e))
    }

    fn close(mut self) -> Result<()> {
        self.writer.flush().map_err(|e| Error::io("write", &self.path, e))
    }
}

pub(crate) struct ParquetEvents {
    path: PathBuf,
    schema: Arc<Schema>,
    writer: ArrowWriter<File>,
    texts: [StringBuilder; 10],
    ts_ms: Int64Builder,
    quantity: Float64Builder,
    price: Float64Builder,
    rows: usize,
}

impl ParquetEvents {
    fn create(path: &Path) -> Result<Self> {
        let mut fields: Vec<Field> = TEXT_COLUMNS.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let [ts_ms, quantity, price] = NUMBER_COLUMNS;
        fields.push(Field::new(ts_ms, DataType::Int64, false));
        fields.push(Field::new(quantity, DataType::Float64, true));
        fields.push(Field::new(price, DataType::Float64, true));
        let schema = Arc::new(Schema::new(fields));
        let file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(|e| failed(path, e))?;
        Ok(ParquetEvents {
            path: path.into(),
            schema,
            writer,
            texts: Default::default(),
            ts_ms: Int64Builder::new(),
            quantity: Float64Builder::new(),
            price: Float64Builder::new(),
            rows: 0,
        })
    }

    fn push(&mut self, row: &EventRow<'_>) -> Result<()> {
        for (builder, text) in self.texts.iter_mut().zip(row.texts()) {
            builder.append_option(text);
        }
        self.ts_ms.append_value(row.ts_ms);
        self.quantity.append_option(row.quantity);
        self.price.append_option(row.price);
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let mut columns: Vec<ArrayRef> = self.texts.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        columns.push(Arc::new(self.ts_ms.finish()));
        columns.push(Arc::new(self.quantity.finish()));
        columns.push(Arc::new(self.price.finish()));
        self.rows = 0;
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|e| failed(&self.path, e))?;
        self.writer.write(&batch).map_err(|e| failed(&self.path, e))
    }

    fn close(mut self) -> Result<()> {
        self.flush()?;
        self.writer.close().map_err(|e| failed(&self.path, e))?;
        Ok(())
    }
}

/// Writes a CSV table whose header is `header`.
pub(crate) fn write_csv<R: AsRef<[String]>>(path: &Path, header: &[&str], rows: impl Iterator<Item = R>) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).map_err(|e| failed(path, e))?;
    writer.write_record(header).map_err(|e| failed(path, e))?;
    for row in rows {
        writer.write_record(row.as_ref()).map_err(|e| failed(path, e))?;
    }
    writer.flush().map_err(|e| Error::io("write", path, e))
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::io("write", path, std::io::Error::other(error))
}
