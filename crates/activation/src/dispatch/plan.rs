//! What to do next for a destination: which changes, whether each may leave, and what is told.
//!
//! Read in one consistent picture of the workspace, just before it is sent: consent that is withdrawn in
//! between two rounds counts in the second.

use std::collections::{BTreeMap, HashMap, HashSet};

use channels::{Message, Topic};
use db::Tx;
use identity::resolve::Identity;
use insight::profile::Weights;
use kernel::{Failure, Instant, Key, PartyId};
use serde_json::Map;

use super::{Inner, PROBE, WAITING_MAX, WINDOW};
use crate::compose::{Known, Telling, key, know, tell};
use crate::ports::{Change, Ledger};
use crate::rules::definition::Follow;
use crate::rules::settle::{State, Tries};
use crate::store::delivery::{
    Cursor, Delivery, cursor_all, delivery_is_superseded, delivery_waiting, holding_has,
};
use crate::store::destination::Destination;
use crate::store::run::Run;

/// One round.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// To be sent, with where each is.
    pub(super) sends: Vec<(Delivery, Message)>,
    /// Accounted for without being sent now.
    pub(super) others: Vec<Delivery>,
    /// Where the cursors are afterwards.
    pub(super) cursors: Vec<Cursor>,
    /// Parties the destination may hold something of from now on.
    pub(super) holdings: HashSet<(String, Key)>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.others.is_empty() && self.cursors.is_empty()
    }
}

/// Puts a round together.
pub(super) struct Planner<'a, 'i> {
    inner: &'a Inner,
    identity: &'a Identity<'i>,
    destination: &'a Destination,
    weights: Weights,
    now: Instant,
    /// What is read of each party, once a round.
    known: HashMap<Key, Option<Known>>,
    plan: Plan,
}

impl<'a, 'i> Planner<'a, 'i> {
    pub(super) fn new(
        inner: &'a Inner,
        identity: &'a Identity<'i>,
        destination: &'a Destination,
        now: Instant,
    ) -> Self {
        let weights = insight::routes::weights(inner.reader.installation(), identity.scope);
        Self { inner, identity, destination, weights, now, known: HashMap::new(), plan: Plan::default() }
    }

    /// The next round of at most `room` messages: what waits and is due, or else what is new.
    ///
    /// A few messages that do not get through are not yet a destination that is down: until [`PROBE`] wait,
    /// new ones go ahead. Then the destination is left alone until its time, and a few are tried.
    pub(super) fn plan(mut self, tx: &mut Tx<'_>, run: &Run, room: usize) -> kernel::Result<Plan> {
        let scope = self.identity.scope;
        let waiting = delivery_waiting(scope, tx, self.destination.no, WAITING_MAX + WINDOW)?;
        let (is_failing, is_left_alone) = (run.health.failures > 0, run.health.retry > self.now);
        if !is_left_alone {
            let most = if is_failing { PROBE } else { WINDOW };
            self.take_waiting(tx, &waiting, room.min(most))?;
        }
        let room_for_new = match (is_failing, is_left_alone) {
            (true, _) => PROBE.saturating_sub(waiting.len()),
            // It took something, and asked for a pause.
            (false, true) => 0,
            (false, false) if waiting.len() >= WAITING_MAX => 0,
            (false, false) => WINDOW,
        };
        if self.plan.is_empty() && room_for_new > 0 {
            self.take_new(tx, &waiting, room.min(room_for_new))?;
        }
        Ok(self.plan)
    }

    fn take_waiting(&mut self, tx: &mut Tx<'_>, waiting: &[Delivery], room: usize) -> kernel::Result<()> {
        let mut held: HashSet<(&str, Key)> = HashSet::new();
        for delivery in waiting {
            if self.plan.sends.len() >= room {
                break;
            }
            // What waits behind another of its party goes with it or after it.
            let lane = (delivery.ledger.as_str(), delivery.party);
            if held.contains(&lane) || delivery.tries.retry > self.now {
                held.insert(lane);
                continue;
            }
            if delivery_is_superseded(self.identity.scope, tx, self.destination.no, delivery)? {
                self.put_aside(delivery.clone(), State::Skipped, "superseded");
                continue;
            }
            self.take(tx, delivery.clone())?;
        }
        Ok(())
    }

