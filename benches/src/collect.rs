//! `collect`: durable events and requests a second at the collector.
//!
//! The load generator shares the machine's cores with the server, so the processor time of both is told:
//! on a machine of its own, a server is limited by its own share only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rusqlite::Connection as Database;

use crate::http::{self, Connection};
use crate::place::{self, Place};
use crate::report::{Latencies, line, rate, ratio, thousands, title};
use crate::server::{Server, own_processor_seconds};
use crate::traffic::{Draw, Mix, Traffic};

/// Durable events and requests a second at the collector.
#[derive(Debug, Parser)]
pub(crate) struct Collect {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Only these parts: batches, singles
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// `WRITE_KEY_BENCH:` as `Authorization: Basic` has it.
pub(crate) const BASIC: &str = "V1JJVEVfS0VZX0JFTkNIOg==";
const WARM_UP: Duration = Duration::from_millis(1_500);
const SEED: u64 = 11;
/// Distinct requests that are sent in turn, each time with fresh message ids.
const BATCHES: usize = 400;
const SINGLES: usize = 20_000;

/// A request whose message ids are renewed before each sending.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    ids: Vec<usize>,
}

/// How to load a server.
pub(crate) struct Load {
    /// Requests, sent in turn.
    pub(crate) templates: Arc<Vec<Template>>,
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// Time before the measurement.
    pub(crate) warm_up: Duration,
    /// Time of the measurement.
    pub(crate) time: Duration,
    /// Pause of each connection between the starts of two requests; zero sends as fast as answered.
    pub(crate) every: Duration,
}

/// What a load achieved.
pub(crate) struct Loaded {
    /// Requests answered with 200.
    pub(crate) requests: u64,
    /// Events in them.
    pub(crate) events: u64,
    /// Answers of another status.
    pub(crate) refused: u64,
    /// Time measured.
    pub(crate) time: Duration,
    /// Latencies of requests.
    pub(crate) latencies: Latencies,
}

impl Collect {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        title("collect: request → durable in the log → 200", "Segment messages of 460 bytes, keep-alive");
        let wants = |part: &str| self.only.is_empty() || self.only.iter().any(|p| p == part);
        if wants("batches") {
            self.case("batches of 20–100, 8 connections", Arc::new(batches(20, 100, BATCHES)), 8)?;
        }
        if wants("singles") {
            let singles = Arc::new(singles(SINGLES));
            self.case("single events, 64 connections", Arc::clone(&singles), 64)?;
            self.case("single events, 256 connections", singles, 256)?;
        }
        Ok(())
    }

    fn case(&self, name: &str, templates: Arc<Vec<Template>>, connections: usize) -> anyhow::Result<()> {
        println!("{name}");
        let raw = raw(&templates, connections, Duration::from_secs(self.seconds) / 2)?;
        let is_single = templates[0].ids.len() == 1;
        for (role, roles) in [("collect only", ["--role", "collect"].as_slice()), ("all roles", &[])] {
            let place = Place::fresh(None)?;
            let server = Server::start(&place.folder, roles)?;
            let load = Load {
                templates: Arc::clone(&templates),
                connections,
                warm_up: WARM_UP,
                time: Duration::from_secs(self.seconds),
                every: Duration::ZERO,
            };
            let before = (server.processor_seconds(), own_processor_seconds());
            let mut loaded = run(&server, &load)?;
            let used = (server.processor_seconds() - before.0, own_processor_seconds() - before.1);
            let ours = rate(loaded.events, loaded.time);
            let unit = if is_single { "req/s" } else { "events/s" };
            let latency = loaded.latencies.summary();
            line(&format!("  {role}, {unit}"), format_args!("{}  {latency}", thousands(ours)));
            let share = |seconds: f64| seconds / (load.time + WARM_UP).as_secs_f64();
            let per = |seconds: f64| seconds * 1e6 / (ours * (load.time + WARM_UP).as_secs_f64());
            line(
                "    cores: server, generator; server per event",
                format_args!("{:.2}, {:.2}; {:.1} µs", share(used.0), share(used.1), per(used.0)),
            );
            if roles.is_empty() {
                let status = block_on(server.status(&place.created.api_token))?;
                let share = status.done as f64 / (load.time + WARM_UP).as_secs_f64();
                line(
                    "    of them through the pipeline meanwhile",
                    format_args!("{} events/s", thousands(share)),
                );
            } else {
                ratio("    against raw SQLite", ours, raw);
            }
            if loaded.refused > 0 {
                line("    refused", loaded.refused);
            }
        }
        line("  raw SQLite, same bytes and commits, events/s", thousands(raw));
        Ok(())
    }
}

