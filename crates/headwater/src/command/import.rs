//! `headwater import`: a file's rows, sent to the collector like the events of any SDK.
//!
//! Decides where they are sent and what is told about it. What a file says and which message a row
//! becomes, `files` decides; whether a message is a good one, the server does. Message ids follow from
//! the rows' content, so importing a file again, in whole or after a stop, adds only what is missing.

mod send;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::client::{self, Api, Connection, Figures};
use super::local::Local;
use super::say;
use super::setting::Setting;
use files::guess::guess;
use files::import::{Messages, Summary, summarise};
use files::mapping::Mapping;
use files::{errors, read};
use send::{Outcome, Sending};

/// Import a file of people or events.
///
/// CSV (UTF-8 or GB18030), TSV, Excel, JSON lines, Parquet, also gzipped. Without --mapping the columns'
/// meaning is guessed from their names and printed: save that, correct it, and give it as --mapping.
/// Importing a file again changes nothing.
///
/// Exit code 0 if every row is in, 65 if some were bad (the good ones are in; see --errors), 130 if stopped.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
    /// Write key of the source the rows come from; not needed with --data
    #[arg(long, value_name = "KEY", env = "HEADWATER_WRITE_KEY", hide_env_values = true)]
    write_key: Option<String>,
    /// Name of the source, part of every message id; with --data also the source they come in by
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// What the columns mean, as JSON; guessed if absent
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Sheet of a workbook; the first if absent
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Read and check everything, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Write bad rows here, with the reason in a last column
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Stop after this many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Part of the message ids of an import whose source is not named.
const SOURCE: &str = "import";

