//! What traits say: what a party is, whom it is compared with, how it stands to us, how much is known of it.

use std::collections::BTreeMap;

use criteria::Zone;
use criteria::value::Value;
use scoring::Facts;
use scoring::facts::{Field, Kind, Peer};
use scoring::model::needs::traits;

use super::super::Plan;
use super::super::config::{Config, Expected};
use super::{Read, day, number, text};

pub(super) fn describe(facts: &mut Facts, plan: &Plan, config: &Config, read: &mut dyn Read, zone: &Zone) {
    let known: BTreeMap<&str, Value> =
        plan.traits.iter().filter_map(|(name, input)| Some((name.as_str(), read.value(*input)?))).collect();
    let of = |name: &str| known.get(name);
    let said = |name: &str| of(name).and_then(text).unwrap_or_default();
    let is_true = |name: &str| of(name) == Some(&Value::Boolean(true));
    // Only a business has an outlet.
    let is_merchant = match said(traits::KIND).as_str() {
        "" => of(traits::OUTLET_TYPE).is_some(),
        kind => kind == "merchant",
    };
    facts.kind = if is_merchant { Kind::Merchant } else { Kind::Consumer };
    let created = of(traits::CREATED).and_then(|value| value.as_ref().instant());
    let created = created.or_else(|| read.first_seen());
    facts.created = created.map(|at| day(zone, at));
    let class = match facts.kind {
        Kind::Merchant => said(traits::OUTLET_TYPE),
        // The year of acquisition: its first four digits in the form every instant has.
        Kind::Consumer => created.map(|at| at.to_string().chars().take(4).collect()).unwrap_or_default(),
    };
    facts.peer = Peer { class, city_tier: said(traits::CITY_TIER) };
    facts.relation.is_bound = of(traits::BOUND).map(|bound| *bound == Value::Boolean(true));
    facts.relation.has_dedicated_owner =
        is_true(traits::DEDICATED_OWNER) || !said(traits::DEDICATED_OWNER).is_empty();
    facts.relation.is_nominated = is_true(traits::NOMINATED);
    facts.relation.is_uncontactable = is_true(traits::UNCONTACTABLE);
    facts.relation.consented = match of(traits::CONSENTED) {
        Some(Value::List(channels)) => Some(channels.iter().map(ToString::to_string).collect()),
        _ => None,
    };
    let attributes = plan.attributes.iter().filter_map(|name| Some((name.clone(), number(of(name)?)?)));
    facts.attributes = attributes.collect();
    facts.fields = config.fields.iter().map(|expected| field(expected, &known, zone)).collect();
}

fn field(expected: &Expected, known: &BTreeMap<&str, Value>, zone: &Zone) -> Field {
    let value = known.get(expected.name.as_str());
    let has_form = |value: &Value| {
        text(value).map_or(!matches!(value, Value::Text(_)), |text| expected.form.fits(&text))
    };
    let confirmed = expected.confirmed.as_ref().map(|confirmed| {
        let at = known.get(confirmed.by.as_str()).and_then(|value| value.as_ref().instant());
        at.map_or(scoring::Day(i32::MIN), |at| day(zone, at).plus(confirmed.days))
    });
    Field {
        name: expected.name.clone(),
        weight: expected.weight,
        is_filled: value.is_some(),
        is_valid: value.is_some_and(has_form),
        fresh_until: confirmed,
    }
}
