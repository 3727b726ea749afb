//! SQL: agrees with the model over files and buffers, and nothing but one bounded SELECT gets through.

use std::time::Duration;

use kernel::Instant;
use tokio_util::sync::CancellationToken;

use super::support::*;
use crate::*;

async fn lake(site: &Site) -> (Lake, Vec<Event>) {
    let events = random_events(&mut Dice(11), 0, 500);
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    writer.hand_over(handover(0, 1, events[..300].to_vec())).unwrap();
    writer.flush().await.unwrap();
    lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
    writer.hand_over(handover(1, 2, events[300..400].to_vec())).unwrap();
    writer.flush().await.unwrap();
    writer.hand_over(handover(2, 3, events[400..].to_vec())).unwrap();
    (lake, events)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_reads_files_and_buffers_with_every_filter_alike() {
    for site in Site::both().await {
        let (lake, events) = lake(&site).await;
        let snapshot = lake.snapshot();
        let number = async |sql: &str| match rows(&snapshot, sql, Limits::default()).await.unwrap()[0][0] {
            Cell::Integer(n) => n as usize,
            ref other => panic!("{other:?}"),
        };
        let counted = |test: &dyn Fn(&Event) -> bool| events.iter().filter(|e| test(e)).count();
        let week = MONDAY + 7 * kernel::time::DAY;
        assert_eq!(
            number("SELECT count(*) FROM events WHERE time >= '2026-11-09T00:00:00Z'").await,
            counted(&|e| e.time >= Instant(week))
        );
        assert_eq!(
            number("SELECT count(*) FROM events WHERE week = '2026-11-02'").await,
            counted(&|e| e.time < Instant(week))
        );
        assert_eq!(
            number("SELECT count(*) FROM events WHERE bucket = 3 AND event = 'page_view'").await,
            counted(&|e| e.party.0 % 8 == 3 && &*e.event == "page_view")
        );
        assert_eq!(number("SELECT count(DISTINCT party_no) FROM events WHERE party_no < 20").await, 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_have_the_types_of_their_columns() {
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    let one = event(1, 5, "order_completed", MONDAY + 1, r#"{"total":12.34,"sku":"x"}"#);
    writer.hand_over(handover(0, 1, vec![one.clone()])).unwrap();
    for _ in 0..2 {
        let mut answer = lake
            .snapshot()
            .query("SELECT * FROM events", Limits::default(), Default::default())
            .await
            .unwrap();
        let page = answer.next().await.unwrap().unwrap();
        let columns =
            "bucket event party_no time node_no total sku channel source event_id context properties week";
        assert_eq!(answer.columns(), columns.split(' ').collect::<Vec<_>>());
        let text = |t: &str| Cell::Text(t.into());
        let expected = vec![
            Cell::Integer(5),
            text("order_completed"),
            Cell::Integer(5),
            Cell::Time(Instant(MONDAY + 1)),
            Cell::Integer(50),
            Cell::Decimal("12.3400".into()),
            text("x"),
            text("web"),
            text("shop"),
            Cell::Bytes(one.key.0.to_vec()),
            text(&one.context),
            text(&one.properties),
            text("2026-11-02"),
        ];
        assert_eq!(page, [expected]);
        assert!(answer.next().await.unwrap().is_none() && !answer.is_cut());
        writer.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_but_one_select_over_the_tables_is_refused() {
    let site = Site::disk();
    let (lake, _) = lake(&site).await;
    for sql in [
        "",
        "DELETE FROM events",
        "DROP TABLE events",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "COPY events TO '/tmp/x.parquet'",
        "INSERT INTO events SELECT * FROM events",
        "SET a.b = 1",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/etc/passwd'",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "SELECT * INTO x FROM events",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "SELECT nothing FROM events",
        "SELECT * FROM other",
        "SELEKT",
    ] {
        let answer = rows(&lake.snapshot(), sql, Limits::default()).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{sql}: {answer:?}");
    }
    let with = "WITH e AS (SELECT party_no FROM events) SELECT count(*) FROM e UNION ALL SELECT 1";
    assert_eq!(rows(&lake.snapshot(), with, Limits::default()).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_memory_and_time_are_limited_and_a_query_can_be_cancelled() {
    let site = Site::disk();
    let (lake, _) = lake(&site).await;
    let snapshot = lake.snapshot();
    for (limit, is_cut) in [(10, true), (500, false)] {
        let limits = Limits { rows: limit, ..Limits::default() };
        let mut answer = snapshot.query("SELECT * FROM events", limits, Default::default()).await.unwrap();
        let mut count = 0;
        while let Some(page) = answer.next().await.unwrap() {
            count += page.len();
        }
        assert_eq!((count, answer.is_cut()), (limit, is_cut));
    }
    let heavy =
        "SELECT a.event_id, count(*) FROM events a, events b, events c, events d GROUP BY 1 ORDER BY 2";
    let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
    assert!(matches!(
        rows(&snapshot, heavy, limits).await,
        Err(Error::Limit { limit: "milliseconds of a query", .. })
    ));
    let wide = "SELECT DISTINCT a.event_id, b.event_id FROM events a, events b";
    let limits = Limits { memory_bytes: 100_000, ..Limits::default() };
    let answer = rows(&snapshot, wide, limits).await;
    assert!(matches!(answer, Err(Error::Limit { limit: "bytes of memory of a query", .. })), "{answer:?}");
    let cancel = CancellationToken::new();
    let mut answer = snapshot.query(heavy, Limits::default(), cancel.clone()).await.unwrap();
    cancel.cancel();
    assert!(matches!(answer.next().await, Err(Error::Cancelled)));
}
