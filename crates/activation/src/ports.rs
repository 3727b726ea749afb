//! What activation needs from others: ledgers to follow, and what people said about consent.

use std::sync::Arc;

use db::Tx;
use identity::party::Party;
use identity::resolve::Identity;
use kernel::{Instant, Key, PartyNo, Scope};

use crate::rules::consent::Statement;

/// One change of a ledger: a party is in from now on, or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// The party's number.
    pub party_no: PartyNo,
    /// The key of the party's public id at that time.
    pub party: Key,
    /// Whether it is in from now on.
    pub is_present: bool,
    /// When.
    pub at: Instant,
}

/// What a ledger is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What people call it.
    pub name: String,
    /// Its latest change.
    pub last_seq: u64,
    /// How many are in now.
    pub members: u64,
    /// Whether it is put away: no new destination may follow it.
    pub is_archived: bool,
}

/// A kind of ledger destinations can follow: numbered changes without gaps, one list for each id.
pub trait Ledger: Send + Sync {
    /// Its kind, as definitions name it and as messages begin: `audience`.
    fn kind(&self) -> &'static str;

    /// What has happened, for the names of messages: (in, out), for example `entered` and `exited`.
    fn events(&self) -> (&'static str, &'static str);

    /// What the ledger of an id is about; `None` if there is none.
    ///
    /// # Errors
    /// As the database says.
    fn subject(&self, scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Option<Subject>>;

    /// The changes after a place, in order, at most `limit`.
    ///
    /// # Errors
    /// As the database says.
    fn changes(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        id: &str,
        after: u64,
        limit: usize,
    ) -> kernel::Result<Vec<Change>>;

    /// Who is in now, by number, after one: at most `limit`, with the keys of their public ids.
    ///
    /// # Errors
    /// As the database says.
    fn present(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        id: &str,
        after: PartyNo,
        limit: usize,
    ) -> kernel::Result<Vec<(PartyNo, Key)>>;

    /// The change at a place.
    ///
    /// # Errors
    /// As the database says.
    fn change(&self, scope: &Scope, tx: &mut Tx<'_>, id: &str, seq: u64) -> kernel::Result<Option<Change>> {
        let found = self.changes(scope, tx, id, seq.saturating_sub(1), 1)?;
        Ok(found.into_iter().find(|change| change.seq == seq))
    }
}

/// The ledgers there are.
pub type Ledgers = Arc<[Box<dyn Ledger>]>;

/// What a person said about consent.
pub trait ConsentOf: Send + Sync {
    /// Everything said by or for a party up to now.
    ///
    /// # Errors
    /// As the database says; then nothing leaves.
    fn statements(
        &self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        party: &Party,
    ) -> kernel::Result<Vec<Statement>>;
}
