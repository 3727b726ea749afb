//! What flows through the stages of the pipeline: a slice of decoded events and what became of each.

use std::collections::BTreeSet;

use db::Tx;
use kernel::{Instant, Key, NodeNo, PartyNo, Scope, SourceNo};
use pipeline::Counts;

use crate::rules::frame::Frame;
use crate::rules::record::{Record, Reject};

/// What is fixed for a workspace while its worker runs.
#[derive(Clone, Debug)]
pub struct Context {
    /// The workspace, and the pipeline as the actor.
    pub scope: Scope,
    /// The workspace's secret, which keys every hash.
    pub secret: [u8; 32],
    /// The partition this worker applies.
    pub partition: u32,
    /// How many there are: with several, other workers change the same tables.
    pub partitions: u32,
    /// The IANA name of the time zone of the workspace's days, weeks and months.
    pub time_zone: String,
}

/// An event on its way through the stages.
#[derive(Debug)]
pub struct Event<'a> {
    /// The request it came in.
    pub frame: &'a Frame<'a>,
    /// Its place in that request.
    pub index: usize,
    /// Its name for deduplication: the hash of source and message id.
    pub key: Key,
    /// What it says; absent if it could not be decoded.
    pub record: Option<Record<'a>>,
    /// What became of it.
    pub state: State,
    /// The node its facts belong to, once identity has found it.
    pub subject: Option<Subject>,
}

/// The node an event's facts belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The node.
    pub node: NodeNo,
    /// Width of the time buckets its facts are kept in, in microseconds; 0 if it never changes hands.
    pub bucket_micros: i64,
}

impl Subject {
    /// The bucket of an instant.
    pub fn bucket(&self, at: kernel::Instant) -> i64 {
        if self.bucket_micros == 0 { 0 } else { at.0.div_euclid(self.bucket_micros) }
    }
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Live,
    /// It was processed before.
    Duplicate,
    /// It is put aside, with the reason.
    Rejected(Rejection),
}

/// Why an event is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What kind of trouble: a decoder's class, `plan`, `identity` or `poison`.
    pub class: &'static str,
    /// The offending field, or empty.
    pub field: String,
    /// What is wrong, for people.
    pub reason: String,
}

impl From<Reject> for Rejection {
    fn from(reject: Reject) -> Self {
        let field = reject.field.map_or_else(String::new, |f| f.into_owned());
        Self { class: reject.class.name(), field, reason: reject.reason }
    }
}

impl<'a> Event<'a> {
    /// Its record, if it is still going on.
    pub fn live(&self) -> Option<&Record<'a>> {
        match self.state {
            State::Live => self.record.as_ref(),
            _ => None,
        }
    }

    /// Its bytes as they were sent.
    pub fn raw(&self) -> &'a [u8] {
        self.frame.events[self.index]
    }

    /// The source that sent it.
    pub fn source(&self) -> SourceNo {
        self.frame.source
    }

    /// Puts it aside.
    pub fn reject(&mut self, class: &'static str, field: &str, reason: impl Into<String>) {
        self.state = State::Rejected(Rejection { class, reason: reason.into(), field: field.to_owned() });
    }
}

/// The events of one transaction, or of a part of it while a bad one is being looked for.
pub struct Batch<'b, 'a> {
    /// What is fixed.
    pub context: &'b Context,
    /// Numbers this run of the stages, within the partition and for ever.
    pub no: u64,
    /// The events, in the log's order.
    pub events: &'b mut [Event<'a>],
    /// Parties that gained or lost identifiers in this batch; some may be no more.
    pub regrouped: BTreeSet<PartyNo>,
}

/// One step every event passes. The order of the steps is written in the binary's `stages.rs`.
pub trait Stage: Send {
    /// Its verb, for metrics and logs.
    fn name(&self) -> &'static str;

    /// Does its work for the events that are still going on.
    ///
    /// # Errors
    /// What makes the batch impossible to process; nothing of it is kept.
    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()>;

    /// Whether there is something to do although nothing arrived.
    fn is_due(&self, context: &Context, now: Instant) -> bool {
        let _ = (context, now);
        false
    }

    /// Does some of it, in a transaction of its own; it is asked again as long as there is more.
    ///
    /// # Errors
    /// Nothing of it is kept, and it is tried again.
    fn tick(&mut self, tx: &mut Tx<'_>, context: &Context, now: Instant) -> kernel::Result<()> {
        let _ = (tx, context, now);
        Ok(())
    }

    /// The transaction is durable.
    fn committed(&mut self) {}

    /// The transaction, or a part of it, is undone: forget what was learnt.
    fn rolled_back(&mut self) {}
}

/// Counts what became of events.
pub fn count(events: &[Event<'_>]) -> Counts {
    let mut counts = Counts::default();
    for event in events {
        match event.state {
            State::Live => counts.processed += 1,
            State::Duplicate => counts.deduplicated += 1,
            State::Rejected(_) => counts.quarantined += 1,
        }
    }
    counts
}
