//! Where a worker is in its partition, and the fence that keeps a replaced worker from committing.

use db::{Pool, Tx, Value};
use kernel::{Failure, Instant, Scope};

/// What a worker has counted since the workspace began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events applied to the state.
    pub processed: u64,
    /// Events seen before, within the window.
    pub deduplicated: u64,
    /// Events put aside with a reason.
    pub quarantined: u64,
}

impl Counts {
    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            processed: self.processed + other.processed,
            deduplicated: self.deduplicated + other.deduplicated,
            quarantined: self.quarantined + other.quarantined,
        }
    }
}

/// A partition's place, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which partition.
    pub partition: u32,
    /// The last entry that is part of the state.
    pub offset: u64,
    /// The log's incarnation that `offset` belongs to.
    pub incarnation: [u8; 16],
    /// Raised by every takeover; a commit under an older epoch fails.
    pub epoch: u64,
    /// Batches committed so far; numbers the rows they write.
    pub batch: u64,
    /// Totals.
    pub counts: Counts,
}

impl Cursor {
    /// Every partition's place.
    ///
    /// # Errors
    /// As the database says.
    pub fn all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Self>> {
        let sql = "select partition_no, log_offset, incarnation, epoch, batch_no, processed, deduplicated,
                   quarantined from cursor where workspace_id = ?1 order by partition_no";
        tx.query(sql, &[scope.workspace.into()], |row| {
            Ok(Self {
                partition: row.int(0)? as u32,
                offset: row.int(1)? as u64,
                incarnation: row.key(2)?.0,
                epoch: row.int(3)? as u64,
                batch: row.int(4)? as u64,
                counts: Counts {
                    processed: row.int(5)? as u64,
                    deduplicated: row.int(6)? as u64,
                    quarantined: row.int(7)? as u64,
                },
            })
        })
    }

    /// Takes a partition over: raises its epoch, so that whoever had it can no longer commit.
    /// `None` while another owner's lease lasts.
    ///
    /// # Errors
    /// As the database says.
    pub fn claim(pool: &Pool, scope: &Scope, claim: &Claim<'_>) -> db::Result<Option<Self>> {
        pool.write(|tx| {
            let sql = "insert into cursor (workspace_id, partition_no, log_offset, incarnation, epoch, owner,
                       lease_us, batch_no, processed, deduplicated, quarantined)
                       values (?1, ?2, 0, ?3, 0, '', 0, 0, 0, 0, 0)
                       on conflict (workspace_id, partition_no) do nothing";
            let partition = Value::Int(claim.partition.into());
            tx.execute(sql, &[scope.workspace.into(), partition, Value::Blob(&claim.incarnation)])?;
            let sql = "update cursor set epoch = epoch + 1, owner = ?3, lease_us = ?5
                       where workspace_id = ?1 and partition_no = ?2 and (owner = ?3 or lease_us < ?4)";
            let params = [
                scope.workspace.into(),
                partition,
                claim.owner.into(),
                claim.now.into(),
                claim.lease_until.into(),
            ];
            if tx.execute(sql, &params)? == 0 {
                return Ok(None);
            }
            let mine = Self::all(scope, tx)?.into_iter().find(|c| c.partition == claim.partition);
            let mut cursor =
                mine.ok_or_else(|| db::Error::Other("the cursor just written is gone".into()))?;
            if cursor.incarnation != claim.incarnation {
                // The log came back empty or restored: its offsets mean something else now. What was
                // processed before is recognised by its keys.
                tracing::error!(
                    partition = claim.partition,
                    "the log's incarnation changed; reading it from its start"
                );
                cursor.offset = 0;
                cursor.incarnation = claim.incarnation;
                let sql = "update cursor set log_offset = 0, incarnation = ?3
                           where workspace_id = ?1 and partition_no = ?2";
                tx.execute(sql, &[scope.workspace.into(), partition, Value::Blob(&claim.incarnation)])?;
            }
            Ok(Some(cursor))
        })
    }

    /// Moves the place forward inside the transaction of what was done.
    ///
    /// # Errors
    /// [`Failure::Conflict`] if somebody else moved it: this worker has been replaced.
    pub fn advance(&self, scope: &Scope, tx: &mut Tx<'_>, step: &Step) -> kernel::Result<Self> {
        let counts = self.counts.plus(step.counts);
        let sql = "update cursor set log_offset = ?3, batch_no = ?4, processed = ?5, deduplicated = ?6,
                   quarantined = ?7, lease_us = ?8
                   where workspace_id = ?1 and partition_no = ?2 and log_offset = ?9 and epoch = ?10";
        let changed = tx.execute(
            sql,
            &[
                scope.workspace.into(),
                Value::Int(self.partition.into()),
                Value::Int(step.offset as i64),
                Value::Int(self.batch as i64 + 1),
                Value::Int(counts.processed as i64),
                Value::Int(counts.deduplicated as i64),
                Value::Int(counts.quarantined as i64),
                step.lease_until.into(),
                Value::Int(self.offset as i64),
                Value::Int(self.epoch as i64),
            ],
        )?;
        if changed != 1 {
            return Err(Failure::conflict("another worker took this partition over"));
        }
        Ok(Self { offset: step.offset, batch: self.batch + 1, counts, ..self.clone() })
    }
}

/// Who wants which partition, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The partition.
    pub partition: u32,
    /// The log's incarnation.
    pub incarnation: [u8; 16],
    /// A name for this process.
    pub owner: &'a str,
    /// Now.
    pub now: Instant,
    /// Until when nobody else may take over (liveness only; safety is the epoch's).
    pub lease_until: Instant,
}

/// What a batch moves.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The last entry applied.
    pub offset: u64,
    /// What was counted.
    pub counts: Counts,
    /// Renewed lease.
    pub lease_until: Instant,
}
