//! Reads a rule from JSON, with every limit that needs no knowledge of the workspace.
//!
//! The first fault is reported, by its place and with what would be right. Types of fields are
//! checked by `check`, which knows the schema.

mod comparison;
mod tree;

use comparison::{Subject, comparison, count, duration, instant};
use tree::{Node, Tree};

use crate::error::Error;
use crate::path::Path;
use crate::rule::{
    Aggregate, Consent, ConsentRule, DEPTH_MAX, EventRule, Events, Filter, LEAVES_MAX, Measure, Named,
    Period, RelatedRule, Rule, STEPS_MAX, SequenceRule, Since, Step, Window,
};

const KINDS: &[&str] = &[
    "all", "any", "none", "trait", "event", "sequence", "tag", "score", "stage", "audience", "consent",
    "related", "always",
];

impl Rule {
    /// Reads a rule from JSON.
    ///
    /// # Errors
    /// The first fault: where it is, and what would be right.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tree = Tree::parse(text)?;
        let mut leaves = 0;
        rule(&Node { tree: &tree, pointer: String::new() }, 1, &mut leaves)
    }
}

fn too_deep(node: &Node<'_>) -> Error {
    node.error(format!("nested deeper than {DEPTH_MAX} levels; make an inner part an audience of its own"))
}

fn too_many(node: &Node<'_>, what: &str) -> Error {
    node.error(format!("more than {LEAVES_MAX} {what}; make a part of them an audience of its own"))
}

fn rule(node: &Node<'_>, depth: usize, leaves: &mut usize) -> Result<Rule, Error> {
    if depth > DEPTH_MAX {
        return Err(too_deep(node));
    }
    let kinds: Vec<&str> = node.keys()?.filter(|key| KINDS.contains(key)).collect();
    let kind = match kinds[..] {
        [kind] => kind,
        [] => return Err(node.error(format!("a rule has one of: {}", KINDS.join(", ")))),
        _ => {
            return Err(
                node.error(format!("a rule has only one of: {}; combine them by `all`", kinds.join(", ")))
            );
        }
    };
    if let "all" | "any" | "none" = kind {
        node.only(&[kind])?;
        let members = node.require(kind)?.items()?;
        let members = members.map(|member| rule(&member, depth + 1, leaves)).collect::<Result<_, _>>()?;
        return Ok(match kind {
            "all" => Rule::All(members),
            "any" => Rule::Any(members),
            _ => Rule::None(members),
        });
    }
    *leaves += 1;
    if *leaves > LEAVES_MAX {
        return Err(too_many(node, "leaves in one rule"));
    }
    leaf(node, kind)
}

fn leaf(node: &Node<'_>, kind: &str) -> Result<Rule, Error> {
    let of = node.require(kind)?;
    let named = |subject| {
        node.only(&[kind, "op", "value"])?;
        Ok(Named { name: of.name()?, comparison: comparison(node, subject)? })
    };
    Ok(match kind {
        "trait" => Rule::Trait(named(Subject::Field)?),
        "tag" => Rule::Tag(named(Subject::Field)?),
        "score" => Rule::Score(named(Subject::Number)?),
        "stage" => Rule::Stage(named(Subject::Stage)?),
        "event" => Rule::Event(event(node)?),
        "sequence" => Rule::Sequence(sequence(node)?),
        "audience" => {
            node.only(&[kind])?;
            Rule::Audience(of.name()?)
        }
        "consent" => Rule::Consent(consent(node, &of)?),
        "related" => Rule::Related(related(node, &of)?),
        _ => {
            node.only(&[kind])?;
            Rule::Always(of.boolean()?)
        }
    })
}

