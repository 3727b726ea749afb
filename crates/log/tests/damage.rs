//! What a SQLite log does when its files are not what it wrote: it says so, and never skips.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use headwater_log::sqlite::{self, repair, verify};
use headwater_log::{Error, Log, Offset, SqliteLog};
use support::{CountingIds, append, append_all, close, read_all};
use tempfile::TempDir;

fn open(dir: &Path) -> Result<SqliteLog, Error> {
    SqliteLog::open(dir, sqlite::Options { segment_bytes: 100 << 10, ..support::options() })
}

/// A closed log of 300 entries in several segments.
fn written() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    for i in 0..30u8 {
        let bodies = (0..10).map(|n| Bytes::from(vec![i * 7 + n; 3_000]));
        append_all(&log, bodies).into_iter().for_each(|r| assert!(r.is_ok()));
    }
    close(&log).unwrap();
    dir
}

fn segments(dir: &Path) -> Vec<(u64, PathBuf)> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut segments: Vec<_> = names
        .filter(|p| p.extension().is_some_and(|e| e == "seg"))
        .map(|p| (p.file_stem().unwrap().to_str().unwrap().parse().unwrap(), p))
        .collect();
    segments.sort();
    segments
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// Reads until the end or the first error: the offsets read, and the error.
fn read_until_error(log: &dyn Log) -> (Vec<u64>, Option<Error>) {
    let mut offsets = vec![0];
    loop {
        match log.read(Offset(*offsets.last().unwrap()), 7, 1 << 20) {
            Ok(page) if page.is_empty() => return (offsets.split_off(1), None),
            Ok(page) => offsets.extend(page.iter().map(|e| e.offset.0)),
            Err(error) => return (offsets.split_off(1), Some(error)),
        }
    }
}

/// Whether the byte lies inside the body of an entry: one byte, never zero, over and over, on a
/// leaf page. The root was a leaf once and still holds what was moved from it, which nobody reads.
fn is_in_body(segment: &[u8], at: usize) -> bool {
    const LEAF: u8 = 13;
    if segment[at - at % 8192] != LEAF {
        return false;
    }
    let around = &segment[at.saturating_sub(50)..(at + 50).min(segment.len())];
    segment[at] != 0 && around.iter().all(|b| *b == segment[at])
}

fn some_place_in_a_body(path: &Path) -> u64 {
    let segment = fs::read(path).unwrap();
    (segment.len() / 2..segment.len()).find(|at| is_in_body(&segment, *at)).unwrap() as u64
}

#[test]
fn a_flipped_bit_in_a_body_is_reported_with_its_offset_after_everything_before_it() {
    let dir = written();
    let (first, path) = segments(dir.path())[1].clone();
    flip(&path, some_place_in_a_body(&path));
    let log = open(dir.path()).unwrap();
    let (offsets, error) = read_until_error(&log);
    let Some(Error::Corrupt { from, to, .. }) = error else { panic!("{error:?}") };
    assert_eq!(from, to);
    assert_eq!(offsets, (1..from.0).collect::<Vec<_>>());
    assert!(from.0 >= first);
}

#[test]
fn no_flipped_bit_anywhere_in_a_segment_changes_what_is_read() {
    let dir = written();
    let (_, path) = segments(dir.path())[2].clone();
    let pristine = fs::read(&path).unwrap();
    let expected = read_all(&SqliteLog::open_reader(dir.path()).unwrap(), Offset::START).unwrap();
    let mut seeded = support::Seeded(5);
    let mut in_bodies = 0;
    for _ in 0..300 {
        // Half of the flips near the start of a page, where SQLite keeps its own words.
        let near_head = seeded.below(pristine.len() as u64 / 8192) * 8192 + seeded.below(100);
        let anywhere = seeded.below(pristine.len() as u64);
        let at = if seeded.below(2) == 0 { near_head } else { anywhere };
        flip(&path, at);
        let reader = SqliteLog::open_reader(dir.path()).unwrap();
        match read_all(&reader, Offset::START) {
            // The rest of a page and some of SQLite's counters mean nothing to a reader.
            Ok(entries) => {
                assert!(entries == expected, "a wrong answer after a flip at {at}");
                assert!(!is_in_body(&pristine, at as usize), "a flip at {at} went unnoticed");
            }
            Err(Error::Corrupt { .. }) => in_bodies += u32::from(is_in_body(&pristine, at as usize)),
            Err(error) => panic!("{error} after a flip at {at}"),
        }
        fs::write(&path, &pristine).unwrap();
    }
    assert!(in_bodies > 50, "only {in_bodies} flips hit a body; the test tries too little");
}

