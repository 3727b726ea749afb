//! One Delta table: its files in memory, its commits, its checkpoints.
//!
//! The resident file list is advanced by our own commits only; nobody lists or replays a log to
//! read. Exactly one writer: a commit puts the next version's file if it does not exist, so whoever
//! finds it taken has been replaced and stops ([`Error::Fenced`]). What the rows mean and how files
//! are made is left to `append` and `maintain`.

pub(crate) mod action;
mod create;
pub(crate) mod file;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod schema;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use kernel::id::IdSource;
use kernel::time::Clock;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use parking_lot::RwLock;
use serde_json::json;

use crate::append::Chunk;
use crate::error::{Error, Result};
use crate::row::Column;
use action::{Add, Line, Metadata, Remove, Transaction};
use file::File;
use repair::{OnTear, Repair};
use replay::{Replayed, commit_path};
use schema::Dataset;

/// Property that fixes the number of buckets when `events` is created.
const BUCKETS_PROPERTY: &str = "headwater.buckets";
/// Transaction whose version counts the writers a table has had.
const WRITER_APP: &str = "headwater/writer";
/// Attempts to become the writer while another still commits.
const CLAIMS_MAX: usize = 20;

/// What every table of a lake is opened with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    /// Bytes of decoded columns kept in memory, of each table that questions are asked of.
    pub(crate) memory_bytes: usize,
}

/// The state of a table that a reader sees at one moment.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) version: i64,
    pub(crate) files: Arc<Vec<Arc<File>>>,
    pub(crate) transactions: BTreeMap<String, i64>,
    /// Files no longer part of the table, with the time of removal in milliseconds.
    pub(crate) removed: BTreeMap<String, Removed>,
    pub(crate) checkpoint: i64,
    /// Handed over and not yet in a commit, in order.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// How far each partition of the log was handed over.
    pub(crate) handed: BTreeMap<u32, u64>,
    /// Nodes whose rows nobody may see any more.
    pub(crate) suppressed: Arc<HashSet<u64>>,
    /// Why this writer is finished.
    dead: Option<Dead>,
}

/// A removed file; the handle is known if it was removed in this process.
pub(crate) struct Removed {
    pub(crate) at_ms: i64,
    pub(crate) file: Option<Arc<File>>,
}

#[derive(Clone)]
enum Dead {
    Fenced(i64),
    Failed(String),
}

/// One table, open.
pub(crate) struct Table {
    pub(crate) dataset: Dataset,
    pub(crate) columns: Vec<Column>,
    pub(crate) buckets: u32,
    pub(crate) context: Context,
    pub(crate) live: RwLock<Live>,
    /// What was decoded of its files lately.
    pub(crate) stock: Arc<crate::scan::Stock>,
    committing: tokio::sync::Mutex<()>,
}

/// What a commit changes.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) operation: &'static str,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Arc<File>>,
    pub(crate) transactions: Vec<(String, i64)>,
    pub(crate) metadata: Option<Metadata>,
    /// Only rearranges rows.
    pub(crate) is_rearrangement: bool,
}

