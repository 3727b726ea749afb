//! `pipeline`: events a second from the log to the committed state.

use std::sync::Arc;

use clap::Parser;
use log::Log;

use crate::drain::{Drained, drain};
use crate::journal::Journal;
use crate::place::{self, Place};
use crate::report::{line, median, rate, rates, ratio, thousands, title};
use crate::rules;
use crate::traffic::{Draw, Mix, Traffic};

/// Events a second from the log to the committed state.
#[derive(Debug, Parser)]
pub(crate) struct Pipeline {
    /// Events of the embedded run; the other runs take a part of them
    #[arg(long, default_value_t = 500_000)]
    events: u64,
    /// Times the embedded run is repeated
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Only these parts: batches, rules, yardstick, singles, newcomers, postgres
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

const SEED: u64 = 7;

impl Pipeline {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let data = format!(
            "{} Segment messages, sessions of about 10, 15 % identify with e-mail and mobile, 5 % sent twice,\n          1,000,000 people possible, some more often than others; frames of 20–100 messages",
            thousands(self.events as f64)
        );
        title("pipeline: log → dedupe, plan, identity, profile, search, timeline → commit", &data);
        let wants = |part: &str| self.only.is_empty() || self.only.iter().any(|p| p == part);
        if wants("batches") {
            self.batches()?;
        }
        if wants("rules") {
            self.rules()?;
        }
        if wants("yardstick") {
            self.yardstick()?;
        }
        if wants("singles") {
            self.singles()?;
        }
        if wants("newcomers") {
            self.newcomers()?;
        }
        if wants("postgres") {
            self.postgres()?;
        }
        Ok(())
    }

    fn batches(&self) -> anyhow::Result<()> {
        let (mut measured, mut last) = (Vec::new(), None);
        for _ in 0..self.repeat.max(1) {
            let (place, log) = filled(None, self.events, batch_sizes())?;
            let drained = drain(&place, log)?;
            measured.push(drained.rate());
            last = Some((place, drained));
        }
        let rate = median(&mut measured);
        let all: Vec<String> = measured.iter().map(|r| thousands(*r)).collect();
        line(
            "embedded (SQLite), events/s, median",
            format_args!("{}  of {}", thousands(rate), all.join(", ")),
        );
        if let Some((place, drained)) = last {
            tell(&place, &drained)?;
        }
        Ok(())
    }

    /// The same traffic while live audiences are kept.
    fn rules(&self) -> anyhow::Result<()> {
        for audiences in [10, 50, 200] {
            let place = Place::fresh(None)?;
            let log = place::open_log(&place.log_folder())?;
            rules::define(log.as_ref(), audiences)?;
            let mut traffic = Traffic::new(Mix::shop(self.events / 2, place::now()), SEED);
            place::feed(log.as_ref(), &mut traffic, self.events / 2, batch_sizes())?;
            let drained = drain(&place, log)?;
            line(&format!("embedded, {audiences} live audiences"), drained.rates());
            if audiences == 50 {
                drained.print_shares();
            }
        }
        Ok(())
    }

    fn yardstick(&self) -> anyhow::Result<()> {
        // Triggers make the noting slow, so the comparison is made on fewer events, by both.
        let events = self.events / 4;
        let (place, log) = filled(None, events, batch_sizes())?;
        let ours = drain(&place, log)?;
        let (place, log) = filled(None, events, batch_sizes())?;
        let workspace = place.workspace().no;
        place.installation.store().workspace(workspace)?;
        let journal = Journal::begin(&place.database())?;
        let drained = drain(&place, log)?;
        let empty = Place::fresh(None)?;
        empty.installation.store().workspace(workspace)?;
        let played = journal.play_sqlite(&empty.database())?;
        let (raw, raw_processor) =
            (rate(drained.events(), played.time), rate(drained.events(), played.processor));
        let events = thousands(events as f64);
        line(&format!("embedded, {events} events"), ours.rates());
        let rows = thousands(played.rows as f64);
        line("raw SQLite, the same rows", format_args!("{} ({rows} rows)", rates(raw, raw_processor)));
        ratio("pipeline against raw SQLite", ours.rate(), raw);
        ratio("  by processor time", ours.processor_rate(), raw_processor);
        Ok(())
    }

