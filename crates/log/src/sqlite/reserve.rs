//! The disk reserve: nothing is admitted while less than so much is free, so that whatever was
//! admitted before can be worked off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Instant;
use kernel::time::{Clock, MILLISECOND};
use parking_lot::Mutex;

use crate::Error;

/// How long, and for how many appends and bytes, one look at the disk is believed. Other programs
/// fill the disk too, so time alone or our own appends alone would not do.
const BELIEVED_MICROS_MAX: i64 = 200 * MILLISECOND;
const BELIEVED_APPENDS_MAX: u32 = 1_000;
const BELIEVED_BYTES_MAX: usize = 4 << 20;

pub(super) struct Reserve {
    dir: PathBuf,
    bytes: u64,
    clock: Arc<dyn Clock>,
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    at: Instant,
    free_bytes: u64,
    appends: u32,
    bytes: usize,
}

impl Reserve {
    pub(super) fn new(dir: &Path, bytes: u64, clock: Arc<dyn Clock>) -> Self {
        Self { dir: dir.into(), bytes, clock, seen: Mutex::new(None) }
    }

    /// Whether an entry of so many bytes may be admitted.
    pub(super) fn admit(&self, entry_bytes: usize) -> Result<(), Error> {
        if self.bytes == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        let mut seen = self.seen.lock();
        let free_bytes = match &mut *seen {
            Some(s) if s.holds(now) => {
                s.appends += 1;
                s.bytes += entry_bytes;
                s.free_bytes
            }
            _ => {
                let stat = rustix::fs::statvfs(&self.dir);
                let stat = stat.map_err(|e| Error::Unavailable(format!("asking for free space: {e}")))?;
                let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
                *seen = Some(Seen { at: now, free_bytes, appends: 1, bytes: entry_bytes });
                free_bytes
            }
        };
        match free_bytes >= self.bytes {
            true => Ok(()),
            false => Err(Error::Full(format!("{free_bytes} bytes are free, {} are kept free", self.bytes))),
        }
    }
}

impl Seen {
    fn holds(&self, now: Instant) -> bool {
        let age = now.0 - self.at.0;
        (0..BELIEVED_MICROS_MAX).contains(&age)
            && self.appends < BELIEVED_APPENDS_MAX
            && self.bytes < BELIEVED_BYTES_MAX
    }
}
