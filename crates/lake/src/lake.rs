//! The lake of one workspace: its tables under one root, its snapshots, its upkeep.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use kernel::NodeNo;
use kernel::id::IdSource;
use kernel::time::Clock;
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use crate::append::{self, Chunk, Taken, Writer};
use crate::encode::{self, Effort};
use crate::error::{Error, Result};
use crate::maintain::{self, CHECKPOINT_COMMITS, Done, Owners, Policy};
use crate::row::{Cell, Column};
use crate::scan::PartySet;
use crate::table::file::File;
use crate::table::repair::{OnTear, Repair};
use crate::table::schema::{DATASETS, Dataset};
use crate::table::{Change, Context, Table};
use objects::Place;

/// Buckets of a new lake: enough for 100 million events on one machine.
const BUCKETS: u32 = 8;
/// Bytes of decoded columns kept in memory: eighty million rows with one column of texts.
const MEMORY_BYTES: usize = 1 << 30;

/// How to open a lake.
#[derive(Clone)]
pub struct Options {
    /// Properties of events that get a column of their own. Later ones may add to it, never change.
    pub hot: Vec<Column>,
    /// Buckets of parties, fixed when the lake is created: 8 up to 100 million events, 32 to 256 beyond.
    pub buckets: u32,
    /// Bytes of decoded columns kept in memory for the next question; it never holds more than was asked for.
    pub memory_bytes: usize,
    /// Where now comes from.
    pub clock: Arc<dyn Clock>,
    /// Where names of files come from.
    pub ids: Arc<dyn IdSource>,
}

impl Options {
    /// Defaults: no hot columns, 8 buckets, 1 GiB.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { hot: Vec::new(), buckets: BUCKETS, memory_bytes: MEMORY_BYTES, clock, ids }
    }
}

/// The open tables of one workspace. Cloning shares them.
#[derive(Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    tables: BTreeMap<Dataset, Arc<Table>>,
    flushing: Arc<Mutex<()>>,
    maintaining: Mutex<()>,
}

/// What a question reads: every table at one moment, with what was handed over and is not yet in a
/// file. Its files stay until it is dropped. Cheap to take and to clone.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) tables: Arc<BTreeMap<Dataset, Pinned>>,
}

/// One table of a snapshot.
pub(crate) struct Pinned {
    pub(crate) table: Arc<Table>,
    pub(crate) version: i64,
    pub(crate) files: Arc<Vec<Arc<File>>>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) suppressed: Arc<HashSet<u64>>,
}

impl Snapshot {
    /// The version of a table's log this snapshot reads.
    pub fn version(&self, dataset: Dataset) -> i64 {
        self.pinned(dataset).version
    }

    /// Rows of a table, suppressed ones included.
    pub fn rows(&self, dataset: Dataset) -> u64 {
        let pinned = self.pinned(dataset);
        let waiting: usize = pinned.chunks.iter().map(|chunk| chunk.events.len()).sum();
        pinned.files.iter().map(|file| file.rows).sum::<u64>() + waiting as u64
    }

    /// Files of a table and their bytes.
    pub fn files(&self, dataset: Dataset) -> (usize, u64) {
        let files = &self.pinned(dataset).files;
        (files.len(), files.iter().map(|file| file.size).sum())
    }

    pub(crate) fn pinned(&self, dataset: Dataset) -> &Pinned {
        self.tables.get(&dataset).expect("a snapshot has every table")
    }
}

impl Lake {
    /// Opens the lake as its owner: creates what is missing and mends a torn end of a log, which the
    /// answer reports. Positions that were taken back with it are handed over again by whoever
    /// follows [`Writer::position`].
    pub async fn open(place: &Place, options: Options) -> Result<(Self, Vec<Repair>)> {
        Self::open_as(place, options, OnTear::Mend).await
    }

    /// Opens an existing lake to read it, beside a running owner; changes nothing.
    pub async fn read(place: &Place, options: Options) -> Result<Self> {
        if let Place::Disk(path) = place
            && !path.is_dir()
        {
            return Err(Error::Unreadable(format!("there is no lake at {place}")));
        }
        Ok(Self::open_as(place, options, OnTear::Refuse).await?.0)
    }

