//! What models look at, as rules of one leaf each.

use std::collections::BTreeSet;
use std::ops::Range;

use criteria::Rule;
use scoring::Model;
use scoring::model::Role;
use scoring::model::needs::{EVENTS, traits};
use scoring::{loyalty, purchasing_power};
use serde_json::{Value as Json, json};

use super::{Config, Names};

/// Rules, and what each is for.
#[derive(Debug)]
pub struct Plan {
    /// The rules.
    pub rules: Vec<Rule>,
    pub(super) events: Vec<Planned>,
    pub(super) traits: Vec<(String, usize)>,
    pub(super) attributes: BTreeSet<String>,
}

/// An event, and its rules: one for each property, or one if it has none.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) role: Role,
    /// What the properties are usually called.
    pub(super) properties: &'static [&'static str],
    pub(super) inputs: Range<usize>,
}

/// Events of a name, before there are rules for them.
struct Named<'c> {
    event: &'c str,
    role: Role,
    properties: &'static [&'static str],
    filters: Vec<Json>,
}

impl Plan {
    /// What models look at together, as far back as the one that looks furthest.
    pub fn of(models: &[Model], config: &Config) -> Self {
        let mut plan =
            Self { rules: Vec::new(), events: Vec::new(), traits: Vec::new(), attributes: BTreeSet::new() };
        let days = models.iter().map(|model| model.window_days()).max().unwrap_or(1);
        // A score is of the end of a day, and the first day of its window is whole.
        let window = json!({ "last": format!("{}d", days + 1) });
        let is_read = |role: Role| models.iter().any(|model| model.reads(role));
        for named in named(&config.names).filter(|named| is_read(named.role)) {
            plan.event(&named, &window, &config.names);
        }
        plan.attributes = models.iter().flat_map(|model| attributes(*model, config)).collect();
        let names: BTreeSet<String> = models
            .iter()
            .flat_map(|model| plain(*model, config))
            .chain(plan.attributes.iter().cloned())
            .collect();
        for name in names {
            plan.push(&json!({ "trait": config.names.of_trait(&name), "op": "exists" }));
            plan.traits.push((name, plan.rules.len() - 1));
        }
        plan
    }

    fn event(&mut self, named: &Named<'_>, window: &Json, names: &Names) {
        let first = self.rules.len();
        let window = if named.role.is_lasting() { json!({ "ever": true }) } else { window.clone() };
        let mut rule = json!({ "event": named.event, "window": window });
        if !named.filters.is_empty() {
            rule["where"] = named.filters.clone().into();
        }
        for property in named.properties {
            let mut rule = rule.clone();
            rule["measure"] = json!({ "last": names.of_property(property) });
            rule["op"] = "exists".into();
            self.push(&rule);
        }
        if named.properties.is_empty() {
            rule["op"] = "gte".into();
            rule["value"] = 1.into();
            self.push(&rule);
        }
        let inputs = first..self.rules.len();
        self.events.push(Planned { role: named.role, properties: named.properties, inputs });
    }

    fn push(&mut self, rule: &Json) {
        let rule = Rule::parse(&rule.to_string());
        // The rules are made of the names above and of a config that was read.
        self.rules.push(rule.unwrap_or(Rule::Always(false)));
    }
}

/// The events of the specification, but for roles whose events are named; and these, roles in their order.
fn named(names: &Names) -> impl Iterator<Item = Named<'_>> {
    let usual = EVENTS.iter().filter(|event| !names.events.contains_key(event.role.key()));
    let usual = usual.map(|event| {
        let only = event
            .only
            .map(|(path, value)| json!({ "property": names.of_property(path), "op": "eq", "value": value }));
        let filters = only.into_iter().collect();
        Named { event: event.name, role: event.role, properties: event.properties, filters }
    });
    let own = Role::ALL.into_iter().filter_map(|role| Some((role, names.events.get(role.key())?)));
    let own = own.flat_map(|(role, sources)| sources.iter().map(move |source| (role, source)));
    usual.chain(own.map(|(role, source)| Named {
        event: source.event(),
        role,
        properties: role.properties(),
        filters: source.rule_filters(),
    }))
}

/// Whether a model looks at stars or diamonds, and so at all they are made of.
const fn is_tiered(model: Model) -> bool {
    matches!(
        model,
        Model::Stars | Model::Diamonds | Model::Treatment | Model::Relation | Model::SilenceWarning
    )
}

/// Traits that are numbers of the value model.
fn attributes(model: Model, config: &Config) -> Vec<String> {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match model {
        Model::PurchasingPower | Model::Total => own(&[purchasing_power::INCOME_BAND]),
        Model::Loyalty => own(&loyalty::WALLET),
        _ if is_tiered(model) => {
            let tier = &config.settings.tier;
            let axes = tier.merchant.iter().chain(&tier.consumer).flatten();
            let others: Vec<String> = own(&["capacity_index", "verification_level", "share_of_wallet"]);
            axes.map(|attribute| attribute.key.clone()).chain(others).collect()
        }
        _ => Vec::new(),
    }
}

/// Traits that say something else.
fn plain(model: Model, config: &Config) -> Vec<String> {
    let mut names = vec![traits::KIND, traits::OUTLET_TYPE, traits::CITY_TIER, traits::CREATED];
    if matches!(model, Model::Relation | Model::SilenceWarning) {
        names.extend([traits::BOUND, traits::DEDICATED_OWNER, traits::NOMINATED, traits::UNCONTACTABLE]);
    }
    if model == Model::ContactChannel || is_tiered(model) {
        names.push(traits::CONSENTED);
    }
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if matches!(model, Model::Completeness | Model::Total) || is_tiered(model) {
        let confirmed = config.fields.iter().filter_map(|field| field.confirmed.as_ref());
        names.extend(confirmed.map(|confirmed| confirmed.by.clone()));
        names.extend(config.fields.iter().map(|field| field.name.clone()));
    }
    names
}
