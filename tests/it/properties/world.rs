//! One workspace without a server: frames go straight through the real stages into a real store.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use db::{Location, Pool, Store, Tx};
use headwater::applier::Applier;
use headwater::stages::Sabotage;
use headwater::{digest, handlers, stages};
use identity::party::party;
use identity::resolve::Identity;
use identity::store::definition::rules_current;
use insight::profile::Weights;
use insight::stages::WeightsOf;
use insight::timeline::{Filter, page};
use intake::batch::{Context, Stage};
use intake::command::Command;
use intake::rules::frame::Frame;
use kernel::digest::Digest;
use kernel::{Failure, Instant, PartyNo, Scope, WorkspaceNo};
use log::{Entry, Offset};
use pipeline::{Counts, Program};
use testkit::TempDir;

use super::history::NOW;

/// The same in every world, so that equal identifiers have equal keys.
pub(super) const SECRET: [u8; 32] = [7; 32];

/// A workspace and what applies its log.
pub(crate) struct World {
    pub(crate) pool: Pool,
    pub(crate) scope: Scope,
    pub(super) counts: Counts,
    /// One for each partition, and how many batches it has applied.
    appliers: Vec<(Applier, u64)>,
    extra: fn() -> Vec<Box<dyn Stage>>,
    sabotage: Option<Sabotage>,
    _dir: Option<TempDir>,
}

/// Everything a reader could see of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) digest: Digest,
    /// Each party with its identifiers, traits and timeline, by its public id.
    pub(super) parties: BTreeMap<String, String>,
    /// What identity keeps, in words, to tell what differs.
    rows: BTreeSet<String>,
}

impl World {
    /// An empty workspace in a folder of its own, in memory where there is such a place.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new_in("/dev/shm").unwrap_or_else(|_| testkit::temp_dir());
        let store = Store::open(&Location::Directory(dir.path().to_owned())).unwrap();
        Self { _dir: Some(dir), ..Self::on(&store, WorkspaceNo(1)) }
    }

    /// A workspace of a store.
    pub(super) fn on(store: &Store, no: WorkspaceNo) -> Self {
        let scope = Scope::system(no, "pipeline");
        Self {
            pool: store.workspace(no).unwrap(),
            appliers: vec![(applier(&scope, (0, 1), stages::stages(None, no_weights())), 0)],
            scope,
            counts: Counts::default(),
            extra: Vec::new,
            sabotage: None,
            _dir: None,
        }
    }

    /// Runs more stages among those of the product: where a test breaks something.
    pub(super) fn with_stages(mut self, extra: fn() -> Vec<Box<dyn Stage>>) -> Self {
        self.extra = extra;
        self.restart();
        self
    }

    /// Breaks a guarantee of the product's own stages.
    pub(super) fn with_sabotage(mut self, sabotage: Sabotage) -> Self {
        self.sabotage = Some(sabotage);
        self.restart();
        self
    }

    /// As many partitions, each with a worker of its own.
    pub(super) fn with_partitions(mut self, count: u32) -> Self {
        self.appliers = (0..count)
            .map(|no| (applier(&self.scope, (no, count), stages_of(self.sabotage, self.extra)), 0))
            .collect();
        self
    }

    /// Forgets all that is in memory, as a crash does.
    pub(super) fn restart(&mut self) {
        let count = self.appliers.len() as u32;
        for (no, (old, _)) in (0..).zip(&mut self.appliers) {
            *old = applier(&self.scope, (no, count), stages_of(self.sabotage, self.extra));
        }
    }

    /// Applies frames in one transaction.
    pub(crate) fn feed(&mut self, frames: &[Vec<u8>]) {
        self.feed_partition(0, frames);
    }

    /// Applies frames of one partition in one transaction.
    pub(super) fn feed_partition(&mut self, partition: usize, frames: &[Vec<u8>]) {
        let (applier, batch) = &mut self.appliers[partition];
        let counts = self.pool.write(|tx| applier.apply(tx, *batch, &entries(frames))).unwrap();
        applier.committed();
        *batch += 1;
        self.counts = self.counts.plus(counts);
    }

    /// Applies frames in a transaction that does not commit, as when the disk is full.
    pub(super) fn feed_in_vain(&mut self, partition: usize, frames: &[Vec<u8>]) {
        let (applier, batch) = &mut self.appliers[partition];
        let result: kernel::Result<()> = self.pool.write(|tx| {
            applier.apply(tx, *batch, &entries(frames))?;
            Err(Failure::unavailable("the disk is full"))
        });
        assert!(result.is_err());
        applier.rolled_back();
    }

    /// Applies what a person decided.
    pub(super) fn decide(&mut self, command: &Command) {
        let raw = serde_json::to_vec(command).unwrap();
        let frame = Frame::command(NOW, [0; 16], &raw);
        self.feed(&[frame.encode()]);
    }

    /// Lets time pass: everything that is due by then is done.
    pub(crate) fn wait_until(&mut self, now: Instant) {
        let (applier, _) = &mut self.appliers[0];
        while applier.is_due(now) {
            self.pool.write(|tx| applier.tick(tx, now)).unwrap();
            applier.committed();
        }
    }

    /// What there is now.
    pub(super) fn picture(&self) -> Picture {
        let digest = digest::digest(&self.pool, &self.scope).unwrap();
        let parties = self.read(|identity, tx| {
            let numbers = party_numbers(identity.scope, tx)?;
            numbers.into_iter().map(|no| show(identity, tx, no)).collect()
        });
        let rows = self.pool.read(|tx| rows(&self.scope, tx)).unwrap();
        Picture { digest, parties, rows }
    }

    /// Reads with the identity rules in force.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T>) -> T {
        let result = self.pool.read(|tx| {
            let (_, rules) = rules_current(&self.scope, tx)?;
            work(&Identity { scope: &self.scope, secret: &SECRET, rules: &rules }, tx)
        });
        result.unwrap()
    }
}

