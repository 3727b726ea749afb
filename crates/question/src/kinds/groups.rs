//! Groups by rules: how many are in several at once, and how a group is divided beside another.
//!
//! All rules of a question are one program, so that what they share is looked at once for each party.

use criteria::{Evaluator, Facts, Party, Program, Rule, Timeline};
use kernel::{Failure, Instant, PartyNo};
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding, OverlapPart, ProfileTrait, ProfileValue};
use crate::cells::{part, shown};
use crate::memory::Nothing;
use crate::needs::Needs;
use crate::operator::{Operator, Slice};
use crate::partial::{Part, Partial};
use crate::people::{People, View};
use crate::plan::{Kind, Setting};
use crate::spec::{Overlap, Profile};

/// Groups of an overlap.
const GROUPS: std::ops::RangeInclusive<usize> = 2..=8;
/// Traits of a profile.
const TRAITS_MAX: usize = 32;
/// Standard errors beyond which a difference is not chance, one time of twenty.
const SIGNIFICANT: f64 = 1.96;

/// Rules asked together; of each party a mask of those that hold.
pub(super) struct Rules {
    program: Program,
    as_of: Instant,
}

impl Rules {
    pub(super) fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, setting: Setting) -> Self {
        let rules = (0..).zip(rules.into_iter().cloned());
        Self { program: Program::compile(rules, setting.zone), as_of: Instant(setting.as_of) }
    }

    pub(super) fn needs(&self) -> Needs {
        let needs = Needs::of(&self.program, self.as_of);
        let nobody = Party { timeline: &Nothing, subject: &Facts::default() };
        let mut evaluator = Evaluator::new(&self.program);
        let mut evaluation = evaluator.at(nobody, self.as_of);
        let is_everybody = !needs.traits.is_empty()
            || !needs.audiences.is_empty()
            || (0..self.program.len()).any(|rule| evaluation.holds(rule));
        Needs { is_everybody, ..needs }
    }

    pub(super) fn operator<'p>(&'p self, people: &'p People) -> Box<dyn Operator + 'p> {
        let (evaluator, view) = (Evaluator::new(&self.program), View::new(&self.program, people));
        Box::new(Masks {
            evaluator,
            view,
            as_of: self.as_of,
            parts: vec![RoaringBitmap::new(); 1 << self.program.len()],
        })
    }
}

struct Masks<'p> {
    evaluator: Evaluator<'p>,
    view: View<'p>,
    as_of: Instant,
    /// By mask, who has it.
    parts: Vec<RoaringBitmap>,
}

impl Operator for Masks<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        self.view.at(party);
        let rules = self.evaluator.program().len();
        let mut evaluation = self.evaluator.at(Party { timeline, subject: &self.view }, self.as_of);
        let mask =
            (0..rules).filter(|rule| evaluation.holds(*rule)).map(|rule| 1usize << rule).sum::<usize>();
        if mask > 0 {
            self.parts[mask].insert(party.0);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        for (mask, people) in self.parts.into_iter().enumerate().filter(|(_, people)| !people.is_empty()) {
            partial.group(&[Part::Number(mask as i64)]).people = Some(people);
        }
        partial
    }
}

/// Who has each mask.
pub(super) fn masks(found: Partial) -> Vec<(usize, RoaringBitmap)> {
    let groups = found.groups.into_iter().filter_map(|(name, group)| match (&*name, group.people) {
        ([Part::Number(mask)], Some(people)) => Some((*mask as usize, people)),
        _ => None,
    });
    groups.collect()
}

pub(super) fn count(people: RoaringBitmap) -> Count {
    Count::with(i128::from(people.len()), Some(people))
}

/// An overlap made ready.
pub(crate) struct Several(Rules);

impl Several {
    pub(crate) fn new(ask: &Overlap, setting: Setting) -> kernel::Result<Self> {
        if !GROUPS.contains(&ask.of.len()) {
            return Err(Failure::invalid("of", "two to eight rules"));
        }
        Ok(Self(Rules::new(ask.of.iter().map(|who| &who.0), setting)))
    }
}

