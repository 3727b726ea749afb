//! A full disk: entries are refused, nothing is lost, reading goes on, and so does writing when
//! there is room again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use headwater_log::sqlite::Options;
use headwater_log::{Error, Log, Offset, SqliteLog};
use kernel::time::MILLISECOND;
use support::{CountingIds, HandClock, append, append_all, close, read_all};

/// A file system of its own of a few megabytes.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "headwater-test"]).arg(dir.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all space but some, as another program would.
    fn fill(&self, left_bytes: u64) -> PathBuf {
        let filler = self.path().join("filler");
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        let bytes = (stat.f_bavail * stat.f_frsize).saturating_sub(left_bytes);
        fs::write(&filler, vec![1; bytes as usize]).unwrap();
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_only_refuses_and_the_log_goes_on_by_itself() {
    // Where mounting is not allowed, the reserve below is the test.
    let Some(disk) = SmallDisk::mount(16) else { return };
    let dir = disk.path().join("log");
    let options = Options { segment_bytes: 1 << 20, ..support::options() };
    let log = SqliteLog::open(&dir, options.clone()).unwrap();
    let mut taken: Vec<Offset> = Vec::new();
    let mut refused = 0;
    for round in 0..6u64 {
        let filler = disk.fill(round * 300_000);
        for _ in 0..30 {
            for result in append_all(&log, (0..8).map(|_| Bytes::from(vec![7; 20_000]))) {
                match result {
                    Ok(offset) => taken.push(offset),
                    Err(Error::Full(_) | Error::Unavailable(_)) => refused += 1,
                    Err(error) => panic!("{error} in round {round}"),
                }
            }
        }
        assert_eq!(read_all(&log, Offset::START).unwrap().last().map(|e| e.offset), taken.last().copied());
        fs::remove_file(filler).unwrap();
        taken.push(append(&log, 0, "there is room again").unwrap());
        log.trim(*taken.last().unwrap()).unwrap();
        let first = log.first().unwrap();
        taken.retain(|offset| *offset >= first);
        let read: Vec<_> = read_all(&log, Offset::START).unwrap().into_iter().map(|e| e.offset).collect();
        assert_eq!(read, taken);
    }
    assert!(refused > 100, "only {refused} were refused: the disk was not full");
    close(&log).unwrap();
    let log = SqliteLog::open(&dir, options).unwrap();
    assert_eq!(log.head().unwrap(), *taken.last().unwrap());
}

#[test]
fn what_was_written_can_be_read_while_not_one_byte_is_free() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let dir = disk.path().join("log");
    let options = Options { segment_bytes: 200_000, ..support::options() };
    let log = SqliteLog::open(&dir, options).unwrap();
    for i in 0..40 {
        append(&log, i, vec![3; 20_000]).unwrap();
    }
    let _filler = disk.fill(0);
    assert_eq!(read_all(&log, Offset::START).unwrap().len(), 40);
    let other = SqliteLog::open_reader(&dir).unwrap();
    assert_eq!(read_all(&other, Offset::START).unwrap().len(), 40);
}

#[test]
fn nothing_is_admitted_into_the_reserve_until_there_is_room_again() {
    // A file system in memory where there is one: nobody else fills or empties it meanwhile.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let free = {
        let stat = rustix::fs::statvfs(dir.path()).unwrap();
        stat.f_bavail * stat.f_frsize
    };
    let clock = Arc::new(HandClock::default());
    let options = Options::new(clock.clone(), Arc::new(CountingIds));
    let options = Options { reserve_bytes: free - (24 << 20), ..options };
    let log = SqliteLog::open(dir.path().join("log"), options).unwrap();
    append(&log, 0, "before").unwrap();

    let filler = dir.path().join("filler");
    File::create(&filler).unwrap();
    fs::write(&filler, vec![1; 48 << 20]).unwrap();
    assert!(append(&log, 0, "a look at the disk is believed for a while").is_ok());
    clock.advance(200 * MILLISECOND);
    for _ in 0..3 {
        assert!(matches!(append(&log, 0, "refused"), Err(Error::Full(_))));
    }
    assert_eq!(read_all(&log, Offset::START).unwrap().len(), 2);

    fs::remove_file(&filler).unwrap();
    clock.advance(200 * MILLISECOND);
    assert_eq!(append(&log, 0, "after").unwrap(), Offset(3));
    assert_eq!(read_all(&log, Offset::START).unwrap().len(), 3);
}
