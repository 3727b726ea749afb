//! Writes a rule as canonical JSON: members in the order of the grammar, defaults left out, numbers with
//! all their digits. What is written reads back as the same rule.

use serde_json::Value as Json;

use crate::path::Path;
use crate::rule::{
    Comparison, Consent, EventRule, Events, Filter, Literal, Measure, Named, Period, RelatedRule, Rule,
    SequenceRule, Step, Window, name_of,
};
use crate::value::instant_text;

impl Rule {
    /// The rule as canonical JSON.
    pub fn to_json(&self) -> String {
        let mut object = Object::new();
        match self {
            Self::All(rules) => object.list("all", rules, Self::to_json),
            Self::Any(rules) => object.list("any", rules, Self::to_json),
            Self::None(rules) => object.list("none", rules, Self::to_json),
            Self::Trait(named) => object.named("trait", named),
            Self::Tag(named) => object.named("tag", named),
            Self::Score(named) => object.named("score", named),
            Self::Stage(named) => object.named("stage", named),
            Self::Event(rule) => event(&mut object, rule),
            Self::Sequence(rule) => sequence(&mut object, rule),
            Self::Audience(id) => object.raw("audience", &text(id)),
            Self::Consent(rule) => {
                let mut of = Object::new();
                of.raw("channel", &text(&rule.channel));
                of.raw("purpose", &text(&rule.purpose));
                object.raw("consent", &of.end());
                object.raw("op", &text("is"));
                object.raw("value", &text(name_of(&Consent::ALL, rule.state)));
            }
            Self::Related(rule) => related(&mut object, rule),
            Self::Always(value) => object.raw("always", &value.to_string()),
        }
        object.end()
    }
}

impl serde::Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.to_json());
        raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

fn event(object: &mut Object, rule: &EventRule) {
    match &rule.events {
        Events::Every => object.raw("event", "\"*\""),
        Events::Named(names) => object.raw("event", &event_names(names)),
    }
    object.filters(&rule.filters);
    object.window(&rule.window);
    match &rule.measure {
        Measure::Count => {}
        Measure::Of(_, path) => object.raw("measure", &single(rule.measure.name(), &text(&path.to_string()))),
        plain => object.raw("measure", &text(plain.name())),
    }
    object.comparison(&rule.comparison);
}

fn sequence(object: &mut Object, rule: &SequenceRule) {
    object.list("sequence", &rule.steps, step);
    object.window(&rule.window);
    if rule.comparison != Comparison::at_least_one() {
        object.comparison(&rule.comparison);
    }
}

fn step(step: &Step) -> String {
    let mut object = Object::new();
    object.raw("event", &event_names(&step.events));
    object.filters(&step.filters);
    if let Some(within) = step.within {
        object.raw("within", &text(&within.to_string()));
    }
    if !step.same.is_empty() {
        object.list("same", &step.same, |path: &Path| text(&path.to_string()));
    }
    if step.is_absent {
        object.raw("absent", "true");
    }
    object.end()
}

fn related(object: &mut Object, rule: &RelatedRule) {
    let mut of = Object::new();
    of.raw("object", &text(&rule.object));
    of.raw("via", &text(&rule.via));
    of.list("where", &rule.filters, filter);
    object.raw("related", &of.end());
    if rule.comparison != Comparison::at_least_one() {
        object.comparison(&rule.comparison);
    }
}

fn event_names(names: &[String]) -> String {
    match names {
        [name] => text(name),
        names => list(names, |name| text(name)),
    }
}

fn filter(filter: &Filter) -> String {
    let mut object = Object::new();
    match filter {
        Filter::All(filters) => object.list("all", filters, self::filter),
        Filter::Any(filters) => object.list("any", filters, self::filter),
        Filter::None(filters) => object.list("none", filters, self::filter),
        Filter::Property(path, comparison) => {
            object.raw("property", &text(&path.to_string()));
            object.comparison(comparison);
        }
    }
    object.end()
}

fn window(window: &Window) -> String {
    let mut object = Object::new();
    match window {
        Window::Ever => object.raw("ever", "true"),
        Window::Last(duration) => object.raw("last", &text(&duration.to_string())),
        Window::Calendar(period) => object.raw("calendar", &text(name_of(&Period::ALL, *period))),
        Window::Between(from, to) => {
            for (key, end) in [("from", from), ("to", to)] {
                if let Some(end) = end {
                    object.raw(key, &text(&instant_text(*end)));
                }
            }
        }
        Window::Since(since) => {
            let mut of = Object::new();
            of.raw("event", &text(&since.event));
            of.filters(&since.filters);
            of.raw("which", &text(if since.is_last { "last" } else { "first" }));
            object.raw("since", &of.end());
        }
    }
    object.end()
}

/// The value of a comparison as JSON; `None` where it takes none.
pub(crate) fn operand(comparison: &Comparison) -> Option<String> {
    Some(match comparison {
        Comparison::Exists | Comparison::Missing => return None,
        Comparison::Is(_, value) => literal(value),
        Comparison::In(values) | Comparison::NotIn(values) => list(values, literal),
        Comparison::Between(low, high) => format!("[{},{}]", literal(low), literal(high)),
        Comparison::Text(_, part) => text(part),
        Comparison::Before(at) | Comparison::After(at) => text(&instant_text(*at)),
        Comparison::WithinLast(duration) | Comparison::OlderThan(duration) => text(&duration.to_string()),
        Comparison::WithinKm { place, km } => {
            format!("{{\"lat\":{},\"lon\":{},\"km\":{km}}}", place.lat, place.lon)
        }
    })
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(value) => text(value),
        Literal::Number(number) => number.to_string(),
        Literal::Boolean(value) => value.to_string(),
    }
}

fn text(value: &str) -> String {
    Json::from(value).to_string()
}

fn list<T>(items: &[T], write: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(write).collect::<Vec<_>>().join(","))
}

fn single(key: &str, value: &str) -> String {
    format!("{{{}:{value}}}", text(key))
}

struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".into())
    }

    fn raw(&mut self, key: &str, value: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        self.0.push_str(&format!("{comma}\"{key}\":{value}"));
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&T) -> String) {
        self.raw(key, &list(items, write));
    }

    fn named(&mut self, key: &str, named: &Named) {
        self.raw(key, &text(&named.name));
        self.comparison(&named.comparison);
    }

    fn comparison(&mut self, comparison: &Comparison) {
        self.raw("op", &text(comparison.op()));
        if let Some(value) = operand(comparison) {
            self.raw("value", &value);
        }
    }

    fn filters(&mut self, filters: &[Filter]) {
        if !filters.is_empty() {
            self.list("where", filters, filter);
        }
    }

    fn window(&mut self, of: &Window) {
        if *of != Window::Ever {
            self.raw("window", &window(of));
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
