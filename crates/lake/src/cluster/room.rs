//! What a worker opens of one lake: its files, to be read and nothing else.
//!
//! A plan says addresses; here there is one address, that of the lake the pass names. No other lake, no
//! file of the machine and nothing of the network can be reached from a plan, and nothing can be written.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use url::Url;

use super::pause::{Pause, Point};
use crate::scan::Stock;
use crate::sql::store_url;
use crate::table::file::File;
use objects::Place;

/// Lakes a worker keeps open; beyond, all are closed and opened again as they are asked about. Each has this
/// part of the worker's memory for decoded columns.
const ROOMS_MAX: usize = 8;
/// Files whose footers a worker keeps, of one lake.
const FILES_MAX: usize = 65_536;

/// All lakes a worker may be told to open.
pub(super) struct House {
    pub(super) lakes: Place,
    pub(super) memory: Arc<dyn MemoryPool>,
    /// For decoded columns of all lakes, beside the pool.
    pub(super) stock_bytes: usize,
    pub(super) pause: Option<Arc<Pause>>,
    pub(super) rooms: Mutex<HashMap<String, Arc<Room>>>,
}

/// One lake.
pub(super) struct Room {
    pub(super) runtime: Arc<RuntimeEnv>,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) stock: Arc<Stock>,
    files: Mutex<HashMap<String, Arc<File>>>,
}

impl House {
    /// The lake of this name, which the pass has checked.
    pub(super) fn room(&self, root: &str) -> DataFusionResult<Arc<Room>> {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get(root) {
            return Ok(room.clone());
        }
        let place = self.lakes.within(root);
        if let Place::Disk(path) = &place
            && !path.is_dir()
        {
            return Err(DataFusionError::Configuration(format!("this worker sees no lake at {place}")));
        }
        let inner = place.open().map_err(|e| DataFusionError::External(Box::new(e)))?;
        let store: Arc<dyn ObjectStore> = Arc::new(ReadOnly { inner, pause: self.pause.clone() });
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(self.memory.clone())
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .with_object_store_registry(Arc::new(OneStore(store.clone())))
            .build_arc()?;
        if rooms.len() >= ROOMS_MAX {
            rooms.clear();
        }
        let stock = Arc::new(Stock::new(self.stock_bytes / ROOMS_MAX));
        let room = Arc::new(Room { runtime, store, stock, files: Mutex::default() });
        rooms.insert(root.to_owned(), room.clone());
        Ok(room)
    }
}

impl Room {
    /// A file, with its footer if it was read before. A path never means another file.
    pub(super) fn file(&self, file: File) -> Arc<File> {
        let mut files = self.files.lock();
        if files.len() >= FILES_MAX {
            files.clear();
        }
        files.entry(file.path.clone()).or_insert_with(|| Arc::new(file)).clone()
    }
}

/// The lake's store at the lake's address, and nothing else anywhere.
#[derive(Debug)]
struct OneStore(Arc<dyn ObjectStore>);

impl ObjectStoreRegistry for OneStore {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> DataFusionResult<Arc<dyn ObjectStore>> {
        let only = store_url();
        let only: &Url = only.as_ref();
        if (url.scheme(), url.host()) == (only.scheme(), only.host()) {
            return Ok(self.0.clone());
        }
        Err(DataFusionError::Configuration(format!("a worker reads its lake only, not `{url}`")))
    }
}

/// A store nobody can write to.
#[derive(Debug)]
struct ReadOnly {
    inner: Arc<dyn ObjectStore>,
    pause: Option<Arc<Pause>>,
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read-only {}", self.inner)
    }
}

fn refused(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.into(), implementer: "a worker's store".into() }
}

#[async_trait::async_trait]
impl ObjectStore for ReadOnly {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        Pause::at(self.pause.as_deref(), Point::Read).await;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        Pause::at(self.pause.as_deref(), Point::Read).await;
        self.inner.get_ranges(location, ranges).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(refused("put"))
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(refused("put"))
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        Box::pin(futures_util::stream::once(async { Err(refused("delete")) }))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(refused("copy"))
    }
}
