//! Several workers on one PostgreSQL store: who dies or stands still is replaced, who comes back late
//! cannot commit, and the state is that of one worker alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use db::{Location, Pool, Store};
use headwater::applier::Applier;
use headwater::digest::digest;
use headwater::{handlers, stages};
use intake::batch::Context;
use kernel::{Failure, Scope, WorkspaceNo};
use log::sqlite::Options;
use log::{Log, SqliteLog};
use pipeline::{Counts, Cursor, Progress, Worker};
use testkit::{CountingIds, ManualClock, PostgresServer, TempDir};
use tokio::sync::watch;

use super::load::{Load, Shared};
use super::oracle::settle;
use super::server::Site;
use super::{cycles, dice};
use crate::properties::dice::Dice;
use crate::properties::history::{Message, NOW, frame, history};
use crate::properties::world::no_weights;

#[test]
fn killed_and_frozen_workers_are_replaced_and_nothing_is_lost_or_doubled() {
    let dir = testkit::temp_dir();
    let url = PostgresServer::start().database();
    let site = Site::create_on(&dir.path().join("data"), 2, Some(url));
    let (ledger, mut dice) = (Shared::default(), dice());
    let front = site.with(&["--role", "collect,serve"]).serve();
    let worker = site.with(&["--role", "process"]);
    let (mut one, mut other) = (worker.serve(), worker.serve());
    for round in 0..cycles(4).div_ceil(2) {
        let load = Load::start(front.address, &ledger, &mut dice, round);
        load.wait(200, 50 + dice.roll(100));
        // Both may have partitions: one dies, later the other stands still for longer than its lease.
        one.process.kill();
        load.wait(200, 50);
        load.stop();
        front.drain();
        one = worker.serve();
        let load = Load::start(front.address, &ledger, &mut dice, round + 1_000);
        load.wait(200, dice.roll(100));
        other.process.freeze();
        load.wait(200, 50);
        load.stop();
        front.drain();
        other.process.thaw();
        let load = Load::start(front.address, &ledger, &mut dice, round + 2_000);
        load.wait(200, 100);
        load.stop();
        front.drain();
        std::mem::swap(&mut one, &mut other);
    }
    drop((front, one, other));
    assert_eq!(settle(&site, &ledger), Vec::<String>::new());
}

/// Two workers of one partition, each with a clock of its own.
struct Pair {
    log: Arc<SqliteLog>,
    pool: Pool,
    scope: Scope,
    clocks: [Arc<ManualClock>; 2],
    workers: [Worker; 2],
    _dir: TempDir,
}

impl Pair {
    fn new() -> Self {
        let dir = testkit::temp_dir();
        let store = Store::open(&Location::Postgres(PostgresServer::start().database())).unwrap();
        let scope = Scope::system(WorkspaceNo(1), "pipeline");
        let pool = store.workspace(scope.workspace).unwrap();
        let clocks = [0, 1].map(|_| Arc::new(ManualClock::at(NOW)));
        let options =
            Options { reserve_bytes: 0, ..Options::new(clocks[0].clone(), Arc::new(CountingIds::default())) };
        let log = Arc::new(SqliteLog::open(dir.path(), options).unwrap());
        let workers = [0, 1].map(|no| worker(&log, &pool, &scope, &clocks[no], &format!("worker-{no}")));
        Self { log, pool, scope, clocks, workers, _dir: dir }
    }

    fn append(&self, messages: &[Message]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (receipt, message) in (0..).zip(messages) {
            let body = Bytes::from(frame(std::slice::from_ref(message), NOW, receipt));
            runtime.block_on(self.log.append(NOW, body)).unwrap();
        }
    }

    fn drain(&mut self, no: usize) -> kernel::Result<()> {
        self.workers[no].own_and_drain(&AtomicBool::new(false))
    }

    fn counts(&self) -> Counts {
        self.pool.read(|tx| Cursor::all(&self.scope, tx)).unwrap()[0].counts
    }
}

fn worker(log: &Arc<SqliteLog>, pool: &Pool, scope: &Scope, clock: &Arc<ManualClock>, owner: &str) -> Worker {
    let context = Context {
        scope: scope.clone(),
        secret: [7; 32],
        partition: 0,
        partitions: 1,
        time_zone: "UTC".into(),
    };
    let program =
        Applier::new(context, stages::stages(None, no_weights()), handlers::all(), Default::default());
    Worker {
        log: log.clone(),
        pool: pool.clone(),
        scope: scope.clone(),
        partition: 0,
        program: Box::new(program),
        clock: clock.clone(),
        options: pipeline::Options { owner: owner.to_owned(), ..pipeline::Options::default() },
        progress: watch::Sender::new(Progress::default()),
        owned: None,
    }
}

fn messages(seed: u64) -> Vec<Message> {
    (0..).map(|n| history(&mut Dice::new(seed + n), 40)).find(|list| list.len() > 20).unwrap()
}

#[test]
fn a_worker_that_was_replaced_cannot_commit_and_knows_nothing_when_it_comes_back() {
    let mut pair = Pair::new();
    let messages = messages(1);
    let (first, rest) = messages.split_at(10);
    let lease = pipeline::Options::default().lease.as_micros() as i64;
    pair.append(first);
    pair.drain(0).unwrap();
    let applied = pair.counts();
    pair.drain(1).unwrap();
    assert_eq!(pair.counts(), applied, "the lease of the first lasts");

    // The first stands still: its clock does, the other's does not.
    pair.clocks[1].advance(lease + 1);
    pair.append(&rest[..5]);
    pair.drain(1).unwrap();
    pair.append(&rest[5..]);
    let before = digest(&pair.pool, &pair.scope).unwrap();
    assert!(matches!(pair.drain(0), Err(Failure::Conflict { .. })), "its epoch is over");
    assert_eq!(digest(&pair.pool, &pair.scope).unwrap(), before, "nothing of what it did is kept");

    pair.drain(1).unwrap();
    let counts = pair.counts();
    // The first has the partition again: copies of what the other applied are copies to it too.
    pair.clocks[0].advance(3 * lease);
    pair.append(rest);
    pair.drain(0).unwrap();
    assert_eq!(pair.counts().processed, counts.processed);
    let undecided = |counts: Counts| counts.deduplicated + counts.quarantined;
    assert_eq!(undecided(pair.counts()), undecided(counts) + rest.len() as u64);
}

#[test]
fn a_worker_that_only_slept_knows_nothing_of_before_when_it_has_the_partition_again() {
    let mut pair = Pair::new();
    let messages = messages(100);
    let (first, rest) = messages.split_at(10);
    let lease = pipeline::Options::default().lease.as_micros() as i64;
    pair.append(first);
    pair.drain(0).unwrap();
    pair.append(rest);
    pair.clocks[1].advance(lease + 1);
    pair.drain(1).unwrap();
    let processed = pair.counts().processed;
    pair.clocks[0].advance(4 * lease);
    pair.append(rest);
    pair.drain(0).unwrap();
    assert_eq!(pair.counts().processed, processed, "{:?}", pair.counts());

    let mut alone = crate::properties::world::World::new();
    for (receipt, message) in (0..).zip(&messages) {
        alone.feed(&[frame(std::slice::from_ref(message), NOW, receipt)]);
    }
    let expected = digest(&alone.pool, &alone.scope).unwrap();
    assert_eq!(digest(&pair.pool, &pair.scope).unwrap().differences(&expected), Vec::new());
}