fn event(node: &Node<'_>) -> Result<EventRule, Error> {
    node.only(&["event", "where", "window", "measure", "op", "value"])?;
    let of = node.require("event")?;
    let events = match of.tree {
        Tree::Text(text) if text == "*" => Events::Every,
        _ => Events::Named(names(&of)?),
    };
    let measure = node.get("measure").map_or(Ok(Measure::Count), |node| measure(&node))?;
    let subject = match measure {
        Measure::Count | Measure::Days => Subject::Number,
        Measure::FirstTime | Measure::LastTime => Subject::Time,
        Measure::Of(Aggregate::Sum | Aggregate::Avg | Aggregate::Distinct, _) => Subject::Number,
        Measure::Of(Aggregate::Min | Aggregate::Max, _) => Subject::Extreme,
        Measure::Of(Aggregate::First | Aggregate::Last, _) => Subject::Field,
    };
    let comparison = comparison(node, subject)?;
    Ok(EventRule { events, filters: filters(node)?, window: window(node)?, measure, comparison })
}

fn names(node: &Node<'_>) -> Result<Vec<String>, Error> {
    let nodes: Vec<Node<'_>> = match node.tree {
        Tree::List(_) => node.items()?.collect(),
        _ => vec![Node { tree: node.tree, pointer: node.pointer.clone() }],
    };
    if nodes.is_empty() || nodes.len() > LEAVES_MAX {
        return Err(node.error(format!("name 1 to {LEAVES_MAX} events, or write \"*\" for any event")));
    }
    nodes.iter().map(event_name).collect()
}

fn event_name(node: &Node<'_>) -> Result<String, Error> {
    match node.name()? {
        name if name == "*" => {
            Err(node.error("`*` stands alone as the `event` of an event rule; name the event here"))
        }
        name => Ok(name),
    }
}

fn measure(node: &Node<'_>) -> Result<Measure, Error> {
    if let Tree::Text(_) = node.tree {
        return node.one_of(&[("count", 0), ("days", 1), ("first_time", 2), ("last_time", 3)]).map(|index| {
            [Measure::Count, Measure::Days, Measure::FirstTime, Measure::LastTime][index].clone()
        });
    }
    let names = Aggregate::ALL.map(|(name, _)| name);
    node.only(&names)?;
    for (name, aggregate) in Aggregate::ALL {
        if let Some(property) = node.get(name) {
            if node.keys()?.count() > 1 {
                return Err(node.error("a measure is one thing; write a rule for each"));
            }
            return Ok(Measure::Of(aggregate, path(&property)?));
        }
    }
    Err(node.error(format!("a measure of a property has one of: {}", names.join(", "))))
}

fn path(node: &Node<'_>) -> Result<Path, Error> {
    Path::parse(&node.name()?).map_err(|message| node.error(message))
}

/// The `where` of an object, if it has one.
fn filters(object: &Node<'_>) -> Result<Vec<Filter>, Error> {
    let Some(node) = object.get("where") else { return Ok(Vec::new()) };
    let mut leaves = 0;
    node.items()?.map(|item| filter(&item, 1, &mut leaves)).collect()
}

fn filter(node: &Node<'_>, depth: usize, leaves: &mut usize) -> Result<Filter, Error> {
    if depth > DEPTH_MAX {
        return Err(too_deep(node));
    }
    for group in ["all", "any", "none"] {
        let Some(members) = node.get(group) else { continue };
        node.only(&[group])?;
        let members =
            members.items()?.map(|item| filter(&item, depth + 1, leaves)).collect::<Result<_, _>>()?;
        return Ok(match group {
            "all" => Filter::All(members),
            "any" => Filter::Any(members),
            _ => Filter::None(members),
        });
    }
    node.only(&["property", "op", "value"])?;
    *leaves += 1;
    if *leaves > LEAVES_MAX {
        return Err(too_many(node, "conditions in one `where`"));
    }
    let property =
        node.get("property").ok_or_else(|| node.error("a filter has `property`, `all`, `any` or `none`"))?;
    Ok(Filter::Property(path(&property)?, comparison(node, Subject::Field)?))
}

