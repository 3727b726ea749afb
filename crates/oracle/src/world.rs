//! A party as plain JSON, which both evaluators are given in their own form.

use std::collections::BTreeMap;

use kernel::{Instant, Key};
use serde_json::Value as Json;

use criteria::program::Program;
use criteria::rule::Consent;
use criteria::subject::Facts;
use criteria::timeline::Owned;

/// Everything that is known of one party.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Its events, in any order.
    pub events: Vec<Event>,
    /// Its traits.
    pub traits: BTreeMap<String, Json>,
    /// Its tags.
    pub tags: BTreeMap<String, Json>,
    /// Its scores.
    pub scores: BTreeMap<String, Json>,
    /// The states it is in.
    pub stages: BTreeMap<String, String>,
    /// The audiences it belongs to.
    pub audiences: Vec<String>,
    /// What it consented to, by channel and purpose.
    pub consents: BTreeMap<(String, String), Consent>,
    /// Records reached, by object and relation.
    pub related: BTreeMap<(String, String), Vec<Json>>,
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it happened, in microseconds.
    pub time: i64,
    /// Decides between events of one time.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Json,
    /// Its context.
    pub context: Json,
}

impl World {
    /// The timeline as the stream builds it.
    pub fn timeline(&self, program: &Program) -> Owned {
        let mut timeline = Owned::new(program);
        for event in &self.events {
            let named = (event.name.as_str(), Instant(event.time), event.key);
            timeline.insert(program, named, &event.properties, &event.context);
        }
        timeline
    }

    /// What is known besides the timeline.
    pub fn facts(&self, program: &Program) -> Facts {
        let mut facts = Facts::default();
        self.traits.iter().for_each(|(name, value)| facts.set_trait(name, value));
        self.tags.iter().for_each(|(key, value)| facts.set_tag(key, value));
        self.scores.iter().for_each(|(key, value)| facts.set_score(key, value));
        self.stages.iter().for_each(|(machine, state)| facts.set_stage(machine, state));
        self.audiences.iter().for_each(|id| facts.join(id));
        for ((channel, purpose), state) in &self.consents {
            facts.set_consent(channel, purpose, *state);
        }
        for ((object, via), records) in &self.related {
            facts.set_related(program, object, via, records);
        }
        facts
    }
}
