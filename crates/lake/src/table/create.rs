//! The first version of a table, and the columns it gains later.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::{ObjectStore, PutMode};
use serde_json::json;

use super::action::{self, Line, Metadata, Protocol};
use super::replay::commit_path;
use super::schema::{self, Dataset};
use super::{BUCKETS_PROPERTY, Context};
use crate::error::{Error, Result};
use crate::row::Column;

/// The columns with hot ones the table does not have yet; an error if one has another type.
pub(super) fn wider(dataset: Dataset, columns: &[Column], hot: &[Column]) -> Result<Option<Vec<Column>>> {
    if dataset != Dataset::Events {
        return Ok(None);
    }
    let mut all = schema::hot_columns(columns).to_vec();
    let before = all.len();
    for column in hot {
        match all.iter().find(|c| c.name == column.name) {
            Some(known) if known.kind != column.kind => {
                let message = format!("hot column `{}` is already of another type", column.name);
                return Err(Error::Refused(message));
            }
            Some(_) => {}
            None => all.push(column.clone()),
        }
    }
    schema::check_hot(&all)?;
    Ok((all.len() > before).then(|| dataset.columns(&all)))
}

/// Writes version 0.
pub(super) async fn create(context: &Context, dataset: Dataset, hot: &[Column], buckets: u32) -> Result<()> {
    if dataset == Dataset::Events {
        schema::check_hot(hot)?;
    }
    let now = context.clock.now().millis();
    let mut configuration = BTreeMap::from([
        ("delta.logRetentionDuration".to_owned(), "interval 1 days".to_owned()),
        ("delta.deletedFileRetentionDuration".to_owned(), "interval 7 days".to_owned()),
        ("delta.checkpointInterval".to_owned(), "1000000".to_owned()),
    ]);
    if dataset == Dataset::Events {
        configuration.insert(BUCKETS_PROPERTY.to_owned(), buckets.max(1).to_string());
    }
    let metadata = Metadata {
        id: uuid::Uuid::from_bytes(context.ids.fresh()).to_string(),
        format: json!({"provider": "parquet", "options": {}}),
        schema_string: schema::delta_schema(&dataset.columns(hot), dataset.partition()),
        partition_columns: dataset.partition().map(str::to_owned).into_iter().collect(),
        configuration,
        created_time: Some(now),
    };
    let info = json!({"timestamp": now, "operation": "CREATE TABLE", "operationParameters": {}});
    let protocol = Protocol { min_reader_version: 1, min_writer_version: 2 };
    let lines = [
        Line { commit_info: Some(info), ..Line::default() },
        Line { protocol: Some(protocol), ..Line::default() },
        Line { meta_data: Some(metadata), ..Line::default() },
    ];
    let bytes = Bytes::from(action::to_bytes(&lines));
    match context.store.put_opts(&commit_path(dataset.name(), 0), bytes.into(), PutMode::Create.into()).await
    {
        // Somebody else created it in the same moment: theirs is as good.
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
