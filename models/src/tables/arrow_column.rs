//! A Parquet column of any physical type, brought to the few that rows are read from.

use super::source::Cell;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};
use std::sync::Arc;

/// One column of a batch.
pub(crate) enum Column {
    Absent,
    Text(StringArray),
    Int(Int64Array),
    Float(Float64Array),
    Bool(BooleanArray),
    Time(TimestampMillisecondArray),
    List(Vec<Option<Vec<String>>>),
}

impl Column {
    pub(crate) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let kind = match array.data_type() {
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        // A failed cast is an error: a null in its place would be a value lost in silence.
        let options = CastOptions { safe: false, ..Default::default() };
        let cast = |to: &DataType| cast_with_options(array, to, &options);
        Ok(match kind {
            DataType::Null => Column::Absent,
            DataType::Boolean => Column::Bool(cast(&DataType::Boolean)?.as_boolean().clone()),
            kind if kind.is_integer() => Column::Int(cast(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            kind if kind.is_floating() => {
                Column::Float(cast(&DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
                let millis = cast(&DataType::Timestamp(TimeUnit::Millisecond, None))?;
                Column::Time(millis.as_primitive::<TimestampMillisecondType>().clone())
            }
            DataType::List(_) | DataType::LargeList(_) => {
                let item = Arc::new(Field::new("item", DataType::Utf8, true));
                let lists = cast(&DataType::List(item))?;
                let lists = lists.as_list::<i32>();
                Column::List(lists.iter().map(|list| list.map(|list| texts(&list))).collect())
            }
            _ => Column::Text(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Column::Absent => Cell::Null,
            Column::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Column::Int(array) if array.is_valid(row) => Cell::Int(array.value(row)),
            Column::Float(array) if array.is_valid(row) => Cell::Float(array.value(row)),
            Column::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            Column::Time(array) if array.is_valid(row) => Cell::Time(array.value(row)),
            Column::List(lists) => lists[row].as_deref().map_or(Cell::Null, Cell::List),
            _ => Cell::Null,
        }
    }
}

fn texts(list: &ArrayRef) -> Vec<String> {
    list.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}
