//! Reads a table's log: the last checkpoint, then every commit after it.
//!
//! Decides what the table consists of and nothing else; what is broken is told as it is found, and
//! `repair` decides what to do about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::action::{self, Add, Line, Metadata};
use crate::error::{Error, Result};

/// The newest reader protocol whose tables this build reads rightly.
const READER_VERSION_MAX: i32 = 1;

/// What lies in a table's log directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Commits and their sizes.
    pub(crate) commits: BTreeMap<i64, u64>,
    /// Checkpoints in one file.
    pub(crate) checkpoints: Vec<i64>,
}

/// The state a log adds up to.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) version: i64,
    pub(crate) checkpoint: Option<i64>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) adds: BTreeMap<String, Add>,
    /// Removed files and when, in milliseconds since 1970.
    pub(crate) removed: BTreeMap<String, i64>,
    pub(crate) transactions: BTreeMap<String, i64>,
}

/// The directory of the log.
pub(crate) fn log_path(table: &str) -> Path {
    Path::from(format!("{table}/_delta_log"))
}

/// The file of one commit.
pub(crate) fn commit_path(table: &str, version: i64) -> Path {
    log_path(table).join(format!("{version:020}.json").as_str())
}

/// The file of one checkpoint.
pub(crate) fn checkpoint_path(table: &str, version: i64) -> Path {
    log_path(table).join(format!("{version:020}.checkpoint.parquet").as_str())
}

/// Lists the log.
pub(crate) async fn list(store: &dyn ObjectStore, table: &str) -> Result<Listing> {
    let mut listing = Listing::default();
    let objects: Vec<_> = store.list(Some(&log_path(table))).try_collect().await?;
    for object in objects {
        let Some(name) = object.location.filename() else { continue };
        let Some((version, rest)) = name.split_once('.') else { continue };
        let Some(version) = (version.len() == 20).then(|| version.parse().ok()).flatten() else { continue };
        match rest {
            "json" => drop(listing.commits.insert(version, object.size)),
            "checkpoint.parquet" => listing.checkpoints.push(version),
            _ => {}
        }
    }
    listing.checkpoints.sort_unstable();
    Ok(listing)
}

/// Fetches an object whole.
pub(crate) async fn fetch(store: &dyn ObjectStore, path: &Path) -> Result<Bytes> {
    Ok(store.get(path).await?.bytes().await?)
}

/// Reads one commit; the inner error says how it is broken.
pub(crate) async fn read_commit(
    store: &dyn ObjectStore,
    table: &str,
    version: i64,
) -> Result<Result<Vec<Line>, String>> {
    Ok(action::from_bytes(&fetch(store, &commit_path(table, version)).await?))
}

impl Replayed {
    /// Adds one commit.
    pub(crate) fn apply(&mut self, version: i64, lines: Vec<Line>) -> Result<()> {
        self.version = version;
        for line in lines {
            if let Some(protocol) = line.protocol {
                check_reader(protocol.min_reader_version)?;
            }
            if let Some(metadata) = line.meta_data {
                self.metadata = Some(metadata);
            }
            if let Some(txn) = line.txn {
                self.transactions.insert(txn.app_id, txn.version);
            }
            if let Some(remove) = line.remove {
                self.adds.remove(&remove.path);
                self.removed.insert(remove.path, remove.deletion_timestamp.unwrap_or(0));
            }
            if let Some(add) = line.add {
                self.removed.remove(&add.path);
                self.adds.insert(add.path.clone(), add);
            }
        }
        Ok(())
    }
}

fn check_reader(version: i32) -> Result<()> {
    if version <= READER_VERSION_MAX {
        return Ok(());
    }
    Err(Error::Unreadable(format!(
        "the table needs a reader of Delta protocol {version}; another engine raised it"
    )))
}

/// Reads the checkpoint of `version`.
pub(crate) async fn read_checkpoint(store: &dyn ObjectStore, table: &str, version: i64) -> Result<Replayed> {
    let bytes = fetch(store, &checkpoint_path(table, version)).await?;
    let mut replayed = Replayed { version, checkpoint: Some(version), ..Replayed::default() };
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
        read_rows(&batch?, &mut replayed)?;
    }
    if replayed.metadata.is_none() {
        return Err(Error::Unreadable(format!("checkpoint {version} has no metadata")));
    }
    Ok(replayed)
}

