//! `headwater export`: parties into a CSV file, a workbook or JSON lines, through the public API. What a
//! token may not see comes masked from the server; nothing is decided here.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::client::{self, Api, Connection, Page};
use super::{definitions, say};
use files::export::{Layout, Party, Writer};
use files::read;

/// Write parties to a file, or definitions to a folder.
///
/// One row for each party: its id, a column for each kind of identifier, a column for each trait. Text
/// that a spreadsheet would run as a formula is marked with an apostrophe. Without the permission
/// personal:read, personal data are masked.
#[derive(Clone, Debug, Args)]
pub struct Export {
    /// Instead of parties: write what the workspace defines into this folder, as `headwater apply` reads it
    #[arg(value_name = "DIR")]
    definitions: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    /// What to write
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,
    /// The file; it is complete when the command ends without an error
    #[arg(
        long,
        short,
        value_name = "FILE",
        required_unless_present = "definitions",
        conflicts_with = "definitions"
    )]
    output: Option<PathBuf>,
    /// Only parties this search finds: a name, the end of a phone number, an e-mail address, an identifier
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
    /// Begin CSV with a byte order mark, without which Excel garbles Chinese
    #[arg(long)]
    bom: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Formats of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// Comma-separated values, UTF-8.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// One JSON object a line.
    Jsonl,
}

impl FormatName {
    fn format(self) -> read::Format {
        match self {
            Self::Csv => read::Format::Csv,
            Self::Xlsx => read::Format::Xlsx,
            Self::Jsonl => read::Format::JsonLines,
        }
    }
}

/// A party as the API tells it, as far as an export holds it; also one line of the spool.
#[derive(Serialize, Deserialize)]
struct Item {
    id: String,
    identifiers: Vec<Identifier>,
    traits: std::collections::BTreeMap<String, Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
struct Identifier {
    kind: String,
    value: String,
}

impl From<Item> for Party {
    fn from(item: Item) -> Self {
        let identifiers = item.identifiers.into_iter().map(|i| (i.kind, i.value)).collect();
        Self { id: item.id, identifiers, traits: item.traits.into_iter().collect() }
    }
}

impl Export {
    fn output(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new(""))
    }

    /// Exports and prints how many parties there were.
    ///
    /// # Errors
    /// The server refuses, or the file cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let session = self.connection.open().await?;
            if let Some(folder) = &self.definitions {
                let written = definitions::export(&session.api, folder).await;
                session.close().await;
                return written;
            }
            let exported = tokio::select! {
                exported = self.export(&session.api) => exported.map(Some),
                _ = tokio::signal::ctrl_c() => Ok(None),
            };
            session.close().await;
            let Some(parties) = exported? else { return Ok(client::interrupted()) };
            if self.json {
                say(json!({ "parties": parties, "file": self.output() }));
            } else {
                say(format_args!("{parties} parties in {}", self.output().display()));
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    /// Which columns there are is known after the last page, so parties wait in a file without a name
    /// beside the output, which is gone with this process.
    async fn export(&self, api: &Api) -> anyhow::Result<u64> {
        let folder = self.output().parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let spool =
            tempfile::tempfile_in(folder).with_context(|| format!("writing in {}", folder.display()))?;
        let mut spool = BufWriter::new(spool);
        let mut columns = Columns::default();
        let bar = client::progress("parties", None);
        self.fetch(api, &bar, |item| {
            columns.add(&item);
            serde_json::to_writer(&mut spool, &item)?;
            Ok(spool.write_all(b"\n")?)
        })
        .await?;
        bar.finish_and_clear();
        self.write(spool.into_inner()?, columns)
    }

    async fn fetch(
        &self,
        api: &Api,
        bar: &ProgressBar,
        mut take: impl FnMut(Item) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "200")];
            query.extend(self.q.as_deref().map(|q| ("q", q)));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Page<Item> = api.get(&["parties"], &query).await?;
            bar.inc(page.items.len() as u64);
            page.items.into_iter().try_for_each(&mut take)?;
            let Some(next) = page.next else { return Ok(()) };
            cursor = Some(next);
        }
    }

    fn write(&self, mut spool: File, columns: Columns) -> anyhow::Result<u64> {
        spool.rewind()?;
        let layout = Layout {
            format: self.format.format(),
            identifiers: columns.identifiers.into_iter().collect(),
            traits: columns.traits.into_iter().collect(),
            has_bom: self.bom,
        };
        let mut writer = Writer::create(self.output(), layout)?;
        for line in BufReader::new(spool).lines() {
            let item: Item = serde_json::from_str(&line?).context("reading what was just written")?;
            writer.write(&item.into())?;
        }
        writer.finish()
    }
}

/// The columns parties need, in alphabetical order.
#[derive(Default)]
struct Columns {
    identifiers: BTreeSet<String>,
    traits: BTreeSet<String>,
}

impl Columns {
    fn add(&mut self, item: &Item) {
        for identifier in
            item.identifiers.iter().filter(|i| !self.identifiers.contains(&i.kind)).collect::<Vec<_>>()
        {
            self.identifiers.insert(identifier.kind.clone());
        }
        for name in item.traits.keys().filter(|n| !self.traits.contains(*n)).collect::<Vec<_>>() {
            self.traits.insert(name.clone());
        }
    }
}