#[test]
fn a_repair_sets_the_bad_segment_aside_names_its_range_and_lets_the_rest_be_read() {
    let dir = written();
    let segments = segments(dir.path());
    let ((first, path), follow) = (segments[1].clone(), segments[2].0);
    flip(&path, some_place_in_a_body(&path));
    let expected: Vec<u64> = (1..=300).filter(|o| !(first..follow).contains(o)).collect();

    let damages = verify(dir.path()).unwrap();
    assert_eq!(repair(dir.path(), &CountingIds).unwrap(), damages);
    let [damage] = &damages[..] else { panic!("{damages:?}") };
    assert_eq!((damage.from, damage.to), (Offset(first), Offset(follow - 1)));
    assert_eq!(damage.segment.as_deref(), Some(&*path));
    assert!(path.with_extension("seg.bad").is_file() && !path.is_file());

    let log = open(dir.path()).unwrap();
    assert_eq!(read_until_error(&log), (expected, None));
    assert_eq!(append(&log, 0, "goes on").unwrap(), Offset(301));
    assert_eq!(verify(dir.path()).unwrap(), []);
    log.trim(Offset(301)).unwrap();
    close(&log).unwrap();
    drop(log);
    assert_eq!(open(dir.path()).unwrap().head().unwrap(), Offset(301));
}

#[test]
fn a_missing_segment_stops_the_start_and_a_reader() {
    for which in [0, 1] {
        let dir = written();
        let segments = segments(dir.path());
        fs::remove_file(&segments[which].1).unwrap();
        let (from, to) = (Offset(segments[which].0), Offset(segments[which + 1].0 - 1));
        let Err(error) = open(dir.path()) else { panic!("opened") };
        assert!(matches!(error, Error::Corrupt { from: f, to: t, .. } if (f, t) == (from, to)), "{error:?}");
        let (_, error) = read_until_error(&SqliteLog::open_reader(dir.path()).unwrap());
        assert!(matches!(error, Some(Error::Corrupt { from: f, .. }) if f == from), "{error:?}");
        repair(dir.path(), &CountingIds).unwrap();
        assert_eq!(read_until_error(&open(dir.path()).unwrap()).1, None);
    }
}

/// The files as a power cut would leave them. Copied by another process, because closing a file
/// that SQLite has open would drop its locks.
fn crashed_copy(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp").arg("-r").arg(dir.join(".")).arg(copy.path()).status().unwrap();
    assert!(status.success());
    copy
}

/// A log that stopped without closing, its last entries only in the write-ahead log.
fn crashed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(dir.path(), support::options()).unwrap();
    for i in 0..20 {
        append(&log, i, vec![i as u8; 1_000]).unwrap();
    }
    crashed_copy(dir.path())
}

fn wal(dir: &Path) -> PathBuf {
    let mut path = segments(dir).pop().unwrap().1.into_os_string();
    path.push("-wal");
    path.into()
}

#[test]
fn an_unclean_stop_loses_nothing() {
    let dir = crashed();
    let reader = SqliteLog::open_reader(dir.path()).unwrap();
    assert_eq!(read_all(&reader, Offset::START).unwrap().len(), 20);
    let log = SqliteLog::open(dir.path(), support::options()).unwrap();
    assert_eq!(log.head().unwrap(), Offset(20));
    assert_eq!(read_all(&log, Offset::START).unwrap().len(), 20);
}