    async fn open_as(place: &Place, options: Options, on_tear: OnTear) -> Result<(Self, Vec<Repair>)> {
        let Options { memory_bytes, clock, ids, .. } = options.clone();
        let context = Context { store: place.open()?, clock, ids, memory_bytes };
        let (mut tables, mut repairs) = (BTreeMap::new(), Vec::new());
        for dataset in DATASETS {
            let opened = Table::open(context.clone(), dataset, &options.hot, options.buckets, on_tear);
            let (table, repair) = opened.await?;
            tables.insert(dataset, Arc::new(table));
            repairs.extend(repair);
        }
        let inner =
            Inner { place: place.clone(), tables, flushing: Arc::default(), maintaining: Mutex::default() };
        Ok((Self { inner: Arc::new(inner) }, repairs))
    }

    /// The path or address at which other engines find the tables.
    pub fn path(&self) -> String {
        self.inner.place.to_string()
    }

    /// The hot columns of `events`, those of earlier openings included.
    pub fn hot(&self) -> Vec<Column> {
        crate::table::schema::hot_columns(&self.table(Dataset::Events).columns).to_vec()
    }

    /// Becomes the writer of every table. Whoever was it before is told at its next commit.
    pub async fn writer(&self) -> Result<Writer> {
        for table in self.inner.tables.values() {
            table.claim().await?;
        }
        Ok(Writer::new(self.table(Dataset::Events).clone(), self.inner.flushing.clone()))
    }

    /// Takes hand-overs for snapshots of this process and never commits: for a reader beside the owner,
    /// who adds what the owner has applied and not flushed yet.
    pub fn reader(&self) -> Writer {
        Writer::new(self.table(Dataset::Events).clone(), self.inner.flushing.clone())
    }

    /// Every table as of now.
    pub fn snapshot(&self) -> Snapshot {
        let pin = |table: &Arc<Table>| {
            let live = table.live.read();
            Pinned {
                table: table.clone(),
                version: live.version,
                files: live.files.clone(),
                chunks: live.chunks.clone(),
                suppressed: live.suppressed.clone(),
            }
        };
        let tables = self.inner.tables.iter().map(|(dataset, table)| (*dataset, pin(table)));
        Snapshot { tables: Arc::new(tables.collect()) }
    }

    /// Reads what the owner has committed since; for a lake opened by [`Lake::read`].
    pub async fn refresh(&self) -> Result<()> {
        for table in self.inner.tables.values() {
            table.reload().await?;
        }
        Ok(())
    }

    /// Adds rows to a table other than `events`, in the order of [`Dataset::columns`].
    pub async fn append(&self, dataset: Dataset, rows: &[Vec<Cell>]) -> Result<i64> {
        self.put(dataset, rows, Vec::new(), Vec::new()).await
    }

    /// Adds rows exactly once: the commit carries that `partition` of the log has come to `position`,
    /// and a call for a position the table has already does nothing.
    pub async fn append_at(
        &self,
        dataset: Dataset,
        rows: &[Vec<Cell>],
        partition: u32,
        position: u64,
    ) -> Result<Taken> {
        if self.position(dataset, partition).is_some_and(|known| position <= known) {
            return Ok(Taken::Known);
        }
        let version = i64::try_from(position)
            .map_err(|_| Error::Limit { limit: "position of a log", max: i64::MAX.cast_unsigned() })?;
        self.put(dataset, rows, Vec::new(), vec![(append::app(partition), version)]).await?;
        Ok(Taken::New)
    }

    /// How far `partition` of the log is committed in a table.
    pub fn position(&self, dataset: Dataset, partition: u32) -> Option<u64> {
        let live = self.table(dataset).live.read();
        live.transactions.get(&append::app(partition)).and_then(|version| u64::try_from(*version).ok())
    }

    /// Makes `rows` the whole content of a table other than `events`.
    pub async fn replace(&self, dataset: Dataset, rows: &[Vec<Cell>]) -> Result<i64> {
        let files = self.table(dataset).live.read().files.clone();
        self.put(dataset, rows, files.to_vec(), Vec::new()).await
    }

