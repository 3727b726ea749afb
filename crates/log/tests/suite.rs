//! One suite for every log: what a caller may rely on whichever it was given.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use headwater_log::{Entry, Error, Log, NatsLog, Offset, SqliteLog, nats, sqlite};
use kernel::Instant;
use support::{CountingIds, append, append_all, close, read_all};

/// A place for one log that outlives its handles.
trait Place {
    fn new() -> Self;
    /// Opens the log for appending.
    fn open(&self) -> Arc<dyn Log>;
    /// Opens it with a queue that holds no more than one small entry.
    fn open_with_short_queue(&self) -> Arc<dyn Log>;
    /// Opens it as another process would that only reads.
    fn open_reader(&self) -> Arc<dyn Log>;
    /// An empty log where this one was.
    fn wipe(&mut self);
}

struct Sqlite(tempfile::TempDir);

impl Sqlite {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn options() -> sqlite::Options {
        sqlite::Options { segment_bytes: 256 << 10, ..support::options() }
    }
}

impl Place for Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Arc<dyn Log> {
        Arc::new(SqliteLog::open(self.path(), Self::options()).unwrap())
    }

    fn open_with_short_queue(&self) -> Arc<dyn Log> {
        let options = sqlite::Options { queue_bytes: 1, ..Self::options() };
        Arc::new(SqliteLog::open(self.path(), options).unwrap())
    }

    fn open_reader(&self) -> Arc<dyn Log> {
        Arc::new(SqliteLog::open_reader(self.path()).unwrap())
    }

    fn wipe(&mut self) {
        self.0 = tempfile::tempdir().unwrap();
    }
}

struct Nats(testkit::NatsServer);

impl Nats {
    fn open(&self, options: nats::Options) -> Arc<dyn Log> {
        Arc::new(NatsLog::open(&self.0.url(), "log-1", options).unwrap())
    }

    fn options() -> nats::Options {
        nats::Options::new(Arc::new(CountingIds))
    }
}

impl Place for Nats {
    fn new() -> Self {
        Self(testkit::NatsServer::start())
    }

    fn open(&self) -> Arc<dyn Log> {
        self.open(Self::options())
    }

    fn open_with_short_queue(&self) -> Arc<dyn Log> {
        self.open(nats::Options { queue_bytes: 1, ..Self::options() })
    }

    fn open_reader(&self) -> Arc<dyn Log> {
        self.open(Self::options())
    }

    fn wipe(&mut self) {
        self.0.kill();
        self.0.lose_store();
        self.0.revive();
    }
}

