//! The ledgers of audiences, as destinations follow them.

use db::Tx;
use insight::store::audience::audience_by_id;
use insight::store::membership::{change_page, membership_page};
use kernel::{Failure, Key, PartyNo, Scope};

use crate::ports::{Change, Ledger, Subject};

/// Who enters and leaves audiences.
pub struct AudienceLedger;

impl Ledger for AudienceLedger {
    fn kind(&self) -> &'static str {
        "audience"
    }

    fn events(&self) -> (&'static str, &'static str) {
        ("entered", "exited")
    }

    fn subject(&self, scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Option<Subject>> {
        let found = audience_by_id(scope, tx, id)?;
        Ok(found.map(|audience| Subject {
            name: audience.name,
            last_seq: audience.last_seq,
            members: audience.members,
            is_archived: audience.is_archived,
        }))
    }

    fn changes(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        id: &str,
        after: u64,
        limit: usize,
    ) -> kernel::Result<Vec<Change>> {
        let audience = audience_by_id(scope, tx, id)?.ok_or_else(|| Failure::not_found("audience"))?;
        let rows = change_page(scope, tx, audience.no, after, limit)?;
        let change = |row: insight::store::membership::Change| Change {
            seq: row.seq,
            party_no: row.party,
            party: row.party_key,
            is_present: row.is_member,
            at: row.at,
        };
        Ok(rows.into_iter().map(change).collect())
    }

    fn present(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        id: &str,
        after: PartyNo,
        limit: usize,
    ) -> kernel::Result<Vec<(PartyNo, Key)>> {
        let audience = audience_by_id(scope, tx, id)?.ok_or_else(|| Failure::not_found("audience"))?;
        let rows = membership_page(scope, tx, audience.no, after, limit)?;
        Ok(rows.into_iter().map(|member| (member.party, member.party_key)).collect())
    }
}
