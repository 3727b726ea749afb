//! What a tag is made of, and what is made of it.

use axum::Json;
use axum::extract::State;
use criteria::Rule;
use criteria::rule::Events;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Caller, ProblemDocument};
use workspace::routes::request::Path;

use super::{Tags, stored};
use crate::live::{Catalogue, document_asks, reference_to, rules_of};
use crate::rules::tag::{Document, How};

/// What a tag is made of, and what is made of it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct TagLineage {
    /// Events it looks at; `*` is any.
    events: Vec<String>,
    /// Traits it looks at.
    traits: Vec<String>,
    /// Audiences, tags, scores and stages it asks for.
    asks: Vec<String>,
    /// The constants it applies, with their version; 0 before the first.
    constants: Option<String>,
    /// Audiences, tags, scores and stages that ask for it.
    asked_by: Vec<String>,
}

/// What a tag is made of, and what is made of it
#[utoipa::path(get, path = "/api/v1/tags/{key}/lineage", tag = "tags", operation_id = "tag_lineage",
    params(("key" = String, Path, description = "The tag")),
    responses((status = 200, body = TagLineage),
        (status = "default", body = ProblemDocument, content_type = "application/problem+json")),
    security(("token" = [])))]
pub(super) async fn tag_lineage(
    State(state): State<Tags>,
    Caller(scope): Caller,
    Path(key): Path<String>,
) -> Answer<TagLineage> {
    let lineage = state.reader.read(&scope, move |identity, tx| {
        let tag = stored(identity.scope, tx, &key)?;
        let catalogue = Catalogue::read(identity.scope, tx)?;
        let document = Document::parse(&tag.body)?;
        let mut lineage = TagLineage {
            asks: document_asks(&document).iter().map(ToString::to_string).collect(),
            asked_by: catalogue.users(&reference_to(&tag)),
            ..TagLineage::default()
        };
        if let How::Model { constants, .. } = document.how()? {
            let version = catalogue.constants.get(&constants).map_or(0, |known| known.version);
            lineage.constants = Some(format!("{constants} {version}"));
        }
        for rule in rules_of(&document)? {
            rule.each_leaf(&mut |leaf| lineage.add(leaf));
        }
        for list in [&mut lineage.events, &mut lineage.traits] {
            list.sort_unstable();
            list.dedup();
        }
        Ok(lineage)
    });
    Ok(Json(lineage.await?))
}

impl TagLineage {
    fn add(&mut self, leaf: &Rule) {
        match leaf {
            Rule::Trait(named) => self.traits.push(named.name.clone()),
            Rule::Event(rule) => match &rule.events {
                Events::Every => self.events.push("*".to_owned()),
                Events::Named(names) => self.events.extend(names.iter().cloned()),
            },
            Rule::Sequence(rule) => {
                self.events.extend(rule.steps.iter().flat_map(|step| step.events.iter().cloned()));
            }
            _ => {}
        }
    }
}
