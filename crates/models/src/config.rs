//! The settings a workspace gives a model.

use kernel::Failure;

use super::Names;
use scoring::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Settings of models, the fields a profile ought to have, and what a workspace calls what models read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Numbers of the definitions that differ from their defaults.
    pub settings: Settings,
    /// The fields of the completeness score.
    pub fields: Vec<Expected>,
    /// Events, properties and traits that are called otherwise than in the specification.
    pub names: Names,
}

/// A field a profile ought to have.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The trait.
    #[serde(rename = "trait")]
    pub name: String,
    /// Its weight.
    #[serde(default = "one")]
    pub weight: f64,
    /// The form it has to have.
    #[serde(default)]
    pub form: Form,
    /// A trait with the instant it was last confirmed, and the days for which it is fresh from then on. A
    /// field without one never grows stale, one whose confirmation is missing is stale.
    #[serde(default)]
    pub confirmed: Option<Confirmed>,
}

/// When a field was confirmed, and for how long that holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// The trait with the instant.
    pub by: String,
    /// Days.
    pub days: i32,
}

/// The form of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Any.
    #[default]
    Any,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
}

const fn one() -> f64 {
    1.0
}

impl Default for Config {
    fn default() -> Self {
        let field = |(name, form): (&str, Form)| Expected {
            name: name.to_owned(),
            weight: 1.0,
            form,
            confirmed: None,
        };
        let fields = [
            ("name", Form::Any),
            ("phone", Form::Phone),
            ("email", Form::Email),
            ("city", Form::Any),
            ("birthday", Form::Any),
            ("gender", Form::Any),
        ];
        Self { settings: Settings::default(), fields: fields.map(field).to_vec(), names: Names::default() }
    }
}

impl Config {
    /// Reads the settings of a definition; what is not said is the default.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a member that is not known or of another type.
    pub fn read(json: &Json) -> kernel::Result<Self> {
        let config: Self =
            serde_json::from_value(json.clone()).map_err(|e| Failure::invalid("config", e.to_string()))?;
        config.names.check()?;
        match config.fields.iter().find(|field| !(field.weight > 0.0 && field.weight.is_finite())) {
            Some(field) => Err(Failure::invalid(
                "config/fields",
                format!("the weight of `{}` has to be above 0", field.name),
            )),
            None => Ok(config),
        }
    }
}

impl Form {
    /// Whether a text has the form.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Any => !text.trim().is_empty(),
            Self::Email => text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
            }),
            Self::Phone => {
                let digits = text.chars().filter(char::is_ascii_digit).count();
                (7..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+- ()".contains(c))
            }
        }
    }
}
