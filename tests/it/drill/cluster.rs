//! Three workers over an S3 server. In each round one is killed exactly in the middle of a question: when it has
//! been given work, while it reads, or when it knows its part and has not said it. The question is answered all
//! the same, and rightly.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use headwater::machine::{MachineClock, MachineIds};
use headwater_tests::{S3Server, program};
use kernel::time::DAY;
use kernel::{Instant, Key, NodeNo, PartyNo};
use lake::cluster::{Cluster, Sabotage, Secret};
use lake::{Asking, Cell, Column, Event, Handover, Kind, Lake, Limits, Options, Policy, Snapshot};
use question::{Answer, People, Plan, Question};
use serde_json::{Value, json};

use super::server::{self, Process, Server};
use super::{cycles, dice};
use crate::properties::dice::Dice;

const SECRET: &str = "the secret of all nodes of this drill";
/// The lake's name among all lakes.
const ROOT: &str = "1";
/// Monday 2026-11-02, midnight.
const MONDAY: i64 = 20_759 * DAY;
/// Within what a question is answered, whatever happens to workers.
const DEADLINE: Duration = Duration::from_secs(60);
/// Longer than a worker may take to start or to come to its point.
const PATIENCE: Duration = Duration::from_secs(30);

/// The questions of the benchmark, in small: audience, RFM, funnel, retention, absence.
const QUESTIONS: [&str; 5] = [
    r#"{"members":{"all":[{"event":"order_completed","op":"gte","value":2,"window":{"last":"14d"}},{"event":"product_view","op":"eq","value":0,"window":{"last":"2d"}}]}}"#,
    r#"{"rfm":{"order":"order_completed","amount":"total"}}"#,
    r#"{"funnel":{"steps":["product_view","add_to_cart","order_completed"],"within":"24h","by":"$channel"}}"#,
    r#"{"retention":{"first":"product_view","again":"order_completed","window":{"from":"2026-11-02T00:00:00Z"}}}"#,
    r#"{"absence":{"event":"add_to_cart","without":"order_completed","within":"2h","window":{"last":"14d"}}}"#,
];
const SQL: &str =
    "SELECT event, count(*), count(DISTINCT party_no), sum(total) FROM events GROUP BY event ORDER BY event";

/// A lake in a bucket and what it answers in process.
struct Site {
    runtime: tokio::runtime::Runtime,
    s3: S3Server,
    snapshot: Snapshot,
    plans: Vec<Arc<Plan>>,
    people: Arc<People>,
    answers: Vec<Answer>,
    rows: Vec<Vec<Cell>>,
}

impl Site {
    fn create(dice: &mut Dice) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let s3 = S3Server::start();
        let place = s3.place("lakes").within(ROOT);
        let hot = vec![Column::new("total", Kind::Decimal)];
        let options =
            Options { hot, ..Options::new(Arc::new(MachineClock::default()), Arc::new(MachineIds)) };
        let snapshot = runtime.block_on(async {
            let (lake, _) = Lake::open(&place, options).await.unwrap();
            let writer = lake.writer().await.unwrap();
            for position in 0..3 {
                let events = (0..2_000).map(|i| event(dice, position * 2_000 + i)).collect();
                let handover = Handover { partition: 0, after: position, position: position + 1, events };
                writer.hand_over(handover).unwrap();
                // Compacted files, files as they were flushed, and rows that wait for one.
                if position < 2 {
                    writer.flush().await.unwrap();
                }
                if position == 0 {
                    lake.maintain(&Policy { flushed_max: 0, ..Policy::default() }).await.unwrap();
                }
            }
            lake.snapshot()
        });
        let everybody = Arc::new((0..600u32).collect());
        let people = Arc::new(People { everybody: Some(everybody), ..People::default() });
        let plans: Vec<Arc<Plan>> = QUESTIONS.iter().map(|ask| Arc::new(plan(ask))).collect();
        let answers = plans
            .iter()
            .map(|plan| runtime.block_on(snapshot.ask(plan, &people, Asking::default())).unwrap());
        let answers = answers.collect();
        let rows = runtime.block_on(async {
            rows(snapshot.query(SQL, Limits::default(), Default::default()).await.unwrap()).await
        });
        Self { runtime, s3, snapshot, plans, people, answers, rows }
    }

    /// Starts a worker that waits at a point, if one is given.
    fn worker(&self, pause: Option<&str>) -> Worker {
        Worker::start(&self.s3, pause)
    }

    /// Asks question number `number` and says what is wrong with the answer.
    fn ask(&self, cluster: &Cluster, number: usize) -> Result<(), String> {
        let known = number % (self.plans.len() + 1);
        let Some(plan) = self.plans.get(known) else {
            let limits = Limits { time: DEADLINE, ..Limits::default() };
            let asked = cluster.query(ROOT, &self.snapshot, SQL, limits, Default::default());
            let answer = self.runtime.block_on(asked).map_err(|e| e.to_string())?;
            let answer = self.runtime.block_on(rows(answer));
            return if answer == self.rows { Ok(()) } else { Err(format!("{answer:?}")) };
        };
        let asked = cluster.ask(ROOT, &self.snapshot, (plan, &self.people), Asking::default(), DEADLINE);
        let answer = self.runtime.block_on(asked).map_err(|e| e.to_string())?;
        if answer == self.answers[known] { Ok(()) } else { Err(format!("{answer:?}")) }
    }
}

