//! Scans: agree with the model whatever lies in files or buffers, in the types rules read fastest.

use std::sync::Arc;

use criteria::column::{Timeline, Values};
use criteria::path::Path;
use kernel::time::DAY;
use kernel::{Instant, PartyNo};

use super::support::*;
use crate::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_scan_agrees_with_the_model_whatever_lies_in_files_or_buffers() {
    for seed in 0..12 {
        let mut dice = Dice(1_000 + seed);
        let site = Site::disk();
        let (lake, _) = site.open_with(Options { buckets: 1 + dice.below(9) as u32, ..options() }).await;
        let writer = lake.writer().await.unwrap();
        let mut all = Vec::new();
        for position in 0..8 {
            let count = dice.below(120);
            let events = random_events(&mut dice, position * 1_000, count);
            all.extend(events.iter().cloned());
            writer.hand_over(handover(position, position + 1, events)).unwrap();
            match dice.below(4) {
                0 => drop(writer.flush().await.unwrap()),
                1 => {
                    writer.flush().await.unwrap();
                    let flushed_max = dice.below(3) as usize;
                    lake.maintain(&Policy { flushed_max, ..Policy::default() }).await.unwrap();
                }
                _ => {}
            }
            let alone = vec![PartyNo(dice.below(45) as u32)];
            let all_of_one = Wanted { parties: Some(alone), ..everything() };
            let newest = 1 + dice.below(6) as usize;
            let wanted = Wanted { newest: Some(newest), ..all_of_one.clone() };
            assert_eq!(
                last_of_each_event(scanned(&lake.snapshot(), wanted).await, newest),
                last_of_each_event(modelled(&all, &all_of_one), newest),
                "the newest {newest}, seed {seed}"
            );
            let from = MONDAY + dice.below(28) as i64 * DAY;
            let parties: Vec<PartyNo> = (0..dice.below(20)).map(|_| PartyNo(dice.below(45) as u32)).collect();
            let wanted = Wanted {
                from: (dice.below(2) == 0).then_some(Instant(from)),
                until: (dice.below(2) == 0).then_some(Instant(from + 9 * DAY + 1)),
                parties: (dice.below(2) == 0).then_some(parties),
                ..everything()
            };
            assert_eq!(
                scanned(&lake.snapshot(), wanted.clone()).await,
                modelled(&all, &wanted),
                "seed {seed}"
            );
        }
    }
}

/// Of the rows of one party, the last ones of each event.
fn last_of_each_event(rows: Vec<String>, count: usize) -> Vec<String> {
    let name = |row: &String| row.split(' ').nth(1).unwrap_or_default().to_owned();
    let events = rows.chunk_by(|a, b| name(a) == name(b));
    events.flat_map(|rows| rows[rows.len().saturating_sub(count)..].to_vec()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_one_kind_come_typed() {
    struct Check;
    fn values<'r>(runs: &'r Runs<'_>, column: usize) -> Values<'r> {
        runs.column(0, column).parts().1
    }
    impl Visitor for Check {
        fn party(&mut self, runs: &Runs<'_>) {
            assert_eq!((runs.count(), runs.times(0).len()), (1, 20));
            assert!(matches!(values(runs, 0), Values::Number { scale: 4, valid: None, .. }));
            assert!(matches!(values(runs, 1), Values::Text { valid: None, .. }));
            assert!(
                matches!(values(runs, 2), Values::Text { dictionary, .. } if dictionary.text(0) == "web")
            );
            assert!(matches!(values(runs, 3), Values::Number { scale: 1, .. }), "numbers in properties too");
        }
        fn end(self: Box<Self>) {}
    }
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for i in 0..20 {
        let one =
            event(i, 1, "order_completed", MONDAY + i as i64, r#"{"total":1.25,"coupon":"a","weight":0.5}"#);
        writer.hand_over(handover(i, i + 1, vec![one])).unwrap();
        if i % 7 == 0 {
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();
    let columns = ["total", "coupon", "$channel", "weight"].map(|path| Path::parse(path).unwrap()).to_vec();
    let wanted = WantedEvent {
        event: Some(Arc::from("order_completed")),
        columns,
        is_keyed: false,
        from: None,
        until: None,
    };
    let wanted = Wanted { events: vec![wanted], ..Wanted::default() };
    lake.snapshot().scan(wanted, &|_| Box::new(Check)).await.unwrap();
}
