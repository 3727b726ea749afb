//! What a program needs to know, and which rules each kind of fact can change.

use std::collections::HashMap;

use crate::path::Path;

/// What has to be known of a party. The place of each thing is the slot it is asked for by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// Runs of events, and the columns of each.
    pub events: Vec<EventNeed>,
    /// Traits by name.
    pub traits: Vec<Box<str>>,
    /// Tags by key.
    pub tags: Vec<Box<str>>,
    /// Scores by key.
    pub scores: Vec<Box<str>>,
    /// State machines by name.
    pub stages: Vec<Box<str>>,
    /// Audiences by id.
    pub audiences: Vec<Box<str>>,
    /// Consents.
    pub consents: Vec<ConsentNeed>,
    /// Related records, and the columns of each.
    pub related: Vec<RelatedNeed>,
}

/// A run of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventNeed {
    /// The name of the events, or `*` for a run of all events of the timeline.
    pub name: Box<str>,
    /// Properties: the columns of the run.
    pub properties: Vec<Path>,
    /// Whether order among events of one microsecond, or their ids, are asked for beyond explanation.
    pub is_keyed: bool,
}

/// What was consented to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsentNeed {
    /// Through which channel.
    pub channel: Box<str>,
    /// For which purpose.
    pub purpose: Box<str>,
}

/// Records that a relation reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedNeed {
    /// The object.
    pub object: Box<str>,
    /// The relation.
    pub via: Box<str>,
    /// Properties: the columns of the records.
    pub properties: Vec<Path>,
}

/// A kind of fact that a rule can depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact<'a> {
    /// An event of this name.
    Event(&'a str),
    /// Another value of this trait.
    Trait(&'a str),
    /// Another value of this tag.
    Tag(&'a str),
    /// Another value of this score.
    Score(&'a str),
    /// Another state of this state machine.
    Stage(&'a str),
    /// Entering or leaving this audience.
    Audience(&'a str),
    /// Anything said about consent to this channel and purpose.
    Consent {
        /// The channel.
        channel: &'a str,
        /// The purpose.
        purpose: &'a str,
    },
    /// A record of this object.
    Related(&'a str),
}

/// The rules each fact touches, ascending.
#[derive(Debug, Default)]
pub(super) struct Touched {
    rules: HashMap<(u8, Box<str>, Box<str>), Vec<usize>>,
}

/// Events no rule names still touch rules on any event.
const ANY_EVENT: &str = "*";

impl Touched {
    pub(super) fn add(&mut self, fact: Fact<'_>, rule: usize) {
        let rules = self.rules.entry(key(fact)).or_default();
        if rules.last() != Some(&rule) {
            rules.push(rule);
        }
    }

    /// Adds to every named event the rules on any event; call once, at the end.
    pub(super) fn close(&mut self) {
        let any = self.by(Fact::Event(ANY_EVENT)).to_vec();
        for ((kind, ..), rules) in &mut self.rules {
            if *kind == 0 {
                rules.extend(&any);
                rules.sort_unstable();
                rules.dedup();
            }
        }
    }

    pub(super) fn by(&self, fact: Fact<'_>) -> &[usize] {
        match (self.rules.get(&key(fact)), fact) {
            (Some(rules), _) => rules,
            (None, Fact::Event(name)) if name != ANY_EVENT => self.by(Fact::Event(ANY_EVENT)),
            (None, _) => &[],
        }
    }
}

fn key(fact: Fact<'_>) -> (u8, Box<str>, Box<str>) {
    let (kind, name, second) = match fact {
        Fact::Event(name) => (0, name, ""),
        Fact::Trait(name) => (1, name, ""),
        Fact::Tag(name) => (2, name, ""),
        Fact::Score(name) => (3, name, ""),
        Fact::Stage(name) => (4, name, ""),
        Fact::Audience(name) => (5, name, ""),
        Fact::Consent { channel, purpose } => (6, channel, purpose),
        Fact::Related(object) => (7, object, ""),
    };
    (kind, name.into(), second.into())
}
