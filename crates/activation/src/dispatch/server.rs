//! One destination: round after round of plan, claim, send, record.

use std::sync::Arc;

use channels::{Attempt, Channel, Message};
use identity::reading::Reader;
use kernel::time::{DAY, HOUR, SECOND};
use kernel::{Failure, Instant};

use super::plan::{Plan, Planner};
use super::record::{Done, record};
use super::{Dispatcher, Inner, LEASE_MICROS, WINDOW, blocking};
use crate::open::{Opener, secrets};
use crate::seal::Sealer;
use crate::store::delivery::{Cursor, cursor_all, cursor_put, delivery_prune, holding_add};
use crate::store::destination::{Destination, DestinationNo, destination_by_no};
use crate::store::list::list_prune;
use crate::store::run::{Claim, run_claim, run_fence, run_fetch};

/// How long the log of what was dealt with is kept.
const LOG_MICROS: i64 = 30 * DAY;
/// How often what is older is removed.
const PRUNE_MICROS: i64 = HOUR;

/// Whether there was something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was, and there may be more.
    Worked,
    /// There was not.
    Idle,
}

/// Serves one destination.
pub struct Server {
    dispatcher: Dispatcher,
    no: DestinationNo,
    /// Under which it records, and until when it may.
    claim: Option<(u64, Instant)>,
    way: Option<Way>,
    pace: Pace,
    pruned: Instant,
}

/// A round that is ready to be sent.
struct Ready {
    plan: Plan,
    way: Option<Way>,
    rate: u32,
}

/// A way out, and what it was made of.
#[derive(Clone)]
struct Way {
    version: u32,
    /// Of each secret when it was changed, and whether the one before counts too.
    secrets: Vec<(Instant, bool)>,
    channel: Arc<dyn Channel>,
}

impl Server {
    pub(super) fn new(dispatcher: Dispatcher, no: DestinationNo) -> Self {
        Self { dispatcher, no, claim: None, way: None, pace: Pace::default(), pruned: Instant(0) }
    }

    /// Which destination.
    pub fn no(&self) -> DestinationNo {
        self.no
    }

    /// One round. After an error the destination is claimed anew.
    ///
    /// # Errors
    /// As the database says; what may have been sent is sent again, under the same keys.
    pub async fn step(&mut self) -> kernel::Result<Step> {
        let stepped = self.round().await;
        if stepped.is_err() {
            (self.claim, self.way) = (None, None);
        }
        stepped
    }

    async fn round(&mut self) -> kernel::Result<Step> {
        let Some(epoch) = self.claim().await? else { return Ok(Step::Idle) };
        let now = self.now();
        let room = self.pace.room(now);
        let Some(ready) = self.ready(now, room).await? else { return Ok(Step::Idle) };
        self.pace.rate = ready.rate;
        self.way = ready.way;
        let plan = Arc::new(ready.plan);
        if plan.is_empty() {
            return Ok(Step::Idle);
        }
        let mut attempts = Vec::new();
        if !plan.sends.is_empty() {
            self.mark(epoch, &plan).await?;
            let messages: Vec<Message> = plan.sends.iter().map(|(_, message)| message.clone()).collect();
            let way = self.way.as_ref().ok_or_else(|| Failure::internal("no way out"))?;
            attempts = way.channel.send(now, &messages).await;
            self.pace.spend(attempts.len());
        }
        self.keep(epoch, plan, attempts).await?;
        Ok(Step::Worked)
    }

    fn inner(&self) -> Arc<Inner> {
        Arc::clone(&self.dispatcher.inner)
    }

    fn now(&self) -> Instant {
        self.dispatcher.inner.reader.installation().now()
    }

    /// The epoch under which this process serves the destination; `None` while another does.
    async fn claim(&mut self) -> kernel::Result<Option<u64>> {
        let now = self.now();
        if let Some((epoch, lease)) = self.claim
            && now < lease.plus(-LEASE_MICROS / 2)
        {
            return Ok(Some(epoch));
        }
        let (inner, no, is_due) = (self.inner(), self.no, now > self.pruned.plus(PRUNE_MICROS));
        let lease = now.plus(LEASE_MICROS);
        let run = blocking(move || {
            let claim = Claim { destination: no, owner: &inner.owner, now, lease };
            inner.reader.installation().pool(&inner.scope)?.write(|tx| {
                let run = run_claim(&inner.scope, tx, &claim)?;
                if run.is_some() && is_due {
                    delivery_prune(&inner.scope, tx, no, now.plus(-LOG_MICROS))?;
                    list_prune(&inner.scope, tx, no, now.plus(-LOG_MICROS))?;
                }
                Ok(run)
            })
        });
        self.claim = run.await?.map(|run| (run.epoch, lease));
        if is_due && self.claim.is_some() {
            self.pruned = now;
        }
        Ok(self.claim.map(|(epoch, _)| epoch))
    }

