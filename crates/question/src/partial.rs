//! What an operator found: groups of numbers that add up and people that unite, and rows of single people.
//!
//! All operators answer in this one form, so merging is one function: it adds, unites and appends. Merging is
//! commutative and associative, and the bytes of a partial depend only on what is in it. Buckets have no party
//! in common, so numbers of different people add up too.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::wire::{Reader, Writer};

/// A part of a group's name. Numbers come before texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// No value.
    Missing,
    /// A number: a step, a week, an instant.
    Number(i64),
    /// A text.
    Text(Box<str>),
}

/// The name of a group.
pub type Name = Box<[Part]>;

/// Numbers and people of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Numbers, by their place.
    pub numbers: Vec<i128>,
    /// Who, if people are wanted.
    pub people: Option<RoaringBitmap>,
    /// A text that is the same wherever the group is found.
    pub text: Option<Box<str>>,
}

/// Numbers of single people, a row each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Whose each row is.
    pub parties: Vec<u32>,
    /// By column, then by row.
    pub columns: Vec<Vec<i128>>,
}

/// What one or several operators found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partial {
    /// Groups by name.
    pub groups: BTreeMap<Name, Group>,
    /// Rows of people.
    pub table: Table,
}

impl Partial {
    /// The group of this name.
    pub fn group(&mut self, name: &[Part]) -> &mut Group {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.into(), Group::default());
        }
        self.groups.get_mut(name).expect("just put there")
    }

    /// Takes in what another operator found.
    pub fn merge(&mut self, other: Self) {
        for (name, group) in other.groups {
            match self.groups.entry(name) {
                std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(group)),
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().merge(group),
            }
        }
        self.table.append(other.table);
    }

    /// As bytes; equal partials have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(VERSION);
        out.number(self.groups.len() as u64);
        for (name, group) in &self.groups {
            out.name(name);
            out.number(group.numbers.len() as u64);
            group.numbers.iter().for_each(|number| out.signed(*number));
            out.people(group.people.as_ref());
            out.text(group.text.as_deref());
        }
        let order = self.table.order();
        out.number(self.table.columns.len() as u64);
        out.number(order.len() as u64);
        let mut last = 0;
        for row in &order {
            let party = self.table.parties[*row];
            out.number(u64::from(party - last));
            last = party;
        }
        for column in &self.table.columns {
            order.iter().for_each(|row| out.signed(column[*row]));
        }
        out.bytes
    }

    /// Reads [`Partial::to_bytes`].
    ///
    /// # Errors
    /// The bytes are not those of a partial of this version.
    pub fn from_bytes(bytes: &[u8]) -> kernel::Result<Self> {
        read(&mut Reader { bytes })
            .ok_or_else(|| kernel::Failure::internal("a partial answer cannot be read"))
    }
}

/// Version of the bytes.
const VERSION: u64 = 1;

fn read(from: &mut Reader<'_>) -> Option<Partial> {
    if from.number()? != VERSION {
        return None;
    }
    let mut partial = Partial::default();
    for _ in 0..from.number()? {
        let name = from.name()?;
        let numbers = (0..from.number()?).map(|_| from.signed()).collect::<Option<Vec<_>>>()?;
        let (people, text) = (from.people()?, from.text()?);
        partial.groups.insert(name, Group { numbers, people, text });
    }
    let (width, rows) = (from.number()?, from.number()?);
    let mut last = 0u32;
    for _ in 0..rows {
        last = last.checked_add(u32::try_from(from.number()?).ok()?)?;
        partial.table.parties.push(last);
    }
    for _ in 0..width {
        partial.table.columns.push((0..rows).map(|_| from.signed()).collect::<Option<_>>()?);
    }
    from.bytes.is_empty().then_some(partial)
}

impl Group {
    /// Adds to the number at a place.
    pub fn add(&mut self, place: usize, number: i128) {
        if self.numbers.len() <= place {
            self.numbers.resize(place + 1, 0);
        }
        self.numbers[place] = self.numbers[place].saturating_add(number);
    }

    /// The number at a place.
    pub fn number(&self, place: usize) -> i128 {
        self.numbers.get(place).copied().unwrap_or(0)
    }

    /// Notes a person.
    pub fn note(&mut self, party: u32) {
        self.people.get_or_insert_default().insert(party);
    }

    fn merge(&mut self, other: Self) {
        other.numbers.into_iter().enumerate().for_each(|(place, number)| self.add(place, number));
        match (&mut self.people, other.people) {
            (Some(own), Some(others)) => *own |= others,
            (own @ None, others) => *own = others,
            (Some(_), None) => {}
        }
        self.text = self.text.take().max(other.text);
    }
}

impl Table {
    /// Adds a person's row.
    pub fn push(&mut self, party: u32, row: &[i128]) {
        self.columns.resize_with(row.len().max(self.columns.len()), Vec::new);
        self.parties.push(party);
        row.iter().zip(&mut self.columns).for_each(|(cell, column)| column.push(*cell));
    }

    fn append(&mut self, other: Self) {
        if self.parties.is_empty() {
            *self = other;
            return;
        }
        self.parties.extend(other.parties);
        for (own, others) in self.columns.iter_mut().zip(other.columns) {
            own.extend(others);
        }
    }

    /// Rows in the order of their parties.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parties.len()).collect();
        if !self.parties.is_sorted() {
            let row =
                |row: &usize| (self.parties[*row], self.columns.iter().map(|c| c[*row]).collect::<Vec<_>>());
            order.sort_by_cached_key(row);
        }
        order
    }
}
