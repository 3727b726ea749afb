//! Which events a question looks at: of one name, of several, or of any name, and under which conditions.
//!
//! Written as a name, as a list of names, or as `{"event": …, "where": […]}` in the form of rules; the conditions
//! mean what they mean there, because the same evaluator decides them.

use criteria::Rule;
use criteria::rule::{EventRule, Events, Window};
use kernel::Instant;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

/// Names of one selection: each is read by itself.
pub const NAMES_MAX: usize = 32;
/// What a rule ends with that asks whether there is any such event.
const ANY: &str = r#","op":"gte","value":1}"#;

/// Which events.
#[derive(Clone, Debug, PartialEq)]
pub struct Which(EventRule);

impl Which {
    /// Events of one name; `*` is any.
    ///
    /// # Errors
    /// The name cannot be one.
    pub fn named(name: &str) -> kernel::Result<Self> {
        read(json!(name)).map_err(|message| kernel::Failure::invalid("event", message))
    }

    /// Events of names that are part of the program.
    pub(crate) fn written(names: &[&str]) -> Self {
        let json = if let [name] = names { json!(name) } else { json!(names) };
        read(json).expect("events that are part of the program")
    }

    /// The name, `*` for any, if nothing but one name is asked for.
    pub(crate) fn plain(&self) -> Option<&str> {
        match &self.0.events {
            _ if !self.0.filters.is_empty() => None,
            Events::Every => Some("*"),
            Events::Named(names) if names.len() == 1 => Some(&names[0]),
            Events::Named(_) => None,
        }
    }

    /// Whether events of all names are read.
    pub(crate) fn is_every(&self) -> bool {
        self.0.events == Events::Every
    }

    /// Names of its events, `*` for all.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.0.events {
            Events::Every => vec!["*"],
            Events::Named(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// The same events, as some among those of all names.
    pub(crate) fn among_all(&self) -> Self {
        use criteria::rule::{Comparison, Filter, Literal};
        let Events::Named(names) = &self.0.events else { return self.clone() };
        let names = names.iter().map(|name| Literal::Text(name.as_str().into())).collect();
        let name = Filter::Property(crate::needs::path(crate::needs::EVENT), Comparison::In(names));
        let filters = std::iter::once(name).chain(self.0.filters.iter().cloned()).collect();
        Self(EventRule { events: Events::Every, filters, ..self.0.clone() })
    }

    /// The rule whose events are these, in a stretch of time.
    pub(crate) fn rule(&self, from: Option<Instant>, until: Option<Instant>) -> Rule {
        Rule::Event(EventRule { window: Window::Between(from, until), ..self.0.clone() })
    }
}

/// As steps are called in answers.
impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.events.fmt(f)
    }
}

fn read(json: Json) -> Result<Which, String> {
    let mut rule = match json {
        Json::Object(members) => members,
        event => Map::from_iter([("event".to_owned(), event)]),
    };
    if let Some(other) = rule.keys().find(|key| !matches!(key.as_str(), "event" | "where")) {
        return Err(format!("`{other}`: events are a name, a list of names, or `event` with `where`"));
    }
    rule.insert("op".to_owned(), json!("gte"));
    rule.insert("value".to_owned(), json!(1));
    match Rule::parse(&Json::Object(rule).to_string()) {
        Ok(Rule::Event(rule)) => {
            let which = Which(rule);
            match which.names().len() > NAMES_MAX {
                true => Err(format!("more than {NAMES_MAX} names of events")),
                false => Ok(which),
            }
        }
        Ok(_) => Err("events are a name, a list of names, or `event` with `where`".to_owned()),
        Err(error) => Err(format!("events{error}")),
    }
}

impl<'de> Deserialize<'de> for Which {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(Json::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Serialize for Which {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Some(name) = self.plain() {
            return to.serialize_str(name);
        }
        if self.0.filters.is_empty() {
            return self.names().serialize(to);
        }
        let mut json = Rule::Event(self.0.clone()).to_json();
        json.truncate(json.len() - ANY.len());
        json.push('}');
        RawValue::from_string(json).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}
