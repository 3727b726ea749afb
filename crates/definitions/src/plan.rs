//! What is to be changed, in which order: pure, over what files say and what the workspace defines.

use std::collections::BTreeSet;
use std::path::PathBuf;

use activation::list::LIST_KIND;
use criteria::Rule;
use criteria::cycle::Reference;
use insight::live::document_asks;
use serde_json::Value;

use crate::diff::diff;
use crate::files::{Definition, yaml};
use crate::kinds::{Item, Kind, World, tag};

/// A change.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    /// What the workspace has.
    pub(crate) old: Option<Value>,
    /// What the file says; nothing if it is to go.
    pub(crate) new: Option<Value>,
    pub(crate) path: Option<PathBuf>,
}

/// Everything that is to be changed, in order.
#[derive(Debug, Default)]
pub struct Planned {
    pub(crate) steps: Vec<Step>,
    /// Definitions that are as their files say.
    pub(crate) same: usize,
    /// Definitions no file names, left alone.
    pub(crate) unnamed: usize,
}

/// Whether a body means what the workspace has.
pub(crate) fn is_same(item: &Item, body: &Value, world: &World) -> bool {
    item.kind.normal(&item.id, body, world) == item.kind.normal(&item.id, &item.body, world)
}

/// Compares files with the workspace. What is named comes before what names it; what is to go, the other
/// way round and last.
pub(crate) fn plan(files: &[Definition], world: &World, prunes: bool) -> Planned {
    let mut planned = Planned::default();
    let bodies: Vec<_> = files.iter().map(|file| (file.kind, file.id.as_str(), &file.body)).collect();
    for at in ordered(&bodies) {
        let file = &files[at];
        let known = world.item(file.kind, &file.id);
        if known.is_some_and(|item| !is_news(file.kind, (&file.id, &file.body), &item.body, world)) {
            planned.same += 1;
            continue;
        }
        let (kind, id, path) = (file.kind, file.id.clone(), Some(file.path.clone()));
        let (old, new) = (known.map(|item| item.body.clone()), Some(file.body.clone()));
        planned.steps.push(Step { kind, id, old, new, path });
    }
    let is_unnamed = |item: &&Item| !files.iter().any(|file| file.kind == item.kind && file.id == item.id);
    let (going, staying): (Vec<&Item>, Vec<&Item>) =
        world.items().iter().filter(is_unnamed).partition(|item| prunes && item.kind.is_removable());
    planned.unnamed = staying.len();
    let bodies: Vec<_> = going.iter().map(|item| (item.kind, item.id.as_str(), &item.body)).collect();
    for at in ordered(&bodies).into_iter().rev() {
        let Item { kind, id, body } = going[at].clone();
        planned.steps.push(Step { kind, id, old: Some(body), new: None, path: None });
    }
    planned
}

/// Whether a file says something else than the workspace has.
fn is_news(kind: Kind, (id, new): (&str, &Value), old: &Value, world: &World) -> bool {
    if kind == Kind::Plan {
        // The plan also has what traffic brought and what other people set; only what is named counts.
        let mut named = new["properties"].as_object().into_iter().flatten();
        return named.any(|(property, kind)| old["properties"].get(property) != Some(kind));
    }
    kind.normal(id, new, world) != kind.normal(id, old, world)
}

/// Places in an order in which what a definition names comes before it; else by kind. A ring, which is refused
/// elsewhere, comes last.
fn ordered(bodies: &[(Kind, &str, &Value)]) -> Vec<usize> {
    let named: Vec<BTreeSet<(Kind, String)>> =
        bodies.iter().map(|(kind, id, body)| names(*kind, id, body)).collect();
    let (mut order, mut left): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..bodies.len()).collect());
    left.sort_by_key(|at| (bodies[*at].0, *at));
    while !left.is_empty() {
        let names = |at: usize, other: usize| {
            let (kind, id, _) = bodies[other];
            at != other && named[at].iter().any(|(named, name)| *named == kind && name == id)
        };
        let ready = left.iter().position(|at| !left.iter().any(|other| names(*at, *other)));
        let Some(ready) = ready else {
            order.extend(left);
            break;
        };
        order.push(left.remove(ready));
    }
    order
}

