//! A place with a million parties, loaded once and kept in `target/bench` for the benchmarks that read.

use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use headwater::command::setting::Setting;
use serde_json::{Value, json};

use crate::drain::drain_installation;
use crate::place;
use crate::report::line;
use crate::traffic::{Draw, Mix, Traffic};

/// A loaded place.
pub(crate) struct Parties {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// A token that may do everything.
    pub(crate) token: String,
    /// People in it.
    pub(crate) people: u64,
}

/// Messages of each person's one visit: a page, an identify, a track.
const VISIT: u64 = 3;
const MARK: &str = "loaded.json";

impl Parties {
    /// The place with so many people, loaded now if it is not there or has other tables.
    pub(crate) fn loaded(people: u64) -> anyhow::Result<Self> {
        let folder = place::root()?.join(format!("parties-{people}"));
        let mark = folder.join(MARK);
        let known: Option<Value> = std::fs::read(&mark).ok().and_then(|b| serde_json::from_slice(&b).ok());
        if let Some(known) = known.filter(|known| known["tables"] == tables()) {
            let token = known["token"].as_str().context("a token")?.to_owned();
            return Ok(Self { folder, token, people });
        }
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let token = Self::load(&folder, people)?;
        std::fs::write(&mark, json!({ "tables": tables(), "token": token }).to_string())?;
        Ok(Self { folder, token, people })
    }

    fn load(folder: &std::path::Path, people: u64) -> anyhow::Result<String> {
        let setting = Setting { data: folder.to_owned(), store: None, log: None, lake: None };
        let installation = setting.open()?;
        let token = place::create(&installation)?.api_token;
        let events = people * VISIT;
        let log = place::open_log(&place::log_folder(folder))?;
        let (mut traffic, mut draw) = (Traffic::new(Mix::newcomers(people, place::now()), 3), Draw(3));
        let start = Instant::now();
        place::feed(log.as_ref(), &mut traffic, events, || 20 + draw.below(81))?;
        line("loading: events to the log, seconds", format_args!("{:.1}", start.elapsed().as_secs_f64()));
        let drained = drain_installation(&installation, log)?;
        line("loading: events through the pipeline", drained.rates());
        drained.print_shares();
        Ok(token)
    }
}

/// Changes when the tables do.
fn tables() -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    include_str!("../../migrations/sqlite/0002_workspace.sql").hash(&mut hasher);
    // A double keeps 53 bits, and JSON readers are entitled to use one.
    hasher.finish() >> 11
}