impl Kind for Several {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        self.0.operator(people)
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let masks = masks(found);
        let rules = self.0.program.len();
        let size = |rule: usize| {
            let own = masks.iter().filter(|(mask, _)| mask >> rule & 1 == 1);
            count(own.fold(RoaringBitmap::new(), |all, (_, people)| all | people))
        };
        let sizes = (0..rules).map(size).collect();
        let parts = masks.iter().map(|(mask, people)| OverlapPart {
            of: (0..rules).filter(|rule| mask >> rule & 1 == 1).collect(),
            people: count(people.clone()),
        });
        Finding::Overlap { sizes, parts: parts.collect() }
    }
}

/// A profile made ready. The group is the first rule, the base the second.
pub(crate) struct Portrait {
    rules: Rules,
    traits: Vec<Box<str>>,
}

impl Portrait {
    pub(crate) fn new(ask: &Profile, setting: Setting) -> kernel::Result<Self> {
        if ask.traits.len() > TRAITS_MAX {
            return Err(Failure::LimitExceeded { limit: "traits of a profile", max: TRAITS_MAX as u64 });
        }
        let everybody = Rule::Always(true);
        let base = ask.base.as_ref().map_or(&everybody, |base| &base.0);
        let traits = ask.traits.iter().map(|name| name.as_str().into()).collect();
        Ok(Self { rules: Rules::new([&ask.of.0, base], setting), traits })
    }

    fn portray(
        &self,
        name: &str,
        people: &People,
        group: &RoaringBitmap,
        base: &RoaringBitmap,
    ) -> ProfileTrait {
        let column = people.traits.get(name);
        let code = |party: u32| column.map_or(0, |column| column.code(party));
        let mut parts = vec![(RoaringBitmap::new(), RoaringBitmap::new()); column.map_or(0, |c| c.len()) + 1];
        for party in base {
            parts[code(party) as usize].1.insert(party);
        }
        for party in group {
            parts[code(party) as usize].0.insert(party);
        }
        let (rest, total) = (base.len().saturating_sub(base.intersection_len(group)), group.len());
        let value = |(code, (own, of_base)): (usize, (RoaringBitmap, RoaringBitmap))| {
            let share = own.len() as f64 / total as f64;
            let base_share = of_base.len() as f64 / base.len() as f64;
            let z = z(own.len(), total, of_base.len() - of_base.intersection_len(&own), rest);
            ProfileValue {
                value: shown(&part(column.and_then(|column| column.at(code as u32)))),
                share,
                index: (base_share > 0.0).then(|| share / base_share * 100.0),
                z,
                is_significant: z.is_some_and(|z| z.abs() > SIGNIFICANT),
                group: count(own),
                base: count(of_base),
            }
        };
        let filled =
            parts.into_iter().enumerate().filter(|(_, (own, base))| !own.is_empty() || !base.is_empty());
        let mut values: Vec<ProfileValue> = filled.map(value).collect();
        values.sort_by(|a, b| b.group.count().cmp(&a.group.count()).then_with(|| a.value.cmp(&b.value)));
        ProfileTrait { name: name.to_owned(), values }
    }
}

/// How far two shares lie apart, in standard errors of the pooled share.
fn z(own: u64, group: u64, others: u64, rest: u64) -> Option<f64> {
    if group == 0 || rest == 0 {
        return None;
    }
    let (own, group, others, rest) = (own as f64, group as f64, others as f64, rest as f64);
    let pooled = (own + others) / (group + rest);
    let error = (pooled * (1.0 - pooled) * (1.0 / group + 1.0 / rest)).sqrt();
    (error > 0.0).then(|| (own / group - others / rest) / error)
}

impl Kind for Portrait {
    fn needs(&self) -> Needs {
        let mut needs = self.rules.needs();
        for name in &self.traits {
            if !needs.traits.contains(name) {
                needs.traits.push(name.clone());
            }
        }
        needs
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        self.rules.operator(people)
    }

    fn finish(&self, found: Partial, people: &People) -> Finding {
        let (mut group, mut base) = (RoaringBitmap::new(), RoaringBitmap::new());
        for (mask, who) in masks(found) {
            if mask & 1 == 1 {
                group |= &who;
            }
            if mask & 2 == 2 {
                base |= who;
            }
        }
        let traits = self.traits.iter().map(|name| self.portray(name, people, &group, &base)).collect();
        Finding::Profile { group: count(group), base: count(base), traits }
    }
}
