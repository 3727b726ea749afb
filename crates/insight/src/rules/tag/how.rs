//! How values come about, read from a definition whose members fit its kind.

use std::collections::BTreeMap;

use criteria::Rule;
use kernel::Failure;
use models::lookalike::LOOKALIKE;
use serde_json::Value as Json;

use super::{CASES_MAX, CONSTANTS, Document, Kind, ValueType};

/// How values come about, read.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// The value of the first case that holds, else the last value.
    Cases(Vec<(Json, Rule)>, Option<Json>),
    /// A formula and the formulas it names.
    Formula(String, BTreeMap<String, String>),
    /// A model with settings, and the constants it applies.
    Model {
        /// Its name.
        model: String,
        /// Its settings.
        config: Json,
        /// The name of the constants.
        constants: String,
    },
    /// Somebody says so: a person, a system, or a job with a query.
    Assigned,
}

impl Document {
    /// How values come about.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the member that is missing, too much or wrong.
    pub fn how(&self) -> kernel::Result<How> {
        self.only()?;
        let missing = |field: &'static str| {
            Failure::invalid(field, format!("a tag of kind `{}` needs it", self.kind.name()))
        };
        match self.kind {
            Kind::Rule => self.cases(),
            Kind::Function => {
                let formula = self.formula.clone().ok_or_else(|| missing("formula"))?;
                Ok(How::Formula(formula, self.measures.clone().unwrap_or_default()))
            }
            Kind::Model => {
                let model = self.model.clone().ok_or_else(|| missing("model"))?;
                let config = self.config.clone().unwrap_or_else(|| serde_json::json!({}));
                let usual = || match model.as_str() {
                    // What is learned from a seed is nobody else's.
                    LOOKALIKE => format!("{LOOKALIKE}/{}", self.key),
                    _ => CONSTANTS.to_owned(),
                };
                let constants = self.constants.clone().unwrap_or_else(usual);
                Ok(How::Model { model, config, constants })
            }
            Kind::Sql => self.sql.as_ref().map(|_| How::Assigned).ok_or_else(|| missing("sql")),
            Kind::Manual => Ok(How::Assigned),
        }
    }

    /// Refuses members of other kinds.
    fn only(&self) -> kernel::Result<()> {
        let members = [
            ("rule", self.rule.is_some(), Kind::Rule),
            ("cases", self.cases.is_some(), Kind::Rule),
            ("otherwise", self.otherwise.is_some(), Kind::Rule),
            ("formula", self.formula.is_some(), Kind::Function),
            ("measures", self.measures.is_some(), Kind::Function),
            ("model", self.model.is_some(), Kind::Model),
            ("config", self.config.is_some(), Kind::Model),
            ("constants", self.constants.is_some(), Kind::Model),
            ("sql", self.sql.is_some(), Kind::Sql),
        ];
        match members.into_iter().find(|(_, is_there, kind)| *is_there && *kind != self.kind) {
            Some((member, ..)) => Err(Failure::invalid(
                member,
                format!("a tag of kind `{}` has no such member", self.kind.name()),
            )),
            None => Ok(()),
        }
    }

    fn cases(&self) -> kernel::Result<How> {
        let read = |field: &str, rule: &Json| {
            Rule::parse(&rule.to_string())
                .map_err(|error| Failure::invalid(format!("{field}{}", error.pointer), error.message))
        };
        match (&self.rule, &self.cases) {
            (Some(rule), None) => {
                if self.value_type != ValueType::Boolean || self.otherwise.is_some() {
                    let message = "`rule` gives true where it holds; for other values write `cases`";
                    return Err(Failure::invalid("rule", message));
                }
                Ok(How::Cases(vec![(Json::Bool(true), read("rule", rule)?)], None))
            }
            (None, Some(cases)) if (1..=CASES_MAX).contains(&cases.len()) => {
                let mut found = Vec::with_capacity(cases.len());
                for (place, case) in cases.iter().enumerate() {
                    self.fits(&format!("cases/{place}/value"), &case.value)?;
                    found.push((case.value.clone(), read(&format!("cases/{place}/rule"), &case.rule)?));
                }
                self.otherwise.iter().try_for_each(|value| self.fits("otherwise", value))?;
                Ok(How::Cases(found, self.otherwise.clone()))
            }
            (None, Some(_)) => Err(Failure::invalid("cases", format!("1 to {CASES_MAX} cases"))),
            _ => Err(Failure::invalid("rule", "a tag of kind `rule` has either `rule` or `cases`")),
        }
    }
}
