//! Whether a rule makes sense in a workspace: its form, the types of what it compares, the audiences and
//! tags it asks for. What the workspace has never seen is no error, because it may come tomorrow.

use std::cell::{Cell, RefCell};

use criteria::cycle::Reference;
use criteria::path::Path;
use criteria::value::Type;
use criteria::{Rule, Schema};
use db::Tx;
use intake::store::plan::{PropertyKind, plan_fetch};
use kernel::{Failure, Scope};
use serde_json::value::RawValue;

use crate::live::Catalogue;
use crate::rules::tag::{Document, Role};

/// The event under which the tracking plan keeps traits.
const PROFILE: &str = "$profile";

/// Reads a rule of a request.
pub(in crate::routes) fn read(raw: &RawValue) -> kernel::Result<Rule> {
    let rule = Rule::parse(raw.get())?;
    // Numbers travel as other JSON does from here on; what that would round is not what was meant.
    let carried = serde_json::from_str::<serde_json::Value>(&rule.to_json()).map_err(Failure::internal)?;
    if Rule::parse(&carried.to_string()).as_ref() != Ok(&rule) {
        return Err(Failure::invalid("rule", "a number has more digits than can be kept, about 16"));
    }
    Ok(rule)
}

/// Refuses a rule that the workspace knows to be wrong. `own` is the audience it is to define; `catalogue` is
/// all there is.
pub(in crate::routes) fn check(
    scope: &Scope,
    tx: &mut Tx<'_>,
    rule: &Rule,
    own: Option<&str>,
    catalogue: &Catalogue,
) -> kernel::Result<()> {
    let known = Known {
        scope,
        tx: RefCell::new(tx),
        catalogue,
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
        None => own.map_or(Ok(()), |own| {
            catalogue.no_circle("rule", Reference::Audience(own.to_owned()), rule.references())
        }),
    }
}

/// What the workspace knows, looked up when it is asked for.
struct Known<'a, 't> {
    scope: &'a Scope,
    tx: RefCell<&'a mut Tx<'t>>,
    catalogue: &'a Catalogue,
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
        self.catalogue.has(&Reference::Audience(id.to_owned()))
    }

    fn tag_type(&self, key: &str) -> Option<Type> {
        let tag = self.catalogue.tag(Role::Tag, key)?;
        let of = Document::parse(&tag.body).ok()?.value_type.criteria();
        // A text may be an instant here too, and an instant is kept as a text.
        Some(if of == Type::Text || of == Type::Instant { self.text.get() } else { of })
    }

    fn has_tag(&self, key: &str) -> bool {
        self.catalogue.tag(Role::Tag, key).is_some()
    }

    fn has_score(&self, key: &str) -> bool {
        self.catalogue.tag(Role::Score, key).is_some()
    }

    fn has_machine(&self, machine: &str) -> bool {
        self.catalogue.tag(Role::Stage, machine).is_some()
    }
}
