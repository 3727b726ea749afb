//! The lake: columnar files in and out. The only crate that names Parquet.

pub mod parquet_rows;
