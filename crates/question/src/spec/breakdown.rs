//! How a count is divided: what is asked.

use criteria::Rule;
use criteria::number::Number;
use criteria::path::Path;
use criteria::rule::{EventRule, Window as RuleWindow};
use criteria::value::{Value, ValueRef};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::Window;
use crate::form::{Property, Who};
use crate::which::Which;

/// How many people, or how many events of how many people, there are of each value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakdown {
    /// The people, by a rule; everybody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Who>,
    /// Events of theirs that are counted; without it people are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Which>,
    /// When the events happened.
    #[serde(default, skip_serializing_if = "Window::is_all")]
    pub window: Window,
    /// A property of the events that is summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Property>,
    /// By what, one to three; several are crossed.
    pub by: Vec<Dimension>,
    /// How many values are told apart, at most 1,000; all others are the rest.
    #[serde(default = "twenty")]
    pub limit: u32,
}

fn twenty() -> u32 {
    20
}

/// What a count is divided by.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Where the values come from.
    pub of: Of,
    /// How they are put together.
    pub bins: Bins,
}

/// Where the values of a dimension come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Of {
    /// A trait of people.
    Trait(Box<str>),
    /// A property of the counted events.
    Property(Path),
    /// What a person did, measured as rules measure it.
    Measure(Box<EventRule>),
}

/// How the values of a dimension are put together.
#[derive(Clone, Debug, PartialEq)]
pub enum Bins {
    /// Each by itself.
    Values,
    /// Numbers below the first, from each up to the next, and from the last on.
    Cuts(Vec<Number>),
    /// So many parts with equally many people, by quantiles of type 7.
    Tiles(u32),
}

/// Borders of a dimension.
const CUTS_MAX: usize = 50;
/// Parts of a dimension.
const TILES: std::ops::RangeInclusive<u32> = 2..=20;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#trait: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    property: Option<Property>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measure: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cuts: Option<Vec<Json>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tiles: Option<u32>,
}

impl Dimension {
    fn read(form: Form) -> Result<Self, String> {
        let of = match (form.r#trait, form.property, form.measure) {
            (Some(name), None, None) if !name.is_empty() => Of::Trait(name),
            (None, Some(property), None) => Of::Property(property.0),
            (None, None, Some(measure)) => Of::Measure(Box::new(measured(measure)?)),
            _ => return Err("a dimension has one of `trait`, `property` and `measure`".to_owned()),
        };
        let bins = match (form.cuts, form.tiles) {
            (None, None) => Bins::Values,
            (Some(cuts), None) => Bins::Cuts(borders(&cuts)?),
            (None, Some(tiles)) if !TILES.contains(&tiles) => return Err("`tiles` is 2 to 20".to_owned()),
            (None, Some(_)) if matches!(of, Of::Property(_)) => {
                return Err("`tiles` divides people, so it takes a `trait` or a `measure`".to_owned());
            }
            (None, Some(tiles)) => Bins::Tiles(tiles),
            (Some(_), Some(_)) => return Err("a dimension has `cuts` or `tiles`".to_owned()),
        };
        Ok(Self { of, bins })
    }
}

/// An event rule without its comparison.
fn measured(mut json: Json) -> Result<EventRule, String> {
    let members = json.as_object_mut().ok_or("`measure` is an event rule without `op` and `value`")?;
    if members.contains_key("op") || members.contains_key("value") {
        return Err("`measure` is an event rule without `op` and `value`".to_owned());
    }
    members.insert("op".to_owned(), "exists".into());
    match Rule::parse(&json.to_string()) {
        Ok(Rule::Event(rule)) if matches!(rule.window, RuleWindow::Since(_)) => {
            Err("`measure` takes no window of the kind `since`".to_owned())
        }
        Ok(Rule::Event(rule)) => Ok(rule),
        Ok(_) => Err("`measure` is an event rule without `op` and `value`".to_owned()),
        Err(error) => Err(format!("measure{error}")),
    }
}

fn borders(cuts: &[Json]) -> Result<Vec<Number>, String> {
    let number = |json: &Json| match Value::from_json(json) {
        Some(Value::Number(number)) => Ok(number),
        _ => Err("`cuts` are numbers".to_owned()),
    };
    let cuts = cuts.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    match cuts.is_empty() || cuts.len() > CUTS_MAX || !cuts.is_sorted_by(|a, b| a < b) {
        true => Err(format!("`cuts` are 1 to {CUTS_MAX} ascending numbers")),
        false => Ok(cuts),
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut form = Form::default();
        match &self.of {
            Of::Trait(name) => form.r#trait = Some(name.clone()),
            Of::Property(path) => form.property = Some(Property(path.clone())),
            Of::Measure(rule) => {
                let text = Rule::Event((**rule).clone()).to_json();
                let mut json: Json = serde_json::from_str(&text).map_err(serde::ser::Error::custom)?;
                json.as_object_mut().and_then(|members| members.remove("op"));
                form.measure = Some(json);
            }
        }
        match &self.bins {
            Bins::Values => {}
            Bins::Cuts(cuts) => {
                form.cuts = Some(cuts.iter().map(|cut| ValueRef::Number(*cut).to_json()).collect());
            }
            Bins::Tiles(tiles) => form.tiles = Some(*tiles),
        }
        form.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(from)?;
        let form = match json {
            Json::String(path) => Form {
                property: Some(Property(Path::parse(&path).map_err(D::Error::custom)?)),
                ..Form::default()
            },
            json => Form::deserialize(json).map_err(D::Error::custom)?,
        };
        Self::read(form).map_err(D::Error::custom)
    }
}
