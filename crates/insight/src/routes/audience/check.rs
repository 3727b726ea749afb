//! Whether a rule makes sense in a workspace: its form, the types of what it compares, the audiences it
//! asks for. What the workspace has never seen is no error, because it may come tomorrow.

use std::cell::{Cell, RefCell};

use criteria::path::Path;
use criteria::value::Type;
use criteria::{Rule, Schema};
use db::Tx;
use intake::store::plan::{PropertyKind, plan_fetch};
use kernel::{Failure, Scope};
use serde_json::value::RawValue;

use crate::live::no_circle;
use crate::store::audience::Audience;

/// The event under which the tracking plan keeps traits.
const PROFILE: &str = "$profile";

/// Reads a rule of a request.
pub(super) fn read(raw: &RawValue) -> kernel::Result<Rule> {
    let rule = Rule::parse(raw.get())?;
    // Numbers travel as other JSON does from here on; what that would round is not what was meant.
    let carried = serde_json::from_str::<serde_json::Value>(&rule.to_json()).map_err(Failure::internal)?;
    if Rule::parse(&carried.to_string()).as_ref() != Ok(&rule) {
        return Err(Failure::invalid("rule", "a number has more digits than can be kept, about 16"));
    }
    Ok(rule)
}

/// Refuses a rule that the workspace knows to be wrong. `own` is the audience it is to define; `audiences`
/// are all there are.
pub(super) fn check(
    scope: &Scope,
    tx: &mut Tx<'_>,
    rule: &Rule,
    own: Option<&str>,
    audiences: &[Audience],
) -> kernel::Result<()> {
    let known = Known {
        scope,
        tx: RefCell::new(tx),
        audiences,
        text: Cell::new(Type::Text),
        failure: RefCell::default(),
    };
    let as_text = rule.check(&known);
    // A text may be an instant: only what is wrong for both is wrong.
    known.text.set(Type::Instant);
    let as_instant = if as_text.is_empty() { Vec::new() } else { rule.check(&known) };
    if let Some(failure) = known.failure.into_inner() {
        return Err(failure);
    }
    let is_wrong = |error: &criteria::Error| as_instant.iter().any(|other| other.pointer == error.pointer);
    match as_text.into_iter().find(is_wrong) {
        Some(error) => Err(error.into()),
        None => own.map_or(Ok(()), |own| no_circle(rule, own, audiences)),
    }
}

/// What the workspace knows, looked up when it is asked for.
struct Known<'a, 't> {
    scope: &'a Scope,
    tx: RefCell<&'a mut Tx<'t>>,
    audiences: &'a [Audience],
    /// What a text is taken for.
    text: Cell<Type>,
    failure: RefCell<Option<Failure>>,
}

impl Known<'_, '_> {
    fn planned(&self, event: &str, property: &str) -> Option<Type> {
        match plan_fetch(self.scope, &mut self.tx.borrow_mut(), event, property) {
            Ok(planned) => match planned.kind {
                PropertyKind::Text => Some(self.text.get()),
                PropertyKind::Number => Some(Type::Number),
                PropertyKind::Boolean => Some(Type::Boolean),
                // A list may be of anything, and an object may be a place.
                PropertyKind::List | PropertyKind::Object | PropertyKind::Any => None,
            },
            Err(Failure::NotFound { .. }) => None,
            Err(failure) => {
                self.failure.replace(Some(failure));
                None
            }
        }
    }
}

impl Schema for Known<'_, '_> {
    fn trait_type(&self, name: &str) -> Option<Type> {
        self.planned(PROFILE, name)
    }

    fn property_type(&self, event: &str, path: &Path) -> Option<Type> {
        // The plan knows properties, not what is inside them.
        let name = path.to_string();
        if name.contains(['.', '[']) { None } else { self.planned(event, &name) }
    }

    fn has_audience(&self, id: &str) -> bool {
        self.audiences.iter().any(|audience| audience.id == id && !audience.is_archived)
    }
}
