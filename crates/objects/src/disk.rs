//! A directory as an object store whose answers survive a power cut.
//!
//! `object_store`'s own local store never calls fsync: a power cut leaves log files of length zero
//! and a table nobody can open. Here a file is written aside, fsynced, put in place by rename or by
//! hard link (which fails when the name is taken, so one of two creators wins), and its directory is
//! fsynced, and only then is the caller answered. Reading, listing and deleting are left to the
//! store beneath; a deletion that a power cut undoes is found again by the next vacuum.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// The store's name in its errors.
const NAME: &str = "fsyncing directory";

/// A directory that fsyncs before it answers.
#[derive(Debug)]
pub(crate) struct Durable {
    inner: LocalFileSystem,
}

impl Durable {
    /// Opens `root`, creating it durably.
    pub(crate) fn open(root: &FilePath) -> Result<Self> {
        make_directories(root).map_err(failed)?;
        Ok(Self { inner: LocalFileSystem::new_with_prefix(root)? })
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME} {}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented { operation: "update".into(), implementer: NAME.into() });
            }
        };
        let path = self.inner.path_to_filesystem(location)?;
        blocking(move || put(&path, &payload, is_create)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.inner.path_to_filesystem(location)?;
        let parent = parent(&path);
        blocking(move || make_directories(&parent).map_err(failed)).await?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(Upload { inner, path }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let path = self.inner.path_to_filesystem(to)?;
        let directory = parent(&path);
        blocking(move || make_directories(&directory).map_err(failed)).await?;
        self.inner.copy_opts(from, to, options).await?;
        blocking(move || settle(&path).map_err(failed)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (from_path, to_path) = (self.inner.path_to_filesystem(from)?, self.inner.path_to_filesystem(to)?);
        let directory = parent(&to_path);
        blocking(move || {
            make_directories(&directory).map_err(failed)?;
            // Content first: a name must never point at bytes that are not there yet.
            match sync_file(&from_path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            }
        })
        .await?;
        self.inner.rename_opts(from, to, options).await?;
        blocking(move || settle(&to_path).map_err(failed)).await
    }
}

/// Listings in the order of names, as S3 gives them: delta-rs reads a log in the order it is listed.
fn sorted(objects: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let whole = async move {
        let mut objects: Vec<ObjectMeta> = objects.try_collect().await?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, Error>(futures_util::stream::iter(objects.into_iter().map(Ok)))
    };
    whole.try_flatten_stream().boxed()
}

/// A multipart upload that fsyncs when it is completed.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
}

#[async_trait::async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let path = self.path.clone();
        blocking(move || settle(&path).map_err(failed)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

fn put(path: &FilePath, payload: &PutPayload, is_create: bool) -> Result<()> {
    let directory = parent(path);
    make_directories(&directory).map_err(failed)?;
    let (mut file, aside) = aside(path).map_err(failed)?;
    let written = payload.iter().try_for_each(|bytes| file.write_all(bytes)).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| {
        if is_create {
            std::fs::hard_link(&aside, path).inspect(|()| drop(std::fs::remove_file(&aside)))
        } else {
            std::fs::rename(&aside, path)
        }
    });
    match placed.and_then(|()| sync_directory(&directory)) {
        Ok(()) => Ok(()),
        Err(source) => {
            // Best effort: a file left aside is invisible to readers and listed by nobody.
            drop(std::fs::remove_file(&aside));
            if source.kind() == ErrorKind::AlreadyExists {
                let path = path.display().to_string();
                return Err(Error::AlreadyExists { path, source: source.into() });
            }
            Err(failed(source))
        }
    }
}

/// A fresh file beside `path`, named as the store beneath names its own, so that listings skip it.
fn aside(path: &FilePath) -> io::Result<(File, PathBuf)> {
    let mut number = 1u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("#{number}"));
        match OpenOptions::new().write(true).create_new(true).open(&name) {
            Ok(file) => return Ok((file, name.into())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Makes `path` and its name durable.
fn settle(path: &FilePath) -> io::Result<()> {
    sync_file(path)?;
    sync_directory(&parent(path))
}

fn sync_file(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sync_directory(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Creates what is missing of `path`, each new name made durable in its parent.
fn make_directories(path: &FilePath) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    make_directories(&above)?;
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_directory(if above.as_os_str().is_empty() { FilePath::new(".") } else { &above }),
    }
}

fn parent(path: &FilePath) -> PathBuf {
    path.parent().unwrap_or(FilePath::new("")).to_path_buf()
}

fn failed(source: io::Error) -> Error {
    Error::Generic { store: NAME, source: source.into() }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::Generic { store: NAME, source: source.into() })?
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_that_create_one_object_exactly_one_succeeds() {
        let directory = tempfile::tempdir().unwrap();
        let store = Durable::open(&directory.path().join("a/b")).unwrap();
        let path = Path::from("log/1.json");
        let creators = (0..16u8).map(|i| store.put_opts(&path, vec![i; 3].into(), PutMode::Create.into()));
        let results = join_all(creators).await;
        let winners: Vec<u8> = (0..16).zip(&results).filter(|(_, r)| r.is_ok()).map(|(i, _)| i).collect();
        assert_eq!(winners.len(), 1);
        let lost = |r: &Result<PutResult>| matches!(r, Err(Error::AlreadyExists { .. }));
        assert_eq!(results.iter().filter(|r| lost(r)).count(), 15);
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), vec![winners[0]; 3]);
        let names: Vec<_> = std::fs::read_dir(directory.path().join("a/b/log")).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left aside");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn overwriting_renaming_copying_and_uploading_in_parts_leave_whole_objects_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let store = Durable::open(directory.path()).unwrap();
        let [a, b, c, d] = ["x/b", "x/a", "y/c", "z/z/d"].map(Path::from);
        store.put(&a, "one".into()).await.unwrap();
        store.put(&a, "two".into()).await.unwrap();
        store.copy(&a, &b).await.unwrap();
        store.rename(&a, &c).await.unwrap();
        let mut upload = store.put_multipart(&d).await.unwrap();
        upload.put_part("th".into()).await.unwrap();
        upload.put_part("ree".into()).await.unwrap();
        upload.complete().await.unwrap();
        let listed: Vec<_> = store.list(None).map_ok(|o| o.location.to_string()).try_collect().await.unwrap();
        assert_eq!(listed, ["x/a", "y/c", "z/z/d"]);
        assert_eq!(store.get(&d).await.unwrap().bytes().await.unwrap(), "three");
        assert!(store.copy_if_not_exists(&b, &c).await.is_err());
    }
}
