//! The members of audiences as sets of party numbers, kept in memory and brought up to date from the ledgers.
//!
//! A set carries the place in its audience's ledger it was made at. Whoever asks inside a transaction gets the
//! members as that transaction sees them: the changes since are added, or the set is read anew. So what is kept
//! here can be thrown away at any time and is never wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use db::Tx;
use kernel::{PartyNo, Scope, WorkspaceNo};
use roaring::RoaringBitmap;

use crate::store::audience::{Audience, AudienceNo};
use crate::store::membership::{change_page, membership_page};

/// Changes that are added one by one; with more the set is read anew.
const CHANGES_MAX: u64 = 100_000;
/// Rows read at a time.
const PAGE: usize = 10_000;
/// Sets that are kept; with more all are forgotten.
const SETS_MAX: usize = 4_096;

/// Members of audiences of all workspaces.
#[derive(Clone, Default)]
pub struct Sets {
    kept: Arc<Mutex<HashMap<(WorkspaceNo, AudienceNo), Kept>>>,
}

#[derive(Clone)]
struct Kept {
    /// The latest change that is part of it.
    seq: u64,
    members: Arc<RoaringBitmap>,
}

impl Sets {
    /// The members of an audience as the transaction sees them; `audience` was read in it.
    ///
    /// # Errors
    /// As the database says.
    pub fn members(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        audience: &Audience,
    ) -> db::Result<Arc<RoaringBitmap>> {
        let place = (scope.workspace, audience.no);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        let kept = match kept {
            Some(kept) if kept.seq == audience.last_seq => return Ok(kept.members),
            Some(kept) if kept.seq < audience.last_seq && audience.last_seq - kept.seq <= CHANGES_MAX => {
                catch_up(scope, tx, audience, kept)?
            }
            _ => read(scope, tx, audience)?,
        };
        let members = Arc::clone(&kept.members);
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SETS_MAX {
            all.clear();
        }
        // Somebody may have come further meanwhile.
        if all.get(&place).is_none_or(|other| other.seq < kept.seq) {
            all.insert(place, kept);
        }
        Ok(members)
    }
}

fn catch_up(scope: &Scope, tx: &mut Tx<'_>, audience: &Audience, kept: Kept) -> db::Result<Kept> {
    let mut members = Arc::unwrap_or_clone(kept.members);
    let mut seq = kept.seq;
    while seq < audience.last_seq {
        let page = change_page(scope, tx, audience.no, seq, PAGE)?;
        let Some(last) = page.last() else { return read(scope, tx, audience) };
        seq = last.seq;
        for change in page {
            match change.is_member {
                true => members.insert(change.party.0),
                false => members.remove(change.party.0),
            };
        }
    }
    Ok(Kept { seq, members: Arc::new(members) })
}

fn read(scope: &Scope, tx: &mut Tx<'_>, audience: &Audience) -> db::Result<Kept> {
    let (mut members, mut after) = (RoaringBitmap::new(), PartyNo(0));
    loop {
        let page = membership_page(scope, tx, audience.no, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(Kept { seq: audience.last_seq, members: Arc::new(members) });
        };
        after = last.party;
        members.extend(page.iter().map(|member| member.party.0));
    }
}
