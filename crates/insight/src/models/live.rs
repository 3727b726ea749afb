//! Models as tags, scores and stages that are live.

use criteria::value::{Type, Value};
use criteria::{Point, Rule};
use kernel::Instant;
use models::lookalike::{Answer, LOOKALIKE, Look};
use models::read::Read;
use models::{Lookalike, Ready, Said};
use scoring::Constants;
use scoring::lookalike::Fit;
use serde_json::Value as Json;

use crate::live::{Prepared, Sight, Worked};

/// A built-in model with the constants it applies.
#[derive(Debug)]
struct Applied {
    ready: Ready,
    constants: Option<Constants>,
}

/// A look-alike with what was learned.
#[derive(Debug)]
struct Alike {
    read: Lookalike,
    answer: Answer,
    fit: Option<Fit>,
}

/// The model of a name with settings and constants, for values of a type; `None` if there is no such model.
/// Constants of another shape count as none.
pub(crate) fn prepare(
    model: &str,
    config: &Json,
    constants: Option<&Json>,
    value_type: Type,
) -> Option<kernel::Result<Box<dyn Prepared>>> {
    if model == LOOKALIKE {
        let fit = constants.and_then(|json| serde_json::from_value(json.clone()).ok());
        let alike = Lookalike::read(config).and_then(|read| {
            let answer = Answer::of(value_type)?;
            Ok(Box::new(Alike { read, answer, fit }) as Box<dyn Prepared>)
        });
        return Some(alike);
    }
    let constants = constants.and_then(|json| serde_json::from_value(json.clone()).ok());
    let ready = Ready::of(model, config)?;
    Some(ready.map(|ready| Box::new(Applied { ready, constants }) as Box<dyn Prepared>))
}

impl Prepared for Applied {
    fn inputs(&self) -> &[Rule] {
        &self.ready.plan.rules
    }

    fn apply(&self, sight: &mut Sight<'_, '_, '_>) -> Worked {
        let (at, zone) = ((sight.party, sight.as_of), sight.zone);
        worked(self.ready.say(sight, self.constants.as_ref(), at, zone))
    }
}

impl Prepared for Alike {
    fn inputs(&self) -> &[Rule] {
        self.read.rules()
    }

    fn apply(&self, sight: &mut Sight<'_, '_, '_>) -> Worked {
        let (party, at) = (sight.party, (sight.as_of, sight.zone));
        worked(self.read.say(sight, (self.fit.as_ref(), self.answer), party, at))
    }
}

fn worked(said: Said) -> Worked {
    Worked { value: said.value, reasons: said.reasons, changes_at: said.changes_at }
}

impl Read for Sight<'_, '_, '_> {
    fn value(&mut self, input: usize) -> Option<Value> {
        self.measured(input).value
    }

    fn series(&mut self, input: usize) -> Vec<Point> {
        self.events(input)
    }

    fn first_seen(&self) -> Option<Instant> {
        Some(self.first_seen)
    }
}

impl Look for Sight<'_, '_, '_> {
    fn holds(&mut self, input: usize) -> (bool, Option<Instant>) {
        let outcome = self.outcome(input);
        (outcome.holds, outcome.changes_at)
    }

    fn changes_at(&mut self, input: usize) -> Option<Instant> {
        self.measured(input).changes_at
    }
}
