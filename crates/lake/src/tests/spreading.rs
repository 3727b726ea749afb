//! A cluster in this process: it answers what the lake answers, and lets nobody in without a pass.

use std::sync::Arc;
use std::time::Duration;

use ::question::{Ask, People, Plan, Question};
use kernel::Instant;
use kernel::time::DAY;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::support::*;
use crate::cluster::{Cluster, Secret, Tally, Worker};
use crate::*;

const ROOT: &str = "ws-1";

fn secret() -> Secret {
    Secret::parse("the secret of all nodes of this test").unwrap()
}

/// Workers over all lakes beside the site's, until the guard goes.
async fn workers(site: &Site, count: usize) -> (Vec<String>, DropGuard) {
    let stop = CancellationToken::new();
    let mut urls = Vec::new();
    let lakes = match &site.place {
        Place::Disk(path) => Place::Disk(path.parent().unwrap().to_owned()),
        Place::Bucket(bucket) => Place::Bucket(Bucket { prefix: "lake".into(), ..bucket.clone() }),
    };
    for _ in 0..count {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        urls.push(format!("http://{}", listener.local_addr().unwrap()));
        let (clock, ids) = (Arc::new(TestClock::default()), Arc::new(Counter));
        let worker = Worker::new(lakes.clone(), secret(), 1 << 28, clock, ids);
        tokio::spawn(worker.serve(listener, stop.clone().cancelled_owned()));
    }
    (urls, stop.drop_guard())
}

fn cluster(urls: &[String], secret: Secret) -> Cluster {
    Cluster::new(urls, secret, Arc::new(TestClock::default())).unwrap().in_parts_of(1)
}

/// Files of both levels and rows that wait.
async fn lake(site: &Site) -> Lake {
    let events = random_events(&mut Dice(31), 0, 900);
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for (position, part) in (0..).zip(events.chunks(300)) {
        writer.hand_over(handover(position, position + 1, part.to_vec())).unwrap();
        if position < 2 {
            writer.flush().await.unwrap();
        }
        if position == 0 {
            lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
        }
    }
    let node = |party: i32| vec![Cell::Integer(i64::from(party) * 10), Cell::Integer(i64::from(party % 7))];
    let rest = [Cell::Text("user_id".into()), Cell::Null, Cell::Null, Cell::Null];
    let nodes: Vec<Vec<Cell>> = (0..40).map(|party| [node(party), rest.to_vec()].concat()).collect();
    lake.append(Dataset::Nodes, &nodes).await.unwrap();
    lake
}

