//! Keeps the terms a person is found by: names, phones and e-mail addresses they were ever given.

use std::collections::BTreeSet;

use db::Tx;
use intake::batch::{Batch, Stage};
use intake::rules::record::Op;
use kernel::NodeNo;

use crate::rules::search::terms;
use crate::store::search_term;

/// Terms remembered as written; then all are forgotten.
const WRITTEN_MAX: usize = 500_000;

/// Writes each term of a node once.
#[derive(Default)]
pub struct IndexSearch {
    written: std::collections::HashSet<(u64, NodeNo)>,
}

impl Stage for IndexSearch {
    fn name(&self) -> &'static str {
        "index_search"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let mut found = BTreeSet::new();
        for event in batch.events.iter() {
            let (Some(record), Some(subject)) = (event.live(), event.subject) else { continue };
            let mut add = |field: &str, value: &str| {
                if self.is_new(field, value, subject.node) {
                    found.extend(terms(field, value).into_iter().map(|term| (term, subject.node)));
                }
            };
            for identifier in &record.identifiers {
                add(&identifier.kind, &identifier.value);
            }
            for change in record.traits.iter().filter(|c| matches!(c.op, Op::Set | Op::SetOnce)) {
                if let Ok(text) = serde_json::from_str::<String>(change.value) {
                    add(&change.field, &text);
                }
            }
        }
        let found: Vec<(String, NodeNo)> = found.into_iter().collect();
        Ok(search_term::term_put(&batch.context.scope, tx, &found)?)
    }

    fn rolled_back(&mut self) {
        self.written.clear();
    }
}

impl IndexSearch {
    fn is_new(&mut self, field: &str, value: &str, node: NodeNo) -> bool {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::hash::DefaultHasher::new();
        (field, value).hash(&mut hasher);
        if self.written.len() >= WRITTEN_MAX {
            self.written.clear();
        }
        self.written.insert((hasher.finish(), node))
    }
}
