//! Models as tags, scores and stages that are live.

use criteria::value::Value;
use criteria::{Point, Rule};
use models::Ready;
use models::read::Read;
use scoring::Constants;
use serde_json::Value as Json;

use crate::live::{Prepared, Sight, Worked};

/// A model with the constants it applies.
#[derive(Debug)]
struct Applied {
    ready: Ready,
    constants: Option<Constants>,
}

/// The model of a name with settings and constants; `None` if there is no such model. Constants of another
/// shape count as none.
pub(crate) fn prepare(
    model: &str,
    config: &Json,
    constants: Option<&Json>,
) -> Option<kernel::Result<Box<dyn Prepared>>> {
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
        let said = self.ready.say(sight, self.constants.as_ref(), at, zone);
        Worked { value: said.value, reasons: said.reasons, changes_at: said.changes_at }
    }
}

impl Read for Sight<'_, '_, '_> {
    fn value(&mut self, input: usize) -> Option<Value> {
        self.measured(input).value
    }

    fn series(&mut self, input: usize) -> Vec<Point> {
        self.events(input)
    }

    fn first_seen(&self) -> Option<kernel::Instant> {
        Some(self.first_seen)
    }
}