    fn take_new(&mut self, tx: &mut Tx<'_>, waiting: &[Delivery], room: usize) -> kernel::Result<()> {
        let scope = self.identity.scope;
        let lanes: HashSet<(&str, Key)> = waiting.iter().map(|d| (d.ledger.as_str(), d.party)).collect();
        let cursors: BTreeMap<String, Cursor> = cursor_all(scope, tx, self.destination.no)?
            .into_iter()
            .map(|cursor| (cursor.ledger.clone(), cursor))
            .collect();
        for follow in &self.destination.definition.follows {
            let left = room.saturating_sub(self.plan.sends.len());
            if left == 0 {
                break;
            }
            let name = follow.name();
            let cursor = cursors.get(&name).cloned().unwrap_or(Cursor { ledger: name, ..Cursor::default() });
            // What may have been sent together is sent together again, so that it has the same name.
            let limit = match cursor.claimed.saturating_sub(cursor.seq) {
                0 => left,
                claimed => claimed as usize,
            };
            let ledger = ledger(self.inner, follow)?;
            let changes = ledger.changes(scope, tx, &follow.id, cursor.seq, limit)?;
            let Some(last) = changes.last().map(|change| change.seq) else { continue };
            for change in changes {
                let delivery = new(&cursor.ledger, change);
                if lanes.contains(&(delivery.ledger.as_str(), delivery.party)) {
                    self.plan.others.push(delivery);
                } else {
                    self.take(tx, delivery)?;
                }
            }
            self.plan.cursors.push(Cursor { seq: last, claimed: last, ..cursor });
        }
        Ok(())
    }

    /// Decides about one change.
    fn take(&mut self, tx: &mut Tx<'_>, delivery: Delivery) -> kernel::Result<()> {
        let mut told = Map::new();
        if delivery.is_present {
            if !self.known.contains_key(&delivery.party) {
                let known = know(self.identity, tx, &*self.inner.consent, delivery.party)?;
                self.known.insert(delivery.party, known);
            }
            let known = self.known.get(&delivery.party).and_then(Option::as_ref);
            let definition = &self.destination.definition;
            let telling = Telling { definition, weights: &self.weights, now: self.now };
            match tell(self.identity, tx, known, telling)? {
                Ok(fields) => told = fields,
                Err(reason) => {
                    self.put_aside(delivery, State::Blocked, &reason);
                    return Ok(());
                }
            }
            self.plan.holdings.insert((delivery.ledger.clone(), delivery.party));
        } else if !self.holds(tx, &delivery)? {
            // That somebody left is told only to those who know of the party: it takes something back, and
            // says nothing but the id they have.
            self.put_aside(delivery, State::Skipped, "never_sent");
            return Ok(());
        }
        let message = self.message(tx, &delivery, told)?;
        self.plan.sends.push((delivery, message));
        Ok(())
    }

    fn holds(&self, tx: &mut Tx<'_>, delivery: &Delivery) -> kernel::Result<bool> {
        let lane = (delivery.ledger.clone(), delivery.party);
        let scope = self.identity.scope;
        Ok(self.plan.holdings.contains(&lane)
            || holding_has(scope, tx, self.destination.no, &delivery.ledger, &delivery.party)?)
    }

    fn message(
        &self,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        fields: Map<String, serde_json::Value>,
    ) -> kernel::Result<Message> {
        let (kind, id) = delivery.ledger.split_once(':').unwrap_or((&delivery.ledger, ""));
        let follow = Follow { ledger: kind.to_owned(), id: id.to_owned() };
        let ledger = ledger(self.inner, &follow)?;
        let scope = self.identity.scope;
        let subject = ledger.subject(scope, tx, id)?.ok_or_else(|| Failure::not_found(kind))?;
        let change = ledger.change(scope, tx, id, delivery.seq)?;
        let (entered, exited) = ledger.events();
        let verb = if delivery.is_present { entered } else { exited };
        Ok(Message {
            key: key(&self.inner.workspace.secret, &self.destination.id, &delivery.ledger, delivery.seq),
            event: format!("{kind}.{verb}"),
            party: PartyId(delivery.party).to_string(),
            topic: Topic { kind: kind.to_owned(), id: id.to_owned(), name: subject.name },
            is_present: delivery.is_present,
            seq: delivery.seq,
            at: change.map_or(delivery.last, |change| change.at),
            fields,
        })
    }

    fn put_aside(&mut self, mut delivery: Delivery, state: State, reason: &str) {
        delivery.tries.state = state;
        delivery.tries.reason = reason.to_owned();
        delivery.last = self.now;
        self.plan.others.push(delivery);
    }
}

fn new(ledger: &str, change: Change) -> Delivery {
    let tries = Tries {
        state: State::Waiting,
        attempts: 0,
        first: Instant(0),
        retry: Instant(0),
        reason: String::new(),
    };
    Delivery {
        ledger: ledger.to_owned(),
        seq: change.seq,
        party: change.party,
        is_present: change.is_present,
        tries,
        last: change.at,
        code: None,
        latency_us: 0,
    }
}

/// The ledger a destination follows.
fn ledger<'l>(inner: &'l Inner, follow: &Follow) -> kernel::Result<&'l dyn Ledger> {
    let found = inner.ledgers.iter().find(|ledger| ledger.kind() == follow.ledger);
    Ok(&**found
        .ok_or_else(|| Failure::invalid("follows", format!("there is no ledger `{}`", follow.ledger)))?)
}
