//! From an event to the membership it makes: through the real server, while others send.
//!
//! A probe is an event of somebody nobody has seen before, sent by itself; an audience of its own has the
//! rule that such an event happened. What is measured is from the sending of the request until the ledger
//! of that audience, asked over HTTP again and again, tells of the person. So it contains the log's
//! fsync, the batch the event waits for, two hundred rules over everybody else's events, the commit, and
//! the question.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use crate::collect::{BASIC, Load, batches, block_on, run as load};
use crate::http::{Connection, post};
use crate::place::{self, Place};
use crate::report::{Latencies, line, rate, thousands};
use crate::rules;
use crate::server::Server;

/// Events a second sent by others.
const RATES: [u64; 2] = [5_000, 15_000];
const WARM_UP: Duration = Duration::from_secs(4);
const TIME: Duration = Duration::from_secs(15);
const BATCH: u64 = 50;
const CONNECTIONS: usize = 4;
/// Probes under way at a time, each with an audience of its own.
const PROBES: usize = 2;
/// A probe whose membership is later is counted as so late.
const LATEST: Duration = Duration::from_secs(20);
/// Between two looks at a ledger.
const LOOK: Duration = Duration::from_millis(1);
/// Between two probes of one audience.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the latencies at each rate.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("\nmemberships: 200 live rules, 50 with windows, 20 sequences, and those of the probes");
    for rate in RATES {
        at_rate(rate)?;
    }
    Ok(())
}

fn at_rate(events: u64) -> anyhow::Result<()> {
    let place = Place::fresh(None)?;
    let log = place::open_log(&place.log_folder())?;
    rules::define_mix(log.as_ref())?;
    for no in 0..PROBES {
        let rule = json!({"event": event(no), "op": "gte", "value": 1});
        rules::put(log.as_ref(), 1_000 + no as u64, &probe(no), rule)?;
    }
    drop(log);
    let server = Server::start(&place.folder, &[])?;
    let token = place.created.api_token.clone();
    block_on(server.drained(&token))?;
    let every = Duration::from_secs_f64((BATCH * CONNECTIONS as u64) as f64 / events as f64);
    let templates = Arc::new(batches(BATCH, BATCH, 400));
    let load_ = Load { templates, connections: CONNECTIONS, warm_up: WARM_UP, time: TIME, every };
    let (loaded, probed) = std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(&server, &load_));
        let probing: Vec<_> = (0..PROBES)
            .map(|no| {
                scope.spawn({
                    let (s, t) = (&server, &token);
                    move || block_on(probes(s, t, no))
                })
            })
            .collect();
        let probed: Vec<_> = probing.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (loading.join(), probed)
    });
    let loaded = loaded.map_err(|_| anyhow::anyhow!("the load panicked"))??;
    let mut latencies = Latencies::default();
    for probes in probed {
        latencies.append(probes.map_err(|_| anyhow::anyhow!("a probe panicked"))??);
    }
    let sent = rate(loaded.events, loaded.time);
    let status = block_on(server.status(&token))?;
    let kept_up = if status.is_drained { "kept up" } else { "fell behind" };
    line(
        &format!("event → membership at {} events/s", thousands(sent)),
        format_args!("{}, {} probes; {kept_up}", latencies.summary(), latencies.count()),
    );
    Ok(())
}

fn event(no: usize) -> String {
    format!("Probe {no} Passed")
}

fn probe(no: usize) -> String {
    format!("probe {no}")
}

/// Sends one probe after another.
async fn probes(server: &Server, token: &str, no: usize) -> anyhow::Result<Latencies> {
    let mut sending = Connection::open(server.address).await?;
    let mut asking = Connection::open(server.address).await?;
    let audience = audience(&mut asking, token, &probe(no)).await?;
    let begin = Instant::now() + WARM_UP;
    let end = begin + TIME;
    let (mut latencies, mut seq, mut turn) = (Latencies::default(), 0u64, 0u64);
    while Instant::now() < end {
        turn += 1;
        let person = format!("probe-{no}-{turn}");
        let body = json!({"type": "track", "event": event(no), "userId": person, "messageId": person,
            "timestamp": place::now().to_string(), "properties": {}});
        let request = post("/v1/track", BASIC, &body.to_string());
        let sent = Instant::now();
        let status = sending.send(&request).await?.status;
        anyhow::ensure!(status == 200, "a probe was answered with {status}");
        let path = format!("/api/v1/audiences/{audience}/changes?after_seq={seq}");
        while sent.elapsed() < LATEST {
            let answer = asking.get(&path, token).await?;
            anyhow::ensure!(answer.status == 200, "{path} answered {}", answer.status);
            let json: serde_json::Value = serde_json::from_slice(answer.body)?;
            let next = json["next_seq"].as_u64().unwrap_or(seq);
            if next > seq {
                seq = next;
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        if sent >= begin {
            latencies.add(sent.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(latencies)
}

/// The id of the audience of this name.
async fn audience(connection: &mut Connection, token: &str, name: &str) -> anyhow::Result<String> {
    let mut cursor = String::new();
    loop {
        let answer = connection.get(&format!("/api/v1/audiences?limit=200{cursor}"), token).await?;
        let json: serde_json::Value = serde_json::from_slice(answer.body)?;
        let items = json["items"].as_array().context("a page of audiences")?;
        if let Some(id) = items.iter().find(|item| item["name"] == name).and_then(|item| item["id"].as_str())
        {
            return Ok(id.to_owned());
        }
        let next = json["next"].as_str().with_context(|| format!("no audience `{name}`"))?;
        cursor = format!("&cursor={next}");
    }
}
