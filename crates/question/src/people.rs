//! What is known of people besides their events: who there is, who is in which audience, traits.
//!
//! Whoever asks loads it, as columns and bitmaps, once for all operators; it travels to other machines as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use criteria::column::Column;
use criteria::rule::Consent;
use criteria::value::{Value, ValueRef};
use criteria::{Program, Subject};
use kernel::PartyNo;
use roaring::RoaringBitmap;
use serde_json::Value as Json;

use crate::wire::{Reader, Writer};

/// One trait of all people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trait {
    /// The distinct values.
    values: Vec<Value>,
    /// By party: the place of its value, counted from 1; 0 for none.
    codes: Vec<u32>,
}

/// People, as far as a question has to know them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// All there are; without it those who have an event count, and nobody else.
    pub everybody: Option<Arc<RoaringBitmap>>,
    /// Members of audiences, by id.
    pub audiences: BTreeMap<Box<str>, Arc<RoaringBitmap>>,
    /// Traits, by name.
    pub traits: BTreeMap<Box<str>, Arc<Trait>>,
}

/// Makes a column of a trait.
#[derive(Default)]
pub struct TraitBuilder {
    column: Trait,
    known: BTreeMap<String, u32>,
}

impl TraitBuilder {
    /// Sets the value of a party.
    pub fn set(&mut self, party: PartyNo, json: &Json) {
        let Some(value) = Value::from_json(json) else { return };
        let fresh = self.known.len() as u32 + 1;
        let code = *self.known.entry(json.to_string()).or_insert(fresh);
        if code == fresh {
            self.column.values.push(value);
        }
        let place = party.0 as usize;
        if self.column.codes.len() <= place {
            self.column.codes.resize(place + 1, 0);
        }
        self.column.codes[place] = code;
    }

    /// The column.
    pub fn build(self) -> Trait {
        self.column
    }
}

impl Trait {
    /// The value of a party.
    pub fn value(&self, party: PartyNo) -> Option<ValueRef<'_>> {
        let code = self.code(party.0);
        self.values.get((code as usize).checked_sub(1)?).map(Value::as_ref)
    }

    /// The place of a party's value, counted from 1; 0 for none.
    pub fn code(&self, party: u32) -> u32 {
        self.codes.get(party as usize).copied().unwrap_or(0)
    }

    /// The value at a place, counted from 1.
    pub fn at(&self, code: u32) -> Option<ValueRef<'_>> {
        self.values.get((code as usize).checked_sub(1)?).map(Value::as_ref)
    }

    /// How many distinct values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nobody has it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl People {
    /// As bytes, for another machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.people(self.everybody.as_deref());
        out.number(self.audiences.len() as u64);
        for (id, members) in &self.audiences {
            out.text(Some(id));
            out.people(Some(members));
        }
        out.number(self.traits.len() as u64);
        for (name, column) in &self.traits {
            out.text(Some(name));
            out.number(column.values.len() as u64);
            column.values.iter().for_each(|value| out.text(Some(&value.as_ref().to_json().to_string())));
            out.number(column.codes.len() as u64);
            column.codes.iter().for_each(|code| out.number(u64::from(*code)));
        }
        out.bytes
    }

    /// Reads [`People::to_bytes`].
    ///
    /// # Errors
    /// They are not those of people.
    pub fn from_bytes(bytes: &[u8]) -> kernel::Result<Self> {
        read(&mut Reader { bytes }).ok_or_else(|| kernel::Failure::internal("people cannot be read"))
    }
}

fn read(from: &mut Reader<'_>) -> Option<People> {
    let mut people = People { everybody: from.people()?.map(Arc::new), ..People::default() };
    for _ in 0..from.number()? {
        let id = from.text()??;
        people.audiences.insert(id, Arc::new(from.people()??));
    }
    for _ in 0..from.number()? {
        let name = from.text()??;
        let mut column = Trait::default();
        for _ in 0..from.number()? {
            let json: Json = serde_json::from_str(&from.text()??).ok()?;
            // What JSON has no value for was kept as something that is none of them.
            column.values.push(Value::from_json(&json).unwrap_or(Value::Other));
        }
        for _ in 0..from.number()? {
            column.codes.push(u32::try_from(from.number()?).ok()?);
        }
        people.traits.insert(name, Arc::new(column));
    }
    from.bytes.is_empty().then_some(people)
}

/// People as one program asks for them, by slot.
pub(crate) struct View<'p> {
    traits: Vec<Option<&'p Trait>>,
    audiences: Vec<Option<&'p RoaringBitmap>>,
    party: u32,
}

impl<'p> View<'p> {
    pub(crate) fn new(program: &Program, people: &'p People) -> Self {
        let needs = program.needs();
        let traits = needs.traits.iter().map(|name| people.traits.get(name).map(|column| &**column));
        let audiences = needs.audiences.iter().map(|id| people.audiences.get(id).map(|members| &**members));
        Self { traits: traits.collect(), audiences: audiences.collect(), party: 0 }
    }

    /// Turns to a party.
    pub(crate) fn at(&mut self, party: PartyNo) {
        self.party = party.0;
    }
}

/// Tags, scores, stages, consents and records are not known of people yet, in the stream as here.
impl Subject for View<'_> {
    fn trait_value(&self, slot: usize, _: &str) -> Option<ValueRef<'_>> {
        self.traits[slot]?.value(PartyNo(self.party))
    }

    fn tag(&self, _: usize, _: &str) -> Option<ValueRef<'_>> {
        None
    }

    fn score(&self, _: usize, _: &str) -> Option<ValueRef<'_>> {
        None
    }

    fn stage(&self, _: usize, _: &str) -> Option<&str> {
        None
    }

    fn is_member(&self, slot: usize, _: &str) -> bool {
        self.audiences[slot].is_some_and(|members| members.contains(self.party))
    }

    fn consent(&self, _: usize, _: &str, _: &str) -> Consent {
        Consent::default()
    }

    fn related_rows(&self, _: usize) -> usize {
        0
    }

    fn related_column(&self, _: usize, _: usize) -> Column<'_> {
        Column::ABSENT
    }
}
