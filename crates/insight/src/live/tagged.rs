//! A tag made ready: the rules it is computed from, and its value from what they say of a party.

use std::collections::BTreeMap;

use criteria::value::Value;
use criteria::{Evaluation, Rule, Zone};
use formula::Formula;
use kernel::{Failure, Instant, Key};
use serde_json::{Value as Json, json};

use super::load::{Assigned, Loaded};
use super::model::{Prepared, Sight, prepare};
use crate::rules::tag::{Document, How, Kind, Refresh, Role, ValueType};
use crate::store::constant::Constants;
use crate::store::tag::Tag;

/// A tag whose definition has been read.
#[derive(Debug)]
pub struct Tagged {
    /// The tag as it is stored.
    pub tag: Tag,
    /// What rules ask for it as.
    pub role: Role,
    /// Whether it changes with every fact.
    pub is_live: bool,
    /// Whether any rule asks for it.
    pub(super) is_asked: bool,
    value_type: ValueType,
    plan: Plan,
    /// The first of its rules in the program.
    pub(super) first: usize,
}

/// How a value is computed.
#[derive(Debug)]
enum Plan {
    /// Nobody has one: it is put away, or can no longer be read.
    Nothing,
    /// Somebody says so.
    Said,
    /// A job said so.
    Rows,
    /// The value of the first rule that holds.
    Cases(Vec<Option<String>>, Option<String>),
    /// Computed from what the rules measure.
    Formula(Box<Formula>),
    /// A model applies its constants to what the rules measure.
    Model { prepared: Box<dyn Prepared>, rules: usize, version: u32 },
}

/// A computed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The value, as JSON; nothing if there is none.
    pub value: Option<String>,
    /// Why.
    pub reasons: Json,
    /// No earlier than this can it differ if no new fact arrives.
    pub changes_at: Option<Instant>,
}

impl Computed {
    fn nothing() -> Self {
        Self { value: None, reasons: json!({}), changes_at: None }
    }
}

/// The rules a definition is computed from; each of a formula or a model is one leaf.
///
/// # Errors
/// [`Failure::Invalid`] with what is wrong.
pub fn rules_of(document: &Document) -> kernel::Result<Vec<Rule>> {
    Ok(match document.how()? {
        How::Cases(cases, _) => cases.into_iter().map(|(_, rule)| rule).collect(),
        How::Formula(text, measures) => formula(&text, &measures)?.inputs().to_vec(),
        How::Model { model, config, .. } => {
            prepare(&model, &config, None, document.value_type.criteria())?.inputs().to_vec()
        }
        How::Assigned => Vec::new(),
    })
}

impl Tagged {
    /// Makes a tag ready. One that no longer reads has no values, and that is logged.
    pub(super) fn ready(tag: Tag, constants: &BTreeMap<String, Constants>) -> (Self, Vec<Rule>) {
        let read = Document::parse(&tag.body).and_then(|document| {
            let (plan, rules) = plan(&document, constants)?;
            Ok((document, plan, rules))
        });
        let (document, plan, rules) = match read {
            Ok((document, plan, rules)) => (Some(document), plan, rules),
            Err(error) => {
                tracing::error!(tag = tag.key, ?error, "a stored tag cannot be read");
                (None, Plan::Nothing, Vec::new())
            }
        };
        let refresh = document.as_ref().map_or(Refresh::Live, |document| document.refresh);
        let role = document.as_ref().map_or(Role::Tag, |document| document.role);
        let value_type = document.as_ref().map_or(ValueType::Text, |document| document.value_type);
        let is_said = matches!(plan, Plan::Said | Plan::Rows);
        let is_live = !tag.is_retired && (is_said || refresh == Refresh::Live);
        let (plan, rules) = if tag.is_retired { (Plan::Nothing, Vec::new()) } else { (plan, rules) };
        (Self { tag, role, is_live, is_asked: false, value_type, plan, first: 0 }, rules)
    }

