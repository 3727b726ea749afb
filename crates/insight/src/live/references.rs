//! What audiences ask of one another: a ring of them would never be settled, and none may ask for one that is
//! not there. Routes check it for people, the pipeline again for those who defined at the same time.

use std::collections::BTreeMap;

use criteria::Rule;
use criteria::cycle::{Reference, cycle};
use kernel::Failure;

use crate::store::audience::Audience;

/// Refuses a rule for the audience `own` that would close a ring. `audiences` are all there are.
///
/// # Errors
/// [`Failure::Invalid`] with the ring.
pub fn no_circle(rule: &Rule, own: &str, audiences: &[Audience]) -> kernel::Result<()> {
    let reference = |id: &str| Reference::Audience(id.to_owned());
    let mut definitions: BTreeMap<Reference, Vec<Reference>> = BTreeMap::new();
    for audience in audiences.iter().filter(|audience| !audience.is_archived) {
        if let Ok(rule) = Rule::parse(&audience.rule) {
            definitions.insert(reference(&audience.id), rule.references());
        }
    }
    definitions.insert(reference(own), rule.references());
    let Some(circle) = cycle(&definitions) else { return Ok(()) };
    let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
    Err(Failure::invalid("rule", format!("audiences would ask for one another: {}", names.join(" → "))))
}

/// Refuses a rule that asks for an audience that is not there.
///
/// # Errors
/// [`Failure::Invalid`] with the audience.
pub fn all_there(rule: &Rule, audiences: &[Audience]) -> kernel::Result<()> {
    for reference in rule.references() {
        if let Reference::Audience(id) = reference
            && !audiences.iter().any(|audience| audience.id == id && !audience.is_archived)
        {
            return Err(Failure::invalid("rule", format!("there is no audience `{id}`")));
        }
    }
    Ok(())
}

/// The audiences whose rules ask for one, by name and id.
pub fn users(id: &str, audiences: &[Audience]) -> Vec<String> {
    let asks = |audience: &&Audience| {
        let rule = Rule::parse(&audience.rule).ok().filter(|_| !audience.is_archived);
        rule.is_some_and(|rule| rule.references().contains(&Reference::Audience(id.to_owned())))
    };
    audiences.iter().filter(asks).map(|user| format!("{} ({})", user.name, user.id)).collect()
}
