//! What is known of a party besides its timeline.
//!
//! Every question comes with the place of its answer in `Program::needs` and with the name, so that
//! columns can be asked by place and maps by name.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::column::{Column, Values};
use crate::program::Program;
use crate::rule::Consent;
use crate::value::{Value, ValueRef};

/// One party as rules see it.
pub trait Subject {
    /// The surviving value of a trait.
    fn trait_value(&self, slot: usize, name: &str) -> Option<ValueRef<'_>>;
    /// The present value of a tag.
    fn tag(&self, slot: usize, key: &str) -> Option<ValueRef<'_>>;
    /// The present value of a score.
    fn score(&self, slot: usize, key: &str) -> Option<ValueRef<'_>>;
    /// The present state of a state machine.
    fn stage(&self, slot: usize, machine: &str) -> Option<&str>;
    /// Whether it is a member of an audience.
    fn is_member(&self, slot: usize, audience: &str) -> bool;
    /// What it said about a channel and a purpose.
    fn consent(&self, slot: usize, channel: &str, purpose: &str) -> Consent;
    /// How many records a relation reaches.
    fn related_rows(&self, slot: usize) -> usize;
    /// The values of a property of these records.
    fn related_column(&self, slot: usize, column: usize) -> Column<'_>;

    /// Where a trait's value comes from, for evidence.
    fn provenance(&self, slot: usize, name: &str) -> Option<Json> {
        let _ = (slot, name);
        None
    }
}

/// A party in memory: what one program needs to know of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    traits: HashMap<Box<str>, Value>,
    provenance: HashMap<Box<str>, Json>,
    tags: HashMap<Box<str>, Value>,
    scores: HashMap<Box<str>, Value>,
    stages: HashMap<Box<str>, Box<str>>,
    audiences: std::collections::HashSet<Box<str>>,
    consents: HashMap<(Box<str>, Box<str>), Consent>,
    related: Vec<(usize, Vec<Records>)>,
}

/// Values of one property of related records, as a column.
#[derive(Clone, Debug)]
enum Records {
    One(Vec<Option<Value>>),
    Many(Vec<i32>, Vec<Option<Value>>),
}

impl Facts {
    /// Sets a trait; `null` takes it away.
    pub fn set_trait(&mut self, name: &str, value: &Json) {
        set(&mut self.traits, name, Value::from_json(value));
    }

    /// Sets a trait from a value.
    pub fn set_trait_value(&mut self, name: &str, value: Value) {
        set(&mut self.traits, name, Some(value));
    }

    /// Says where a trait's value comes from.
    pub fn set_provenance(&mut self, name: &str, provenance: Json) {
        self.provenance.insert(name.into(), provenance);
    }

    /// Sets a tag; `null` takes it away.
    pub fn set_tag(&mut self, key: &str, value: &Json) {
        set(&mut self.tags, key, Value::from_json(value));
    }

    /// Sets a score; `null` takes it away.
    pub fn set_score(&mut self, key: &str, value: &Json) {
        set(&mut self.scores, key, Value::from_json(value));
    }

    /// Sets the state of a state machine.
    pub fn set_stage(&mut self, machine: &str, state: &str) {
        self.stages.insert(machine.into(), state.into());
    }

    /// Takes the state of a state machine away.
    pub fn unset_stage(&mut self, machine: &str) {
        self.stages.remove(machine);
    }

    /// Makes the party a member of an audience.
    pub fn join(&mut self, audience: &str) {
        self.audiences.insert(audience.into());
    }

    /// Makes it a member of no audience.
    pub fn leave_all(&mut self) {
        self.audiences.clear();
    }

    /// Sets what was consented to.
    pub fn set_consent(&mut self, channel: &str, purpose: &str, state: Consent) {
        self.consents.insert((channel.into(), purpose.into()), state);
    }

    /// Sets the records of an object that a relation reaches; ignored if `program` does not ask for them.
    pub fn set_related(&mut self, program: &Program, object: &str, via: &str, records: &[Json]) {
        let needs = &program.needs().related;
        self.related.resize_with(needs.len().max(self.related.len()), Default::default);
        let Some(slot) = needs.iter().position(|need| *need.object == *object && *need.via == *via) else {
            return;
        };
        let columns = needs[slot].properties.iter().map(|path| {
            let (mut offsets, mut values) = (vec![0], Vec::new());
            for record in records {
                path.read_record(record, |value| values.push(Some(value)));
                if !path.is_many() {
                    values.resize(offsets.len(), None);
                }
                offsets.push(values.len() as i32);
            }
            if path.is_many() { Records::Many(offsets, values) } else { Records::One(values) }
        });
        self.related[slot] = (records.len(), columns.collect());
    }
}

fn set(map: &mut HashMap<Box<str>, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => map.insert(name.into(), value),
        None => map.remove(name),
    };
}

impl Subject for Facts {
    fn trait_value(&self, _: usize, name: &str) -> Option<ValueRef<'_>> {
        self.traits.get(name).map(Value::as_ref)
    }

    fn tag(&self, _: usize, key: &str) -> Option<ValueRef<'_>> {
        self.tags.get(key).map(Value::as_ref)
    }

    fn score(&self, _: usize, key: &str) -> Option<ValueRef<'_>> {
        self.scores.get(key).map(Value::as_ref)
    }

    fn stage(&self, _: usize, machine: &str) -> Option<&str> {
        self.stages.get(machine).map(|state| &**state)
    }

    fn is_member(&self, _: usize, audience: &str) -> bool {
        self.audiences.contains(audience)
    }

    fn consent(&self, _: usize, channel: &str, purpose: &str) -> Consent {
        self.consents.get(&(Box::from(channel), Box::from(purpose))).copied().unwrap_or_default()
    }

    fn related_rows(&self, slot: usize) -> usize {
        self.related.get(slot).map_or(0, |(rows, _)| *rows)
    }

    fn related_column(&self, slot: usize, column: usize) -> Column<'_> {
        match self.related.get(slot).and_then(|(_, columns)| columns.get(column)) {
            None => Column::ABSENT,
            Some(Records::One(values)) => Column::one(Values::Mixed(values)),
            Some(Records::Many(offsets, values)) => Column::many(offsets, Values::Mixed(values)),
        }
    }

    fn provenance(&self, _: usize, name: &str) -> Option<Json> {
        self.provenance.get(name).cloned()
    }
}