impl Table {
    /// Opens a table, or creates it when `OnTear::Mend` says that this is its owner.
    pub(crate) async fn open(
        context: Context,
        dataset: Dataset,
        hot: &[Column],
        buckets: u32,
        on_tear: OnTear,
    ) -> Result<(Self, Option<Repair>)> {
        let store = context.store.clone();
        let (mut found, repair) = repair::open(store.as_ref(), dataset.name(), on_tear).await?;
        if found.is_none() && on_tear == OnTear::Mend {
            create::create(&context, dataset, hot, buckets).await?;
            found = repair::open(store.as_ref(), dataset.name(), OnTear::Refuse).await?.0;
        }
        let Some(replayed) = found else {
            return Err(Error::Unreadable(format!("there is no table `{}`", dataset.name())));
        };
        let metadata = replayed.metadata.clone().ok_or_else(|| no_metadata(dataset))?;
        let mut columns = schema::columns_of(&metadata.schema_string, dataset.partition())?;
        let buckets = match metadata.configuration.get(BUCKETS_PROPERTY) {
            Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| no_metadata(dataset))?,
            None => 1,
        };
        let wider = create::wider(dataset, &columns, hot)?;
        let live = RwLock::new(Live::from_replayed(replayed)?);
        let stock = Arc::new(crate::scan::Stock::new(context.memory_bytes));
        if let (Some(wider), OnTear::Mend) = (wider, on_tear) {
            let schema_string = schema::delta_schema(&wider, dataset.partition());
            let table = Self {
                dataset,
                columns: wider,
                buckets,
                context,
                live,
                stock,
                committing: Default::default(),
            };
            let metadata = Some(Metadata { schema_string, ..metadata });
            let change = Change { operation: "ADD COLUMNS", metadata, ..Change::default() };
            table.commit(change, |_| {}).await?;
            return Ok((table, repair));
        }
        columns.shrink_to_fit();
        Ok((Self { dataset, columns, buckets, context, live, stock, committing: Default::default() }, repair))
    }

    /// A table of which somebody else knows the files: to read, without its log.
    pub(crate) fn detached(
        context: Context,
        dataset: Dataset,
        columns: Vec<Column>,
        buckets: u32,
        stock: Arc<crate::scan::Stock>,
    ) -> Self {
        let (live, committing) = Default::default();
        Self { dataset, columns, buckets, context, live, stock, committing }
    }

    /// The table's name.
    pub(crate) fn name(&self) -> &'static str {
        self.dataset.name()
    }

    /// Where an object of the table lies in the store.
    pub(crate) fn object(&self, path: &str) -> Path {
        Path::from(format!("{}/{path}", self.name()))
    }

    /// A name no object has yet.
    pub(crate) fn fresh(&self) -> String {
        kernel::id::base32(&self.context.ids.fresh())
    }

    /// Present time in milliseconds since 1970, as Delta writes it.
    pub(crate) fn now_ms(&self) -> i64 {
        self.context.clock.now().millis()
    }

    /// Forgets what is in memory and reads the log again.
    pub(crate) async fn reload(&self) -> Result<()> {
        let (found, _) = repair::open(self.context.store.as_ref(), self.name(), OnTear::Refuse).await?;
        let mut fresh = Live::from_replayed(found.ok_or_else(|| no_metadata(self.dataset))?)?;
        let mut live = self.live.write();
        fresh.suppressed = live.suppressed.clone();
        *live = fresh;
        Ok(())
    }

    /// Becomes the table's writer: whoever was it finds the next version taken and stops.
    pub(crate) async fn claim(&self) -> Result<()> {
        for _ in 0..CLAIMS_MAX {
            let epoch = self.live.read().transactions.get(WRITER_APP).copied().unwrap_or(0) + 1;
            let transactions = vec![(WRITER_APP.to_owned(), epoch)];
            let change = Change { operation: "CLAIM", transactions, ..Change::default() };
            match self.commit(change, |_| {}).await {
                Ok(_) => return Ok(()),
                Err(Error::Fenced { .. }) => self.reload().await?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Fenced { table: self.name().into(), version: self.live.read().version + 1 })
    }

    /// Makes one commit and applies it in memory, together with `and`, in one step for all readers.
    pub(crate) async fn commit(&self, change: Change, and: impl FnOnce(&mut Live) + Send) -> Result<i64> {
        let _turn = self.committing.lock().await;
        let version = self.next_version(&change.removes)?;
        let bytes = Bytes::from(action::to_bytes(&self.lines(&change)));
        let path = commit_path(self.name(), version);
        let store = self.context.store.as_ref();
        let put = store.put_opts(&path, bytes.clone().into(), PutMode::Create.into()).await;
        if let Err(error) = put {
            let is_taken = matches!(
                error,
                object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }
            );
            self.settle(version, &path, &bytes, is_taken, error).await?;
        }
        let added =
            change.adds.iter().map(|add| File::from_add(add).map(Arc::new)).collect::<Result<Vec<_>>>()?;
        let now_ms = self.now_ms();
        let mut live = self.live.write();
        live.version = version;
        live.apply(added, change.removes, now_ms);
        live.transactions.extend(change.transactions);
        and(&mut live);
        Ok(version)
    }

    fn next_version(&self, removes: &[Arc<File>]) -> Result<i64> {
        let live = self.live.read();
        match &live.dead {
            Some(Dead::Fenced(version)) => {
                return Err(Error::Fenced { table: self.name().into(), version: *version });
            }
            Some(Dead::Failed(reason)) => return Err(Error::Storage(reason.clone())),
            None => {}
        }
        let is_live = |file: &Arc<File>| live.files.iter().any(|f| Arc::ptr_eq(f, file));
        match removes.iter().find(|file| !is_live(file)) {
            Some(file) => Err(Error::Storage(format!("file `{}` was replaced meanwhile", file.path))),
            None => Ok(live.version + 1),
        }
    }

    /// Finds out whether a put that was answered with an error took place.
    ///
    /// A store may answer a retried put with "exists" although the first try made it; then the
    /// object is ours byte for byte. An error of a disk after which the file is there means that its
    /// durability is unknown, and that ends this writer. A put of S3 that lands after we looked is
    /// found as a taken version by the next commit.
    async fn settle(
        &self,
        version: i64,
        path: &Path,
        bytes: &Bytes,
        is_taken: bool,
        error: object_store::Error,
    ) -> Result<()> {
        let dead = match replay::fetch(self.context.store.as_ref(), path).await {
            Ok(found) if found == *bytes && is_taken => return Ok(()),
            Ok(found) if found == *bytes => {
                Dead::Failed(format!("commit {version} may not be durable: {error}"))
            }
            Ok(_) => Dead::Fenced(version),
            Err(_) if is_taken => Dead::Fenced(version),
            Err(_) => return Err(error.into()),
        };
        self.live.write().dead = Some(dead.clone());
        Err(match dead {
            Dead::Fenced(version) => Error::Fenced { table: self.name().into(), version },
            Dead::Failed(reason) => Error::Storage(reason),
        })
    }

    fn lines(&self, change: &Change) -> Vec<Line> {
        let now = self.now_ms();
        let info = json!({
            "timestamp": now, "operation": change.operation, "operationParameters": {},
            "engineInfo": concat!("headwater/", env!("CARGO_PKG_VERSION")), "txnId": self.fresh(),
        });
        let mut lines = vec![Line { commit_info: Some(info), ..Line::default() }];
        lines.extend(change.metadata.iter().map(|m| Line { meta_data: Some(m.clone()), ..Line::default() }));
        lines.extend(change.transactions.iter().map(|(app_id, version)| {
            let txn = Transaction { app_id: app_id.clone(), version: *version, last_updated: Some(now) };
            Line { txn: Some(txn), ..Line::default() }
        }));
        lines.extend(change.removes.iter().map(|file| {
            let remove = Remove {
                path: file.path.clone(),
                deletion_timestamp: Some(now),
                data_change: !change.is_rearrangement,
                extended_file_metadata: Some(true),
                partition_values: Some(partition_values(self.dataset, file.week)),
                size: Some(file.size),
            };
            Line { remove: Some(remove), ..Line::default() }
        }));
        lines.extend(change.adds.iter().map(|add| Line { add: Some(add.clone()), ..Line::default() }));
        lines
    }

    /// Writes a data file; it becomes part of the table by a commit that carries the answer.
    pub(crate) async fn put_file(
        &self,
        path: String,
        week: i32,
        made: crate::encode::Made,
        is_rearrangement: bool,
    ) -> Result<Add> {
        let size = made.bytes.len() as u64;
        let object = self.object(&path);
        self.context.store.put(&object, made.bytes.into()).await?;
        Ok(Add {
            path,
            partition_values: partition_values(self.dataset, week),
            size,
            modification_time: self.now_ms(),
            data_change: !is_rearrangement,
            stats: Some(made.stats.to_json()),
            deletion_vector: None,
        })
    }
}