    /// Reads what to do; `None` if the destination is to be left alone.
    async fn ready(&self, now: Instant, room: usize) -> kernel::Result<Option<Ready>> {
        let (inner, no, way) = (self.inner(), self.no, self.way.clone());
        blocking(move || {
            let reader: &Reader = &inner.reader;
            reader.read_now(&inner.scope, |identity, tx| {
                let found = destination_by_no(&inner.scope, tx, no)?;
                let Some(destination) = found.filter(|found| !found.is_archived && !found.is_paused) else {
                    return Ok(None);
                };
                let run = run_fetch(&inner.scope, tx, no)?;
                if room == 0 {
                    return Ok(None);
                }
                let plan = Planner::new(&inner, identity, &destination, now).plan(tx, &run, room)?;
                let rate = destination.definition.rate_per_second;
                let way = match plan.sends.is_empty() {
                    true => way,
                    false => Some(way_out(&inner, tx, &destination, way, now)?),
                };
                Ok(Some(Ready { plan, way, rate }))
            })
        })
        .await
    }

    /// Notes before sending what may be at the destination afterwards. Whoever was replaced stops here.
    async fn mark(&mut self, epoch: u64, plan: &Arc<Plan>) -> kernel::Result<()> {
        let (inner, no, plan) = (self.inner(), self.no, Arc::clone(plan));
        let now = self.now();
        let lease = now.plus(LEASE_MICROS);
        blocking(move || {
            inner.reader.installation().pool(&inner.scope)?.write(|tx| {
                run_fence(&inner.scope, tx, no, epoch, lease)?;
                holding_add(&inner.scope, tx, no, &plan.holdings, now)?;
                let before = cursor_all(&inner.scope, tx, no)?;
                for cursor in &plan.cursors {
                    let seq = before.iter().find(|known| known.ledger == cursor.ledger).map_or(0, |c| c.seq);
                    cursor_put(&inner.scope, tx, no, &Cursor { seq, ..cursor.clone() })?;
                }
                Ok::<_, Failure>(())
            })
        })
        .await?;
        self.claim = Some((epoch, lease));
        Ok(())
    }

    async fn keep(&mut self, epoch: u64, plan: Arc<Plan>, attempts: Vec<Attempt>) -> kernel::Result<()> {
        let (inner, destination, now) = (self.inner(), self.no, self.now());
        let lease = now.plus(LEASE_MICROS);
        blocking(move || {
            let installation = inner.reader.installation();
            let mut draw = [0; 8];
            draw.copy_from_slice(&installation.ids().secret()[..8]);
            let draw = u64::from_le_bytes(draw);
            let (plan, attempts) = (&*plan, &attempts[..]);
            let done = Done { destination, epoch, plan, attempts, now, lease, draw };
            installation.pool(&inner.scope)?.write(|tx| record(&inner.scope, tx, &done))
        })
        .await?;
        self.claim = Some((epoch, lease));
        Ok(())
    }
}

/// The way out to a destination: the one there is, unless its definition or a secret was changed since.
fn way_out(
    inner: &Inner,
    tx: &mut db::Tx<'_>,
    destination: &Destination,
    known: Option<Way>,
    now: Instant,
) -> kernel::Result<Way> {
    let definition = &destination.definition;
    let sealer = Sealer::new(inner.workspace.no, &inner.workspace.secret);
    let opened = secrets(&inner.scope, tx, &sealer, &definition.target, now)?;
    let (version, secrets) = (destination.version, opened.iter().map(|s| (s.changed, s.previous.is_some())));
    let secrets: Vec<_> = secrets.collect();
    match known {
        Some(way) if (way.version, &way.secrets) == (version, &secrets) => Ok(way),
        _ => {
            let (guard, workspace) = (&inner.guard, inner.workspace.no);
            let out = Opener { guard, workspace, definition, secrets: &opened }.open()?;
            Ok(Way { version, secrets, channel: out.channel() })
        }
    }
}

/// So many messages a second, and no more saved up than a second's.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    rate: u32,
    since: Instant,
    spent: usize,
}

impl Pace {
    fn room(&mut self, now: Instant) -> usize {
        if now.0 - self.since.0 >= SECOND {
            (self.since, self.spent) = (now, 0);
        }
        match self.rate {
            0 => WINDOW,
            rate => (rate as usize).saturating_sub(self.spent),
        }
    }

    fn spend(&mut self, messages: usize) {
        self.spent += messages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_leaves_in_a_second_than_was_said() {
        let mut pace = Pace { rate: 10, ..Pace::default() };
        let at = Instant(5 * SECOND);
        assert_eq!(pace.room(at), 10);
        pace.spend(7);
        assert_eq!(pace.room(at.plus(SECOND - 1)), 3);
        pace.spend(3);
        assert_eq!(pace.room(at.plus(SECOND - 1)), 0);
        assert_eq!(pace.room(at.plus(SECOND)), 10);
    }
}
