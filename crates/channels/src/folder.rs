//! Files in one folder of this machine, and never outside it.
//!
//! A file is written beside its place, made durable and renamed, so that whoever looks sees a whole one. On
//! the way down no link is followed: one that somebody put there does not lead out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::{Attempt, FileName, Place};

/// A folder of this machine.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder `root`, which is there.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

#[async_trait::async_trait]
impl Place for Folder {
    async fn put(&self, name: &FileName, file: &Path) -> Attempt {
        let (root, name, file) = (self.root.clone(), name.clone(), file.to_owned());
        let began = Instant::now();
        let done = tokio::task::spawn_blocking(move || put(&root, &name, &file)).await;
        let mut attempt = match done {
            Ok(Ok(())) => Attempt::DELIVERED,
            Ok(Err(error)) => failed(&error),
            Err(_) => Attempt::later("the copy was broken off"),
        };
        attempt.latency_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        attempt
    }
}

/// Says what went wrong without the machine's own paths.
fn failed(error: &io::Error) -> Attempt {
    Attempt::later(match error.kind() {
        ErrorKind::NotFound => "the folder for files is not there",
        ErrorKind::PermissionDenied => "the folder for files may not be written",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full",
        ErrorKind::NotADirectory => "something in the way is no folder",
        _ => "the file cannot be written",
    })
}

fn put(root: &Path, name: &FileName, file: &Path) -> io::Result<()> {
    let mut folder = root.canonicalize()?;
    let mut parts: Vec<&str> = name.parts().collect();
    let own = parts.pop().unwrap_or_default();
    for part in parts {
        folder.push(part);
        enter(&folder)?;
    }
    let beside = folder.join(format!(".{own}.part"));
    // What is left of a try before; a link there is removed, not followed.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut target = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let copied = io::copy(&mut File::open(file)?, &mut target).and_then(|_| target.sync_all());
    if let Err(error) = copied.and_then(|()| fs::rename(&beside, folder.join(own))) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    File::open(&folder)?.sync_all()
}

/// Makes sure that a folder is there and is one itself.
fn enter(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if fs::symlink_metadata(folder)?.is_dir() { Ok(()) } else { Err(ErrorKind::NotADirectory.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn name(text: &str) -> FileName {
        FileName::parse("path", text).unwrap()
    }

    #[tokio::test]
    async fn a_file_is_there_whole_and_is_replaced_by_another_of_its_name() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("input");
        let folder = Folder::new(root.path().to_owned());
        for text in ["one", "two, longer", "3"] {
            fs::write(&file, text).unwrap();
            assert_eq!(folder.put(&name("a/b/c.csv"), &file).await.outcome, Outcome::Delivered);
            assert_eq!(fs::read_to_string(root.path().join("a/b/c.csv")).unwrap(), text);
        }
        assert_eq!(fs::read_dir(root.path().join("a/b")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_leads_nowhere() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = root.path().join("input");
        fs::write(&file, "secret").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("a")).unwrap();
        let folder = Folder::new(root.path().to_owned());
        let put = folder.put(&name("a/c.csv"), &file).await;
        assert!(matches!(put.outcome, Outcome::Later { .. }), "{put:?}");
        // A link in the place of the file is replaced, and what it points to stays.
        let own = outside.path().join("own");
        fs::write(&own, "mine").unwrap();
        std::os::unix::fs::symlink(&own, root.path().join("d.csv")).unwrap();
        std::os::unix::fs::symlink(&own, root.path().join(".d.csv.part")).unwrap();
        assert_eq!(folder.put(&name("d.csv"), &file).await.outcome, Outcome::Delivered);
        assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
        assert_eq!(fs::read_to_string(root.path().join("d.csv")).unwrap(), "secret");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_may_be_back_later() {
        let folder = Folder::new(PathBuf::from("/nowhere/at/all"));
        let put = folder.put(&name("c.csv"), Path::new("/nowhere")).await;
        assert!(matches!(put.outcome, Outcome::Later { .. }), "{put:?}");
    }
}