async fn all(mut answer: Answer) -> (Vec<String>, Vec<Vec<Cell>>, bool) {
    let mut rows = Vec::new();
    while let Some(page) = answer.next().await.unwrap() {
        rows.extend(page);
    }
    (answer.columns().to_vec(), rows, answer.is_cut())
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_on_workers_answers_what_it_answers_in_process() {
    for site in Site::both().await {
        let lake = lake(&site).await;
        let (urls, _stop) = workers(&site, 3).await;
        let cluster = cluster(&urls, secret());
        lake.suppress(&[kernel::NodeNo(30), kernel::NodeNo(70)]);
        let snapshot = lake.snapshot();
        let queries = [
            "SELECT count(*) FROM events",
            "SELECT event, week, count(*), count(DISTINCT party_no), sum(total) FROM events GROUP BY 1, 2 ORDER BY 1, 2",
            "SELECT n.party_no, count(*), max(e.time) FROM events e JOIN nodes n ON n.node_no = e.node_no
             WHERE e.event = 'order_completed' AND e.total > 10 GROUP BY 1 ORDER BY 1",
            "SELECT party_no, time, properties FROM events ORDER BY time, event_id LIMIT 7",
            "SELECT party_no, sum(total) OVER (PARTITION BY party_no ORDER BY time, event_id) FROM events ORDER BY 1, 2",
            "SELECT event FROM events EXCEPT SELECT event FROM events WHERE total > 50 ORDER BY 1",
            "SELECT count(*) FROM events WHERE party_no IN (SELECT party_no FROM events WHERE event = 'add_to_cart')",
            "SELECT 1",
        ];
        for query in queries {
            let limits = Limits { rows: 500, ..Limits::default() };
            let here = all(snapshot.query(query, limits, Default::default()).await.unwrap()).await;
            let there = cluster.query(ROOT, &snapshot, query, limits, Default::default()).await.unwrap();
            assert_eq!(all(there).await, here, "{query}");
        }
        let tally = Tally { spread: queries.len() as u64, here: 0, lost: 0 };
        assert_eq!(cluster.tally(), tally);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_on_workers_answer_what_they_answer_in_process() {
    for site in Site::both().await {
        let lake = lake(&site).await;
        let (urls, _stop) = workers(&site, 3).await;
        let cluster = cluster(&urls, secret());
        lake.suppress(&[kernel::NodeNo(30), kernel::NodeNo(70)]);
        let snapshot = lake.snapshot();
        let people = Arc::new(People { everybody: Some(Arc::new((0..50).collect())), ..People::default() });
        let asks = [
            r#"{"members":{"event":"order_completed","op":"gte","value":2,"window":{"last":"14d"}}}"#,
            r#"{"members":{"event":"order_completed","op":"eq","value":0}}"#,
            r#"{"funnel":{"steps":["page_view","add_to_cart","order_completed"],"within":"24h","by":"$channel"}}"#,
            r#"{"retention":{"first":"page_view","again":"order_completed","window":{"from":"2026-10-28T00:00:00Z"}}}"#,
            r#"{"absence":{"event":"add_to_cart","without":"order_completed","within":"24h","window":{"last":"14d"}}}"#,
            r#"{"rfm":{"order":"order_completed","amount":"total"}}"#,
            r#"{"top":{"event":"order_completed","item":"sku","value":"total","window":{"last":"20d"}}}"#,
        ];
        for (number, ask) in asks.iter().enumerate() {
            let ask: Ask = serde_json::from_str(ask).unwrap();
            let as_of = Instant(MONDAY + 20 * DAY);
            let question = Question { people: true, ..Question::new(as_of, "UTC", ask) };
            let plan = Arc::new(Plan::new(question).unwrap());
            let excluded = (number % 2 == 1).then(|| Arc::new((0..9).collect()));
            let asking = Asking { excluded, ..Asking::default() };
            let here = snapshot.ask(&plan, &people, asking.clone()).await.unwrap();
            let time = Duration::from_secs(60);
            let there = cluster.ask(ROOT, &snapshot, (&plan, &people), asking, time).await.unwrap();
            assert_eq!(there, here, "{}", plan.question().to_json());
        }
        assert_eq!(cluster.tally(), Tally { spread: asks.len() as u64, here: 0, lost: 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_limits_are_those_of_a_query_in_process() {
    let site = Site::disk();
    let lake = lake(&site).await;
    let (urls, _stop) = workers(&site, 2).await;
    let cluster = cluster(&urls, secret());
    let snapshot = lake.snapshot();
    let ask = async |sql: &str, limits: Limits| {
        cluster.query(ROOT, &snapshot, sql, limits, Default::default()).await.map(drop)
    };
    for sql in ["DELETE FROM events", "SELECT nothing FROM events", "SELECT 1 / 0 FROM events", "SELEKT"] {
        let answer = ask(sql, Limits::default()).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{sql}: {answer:?}");
    }
    let heavy =
        "SELECT a.event_id, count(*) FROM events a, events b, events c, events d GROUP BY 1 ORDER BY 2";
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let answer = ask(heavy, limits).await;
    assert!(matches!(answer, Err(Error::Limit { limit: "milliseconds of a query", .. })), "{answer:?}");
    let cut = Limits { rows: 10, ..Limits::default() };
    let answer = cluster.query(ROOT, &snapshot, "SELECT * FROM events", cut, Default::default()).await;
    let (_, rows, is_cut) = all(answer.unwrap()).await;
    assert_eq!((rows.len(), is_cut), (10, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_gone_or_strange_are_left_out_and_the_answer_is_the_same() {
    let site = Site::disk();
    let lake = lake(&site).await;
    let (urls, stop) = workers(&site, 2).await;
    let snapshot = lake.snapshot();
    let count = async |cluster: &Cluster| {
        let asked = cluster.query(
            ROOT,
            &snapshot,
            "SELECT count(*) FROM events",
            Limits::default(),
            Default::default(),
        );
        all(asked.await.unwrap()).await.1
    };
    let everything = vec![vec![Cell::Integer(900)]];
    // Another secret: no worker lets it in.
    let stranger = cluster(&urls, Secret::parse("another secret, of some other installation").unwrap());
    assert_eq!(count(&stranger).await, everything);
    assert_eq!(stranger.tally(), Tally { here: 1, ..Tally::default() });
    // Nobody listens at one of the addresses.
    let nobody = [urls.clone(), vec!["http://127.0.0.1:1".into()]].concat();
    let some = cluster(&nobody, secret());
    assert_eq!(count(&some).await, everything);
    assert_eq!(some.tally(), Tally { spread: 1, ..Tally::default() });
    // A lake the workers do not have.
    let elsewhere = cluster(&urls, secret());
    let asked = elsewhere.query(
        "ws-2",
        &snapshot,
        "SELECT count(*) FROM events",
        Limits::default(),
        Default::default(),
    );
    assert_eq!(all(asked.await.unwrap()).await.1, everything);
    assert_eq!((elsewhere.tally().here, elsewhere.tally().spread), (1, 0));
    // Small lakes are read in process, and so is everything when all workers are gone.
    let thrifty = some.from_bytes(u64::MAX);
    assert_eq!((count(&thrifty).await, thrifty.tally().here), (everything.clone(), 1));
    drop(stop);
    assert_eq!(count(&elsewhere).await, everything);
}
