//! What became of each change at each destination, how far each ledger is accounted for, and whom a
//! destination may hold something of.

use std::collections::HashSet;

use db::{Bulk, ColumnType, Row, Tx, Value};
use kernel::{Instant, Key, Scope};

use super::destination::DestinationNo;
use crate::rules::settle::{State, Tries};

/// One change at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The ledger.
    pub ledger: String,
    /// Its place there.
    pub seq: u64,
    /// The key of the party's public id when it changed.
    pub party: Key,
    /// Whether the party entered.
    pub is_present: bool,
    /// Where it is.
    pub tries: Tries,
    /// When something was last done about it.
    pub last: Instant,
    /// The code of the last answer.
    pub code: Option<u16>,
    /// How long the last try took, in microseconds.
    pub latency_us: u64,
}

/// How far a destination has accounted for a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The ledger.
    pub ledger: String,
    /// Every change up to this one has a row.
    pub seq: u64,
    /// The changes after it up to this one may have been sent together, though nothing is recorded yet.
    pub claimed: u64,
}

static DELIVERY: Bulk = Bulk {
    table: "delivery",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("destination_no", ColumnType::Int),
        ("ledger", ColumnType::Text),
        ("seq", ColumnType::Int),
        ("party_key", ColumnType::Blob),
        ("is_present", ColumnType::Int),
        ("state", ColumnType::Text),
        ("attempts", ColumnType::Int),
        ("first_us", ColumnType::Int),
        ("last_us", ColumnType::Int),
        ("retry_us", ColumnType::Int),
        ("code", ColumnType::Int),
        ("latency_us", ColumnType::Int),
        ("reason", ColumnType::Text),
    ],
    on_conflict: "on conflict (workspace_id, destination_no, ledger, seq) do update set
        state = excluded.state, attempts = excluded.attempts, first_us = excluded.first_us,
        last_us = excluded.last_us, retry_us = excluded.retry_us, code = excluded.code,
        latency_us = excluded.latency_us, reason = excluded.reason",
};

static HOLDING: Bulk = Bulk {
    table: "destination_holding",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("destination_no", ColumnType::Int),
        ("ledger", ColumnType::Text),
        ("party_key", ColumnType::Blob),
        ("at_us", ColumnType::Int),
    ],
    on_conflict: "on conflict (workspace_id, destination_no, ledger, party_key) do nothing",
};

const COLUMNS: &str =
    "ledger, seq, party_key, is_present, state, attempts, first_us, last_us, retry_us, code,
                       latency_us, reason";

/// Writes what became of changes; each is there once.
///
/// # Errors
/// As the database says.
pub fn delivery_put(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    deliveries: &[Delivery],
) -> db::Result<()> {
    let mut values = Vec::with_capacity(deliveries.len() * DELIVERY.columns.len());
    for delivery in deliveries {
        let tries = &delivery.tries;
        values.extend_from_slice(&[
            scope.workspace.into(),
            destination.into(),
            (&delivery.ledger).into(),
            Value::Int(delivery.seq as i64),
            (&delivery.party).into(),
            i64::from(delivery.is_present).into(),
            tries.state.name().into(),
            i64::from(tries.attempts).into(),
            tries.first.into(),
            delivery.last.into(),
            tries.retry.into(),
            delivery.code.map(i64::from).into(),
            Value::Int(delivery.latency_us as i64),
            (&tries.reason).into(),
        ]);
    }
    tx.insert_many(&DELIVERY, &values).map(drop)
}

/// What waits at a destination, in the order of the ledgers, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn delivery_waiting(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    limit: usize,
) -> db::Result<Vec<Delivery>> {
    let sql = format!(
        "select {COLUMNS} from delivery where workspace_id = ?1 and destination_no = ?2 and state = 'waiting'
         order by ledger, seq limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), destination.into(), (limit as i64).into()], delivery)
}

/// Whether a later change of the same party was delivered.
///
/// # Errors
/// As the database says.
pub fn delivery_is_superseded(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    delivery: &Delivery,
) -> db::Result<bool> {
    let sql = "select 1 from delivery where workspace_id = ?1 and destination_no = ?2 and ledger = ?3
               and party_key = ?4 and seq > ?5 and state = 'delivered' limit 1";
    let params = [
        scope.workspace.into(),
        destination.into(),
        (&delivery.ledger).into(),
        (&delivery.party).into(),
        (delivery.seq as i64).into(),
    ];
    Ok(tx.query_one(sql, &params, |_| Ok(()))?.is_some())
}

/// Where a page of the log begins: everything strictly older comes next.
pub type Position = (Instant, String, u64);

/// The log of a destination, the latest first; of one state, or of all.
///
/// # Errors
/// As the database says.
pub fn delivery_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    state: Option<State>,
    before: &Position,
    limit: usize,
) -> db::Result<Vec<Delivery>> {
    let sql = format!(
        "select {COLUMNS} from delivery where workspace_id = ?1 and destination_no = ?2
         and (?3 = '' or state = ?3) and (last_us, ledger, seq) < (?4, ?5, ?6)
         order by last_us desc, ledger desc, seq desc limit ?7"
    );
    let params = [
        scope.workspace.into(),
        destination.into(),
        state.map_or("", State::name).into(),
        before.0.into(),
        (&before.1).into(),
        (before.2.min(i64::MAX as u64) as i64).into(),
        (limit as i64).into(),
    ];
    tx.query(&sql, &params, delivery)
}