fn window(object: &Node<'_>) -> Result<Window, Error> {
    let Some(node) = object.get("window") else { return Ok(Window::Ever) };
    node.only(&["last", "calendar", "from", "to", "since", "ever"])?;
    let keys: Vec<&str> = node.keys()?.collect();
    match keys[..] {
        ["last"] => Ok(Window::Last(duration(&node.require("last")?)?)),
        ["calendar"] => Ok(Window::Calendar(node.require("calendar")?.one_of(&Period::ALL)?)),
        ["from"] | ["to"] | ["from", "to"] | ["to", "from"] => {
            let end = |key| node.get(key).map(|node| instant(&node)).transpose();
            let (from, to) = (end("from")?, end("to")?);
            if from.zip(to).is_some_and(|(from, to)| from >= to) {
                return Err(node.error("the window is empty; `from` must lie before `to`"));
            }
            Ok(Window::Between(from, to))
        }
        ["since"] => since(&node.require("since")?),
        ["ever"] if node.require("ever")?.boolean()? => Ok(Window::Ever),
        ["ever"] => Err(node.error("write {\"ever\":true}, or leave `window` out")),
        _ => Err(node.error("a window has one of: last, calendar, from and to, since, ever")),
    }
}

fn since(node: &Node<'_>) -> Result<Window, Error> {
    node.only(&["event", "where", "which"])?;
    let which = node.require("which")?.one_of(&[("first", false), ("last", true)])?;
    let event = event_name(&node.require("event")?)?;
    Ok(Window::Since(Since { event, filters: filters(node)?, is_last: which }))
}

fn sequence(node: &Node<'_>) -> Result<SequenceRule, Error> {
    node.only(&["sequence", "window", "op", "value"])?;
    let of = node.require("sequence")?;
    let items = of.items()?;
    if items.len() == 0 || items.len() > STEPS_MAX {
        return Err(of.error(format!("a sequence has 1 to {STEPS_MAX} steps, this one {}", items.len())));
    }
    let steps = items.enumerate().map(|(index, item)| step(&item, index)).collect::<Result<_, _>>()?;
    Ok(SequenceRule { steps, window: window(node)?, comparison: count(node)? })
}

fn step(node: &Node<'_>, index: usize) -> Result<Step, Error> {
    node.only(&["event", "where", "within", "same", "absent"])?;
    let events = names(&node.require("event")?)?;
    let within = node.get("within").map(|node| duration(&node)).transpose()?;
    let absent = node.get("absent").map(|node| Ok((node.boolean()?, node))).transpose()?;
    let is_absent = absent.is_some_and(|(value, _)| value);
    let mut same = Vec::new();
    if let Some(list) = node.get("same") {
        for item in list.items()? {
            let path = path(&item)?;
            if path.is_many() {
                return Err(item.error("`same` takes a property with one value; leave `[]` out"));
            }
            same.push(path);
        }
    }
    if index == 0 {
        for key in ["within", "same", "absent"] {
            if let Some(wrong) = node.get(key).filter(|_| key != "absent" || is_absent) {
                return Err(wrong.error(format!("the first step has no `{key}`; nothing came before it")));
            }
        }
    }
    if is_absent && within.is_none() {
        return Err(node.error("an absent step needs `within`: how long to wait for the event"));
    }
    Ok(Step { events, filters: filters(node)?, within, same, is_absent })
}

fn consent(node: &Node<'_>, of: &Node<'_>) -> Result<ConsentRule, Error> {
    node.only(&["consent", "op", "value"])?;
    of.only(&["channel", "purpose"])?;
    let op = node.require("op")?;
    if op.text()? != "is" {
        return Err(op.error("a consent is compared by `is`"));
    }
    let state = node.require("value")?.one_of(&Consent::ALL)?;
    Ok(ConsentRule {
        channel: of.require("channel")?.name()?,
        purpose: of.require("purpose")?.name()?,
        state,
    })
}

fn related(node: &Node<'_>, of: &Node<'_>) -> Result<RelatedRule, Error> {
    node.only(&["related", "op", "value"])?;
    of.only(&["object", "via", "where"])?;
    of.require("where").map_err(|_| of.error("`where` is missing; write [] for every record"))?;
    Ok(RelatedRule {
        object: of.require("object")?.name()?,
        via: of.require("via")?.name()?,
        filters: filters(of)?,
        comparison: count(node)?,
    })
}

impl<'de> serde::Deserialize<'de> for Rule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}
