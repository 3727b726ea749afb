//! Puts a question to the lake with what the store knows of people.

use std::collections::BTreeMap;
use std::sync::Arc;

use criteria::cycle::Reference;
use identity::reading::Reader;
use insight::live::{GoOn, Lakes, Sets};
use insight::routes::weights;
use insight::store::audience::audience_all;
use kernel::{Failure, Scope};
use question::{Answer, People, Plan, Question};

/// Whoever can ask.
#[derive(Clone)]
pub struct Asker {
    reader: Reader,
    lakes: Arc<dyn Lakes>,
    sets: Sets,
}

impl Asker {
    /// Asks the lakes of an installation.
    pub fn new(reader: Reader, lakes: Arc<dyn Lakes>) -> Self {
        Self { reader, lakes, sets: Sets::default() }
    }

    /// Reads of the store.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The answer to a question. `go_on` is called now and then and ends the work with its failure.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a question that makes no sense, [`Failure::Unavailable`] where there is no lake,
    /// or as `go_on`, the store or the lake says.
    pub async fn ask(&self, scope: &Scope, question: Question, go_on: &GoOn) -> kernel::Result<Answer> {
        refuse_tags(&question)?;
        let plan = Arc::new(Plan::new(question)?);
        let people = self.audiences(scope, &plan).await?;
        let weights = Arc::new(weights(self.reader.installation(), scope));
        let asked = (&plan, people);
        let found = insight::live::ask(&self.reader, &*self.lakes, scope, asked, (&weights, go_on)).await?;
        let none = || Failure::unavailable("the lake of this workspace is not open here, or is behind");
        let (found, people) = found.ok_or_else(none)?;
        Ok(plan.finish(found, &people))
    }

    /// The members of the audiences that a question names.
    async fn audiences(&self, scope: &Scope, plan: &Arc<Plan>) -> kernel::Result<People> {
        if plan.needs().audiences.is_empty() {
            return Ok(People::default());
        }
        let (reader, own, plan, sets) =
            (self.reader.clone(), scope.clone(), Arc::clone(plan), self.sets.clone());
        let read = move || {
            reader.read_now(&own, |identity, tx| {
                let all = audience_all(identity.scope, tx)?;
                let mut audiences = BTreeMap::new();
                for id in &plan.needs().audiences {
                    let found = all.iter().find(|audience| *audience.id == **id && !audience.is_archived);
                    let audience = found
                        .ok_or_else(|| Failure::invalid("ask", format!("there is no audience `{id}`")))?;
                    audiences.insert(id.clone(), sets.members(identity.scope, tx, audience)?);
                }
                Ok(People { audiences, ..People::default() })
            })
        };
        tokio::task::spawn_blocking(read).await.map_err(Failure::internal)?
    }
}

/// The lake knows no tags, scores and stages, so a rule that names some would hold for nobody there.
fn refuse_tags(question: &Question) -> kernel::Result<()> {
    let is_tag = |reference: &Reference| !matches!(reference, Reference::Audience(_));
    match question.rules().iter().any(|rule| rule.references().iter().any(is_tag)) {
        true => Err(Failure::invalid(
            "ask",
            "a rule that names tags, scores or stages is asked by `POST /api/v1/audiences/preview`; here its \
             audience can be named",
        )),
        false => Ok(()),
    }
}
