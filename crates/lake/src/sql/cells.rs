//! Batches of an answer as cells.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use kernel::Instant;

use super::Page;
use crate::error::Result;
use crate::row::Cell;

/// The rows of a batch.
pub(super) fn page(batch: &RecordBatch) -> Result<Page> {
    let columns = batch.columns().iter().map(column).collect::<Result<Vec<_>>>()?;
    let mut iterators: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let rows = (0..batch.num_rows()).map(|_| {
        iterators.iter_mut().map(|cells| cells.next().expect("a batch's columns are equally long")).collect()
    });
    Ok(rows.collect())
}

fn column(array: &ArrayRef) -> Result<Vec<Cell>> {
    let cells = match array.data_type() {
        DataType::Null => vec![Cell::Null; array.len()],
        DataType::Boolean => each(array, |a, i| Cell::Boolean(a.as_boolean().value(i))),
        // Beyond 63 bits only sums of counts could go, and they do not.
        t if t.is_integer() && *t != DataType::UInt64 => each(&cast(array, &DataType::Int64)?, |a, i| {
            Cell::Integer(a.as_primitive::<Int64Type>().value(i))
        }),
        t if t.is_floating() => each(&cast(array, &DataType::Float64)?, |a, i| {
            Cell::Real(a.as_primitive::<Float64Type>().value(i))
        }),
        DataType::Timestamp(..) => {
            let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
            each(&micros, |a, i| Cell::Time(Instant(a.as_primitive::<TimestampMicrosecondType>().value(i))))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            each(&cast(array, &DataType::Binary)?, |a, i| Cell::Bytes(a.as_binary::<i32>().value(i).to_vec()))
        }
        DataType::UInt64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => shown(array, Cell::Decimal)?,
        _ => shown(array, Cell::Text)?,
    };
    Ok(cells)
}

fn each(array: &ArrayRef, cell: impl Fn(&ArrayRef, usize) -> Cell) -> Vec<Cell> {
    (0..array.len()).map(|i| if array.is_valid(i) { cell(array, i) } else { Cell::Null }).collect()
}

fn shown(array: &ArrayRef, cell: impl Fn(String) -> Cell) -> Result<Vec<Cell>> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    Ok(each(array, |_, i| cell(formatter.value(i).to_string())))
}