impl Live {
    fn from_replayed(replayed: Replayed) -> Result<Self> {
        let files = replayed.adds.values().map(|add| File::from_add(add).map(Arc::new));
        let removed = replayed.removed.into_iter().map(|(path, at_ms)| (path, Removed { at_ms, file: None }));
        Ok(Self {
            version: replayed.version,
            files: Arc::new(files.collect::<Result<_>>()?),
            handed: handed(&replayed.transactions),
            transactions: replayed.transactions,
            removed: removed.collect(),
            checkpoint: replayed.checkpoint.unwrap_or(-1),
            ..Self::default()
        })
    }

    fn apply(&mut self, added: Vec<Arc<File>>, removes: Vec<Arc<File>>, now_ms: i64) {
        if added.is_empty() && removes.is_empty() {
            return;
        }
        let gone: HashSet<&str> = removes.iter().map(|f| f.path.as_str()).collect();
        let kept = self.files.iter().filter(|f| !gone.contains(f.path.as_str())).cloned();
        self.files = Arc::new(kept.chain(added).collect());
        for file in removes {
            self.removed.insert(file.path.clone(), Removed { at_ms: now_ms, file: Some(file) });
        }
    }
}

/// Prefix of the transactions that say how far a partition of the log has come.
pub(crate) const PARTITION_APP: &str = "headwater/";

fn handed(transactions: &BTreeMap<String, i64>) -> BTreeMap<u32, u64> {
    transactions
        .iter()
        .filter_map(|(app, version)| {
            let partition = app.strip_prefix(PARTITION_APP)?.parse().ok()?;
            Some((partition, u64::try_from(*version).ok()?))
        })
        .collect()
}

fn partition_values(dataset: Dataset, week: i32) -> BTreeMap<String, Option<String>> {
    dataset.partition().map(|name| (name.to_owned(), Some(file::format_week(week)))).into_iter().collect()
}

fn no_metadata(dataset: Dataset) -> Error {
    Error::Unreadable(format!("table `{}` has no metadata", dataset.name()))
}