    fn singles(&self) -> anyhow::Result<()> {
        let (place, log) = filled(None, self.events / 5, || 1)?;
        let drained = drain(&place, log)?;
        line("embedded, frames of one message", drained.rates());
        drained.print_shares();
        Ok(())
    }

    fn newcomers(&self) -> anyhow::Result<()> {
        let events = self.events / 5;
        let place = Place::fresh(None)?;
        let log = place::open_log(&place.log_folder())?;
        let mut traffic = Traffic::new(Mix::newcomers(events / 3, place::now()), SEED);
        place::feed(log.as_ref(), &mut traffic, events, batch_sizes())?;
        let drained = drain(&place, log)?;
        line("embedded, everybody new, three messages each", drained.rates());
        drained.print_shares();
        Ok(())
    }

    fn postgres(&self) -> anyhow::Result<()> {
        let Some(server) = postgres() else {
            line("PostgreSQL", "not found on this machine");
            return Ok(());
        };
        let events = self.events / 5;
        let place = Place::fresh(Some(server.database()))?;
        let log = place::open_log(&place.log_folder())?;
        let mut traffic = Traffic::new(Mix::shop(events, place::now()), SEED);
        place::feed(log.as_ref(), &mut traffic, events / 4, batch_sizes())?;
        line("PostgreSQL, before it has statistics", drain(&place, Arc::clone(&log))?.rates());
        // As its autovacuum does within the first minutes.
        place.installation.store().workspace(place.workspace().no)?.write(|tx| tx.execute("analyze", &[]))?;
        place::feed(log.as_ref(), &mut traffic, events, batch_sizes())?;
        let drained = drain(&place, log)?;
        line("PostgreSQL", drained.rates());
        drained.print_shares();
        let (scratch, log) = filled(None, events, batch_sizes())?;
        let workspace = scratch.workspace().no;
        scratch.installation.store().workspace(workspace)?;
        let journal = Journal::begin(&scratch.database())?;
        drain(&scratch, log)?;
        let empty = Place::fresh(Some(server.database()))?;
        let played = journal.play_postgres(&empty.installation.store().workspace(workspace)?)?;
        let raw = rate(drained.events(), played.time);
        line("raw PostgreSQL, the same rows, events/s", thousands(raw));
        ratio("pipeline against raw PostgreSQL", drained.rate(), raw);
        Ok(())
    }
}

/// A cluster, if there are programs for one.
fn postgres() -> Option<&'static testkit::PostgresServer> {
    std::panic::catch_unwind(testkit::PostgresServer::start).ok()
}

/// Frames of 20 to 100 messages.
fn batch_sizes() -> impl FnMut() -> u64 {
    let mut draw = Draw(SEED);
    move || 20 + draw.below(81)
}

/// A fresh place with a log of traffic that nobody has applied.
fn filled(
    postgres: Option<String>,
    events: u64,
    sizes: impl FnMut() -> u64,
) -> anyhow::Result<(Place, Arc<dyn Log>)> {
    let place = Place::fresh(postgres)?;
    let log = place::open_log(&place.log_folder())?;
    let mut traffic = Traffic::new(Mix::shop(events, place::now()), SEED);
    place::feed(log.as_ref(), &mut traffic, events, sizes)?;
    Ok((place, log))
}

fn tell(place: &Place, drained: &Drained) -> anyhow::Result<()> {
    let counts = drained.counts;
    let outcome = format!(
        "{} processed, {} duplicates, {} quarantined, {} transactions",
        thousands(counts.processed as f64),
        thousands(counts.deduplicated as f64),
        counts.quarantined,
        drained.batches
    );
    line("  outcome", outcome);
    line("  by processor time of its thread", drained.rates());
    drained.print_shares();
    let bytes = place.installation.store().workspace(place.workspace().no)?.size_bytes()?;
    line("  store bytes per event", format_args!("{:.0}", bytes as f64 / counts.processed as f64));
    Ok(())
}
