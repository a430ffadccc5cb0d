//! Writing tables: events as Parquet, what people read as CSV and JSON.

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

/// Writes events to Parquet row by row.
pub(crate) struct EventsWriter {
    path: PathBuf,
    schema: Arc<Schema>,
    writer: ArrowWriter<File>,
    texts: [StringBuilder; 10],
    ts_ms: Int64Builder,
    quantity: Float64Builder,
    price: Float64Builder,
    rows: usize,
}

impl EventsWriter {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut fields: Vec<Field> = TEXT_COLUMNS.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        fields.push(Field::new("ts_ms", DataType::Int64, false));
        fields.push(Field::new("quantity", DataType::Float64, true));
        fields.push(Field::new("price", DataType::Float64, true));
        let schema = Arc::new(Schema::new(fields));
        let file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(|e| failed(path, e))?;
        Ok(EventsWriter {
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

    pub(crate) fn push(&mut self, row: &EventRow<'_>) -> Result<()> {
        let texts = [
            Some(row.event_id.as_str()),
            Some(row.profile_id),
            Some(row.kind),
            Some(row.channel),
            row.item_id,
            row.currency,
            row.order_id,
            row.session_id,
            row.store_id,
            row.offer_id,
        ];
        for (builder, text) in self.texts.iter_mut().zip(texts) {
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

    pub(crate) fn close(mut self) -> Result<()> {
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
