//! The disk fills up under load: senders are told to come later, nothing is lost, reading goes on, and so
//! does everything else as soon as there is room again, without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::TempDir;

use super::dice;
use super::load::{Load, Shared};
use super::oracle::faults;
use super::server::{Server, Site};

const ROUNDS: u64 = 4;
const DISK_MIB: u64 = 128;
/// What the server keeps free in the round with a reserve.
const RESERVE_MIB: u64 = 16;

/// A file system in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount() -> Option<Self> {
        let dir = testkit::temp_dir();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={DISK_MIB}m"), "headwater-test"]).arg(dir.path());
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
        // The server may take some of it meanwhile; then the disk is just as full.
        let _ = fs::write(&filler, vec![1; bytes as usize]);
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn reads_are_answered(server: &Server) {
    for path in
        ["/healthz", "/readyz", "/api/v1/pipeline", "/api/v1/parties?q=mail1", "/api/v1/events/recent"]
    {
        let (status, body) = server.get(path);
        assert_eq!(status, 200, "{path} on a full disk: {body}");
    }
}

fn fill_and_free(reserve_mib: u64, left_bytes: u64) {
    // Where mounting is not allowed, the log's own tests of its reserve are the test.
    let Some(disk) = SmallDisk::mount() else { return };
    let site = Site::create(&disk.path().join("data"), 1).with(&["--reserve", &reserve_mib.to_string()]);
    let (ledger, mut dice) = (Shared::default(), dice());
    let mut server = site.serve();
    for round in 0..ROUNDS {
        let load = Load::start(server.address, &ledger, &mut dice, round);
        load.wait(200, 100);
        let filler = disk.fill(left_bytes);
        load.wait(503, 100);
        reads_are_answered(&server);
        assert!(server.process.is_alive(), "{}", site.complaints());
        fs::remove_file(filler).unwrap();
        load.pass_over();
        load.wait(200, 100);
        load.stop();
        server.drain();
    }
    assert_eq!(server.process.terminate(), Some(0), "{}", site.complaints());
    assert_eq!(faults(&site, &ledger.lock().unwrap()), Vec::<String>::new());
}

#[test]
fn a_disk_without_a_free_byte_only_delays_what_is_sent() {
    fill_and_free(0, 0);
}

#[test]
fn a_disk_full_up_to_the_reserve_only_delays_what_is_sent() {
    fill_and_free(RESERVE_MIB, (RESERVE_MIB - 4) << 20);
}
