//! `profile-read`: how long a profile or a page of a timeline takes among a million parties.
//!
//! Latencies are those of the client on the same machine, so they contain the way through the loopback
//! and, under write load, the wait for one of the cores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::collect::{Load, batches, block_on, run};
use crate::http::Connection;
use crate::parties::Parties;
use crate::report::{Latencies, line, rate, thousands, title};
use crate::server::Server;
use crate::traffic::Draw;

/// Latency of profiles and timelines over a million parties.
#[derive(Debug, Parser)]
pub(crate) struct ProfileRead {
    /// Parties
    #[arg(long, default_value_t = 1_000_000)]
    parties: u64,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Events a second sent during the measurement under load
    #[arg(long, default_value_t = 10_000)]
    load: u64,
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Question {
    ByIdentifier,
    ById,
    Timeline,
}

const QUESTIONS: [(&str, Question); 3] = [
    ("/parties/by/{kind}/{value}", Question::ByIdentifier),
    ("/parties/{id}", Question::ById),
    ("/parties/{id}/timeline", Question::Timeline),
];
const READERS: usize = 4;
/// Pause of each reader between the starts of two questions, when they are paced: 400 questions a second.
const PACE: Duration = Duration::from_millis(10);
const WRITERS: usize = 4;
const BATCH: u64 = 50;
const IDS: usize = 5_000;

impl ProfileRead {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let people = thousands(self.parties as f64);
        title("profile-read", &format!("{people} parties with 4 identifiers, 5 traits and 3 events each"));
        let parties = Parties::loaded(self.parties)?;
        let server = Server::start(&parties.folder, &[])?;
        let status = block_on(server.drained(&parties.token))?;
        line("parties in the store", thousands(status.parties as f64));
        let ids = Arc::new(block_on(ids(&server, &parties))?);
        let time = Duration::from_secs(self.seconds);
        for (name, question) in QUESTIONS {
            let (mut latencies, _) = block_on(ask(&server, &parties, question, &ids, time, PACE))?;
            line(&format!("idle, {name}"), latencies.summary());
            let (latencies, took) =
                block_on(ask(&server, &parties, question, &ids, time / 2, Duration::ZERO))?;
            let rate = thousands(rate(latencies.count(), took));
            line("  as fast as it can, 4 connections", format_args!("{rate} req/s"));
        }
        for (name, every) in [
            (format!("{} events/s", thousands(self.load as f64)), self.pace()),
            ("full load".into(), Duration::ZERO),
        ] {
            for (path, question) in QUESTIONS {
                self.under_load(&server, &parties, question, &ids, (&name, path, every))?;
            }
        }
        Ok(())
    }

    fn pace(&self) -> Duration {
        Duration::from_secs_f64((BATCH * WRITERS as u64) as f64 / self.load as f64)
    }

    fn under_load(
        &self,
        server: &Server,
        parties: &Parties,
        question: Question,
        ids: &Arc<Vec<String>>,
        (name, path, every): (&str, &str, Duration),
    ) -> anyhow::Result<()> {
        let time = Duration::from_secs(self.seconds);
        let load = Load {
            templates: Arc::new(batches(BATCH, BATCH, 400)),
            connections: WRITERS,
            warm_up: Duration::from_millis(500),
            time,
            every,
        };
        let before = block_on(server.status(&parties.token))?.done;
        let start = Instant::now();
        let (loaded, asked) = std::thread::scope(|scope| {
            let writing = scope.spawn(|| run(server, &load));
            let asked = block_on(ask(server, parties, question, ids, time, PACE));
            (writing.join(), asked)
        });
        let loaded = loaded.map_err(|_| anyhow::anyhow!("the load panicked"))??;
        let applied = block_on(server.status(&parties.token))?.done - before;
        let applied = thousands(rate(applied, start.elapsed()));
        let (mut latencies, _) = asked?;
        let sent = thousands(rate(loaded.events, loaded.time));
        let load = format!("{sent} sent and {applied} applied a second");
        line(&format!("{name}, {path}"), format_args!("{}  ({load})", latencies.summary()));
        block_on(server.drained(&parties.token)).map(drop)
    }
}

/// Some ids of parties, found by their identifiers.
async fn ids(server: &Server, parties: &Parties) -> anyhow::Result<Vec<String>> {
    let (mut draw, mut connection) = (Draw(5), Connection::open(server.address).await?);
    let mut ids = Vec::with_capacity(IDS);
    for _ in 0..IDS {
        let path = by_identifier(&mut draw, parties.people);
        let answer = connection.get(&path, &parties.token).await?;
        let json: serde_json::Value = serde_json::from_slice(answer.body)?;
        anyhow::ensure!(answer.status == 200, "{path} answered {}", answer.status);
        ids.extend(json["id"].as_str().map(str::to_owned));
    }
    Ok(ids)
}

fn by_identifier(draw: &mut Draw, people: u64) -> String {
    // The visits of the last ones may not be over.
    let person = draw.below(people - (people / 2).min(20_000));
    let identifier = match draw.below(4) {
        0 => format!("user_id/u-{person}"),
        1 => format!("email/p{person}@mail.example"),
        2 => format!("mobile/139{person:08}"),
        _ => format!("anonymous_id/anon-{person:08x}-5b1c-4d0e"),
    };
    format!("/api/v1/parties/by/{identifier}")
}

async fn ask(
    server: &Server,
    parties: &Parties,
    question: Question,
    ids: &Arc<Vec<String>>,
    time: Duration,
    pace: Duration,
) -> anyhow::Result<(Latencies, Duration)> {
    let start = Instant::now();
    let end = start + time;
    let mut tasks = tokio::task::JoinSet::new();
    for reader in 0..READERS as u64 {
        let mut connection = Connection::open(server.address).await?;
        let (ids, token, people) = (Arc::clone(ids), parties.token.clone(), parties.people);
        tasks.spawn(async move {
            let (mut draw, mut latencies) = (Draw(100 + reader), Latencies::default());
            let mut next = Instant::now() + pace * reader as u32 / READERS as u32;
            while Instant::now() < end {
                let id = &ids[draw.below(ids.len() as u64) as usize];
                let path = match question {
                    Question::ByIdentifier => by_identifier(&mut draw, people),
                    Question::ById => format!("/api/v1/parties/{id}"),
                    Question::Timeline => format!("/api/v1/parties/{id}/timeline"),
                };
                if !pace.is_zero() {
                    tokio::time::sleep_until(next.into()).await;
                    next += pace;
                }
                let sent = Instant::now();
                let status = connection.get(&path, &token).await?.status;
                latencies.add(sent.elapsed());
                anyhow::ensure!(status == 200, "{path} answered {status}");
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Latencies::default();
    while let Some(latencies) = tasks.join_next().await {
        all.append(latencies??);
    }
    Ok((all, start.elapsed()))
}