    async fn put(
        &self,
        dataset: Dataset,
        rows: &[Vec<Cell>],
        removes: Vec<Arc<File>>,
        transactions: Vec<(String, i64)>,
    ) -> Result<i64> {
        if dataset == Dataset::Events {
            return Err(Error::Refused("events come through the writer".into()));
        }
        let table = self.table(dataset);
        let mut adds = Vec::new();
        if !rows.is_empty() {
            let made =
                encode::make(&encode::cell_batch(rows, &table.columns)?, Effort::Tight, &Default::default())?;
            adds.push(table.put_file(format!("part-{}.parquet", table.fresh()), 0, made, false).await?);
        }
        table
            .commit(Change { operation: "WRITE", adds, removes, transactions, ..Change::default() }, |_| {})
            .await
    }

    /// Does whatever upkeep is due on every table. Call it every minute or so.
    pub async fn maintain(&self, policy: &Policy) -> Result<Done> {
        let _turn = self.inner.maintaining.lock().await;
        let mut done = Done::default();
        for table in self.inner.tables.values() {
            match table.dataset {
                Dataset::Events => maintain::compact(table, policy, &mut done).await?,
                _ => maintain::compact_plain(table, policy, &mut done).await?,
            }
            if maintain::checkpoint(table, policy, CHECKPOINT_COMMITS).await? {
                done.has_checkpoint = true;
                // A vacuum lists every file, so it keeps the pace of checkpoints.
                maintain::vacuum(table, policy.removed_kept, &mut done).await?;
            }
        }
        Ok(done)
    }

    /// Deletes every file that is no longer part of its table and that nobody in this process reads,
    /// without grace: the last step of an erasure.
    pub async fn vacuum(&self) -> Result<Done> {
        let _turn = self.inner.maintaining.lock().await;
        let mut done = Done::default();
        for table in self.inner.tables.values() {
            maintain::vacuum(table, 0, &mut done).await?;
        }
        Ok(done)
    }

    /// Hides the rows of `nodes` from every snapshot taken from now on, in this process. At start the
    /// erasures that were not finished are suppressed again.
    pub fn suppress(&self, nodes: &[NodeNo]) {
        let mut live = self.table(Dataset::Events).live.write();
        let mut suppressed = HashSet::clone(&live.suppressed);
        suppressed.extend(nodes.iter().map(|node| node.0));
        live.suppressed = Arc::new(suppressed);
    }

    /// Takes the rows of `nodes` out of `events`: hidden at once, out of every buffer and every file
    /// of the current version when this answers, out of the disk after [`Lake::vacuum`]. Nodes are
    /// best erased many at a time: hundreds of people touch nearly every file.
    pub async fn erase(&self, nodes: &[NodeNo]) -> Result<Done> {
        self.suppress(nodes);
        let _turn = self.inner.maintaining.lock().await;
        let erased: HashSet<u64> = nodes.iter().map(|node| node.0).collect();
        let mut done = Done::default();
        let table = self.table(Dataset::Events);
        maintain::erase(table, &self.inner.flushing, &erased, &mut done).await?;
        let mut live = table.live.write();
        live.suppressed = Arc::new(live.suppressed.difference(&erased).copied().collect());
        Ok(done)
    }

    /// Gives the rows of `parties` that are somebody else's by now the number of that party. Everything that was
    /// handed over must be flushed; when this answers, no row that was flushed before carries one of these
    /// numbers wrongly, unless it changed hands again meanwhile.
    ///
    /// # Errors
    /// As `owners` says, or a file cannot be read or written; weeks that are done stay done.
    pub async fn restamp(&self, parties: &RoaringBitmap, owners: &Owners) -> Result<Done> {
        let _turn = self.inner.maintaining.lock().await;
        let mut done = Done::default();
        let parties = PartySet::of(parties.iter());
        maintain::restamp(self.table(Dataset::Events), &parties, owners, &mut done).await?;
        Ok(done)
    }

    pub(crate) fn table(&self, dataset: Dataset) -> &Arc<Table> {
        self.inner.tables.get(&dataset).expect("a lake has every table")
    }
}