/// A struct column of a checkpoint, row by row. Absent columns and null rows read as nothing.
struct Rows<'a>(Option<&'a StructArray>);

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Self {
        Self(batch.column_by_name(name).and_then(|c| c.as_struct_opt()))
    }

    fn is_set(&self, row: usize) -> bool {
        self.0.is_some_and(|s| s.is_valid(row))
    }

    fn column(&self, name: &str, row: usize) -> Option<&'a Arc<dyn Array>> {
        self.0?.column_by_name(name).filter(|c| c.is_valid(row))
    }

    fn text(&self, name: &str, row: usize) -> Option<String> {
        Some(self.column(name, row)?.as_string_opt::<i32>()?.value(row).to_owned())
    }

    fn long(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.column(name, row)?;
        match column.as_primitive_opt::<Int64Type>() {
            Some(longs) => Some(longs.value(row)),
            None => Some(i64::from(column.as_primitive_opt::<Int32Type>()?.value(row))),
        }
    }

    fn map(&self, name: &str, row: usize) -> BTreeMap<String, Option<String>> {
        let Some(map) = self.column(name, row).and_then(|c| c.as_map_opt()) else { return BTreeMap::new() };
        let entries = map.value(row);
        let (Some(keys), Some(values)) =
            (entries.column(0).as_string_opt::<i32>(), entries.column(1).as_string_opt::<i32>())
        else {
            return BTreeMap::new();
        };
        (0..entries.len())
            .map(|i| (keys.value(i).to_owned(), values.is_valid(i).then(|| values.value(i).to_owned())))
            .collect()
    }

    fn list(&self, name: &str, row: usize) -> Vec<String> {
        let Some(list) = self.column(name, row).and_then(|c| c.as_list_opt::<i32>()) else {
            return Vec::new();
        };
        let values = list.value(row);
        values
            .as_string_opt::<i32>()
            .map_or_else(Vec::new, |v| v.iter().flatten().map(str::to_owned).collect())
    }
}

fn read_rows(batch: &RecordBatch, replayed: &mut Replayed) -> Result<()> {
    let [add, remove, txn, metadata, protocol] =
        ["add", "remove", "txn", "metaData", "protocol"].map(|name| Rows::of(batch, name));
    let missing = || Error::Unreadable(format!("checkpoint {} lacks a field", replayed.version));
    for row in 0..batch.num_rows() {
        if protocol.is_set(row) {
            check_reader(protocol.long("minReaderVersion", row).ok_or_else(missing)? as i32)?;
        }
        if metadata.is_set(row) {
            replayed.metadata = Some(Metadata {
                id: metadata.text("id", row).ok_or_else(missing)?,
                format: serde_json::json!({"provider": "parquet", "options": {}}),
                schema_string: metadata.text("schemaString", row).ok_or_else(missing)?,
                partition_columns: metadata.list("partitionColumns", row),
                configuration: metadata
                    .map("configuration", row)
                    .into_iter()
                    .filter_map(|(k, v)| Some((k, v?)))
                    .collect(),
                created_time: metadata.long("createdTime", row),
            });
        }
        if txn.is_set(row) {
            let app = txn.text("appId", row).ok_or_else(missing)?;
            let version = txn.long("version", row).ok_or_else(missing)?;
            replayed.transactions.insert(app, version);
        }
        if remove.is_set(row) {
            let path = remove.text("path", row).ok_or_else(missing)?;
            replayed.removed.insert(path, remove.long("deletionTimestamp", row).unwrap_or(0));
        }
        if add.is_set(row) {
            let path = add.text("path", row).ok_or_else(missing)?;
            let has_vector = add.column("deletionVector", row).is_some();
            let entry = Add {
                path: path.clone(),
                partition_values: add.map("partitionValues", row),
                size: add.long("size", row).ok_or_else(missing)? as u64,
                modification_time: add.long("modificationTime", row).unwrap_or(0),
                data_change: false,
                stats: add.text("stats", row),
                deletion_vector: has_vector.then_some(serde_json::Value::Null),
            };
            replayed.adds.insert(path, entry);
        }
    }
    Ok(())
}
