//! What the pipeline does with the entries of a log: frames of events pass the stages, commands go to
//! their handlers, in the order they lie in the log.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use db::Tx;
use insight::store::lake_feed::{Fed, Feed, feed_put};
use intake::batch::{Batch, Context, Event, Stage, State, count};
use intake::command::{Command, Handler};
use intake::rules::frame::{Frame, Protocol};
use intake::rules::record::{self, Kind};
use intake::stages::QuarantineRejects;
use kernel::{Instant, Key, SourceNo};
use log::Entry;
use parking_lot::Mutex;
use pipeline::{Counts, Program, Work, run_bisected};
use workspace::store::audit::audit_append;

/// Events remembered for the live view.
const RECENT_MAX: usize = 200;
/// Room for the runs of the stages within one transaction: twice as many as it has events, if all are bad.
const RUNS_MAX: u64 = 1 << 20;

/// An event that went by.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct RecentEvent {
    /// Its name.
    pub event: String,
    /// Its message id.
    pub id: String,
    /// When it happened.
    #[schema(value_type = String)]
    pub time: String,
    /// The kind of identifier it came under.
    pub identifier_kind: String,
    /// `processed`, `duplicate` or `quarantined`.
    pub outcome: &'static str,
}

/// The latest events of a workspace, newest last.
pub type Recent = Arc<Mutex<VecDeque<RecentEvent>>>;

/// Applies entries of one partition.
pub struct Applier {
    context: Context,
    stages: Vec<Box<dyn Stage>>,
    handlers: Vec<Box<dyn Handler>>,
    recent: Recent,
    passed: Vec<RecentEvent>,
    /// What this transaction tells the lake, if there is one.
    fed: Option<Vec<Fed>>,
}

/// The stages over a slice of events, as the bisection wants them.
struct Stages<'s> {
    context: &'s Context,
    stages: &'s mut [Box<dyn Stage>],
    next_no: &'s mut u64,
}

impl Applier {
    /// An applier with nothing in memory yet.
    pub fn new(
        context: Context,
        stages: Vec<Box<dyn Stage>>,
        handlers: Vec<Box<dyn Handler>>,
        recent: Recent,
    ) -> Self {
        Self { context, stages, handlers, recent, passed: Vec::new(), fed: None }
    }

    /// The same, telling the lake what it applies.
    pub fn feeding(self) -> Self {
        Self { fed: Some(Vec::new()), ..self }
    }

