//! How instants, durations, rules and paths are written in JSON.

use criteria::path::Path;
use criteria::rule::Duration;
use criteria::{Rule, Zone};
use kernel::Instant;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An instant as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Instant);

/// A duration as `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct For(pub Duration);

/// A rule as its JSON tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Who(pub Rule);

/// A path into properties or context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property(pub Path);

impl At {
    /// The instant in microseconds.
    pub fn micros(self) -> i64 {
        self.0.0
    }
}

impl For {
    /// How long, in microseconds.
    pub fn micros(self) -> i64 {
        self.0.micros()
    }

    /// A duration written as `30d`; for defaults.
    pub(crate) fn written(text: &str) -> Self {
        Self(Duration::parse(text).expect("a duration that is part of the program"))
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        criteria::value::ValueRef::Instant(self.0).to_json().serialize(to)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let at = Instant::parse(&text);
        at.map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is not an instant such as 2026-06-30T00:00:00Z"))
        })
    }
}

impl Serialize for For {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for For {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let found = Duration::parse(&text);
        found.map(Self).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is not a duration such as 90m, 24h, 30d or 8w"))
        })
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_json()).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(from)?;
        Rule::parse(&json.to_string()).map(Self).map_err(|error| D::Error::custom(format!("rule{error}")))
    }
}

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Path::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// What people or events are told apart by: a property as its path, a trait as `{"trait": name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A property of events.
    Property(Path),
    /// A trait of people.
    Trait(Box<str>),
}

impl By {
    /// The property, if it is one.
    pub fn property(&self) -> Option<&Path> {
        match self {
            Self::Property(path) => Some(path),
            Self::Trait(_) => None,
        }
    }

    /// The name of the trait, if it is one.
    pub fn trait_name(&self) -> Option<&str> {
        match self {
            Self::Trait(name) => Some(name),
            Self::Property(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ByForm {
    Path(String),
    Named(ByNamed),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ByNamed {
    Property(String),
    Trait(String),
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Property(path) => to.collect_str(path),
            Self::Trait(name) => ByNamed::Trait(name.to_string()).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for By {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let form = ByForm::deserialize(from)
            .map_err(|_| D::Error::custom(r#"`by` is the path of a property, or `{"trait": name}`"#))?;
        match form {
            ByForm::Path(text) | ByForm::Named(ByNamed::Property(text)) => {
                Path::parse(&text).map(Self::Property).map_err(D::Error::custom)
            }
            ByForm::Named(ByNamed::Trait(name)) if name.is_empty() => {
                Err(D::Error::custom("a trait has a name"))
            }
            ByForm::Named(ByNamed::Trait(name)) => Ok(Self::Trait(name.into())),
        }
    }
}

/// The zone of this name.
pub(crate) fn zone(name: &str) -> kernel::Result<Zone> {
    Zone::named(name)
        .ok_or_else(|| kernel::Failure::invalid("zone", format!("there is no time zone `{name}`")))
}
