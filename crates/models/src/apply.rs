//! A model made ready for the stream: its plan, its settings, its constants.

use criteria::Zone;
use kernel::{Instant, Key};
use scoring::model::{Measure, Value};
use scoring::{Constants, Model};
use serde_json::{Value as Json, json};

use super::read::{Read, day, facts};
use super::{Config, Plan};

/// A model with its settings and what it looks at.
#[derive(Debug)]
pub struct Ready {
    /// The model.
    pub model: Model,
    /// Its settings.
    pub config: Config,
    /// What it looks at.
    pub plan: Plan,
}

/// What a model says of a party.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The value; nothing if too little is known.
    pub value: Option<Json>,
    /// Why: sentences in both languages, inputs, coverage, whether it is provisional.
    pub reasons: Json,
    /// When it could differ if no new fact arrives: the beginning of a local day.
    pub changes_at: Option<Instant>,
}

impl Ready {
    /// Makes a model ready; `None` if there is none of that key.
    ///
    /// # Errors
    /// Inside, [`kernel::Failure::Invalid`] for settings that make no sense.
    pub fn of(key: &str, config: &Json) -> Option<kernel::Result<Self>> {
        let model = Model::by_key(key)?;
        Some(Config::read(config).map(|config| Self { model, plan: Plan::of(&[model], &config), config }))
    }

    /// What it says of a party as of an instant. Without constants it says what can be said without.
    pub fn say(
        &self,
        read: &mut dyn Read,
        constants: Option<&Constants>,
        (party, as_of): (Key, Instant),
        zone: &Zone,
    ) -> Said {
        let none = Constants::default();
        let facts = facts(&self.plan, &self.config, read, party, zone);
        let today = day(zone, as_of);
        let value = self.model.apply(&facts, constants.unwrap_or(&none), &self.config.settings, today);
        let changes_at = value.changes_on.map(|day| zone.day_start(i64::from(day.0)));
        Said { value: json_of(&value.value), reasons: reasons(&value, self.model), changes_at }
    }
}

/// A value as JSON; nothing if it is missing.
fn json_of(measure: &Measure) -> Option<Json> {
    match measure {
        Measure::Missing => None,
        // A whole number is written as one: seven stars are 7 and not 7.0.
        Measure::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Some(json!(*number as i64))
        }
        Measure::Number(number) => Some(json!(number)),
        Measure::Text(text) => Some(json!(text)),
    }
}

fn reasons(value: &Value, model: Model) -> Json {
    let inputs =
        value.inputs.iter().map(|input| (input.name.clone(), json_of(&input.value).unwrap_or(Json::Null)));
    json!({
        "model": model.key(),
        "definition": model.version(),
        "zh": value.reasons.iter().map(|reason| &reason.zh).collect::<Vec<_>>(),
        "en": value.reasons.iter().map(|reason| &reason.en).collect::<Vec<_>>(),
        "inputs": inputs.collect::<serde_json::Map<_, _>>(),
        "coverage": value.coverage,
        "is_provisional": value.is_provisional,
    })
}
