//! What has to be read to answer a question.

use std::sync::Arc;

use criteria::Program;
use criteria::path::Path;
use kernel::{Instant, PartyNo};

use crate::which::Which;

/// Path of the column that says through which channel an event came.
pub const CHANNEL: &str = "$channel";
/// Path of the column that says from which source an event came.
pub const SOURCE: &str = "$source";
/// Path of the column with an event's name, for runs of events of all names.
pub const EVENT: &str = "$event";
/// Path of the column with all properties of an event as JSON text.
pub const PROPERTIES: &str = "$properties";

/// In which order an operator takes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Party by party, each with all its events (`Operator::party`).
    #[default]
    Parties,
    /// Stretch of time by stretch of time, each with all parties (`Operator::block`).
    Blocks,
}

/// Events of one name, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Their name; `None` is every event, in one run.
    pub event: Option<Arc<str>>,
    /// Paths into properties and context, or one of the columns named in this module.
    pub columns: Vec<Path>,
    /// Whether keys are needed: as names, or to order events of different names of one microsecond.
    pub is_keyed: bool,
    /// Earliest time that matters, inclusive.
    pub from: Option<Instant>,
    /// Time from which on nothing matters, exclusive.
    pub until: Option<Instant>,
}

/// Everything a question needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Runs of events, by their number.
    pub events: Vec<Need>,
    /// Only this party is asked about.
    pub party: Option<PartyNo>,
    /// Of that party, this many of the newest rows of each run are enough; all if `None`.
    pub newest: Option<usize>,
    /// Traits of parties, by name.
    pub traits: Vec<Box<str>>,
    /// Audiences whose members have to be known, by id.
    pub audiences: Vec<Box<str>>,
    /// Whether parties without any of these events count, so that all parties have to be known.
    pub is_everybody: bool,
    /// How the operator wants its rows.
    pub order: Order,
}

impl Need {
    /// Events of a name in a stretch of time, without columns.
    pub(crate) fn of(event: &str, (from, until): (i64, i64)) -> Self {
        Self {
            event: (event != "*").then(|| Arc::from(event)),
            columns: Vec::new(),
            is_keyed: false,
            from: (from > i64::MIN).then_some(Instant(from)),
            until: (until < i64::MAX).then_some(Instant(until)),
        }
    }

    /// Chosen events in a stretch of time; where a name does not choose them, whoever sifts them names what is read.
    pub(crate) fn which(which: &Which, range: (i64, i64)) -> Self {
        Self::of(which.plain().unwrap_or("*"), range)
    }

    /// The same with columns.
    pub(crate) fn with(self, columns: impl IntoIterator<Item = Path>) -> Self {
        Self { columns: columns.into_iter().collect(), ..self }
    }
}

impl Needs {
    /// What a program needs as of an instant: its runs are the program's, by number.
    pub fn of(program: &Program, as_of: Instant) -> Self {
        let needs = program.needs();
        let events = needs.events.iter().enumerate().map(|(run, need)| Need {
            event: (&*need.name != "*").then(|| Arc::from(&*need.name)),
            columns: need.properties.clone(),
            is_keyed: need.is_keyed,
            from: program.earliest(run, as_of),
            until: Some(as_of.plus(1)),
        });
        Self {
            events: events.collect(),
            traits: needs.traits.clone(),
            audiences: needs.audiences.clone(),
            is_everybody: true,
            ..Self::default()
        }
    }
}

/// A path that is part of the program.
pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).expect("a path that is part of the program")
}
