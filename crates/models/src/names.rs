//! What a workspace calls the events, properties and traits that models read. Whatever is not named here has the
//! name of the specification (`scoring::model::needs`).

use std::collections::BTreeMap;

use kernel::Failure;
use scoring::model::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Events of one role.
const SOURCES_MAX: usize = 20;
/// Names altogether.
const NAMES_MAX: usize = 200;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// Names that differ from those of the specification.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// By role (`order`, `wake_up`, `bound` …): the events that have it, instead of the usual ones. None at all
    /// says that there are none.
    pub events: BTreeMap<String, Vec<Source>>,
    /// By usual path of a property: its path here.
    pub properties: BTreeMap<String, String>,
    /// By usual name of a trait, those of the value model included: its name here.
    pub traits: BTreeMap<String, String>,
}

/// An event, or those events of a name that have certain properties.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// All events of a name.
    All(String),
    /// Some of them.
    Some(Filtered),
}

/// Events of a name that have certain properties.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filtered {
    /// The name.
    pub event: String,
    /// Each property with the value it has to have.
    #[serde(rename = "where")]
    pub properties: Map<String, Json>,
}

impl Names {
    /// What the specification calls a trait, as it is called here.
    pub fn of_trait<'n>(&'n self, usual: &'n str) -> &'n str {
        self.traits.get(usual).map_or(usual, String::as_str)
    }

    /// The same for the path of a property.
    pub fn of_property<'n>(&'n self, usual: &'n str) -> &'n str {
        self.properties.get(usual).map_or(usual, String::as_str)
    }

    /// Refuses roles that are none, and names no event or trait can have.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the place.
    pub(super) fn check(&self) -> kernel::Result<()> {
        let invalid =
            |place: String, message: String| Err(Failure::invalid(format!("config/names/{place}"), message));
        let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
        let must = format!("1 to {NAME_CHARS_MAX} characters");
        let count = self.events.len() + self.properties.len() + self.traits.len();
        if count > NAMES_MAX {
            return Err(Failure::LimitExceeded { limit: "names of a definition", max: NAMES_MAX as u64 });
        }
        for (role, sources) in &self.events {
            if Role::by_key(role).is_none() {
                let known: Vec<&str> = Role::ALL.iter().map(|role| role.key()).collect();
                return invalid(format!("events/{role}"), format!("a role is one of {}", known.join(", ")));
            }
            if sources.len() > SOURCES_MAX {
                return Err(Failure::LimitExceeded { limit: "events of a role", max: SOURCES_MAX as u64 });
            }
            for source in sources {
                let is_scalar =
                    |value: &Json| matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
                let is_fit = |(path, value): (&String, &Json)| is_name(path) && is_scalar(value);
                if !is_name(source.event()) {
                    return invalid(format!("events/{role}"), must);
                }
                if !source.filters().is_none_or(|filters| filters.iter().all(is_fit)) {
                    return invalid(
                        format!("events/{role}"),
                        "`where` has a text, number or boolean for each property".to_owned(),
                    );
                }
            }
        }
        let others = self.properties.iter().map(|(usual, name)| ("properties", usual, name));
        let mut others = others.chain(self.traits.iter().map(|(usual, name)| ("traits", usual, name)));
        match others.find(|(.., name)| !is_name(name)) {
            Some((kind, usual, _)) => invalid(format!("{kind}/{usual}"), must),
            None => Ok(()),
        }
    }
}

impl Source {
    /// The name of the event.
    pub(super) fn event(&self) -> &str {
        match self {
            Self::All(event) => event,
            Self::Some(filtered) => &filtered.event,
        }
    }

    fn filters(&self) -> Option<&Map<String, Json>> {
        match self {
            Self::All(_) => None,
            Self::Some(filtered) => Some(&filtered.properties),
        }
    }

    /// The filters a rule has for it.
    pub(super) fn rule_filters(&self) -> Vec<Json> {
        let filters = self.filters().into_iter().flatten();
        filters.map(|(path, value)| json!({ "property": path, "op": "eq", "value": value })).collect()
    }
}