fn entries(frames: &[Vec<u8>]) -> Vec<Entry> {
    let entry = |(offset, frame): (u64, &Vec<u8>)| {
        let body = Bytes::copy_from_slice(frame);
        Entry { offset: Offset(offset), received: NOW, body }
    };
    (1..).zip(frames).map(entry).collect()
}

fn applier(scope: &Scope, (partition, partitions): (u32, u32), stages: Vec<Box<dyn Stage>>) -> Applier {
    let (scope, time_zone) = (scope.clone(), "Asia/Shanghai".to_owned());
    let context = Context { scope, secret: SECRET, partition, partitions, time_zone };
    Applier::new(context, stages, handlers::all(), Default::default())
}

fn stages_of(sabotage: Option<Sabotage>, extra: fn() -> Vec<Box<dyn Stage>>) -> Vec<Box<dyn Stage>> {
    let mut all = stages::stages(sabotage, no_weights());
    // Before the last two, so that what fails has written already.
    let place = all.len() - 2;
    all.splice(place..place, extra());
    all
}

/// Every party that holds something.
pub(crate) fn party_numbers(scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<BTreeSet<PartyNo>> {
    let sql = "select distinct party_no from node where workspace_id = ?1 and party_no > 0";
    let numbers = tx.query(sql, &[scope.workspace.into()], |row| Ok(PartyNo(row.int(0)? as u32)))?;
    Ok(numbers.into_iter().collect())
}

fn show(identity: &Identity<'_>, tx: &mut Tx<'_>, no: PartyNo) -> kernel::Result<(String, String)> {
    let scope = identity.scope;
    let party = party(identity, tx, no)?;
    let profile = insight::profile::profile(scope, tx, &party, &Weights::default())?;
    let (items, _) = page(scope, tx, &party, &Filter::default(), None, usize::MAX - 1)?;
    let members: Vec<_> =
        party.members.iter().map(|m| (&m.node.kind, &m.node.value, m.node.era, &m.spans)).collect();
    let traits: Vec<_> =
        profile.traits.iter().map(|(field, winner)| format!("{field}={}", winner.value)).collect();
    let items: Vec<_> = items.iter().map(|item| (&item.id, item.time.0)).collect();
    assert_eq!(
        items.len() as u64,
        profile.event_count,
        "{} has another number of events than it says",
        party.id
    );
    Ok((party.id.to_string(), format!("{members:?}\n    {traits:?}\n    {items:?}")))
}

/// The tables of identity with names instead of numbers.
fn rows(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<BTreeSet<String>> {
    let mut names: BTreeMap<i64, String> = BTreeMap::new();
    let sql = "select node_no, kind, value, era from node where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        names.insert(row.int(0)?, format!("{}:{}#{}", row.text(1)?, row.text(2)?, row.int(3)?));
        Ok(())
    })?;
    let name = |no: i64| names.get(&no).cloned().unwrap_or_default();
    let mut out = BTreeSet::new();
    for (table, a, b, rest) in [
        ("edge", "a_no", "b_no", "first_us, last_us, bucket"),
        ("touch", "soft_no", "hard_no", "first_us, last_us, bucket"),
        ("holder", "node_no", "coalesce(via_no, 0)", "from_us, from_us, from_us"),
        ("node", "node_no", "node_no", "first_us, coalesce(unbound_us, 0), is_split"),
        ("crowded", "node_no", "node_no", "length(via), 0, 0"),
    ] {
        let sql = format!("select {a}, {b}, {rest} from {table} where workspace_id = ?1");
        tx.each(&sql, &[scope.workspace.into()], &mut |row| {
            let numbers = [row.int(2)?, row.int(3)?, row.int(4)?];
            out.insert(format!("{table} {} {} {numbers:?}", name(row.int(0)?), name(row.int(1)?)));
            Ok(())
        })?;
    }
    let sql = "select a_no, b_no, reason from contested where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let mut ends = [name(row.int(0)?), name(row.int(1)?)];
        ends.sort();
        out.insert(format!("contested {ends:?} {}", row.text(2)?));
        Ok(())
    })?;
    Ok(out)
}

impl Picture {
    /// What differs, for people; nothing if they are equal.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.digest == other.digest && self.parties == other.parties {
            return None;
        }
        let mut out = String::new();
        out.extend(self.rows.difference(&other.rows).map(|row| format!("\n- {row}")));
        out.extend(other.rows.difference(&self.rows).map(|row| format!("\n+ {row}")));
        for (id, party) in &self.parties {
            if other.parties.get(id) != Some(party) {
                out += &format!("\n- {id} {party}");
            }
        }
        for (id, party) in &other.parties {
            if self.parties.get(id) != Some(party) {
                out += &format!("\n+ {id} {party}");
            }
        }
        Some(
            out + &format!("\ntables with rows here and there: {:?}", self.digest.differences(&other.digest)),
        )
    }
}

/// Every source weighs the same.
pub(crate) fn no_weights() -> WeightsOf {
    std::sync::Arc::new(Default::default)
}
