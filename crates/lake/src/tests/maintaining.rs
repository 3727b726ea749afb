//! Compaction, erasure, vacuum and checkpoints: what may change on disk and what no answer may show.

use std::sync::Arc;

use deltalake::DeltaTableBuilder;
use kernel::NodeNo;
use kernel::time::{DAY, HOUR};

use super::support::*;
use crate::*;

async fn filled(site: &Site, options: Options, events: &[Event], flushes: usize) -> (Lake, Writer) {
    let (lake, _) = site.open_with(options).await;
    let writer = lake.writer().await.unwrap();
    for (i, part) in (0..).zip(events.chunks(events.len().div_ceil(flushes))) {
        writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
        writer.flush().await.unwrap();
    }
    (lake, writer)
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_changes_no_answer_and_leaves_one_sorted_file_per_week_and_bucket() {
    for site in Site::both().await {
        let events = random_events(&mut Dice(7), 0, 2_000);
        let (lake, writer) = filled(&site, options(), &events[..1_900], 6).await;
        writer.hand_over(handover(6, 7, events[1_900..].to_vec())).unwrap();
        let expected = modelled(&events, &everything());
        let pinned = lake.snapshot();
        assert_eq!(scanned(&pinned, everything()).await, expected);
        let done = lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
        assert_eq!((done.files_replaced, done.files_written), (24, 32));
        assert_eq!(lake.snapshot().files(Dataset::Events).0, 32);
        assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
        lake.vacuum().await.unwrap();
        assert_eq!(scanned(&pinned, everything()).await, expected, "files of a snapshot stay");
        drop(pinned);
        assert_eq!(lake.vacuum().await.unwrap().files_deleted, 24);
        let unsorted =
            "SELECT count(*) FROM (SELECT bucket, party_no % 8 AS b FROM events) WHERE bucket <> b";
        assert_eq!(rows(&lake.snapshot(), unsorted, Limits::default()).await.unwrap(), [[Cell::Integer(0)]]);
        assert_eq!(
            scanned(&site.open().await.snapshot(), everything()).await,
            modelled(&events[..1_900], &everything())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_week_is_compacted_in_steps_and_a_closed_one_once() {
    let site = Site::disk();
    let clock = Arc::new(TestClock::default());
    let now = kernel::time::Clock::now(&*clock).0;
    let policy = Policy { flushed_max: 2, compacted_max: 2, ..Policy::default() };
    let (lake, _) = site.open_with(Options { buckets: 1, clock: clock.clone(), ..options() }).await;
    let writer = lake.writer().await.unwrap();
    let mut position = 0;
    let mut files = Vec::new();
    for _ in 0..4 {
        for _ in 0..3 {
            let events = vec![event(position, 1, "a", now, "{}")];
            writer.hand_over(handover(position, position + 1, events)).unwrap();
            writer.flush().await.unwrap();
            position += 1;
        }
        lake.maintain(&policy).await.unwrap();
        files.push(lake.snapshot().files(Dataset::Events).0);
    }
    assert_eq!(files, [1, 2, 1, 2], "two compacted files and the next become one");
    clock.forward(9 * DAY);
    lake.maintain(&policy).await.unwrap();
    assert_eq!(lake.snapshot().files(Dataset::Events).0, 1);
    assert_eq!(lake.maintain(&policy).await.unwrap().files_written, 0, "once");
    writer.hand_over(handover(position, position + 1, vec![event(99, 1, "late", now, "{}")])).unwrap();
    writer.flush().await.unwrap();
    lake.maintain(&policy).await.unwrap();
    assert_eq!((lake.snapshot().files(Dataset::Events).0, count(&lake.snapshot()).await), (1, 13));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_from_answers_buffers_files_and_after_vacuum_from_the_disk() {
    for site in Site::both().await {
        let mut events = random_events(&mut Dice(8), 0, 600);
        for e in events.iter_mut().filter(|e| e.party.0 == 7) {
            e.properties = r#"{"coupon":"needle-in-the-lake"}"#.into();
        }
        let (lake, writer) = filled(&site, options(), &events[..400], 3).await;
        lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
        writer.hand_over(handover(3, 4, events[400..500].to_vec())).unwrap();
        writer.flush().await.unwrap();
        writer.hand_over(handover(4, 5, events[500..].to_vec())).unwrap();
        let left: Vec<Event> = events.iter().filter(|e| e.party.0 != 7).cloned().collect();
        let expected = modelled(&left, &everything());
        lake.suppress(&[NodeNo(70)]);
        assert_eq!(scanned(&lake.snapshot(), everything()).await, expected, "suppressed at once");
        assert_eq!(count(&lake.snapshot()).await, left.len() as i64);
        let done = lake.erase(&[NodeNo(70)]).await.unwrap();
        assert!(done.files_replaced > 0);
        assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
        writer.flush().await.unwrap();
        lake.vacuum().await.unwrap();
        for path in site.files(".parquet") {
            let file = std::fs::File::open(&path).unwrap();
            let rows = columnar::open(file).unwrap();
            for row in rows {
                assert!(!format!("{:?}", row.unwrap()).contains("needle"), "{}", path.display());
            }
        }
        let again = site.open().await;
        assert_eq!(scanned(&again.snapshot(), everything()).await, expected);
        assert_eq!(again.erase(&[NodeNo(70)]).await.unwrap(), Done::default(), "nothing is left to do");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_bounds_the_log_and_delta_rs_reads_the_same_table() {
    for site in Site::both().await {
        let clock = Arc::new(TestClock::default());
        let events = random_events(&mut Dice(9), 0, 80);
        let (lake, writer) = filled(&site, Options { clock: clock.clone(), ..options() }, &events, 40).await;
        let policy = Policy { flushed_max: 1_000, week_closed_after: i64::MAX / 2, ..Policy::default() };
        assert!(lake.maintain(&policy).await.unwrap().has_checkpoint);
        assert!(!lake.maintain(&policy).await.unwrap().has_checkpoint, "none is due");
        writer.hand_over(handover(40, 41, vec![event(1_000, 1, "a", MONDAY, "{}")])).unwrap();
        writer.flush().await.unwrap();
        let again = site.open().await;
        assert_eq!(count(&again.snapshot()).await, 81);
        assert_eq!(again.writer().await.unwrap().position(0), Some(41), "positions are in the checkpoint");
        let address = url::Url::parse("memory:///events").unwrap();
        let builder = DeltaTableBuilder::from_url(address.clone()).unwrap();
        let delta = builder.with_storage_backend(site.place.open().unwrap(), address).load().await.unwrap();
        let state = delta.snapshot().unwrap();
        let rows: usize = state.log_data().iter().map(|file| file.num_records().unwrap()).sum();
        assert_eq!((state.version(), rows), (again.snapshot().version(Dataset::Events).unsigned_abs(), 81));
        let position = state.transaction_version(delta.log_store().as_ref(), "headwater/0").await.unwrap();
        assert_eq!(position, Some(41));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_commits_leave_the_log_once_a_checkpoint_holds_them() {
    let site = Site::disk();
    let clock = Arc::new(TestClock::default());
    let events = random_events(&mut Dice(10), 0, 100);
    let (lake, writer) = filled(&site, Options { clock: clock.clone(), ..options() }, &events, 50).await;
    let policy = Policy { flushed_max: 1_000, week_closed_after: i64::MAX / 2, ..Policy::default() };
    let commits =
        || site.files(".json").iter().filter(|p| p.to_string_lossy().contains("events/_delta_log")).count();
    let before = commits();
    clock.forward(DAY + HOUR);
    assert!(lake.maintain(&policy).await.unwrap().has_checkpoint);
    assert!(commits() < before / 10, "{} of {before} commits are left", commits());
    writer.hand_over(handover(50, 51, vec![event(1_000, 1, "a", MONDAY, "{}")])).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(count(&site.open().await.snapshot()).await, 101);
}