/// The definitions that a definition names.
pub(crate) fn names(kind: Kind, id: &str, body: &Value) -> BTreeSet<(Kind, String)> {
    let named = |reference| match reference {
        Reference::Audience(id) => (Kind::Audience, id),
        Reference::Tag(key) | Reference::Score(key) | Reference::Stage(key) => (Kind::Tag, key),
    };
    match kind {
        Kind::Audience => {
            let references = Rule::parse(&body["rule"].to_string()).map(|rule| rule.references());
            references.unwrap_or_default().into_iter().map(named).collect()
        }
        Kind::Tag => {
            let references = tag(id, body).map(|document| document_asks(&document));
            references.unwrap_or_default().into_iter().map(named).collect()
        }
        Kind::Schedule => {
            let after = body["when"]["after"].as_array().into_iter().flatten();
            let after = after.filter_map(|id| Some((Kind::Schedule, id.as_str()?.to_owned())));
            let input = |kind, name: &str| Some((kind, body["input"][name].as_str()?.to_owned()));
            let of = [input(Kind::Audience, "audience"), input(Kind::Destination, "destination")];
            let of = of.into_iter().flatten().filter(|_| body["kind"] == LIST_KIND);
            after.chain(of).collect()
        }
        Kind::Destination => {
            let follows = body["follows"].as_array().into_iter().flatten();
            let followed = follows.filter(|follow| follow["ledger"] == "audience");
            followed.filter_map(|follow| Some((Kind::Audience, follow["id"].as_str()?.to_owned()))).collect()
        }
        _ => BTreeSet::new(),
    }
}

impl Step {
    /// The lines that would change, for people.
    pub(crate) fn differences(&self, world: &World) -> Vec<String> {
        let (Some(old), Some(new)) = (&self.old, &self.new) else { return Vec::new() };
        let told = |body: &Value| match self.kind {
            // Only what the file names.
            Kind::Plan => yaml(body).unwrap_or_default(),
            kind => yaml(&kind.normal(&self.id, body, world)).unwrap_or_default(),
        };
        diff(&told(old), &told(new))
    }
}

impl Planned {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn summary(&self) -> String {
        let count = |is: fn(&&Step) -> bool| self.steps.iter().filter(is).count();
        let made = count(|step| step.old.is_none());
        let gone = count(|step| step.new.is_none());
        let changed = self.steps.len() - made - gone;
        let unnamed = match self.unnamed {
            0 => String::new(),
            n => format!("; {n} no file names and that stay"),
        };
        format!(
            "{made} to make, {changed} to change, {gone} to remove; {} as they should be{unnamed}",
            self.same
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn file(kind: Kind, id: &str, body: Value) -> Definition {
        Definition { kind, id: id.to_owned(), body, path: PathBuf::from(id), lines: BTreeMap::new() }
    }

    fn audience(rule: Value) -> Value {
        json!({ "name": "n", "rule": rule })
    }

    fn steps(planned: &Planned) -> Vec<(Kind, &str, bool)> {
        planned.steps.iter().map(|step| (step.kind, step.id.as_str(), step.new.is_some())).collect()
    }

    #[test]
    fn what_is_named_is_made_first_and_removed_last() {
        let asks = |id: &str| audience(json!({ "audience": id }));
        let mut files = vec![
            file(Kind::Audience, "a", asks("b")),
            file(Kind::Audience, "b", asks("c")),
            file(Kind::Audience, "c", audience(json!({ "always": true }))),
            file(Kind::Source, "web", json!({})),
        ];
        let order = [
            (Kind::Source, "web", true),
            (Kind::Audience, "c", true),
            (Kind::Audience, "b", true),
            (Kind::Audience, "a", true),
        ];
        assert_eq!(steps(&plan(&files, &World::default(), false)), order);
        let mut world = World::default();
        files.iter().for_each(|file| world.put(file.kind, &file.id, file.body.clone()));
        assert_eq!(steps(&plan(&files, &world, true)), []);
        files.clear();
        assert_eq!(plan(&files, &world, false).unnamed, 4);
        let gone = [(Kind::Audience, "a", false), (Kind::Audience, "b", false), (Kind::Audience, "c", false)];
        assert_eq!(steps(&plan(&files, &world, true)), gone, "a source is never removed");
    }

    #[test]
    fn what_means_the_same_is_no_change() {
        let mut world = World { time_zone: "Asia/Shanghai".to_owned(), ..World::default() };
        let said = json!({ "name": "n", "mode": "scheduled", "rule": { "always": true },
            "schedule": { "cron": "0 3 * * *", "time_zone": "Asia/Shanghai" } });
        world.put(Kind::Audience, "a", said);
        let left_out = json!({ "schedule": { "cron": "0 3 * * *" }, "rule": { "always": true },
            "mode": "scheduled", "name": "n" });
        assert_eq!(plan(&[file(Kind::Audience, "a", left_out.clone())], &world, true).same, 1);
        let mut other = left_out;
        other["schedule"]["cron"] = json!("0 4 * * *");
        let planned = plan(&[file(Kind::Audience, "a", other)], &world, true);
        let lines = planned.steps[0].differences(&world);
        assert_eq!(lines.iter().filter(|line| line.contains("cron")).count(), 2, "{lines:?}");
    }
}
