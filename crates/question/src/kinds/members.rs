//! For whom a rule holds: through the evaluator that the stream asks, one party after another.

use criteria::{Evaluator, Facts, Party, Program, Rule, Timeline};
use kernel::{Instant, PartyNo};
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding};
use crate::memory::Nothing;
use crate::needs::Needs;
use crate::operator::{Operator, Slice};
use crate::partial::Partial;
use crate::people::{People, View};
use crate::plan::{Kind, Setting};

/// A rule made ready.
pub(crate) struct Members {
    program: Program,
    as_of: Instant,
}

impl Members {
    pub(crate) fn new(rule: &Rule, setting: Setting) -> Self {
        Self { program: Program::compile([(0, rule.clone())], setting.zone), as_of: Instant(setting.as_of) }
    }
}

impl Kind for Members {
    fn needs(&self) -> Needs {
        let needs = Needs::of(&self.program, self.as_of);
        // Of somebody without events and without anything else to look at, the rule says the same as of all such.
        let nobody = Party { timeline: &Nothing, subject: &Facts::default() };
        let is_everybody = !needs.traits.is_empty()
            || !needs.audiences.is_empty()
            || Evaluator::new(&self.program).at(nobody, self.as_of).holds(0);
        Needs { is_everybody, ..needs }
    }

    fn operator<'p>(&'p self, _: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        let (evaluator, view) = (Evaluator::new(&self.program), View::new(&self.program, people));
        Box::new(Holds { evaluator, view, as_of: self.as_of, members: RoaringBitmap::new() })
    }

    fn finish(&self, mut found: Partial, _: &People) -> Finding {
        let people = found.groups.remove(&[][..]).and_then(|group| group.people).unwrap_or_default();
        Finding::Members(Count::with(i128::from(people.len()), Some(people)))
    }
}

struct Holds<'p> {
    evaluator: Evaluator<'p>,
    view: View<'p>,
    as_of: Instant,
    members: RoaringBitmap,
}

impl Operator for Holds<'_> {
    fn party(&mut self, party: PartyNo, timeline: &dyn Timeline) {
        self.view.at(party);
        if self.evaluator.at(Party { timeline, subject: &self.view }, self.as_of).holds(0) {
            self.members.insert(party.0);
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        partial.group(&[]).people = Some(self.members);
        partial
    }
}
