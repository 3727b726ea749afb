//! What a trait, a property or a tag can be: text, number, boolean, instant, list of text, place.
//!
//! JSON has no instants, so a text that is RFC 3339 also counts as one where an instant is asked for.

use std::borrow::Cow;

use kernel::Instant;
use serde_json::Value as Json;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::number::Number;

/// The type of a field, as far as rules tell types apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Text.
    Text,
    /// An exact decimal.
    Number,
    /// True or false.
    Boolean,
    /// A point in time.
    Instant,
    /// A list of text.
    List,
    /// A latitude and a longitude.
    Place,
}

impl Type {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Instant => "instant",
            Self::List => "list of text",
            Self::Place => "place",
        }
    }
}

/// A point on the earth in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    /// Latitude, positive to the north.
    pub lat: f64,
    /// Longitude, positive to the east.
    pub lon: f64,
}

impl Place {
    /// A place, if the degrees can be one.
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Self { lat, lon })
    }

    /// The great-circle distance on a sphere of the earth's mean radius.
    pub fn km_to(self, other: Self) -> f64 {
        const RADIUS_KM: f64 = 6_371.008_8;
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let (dlat, dlon) = ((b - a) / 2.0, (other.lon - self.lon).to_radians() / 2.0);
        let h = dlat.sin().powi(2) + a.cos() * b.cos() * dlon.sin().powi(2);
        2.0 * RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

/// A value that is kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Text.
    Text(Box<str>),
    /// An exact decimal.
    Number(Number),
    /// True or false.
    Boolean(bool),
    /// A point in time.
    Instant(Instant),
    /// A list of text.
    List(Box<[Box<str>]>),
    /// An object with `lat` and `lon` (or `lng`).
    Place(Place),
    /// Anything else: it exists, and compares with nothing.
    Other,
}

/// A value that is looked at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ValueRef<'a> {
    /// Text.
    Text(&'a str),
    /// An exact decimal.
    Number(Number),
    /// True or false.
    Boolean(bool),
    /// A point in time.
    Instant(Instant),
    /// A list of text.
    List(&'a [Box<str>]),
    /// A place.
    Place(Place),
    /// Anything else.
    Other,
}

impl Value {
    /// Reads a JSON value; `null` is missing.
    pub fn from_json(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => return None,
            Json::Bool(value) => Self::Boolean(*value),
            Json::Number(number) => Number::parse(&number.to_string()).map_or(Self::Other, Self::Number),
            Json::String(text) => Self::Text(text.as_str().into()),
            Json::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(Box::from))
                .collect::<Option<Box<[_]>>>()
                .map_or(Self::Other, Self::List),
            Json::Object(members) => {
                let degrees = |name: &str| members.get(name).and_then(Json::as_f64);
                degrees("lat")
                    .zip(degrees("lon").or_else(|| degrees("lng")))
                    .and_then(|(lat, lon)| Place::new(lat, lon))
                    .map_or(Self::Other, Self::Place)
            }
        })
    }

    /// The value, looked at.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Text(text) => ValueRef::Text(text),
            Self::Number(number) => ValueRef::Number(*number),
            Self::Boolean(value) => ValueRef::Boolean(*value),
            Self::Instant(at) => ValueRef::Instant(*at),
            Self::List(items) => ValueRef::List(items),
            Self::Place(place) => ValueRef::Place(*place),
            Self::Other => ValueRef::Other,
        }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Text(text) => Self::Text(text.into()),
            ValueRef::Number(number) => Self::Number(number),
            ValueRef::Boolean(value) => Self::Boolean(value),
            ValueRef::Instant(at) => Self::Instant(at),
            ValueRef::List(items) => Self::List(items.into()),
            ValueRef::Place(place) => Self::Place(place),
            ValueRef::Other => Self::Other,
        }
    }
}

impl ValueRef<'_> {
    /// As an instant, if it is one or is the text of one.
    pub fn instant(self) -> Option<Instant> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Text(text) => Instant::parse(text),
            _ => None,
        }
    }

    /// As JSON, for evidence.
    pub fn to_json(self) -> Json {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number_json(&number.to_string()),
            Self::Boolean(value) => value.into(),
            Self::Instant(at) => instant_text(at).into(),
            Self::List(items) => items.iter().map(|item| Json::from(item.as_ref())).collect(),
            Self::Place(place) => serde_json::json!({"lat": place.lat, "lon": place.lon}),
            Self::Other => Json::Object(Default::default()),
        }
    }
}

/// A number as JSON; as text if JSON's reader would round it.
pub(crate) fn number_json(text: &str) -> Json {
    match serde_json::from_str::<Json>(text) {
        Ok(json) if Number::parse(&json.to_string()) == Number::parse(text) => json,
        _ => text.into(),
    }
}

/// RFC 3339 in UTC: with milliseconds, or with microseconds where they say more.
pub fn instant_text(at: Instant) -> String {
    let plain = at.to_string();
    match (at.0.rem_euclid(1_000), plain.strip_suffix('Z')) {
        (0, _) | (_, None) => plain,
        (micros, Some(millis)) => format!("{millis}{micros:03}Z"),
    }
}

/// Unicode normal form C; nearly every text is in it already.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_the_value_it_looks_like() {
        let read = |text: &str| Value::from_json(&serde_json::from_str(text).unwrap());
        assert_eq!(read("null"), None);
        assert_eq!(read("1.50"), Number::parse("1.5").map(Value::Number));
        assert_eq!(read(r#"["a","b"]"#), Some(Value::List([Box::from("a"), Box::from("b")].into())));
        assert_eq!(read(r#"["a",1]"#), Some(Value::Other));
        assert_eq!(read(r#"{"lat":31.2,"lng":121.5}"#), Place::new(31.2, 121.5).map(Value::Place));
        assert_eq!(read(r#"{"lat":131.2,"lng":121.5}"#), Some(Value::Other));
    }

    #[test]
    fn the_distance_from_beijing_to_shanghai_is_a_thousand_and_sixty_seven_km() {
        let (beijing, shanghai) =
            (Place::new(39.9042, 116.4074).unwrap(), Place::new(31.2304, 121.4737).unwrap());
        assert!((beijing.km_to(shanghai) - 1_067.3).abs() < 1.0);
        assert_eq!(beijing.km_to(beijing), 0.0);
    }

    #[test]
    fn an_instant_keeps_its_microseconds() {
        assert_eq!(instant_text(Instant(1_795_285_192_731_253)), "2026-11-21T18:19:52.731253Z");
        assert_eq!(instant_text(Instant(-1)), "1969-12-31T23:59:59.999999Z");
        assert_eq!(instant_text(Instant(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn composed_and_decomposed_text_are_one() {
        assert_eq!(nfc("e\u{301}"), "é");
        assert!(matches!(nfc("临澄"), Cow::Borrowed(_)));
    }
}
