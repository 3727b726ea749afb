//! Tables are ordinary: other engines open them and count what we count.
//!
//! `HEADWATER_LAKE_ENGINES` names a Python with the packages that `tests/engines.py` lists. Without
//! it the table is only read back by ourselves; delta-rs reads one in every run (`maintaining`).

use kernel::time::DAY;

use super::support::*;
use crate::*;

#[tokio::test(flavor = "multi_thread")]
async fn other_engines_count_what_we_count() {
    let site = Site::disk();
    let events = random_events(&mut Dice(13), 0, 3_000);
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for (i, part) in (0..).zip(events.chunks(75)) {
        writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
        writer.flush().await.unwrap();
        if i == 20 {
            // Old files, new files, a checkpoint and commits after it.
            let done = lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
            assert!(done.files_written > 0);
        }
        if i == 35 {
            lake.maintain(&Policy {
                flushed_max: 1_000,
                week_closed_after: i64::MAX / 2,
                ..Policy::default()
            })
            .await
            .unwrap();
        }
    }
    assert!(!site.files("events/_delta_log/_last_checkpoint").is_empty());
    let sql =
        "SELECT count(*), sum(total), min(time), count(*) FILTER (WHERE week = '2026-11-09') FROM events";
    let ours = rows(&lake.snapshot(), sql, Limits::default()).await.unwrap().remove(0);
    let first = events.iter().map(|e| e.time).min().unwrap();
    let of_week = events.iter().filter(|e| (7..14).contains(&((e.time.0 - MONDAY) / DAY))).count() as i64;
    assert_eq!(
        (&ours[0], &ours[2], &ours[3]),
        (&Cell::Integer(3_000), &Cell::Time(first), &Cell::Integer(of_week))
    );
    let Cell::Decimal(total) = &ours[1] else { panic!("{ours:?}") };
    let Some(python) = std::env::var_os("HEADWATER_LAKE_ENGINES") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engines.py");
    let output = std::process::Command::new(python).arg(script).arg(lake.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = ["delta-rs", "polars", "clickhouse"]
        .map(|name| format!("{name} 3000 {total} {} {of_week}\n", first.0));
    assert_eq!(printed, expected.concat());
}
