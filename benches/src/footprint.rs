//! `footprint`: memory of an idle server, bytes on disk.

use std::time::Duration;

use clap::Parser;

use crate::collect::block_on;
use crate::http::Connection;
use crate::parties::Parties;
use crate::place;
use crate::report::{line, thousands, title};
use crate::server::{Server, command};
use crate::startup::folder_bytes;

/// Memory of an idle server, bytes on disk.
#[derive(Debug, Parser)]
pub(crate) struct Footprint {
    /// Parties whose bytes on disk are counted
    #[arg(long, default_value_t = 1_000_000)]
    parties: u64,
    /// Size of the demo world: small or tiny
    #[arg(long, default_value = "small")]
    demo: String,
}

/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);

impl Footprint {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        title("footprint", &format!("the demo world `{}`; the place of profile-read", self.demo));
        self.memory()?;
        self.disk()
    }

    fn memory(&self) -> anyhow::Result<()> {
        let temporary = tempfile::Builder::new().prefix("demo.").tempdir_in(place::root()?)?;
        let folder = temporary.path();
        let data = folder.to_str().unwrap_or_default();
        let empty = Server::start(folder, &[])?;
        tell("idle, nothing in it", &empty)?;
        drop(empty);
        let arguments = ["demo", "--data", data, "--profile", &self.demo, "--no-serve"];
        let start = std::time::Instant::now();
        let loaded = command(folder, &arguments)?.stdout(std::process::Stdio::null()).status()?;
        anyhow::ensure!(loaded.success(), "`headwater demo` failed");
        line("loading the demo, seconds", format_args!("{:.1}", start.elapsed().as_secs_f64()));
        let server = Server::start(folder, &[])?;
        tell("idle with the demo, MiB", &server)?;
        Ok(())
    }

    fn disk(&self) -> anyhow::Result<()> {
        let parties = Parties::loaded(self.parties)?;
        let server = Server::start(&parties.folder, &[])?;
        let status = block_on(server.drained(&parties.token))?;
        tell(&format!("idle with {} parties, MiB", thousands(status.parties as f64)), &server)?;
        drop(server);
        let log = folder_bytes(&parties.folder.join("log"))? as f64;
        let store = folder_bytes(&parties.folder.join("workspaces"))? as f64;
        let (events, people) = (status.done as f64, status.parties as f64);
        line("log, bytes per event", format_args!("{:.0}", log / events));
        line("store, bytes per event", format_args!("{:.0}", store / events));
        line(
            "store, bytes per party",
            format_args!("{:.0}  ({:.1} events each)", store / people, events / people),
        );
        self.tables(&parties)
    }

    /// Bytes by table and index, the large ones.
    fn tables(&self, parties: &Parties) -> anyhow::Result<()> {
        let database = rusqlite::Connection::open(parties.folder.join("workspaces/1.db"))?;
        let sql = "select name, sum(pgsize) from dbstat group by name order by 2 desc limit 12";
        let Ok(mut statement) = database.prepare(sql) else { return Ok(()) };
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (name, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
            line(&format!("  {name}, MiB"), format_args!("{:.1}", bytes as f64 / f64::from(1 << 20)));
        }
        Ok(())
    }
}

fn tell(name: &str, server: &Server) -> anyhow::Result<()> {
    block_on(async {
        // A page or two is served first, as after any start.
        let mut connection = Connection::open(server.address).await?;
        for path in ["/readyz", "/", "/api/v1/openapi.json"] {
            connection.get(path, "").await?;
        }
        tokio::time::sleep(REST).await;
        Ok(())
    })?;
    let mib = |field: &str| server.memory(field) as f64 / f64::from(1 << 20);
    let (all, own, peak) = (mib("VmRSS"), mib("RssAnon"), mib("VmHWM"));
    line(name, format_args!("{all:.0} resident, {own:.0} of it its own, {peak:.0} at the peak"));
    Ok(())
}
