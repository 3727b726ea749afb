//! The directory of a log: which files there are, what they are called, what must be fsynced.
//!
//! ```text
//! log.meta                    incarnation, first offset kept, ranges set aside   (replaced by rename)
//! log.mark                    high-water mark: the newest offset known durable    (overwritten in place)
//! log.lock                    held by the one process that appends
//! 00000000000000000001.seg    entries from offset 1 on, a SQLite database (with -wal and -shm beside it)
//! 00000000000000004711.seg    the next segment
//! 00000000000000000815.bad    a damaged segment that `repair` set aside
//! ```
//!
//! A `.seg` file exists only complete: it is built under another name, fsynced, renamed, and the
//! directory fsynced. The meta file is written before files are removed, so a file that is missing
//! without the meta file saying so was lost.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::segment;
use crate::{Error, Offset};

/// The newest state of the directory: its segments in order, and what the meta file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// First offsets of the segments.
    pub(super) segments: Vec<u64>,
    pub(super) meta: Meta,
}

/// What the meta file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Meta {
    pub(super) incarnation: [u8; 16],
    /// Entries before it were trimmed.
    pub(super) first: u64,
    /// Ranges a repair gave up, both ends included.
    pub(super) set_aside: Vec<(u64, u64)>,
}

impl Layout {
    /// Reads the directory; `None` if there is no log in it.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>, Error> {
        // The list first: a segment is removed only after the meta file stopped counting it, so
        // the other order would take a trimmed segment for a lost one.
        let mut segments = segments(dir)?;
        let Some(meta) = Meta::load(dir)? else {
            return match (segments.first(), segments.last()) {
                (Some(&from), Some(&to)) => Err(Error::Corrupt {
                    from: Offset(from),
                    to: Offset(to),
                    reason: "there are segments but no log.meta".into(),
                }),
                _ => Ok(None),
            };
        };
        segments.retain(|first| *first >= meta.first);
        Ok(Some(Self { segments, meta }))
    }

    /// The segment that has `offset`, or would have it; the first one for what was trimmed.
    pub(super) fn position(&self, offset: u64) -> Option<usize> {
        if self.segments.is_empty() {
            return None;
        }
        Some(self.segments.partition_point(|first| *first <= offset).saturating_sub(1))
    }

    /// The lost range that starts at `expected` and ends before `found`, if no repair gave it up.
    pub(super) fn missing(&self, expected: u64, found: u64) -> Option<(u64, u64)> {
        let mut next = expected;
        for &(from, to) in &self.meta.set_aside {
            if from <= next && next <= to {
                next = to + 1;
            }
        }
        (next < found).then(|| (next, found - 1))
    }
}

impl Meta {
    pub(super) fn new(incarnation: [u8; 16]) -> Self {
        Self { incarnation, first: 1, set_aside: Vec::new() }
    }

    fn load(dir: &Path) -> Result<Option<Self>, Error> {
        match fs::read_to_string(dir.join("log.meta")) {
            Ok(text) => Self::parse(&text).map(Some).ok_or_else(|| Error::Corrupt {
                from: Offset(1),
                to: Offset(Mark::load(dir)),
                reason: "log.meta is damaged".into(),
            }),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("reading log.meta", e)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.strip_suffix('\n')?.rsplit_once("\ncrc ")?;
        if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != "headwater-log 1" {
            return None;
        }
        let incarnation = u128::from_str_radix(lines.next()?.strip_prefix("incarnation ")?, 16).ok()?;
        let first = lines.next()?.strip_prefix("first ")?.parse().ok()?;
        let set_aside = lines
            .map(|line| {
                let (from, to) = line.strip_prefix("set-aside ")?.split_once(' ')?;
                Some((from.parse().ok()?, to.parse().ok()?))
            })
            .collect::<Option<_>>()?;
        Some(Self { incarnation: incarnation.to_be_bytes(), first, set_aside })
    }

    fn text(&self) -> String {
        let incarnation = u128::from_be_bytes(self.incarnation);
        let mut body = format!("headwater-log 1\nincarnation {incarnation:032x}\nfirst {}", self.first);
        for (from, to) in &self.set_aside {
            body.push_str(&format!("\nset-aside {from} {to}"));
        }
        let sum = crc32fast::hash(body.as_bytes());
        format!("{body}\ncrc {sum:08x}\n")
    }

    /// Replaces the meta file: after a crash there is the old one or the new one.
    pub(super) fn save(&self, dir: &Path) -> Result<(), Error> {
        let new = dir.join("log.meta.tmp");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, dir.join("log.meta"))
        };
        write().map_err(|e| failed("writing log.meta", e))?;
        sync(dir)
    }
}

