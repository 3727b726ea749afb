//! The rows of a list, page by page: who was in, whether it may be told, and what.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use db::Tx;
use identity::resolve::Identity;
use insight::profile::Weights;
use jobs::Run;
use kernel::{Key, PartyNo, Scope};
use serde_json::{Map, Value};

use super::{Begun, Inner, off};
use crate::compose::{Telling, know, tell};
use crate::rules::definition::{Definition, Follow};
use crate::rules::snapshot::{Members, Snapshot};
use crate::store::delivery::holding_add;
use crate::store::destination::DestinationNo;

/// Members read in one picture.
const PAGE: usize = 500;
/// Changes read at a time.
const CHANGES: usize = 2_000;

/// One party on a list.
pub(super) struct Row {
    /// The key of the public id it was in under.
    pub(super) party: Key,
    /// What is told of it.
    pub(super) fields: Map<String, Value>,
}

/// What is known while a list is gathered.
pub(super) struct Gathering {
    inner: Arc<Inner>,
    run: Run,
    destination: DestinationNo,
    ledger: String,
    members: u64,
    state: Option<State>,
    looked: u64,
    /// Parties on the list.
    pub(super) told: u64,
    /// How many are not on it, by reason.
    pub(super) reasons: BTreeMap<String, u64>,
}

/// What a page needs of those before it.
struct State {
    follow: Follow,
    definition: Definition,
    weights: Weights,
    snapshot: Snapshot,
    after: PartyNo,
    /// Two that were in and have become one are told once.
    told: HashSet<PartyNo>,
    is_over: bool,
}

/// A page of rows, and of those who are not among them.
#[derive(Default)]
struct Page {
    rows: Vec<Row>,
    reasons: Vec<String>,
}

impl Gathering {
    /// Gathers a list that was begun.
    pub(super) fn new(inner: Arc<Inner>, run: Run, begun: &Begun) -> Self {
        let state = State {
            follow: begun.follow.clone(),
            definition: begun.destination.definition.clone(),
            weights: insight::routes::weights(run.installation(), &run.scope),
            snapshot: Snapshot::at(begun.list.seq),
            after: PartyNo(0),
            told: HashSet::new(),
            is_over: false,
        };
        Self {
            inner,
            run,
            destination: begun.destination.no,
            ledger: begun.list.ledger.clone(),
            members: begun.members,
            state: Some(state),
            looked: 0,
            told: 0,
            reasons: BTreeMap::new(),
        }
    }

    /// The next rows; that the destination may hold something of them is noted by then. `None` after the
    /// last.
    ///
    /// # Errors
    /// As the database says, or because the job is to stop.
    pub(super) async fn page(&mut self) -> kernel::Result<Option<Vec<Row>>> {
        self.run.check()?;
        let Some(mut state) = self.state.take() else { return Ok(None) };
        let (inner, scope, now) = (Arc::clone(&self.inner), self.run.scope.clone(), self.run.now());
        let (state, page) = off(move || {
            let reader = inner.reader.clone();
            let page = reader.read_now(&scope, |identity, tx| {
                let members = state.members(&inner, identity.scope, tx)?;
                state.page(&inner, identity, tx, (&members, now))
            })?;
            Ok((state, page))
        })
        .await?;
        if !state.is_over {
            self.state = Some(state);
        }
        self.looked += (page.rows.len() + page.reasons.len()) as u64;
        self.told += page.rows.len() as u64;
        for reason in page.reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let holdings: HashSet<_> = page.rows.iter().map(|row| (self.ledger.clone(), row.party)).collect();
        let destination = self.destination;
        let noted = self.run.write(move |scope, tx| Ok(holding_add(scope, tx, destination, &holdings, now)?));
        noted.await?;
        self.run.progress(self.looked, Some(self.members.max(self.looked)), "parties looked at");
        Ok(Some(page.rows))
    }
}

impl State {
    /// The next members as of the list's place.
    fn members(&mut self, inner: &Inner, scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<Members> {
        let ledger = inner.ledger(&self.follow)?;
        loop {
            let changes = ledger.changes(scope, tx, &self.follow.id, self.snapshot.seen(), CHANGES)?;
            self.snapshot.see(&changes);
            if changes.len() < CHANGES {
                break;
            }
        }
        let now = ledger.present(scope, tx, &self.follow.id, self.after, PAGE)?;
        let members = self.snapshot.page(self.after, &now, PAGE);
        self.is_over = members.next.is_none();
        self.after = members.next.unwrap_or(self.after);
        Ok(members)
    }

    fn page(
        &mut self,
        inner: &Inner,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        (members, now): (&Members, kernel::Instant),
    ) -> kernel::Result<Page> {
        let telling = Telling { definition: &self.definition, weights: &self.weights, now };
        let mut page = Page::default();
        for (_, party) in &members.members {
            let known = know(identity, tx, &*inner.consent, *party)?;
            if known.as_ref().is_some_and(|known| !self.told.insert(known.party.no)) {
                page.reasons.push("party.merged".to_owned());
                continue;
            }
            match tell(identity, tx, known.as_ref(), telling)? {
                Ok(fields) => page.rows.push(Row { party: *party, fields }),
                Err(reason) => page.reasons.push(reason),
            }
        }
        Ok(page)
    }
}