    /// Whether people may say otherwise.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.plan, Plan::Nothing)
    }

    /// What the definition says of a party.
    pub(super) fn compute(
        &self,
        evaluation: &mut Evaluation<'_, '_>,
        party: &Loaded,
        (as_of, zone): (Instant, &Zone),
    ) -> Computed {
        match &self.plan {
            Plan::Nothing | Plan::Said => Computed::nothing(),
            Plan::Rows => self.row(party.key, &party.assigned),
            Plan::Cases(values, otherwise) => self.case(evaluation, values, otherwise.as_ref()),
            Plan::Formula(formula) => {
                let mut read = |input: usize| evaluation.value(self.first + input);
                let found = formula.evaluate(&mut read, zone, as_of);
                let json = |value: Value| value.as_ref().to_json();
                let told = found.read.into_iter().map(
                    |(input, value)| json!({ "input": formula.names()[input], "value": value.map(json) }),
                );
                let reasons = json!({ "inputs": told.collect::<Vec<_>>() });
                let value = found.value.map(json).and_then(|value| self.value_type.keep(&value));
                Computed { value, reasons, changes_at: found.changes_at }
            }
            Plan::Model { prepared, version, .. } => {
                let worked = prepared.apply(&mut self.sight(evaluation, party, (as_of, zone)));
                let value = worked.value.and_then(|value| self.value_type.keep(&value));
                let reasons = json!({ "constants": version, "reasons": worked.reasons });
                Computed { value, reasons, changes_at: worked.changes_at }
            }
        }
    }

    /// A party as the tag's model sees it; without rules if it is of no model.
    pub(super) fn sight<'s, 'e, 'p>(
        &self,
        evaluation: &'s mut Evaluation<'e, 'p>,
        party: &Loaded,
        (as_of, zone): (Instant, &'s Zone),
    ) -> Sight<'s, 'e, 'p> {
        let count = if let Plan::Model { rules, .. } = &self.plan { *rules } else { 0 };
        let rules = self.first..self.first + count;
        Sight { evaluation, rules, party: party.key, first_seen: party.first_seen, as_of, zone }
    }

    fn case(
        &self,
        evaluation: &mut Evaluation<'_, '_>,
        values: &[Option<String>],
        otherwise: Option<&String>,
    ) -> Computed {
        let mut changes_at = None::<Instant>;
        for (place, value) in values.iter().enumerate() {
            let outcome = evaluation.outcome(self.first + place);
            changes_at = changes_at.into_iter().chain(outcome.changes_at).min();
            if outcome.holds {
                let reasons = json!({ "case": place + 1 });
                return Computed { value: value.clone(), reasons, changes_at };
            }
        }
        Computed { value: otherwise.cloned(), reasons: json!({ "case": 0 }), changes_at }
    }

    /// What the job's last run says: under the party's own identifier first.
    fn row(&self, party_key: Key, assigned: &[Assigned]) -> Computed {
        let rows = assigned.iter().filter(|one| one.tag == self.tag.no && one.run == self.tag.run);
        let rows = rows.filter(|one| one.run > 0);
        let best = rows.min_by_key(|one| (one.node != party_key, one.node));
        let value = best.and_then(|one| one.value.clone());
        Computed { value, reasons: json!({ "run": self.tag.run }), changes_at: None }
    }
}

/// Reads a formula of a definition.
///
/// # Errors
/// [`Failure::Invalid`] with the place.
fn formula(text: &str, measures: &BTreeMap<String, String>) -> kernel::Result<Formula> {
    Formula::parse(text, measures).map_err(|error| {
        let field = match &error.measure {
            Some(name) => format!("measures/{name}"),
            None => "formula".to_owned(),
        };
        Failure::invalid(field, format!("at character {}: {}", error.at + 1, error.message))
    })
}

fn plan(document: &Document, constants: &BTreeMap<String, Constants>) -> kernel::Result<(Plan, Vec<Rule>)> {
    let rules = rules_of(document)?;
    let keep = |value: &Json| document.value_type.keep(value);
    let plan = match document.how()? {
        How::Cases(cases, otherwise) => {
            let values = cases.iter().map(|(value, _)| keep(value)).collect();
            Plan::Cases(values, otherwise.as_ref().and_then(keep))
        }
        How::Formula(text, measures) => Plan::Formula(Box::new(formula(&text, &measures)?)),
        How::Model { model, config, constants: name } => {
            let known = constants.get(&name);
            let body: Option<Json> = known.and_then(|known| serde_json::from_str(&known.body).ok());
            let version = known.map_or(0, |known| known.version);
            let prepared = prepare(&model, &config, body.as_ref(), document.value_type.criteria())?;
            Plan::Model { prepared, rules: rules.len(), version }
        }
        How::Assigned if document.kind == Kind::Sql => Plan::Rows,
        How::Assigned => Plan::Said,
    };
    Ok((plan, rules))
}