/// Runs a future on a small runtime of its own.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Loads a server from this thread.
pub(crate) fn run(server: &Server, load: &Load) -> anyhow::Result<Loaded> {
    let address = server.address;
    block_on(async {
        // Fresh message ids for every run, or a second one would only send duplicates.
        let ids = Arc::new(AtomicU64::new(place::now().0 as u64 * 1_000));
        let start = Instant::now() + load.warm_up;
        let end = start + load.time;
        let mut tasks = tokio::task::JoinSet::new();
        for no in 0..load.connections {
            let mut connection = Connection::open(address).await?;
            let (templates, ids, every) = (Arc::clone(&load.templates), Arc::clone(&ids), load.every);
            let connections = load.connections;
            tasks.spawn(async move {
                let mut mine: Vec<Template> =
                    templates.iter().skip(no).step_by(connections).cloned().collect();
                let mut loaded = Loaded::none(end - start);
                let mut turn = 0;
                let mut next = Instant::now() + every * no as u32 / connections as u32;
                while Instant::now() < end {
                    if !every.is_zero() {
                        tokio::time::sleep_until(next.into()).await;
                        next += every;
                    }
                    let count = mine.len();
                    let template = &mut mine[turn % count];
                    turn += 1;
                    template.renew(&ids);
                    let sent = Instant::now();
                    let status = connection.send(&template.bytes).await?.status;
                    if sent >= start && sent < end {
                        loaded.count(status, template.ids.len() as u64, sent.elapsed());
                    }
                }
                anyhow::Ok(loaded)
            });
        }
        let mut all = Loaded::none(load.time);
        while let Some(one) = tasks.join_next().await {
            all.add(one??);
        }
        Ok(all)
    })
}

impl Loaded {
    fn none(time: Duration) -> Self {
        Self { requests: 0, events: 0, refused: 0, time, latencies: Latencies::default() }
    }

    fn count(&mut self, status: u16, events: u64, took: Duration) {
        if status == 200 {
            self.requests += 1;
            self.events += events;
            self.latencies.add(took);
        } else {
            self.refused += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.events += other.events;
        self.refused += other.refused;
        self.latencies.append(other.latencies);
    }
}

impl Template {
    fn of(bytes: Vec<u8>) -> Self {
        const MARK: &[u8] = b"\"messageId\":\"node-next-";
        const MILLIS: usize = "1795285136715-".len();
        let marks = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
        let ids = marks.map(|(at, _)| at + MARK.len() + MILLIS).collect();
        Self { bytes, ids }
    }

    fn renew(&mut self, fresh: &AtomicU64) {
        let first = fresh.fetch_add(self.ids.len() as u64, Ordering::Relaxed);
        for (no, at) in (first..).zip(&self.ids) {
            for (i, digit) in self.bytes[*at..*at + 16].iter_mut().rev().enumerate() {
                *digit = b"0123456789abcdef"[(no >> (4 * i) & 15) as usize];
            }
        }
    }
}

/// Requests of `from` to `to` messages.
pub(crate) fn batches(from: u64, to: u64, count: usize) -> Vec<Template> {
    let mut draw = Draw(SEED);
    let mix = Mix { duplicate_percent: 0, ..Mix::shop(count as u64 * (from + to) / 2, place::now()) };
    let mut traffic = Traffic::new(mix, SEED);
    let one = |_| {
        let messages: Vec<String> =
            (0..from + draw.below(to - from + 1)).map(|_| traffic.message()).collect();
        let body = format!(
            r#"{{"batch":[{}],"writeKey":"{}","sentAt":"{}"}}"#,
            messages.join(","),
            place::WRITE_KEY,
            place::now()
        );
        Template::of(http::post("/v1/batch", BASIC, &body))
    };
    (0..count).map(one).collect()
}

fn singles(count: usize) -> Vec<Template> {
    let mix = Mix { duplicate_percent: 0, ..Mix::shop(count as u64, place::now()) };
    let mut traffic = Traffic::new(mix, SEED);
    (0..count).map(|_| Template::of(http::post("/v1/track", BASIC, &traffic.message()))).collect()
}

/// The yardstick: rows of the same bytes, as many to a commit as there are connections.
fn raw(templates: &[Template], group: usize, time: Duration) -> anyhow::Result<f64> {
    let folder = tempfile::Builder::new().prefix("raw.").tempdir_in(place::root()?)?;
    let database = Database::open(folder.path().join("raw.db"))?;
    database.execute_batch(
        "pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full;
         pragma wal_autocheckpoint = 8000;
         create table entry (no integer primary key, received_us integer not null, body blob not null)",
    )?;
    let (start, mut events, mut turn) = (Instant::now(), 0, 0);
    while start.elapsed() < time {
        database.execute_batch("begin immediate")?;
        let mut insert = database.prepare_cached("insert into entry (received_us, body) values (?1, ?2)")?;
        for _ in 0..group {
            let template = &templates[turn % templates.len()];
            insert.execute((turn as i64, &template.bytes))?;
            events += template.ids.len() as u64;
            turn += 1;
        }
        drop(insert);
        database.execute_batch("commit")?;
    }
    Ok(rate(events, start.elapsed()))
}
