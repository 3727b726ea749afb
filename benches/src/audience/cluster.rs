//! The same questions in one process and over two workers, each of which may use one processor.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use headwater::machine::MachineClock;
use lake::cluster::{Cluster, Secret};
use lake::{Asking, Snapshot};
use question::{Answer, People, Plan};

use super::load::Loaded;
use super::questions;
use crate::report::median;
use crate::server;

const SECRET: &str = "the secret of all nodes of this benchmark";
/// What the lake is called among all lakes: its folder.
const ROOT: &str = "lake";
/// No question takes so long.
const DEADLINE: Duration = Duration::from_secs(120);
/// Runs of each question.
const RUNS: usize = 5;

/// A worker in a process of its own. Killed when dropped.
struct Worker {
    process: Child,
    url: String,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Worker {
    fn start(loaded: &Loaded) -> anyhow::Result<Self> {
        let lakes = loaded.folder.to_str().context("a folder whose name is not UTF-8")?;
        let arguments = ["serve", "--role", "compute", "--listen", "127.0.0.1:0", "--lake", lakes];
        let mut command = server::command(&loaded.folder, &arguments)?;
        command.env("HEADWATER_CLUSTER_SECRET", SECRET).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let lines = BufReader::new(process.stdout.take().context("its output was asked for")?).lines();
        let mut urls =
            lines.map_while(Result::ok).filter_map(|line| Some(line.split_once("http://")?.1.to_owned()));
        let url = urls.next().context("a worker that does not say where it listens; see headwater.err")?;
        Ok(Self { process, url: format!("http://{url}") })
    }
}

/// Where a question is answered.
enum By<'a> {
    Process(usize),
    Cluster(&'a Cluster),
}

/// Prints how long questions take in process, on one thread and on two, and over two workers. One worker alone
/// is never asked: the process itself answers then.
pub(crate) async fn run(loaded: &Loaded) -> anyhow::Result<()> {
    let workers = [Worker::start(loaded)?, Worker::start(loaded)?];
    let urls: Vec<String> = workers.iter().map(|worker| worker.url.clone()).collect();
    let secret = Secret::parse(SECRET).map_err(kernel::Failure::from)?;
    let cluster = Cluster::new(&urls, secret, Arc::new(MachineClock::default()))?.from_bytes(0);
    let snapshot = loaded.lake.snapshot();
    println!("\ncluster: workers of one processor each, decoded columns in memory everywhere; milliseconds");
    println!(
        "{:<6} {:>12} {:>12} {:>12} {:>9} target",
        "", "one thread", "two threads", "two workers", "ratio"
    );
    for (name, _, ask) in questions::all() {
        let plan = Arc::new(questions::plan(&ask)?);
        let mut ms = Vec::new();
        let mut known: Option<Answer> = None;
        for by in [By::Process(1), By::Process(2), By::Cluster(&cluster)] {
            let (answer, time) = timed(&snapshot, &plan, &by).await?;
            anyhow::ensure!(
                known.as_ref().is_none_or(|known| *known == answer),
                "{name} is answered differently"
            );
            known = Some(answer);
            ms.push(time);
        }
        println!("{name:<6} {:>12.1} {:>12.1} {:>12.1} {:>8.2}× ≥ 1.6", ms[0], ms[1], ms[2], ms[0] / ms[2]);
    }
    let tally = cluster.tally();
    anyhow::ensure!(tally.here == 0 && tally.lost == 0, "not everything was spread: {tally:?}");
    Ok(())
}

/// The answer, and the median of several runs after a first one.
async fn timed(snapshot: &Snapshot, plan: &Arc<Plan>, by: &By<'_>) -> anyhow::Result<(Answer, f64)> {
    let people = Arc::new(People::default());
    let mut times = Vec::new();
    let mut answer = None;
    for run in 0..=RUNS {
        let start = Instant::now();
        answer = Some(match by {
            By::Process(threads) => {
                let asking = Asking { threads: *threads, ..Asking::default() };
                snapshot.ask(plan, &people, asking).await?
            }
            By::Cluster(cluster) => {
                let asking = Asking { threads: 1, ..Asking::default() };
                cluster.ask(ROOT, snapshot, (plan, &people), asking, DEADLINE).await?
            }
        });
        if run > 0 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok((answer.context("no run")?, median(&mut times)))
}