/// How many changes are in each state at a destination.
///
/// # Errors
/// As the database says.
pub fn delivery_count(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    state: State,
) -> db::Result<u64> {
    let sql = "select count(*) from delivery where workspace_id = ?1 and destination_no = ?2 and state = ?3";
    let params = [scope.workspace.into(), destination.into(), state.name().into()];
    Ok(tx.query_one(sql, &params, |row| row.int(0))?.unwrap_or_default() as u64)
}

/// Lets dead letters be tried again: those of one place in a ledger, or all. Returns how many.
///
/// # Errors
/// As the database says.
pub fn delivery_revive(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    one: Option<(&str, u64)>,
) -> db::Result<u64> {
    let sql = "update delivery set state = 'waiting', attempts = 0, retry_us = 0
               where workspace_id = ?1 and destination_no = ?2 and state = 'dead'
               and (?3 = '' or (ledger = ?3 and seq = ?4))";
    let (ledger, seq) = one.unwrap_or_default();
    tx.execute(sql, &[scope.workspace.into(), destination.into(), ledger.into(), (seq as i64).into()])
}

/// Forgets what was dealt with before an instant, but for what can still be replayed.
///
/// # Errors
/// As the database says.
pub fn delivery_prune(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    before: Instant,
) -> db::Result<u64> {
    let sql = "delete from delivery where workspace_id = ?1 and destination_no = ?2 and last_us < ?3
               and state in ('delivered', 'blocked', 'skipped')";
    tx.execute(sql, &[scope.workspace.into(), destination.into(), before.into()])
}

/// How far a destination has accounted for its ledgers.
///
/// # Errors
/// As the database says.
pub fn cursor_all(scope: &Scope, tx: &mut Tx<'_>, destination: DestinationNo) -> db::Result<Vec<Cursor>> {
    let sql = "select ledger, seq, claimed_seq from destination_cursor
               where workspace_id = ?1 and destination_no = ?2 order by ledger";
    tx.query(sql, &[scope.workspace.into(), destination.into()], |row| {
        Ok(Cursor { ledger: row.text(0)?.to_owned(), seq: row.int(1)? as u64, claimed: row.int(2)? as u64 })
    })
}

/// Keeps how far a destination has accounted for a ledger.
///
/// # Errors
/// As the database says.
pub fn cursor_put(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    cursor: &Cursor,
) -> db::Result<()> {
    let sql = "insert into destination_cursor (workspace_id, destination_no, ledger, seq, claimed_seq)
               values (?1, ?2, ?3, ?4, ?5)
               on conflict (workspace_id, destination_no, ledger) do update set
                   seq = excluded.seq, claimed_seq = excluded.claimed_seq";
    let params = [
        scope.workspace.into(),
        destination.into(),
        (&cursor.ledger).into(),
        (cursor.seq as i64).into(),
        (cursor.claimed as i64).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Notes that a destination may hold something of these parties from now on.
///
/// # Errors
/// As the database says.
pub fn holding_add(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    parties: &HashSet<(String, Key)>,
    at: Instant,
) -> db::Result<()> {
    let mut values = Vec::with_capacity(parties.len() * HOLDING.columns.len());
    for (ledger, party) in parties {
        values.extend_from_slice(&[
            scope.workspace.into(),
            destination.into(),
            ledger.into(),
            party.into(),
            at.into(),
        ]);
    }
    tx.insert_many(&HOLDING, &values).map(drop)
}

/// Whether a destination may hold something of a party.
///
/// # Errors
/// As the database says.
pub fn holding_has(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    ledger: &str,
    party: &Key,
) -> db::Result<bool> {
    let sql = "select 1 from destination_holding
               where workspace_id = ?1 and destination_no = ?2 and ledger = ?3 and party_key = ?4";
    let params = [scope.workspace.into(), destination.into(), ledger.into(), party.into()];
    Ok(tx.query_one(sql, &params, |_| Ok(()))?.is_some())
}

/// Notes that a destination holds nothing of a party any more.
///
/// # Errors
/// As the database says.
pub fn holding_remove(
    scope: &Scope,
    tx: &mut Tx<'_>,
    destination: DestinationNo,
    ledger: &str,
    party: &Key,
) -> db::Result<()> {
    let sql = "delete from destination_holding
               where workspace_id = ?1 and destination_no = ?2 and ledger = ?3 and party_key = ?4";
    let params = [scope.workspace.into(), destination.into(), ledger.into(), party.into()];
    tx.execute(sql, &params).map(drop)
}

fn delivery(row: &Row<'_>) -> db::Result<Delivery> {
    let state = State::parse(row.text(4)?).ok_or_else(|| db::Error::Other("no such state".into()))?;
    Ok(Delivery {
        ledger: row.text(0)?.to_owned(),
        seq: row.int(1)? as u64,
        party: row.key(2)?,
        is_present: row.int(3)? != 0,
        tries: Tries {
            state,
            attempts: row.int(5)? as u32,
            first: row.instant(6)?,
            retry: row.instant(8)?,
            reason: row.text(11)?.to_owned(),
        },
        last: row.instant(7)?,
        code: row.int_opt(9)?.map(|code| code as u16),
        latency_us: row.int(10)? as u64,
    })
}
