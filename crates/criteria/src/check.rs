//! Checks a rule against what a workspace knows: types of traits and properties, names of the rest.
//!
//! What the schema does not know is no error: a trait may come tomorrow. What it knows to be otherwise is.

use crate::error::{Error, element, member};
use crate::path::Path;
use crate::rule::{
    Aggregate, Comparison, EventRule, Events, Filter, Literal, Measure, Named, RelatedRule, Rule,
    SequenceRule, Step, Window,
};
use crate::value::Type;

/// What a workspace knows. The defaults know nothing, and so refuse nothing.
pub trait Schema {
    /// The type of a trait.
    fn trait_type(&self, _name: &str) -> Option<Type> {
        None
    }
    /// The type of a property of an event; with `[]` in the path, of each element.
    fn property_type(&self, _event: &str, _path: &Path) -> Option<Type> {
        None
    }
    /// The type of a property of an object.
    fn record_type(&self, _object: &str, _path: &Path) -> Option<Type> {
        None
    }
    /// The type of a tag.
    fn tag_type(&self, _key: &str) -> Option<Type> {
        None
    }
    /// Whether there can be such a tag.
    fn has_tag(&self, _key: &str) -> bool {
        true
    }
    /// Whether there can be such a score.
    fn has_score(&self, _key: &str) -> bool {
        true
    }
    /// Whether there can be such an audience.
    fn has_audience(&self, _id: &str) -> bool {
        true
    }
    /// The states of a state machine, if they are known.
    fn stages(&self, _machine: &str) -> Option<&[String]> {
        None
    }
    /// Whether there can be such a state machine.
    fn has_machine(&self, _machine: &str) -> bool {
        true
    }
    /// Whether there can be such a channel and purpose of consent.
    fn has_consent(&self, _channel: &str, _purpose: &str) -> bool {
        true
    }
    /// Whether the relation can lead to the object.
    fn has_relation(&self, _object: &str, _via: &str) -> bool {
        true
    }
}

impl Rule {
    /// Everything about the rule that the schema knows to be wrong, in the order of the rule.
    pub fn check(&self, schema: &dyn Schema) -> Vec<Error> {
        let mut check = Check { schema, errors: Vec::new() };
        check.rule(self, String::new());
        check.errors
    }
}

struct Check<'s> {
    schema: &'s dyn Schema,
    errors: Vec<Error>,
}

