use std::sync::Arc;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_column_of_one_kind_comes_typed_and_without_keys_unless_asked() {
    struct Check;
    impl Visitor for Check {
        fn party(&mut self, _: PartyNo, runs: &[Run<'_>]) {
            assert!(runs[0].keys.is_empty());
            assert!(matches!(runs[0].column(0), Slice::Decimals { scale: 4, .. }));
            assert!(matches!(runs[0].column(1), Slice::Texts { .. }));
            assert!(matches!(runs[0].column(2), Slice::Texts { words: [word], .. } if &**word == "web"));
        }
        fn end(self: Box<Self>) {}
    }
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for i in 0..20 {
        let one = event(i, 1, "order_completed", MONDAY + i as i64, r#"{"total":1.25,"coupon":"a"}"#);
        writer.hand_over(handover(i, i + 1, vec![one])).unwrap();
        if i % 7 == 0 {
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();
    let columns = ["total", "coupon", "$channel"].map(str::to_owned).to_vec();
    let wanted = WantedEvent { event: Some(Arc::from("order_completed")), columns };
    let wanted = Wanted { events: vec![wanted], ..Wanted::default() };
    lake.snapshot().scan(wanted, &|_| Box::new(Check)).await.unwrap();
}