struct Worker {
    process: Process,
    hears: Receiver<String>,
    url: String,
}

impl Worker {
    fn start(s3: &S3Server, pause: Option<&str>) -> Self {
        let mut command = Command::new(program());
        command.args([
            "serve",
            "--role",
            "compute",
            "--listen",
            "127.0.0.1:0",
            "--lake",
            "s3://bucket/lakes",
        ]);
        command.args(pause.iter().flat_map(|point| ["--pause", point]));
        command.envs(s3.environment()).env("HEADWATER_CLUSTER_SECRET", SECRET).env("RUST_LOG", "warn");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (said, hears) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| said.send(line).is_ok()));
        let mut worker = Self { process: Process::of(child), hears, url: String::new() };
        worker.url = worker.hear("listening on ");
        worker
    }

    /// The rest of the next line that begins so.
    fn hear(&self, begin: &str) -> String {
        loop {
            let line = self.hears.recv_timeout(PATIENCE).expect("the worker says where it is");
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.to_owned();
            }
        }
    }
}

fn event(dice: &mut Dice, number: u64) -> Event {
    let names = ["product_view", "product_view", "add_to_cart", "order_completed", "page_view"];
    let party = dice.roll(500) as u32;
    let time = MONDAY + dice.roll(21 * 24 * 60) as i64 * (DAY / 24 / 60);
    Event {
        party: PartyNo(party),
        node: NodeNo(u64::from(party)),
        time: Instant(time),
        key: Key::of(&[1; 32], &[&number.to_le_bytes()]),
        event: names[dice.roll(names.len())].into(),
        channel: Some(["web", "app", "shop"][dice.roll(3)].into()),
        source: "shop".into(),
        context: "".into(),
        properties: format!(r#"{{"total":{}.25}}"#, dice.roll(900)).into(),
    }
}

fn plan(ask: &str) -> Plan {
    let as_of = Instant(MONDAY + 21 * DAY);
    let question =
        Question { people: true, ..Question::new(as_of, "UTC", serde_json::from_str(ask).unwrap()) };
    Plan::new(question).unwrap()
}

async fn rows(mut answer: lake::Answer) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    while let Some(page) = answer.next().await.unwrap() {
        rows.extend(page);
    }
    rows
}

/// One round: of three workers one is killed in the middle of a question. What is wrong with the answer.
fn round(
    site: &Site,
    others: &[Worker; 2],
    dice: &mut Dice,
    number: usize,
    sabotage: Option<Sabotage>,
) -> Result<(), String> {
    let is_sql = number % (QUESTIONS.len() + 1) == QUESTIONS.len();
    let points = ["plan:0", "read:0", "read:1", "answer:0"];
    // Of SQL a worker may be given the rows that wait for a file, and then it reads none.
    let point = points[dice.roll(if is_sql { 1 } else { 4 })];
    let doomed = site.worker(Some(point));
    let mut urls = vec![others[0].url.clone(), others[1].url.clone()];
    urls.insert(dice.roll(3), doomed.url.clone());
    let secret = Secret::parse(SECRET).unwrap();
    let cluster = Cluster::new(&urls, secret, Arc::new(MachineClock::default())).unwrap().in_parts_of(1);
    let cluster = sabotage.map_or_else(|| cluster.clone(), |sabotage| cluster.sabotaged(sabotage));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| site.ask(&cluster, number));
        doomed.hear("paused");
        doomed.process.kill();
        asking.join().unwrap()
    })?;
    let tally = cluster.tally();
    if (tally.spread, tally.here) != (1, 0) || tally.lost == 0 {
        return Err(format!("killed at {point}, yet {tally:?}"));
    }
    Ok(())
}

