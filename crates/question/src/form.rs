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

/// The zone of this name.
pub(crate) fn zone(name: &str) -> kernel::Result<Zone> {
    Zone::named(name)
        .ok_or_else(|| kernel::Failure::invalid("zone", format!("there is no time zone `{name}`")))
}
