//! The power is cut: what the kernel had not written to the disk is gone.
//!
//! The installation is on a file system in a file. What that file holds at an instant is what a disk holds
//! after a cut: pages the server wrote and did not fsync are in the kernel's memory only. So the server is
//! frozen, the file copied, and the server started on the copy.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::TempDir;

use super::load::{Load, Shared};
use super::oracle::settle;
use super::server::Site;
use super::{cycles, dice};

/// A disk whose power can be cut.
struct Disk {
    dir: TempDir,
    image: PathBuf,
    cuts: u32,
}

fn run(program: &str, arguments: &[&str], path: &Path, other: Option<&Path>) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).args(other);
    command.output().is_ok_and(|output| output.status.success())
}

impl Disk {
    /// `None` where this process may not mount.
    fn plug_in() -> Option<Self> {
        // In memory where there is such a place, so that only the file system under test is slow.
        let dir = TempDir::new_in("/dev/shm").unwrap_or_else(|_| testkit::temp_dir());
        let image = dir.path().join("disk");
        std::fs::create_dir(dir.path().join("mount")).unwrap();
        std::fs::File::create(&image).unwrap().set_len(192 << 20).unwrap();
        let disk = Self { dir, image, cuts: 0 };
        let is_made = run("mkfs.ext4", &["-q", "-F"], &disk.image, None);
        (is_made && disk.mount()).then_some(disk)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("mount")
    }

    fn mount(&self) -> bool {
        // The kernel writes of itself only after minutes: what is not asked for is not on the disk.
        run("mount", &["-o", "loop,commit=600"], &self.image, Some(&self.path()))
    }

    /// What the disk holds now. The server must stand still.
    fn snapshot(&mut self) -> PathBuf {
        self.cuts += 1;
        let copy = self.dir.path().join(format!("disk-{}", self.cuts));
        std::fs::copy(&self.image, &copy).unwrap();
        copy
    }

    /// Goes on with what the disk held.
    fn restore(&mut self, copy: PathBuf) {
        assert!(run("umount", &[], &self.path(), None), "nobody uses the disk any more");
        std::fs::remove_file(&self.image).unwrap();
        self.image = copy;
        assert!(self.mount(), "what was on the disk can be mounted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

/// Cuts the power of a working server so many times, and says what is wrong afterwards.
fn cut(sabotage: &[&str], times: u64) -> Option<Vec<String>> {
    let mut disk = Disk::plug_in()?;
    let site = Site::create(&disk.path().join("data"), 1).with(&["--reserve", "0"]);
    let served = site.with(sabotage);
    // The installation itself is on the disk; `init` is not what is drilled.
    assert!(run("sync", &["-f"], &disk.path(), None));
    let (ledger, mut dice) = (Shared::default(), dice());
    for round in 0..times {
        let server = served.serve();
        let load = Load::start(server.address, &ledger, &mut dice, round);
        load.wait(200, 1 + dice.roll(150));
        server.process.freeze();
        // A thread inside a call of the kernel stops when the call returns.
        std::thread::park_timeout(Duration::from_millis(30));
        let copy = disk.snapshot();
        server.process.kill();
        load.end();
        disk.restore(copy);
        let faults = settle(&site, &ledger);
        if !faults.is_empty() {
            return Some(faults);
        }
    }
    Some(Vec::new())
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    // Where mounting is not allowed there is no disk to cut.
    let Some(faults) = cut(&[], cycles(3).min(100)) else { return };
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_log_that_does_not_wait_for_the_disk_is_noticed() {
    // Usually the first or second cut shows it; a busy machine, where other writes take the log's pages
    // along to the disk, needs more.
    let Some(faults) = cut(&["--sabotage", "no-fsync"], 40) else { return };
    assert_ne!(faults, Vec::<String>::new());
}
