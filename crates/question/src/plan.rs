//! A question made ready: what it needs, its operators, and what their findings mean together.

use crate::answer::{Answer, Finding};
use crate::form;
use crate::kinds;
use crate::needs::Needs;
use crate::operator::{Operator, Slice};
use crate::partial::Partial;
use crate::people::People;
use crate::spec::{Question, VERSION};
use crate::which::Which;

/// One kind of question, made ready.
pub(crate) trait Kind: Send + Sync {
    /// What has to be read.
    fn needs(&self) -> Needs;

    /// The events of each need, for kinds that choose them by more than a name.
    fn events(&self) -> Vec<&Which> {
        Vec::new()
    }

    /// An operator for some parties.
    fn operator<'p>(&'p self, slice: Slice, people: &'p People) -> Box<dyn Operator + 'p>;

    /// What everything found means.
    fn finish(&self, found: Partial, people: &People) -> Finding;
}

/// What every kind is told of its question.
pub(crate) struct Setting {
    pub(crate) as_of: i64,
    pub(crate) zone: criteria::Zone,
    pub(crate) with_people: bool,
}

/// A question made ready. It has no state: share it among operators.
pub struct Plan {
    question: Question,
    needs: Needs,
    kind: Box<dyn Kind>,
}

impl Plan {
    /// Makes a question ready.
    ///
    /// # Errors
    /// [`kernel::Failure::Invalid`] with what is wrong.
    pub fn new(question: Question) -> kernel::Result<Self> {
        if question.version != VERSION {
            return Err(kernel::Failure::invalid(
                "version",
                format!("this program knows version {VERSION} of questions"),
            ));
        }
        let setting = Setting {
            as_of: question.as_of.micros(),
            zone: form::zone(&question.zone)?,
            with_people: question.people,
        };
        let kind = kinds::kind(&question.ask, setting)?;
        Ok(Self { needs: kind.needs(), question, kind })
    }

    /// The question.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// What has to be read.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// An operator for the parties of a slice.
    pub fn operator<'p>(&'p self, slice: Slice, people: &'p People) -> Box<dyn Operator + 'p> {
        self.kind.operator(slice, people)
    }

    /// The answer from everything that was found.
    pub fn finish(&self, found: Partial, people: &People) -> Answer {
        Answer { as_of: self.question.as_of, finding: self.kind.finish(found, people) }
    }
}