#[test]
fn a_question_survives_a_worker_that_is_killed_in_its_middle() {
    let mut dice = dice();
    let site = Site::create(&mut dice);
    let others = [site.worker(None), site.worker(None)];
    for number in 0..cycles(6).min(100) as usize {
        assert_eq!(round(&site, &others, &mut dice, number, None), Ok(()), "round {number}");
    }
}

#[test]
fn a_question_that_is_not_asked_again_is_noticed() {
    let mut dice = dice();
    let site = Site::create(&mut dice);
    let others = [site.worker(None), site.worker(None)];
    let answer = round(&site, &others, &mut dice, 0, Some(Sabotage::NoRetry));
    assert!(answer.as_ref().is_err_and(|e| e.contains("a worker was lost")), "{answer:?}");
}

#[test]
fn a_question_survives_a_worker_that_hangs_and_is_answered_here_when_all_are_gone() {
    let mut dice = dice();
    let site = Site::create(&mut dice);
    let [one, other, hung] = [site.worker(None), site.worker(None), site.worker(Some("read:0"))];
    let urls = [one.url.clone(), other.url.clone(), hung.url.clone()];
    let secret = Secret::parse(SECRET).unwrap();
    let cluster = Cluster::new(&urls, secret, Arc::new(MachineClock::default())).unwrap().in_parts_of(1);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| site.ask(&cluster, 2));
        hung.hear("paused");
        hung.process.freeze();
        assert_eq!(asking.join().unwrap(), Ok(()));
    });
    assert_eq!((cluster.tally().spread, cluster.tally().here), (1, 0));
    one.process.kill();
    other.process.kill();
    assert_eq!(site.ask(&cluster, 3), Ok(()));
    assert_eq!((cluster.tally().spread, cluster.tally().here), (1, 1));
}

/// What the API answers to a question, once the lake is fed.
fn asked(server: &Server, ask: &Value) -> Value {
    let body = json!({"ask": ask, "as_of": "2026-11-26T00:00:00Z"});
    for _ in 0..1_500 {
        let (status, mut answer) = server.post("/api/v1/questions", &body);
        if status == 200 {
            answer.as_object_mut().unwrap().remove("elapsed_ms");
            return answer;
        }
        assert_eq!(status, 503, "{answer}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("the lake is not fed");
}

#[test]
fn a_question_over_the_api_survives_a_worker_that_is_killed_in_its_middle() {
    let (s3, folder) = (S3Server::start(), tempfile::tempdir().unwrap());
    let [one, other, doomed] = [None, None, Some("answer:0")].map(|pause| Worker::start(&s3, pause));
    let urls = [&one.url, &doomed.url, &other.url].map(String::as_str).join(",");
    let site = server::Site::create(folder.path(), 1)
        .with(&["--lake", "s3://bucket/lakes", "--workers", &urls, "--spread-from", "0"])
        .inside(s3.environment())
        .inside([("HEADWATER_CLUSTER_SECRET", SECRET.to_owned())]);
    let server = site.serve();
    let mut dice = dice();
    let events = (0..400).map(|number| {
        json!({"type": "track", "messageId": format!("m-{number}"), "userId": format!("u-{}", dice.roll(60)),
            "event": (["product_view", "product_view", "add_to_cart", "order_completed"][dice.roll(4)]),
            "timestamp": format!("2026-11-{:02}T{:02}:00:00.000Z", 1 + dice.roll(25), dice.roll(24)),
            "properties": {"total": dice.roll(90)}})
    });
    let batch = json!({"writeKey": server::WRITE_KEY, "batch": events.collect::<Vec<Value>>()});
    assert_eq!(server.post("/v1/batch", &batch).0, 200);
    server.drain();
    let asks: Vec<Value> = QUESTIONS.iter().map(|ask| serde_json::from_str(ask).unwrap()).collect();
    let first = std::thread::scope(|scope| {
        let asking = scope.spawn(|| asked(&server, &asks[2]));
        doomed.hear("paused");
        doomed.process.kill();
        asking.join().unwrap()
    });
    let spread: Vec<Value> = asks.iter().map(|ask| asked(&server, ask)).collect();
    assert_eq!(first, spread[2]);
    assert!(first["funnel"]["steps"][1]["people"].as_u64().is_some_and(|people| people > 0), "{first}");
    one.process.kill();
    other.process.kill();
    let here: Vec<Value> = asks.iter().map(|ask| asked(&server, ask)).collect();
    assert_eq!(spread, here, "without workers the answers are the same");
}