#[test]
fn a_write_ahead_log_that_lost_its_end_is_noticed_and_its_offsets_are_not_given_out_again() {
    let dir = crashed();
    let wal = wal(dir.path());
    let length = fs::metadata(&wal).unwrap().len();
    flip(&wal, length - 8_000);
    let Err(error) = SqliteLog::open(dir.path(), support::options()) else { panic!("opened") };
    let Error::Corrupt { from, to: Offset(20), .. } = error else { panic!("{error:?}") };
    assert!(from > Offset(1), "{from}");

    let damages = repair(dir.path(), &CountingIds).unwrap();
    assert_eq!((damages[0].from, damages[0].to, damages.len()), (from, Offset(20), 1));
    let log = SqliteLog::open(dir.path(), support::options()).unwrap();
    assert_eq!(append(&log, 0, "next").unwrap(), Offset(21));
    let (offsets, error) = read_until_error(&log);
    assert_eq!((offsets, error), ((1..from.0).chain([21]).collect(), None));
}

#[test]
fn a_log_whose_tail_is_of_unknown_length_gets_a_new_incarnation() {
    let dir = crashed();
    let before = SqliteLog::open_reader(dir.path()).unwrap().incarnation();
    fs::write(segments(dir.path())[0].1.clone(), b"not a database, and so it goes on").unwrap();
    fs::write(wal(dir.path()), b"").unwrap();
    flip(&dir.path().join("log.mark"), 2);
    assert!(matches!(SqliteLog::open(dir.path(), support::options()), Err(Error::Corrupt { .. })));
    repair(dir.path(), &CountingIds).unwrap();
    let log = SqliteLog::open(dir.path(), support::options()).unwrap();
    assert_ne!(log.incarnation(), before);
    append(&log, 0, "new").unwrap();
    assert_eq!(read_until_error(&log).1, None);
}

#[test]
fn a_damaged_meta_file_stops_the_start_and_a_repair_renames_the_log() {
    let dir = written();
    flip(&dir.path().join("log.meta"), 30);
    assert!(matches!(open(dir.path()), Err(Error::Corrupt { .. })));
    repair(dir.path(), &CountingIds).unwrap();
    assert_eq!(read_until_error(&open(dir.path()).unwrap()).0.len(), 300);
}

#[test]
fn a_segment_whose_making_was_interrupted_is_made_again() {
    let dir = written();
    fs::write(dir.path().join("00000000000000000301.tmp"), b"half a datab").unwrap();
    fs::write(dir.path().join("00000000000000000301.tmp-wal"), b"half a wal").unwrap();
    let log =
        SqliteLog::open(dir.path(), sqlite::Options { segment_bytes: 1, ..support::options() }).unwrap();
    assert_eq!(append(&log, 0, "in a new segment").unwrap(), Offset(301));
    assert_eq!(read_until_error(&log).0.len(), 301);
}

#[test]
fn a_second_process_cannot_append() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Unavailable(_))));
    close(&log).unwrap();
    open(dir.path()).unwrap();
}

#[test]
fn a_reader_cannot_append_or_trim_and_needs_a_log() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(SqliteLog::open_reader(dir.path()), Err(Error::Unavailable(_))));
    drop(open(dir.path()).unwrap());
    let reader = SqliteLog::open_reader(dir.path()).unwrap();
    assert_eq!(append(&reader, 0, "no"), Err(Error::ReadOnly));
    assert_eq!(reader.trim(Offset(9)), Err(Error::ReadOnly));
}

#[test]
fn a_log_in_a_path_with_odd_characters_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b?c#d%41&日志");
    let log = open(&odd).unwrap();
    for _ in 0..3 {
        append_all(&log, (0..50).map(|_| Bytes::from(vec![1; 3_000])));
    }
    assert!(segments(&odd).len() > 1);
    assert_eq!(read_until_error(&log).0.len(), 150);
}

#[test]
fn many_waiting_entries_share_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    append_all(&log, (0..5_000).map(|_| Bytes::from_static(b"small")))
        .into_iter()
        .for_each(|r| assert!(r.is_ok()));
    assert!(log.commits() < 1_000, "{} commits for 5,000 entries", log.commits());
}