/// The high-water mark: written after each commit and never fsynced, so it is at most as new as
/// the log. A log that ends before it was cut off, which SQLite itself cannot see: a write-ahead
/// log with a damaged frame just ends there.
pub(super) struct Mark(File);

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(dir.join("log.mark")).map(Self).map_err(|e| failed("opening log.mark", e))
    }

    /// The mark, or 0 if it cannot be read: it proves a loss, its absence proves nothing.
    pub(super) fn load(dir: &Path) -> u64 {
        let Ok(bytes) = fs::read(dir.join("log.mark")) else { return 0 };
        let Ok(bytes) = <[u8; 12]>::try_from(bytes) else { return 0 };
        let (offset, sum) = bytes.split_at(8);
        if crc32fast::hash(offset).to_le_bytes() != sum {
            return 0;
        }
        u64::from_le_bytes(offset.try_into().expect("split at 8"))
    }

    pub(super) fn write(&self, offset: u64) {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&offset.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..8]);
        bytes[8..].copy_from_slice(&sum.to_le_bytes());
        // An old mark is only a weaker witness, so a full disk is no reason to refuse an entry.
        if let Err(e) = self.0.write_all_at(&bytes, 0) {
            tracing::warn!(error = %e, "the log's high-water mark was not written");
        }
    }
}

/// Makes this process the one that appends. The lock ends with the file, or the process.
pub(super) fn lock(dir: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(dir.join("log.lock")).map_err(|e| failed("opening log.lock", e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(Error::Unavailable(format!("another process appends to {}", dir.display())))
        }
        Err(fs::TryLockError::Error(e)) => Err(failed("locking log.lock", e)),
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| failed("fsyncing the directory of the log", e))
}

/// Where the segment that starts at `first` is.
pub(super) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// Removes a segment that the meta file no longer counts.
pub(super) fn segment_remove(dir: &Path, first: u64) -> Result<(), Error> {
    let path = segment_path(dir, first);
    for file in std::iter::once(path.clone()).chain(segment::companions(&path)) {
        match fs::remove_file(&file) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("removing a segment", e)),
            _ => {}
        }
    }
    Ok(())
}

/// First offsets of all segments in the directory, in order.
pub(super) fn segments(dir: &Path) -> Result<Vec<u64>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed("listing the log", e)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| failed("listing the log", e))?.file_name();
        let first = name.to_str().and_then(|n| n.strip_suffix(".seg"));
        segments.extend(first.and_then(|n| n.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// An I/O error, told apart by whether room on the disk would help.
pub(super) fn failed(what: &str, e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full(format!("{what}: {e}")),
        _ => Error::Failed(format!("{what}: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meta_file_reads_back_and_a_changed_byte_is_noticed() {
        let meta = Meta { incarnation: [7; 16], first: 42, set_aside: vec![(50, 60), (70, 70)] };
        let text = meta.text();
        assert_eq!(Meta::parse(&text), Some(meta));
        assert_eq!(Meta::parse(&text.replace("first 42", "first 43")), None);
    }

    #[test]
    fn a_gap_counts_as_missing_unless_a_repair_gave_all_of_it_up() {
        let meta = Meta { incarnation: [0; 16], first: 1, set_aside: vec![(10, 19)] };
        let layout = Layout { segments: vec![1, 20, 40], meta };
        assert_eq!(layout.missing(10, 20), None);
        assert_eq!(layout.missing(10, 25), Some((20, 24)));
        assert_eq!(layout.missing(30, 40), Some((30, 39)));
        assert_eq!(layout.missing(40, 40), None);
    }

    #[test]
    fn an_offset_belongs_to_the_last_segment_that_starts_at_or_before_it() {
        let layout = Layout { segments: vec![5, 20], meta: Meta::new([0; 16]) };
        let positions: Vec<_> = [1, 5, 19, 20, 99].map(|o| layout.position(o).unwrap()).into();
        assert_eq!(positions, [0, 0, 0, 1, 1]);
    }
}