macro_rules! suite {
    ($name:ident, $place:ty; $($test:ident),* $(,)?) => {
        mod $name {
            $(#[test] fn $test() { super::$test::<$place>() })*
        }
    };
}

macro_rules! on_every_log {
    ($($test:ident),* $(,)?) => {
        suite!(on_sqlite, super::Sqlite; $($test),*);
        suite!(on_nats, super::Nats; $($test),*);
    };
}

on_every_log!(
    entries_come_back_as_they_were_and_in_order,
    entries_and_the_incarnation_survive_closing_and_opening,
    concurrent_appends_each_get_their_own_place,
    a_page_ends_at_its_entries_and_at_its_bytes,
    an_entry_of_five_megabytes_comes_back_even_to_a_reader_that_asked_for_less,
    an_empty_log_has_nothing_to_read,
    reading_past_the_head_is_reported,
    trimming_keeps_everything_from_the_given_offset_on,
    the_watch_tells_of_entries_of_this_process_and_polling_of_those_of_others,
    a_closed_log_refuses_entries_and_still_reads,
    what_was_admitted_before_closing_is_written,
    a_full_queue_refuses_and_loses_nothing_it_took,
    an_oversized_entry_is_refused_and_the_next_one_is_taken,
    a_log_that_was_lost_comes_back_under_another_name,
    calls_work_from_inside_a_runtime,
    a_reader_beside_the_writer_gets_every_entry_once_and_in_order,
);

fn entries_come_back_as_they_were_and_in_order<P: Place>() {
    let place = P::new();
    let log = place.open();
    let bodies = ["plain", "", "王小明 🎉", "a\0b\n\"quoted\"", "last"];
    let mut expected = Vec::new();
    for (i, body) in bodies.into_iter().enumerate() {
        let received = Instant(i as i64 * -7);
        let offset = append(&*log, received.0, body).unwrap();
        expected.push(Entry { offset, received, body: Bytes::from(body) });
    }
    assert!(expected.is_sorted_by_key(|e| e.offset) && expected[0].offset > Offset::START);
    assert_eq!(read_all(&*log, Offset::START).unwrap(), expected);
    for (i, entry) in expected.iter().enumerate() {
        assert_eq!(read_all(&*log, entry.offset).unwrap(), expected[i + 1..]);
    }
    assert_eq!(log.head().unwrap(), expected[4].offset);
}

fn entries_and_the_incarnation_survive_closing_and_opening<P: Place>() {
    let place = P::new();
    let log = place.open();
    let first = append(&*log, 1, "one").unwrap();
    close(&*log).unwrap();
    let again = place.open();
    assert_eq!(again.incarnation(), log.incarnation());
    assert_eq!(again.head().unwrap(), first);
    let second = append(&*again, 2, "two").unwrap();
    assert!(second > first);
    let bodies: Vec<_> = read_all(&*again, Offset::START).unwrap().into_iter().map(|e| e.body).collect();
    assert_eq!(bodies, ["one", "two"]);
}

fn concurrent_appends_each_get_their_own_place<P: Place>() {
    let place = P::new();
    let log = place.open();
    let bodies: Vec<_> = (0..2_000).map(|i| Bytes::from(format!("entry {i}"))).collect();
    let offsets: Vec<_> = append_all(&*log, bodies.clone()).into_iter().map(Result::unwrap).collect();
    let read = read_all(&*log, Offset::START).unwrap();
    assert_eq!(read.len(), bodies.len());
    for (entry, (offset, body)) in read.iter().zip(offsets.iter().zip(&bodies)) {
        assert_eq!((entry.offset, &entry.body), (*offset, body));
    }
}

fn a_page_ends_at_its_entries_and_at_its_bytes<P: Place>() {
    let place = P::new();
    let log = place.open();
    for result in append_all(&*log, (0..50).map(|_| Bytes::from(vec![b'x'; 1_000]))) {
        result.unwrap();
    }
    let lengths = |entries, bytes| {
        let (mut after, mut lengths) = (Offset::START, Vec::new());
        loop {
            let page = log.read(after, entries, bytes).unwrap();
            let Some(last) = page.last() else { return lengths };
            after = last.offset;
            lengths.push(page.len());
        }
    };
    assert_eq!(lengths(20, usize::MAX), [20, 20, 10]);
    assert_eq!(lengths(usize::MAX, 30_999), [30, 20]);
    assert_eq!(lengths(0, 0), [1; 50], "a reader always gets on");
}

fn an_entry_of_five_megabytes_comes_back_even_to_a_reader_that_asked_for_less<P: Place>() {
    let place = P::new();
    let log = place.open();
    let large: Bytes = (0..5 << 20).map(|i: u32| (i % 251) as u8).collect();
    for result in append_all(&*log, ["before".into(), large.clone(), "after".into()]) {
        result.unwrap();
    }
    let page = log.read(Offset::START, 10, 100).unwrap();
    assert_eq!(page.len(), 1);
    let page = log.read(page[0].offset, 10, 100).unwrap();
    assert_eq!((page.len(), &page[0].body), (1, &large));
    assert_eq!(log.read(page[0].offset, 10, 100).unwrap()[0].body, "after");
}

fn an_empty_log_has_nothing_to_read<P: Place>() {
    let place = P::new();
    let log = place.open();
    assert_eq!(log.head().unwrap(), Offset::START);
    assert_eq!(log.read(Offset::START, 10, 100).unwrap(), []);
    assert!(log.first().unwrap() > Offset::START);
    log.trim(Offset(5)).unwrap();
}

fn reading_past_the_head_is_reported<P: Place>() {
    let place = P::new();
    let log = place.open();
    let head = append(&*log, 0, "only").unwrap();
    let asked = Offset(head.0 + 1);
    assert_eq!(log.read(asked, 10, 100), Err(Error::Regressed { asked, head }));
    assert_eq!(log.read(head, 10, 100), Ok(Vec::new()));
}

fn trimming_keeps_everything_from_the_given_offset_on<P: Place>() {
    let place = P::new();
    let log = place.open();
    for i in 0..40 {
        let bodies = (0..10).map(|n| Bytes::from(vec![(i * 10 + n) as u8; 4_000]));
        append_all(&*log, bodies).into_iter().for_each(|r| assert!(r.is_ok()));
    }
    let offsets = |log: &Arc<dyn Log>, after| -> Vec<Offset> {
        let entries = read_all(&**log, after).unwrap();
        assert!(entries.iter().all(|e| e.body.len() == 4_000));
        entries.into_iter().map(|e| e.offset).collect()
    };
    let all = offsets(&log, Offset::START);
    let reader = place.open_reader();
    assert_eq!(reader.read(Offset::START, 5, usize::MAX).unwrap().len(), 5);

    let before = all[250];
    log.trim(before).unwrap();
    let first = log.first().unwrap();
    assert!(first > all[0] && first <= before, "{first}");
    let kept = offsets(&log, Offset::START);
    assert_eq!(kept[0], first);
    assert!(kept.ends_with(&all[250..]));
    assert!(offsets(&reader, all[4]).ends_with(&kept), "a reader that was behind");

    log.trim(Offset(u64::MAX >> 1)).unwrap();
    let head = log.head().unwrap();
    assert_eq!(offsets(&log, Offset::START).last(), Some(&head));
    close(&*log).unwrap();
    assert_eq!(place.open().head().unwrap(), head);
}

fn the_watch_tells_of_entries_of_this_process_and_polling_of_those_of_others<P: Place>() {
    let place = P::new();
    let log = place.open();
    let reader = place.open_reader();
    let (mut near, mut far) = (log.appended(), reader.appended());
    near.mark_unchanged();
    far.mark_unchanged();
    let offset = append(&*log, 0, "news").unwrap();
    assert!(near.has_changed().unwrap());
    assert_eq!(*near.borrow_and_update(), offset.0);
    assert!(!far.has_changed().unwrap());
    assert_eq!(reader.poll().unwrap(), offset);
    assert!(far.has_changed().unwrap());
    assert_eq!(reader.head().unwrap(), offset);
    assert_eq!(reader.read(Offset::START, 10, 100).unwrap()[0].body, "news");
    far.mark_unchanged();
    reader.poll().unwrap();
    assert!(!far.has_changed().unwrap(), "nothing was added since");
}

fn a_closed_log_refuses_entries_and_still_reads<P: Place>() {
    let place = P::new();
    let log = place.open();
    append(&*log, 0, "kept").unwrap();
    close(&*log).unwrap();
    close(&*log).unwrap();
    assert_eq!(append(&*log, 0, "refused"), Err(Error::Closed));
    assert_eq!(read_all(&*log, Offset::START).unwrap().len(), 1);
}

fn what_was_admitted_before_closing_is_written<P: Place>() {
    let place = P::new();
    let log = place.open();
    let appends: Vec<_> = (0..300).map(|i| log.append(Instant(i), Bytes::from(vec![0; 3_000]))).collect();
    close(&*log).unwrap();
    let results = support::runtime().block_on(futures_util::future::join_all(appends));
    assert!(results.iter().all(Result::is_ok));
    drop(log);
    assert_eq!(read_all(&*place.open(), Offset::START).unwrap().len(), 300);
}

fn a_full_queue_refuses_and_loses_nothing_it_took<P: Place>() {
    let place = P::new();
    let log = place.open_with_short_queue();
    let results = append_all(&*log, (0..1_000).map(|i| Bytes::from(i.to_string())));
    let full = results.iter().filter(|r| matches!(r, Err(Error::Full(_)))).count();
    let taken: Vec<_> = results.iter().flatten().copied().collect();
    assert!(full > 0 && full + taken.len() == 1_000, "{full} refused, {} taken", taken.len());
    let read: Vec<_> = read_all(&*log, Offset::START).unwrap().into_iter().map(|e| e.offset).collect();
    assert_eq!(read, taken);
    append(&*log, 0, "there is room again").unwrap();
}

fn an_oversized_entry_is_refused_and_the_next_one_is_taken<P: Place>() {
    let place = P::new();
    let log = place.open();
    let max = headwater_log::ENTRY_BYTES_MAX;
    let refused = append(&*log, 0, vec![0; max + 1]);
    assert_eq!(refused, Err(Error::TooLarge { bytes: max + 1, max }));
    append(&*log, 0, vec![1; max]).unwrap();
    assert_eq!(read_all(&*log, Offset::START).unwrap()[0].body.len(), max);
}

fn a_log_that_was_lost_comes_back_under_another_name<P: Place>() {
    let mut place = P::new();
    let log = place.open();
    append(&*log, 0, "lost").unwrap();
    let incarnation = log.incarnation();
    close(&*log).unwrap();
    drop(log);
    place.wipe();
    let log = place.open();
    assert_ne!(log.incarnation(), incarnation);
    assert_eq!(log.head().unwrap(), Offset::START);
}

fn calls_work_from_inside_a_runtime<P: Place>() {
    let place = P::new();
    support::runtime().block_on(async {
        let log = place.open();
        log.append(Instant(0), "inside".into()).await.unwrap();
        assert_eq!(log.poll().unwrap(), log.head().unwrap());
        assert_eq!(log.read(Offset::START, 10, 100).unwrap().len(), 1);
        log.trim(Offset::START).unwrap();
        log.close().await.unwrap();
        drop(log);
    });
}

fn a_reader_beside_the_writer_gets_every_entry_once_and_in_order<P: Place>() {
    const ROUNDS: u64 = 60;
    const ROUND: u64 = 40;
    let place = P::new();
    let log = place.open();
    let reader = place.open_reader();
    let read_up_to = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut after, mut count) = (Offset::START, 0);
            while count < ROUNDS * ROUND {
                for entry in reader.read(after, 33, 100_000).unwrap() {
                    assert!(entry.offset > after);
                    assert_eq!(entry.body[..8], u64::to_le_bytes(count));
                    (after, count) = (entry.offset, count + 1);
                }
                read_up_to.store(after.0, Ordering::Release);
            }
        });
        for round in 0..ROUNDS {
            let bodies = (0..ROUND).map(|i| {
                let mut body = vec![1; 2_000];
                body[..8].copy_from_slice(&u64::to_le_bytes(round * ROUND + i));
                Bytes::from(body)
            });
            assert!(append_all(&*log, bodies).iter().all(Result::is_ok));
            log.trim(Offset(read_up_to.load(Ordering::Acquire))).unwrap();
        }
        reading.join().unwrap();
    });
}