impl Check<'_> {
    fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.errors.push(Error::new(pointer, message));
    }

    fn known(&mut self, is_known: bool, pointer: &str, key: &str, what: &str, name: &str) {
        if !is_known {
            self.error(
                member(pointer, key),
                format!("there is no {what} `{name}`; create it first, or name another"),
            );
        }
    }

    fn fits(&mut self, comparison: &Comparison, of: Option<Type>, pointer: &str) {
        if let Some(Err(message)) = of.map(|of| comparison.fits(of)) {
            let key =
                if matches!(comparison, Comparison::Exists | Comparison::Missing) { "op" } else { "value" };
            self.error(member(pointer, key), message);
        }
    }

    fn rule(&mut self, rule: &Rule, pointer: String) {
        let schema = self.schema;
        match rule {
            Rule::All(rules) => self.group(rules, &pointer, "all"),
            Rule::Any(rules) => self.group(rules, &pointer, "any"),
            Rule::None(rules) => self.group(rules, &pointer, "none"),
            Rule::Trait(named) => {
                self.fits(&named.comparison, schema.trait_type(&named.name), &pointer);
            }
            Rule::Tag(named) => {
                self.known(schema.has_tag(&named.name), &pointer, "tag", "tag", &named.name);
                self.fits(&named.comparison, schema.tag_type(&named.name), &pointer);
            }
            Rule::Score(named) => {
                self.known(schema.has_score(&named.name), &pointer, "score", "score", &named.name);
            }
            Rule::Stage(named) => self.stage(named, &pointer),
            Rule::Audience(id) => {
                self.known(schema.has_audience(id), &pointer, "audience", "audience", id);
            }
            Rule::Consent(rule) => {
                let is_known = schema.has_consent(&rule.channel, &rule.purpose);
                let name = format!("{} / {}", rule.channel, rule.purpose);
                self.known(is_known, &pointer, "consent", "consent by this channel and purpose,", &name);
            }
            Rule::Related(rule) => self.related(rule, &pointer),
            Rule::Event(rule) => self.event(rule, &pointer),
            Rule::Sequence(rule) => self.sequence(rule, &pointer),
            Rule::Always(_) => {}
        }
    }

    fn group(&mut self, rules: &[Rule], pointer: &str, key: &str) {
        let pointer = member(pointer, key);
        for (index, rule) in rules.iter().enumerate() {
            self.rule(rule, element(&pointer, index));
        }
    }

    fn stage(&mut self, named: &Named, pointer: &str) {
        let schema = self.schema;
        self.known(schema.has_machine(&named.name), pointer, "stage", "state machine", &named.name);
        let Some(states) = schema.stages(&named.name) else { return };
        let literals = match &named.comparison {
            Comparison::Is(_, literal) => std::slice::from_ref(literal),
            Comparison::In(literals) => literals,
            _ => &[],
        };
        for literal in literals {
            if let Literal::Text(text) = literal
                && !states.contains(text)
            {
                let message =
                    format!("`{}` has no state `{text}`; one of: {}", named.name, states.join(", "));
                self.error(member(pointer, "value"), message);
            }
        }
    }

    fn event(&mut self, rule: &EventRule, pointer: &str) {
        let names: &[String] = match &rule.events {
            Events::Every => &[],
            Events::Named(names) => names,
        };
        self.filters(&rule.filters, &member(pointer, "where"), &Source::Events(names));
        self.window(&rule.window, pointer);
        let Measure::Of(aggregate, path) = &rule.measure else { return };
        let of = self.type_of(&Source::Events(names), path);
        let wanted = match (aggregate, &rule.comparison) {
            (Aggregate::First | Aggregate::Last, comparison) => return self.fits(comparison, of, pointer),
            (Aggregate::Distinct, _) => return,
            (
                Aggregate::Min | Aggregate::Max,
                Comparison::Before(_)
                | Comparison::After(_)
                | Comparison::WithinLast(_)
                | Comparison::OlderThan(_),
            ) => Type::Instant,
            _ => Type::Number,
        };
        if of.is_some_and(|of| of != wanted) {
            let (name, found) = (rule.measure.name(), of.map_or("", Type::name));
            let message = format!("`{name}` compared so needs a {}; `{path}` is a {found}", wanted.name());
            self.error(member(&member(pointer, "measure"), name), message);
        }
    }

    fn window(&mut self, window: &Window, pointer: &str) {
        if let Window::Since(since) = window {
            let pointer = member(&member(&member(pointer, "window"), "since"), "where");
            self.filters(&since.filters, &pointer, &Source::Events(std::slice::from_ref(&since.event)));
        }
    }

    fn sequence(&mut self, rule: &SequenceRule, pointer: &str) {
        let at = member(pointer, "sequence");
        for (index, step) in rule.steps.iter().enumerate() {
            let at = element(&at, index);
            self.filters(&step.filters, &member(&at, "where"), &Source::Events(&step.events));
            self.same(&rule.steps[0], step, &member(&at, "same"));
        }
        self.window(&rule.window, pointer);
    }

    fn same(&mut self, first: &Step, step: &Step, pointer: &str) {
        for (index, path) in step.same.iter().enumerate() {
            let a = self.type_of(&Source::Events(&first.events), path);
            let b = self.type_of(&Source::Events(&step.events), path);
            let message = match (a, b) {
                (Some(a), Some(b)) if a != b => format!(
                    "`{path}` is a {} in the first step and a {} here; they are never equal",
                    a.name(),
                    b.name()
                ),
                (Some(of @ (Type::List | Type::Place)), _) | (_, Some(of @ (Type::List | Type::Place))) => {
                    format!("`{path}` is a {}; name a property with one value", of.name())
                }
                _ => continue,
            };
            self.error(element(pointer, index), message);
        }
    }

    fn related(&mut self, rule: &RelatedRule, pointer: &str) {
        let at = member(pointer, "related");
        if !self.schema.has_relation(&rule.object, &rule.via) {
            let message = format!("no relation `{}` leads to an object `{}`", rule.via, rule.object);
            self.error(member(&at, "via"), message);
        }
        self.filters(&rule.filters, &member(&at, "where"), &Source::Object(&rule.object));
    }

    fn filters(&mut self, filters: &[Filter], pointer: &str, source: &Source<'_>) {
        for (index, filter) in filters.iter().enumerate() {
            let at = element(pointer, index);
            match filter {
                Filter::All(members) => self.filters(members, &member(&at, "all"), source),
                Filter::Any(members) => self.filters(members, &member(&at, "any"), source),
                Filter::None(members) => self.filters(members, &member(&at, "none"), source),
                Filter::Property(path, comparison) => {
                    let of = self.type_of(source, path);
                    self.fits(comparison, of, &at);
                }
            }
        }
    }

    /// The type of a property; nothing if events of several names disagree.
    fn type_of(&self, source: &Source<'_>, path: &Path) -> Option<Type> {
        match source {
            Source::Object(object) => self.schema.record_type(object, path),
            Source::Events(names) => {
                let mut types = names.iter().map(|name| self.schema.property_type(name, path));
                let first = types.next()??;
                types.all(|other| other == Some(first)).then_some(first)
            }
        }
    }
}

enum Source<'a> {
    /// Events of these names; of any name if there is none.
    Events(&'a [String]),
    Object(&'a str),
}
