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
    for sql in attacks() {
        let answer = rows(&lake.snapshot(), &sql, Limits::default()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn no_expression_reaches_behind_what_json_columns_are_shown_as() {
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    let secret = event(1, 5, "order_completed", MONDAY + 1, r#"{"email":"wang@example.com","total":5}"#);
    let plain = event(2, 6, "order_completed", MONDAY + 2, r#"{"total":6}"#);
    writer.hand_over(handover(0, 1, vec![secret, plain])).unwrap();
    let hide = Hide::new(|text| text.replace("wang@example.com", "w***"));
    for is_flushed in [false, true] {
        if is_flushed {
            writer.flush().await.unwrap();
        }
        for (sql, expected) in [
            ("SELECT count(*) FROM events WHERE properties LIKE '%wang@%'", 0),
            ("SELECT count(*) FROM events WHERE strpos(properties, 'wang@') > 0", 0),
            ("SELECT count(*) FROM events e WHERE e.properties LIKE '%w***%'", 1),
            ("SELECT count(*) FROM (SELECT max(properties) AS p FROM events) WHERE p LIKE '%example%'", 0),
            ("SELECT count(*) FROM events a JOIN events b ON a.properties = b.properties", 2),
            ("SELECT count(*) FROM events WHERE total = 5", 1),
        ] {
            let mut answer = lake
                .snapshot()
                .query_with(sql, Limits::default(), Some(hide.clone()), Default::default())
                .await
                .unwrap();
            let page = answer.next().await.unwrap().unwrap();
            assert_eq!(page, [vec![Cell::Integer(expected)]], "{sql}, flushed: {is_flushed}");
        }
    }
}

/// Statements that try to write, to look outside, or to run something else.
fn attacks() -> Vec<String> {
    let plain = [
        "",
        ";",
        "SELEKT",
        "SELECT nothing FROM events",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE events",
        "SELECT * INTO x FROM events",
        "SELECT * FROM events FOR UPDATE",
        "WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO events VALUES (1) RETURNING *) SELECT * FROM x",
        "DELETE FROM events",
        "DELETE FROM events WHERE 1 = 1",
        "UPDATE events SET event = 'x'",
        "TRUNCATE TABLE events",
        "INSERT INTO events SELECT * FROM events",
        "INSERT INTO parties VALUES (1, 'x', now(), now(), '{}')",
        "MERGE INTO events USING parties ON true WHEN MATCHED THEN DELETE",
        "CREATE TABLE x AS SELECT 1",
        "CREATE TABLE x (a int)",
        "CREATE VIEW x AS SELECT 1",
        "CREATE OR REPLACE VIEW events AS SELECT 1",
        "CREATE SCHEMA x",
        "CREATE DATABASE x",
        "CREATE INDEX x ON events (time)",
        "CREATE FUNCTION f() RETURNS int RETURN 1",
        "CREATE ROLE x",
        "CREATE USER x",
        "ALTER TABLE events ADD COLUMN x int",
        "ALTER TABLE events RENAME TO x",
        "DROP TABLE events",
        "DROP VIEW events",
        "DROP SCHEMA public CASCADE",
        "DROP FUNCTION count",
        "GRANT ALL ON events TO public",
        "REVOKE ALL ON events FROM public",
        "SET a.b = 1",
        "SET datafusion.execution.target_partitions = 64",
        "SET datafusion.catalog.information_schema = true",
        "RESET a.b",
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "DEALLOCATE x",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH NEXT FROM c",
        "CALL f()",
        "DO 'x'",
        "USE x",
        "KILL 1",
        "VACUUM",
        "ANALYZE TABLE events COMPUTE STATISTICS",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT * FROM events",
        "EXPLAIN VERBOSE SELECT 1",
        "DESCRIBE events",
        "SHOW TABLES",
        "SHOW COLUMNS FROM events",
        "SHOW CREATE TABLE events",
        "SHOW ALL",
        "SHOW FUNCTIONS",
        "LISTEN x",
        "NOTIFY x",
        "LOAD 'x'",
        "ATTACH 'x' AS y",
        "INSTALL httpfs",
        "PRAGMA table_info(events)",
        "LOCK TABLE events",
        "COMMENT ON TABLE events IS 'x'",
        "CACHE TABLE events",
        "REFRESH TABLE events",
        "FLUSH TABLES",
        "MSCK REPAIR TABLE events",
        "UNLOAD (SELECT 1) TO '/tmp/x'",
        "COPY events TO STDOUT",
        "COPY events FROM STDIN",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "LATERAL VIEW",
        "VALUES (1); VALUES (2)",
    ];
    let places = [
        "/etc/passwd",
        "/etc/shadow",
        "file:///etc/passwd",
        "../lake/1/events",
        "lake://workspace/events",
        "s3://bucket/x.parquet",
        "http://127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "gs://bucket/x",
    ];
    let shapes = [
        "SELECT * FROM '{}'",
        r#"SELECT * FROM "{}""#,
        "COPY events TO '{}'",
        "COPY events FROM '{}'",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '{}'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '{}' OPTIONS ('format.has_header' 'true')",
        "SELECT * FROM read_parquet('{}')",
        "SELECT * FROM read_csv('{}')",
        "SELECT * FROM parquet_metadata('{}')",
        "SELECT * FROM url('{}')",
        "SELECT * FROM file('{}')",
    ];
    let others = [
        "other",
        "information_schema.tables",
        "information_schema.columns",
        "information_schema.df_settings",
        "information_schema.views",
        "information_schema.schemata",
        "pg_catalog.pg_class",
        "pg_catalog.pg_authid",
        "sqlite_master",
        "system.tables",
        "datafusion.information_schema.tables",
        "datafusion.other.events",
        "other.public.events",
        "public.audience",
        "public.token",
        "workspace",
        "audit",
        "timeline",
        "node",
        "trait_fact",
    ];
    let functions = [
        "pg_read_file('/etc/passwd')",
        "lo_import('/etc/passwd')",
        "readfile('/etc/passwd')",
        "load_extension('x')",
        "dblink('x')",
        "current_setting('x')",
        "set_config('a', 'b', false)",
        "pg_sleep(100)",
        "sleep(100)",
        "getenv('HOME')",
        "system('id')",
        "shell('id')",
        "xp_cmdshell('id')",
        "http_get('http://127.0.0.1')",
        "shown(properties)",
        "mask(properties)",
    ];
    let mut all: Vec<String> = plain.iter().map(|sql| (*sql).to_owned()).collect();
    all.extend(shapes.iter().flat_map(|shape| places.iter().map(|place| shape.replace("{}", place))));
    all.extend(others.iter().map(|table| format!("SELECT * FROM {table}")));
    all.extend(others.iter().map(|table| format!("SELECT count(*) FROM events, {table}")));
    all.extend(functions.iter().map(|call| format!("SELECT {call} FROM events")));
    assert!(all.len() >= 230, "{}", all.len());
    all
}
