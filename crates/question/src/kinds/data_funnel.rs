//! A data funnel: how many meet conditions that follow one another. All rules are one program, and of each
//! person there is a mask of those it meets (see `groups`).

use std::collections::BTreeMap;

use kernel::Failure;
use roaring::RoaringBitmap;

use super::groups::{Rules, count, masks};
use crate::answer::{DataFunnel as Found, DataFunnelGroup, DataFunnelStep, Finding};
use crate::cells::{TraitCoder, shown};
use crate::form::By;
use crate::needs::Needs;
use crate::operator::{Operator, Slice};
use crate::partial::Partial;
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::DataFunnel;

/// Steps of a data funnel.
const STEPS: std::ops::RangeInclusive<usize> = 1..=8;

/// A data funnel made ready.
pub(crate) struct Narrowing {
    ask: DataFunnel,
    rules: Rules,
}

impl Narrowing {
    pub(crate) fn new(ask: &DataFunnel, setting: Setting) -> kernel::Result<Self> {
        if !STEPS.contains(&ask.steps.len()) {
            return Err(Failure::invalid("steps", "one to eight conditions"));
        }
        if ask.by.as_ref().is_some_and(|by| by.property().is_some()) {
            return Err(Failure::invalid("by", r#"people are told apart by `{"trait": name}`"#));
        }
        Ok(Self { ask: ask.clone(), rules: Rules::new(ask.steps.iter().map(|step| &step.of.0), setting) })
    }

    fn by(&self) -> Option<&str> {
        self.ask.by.as_ref().and_then(By::trait_name)
    }

    /// Steps from who comes how far: by the number of conditions somebody meets from the first on.
    fn steps(&self, far: &[RoaringBitmap]) -> Vec<DataFunnelStep> {
        let step = |(place, step): (usize, &crate::spec::DataStep)| {
            let people = far[place + 1..].iter().fold(RoaringBitmap::new(), |all, people| all | people);
            let lost = (place > 0).then(|| count(far[place].clone()));
            DataFunnelStep { name: step.name.clone(), people: count(people), lost }
        };
        self.ask.steps.iter().enumerate().map(step).collect()
    }
}

impl Kind for Narrowing {
    fn needs(&self) -> Needs {
        let mut needs = self.rules.needs();
        if let Some(name) = self.by().filter(|name| !needs.traits.iter().any(|known| **known == **name)) {
            needs.traits.push(name.into());
        }
        needs
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        self.rules.operator(people)
    }

    fn finish(&self, found: Partial, people: &People) -> Finding {
        let mut far = vec![RoaringBitmap::new(); self.ask.steps.len() + 1];
        for (mask, who) in masks(found) {
            far[mask.trailing_ones() as usize] |= who;
        }
        let by = self.by().map(|name| {
            let mut coder = TraitCoder::new(Some(name), people);
            let mut groups: BTreeMap<u32, Vec<RoaringBitmap>> = BTreeMap::new();
            for (place, who) in far.iter().enumerate().skip(1) {
                for party in who {
                    let fresh = || vec![RoaringBitmap::new(); far.len()];
                    groups.entry(coder.code(party)).or_insert_with(fresh)[place].insert(party);
                }
            }
            let group = |(code, far): (u32, Vec<RoaringBitmap>)| {
                let value = shown(&coder.coder.parts[code as usize]);
                DataFunnelGroup { value, steps: self.steps(&far) }
            };
            let mut groups: Vec<DataFunnelGroup> = groups.into_iter().map(group).collect();
            groups.sort_by(|a, b| {
                let first = |group: &DataFunnelGroup| group.steps[0].people.count();
                first(b).cmp(&first(a)).then_with(|| a.value.cmp(&b.value))
            });
            groups
        });
        Finding::DataFunnel(Box::new(Found { steps: self.steps(&far), by }))
    }
}