impl Import {
    /// Imports, or says what an import would do.
    ///
    /// # Errors
    /// The file or mapping is unreadable, or the server refuses.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let options = read::Options { format: None, sheet: self.sheet.clone() };
        let rows = read::open(&self.file, &options)?;
        let mapping = self.mapping(&rows)?;
        if !self.json {
            say(format_args!("{}: {}", self.file.display(), rows.description));
            if self.mapping.is_none() {
                say(format_args!("guessed mapping:\n{}", mapping.to_json()));
            }
        }
        let (description, format) = (rows.description.clone(), rows.format);
        let mut messages = Messages::new(rows, &mapping)?;
        let mut rejected = match &self.errors {
            Some(path) => Some(errors::Writer::create(path, format, messages.columns())?),
            None => None,
        };
        let (outcome, is_dry) = if self.dry_run {
            let summary = summarise(&mut messages, self.limit, rejected.as_mut())?;
            (Outcome { summary, ..Outcome::default() }, true)
        } else {
            let sending = Sending { limit: self.limit, messages, rejected: rejected.as_mut() };
            (client::run(self.send(sending))?, false)
        };
        if let Some(writer) = rejected {
            writer.finish()?;
        }
        let mut result = if is_dry { json!(outcome.summary) } else { outcome.figures() };
        result["file"] = json!(self.file);
        result["format"] = json!(description);
        if self.mapping.is_none() {
            result["mapping"] = json!(mapping);
        }
        if self.json {
            say(result)
        } else {
            self.tell(&outcome, is_dry)
        }
        let code = outcome.code();
        outcome.failure.map_or(Ok(code), Err)
    }

    fn mapping(&self, rows: &read::Rows) -> anyhow::Result<Mapping> {
        let mut mapping = match &self.mapping {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                Mapping::parse(&text.with_context(|| format!("reading {}", path.display()))?)?
            }
            None => guess(&rows.columns, SOURCE),
        };
        if let Some(source) = &self.source {
            mapping.source.clone_from(source);
        }
        Ok(mapping)
    }

    async fn send(&self, sending: Sending<'_>) -> anyhow::Result<Outcome> {
        match &self.connection.data {
            Some(folder) => self.send_inside(folder, sending).await,
            None => {
                let key = self.write_key.as_deref();
                let key = key.context("give --write-key (or HEADWATER_WRITE_KEY), or --data for a folder")?;
                let token = self.connection.token.as_deref();
                let api = Api::new(&self.connection.server, token)?;
                let outcome = sending.run(&api, key).await?;
                if token.is_some() && outcome.failure.is_none() {
                    applied(&api).await?;
                }
                Ok(outcome)
            }
        }
    }

    /// With a server of this process, which is ours alone: what its pipeline counts is this import.
    async fn send_inside(&self, folder: &Path, sending: Sending<'_>) -> anyhow::Result<Outcome> {
        let setting = Setting::existing(folder)?;
        let workspace = self.connection.workspace.as_deref();
        let mut local = Local::start_sending(&setting, workspace, self.source.as_deref()).await?;
        let result = async {
            let api = Api::new(&local.address(), Some(&local.lend_token()?))?;
            let before = applied(&api).await?;
            let mut outcome = sending.run(&api, local.own_key()).await?;
            outcome.pipeline = Some((before, applied(&api).await?));
            Ok(outcome)
        }
        .await;
        local.stop().await;
        result
    }

    fn tell(&self, outcome: &Outcome, is_dry: bool) {
        let Summary { rows, good, bad, skipped, .. } = outcome.summary;
        if is_dry {
            say(format_args!("{rows} rows: {good} good, {bad} bad, {skipped} left out; nothing was sent"));
            for message in outcome.summary.samples.iter().take(3) {
                say(format_args!("  row {}: {}", message.row, message.json));
            }
        } else {
            self.tell_sent(outcome);
        }
        for (reason, count) in &outcome.summary.reasons {
            say(format_args!("  {count} × {}", client::plain(reason)));
        }
        let is_bad = bad + outcome.rejected > 0;
        match &self.errors {
            Some(path) if is_bad => say(format_args!("bad rows are in {}", path.display())),
            None if is_bad => {
                say("--errors FILE writes the bad rows to a file, to be corrected and imported")
            }
            _ => {}
        }
    }

    fn tell_sent(&self, outcome: &Outcome) {
        let Summary { rows, bad, skipped, .. } = outcome.summary;
        let Outcome { sent, accepted, rejected, seconds, .. } = outcome;
        let rate = rows as f64 / seconds.max(0.001);
        say(format_args!(
            "{rows} rows in {seconds:.1} s ({rate:.0} a second): {sent} sent, {bad} bad, {skipped} left out"
        ));
        say(format_args!("{accepted} accepted, {rejected} rejected (rejected ones wait in quarantine)"));
        if let Some((before, after)) = &outcome.pipeline {
            let [new, known, aside] = Outcome::difference(before, after);
            say(format_args!(
                "{new} new, {known} known already, {aside} in quarantine, {} parties",
                after.parties
            ));
        }
        if outcome.is_stopped || outcome.failure.is_some() {
            say(format_args!("stopped after {rows} rows; import the file again to go on"));
        }
    }
}

/// Waits until what was sent is part of the state.
async fn applied(api: &Api) -> anyhow::Result<Figures> {
    let first = api.figures().await?;
    let bar = client::progress("applying", Some(first.log_head.saturating_sub(first.applied)));
    let figures = api.wait_applied(|f| bar.set_position(f.applied.saturating_sub(first.applied))).await?;
    bar.finish_and_clear();
    Ok(figures)
}

impl Outcome {
    fn difference(before: &Figures, after: &Figures) -> [u64; 3] {
        [
            after.processed - before.processed,
            after.deduplicated - before.deduplicated,
            after.quarantined - before.quarantined,
        ]
    }

    fn figures(&self) -> Value {
        let Summary { rows, bad, skipped, reasons, errors, is_complete, .. } = &self.summary;
        let seconds = (self.seconds * 1_000.0).round() / 1_000.0;
        let mut figures = json!({
            "rows": rows, "sent": self.sent, "accepted": self.accepted, "rejected": self.rejected,
            "bad": bad, "skipped": skipped, "seconds": seconds, "reasons": reasons, "errors": errors,
            "is_complete": is_complete,
        });
        if let Some((before, after)) = &self.pipeline {
            let [processed, deduplicated, quarantined] = Self::difference(before, after);
            figures["processed"] = json!(processed);
            figures["deduplicated"] = json!(deduplicated);
            figures["quarantined"] = json!(quarantined);
        }
        figures
    }
}
