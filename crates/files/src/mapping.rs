//! The mapping: what each column of a file means. A JSON document people keep beside their files.
//!
//! Checked as a whole before a row is read. Every row becomes one message: `identify` when the
//! mapping names no event, else `track`. An event carries no traits; a file that holds both is
//! imported twice, with two mappings.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use kernel::limits::NAME_BYTES_MAX;
use kernel::{Failure, Result};
use serde::de::{DeserializeOwned, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the document this build writes and reads.
pub const VERSION: u32 = 1;

/// What the columns of one kind of file mean.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// [`VERSION`].
    pub version: u32,
    /// The source the rows come from; part of every message id.
    pub source: String,
    /// The event every row is; none of both for rows that describe people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The column that names each row's event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_column: Option<String>,
    /// Columns that together name a row. Without it, its whole content does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Vec<String>>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Who it is about; a row needs at least one of them.
    pub identifiers: Vec<Identifier>,
    /// What is known about them, for rows without an event.
    #[serde(default, skip_serializing_if = "Fields::is_none")]
    pub traits: Fields<Trait>,
    /// What the event says.
    #[serde(default, skip_serializing_if = "Fields::is_none")]
    pub properties: Fields<Property>,
    /// The same in every row: properties of events, else traits.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub constants: serde_json::Map<String, serde_json::Value>,
    /// Rows to leave out; any one is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_if: Vec<Skip>,
}

/// The column of the time and how to read it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// The column.
    pub column: String,
    /// strptime formats, tried in order; without any, the forms that are not ambiguous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// IANA zone of times without an offset, `Asia/Shanghai`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A column that says who.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The kind of identifier: `user_id`, `mobile`, `member_no`.
    pub kind: String,
    /// The column.
    pub column: String,
}

/// A column that describes a person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trait {
    /// The trait.
    pub field: String,
    /// The column.
    pub column: String,
    /// What its cells must be.
    #[serde(default, rename = "type", skip_serializing_if = "Type::is_auto")]
    pub kind: Type,
    /// Whether a row without it is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// A column that describes an event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// The property.
    pub property: String,
    /// The column.
    pub column: String,
    /// What its cells must be.
    #[serde(default, rename = "type", skip_serializing_if = "Type::is_auto")]
    pub kind: Type,
    /// Whether a row without it is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// What a cell must be, and what it becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Whatever the file says it is. In CSV everything is text.
    #[default]
    Auto,
    /// Text, also when it looks like a number.
    Text,
    /// A number.
    Number,
    /// yes or no, 是 or 否, true or false, 1 or 0.
    Bool,
    /// An instant, written as RFC 3339.
    Time,
    /// A calendar date.
    Date,
    /// A nested JSON value.
    Json,
}

impl Type {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// A rule for rows that are not to be imported.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The column.
    pub column: String,
    /// Skip when the cell is one of these; `""` is an empty cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is: Vec<String>,
    /// Skip when the cell starts with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
}

/// A list of columns, or `"*"`: every column not used otherwise, under its own name.
#[derive(Clone, PartialEq, Debug)]
pub enum Fields<T> {
    /// `"*"`.
    All,
    /// These.
    Listed(Vec<T>),
}

impl<T> Default for Fields<T> {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl<T> Fields<T> {
    fn is_none(&self) -> bool {
        matches!(self, Self::Listed(list) if list.is_empty())
    }

    pub(super) fn listed(&self) -> &[T] {
        match self {
            Self::All => &[],
            Self::Listed(list) => list,
        }
    }
}

impl<T: Serialize> Serialize for Fields<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => to.serialize_str("*"),
            Self::Listed(list) => list.serialize(to),
        }
    }
}