    fn events<'a>(&self, frames: &'a [Frame<'a>]) -> Vec<Event<'a>> {
        let mut events = Vec::new();
        for frame in frames {
            events.extend((0..frame.events.len()).map(|index| self.event(frame, index)));
        }
        events
    }

    fn event<'a>(&self, frame: &'a Frame<'a>, index: usize) -> Event<'a> {
        let (record, state, id) = match record::decode(frame, index) {
            Ok(record) => {
                let id = record.message_id.as_bytes().to_vec();
                (Some(record), State::Live, id)
            }
            Err(reject) => {
                // Without a readable message id the bytes themselves name the event.
                (None, State::Rejected(reject.into()), frame.events[index].to_vec())
            }
        };
        let key = event_key(&self.context.secret, frame.source, &id);
        Event { frame, index, key, record, state, subject: None }
    }

    /// Runs the stages over frames, each with its place in the log.
    fn run_events(
        &mut self,
        tx: &mut Tx<'_>,
        no: &mut u64,
        frames: &[Frame<'_>],
        offsets: &[u64],
    ) -> kernel::Result<Counts> {
        let mut events = self.events(frames);
        let mut stages = Stages { context: &self.context, stages: &mut self.stages, next_no: no };
        run_bisected(&mut stages, tx, &mut events)?;
        if let Some(fed) = &mut self.fed {
            let mut rest = &events[..];
            for (frame, offset) in frames.iter().zip(offsets) {
                let (own, others) = rest.split_at(frame.events.len());
                rest = others;
                fed.extend(own.iter().filter_map(|event| {
                    let subject = event.subject.filter(|_| event.live().is_some())?;
                    Some(Fed { offset: *offset, index: event.index as u32, node: subject.node })
                }));
            }
        }
        let skip = events.len().saturating_sub(RECENT_MAX);
        self.passed.extend(events.iter().skip(skip).map(recent));
        Ok(count(&events))
    }

    fn run_command(&mut self, tx: &mut Tx<'_>, frame: &Frame<'_>) -> kernel::Result<()> {
        for raw in &frame.events {
            let command: Command = match serde_json::from_slice(raw) {
                Ok(command) => command,
                Err(error) => {
                    tracing::error!(%error, "a command in the log cannot be read");
                    continue;
                }
            };
            let Some(handler) = self.handlers.iter_mut().find(|h| h.names().contains(&command.name.as_str()))
            else {
                tracing::error!(name = command.name, "a command in the log is not known");
                continue;
            };
            tx.savepoint("command")?;
            let outcome = handler.apply(tx, &self.context, &command);
            let scope = kernel::Scope { actor: command.actor.clone(), ..self.context.scope.clone() };
            let detail = match &outcome {
                Ok(()) => {
                    tx.release("command")?;
                    command.body.to_string()
                }
                Err(kernel::Failure::Unavailable { .. }) => return outcome,
                Err(failure) => {
                    tx.rollback_to("command")?;
                    serde_json::json!({ "failed": failure.code(), "body": command.body }).to_string()
                }
            };
            audit_append(&scope, tx, command.at(), &command.name, &command.id, &detail)?;
            self.forget();
        }
        Ok(())
    }

    /// Keeps for the lake whose the events of this transaction are.
    fn feed(&mut self, tx: &mut Tx<'_>, batch: u64, entries: &[Entry]) -> kernel::Result<()> {
        let (Some(fed), Some(first), Some(last)) = (&mut self.fed, entries.first(), entries.last()) else {
            return Ok(());
        };
        if fed.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(fed);
        // Batches count from 0, positions from 1: the lake's cursor begins before the first.
        let feed = Feed { position: batch + 1, from: first.offset.0 - 1, to: last.offset.0, events };
        Ok(feed_put(&self.context.scope, tx, self.context.partition, &feed)?)
    }

    fn forget(&mut self) {
        self.fed.iter_mut().for_each(Vec::clear);
        self.stages.iter_mut().for_each(|stage| stage.rolled_back());
    }
}

impl Program for Applier {
    fn apply(&mut self, tx: &mut Tx<'_>, batch: u64, entries: &[Entry]) -> kernel::Result<Counts> {
        let (mut frames, mut offsets) =
            (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for entry in entries {
            match Frame::decode(&entry.body) {
                Ok(frame) => {
                    frames.push(frame);
                    offsets.push(entry.offset.0);
                }
                Err(error) => tracing::error!(offset = entry.offset.0, %error, "an entry is not a frame"),
            }
        }
        let mut no = batch * RUNS_MAX;
        let mut counts = Counts::default();
        let mut offsets = &offsets[..];
        for run in frames.chunk_by(|a, b| a.protocol != Protocol::Command && b.protocol != Protocol::Command)
        {
            let (own, others) = offsets.split_at(run.len());
            match run {
                [frame] if frame.protocol == Protocol::Command => self.run_command(tx, frame)?,
                frames => counts = counts.plus(self.run_events(tx, &mut no, frames, own)?),
            }
            offsets = others;
        }
        self.feed(tx, batch, entries)?;
        Ok(counts)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.stages.iter().any(|stage| stage.is_due(&self.context, now))
    }

    fn tick(&mut self, tx: &mut Tx<'_>, now: Instant) -> kernel::Result<()> {
        let due = self.stages.iter_mut().filter(|stage| stage.is_due(&self.context, now));
        due.collect::<Vec<_>>().into_iter().try_for_each(|stage| stage.tick(tx, &self.context, now))
    }

    fn committed(&mut self) {
        self.stages.iter_mut().for_each(|stage| stage.committed());
        let mut recent = self.recent.lock();
        recent.extend(self.passed.drain(..));
        while recent.len() > RECENT_MAX {
            recent.pop_front();
        }
    }

    fn rolled_back(&mut self) {
        self.passed.clear();
        self.forget();
    }
}

impl<'a> Work<Event<'a>> for Stages<'_> {
    fn run(&mut self, tx: &mut Tx<'_>, events: &mut [Event<'a>]) -> kernel::Result<()> {
        for event in events.iter_mut().filter(|event| event.record.is_some()) {
            // An earlier try with other events may have got some way.
            event.state = State::Live;
            event.subject = None;
        }
        let mut batch =
            Batch { context: self.context, no: *self.next_no, events, regrouped: BTreeSet::new() };
        *self.next_no += 1;
        self.stages.iter_mut().try_for_each(|stage| stage.run(tx, &mut batch))
    }

    fn put_aside(&mut self, tx: &mut Tx<'_>, event: &mut Event<'a>, reason: &str) -> kernel::Result<()> {
        event.reject("poison", "", reason);
        let events = std::slice::from_mut(event);
        let regrouped = BTreeSet::new();
        QuarantineRejects.run(tx, &mut Batch { context: self.context, no: *self.next_no, events, regrouped })
    }

    fn rolled_back(&mut self) {
        self.stages.iter_mut().for_each(|stage| stage.rolled_back());
    }
}

/// The name of an event for deduplication and on timelines.
pub fn event_key(secret: &[u8; 32], source: SourceNo, message_id: &[u8]) -> Key {
    Key::of(secret, &[b"event", &source.0.to_le_bytes(), message_id])
}

fn recent(event: &Event<'_>) -> RecentEvent {
    let record = event.record.as_ref();
    RecentEvent {
        event: record.map_or_else(String::new, |r| r.event.to_string()),
        id: record.map_or_else(String::new, |r| r.message_id.to_string()),
        time: record.map_or(Instant::default(), |r| r.time).to_string(),
        identifier_kind: record
            .filter(|r| r.kind != Kind::Item)
            .and_then(|r| r.identifiers.first())
            .map_or_else(String::new, |i| i.kind.to_string()),
        outcome: match event.state {
            State::Live => "processed",
            State::Duplicate => "duplicate",
            State::Rejected(_) => "quarantined",
        },
    }
}
