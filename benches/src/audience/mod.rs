//! `audience`: questions over everybody, in Headwater, DuckDB and ClickHouse, on one data set in one run; and
//! what the parts around them cost.
//!
//! Each part can run by itself (`--only`). The data set is made once and kept outside the clone; a smaller
//! one (`--events 2000000`) is for trying things out.

mod catalogue;
mod cluster;
mod compare;
mod cost;
mod latency;
mod load;
mod peers;
mod questions;
mod shop;
mod tags;

use clap::Parser;

use crate::report::{thousands, title};

/// Questions over everybody against DuckDB and ClickHouse; tags; memberships; the lake's own cost.
#[derive(Debug, Parser)]
pub(crate) struct Audience {
    /// Events of the data set; people in proportion
    #[arg(long, default_value_t = shop::EVENTS)]
    events: u64,
    /// Warm runs of each question, twice for Headwater
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Only these parts: questions, cluster, tags, memberships, write, erase
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// Threads of every engine.
const THREADS: usize = 2;

impl Audience {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let events = thousands(self.events as f64);
        let data = format!("{events} events of an online shop in {} days, fixed seed", shop::DAYS);
        title("audience", &data);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
        let wants = |part: &str| self.only.is_empty() || self.only.iter().any(|p| p == part);
        if ["questions", "cluster", "erase"].into_iter().any(wants) {
            runtime.block_on(async {
                let loaded = load::loaded(self.events).await?;
                load::tell(&loaded)?;
                if wants("questions") {
                    compare::run(&loaded, self.runs).await?;
                }
                if wants("cluster") {
                    cluster::run(&loaded).await?;
                }
                if wants("erase") {
                    cost::erase(&loaded).await?;
                }
                anyhow::Ok(())
            })?;
        }
        if wants("tags") {
            tags::run();
        }
        if wants("write") {
            runtime.block_on(cost::write())?;
        }
        drop(runtime);
        if wants("memberships") {
            latency::run()?;
        }
        Ok(())
    }
}