/// By hand, because an untagged enum would not say which field of which entry is wrong.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Either<T> {
            type Value = Fields<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"*\"` or a list of columns")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Fields<T>, E> {
                if text == "*" {
                    Ok(Fields::All)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Fields<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Fields::Listed)
            }
        }
        from.deserialize_any(Either(PhantomData))
    }
}

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// [`Failure::Invalid`] names the field, or the line and column of the JSON.
    pub fn parse(json: &str) -> Result<Self> {
        let mapping: Self =
            serde_json::from_str(json).map_err(|e| Failure::invalid("mapping", e.to_string()))?;
        mapping.check()?;
        Ok(mapping)
    }

    /// The mapping as people edit it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a mapping has text keys and finite numbers")
    }

    /// Whether rows are events.
    pub fn is_event(&self) -> bool {
        self.event.is_some() || self.event_column.is_some()
    }

    /// Every column a row is read from, in the order of the document.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let event = self.event_column.iter();
        let time = self.time.iter().map(|t| &t.column);
        let identifiers = self.identifiers.iter().map(|i| &i.column);
        let traits = self.traits.listed().iter().map(|t| &t.column);
        let properties = self.properties.listed().iter().map(|p| &p.column);
        let skips = self.skip_if.iter().map(|s| &s.column);
        let keys = self.message_id.iter().flatten();
        let all = event.chain(time).chain(identifiers).chain(traits).chain(properties);
        all.chain(skips).chain(keys).map(String::as_str)
    }

    /// Says what is wrong with the document by itself, before any file is seen.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the field.
    pub fn check(&self) -> Result<()> {
        if self.version != VERSION {
            return wrong("version", format!("`{}` is not {VERSION}", self.version));
        }
        named("source", &self.source)?;
        if self.identifiers.is_empty() {
            return wrong("identifiers", "name at least one column that says who a row is about");
        }
        for (i, identifier) in self.identifiers.iter().enumerate() {
            named(&format!("identifiers[{i}].kind"), &identifier.kind)?;
        }
        if self.message_id.as_ref().is_some_and(Vec::is_empty) {
            return wrong("message_id", "name columns, or leave it out");
        }
        if let Some(time) = &self.time {
            super::moment::Reader::new(&time.formats, time.zone.as_deref())
                .map_err(|message| Failure::invalid("mapping.time", message))?;
        }
        for (i, skip) in self.skip_if.iter().enumerate() {
            if skip.is.is_empty() && skip.starts_with.as_ref().is_none_or(String::is_empty) {
                return wrong(&format!("skip_if[{i}]"), "needs `is` or `starts_with`");
            }
        }
        let names = |list: &mut dyn Iterator<Item = &String>, at: &str| {
            let mut seen: BTreeSet<&str> = self.constants.keys().map(String::as_str).collect();
            list.enumerate().try_for_each(|(i, name)| {
                named(&format!("{at}[{i}]"), name)?;
                if seen.insert(name) {
                    Ok(())
                } else {
                    wrong(&format!("{at}[{i}]"), format!("`{name}` is given twice"))
                }
            })
        };
        names(&mut self.traits.listed().iter().map(|t| &t.field), "traits")?;
        names(&mut self.properties.listed().iter().map(|p| &p.property), "properties")?;
        self.check_kind()
    }

    /// Events and descriptions of people need different things.
    fn check_kind(&self) -> Result<()> {
        if !self.is_event() {
            return match self.properties.is_none() {
                true => Ok(()),
                false => wrong("properties", "rows without an event have traits, not properties"),
            };
        }
        if self.event.is_some() && self.event_column.is_some() {
            return wrong("event_column", "give either it or `event`");
        }
        if let Some(event) = &self.event {
            named("event", event)?;
        }
        if !self.traits.is_none() {
            return wrong("traits", "an event carries none; import them with a second mapping without event");
        }
        match self.time {
            Some(_) => Ok(()),
            None => wrong("time", "an event needs the column that says when it happened"),
        }
    }
}

fn named(field: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return wrong(field, "is empty");
    }
    if name.len() > NAME_BYTES_MAX {
        return wrong(field, format!("is longer than {NAME_BYTES_MAX} bytes"));
    }
    Ok(())
}

fn wrong(field: &str, message: impl Into<String>) -> Result<()> {
    Err(Failure::invalid(format!("mapping.{field}"), message))
}
