//! Rows that belong to somebody else by now.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::time::DAY;
use kernel::{Instant, Key, NodeNo, PartyNo};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::support::*;
use crate::*;

/// Who has an event by now: some of `moved` have changed hands, some of these only since a certain day.
fn owner(moved: &RoaringBitmap, party: PartyNo, time: Instant) -> PartyNo {
    let is_late = time.0 >= MONDAY + 10 * DAY;
    match party.0 {
        no if !moved.contains(no) || no % 3 == 0 || (no % 3 == 1 && !is_late) => party,
        no => PartyNo((no * 7 + 3) % 41),
    }
}

/// Answers what [`owner`] says, and remembers how often it was asked about whom.
fn owners(events: &[Event], moved: &RoaringBitmap, asked: &Arc<Mutex<Vec<NodeNo>>>) -> Owners {
    let by_place: HashMap<(NodeNo, Instant), PartyNo> =
        events.iter().map(|e| ((e.node, e.time), owner(moved, e.party, e.time))).collect();
    let asked = asked.clone();
    Arc::new(move |rows| {
        asked.lock().extend(rows.iter().map(|(node, _)| *node));
        Ok(rows.iter().map(|row| by_place[row]).collect())
    })
}

fn own_nodes(mut events: Vec<Event>) -> Vec<Event> {
    // A node of their own for each, so that a row is found by it.
    for event in &mut events {
        event.node = NodeNo(u64::from_le_bytes(event.key.0[..8].try_into().unwrap()) >> 1);
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn after_restamping_every_row_is_under_the_number_and_in_the_bucket_of_whom_it_belongs_to() {
    for site in Site::both().await {
        let events = own_nodes(random_events(&mut Dice(21), 0, 1_500));
        let keys: HashMap<Key, ()> = events.iter().map(|e| (e.key, ())).collect();
        assert_eq!(keys.len(), events.len());
        let (lake, _) = site.open_with(options()).await;
        let writer = lake.writer().await.unwrap();
        for (i, part) in (0..).zip(events.chunks(400)) {
            writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
            writer.flush().await.unwrap();
            if i == 1 {
                lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
            }
        }
        let moved: RoaringBitmap = (0..40).filter(|no| no % 5 < 2).collect();
        let asked = Arc::default();
        let pinned = lake.snapshot();
        let done = lake.restamp(&moved, &owners(&events, &moved, &asked)).await.unwrap();
        let after: Vec<Event> =
            events.iter().map(|e| Event { party: owner(&moved, e.party, e.time), ..e.clone() }).collect();
        let strays = events.iter().zip(&after).filter(|(a, b)| a.party != b.party).count();
        assert_eq!(done.rows_restamped, strays as u64);
        assert_eq!(asked.lock().len(), events.iter().filter(|e| moved.contains(e.party.0)).count());
        assert_eq!(scanned(&lake.snapshot(), everything()).await, modelled(&after, &everything()));
        assert_eq!(
            scanned(&pinned, everything()).await,
            modelled(&events, &everything()),
            "a snapshot stays"
        );
        let misplaced =
            "SELECT count(*) FROM (SELECT bucket, party_no % 8 AS b FROM events) WHERE bucket <> b";
        assert_eq!(rows(&lake.snapshot(), misplaced, Limits::default()).await.unwrap(), [[Cell::Integer(0)]]);
        let again = lake.restamp(&moved, &owners(&after, &RoaringBitmap::new(), &asked)).await.unwrap();
        assert_eq!(again, Done::default(), "nothing is left to do");
        drop(pinned);
        assert_eq!(
            scanned(&site.open().await.snapshot(), everything()).await,
            modelled(&after, &everything())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_in_which_nobody_moved_are_not_rewritten() {
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    let at = |day: i64| MONDAY + day * DAY;
    let events = own_nodes(vec![
        event(1, 1, "page_view", at(0), "{}"),
        event(2, 4, "page_view", at(0), "{}"),
        event(3, 4, "page_view", at(12), "{}"),
        event(4, 2, "page_view", at(20), "{}"),
    ]);
    writer.hand_over(handover(0, 1, events.clone())).unwrap();
    writer.flush().await.unwrap();
    let moved: RoaringBitmap = [1, 4].into_iter().collect();
    let done = lake.restamp(&moved, &owners(&events, &moved, &Arc::default())).await.unwrap();
    assert_eq!((done.rows_restamped, done.files_replaced, done.files_written), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn if_owners_cannot_be_told_nothing_changes() {
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    let events = random_events(&mut Dice(5), 0, 200);
    writer.hand_over(handover(0, 1, events.clone())).unwrap();
    writer.flush().await.unwrap();
    let moved: RoaringBitmap = (0..40).collect();
    let unreachable: Owners = Arc::new(|_| Err("the store does not answer".to_owned()));
    let failed = lake.restamp(&moved, &unreachable).await.unwrap_err();
    assert!(failed.to_string().contains("the store does not answer"), "{failed}");
    let short: Owners = Arc::new(|rows| Ok(vec![PartyNo(9); rows.len() - 1]));
    lake.restamp(&moved, &short).await.unwrap_err();
    assert_eq!(scanned(&lake.snapshot(), everything()).await, modelled(&events, &everything()));
}
