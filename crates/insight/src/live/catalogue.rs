//! Everything a workspace has defined that rules can ask for, and what of it asks for what.
//!
//! A ring of definitions would never be settled, and none may ask for one that is not there. Routes check it
//! for people, the pipeline again for those who defined at the same time.

use std::collections::BTreeMap;

use criteria::Rule;
use criteria::cycle::{Reference, cycle};
use db::Tx;
use kernel::{Failure, Scope};

use super::tagged::rules_of;
use crate::rules::tag::{Document, Role};
use crate::store::audience::{Audience, audience_all};
use crate::store::constant::{Constants, constant_current};
use crate::store::tag::{Tag, tag_all};

/// What a workspace has defined.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Audiences, in the order they were made.
    pub audiences: Vec<Audience>,
    /// Tags, scores and stages, in the order they were made.
    pub tags: Vec<Tag>,
    /// What is known of everybody together, by name.
    pub constants: BTreeMap<String, Constants>,
}

impl Catalogue {
    /// Reads it.
    ///
    /// # Errors
    /// As the database says.
    pub fn read(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Self> {
        let (audiences, tags) = (audience_all(scope, tx)?, tag_all(scope, tx)?);
        let constants = if tags.is_empty() { BTreeMap::new() } else { constant_current(scope, tx)? };
        Ok(Self { audiences, tags, constants })
    }

    /// Audiences that are not put away.
    pub fn audiences(&self) -> impl Iterator<Item = &Audience> {
        self.audiences.iter().filter(|audience| !audience.is_archived)
    }

    /// Tags that are not put away.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|tag| !tag.is_retired)
    }

    /// The tag of a key and a role.
    pub fn tag(&self, role: Role, key: &str) -> Option<&Tag> {
        self.tags().find(|tag| tag.key == key && tag.role == role.name())
    }

    /// Whether there is what a reference names.
    pub fn has(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Audience(id) => self.audiences().any(|audience| audience.id == *id),
            Reference::Tag(key) => self.tag(Role::Tag, key).is_some(),
            Reference::Score(key) => self.tag(Role::Score, key).is_some(),
            Reference::Stage(key) => self.tag(Role::Stage, key).is_some(),
        }
    }

    /// What asks for a definition, for people: `audience Name (id)`, `tag key`.
    pub fn users(&self, of: &Reference) -> Vec<String> {
        let audiences = self.audiences().filter(|audience| audience_asks(audience).contains(of));
        let tags = self.tags().filter(|tag| tag_asks(tag).contains(of));
        audiences
            .map(|audience| format!("audience {} ({})", audience.name, audience.id))
            .chain(tags.map(|tag| reference_to(tag).to_string()))
            .collect()
    }

    /// Refuses a definition that would close a ring.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with the ring.
    pub fn no_circle(&self, field: &str, own: Reference, asks: Vec<Reference>) -> kernel::Result<()> {
        let audiences = self.audiences().map(|a| (Reference::Audience(a.id.clone()), audience_asks(a)));
        let tags = self.tags().map(|tag| (reference_to(tag), tag_asks(tag)));
        let mut definitions: BTreeMap<Reference, Vec<Reference>> = audiences.chain(tags).collect();
        definitions.insert(own, asks);
        let Some(circle) = cycle(&definitions) else { return Ok(()) };
        let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
        let message = format!("definitions would ask for one another: {}", names.join(" → "));
        Err(Failure::invalid(field, message))
    }

    /// Refuses to ask for what is not there.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with what is missing.
    pub fn all_there(&self, field: &str, asks: &[Reference]) -> kernel::Result<()> {
        match asks.iter().find(|reference| !self.has(reference)) {
            None => Ok(()),
            Some(Reference::Audience(id)) => {
                Err(Failure::invalid(field, format!("there is no audience `{id}`")))
            }
            Some(Reference::Tag(key)) => Err(Failure::invalid(field, format!("there is no tag `{key}`"))),
            Some(Reference::Score(key)) => Err(Failure::invalid(field, format!("there is no score `{key}`"))),
            Some(Reference::Stage(key)) => {
                Err(Failure::invalid(field, format!("there is no state machine `{key}`")))
            }
        }
    }
}

/// How rules name a tag.
pub fn reference_to(tag: &Tag) -> Reference {
    let key = tag.key.clone();
    match tag.role.as_str() {
        "score" => Reference::Score(key),
        "stage" => Reference::Stage(key),
        _ => Reference::Tag(key),
    }
}

fn audience_asks(audience: &Audience) -> Vec<Reference> {
    Rule::parse(&audience.rule).map(|rule| rule.references()).unwrap_or_default()
}

fn tag_asks(tag: &Tag) -> Vec<Reference> {
    Document::parse(&tag.body).map(|document| document_asks(&document)).unwrap_or_default()
}

/// What a definition of a tag asks for, each once; nothing if it cannot be read.
pub fn document_asks(document: &Document) -> Vec<Reference> {
    let rules = rules_of(document).unwrap_or_default();
    let mut asks: Vec<Reference> = rules.iter().flat_map(Rule::references).collect();
    asks.sort_unstable();
    asks.dedup();
    asks
}
