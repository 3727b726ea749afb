//! The write path: visible at once, exactly once after any crash, one writer.

use super::support::*;
use crate::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_visible_at_once_and_once_after_every_step() {
    for site in Site::both().await {
        let lake = site.open().await;
        let writer = lake.writer().await.unwrap();
        let mut dice = Dice(1);
        let events = random_events(&mut dice, 0, 300);
        for (i, part) in (0..).zip(events.chunks(100)) {
            writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
        }
        assert_eq!(count(&lake.snapshot()).await, 300);
        assert_eq!(writer.waiting().rows, 300);
        let version = writer.flush().await.unwrap().unwrap();
        assert_eq!(writer.flush().await.unwrap(), None);
        assert_eq!(lake.snapshot().version(Dataset::Events), version);
        assert_eq!(
            (lake.snapshot().files(Dataset::Events).0, writer.waiting().rows),
            (4, 0),
            "one file per week"
        );
        let before = lake.snapshot();
        writer.hand_over(handover(3, 4, vec![event(900, 1, "late", MONDAY, "{}")])).unwrap();
        assert_eq!(
            (count(&before).await, count(&lake.snapshot()).await),
            (300, 301),
            "a snapshot stands still"
        );
        writer.flush().await.unwrap();
        assert_eq!((count(&before).await, count(&lake.snapshot()).await), (300, 301));
        assert_eq!(site.files("week=2026-11-02").len(), 0);
        assert!(site.files(".parquet").iter().all(|p| p.to_string_lossy().contains("week=2026-11-")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_table_says_from_where_to_hand_over_again() {
    for site in Site::both().await {
        let events = random_events(&mut Dice(2), 0, 90);
        {
            let lake = site.open().await;
            let writer = lake.writer().await.unwrap();
            assert_eq!(writer.position(0), None);
            writer.hand_over(handover(100, 130, events[..30].to_vec())).unwrap();
            writer.flush().await.unwrap();
            writer.hand_over(handover(130, 160, events[30..60].to_vec())).unwrap();
            assert_eq!((writer.position(0), writer.committed(0)), (Some(160), Some(130)));
        }
        let lake = site.open().await;
        let writer = lake.writer().await.unwrap();
        assert_eq!((writer.position(0), count(&lake.snapshot()).await), (Some(130), 30));
        let again = handover(100, 130, events[..30].to_vec());
        assert_eq!(writer.hand_over(again).unwrap(), Taken::Known);
        for wrong in [handover(140, 160, Vec::new()), handover(120, 160, Vec::new())] {
            assert!(matches!(writer.hand_over(wrong), Err(Error::Gap { known: 130, .. })));
        }
        assert_eq!(writer.hand_over(handover(130, 190, events[30..].to_vec())).unwrap(), Taken::New);
        writer.flush().await.unwrap();
        assert_eq!(count(&lake.snapshot()).await, 90);
        assert_eq!(scanned(&lake.snapshot(), everything()).await, modelled(&events, &everything()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_writer_is_told_at_its_next_commit_and_nothing_is_twice() {
    for site in Site::both().await {
        let old = site.open().await;
        let old_writer = old.writer().await.unwrap();
        old_writer.hand_over(handover(0, 1, vec![event(1, 1, "a", MONDAY, "{}")])).unwrap();
        let new = site.open().await;
        // Between the new one's opening and its claim the old one still commits.
        old_writer.flush().await.unwrap();
        let new_writer = new.writer().await.unwrap();
        assert_eq!(new_writer.position(0), Some(1));
        let second = vec![event(2, 1, "a", MONDAY, "{}")];
        old_writer.hand_over(handover(1, 2, second.clone())).unwrap();
        new_writer.hand_over(handover(1, 2, second)).unwrap();
        assert!(matches!(old_writer.flush().await, Err(Error::Fenced { .. })));
        assert!(matches!(old_writer.flush().await, Err(Error::Fenced { .. })), "for good");
        assert!(matches!(old.append(Dataset::Messages, &[]).await, Err(Error::Fenced { .. })));
        new_writer.flush().await.unwrap();
        assert_eq!(count(&new.snapshot()).await, 2);
        assert_eq!(count(&site.open().await.snapshot()).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_column_that_cannot_hold_a_value_changes_no_answer() {
    let site = Site::disk();
    let properties =
        [r#"{"total":12.5}"#, r#"{"total":"many"}"#, r#"{"total":0.00001}"#, r#"{"total":1e3}"#, "{}"];
    let events: Vec<Event> =
        (0..).zip(properties).map(|(i, p)| event(i, 1, "order_completed", MONDAY + i as i64, p)).collect();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    writer.hand_over(handover(0, 1, events.clone())).unwrap();
    let expected = modelled(&events, &everything());
    assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
    writer.flush().await.unwrap();
    assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
    let sql = "SELECT total FROM events WHERE total IS NOT NULL";
    let held = rows(&lake.snapshot(), sql, Limits::default()).await.unwrap();
    assert_eq!(held, [[Cell::Decimal("12.5000".into())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_column_can_be_added_later_and_never_change_its_type() {
    let site = Site::disk();
    let events = random_events(&mut Dice(3), 0, 100);
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    writer.hand_over(handover(0, 1, events[..50].to_vec())).unwrap();
    writer.flush().await.unwrap();
    let mut wider = options();
    wider.hot.push(Column::new("coupon", Kind::Text));
    let (lake, _) = site.open_with(wider.clone()).await;
    let writer = lake.writer().await.unwrap();
    writer.hand_over(handover(1, 2, events[50..].to_vec())).unwrap();
    writer.flush().await.unwrap();
    let expected = modelled(&events, &everything());
    assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
    lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
    assert_eq!(scanned(&lake.snapshot(), everything()).await, expected);
    let filled = rows(&lake.snapshot(), "SELECT count(coupon) FROM events", Limits::default()).await.unwrap();
    let with_coupon = events.iter().filter(|e| e.properties.contains("coupon")).count() as i64;
    assert_eq!(filled, [[Cell::Integer(with_coupon)]], "compaction fills what older files lacked");
    assert_eq!(site.open().await.hot(), lake.hot(), "opened with fewer, it keeps all");
    let mut other = options();
    other.hot = vec![Column::new("coupon", Kind::Boolean)];
    assert!(matches!(Lake::open(&site.place, other).await, Err(Error::Refused(_))));
    for name in ["time", "Total", "a b", "week"] {
        let hot = vec![Column::new(name, Kind::Text)];
        let bad = Options { hot, ..options() };
        assert!(matches!(Lake::open(&Site::disk().place, bad).await, Err(Error::Refused(_))), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tables_take_rows_and_replacements() {
    for site in Site::both().await {
        let lake = site.open().await;
        lake.writer().await.unwrap();
        let node = |no: i64| {
            vec![
                Cell::Integer(no),
                Cell::Integer(1),
                Cell::Text("email".into()),
                Cell::Null,
                Cell::Null,
                Cell::Bytes(vec![1]),
            ]
        };
        lake.append(Dataset::Nodes, &[node(1), node(2)]).await.unwrap();
        lake.append(Dataset::Nodes, &[node(3)]).await.unwrap();
        let sql = "SELECT sum(node_no) FROM nodes";
        assert_eq!(rows(&lake.snapshot(), sql, Limits::default()).await.unwrap(), [[Cell::Integer(6)]]);
        lake.replace(Dataset::Nodes, &[node(5)]).await.unwrap();
        assert_eq!(rows(&lake.snapshot(), sql, Limits::default()).await.unwrap(), [[Cell::Integer(5)]]);
        for again in [Taken::New, Taken::Known] {
            assert_eq!(lake.append_at(Dataset::Nodes, &[node(6)], 0, 10).await.unwrap(), again);
        }
        assert_eq!(lake.position(Dataset::Nodes, 0), Some(10));
        lake.maintain(&Policy { flushed_max: 1, ..Policy::default() }).await.unwrap();
        assert_eq!(lake.snapshot().files(Dataset::Nodes).0, 1, "small files are joined");
        assert_eq!(rows(&lake.snapshot(), sql, Limits::default()).await.unwrap(), [[Cell::Integer(11)]]);
        let wrong = lake.append(Dataset::Nodes, &[vec![Cell::Null]]).await;
        assert!(matches!(wrong, Err(Error::Refused(_))));
        assert_eq!(site.open().await.snapshot().rows(Dataset::Nodes), 2);
    }
}
